"""Client of a language model behind an OpenAI-compatible endpoint.

    check_endpoint("http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B")     # fails at once if the model is not there
    async with Engine("http://127.0.0.1:8000/v1", patience=60) as engine:
        answer = await engine.ask({"model": "Qwen/Qwen3-8B", "messages": [...], "max_tokens": 512})

Transient failures are retried until no request was answered for `patience` seconds: a refused or dropped connection,
status 429 or 5xx, a garbled answer; a wait that the server asks for (`Retry-After`, `RateLimit`) is kept and does not
count. Permanent ones end the run at once with what to do: another model, a wrong key, a context too short. A request
that fails while others are answered is refused alone. `OPENAI_API_KEY`, if set, is sent to the endpoint and never
shown.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass, replace
from http.client import HTTPException
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import orjson

from prm_gsm8k.exceptions import EngineError, UsageError
from prm_gsm8k.hub.client import told_wait
from prm_gsm8k.sampling.rollout import Rollout

if TYPE_CHECKING:
    import aiohttp

KEEPS = "all answers so far are kept; the same command continues from here"
CHECK = "What is 1 + 1?"  # asked, if nothing was answered yet, to tell a failing server from a refused request
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each retry; the last repeats
LONGEST_WAIT = 3600.0  # seconds that a server may ask us to wait
TOLD = 10  # such waits in a row, with no request answered
REFUSALS = 32  # in a row, after which it is asked whether the server still works


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
    if secret := re.search("[@?#&;=]", endpoint):
        raise UsageError(
            f"--endpoint: what stands at its {secret[0]!r}, such as a name, a password or a key, would get into logs; "
            "leave it out, and set OPENAI_API_KEY"
        )
    try:
        parts = urlsplit(endpoint)
        _ = parts.port, (parts.hostname or "").encode("idna")  # raise if they are none
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", endpoint):
        raise UsageError(f"--endpoint {hidden(endpoint)}: not a URL such as http://127.0.0.1:8000/v1")
    url = endpoint.rstrip("/")
    return url if parts.path.rstrip("/") else f"{url}/v1"


def hidden(text: str) -> str:
    """A message without what must not be shown: names and passwords in addresses, their queries, our key.

    >>> hidden("cannot reach http://user:pw@host/v1?key=abc, or user:pw@host")
    'cannot reach http://***@host/v1?***, or ***@host'
    """
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if key:
        text = text.replace(key, "***")
    text = re.sub(
        r"(//[^\s'\"]+|(?<![^\s'\"])[^/\s'\"]+)@", lambda found: f"{'//' * found[0].startswith('//')}***@", text
    )
    return re.sub(r"(//[^\s?#'\"]*[?#])[^\s'\"),]+", r"\1***", text)


def check_endpoint(endpoint: str, model: str | None, timeout: float = 10.0) -> Served:
    """Find `model` among the models of an endpoint; if None, its only one.

    Raises:
        EngineError: no answer within `timeout` seconds, not an OpenAI-compatible server, or no such model.
    """
    url = base_url(endpoint)
    opener = build_opener(ProxyHandler({}) if _is_loopback(url) else ProxyHandler())
    request = Request(f"{url}/models")
    for name, value in _headers().items():
        request.add_unredirected_header(name, value)  # the key goes to no other server
    try:
        with opener.open(request, timeout=timeout) as answer:
            status, said = answer.status, answer.read()
    except HTTPError as error:
        status, said = error.code, b""
    except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError; a bad proxy is a ValueError
        if isinstance(getattr(error, "reason", error), TimeoutError):
            raise EngineError(f"{url} does not answer within {timeout:.0f} s; is the model being loaded?") from error
        why = hidden(str(getattr(error, "reason", None) or error)) or type(error).__name__
        raise EngineError(f"nothing answers at {url} ({why}); start the server, or correct --endpoint") from error
    if status in (401, 403):
        raise EngineError(_needs_key(url, status))
    if model is not None and status in (404, 405, 501):
        _say(f"{url} has no list of models (status {status}); asking for {model}")
        return Served(model, None)
    try:
        there, roots = _models(orjson.loads(said))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
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
    for served in there:
        if _same(served.model, model):
            return Served(model, served.context)
    raise EngineError(f"{url} has {', '.join(names) or 'no model'}, not {model}; change --model or --endpoint")


def _models(content: Any) -> tuple[list[Served], dict[str, str]]:
    """The models of a list, bare or under a key, of objects or of names; and their names by their roots."""
    entries = content if isinstance(content, list) else content["data"] if "data" in content else content["models"]
    entries = [{"id": entry} if isinstance(entry, str) else entry for entry in entries]
    names = [next(entry[key] for key in ("id", "name", "model") if entry.get(key)) + "" for entry in entries]
    there = [Served(name, entry.get("max_model_len")) for name, entry in zip(names, entries, strict=True)]
    return there, {entry.get("root"): name for name, entry in zip(names, entries, strict=True)}


def _same(named: str, model: str) -> bool:
    """Whether a server calls a model so: with Google's `models/` before, a date or `latest` behind, without a provider.

    >>> [_same(named, "gpt-4o") for named in ("gpt-4o-2024-08-06", "models/gpt-4o", "gpt-4o-mini", "gpt-4o:latest")]
    [True, True, False, True]
    """
    named, model = named.removeprefix("models/"), model.removeprefix("models/")
    behind = named.removeprefix(model)
    return model.startswith(f"{named}:") or not behind or re.match(r"[-@:](\d{3}|latest)", behind) is not None


def _needs_key(url: str, status: int) -> str:
    other = ", and not the one that it was sent" if os.environ.get("OPENAI_API_KEY") else ""
    return f"{url} needs a key (status {status}){other}: set OPENAI_API_KEY"


class Engine:
    """Sends requests to one endpoint.

    Args:
        url: of the endpoint, see `base_url`.
        timeout: seconds one request may take. A server that answers no request for so long counts as hanging.
        patience: seconds for which requests are retried when the server answers none.
        check: a request that the server should be able to answer; it tells a server that fails from one that refuses
            a single request. Without it, a server that has answered before is taken for one that works.
    """

    def __init__(
        self, url: str, timeout: float = 600.0, patience: float = 60.0, check: dict[str, Any] | None = None
    ) -> None:
        self.url = base_url(url)
        self._timeout = timeout
        self._patience = patience
        self._client: aiohttp.ClientSession | None = None
        self._answered = time.monotonic()  # when the last answer came
        self._check = check
        self._opens = 0.0  # when the server wants to be asked again
        self._refused = False  # whether a request was
        self._refusals = 0  # since the last answer
        self.named = ""  # what the server calls the model
        self._build = ""  # and its own build, `system_fingerprint`
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
        begin, tries, told, last_told = time.monotonic(), 0, 0, 0.0
        while True:
            waits_from = time.monotonic()
            try:
                return await self._try(request)
            except _Transient as error:
                failed, asked_to_wait = str(error), error.wait
            now = time.monotonic()
            if failed == _HANGS and self._answered < waits_from:
                raise EngineError(
                    f"{self.url} hangs: no answer to any request for {self._timeout:.0f} s; check the server and "
                    f"restart it, or raise --timeout. {KEEPS}"
                )
            wait = WAITS[min(tries, len(WAITS) - 1)]
            tries += 1
            if asked_to_wait is not None:
                told = 1 if self._answered > last_told else told + 1
                last_told = now
                if told <= TOLD and asked_to_wait <= LONGEST_WAIT:
                    await self._wait_until(now + max(asked_to_wait, wait), failed)
                    begin = time.monotonic()
                    continue
                failed += f" and asks to wait {asked_to_wait:,.0f} s"
            patience = max(self._patience, 2 * self._timeout if failed == _HANGS else 0)
            if now + wait - max(begin, self._answered) > patience:
                what = f"{self.url} {failed}, {tries} times within {now - begin:.0f} s"
                if self._check is not None and await self._works():
                    raise RequestRefused(f"{what}, for one request, though it answers others")
                raise EngineError(f"{what}; check the server and restart it. {KEEPS}")
            await asyncio.sleep(wait)

    async def _wait_until(self, opens: float, why: str) -> None:
        """Wait as the server asks, and say so once for all requests."""
        if opens > self._opens + 1:
            _say(f"{self.url} {why}; waiting {opens - time.monotonic():.0f} s as it asks")
        self._opens = max(self._opens, opens)
        await asyncio.sleep(self._opens - time.monotonic())

    async def _works(self) -> bool:
        """Whether the server answers the request that it should be able to answer."""
        assert self._check is not None
        try:
            await self._try(self._check)
        except (_Transient, EngineError):
            return False
        return True

    async def rollout(self, request: dict[str, Any]) -> Rollout:
        """The same, read; one that says `refused` if the server refuses this request alone. Raises EngineError."""
        try:
            answer = read_answer(await self.ask(request))
        except RequestRefused as error:
            if not self._refused:
                self._refused = True
                _say(f"{error}. It counts for nothing; others like it are only counted")
            return Rollout("", 0, "refused")
        most = min(request.get(name) or sys.maxsize for name in ("max_tokens", "max_completion_tokens"))
        if answer.finish == "stop" and answer.tokens >= most:
            answer = replace(answer, finish="length")  # some servers say "stop" of whatever they cut off
        return replace(answer, text=_without(_given(request), answer.text))

    async def _try(self, request: dict[str, Any]) -> dict[str, Any]:
        import aiohttp

        assert self._client is not None
        kind = "chat/completions" if "messages" in request else "completions"
        try:
            async with self._client.post(f"{self.url}/{kind}", data=orjson.dumps(request)) as answer:
                status, body, headers = answer.status, await answer.read(), answer.headers
        except TimeoutError as error:
            raise _Transient(_HANGS) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _Transient(f"cannot be reached ({hidden(str(error)) or type(error).__name__})") from error
        said = hidden(body.decode(errors="replace").strip())[:300]
        if status in (408, 409, 425, 429) or status >= 500:
            raise _Transient(f"answers {status} ({said})", told_wait(headers, status, body.decode(errors="replace")))
        if status == 402:
            raise EngineError(f"{self.url} wants to be paid (status 402): {said}. {KEEPS}")
        checked = self._check not in (None, request)  # 403 may be of one prompt that a filter dislikes
        if status == 401 or (status == 403 and not (checked and await self._works())):
            raise EngineError(f"{_needs_key(self.url, status)}. {KEEPS}")
        if status == 404:
            raise EngineError(f"{self.url}/{kind} does not exist, or has no model {request['model']}: {said}")
        if status != 200:
            await self._refuse(request, status, said)
        try:
            content = orjson.loads(body)
            read_answer(content)
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise _Transient(f"does not answer with a completion ({said or 'nothing'})") from error
        self._identify(content, request["model"])
        self._answered = time.monotonic()
        self.answers += 1
        self._refusals = 0
        return dict(content)

    def _identify(self, content: dict[str, Any], model: str) -> None:
        """Raise EngineError if another model answers than was asked, or than before; say so if only its build did."""
        named, build = str(content.get("model") or model), str(content.get("system_fingerprint") or "")
        if not _same(named, model):
            raise EngineError(f"{self.url} answers as {named}, not as {model}; change --endpoint or --model. {KEEPS}")
        if self.named not in ("", named):
            raise EngineError(
                f"{self.url} answers as {named} now, as {self.named} before: name one of them with --model. {KEEPS}"
            )
        if build and self._build and build != self._build:
            _say(
                f"{self.url} changed its system_fingerprint from {self._build} to {build}: another build of {model} "
                "may answer now; to keep their answers apart, end this and name each by --revision"
            )
        self.named, self._build = named, build or self._build

    async def _refuse(self, request: dict[str, Any], status: int, said: str) -> None:
        if "context length" in said or "model length" in said:
            what = (
                f"the context of {request['model']} is too short for a prompt and --max-tokens "
                f"{request.get('max_tokens', '')}; lower --max-tokens, or raise the server's --max-model-len. "
                f"It says: {said}"
            )
        else:
            what = f"{self.url} refuses a request (status {status}): {said}"
            if status in (400, 422):
                what += "; a field that it does not know can be left out (--omit) or added (--extra-body)"
        # If others are answered, it is this one; if none is, no request will be answered.
        self._refusals += 1
        known = self.answers and (self._refusals <= REFUSALS or self._check is None)
        works = known or (self._check not in (None, request) and await self._works())
        raise RequestRefused(what) if works else EngineError(f"{what}. {KEEPS}")


def _given(request: dict[str, Any]) -> str:
    """The text that an answer is to go on from: the prompt, or the assistant's last message."""
    last = (request.get("messages") or [{"role": "", "content": ""}])[-1]
    return str(request["prompt"] if "prompt" in request else last["content"] if last["role"] == "assistant" else "")


def _without(given: str, text: str) -> str:
    """An answer without what it was to go on from, which some servers send back."""
    if not given.strip() or text.startswith(given):
        return text.removeprefix(given)
    short = text.removeprefix(given.rstrip())
    return short if short[:1] in ("", "\n") else text


def read_answer(content: dict[str, Any]) -> Rollout:
    """The first choice of a chat or plain completion."""
    choice = content["choices"][0]
    message = choice["message"] or {} if "message" in choice else {"content": choice["text"]}
    text = message.get("content") or ""
    if isinstance(text, list):  # of parts, those of other kinds without text
        text = "".join(part.get("text") or "" for part in text if part.get("type", "text") == "text")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    usage = content.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else 0
    finish = str(choice.get("finish_reason") or "unstated").lower()
    finish = "error" if choice.get("error") else "refusal" if message.get("refusal") else finish
    known = int(tokens) if isinstance(tokens, int | float) and 0 <= tokens < 2**31 else 0
    return Rollout(text + "", known, _FINISH.get(finish, finish), str(reasoning))


# How other servers than vLLM, SGLang and OpenAI's say it.
_FINISH = dict.fromkeys(
    ("eos", "eos_token", "eot", "end_of_turn", "end_turn", "stop_sequence", "stop_token", "complete", "completed"),
    "stop",
) | dict.fromkeys(("max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit"), "length")


def _say(what: str) -> None:
    """Print a line on stderr, from whatever process a task runs in."""
    print(f"prm-gsm8k: {what}", file=sys.stderr, flush=True)


_HANGS = "does not answer in time"


class _Transient(Exception):
    """A failure that a retry may mend; `wait` is after how many seconds, if the server says."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def _headers() -> dict[str, str]:
    key = os.environ.get("OPENAI_API_KEY", "").strip()  # a file it was read from ends in a newline
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError("OPENAI_API_KEY holds a character that no key has, such as a line break; set it again")
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}


def _is_loopback(url: str) -> bool:
    """Whether a URL is on this machine, which is reached without a proxy."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
