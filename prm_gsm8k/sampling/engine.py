"""Client of a language model behind an OpenAI-compatible endpoint.

    check_endpoint("http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B")     # fails at once if the model is not there
    async with Engine("http://127.0.0.1:8000/v1", patience=60) as engine:
        answer = await engine.ask({"model": "Qwen/Qwen3-8B", "messages": [...], "max_tokens": 512})

Transient failures are retried for `patience` seconds: a refused or dropped connection, status 429 or 5xx, a garbled
answer. Permanent ones end the run at once with what to do: another model, a wrong key, a context too short.
`OPENAI_API_KEY`, if set, is sent to the endpoint and never shown.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from http.client import HTTPException
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import orjson

from prm_gsm8k.exceptions import EngineError, UsageError
from prm_gsm8k.sampling.rollout import Rollout

if TYPE_CHECKING:
    import aiohttp

KEEPS = "all answers so far are kept; the same command continues from here"
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each retry; the last repeats


class RequestRefused(EngineError):
    """The server refuses this one request for good, usually because its prompt does not fit."""


@dataclass(frozen=True)
class Served:
    """A model of an endpoint: its name there, and its context length in tokens if known."""

    model: str
    context: int | None


def base_url(endpoint: str) -> str:
    """The URL that `/models` and `/completions` are appended to.

    >>> base_url("http://127.0.0.1:8000/"), base_url("https://host/openai/v1/")
    ('http://127.0.0.1:8000/v1', 'https://host/openai/v1')
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--endpoint {endpoint}: not a URL such as http://127.0.0.1:8000/v1")
    url = endpoint.rstrip("/")
    return url if parts.path.rstrip("/") else f"{url}/v1"


def check_endpoint(endpoint: str, model: str | None, timeout: float = 10.0) -> Served:
    """Find `model` among the models of an endpoint; if None, its only one.

    Raises:
        EngineError: no answer within `timeout` seconds, not an OpenAI-compatible server, or no such model.
    """
    url = base_url(endpoint)
    opener = build_opener(ProxyHandler({}) if _is_loopback(url) else ProxyHandler())
    try:
        with opener.open(Request(f"{url}/models", headers=_headers()), timeout=timeout) as answer:
            status, said = answer.status, answer.read()
    except HTTPError as error:
        status, said = error.code, b""
    except (OSError, HTTPException) as error:  # URLError is an OSError
        if isinstance(getattr(error, "reason", error), TimeoutError):
            raise EngineError(f"{url} does not answer within {timeout:.0f} s; is the model being loaded?") from error
        why = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise EngineError(f"nothing answers at {url} ({why}); start the server, or correct --endpoint") from error
    if status in (401, 403):
        raise EngineError(f"{url} needs a key (status {status}): set OPENAI_API_KEY")
    try:
        entries = orjson.loads(said)["data"]
        there = [Served(entry["id"], entry.get("max_model_len")) for entry in entries]
        roots = {entry.get("root"): entry["id"] for entry in entries}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        what = f"status {status} and no list of models"
        raise EngineError(
            f"{url} is not an OpenAI-compatible server ({what}); --endpoint usually ends in /v1"
        ) from error
    names = [served.model for served in there]
    if model is None:
        if len(there) != 1:
            raise EngineError(f"{url} has {len(there)} models ({', '.join(names)}); choose one with --model")
        return there[0]
    for served in there:
        if served.model in (model, roots.get(model)):
            return served
    raise EngineError(f"{url} has {', '.join(names) or 'no model'}, not {model}; change --model or --endpoint")


class Engine:
    """Sends requests to one endpoint.

    Args:
        url: of the endpoint, see `base_url`.
        timeout: seconds one request may take. A server that answers no request for so long counts as hanging.
        patience: seconds for which a request is retried when the server fails.
    """

    def __init__(self, url: str, timeout: float = 600.0, patience: float = 60.0) -> None:
        self.url = base_url(url)
        self._timeout = timeout
        self._patience = patience
        self._client: aiohttp.ClientSession | None = None
        self._answered = time.monotonic()  # when the last answer came
        self._refused = False  # whether a request was
        self.answers = 0

    async def __aenter__(self) -> Engine:
        import aiohttp

        self._client = aiohttp.ClientSession(
            headers=_headers(),
            timeout=aiohttp.ClientTimeout(self._timeout, sock_connect=min(10.0, self._timeout)),
            connector=aiohttp.TCPConnector(limit=0),  # the caller limits concurrency
            trust_env=not _is_loopback(self.url),
        )
        self._answered = time.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._client is not None
        await self._client.close()

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The server's answer to a request, in OpenAI's format, with at least one choice of text.

        Raises:
            RequestRefused: the server refuses this request, but answered others.
            EngineError: it refuses the first request, has another model, or failed for `patience` seconds.
        """
        begin, tries = time.monotonic(), 0
        while True:
            waits_from = time.monotonic()
            try:
                return await self._try(request)
            except _Transient as error:
                failed = str(error)
            if failed == _HANGS and self._answered < waits_from:
                raise EngineError(
                    f"{self.url} hangs: no answer to any request for {self._timeout:.0f} s; check the server and "
                    f"restart it, or raise --timeout. {KEEPS}"
                )
            wait = WAITS[min(tries, len(WAITS) - 1)]
            tries += 1
            if time.monotonic() + wait - begin > max(self._patience, 2 * self._timeout if failed == _HANGS else 0):
                raise EngineError(
                    f"{self.url} {failed}, {tries} times within {time.monotonic() - begin:.0f} s; check the server "
                    f"and restart it. {KEEPS}"
                )
            await asyncio.sleep(wait)

    async def rollout(self, request: dict[str, Any]) -> Rollout:
        """The same, read; one that says `refused` if the server refuses this request alone. Raises EngineError."""
        try:
            return read_answer(await self.ask(request))
        except RequestRefused as error:
            if not self._refused:
                self._refused = True
                _say(f"{error}. It counts for nothing; others like it are only counted")
            return Rollout("", 0, "refused")

    async def _try(self, request: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        assert self._client is not None
        kind = "chat/completions" if "messages" in request else "completions"
        try:
            async with self._client.post(f"{self.url}/{kind}", data=orjson.dumps(request)) as answer:
                status, body = answer.status, await answer.read()
        except TimeoutError as error:
            raise _Transient(_HANGS) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Transient(f"cannot be reached ({str(error) or type(error).__name__})") from error
        said = body.decode(errors="replace").strip()[:300]
        if status == 429 or status >= 500:
            raise _Transient(f"answers {status} ({said})")
        if status in (401, 403):
            raise EngineError(f"{self.url} needs a key (status {status}): set OPENAI_API_KEY")
        if status == 404:
            raise EngineError(f"{self.url}/{kind} does not exist, or has no model {request['model']}: {said}")
        if status != 200:
            self._refuse(request, status, said)
        try:
            content = orjson.loads(body)
            read_answer(content)
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise _Transient(f"does not answer with a completion ({said or 'nothing'})") from error
        named = content.get("model") or request["model"]
        if named != request["model"] and not named.startswith(request["model"]):
            raise EngineError(
                f"{self.url} answers as {named}, not as {request['model']}; change --endpoint or --model. {KEEPS}"
            )
        self._answered = time.monotonic()
        self.answers += 1
        return dict(content)

    def _refuse(self, request: dict[str, Any], status: int, said: str) -> None:
        if "context length" in said or "model length" in said:
            what = (
                f"the context of {request['model']} is too short for a prompt and --max-tokens {request['max_tokens']};"
                f" lower --max-tokens, or raise the server's --max-model-len. It says: {said}"
            )
        else:
            what = f"{self.url} refuses a request (status {status}): {said}"
        # If others were answered, this prompt is too long; if none was, no request will be answered.
        raise RequestRefused(what) if self.answers else EngineError(what)


def read_answer(content: dict[str, Any]) -> Rollout:
    """The first choice of a chat or plain completion."""
    choice = content["choices"][0]
    message = choice["message"] or {} if "message" in choice else {"content": choice["text"]}
    text = message.get("content") or ""
    if isinstance(text, list):  # of parts, those of other kinds without text
        text = "".join(part.get("text") or "" for part in text if part.get("type", "text") == "text")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    tokens = (content.get("usage") or {}).get("completion_tokens") or 0
    finish = str(choice.get("finish_reason") or "unstated").lower()
    return Rollout(text + "", int(tokens), _FINISH.get(finish, finish), str(reasoning))


# How other servers than vLLM, SGLang and OpenAI's say it.
_FINISH = dict.fromkeys(("eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop") | {
    "max_tokens": "length"
}


def _say(what: str) -> None:
    """Print a line on stderr, from whatever process a task runs in."""
    print(f"prm-gsm8k: {what}", file=sys.stderr, flush=True)


_HANGS = "does not answer in time"


class _Transient(Exception):
    """A failure that a retry may mend."""


def _headers() -> dict[str, str]:
    key = os.environ.get("OPENAI_API_KEY")
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}


def _is_loopback(url: str) -> bool:
    """Whether a URL is on this machine, which is reached without a proxy."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
