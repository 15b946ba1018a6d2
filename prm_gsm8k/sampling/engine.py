"""A language model behind an OpenAI-compatible address: who it is, and one request at a time with bounded waiting.

    check_endpoint("http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B")     # says at once what is wrong with it
    async with Engine("http://127.0.0.1:8000/v1", patience=60) as engine:
        answer = await engine.ask({"model": "Qwen/Qwen3-8B", "messages": [...], "max_tokens": 512})

What may pass by itself is tried again for `patience` seconds: a refused or dropped connection, an answer of 429 or 5xx,
one that is garbage. What cannot pass ends the run at once, with what to do: another model, a wrong key, a context too
short. `OPENAI_API_KEY`, where it is set, goes to the endpoint and is never shown.
"""

from __future__ import annotations

import asyncio
import os
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

KEEPS = "what is answered so far is kept; the same command goes on from here"
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before a request is sent again; the last for every further time


class RequestRefused(EngineError):
    """The server will not answer this one request, whenever it is asked: its prompt does not fit, most often."""


@dataclass(frozen=True)
class Served:
    """A model that an endpoint names: as what, and with how long a context if it says so."""

    model: str
    context: int | None


def base_url(endpoint: str) -> str:
    """The address that `/models` and `/completions` are appended to.

    >>> base_url("http://127.0.0.1:8000/"), base_url("https://host/openai/v1/")
    ('http://127.0.0.1:8000/v1', 'https://host/openai/v1')
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--endpoint {endpoint}: not an address; it looks like http://127.0.0.1:8000/v1")
    url = endpoint.rstrip("/")
    return url if parts.path.rstrip("/") else f"{url}/v1"


def check_endpoint(endpoint: str, model: str | None, timeout: float = 10.0) -> Served:
    """Ask an endpoint which models it has, and find `model` among them; without a name, its only one.

    Raises:
        EngineError: nothing answers within `timeout` seconds, what answers is no such server, or it has another model.
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
        raise EngineError(f"{url} wants a key (status {status}): set OPENAI_API_KEY")
    try:
        there = [Served(entry["id"], entry.get("max_model_len")) for entry in orjson.loads(said)["data"]]
        roots = {entry.get("root"): entry["id"] for entry in orjson.loads(said)["data"]}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        what = f"status {status} and no list of models"
        raise EngineError(
            f"{url} is no OpenAI-compatible server ({what}); --endpoint ends in /v1, most often"
        ) from error
    names = [served.model for served in there]
    if model is None:
        if len(there) != 1:
            raise EngineError(f"{url} has {len(there)} models ({', '.join(names)}); say which with --model")
        return there[0]
    for served in there:
        if served.model in (model, roots.get(model)):
            return served
    raise EngineError(
        f"{url} has {', '.join(names) or 'no model'}, not {model}; another --model, or another --endpoint"
    )


class Engine:
    """Sends requests to one address.

    Args:
        url: the address, see `base_url`.
        timeout: seconds one request may take. A server from which nothing at all came for so long counts as hanging.
        patience: seconds for which a request is tried again when the server fails.
    """

    def __init__(self, url: str, timeout: float = 600.0, patience: float = 60.0) -> None:
        self.url = base_url(url)
        self._timeout = timeout
        self._patience = patience
        self._client: aiohttp.ClientSession | None = None
        self._answered = time.monotonic()  # when the last answer came
        self.answers = 0

    async def __aenter__(self) -> Engine:
        import aiohttp

        self._client = aiohttp.ClientSession(
            headers=_headers(),
            timeout=aiohttp.ClientTimeout(self._timeout, sock_connect=min(10.0, self._timeout)),
            connector=aiohttp.TCPConnector(limit=0),  # how many are under way is decided above
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
        """The server's answer to a request, as OpenAI's format has it, with at least one choice of text.

        Raises:
            RequestRefused: the server will not answer this request, but did others.
            EngineError: it answers none, has another model, or failed for `patience` seconds.
        """
        begin, tries = time.monotonic(), 0
        while True:
            waits_from = time.monotonic()
            try:
                return await self._try(request)
            except _Passing as error:
                failed = str(error)
            if failed == _HANGS and self._answered < waits_from:
                raise EngineError(
                    f"{self.url} hangs: no answer to any request for {self._timeout:.0f} s; look at the server and "
                    f"start it again, or allow more (--timeout). {KEEPS}"
                )
            wait = WAITS[min(tries, len(WAITS) - 1)]
            tries += 1
            if time.monotonic() + wait - begin > max(self._patience, 2 * self._timeout if failed == _HANGS else 0):
                raise EngineError(
                    f"{self.url} {failed}, {tries} times within {time.monotonic() - begin:.0f} s; look at the server "
                    f"and start it again. {KEEPS}"
                )
            await asyncio.sleep(wait)

    async def _try(self, request: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        assert self._client is not None
        kind = "chat/completions" if "messages" in request else "completions"
        try:
            async with self._client.post(f"{self.url}/{kind}", data=orjson.dumps(request)) as answer:
                status, body = answer.status, await answer.read()
        except TimeoutError as error:
            raise _Passing(_HANGS) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Passing(f"cannot be reached ({str(error) or type(error).__name__})") from error
        said = body.decode(errors="replace").strip()[:300]
        if status == 429 or status >= 500:
            raise _Passing(f"answers {status} ({said})")
        if status in (401, 403):
            raise EngineError(f"{self.url} wants a key (status {status}): set OPENAI_API_KEY")
        if status == 404:
            raise EngineError(f"{self.url}/{kind} is not there, or has no model {request['model']}: {said}")
        if status != 200:
            self._refuse(request, status, said)
        try:
            content = orjson.loads(body)
            read_answer(content)
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise _Passing(f"answers what is no completion ({said or 'nothing'})") from error
        named = content.get("model") or request["model"]
        if named != request["model"] and not named.startswith(request["model"]):
            raise EngineError(
                f"{self.url} answers as {named}, not as {request['model']}; another --endpoint, or another "
                f"--model. {KEEPS}"
            )
        self._answered = time.monotonic()
        self.answers += 1
        return dict(content)

    def _refuse(self, request: dict[str, Any], status: int, said: str) -> None:
        if "context length" in said or "model length" in said:
            what = (
                f"the context of {request['model']} is too short for a prompt and --max-tokens {request['max_tokens']};"
                f" a smaller --max-tokens, or a server with a larger --max-model-len. It says: {said}"
            )
        else:
            what = f"{self.url} refuses a request (status {status}): {said}"
        # After others were answered it is one long prompt; before, it is every request.
        raise RequestRefused(what) if self.answers else EngineError(what)


def read_answer(content: dict[str, Any]) -> Rollout:
    """The first choice of a completion, of either kind."""
    choice = content["choices"][0]
    text = choice["message"]["content"] or "" if "message" in choice else choice["text"]
    tokens = (content.get("usage") or {}).get("completion_tokens") or 0
    return Rollout(text + "", int(tokens), str(choice.get("finish_reason") or "stop"))


_HANGS = "does not answer in time"


class _Passing(Exception):
    """What the server did wrong and may do right the next time."""


def _headers() -> dict[str, str]:
    key = os.environ.get("OPENAI_API_KEY")
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}


def _is_loopback(url: str) -> bool:
    """Then it goes through no proxy."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
