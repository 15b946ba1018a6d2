"""Calls to the Hub through `huggingface_hub`: bounded retries, one-line errors, no secrets in messages.

Its exceptions become a `HubError`; transient ones (lost connection, 429, 5xx) are retried a few times first.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from prm_gsm8k.exceptions import HubError, HubUnreachable, UsageError

T = TypeVar("T")

REPO_TYPE = "dataset"
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before each retry
MAX_SECONDS = 60.0  # after which there is no further retry, beside what the Hub asks to wait
MAX_WAIT = 300.0  # seconds, the window of its limits

DENIED = "this token may not do that"

sleep = time.sleep


@dataclass(frozen=True)
class Trouble:
    """A failed call: message, HTTP status (None without a response), and seconds to wait before a retry."""

    message: str
    status: int | None = None
    retry_after: float = 0.0

    @property
    def is_transient(self) -> bool:
        """Whether a retry may succeed."""
        return self.status is None or self.status == 429 or self.status >= 500

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else changed the repository since it was read."""
        return self.status in (409, 412)


def ask(call: Callable[[], T], doing: str, *, conflicts: bool = False, if_denied: str = "") -> T:
    """Make a call, and retry it after a pause if it fails transiently.

    Args:
        call: must be idempotent.
        doing: what failed, for the error message.
        conflicts: retry on conflicts as well; `call` must then read the repository before it changes it.
        if_denied: what to do if the token may not.

    Raises:
        HubUnreachable: the last retry failed transiently.
        HubError: the failure is permanent, or every try met a conflict.
    """
    start = time.monotonic()
    for tries, pause in enumerate((*PAUSES, None), 1):
        try:
            return call()
        except Exception as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            if if_denied and trouble.status == 403:
                trouble = replace(trouble, message=trouble.message.replace(DENIED, f"{DENIED}; {if_denied}", 1))
            if not trouble.is_transient and not (conflicts and trouble.is_conflict):
                raise (HubUnreachable if trouble.status == 0 else HubError)(f"{doing}: {trouble.message}") from None
            asked = trouble.retry_after
            if asked > MAX_WAIT:
                message = f"{doing}: {trouble.message}; the Hub asks to wait {asked:,.0f} s, so run it again then"
                raise HubUnreachable(message) from None
            # huggingface_hub itself may have waited up to half a minute in each call
            if pause is None or time.monotonic() - start > MAX_SECONDS:
                message = f"{doing}: {trouble.message}, {tries} time{'s' * (tries > 1)} in a row; try again later"
                raise (HubUnreachable if trouble.is_transient else HubError)(message) from None
            if asked > pause:
                print(f"prm-gsm8k: {doing}: {trouble.message}; waiting {asked:.0f} s", file=sys.stderr)
                start += asked
            sleep(max(pause, asked))
    raise AssertionError("the last try returns or raises")


def trouble_of(error: BaseException | None) -> Trouble | None:
    """The failure behind an exception of `huggingface_hub`; None if the exception is not about the Hub.

    Uploads wrap the Hub's answer in a RuntimeError, downloads in a FileNotFoundError, so causes are searched too; and
    what it raises itself about an answer that it cannot read, such as a proxy's page.
    """
    from huggingface_hub import errors

    while error is not None:
        if isinstance(error, errors.OfflineModeIsEnabled):
            return Trouble("HF_HUB_OFFLINE is set, so the Hub is not asked", status=0)
        if isinstance(error, errors.HfHubHTTPError) or type(error).__name__ == "HTTPStatusError":
            return _of_response(error)
        if isinstance(error, errors.LocalTokenNotFoundError):
            return Trouble("not logged in; run `hf auth login`, or set HF_TOKEN", status=401)
        if isinstance(error, UnicodeEncodeError) or "header value" in str(error):  # the token, which they quote
            return Trouble("the token holds a character that no token has; run `hf auth login`, or set HF_TOKEN", 401)
        if isinstance(error, ConnectionError) or _is_transport(error):
            return Trouble(f"the Hub cannot be reached ({_without_secrets(str(error)) or type(error).__name__})")
        unread = error.__context__ if isinstance(error, UnicodeDecodeError | AttributeError) else None
        error = error.__cause__ or unread
    return None


def _of_response(error: BaseException) -> Trouble:
    from huggingface_hub import errors

    response = getattr(error, "response", None)
    status: int = getattr(response, "status_code", 0)
    headers = getattr(response, "headers", {})
    message = _without_secrets(str(getattr(error, "server_message", None) or headers.get("X-Error-Message") or ""))
    retry_after = told_wait(headers) or 0.0
    if isinstance(error, errors.GatedRepoError):
        words = "access to it must be asked for on its page first"
    elif isinstance(error, errors.RevisionNotFoundError):
        words = "there is no such revision"
    elif isinstance(error, errors.EntryNotFoundError):
        words = "there is no such file"
    elif isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        words = f"there is no such {_kind(response)}, or this token may not see it"
        status = 404
    elif status == 401:
        words = "the token is not valid; run `hf auth login`, or set HF_TOKEN"
    elif status == 403:
        words = DENIED
    elif status in (409, 412):
        words = "someone else changed it at the same time"
    else:
        words = f"the Hub answers {status}"
    return Trouble(f"{words} ({message})" if message else words, status, retry_after)


def told_wait(headers: Mapping[str, str], status: int = 429, said: str = "") -> float | None:
    """Seconds after which a server wants to be asked again, as its headers or its answer say; None if they do not.

    >>> [told_wait(h) for h in ({"Retry-After": "75"}, {"RateLimit": '"day";r=0;t=25'}, {"RateLimit": "r=3;t=25"})]
    [75.0, 25.0, None]
    >>> told_wait({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"})
    62.5
    """
    by_name = {name.lower(): value.strip() for name, value in headers.items()}
    waits = [_seconds(by_name[name], scale) for name, scale in _RETRY.items() if name in by_name]
    limit = by_name.get("ratelimit", "")
    for policy in (*limit.split(","), limit):  # one of several, or an older draft's fields
        fields: dict[str, str] = dict(re.findall(r"(\w+)=(\d+)", policy))
        if fields.get("r", fields.get("remaining")) == "0":
            waits.append(_seconds(fields.get("t", fields.get("reset", ""))))
    untold = "0" if status == 429 else ""
    for name, value in by_name.items():
        if "ratelimit" in name and "reset" in name and by_name.get(name.replace("reset", "remaining"), untold) == "0":
            waits.append(_seconds(value))
    if not waits and (told := _IN_TEXT.search(said)):
        waits.append(_seconds(told[1].rstrip(".")))
    return max((wait for wait in waits if wait is not None), default=None)


_RETRY = {"retry-after": 1.0, "retry-after-ms": 0.001}
# As Google, OpenAI and Groq say it.
_IN_TEXT = re.compile(r'(?:retryDelay"?\s*:\s*"|(?:try again|retry) (?:in|after) )(\d[\d.hms]*)', re.IGNORECASE)


def _seconds(text: str, scale: float = 1.0) -> float | None:
    """A wait in seconds: a number, `1m2.5s`, a date, or the second of an epoch; None if it is none of them."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text) * scale
        epoch = number / 1000 if number > 1e11 else number  # some count milliseconds
        return max(0.0, epoch - time.time()) if number > 1e9 else number
    if text and (parts := re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:(\d+)ms)?", text)):
        return sum(float(part) * unit for part, unit in zip(parts.groups("0"), (3600, 60, 1, 0.001), strict=True))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, OverflowError):
            return max(0.0, read(text).timestamp() - time.time())
    return None


def _kind(response: Any) -> str:
    """The kind of repository, from the URL; model URLs have no prefix outside the API."""
    address = str(getattr(response, "url", ""))
    return "dataset" if "/datasets/" in address else "model" if "/models/" in address else "repository"


def _is_transport(error: BaseException) -> bool:
    """Whether the HTTP client of huggingface_hub raised it: requests, httpx or httpx2, depending on the version."""
    return any(
        kind.__module__.partition(".")[0] in ("httpx", "httpx2", "requests")
        and kind.__name__ in ("TransportError", "RequestException")
        for kind in type(error).__mro__
    )


def _without_secrets(text: str) -> str:
    """One line without tokens, passwords and URL queries, which hold signatures."""
    text = re.sub(r"\bhf_\w+", "hf_…", " ".join(text.split()))
    text = re.sub(r"//[^/\s'\"]+@", "//…@", text)  # names and passwords, as of a proxy
    return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1?…", text)[:300]


def check_repo_id(repo_id: str) -> str:
    """Return a valid `ORG/NAME`; raises UsageError otherwise."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, but not marked so

    try:
        if repo_id.count("/") != 1:
            raise HFValidationError("it is not ORG/NAME")
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise UsageError(f"{repo_id!r} is no repository of the Hub: {error}; give ORG/NAME, as org/prm-gsm8k") from None
    return repo_id


@contextmanager
def bars_on_a_terminal_only() -> Iterator[None]:
    """Show the progress bars of huggingface_hub only if stderr is a terminal."""
    from huggingface_hub import utils

    bars: Any = utils  # documented, but not marked as exported

    if sys.stderr.isatty() or bars.are_progress_bars_disabled():
        yield
        return
    bars.disable_progress_bars()
    try:
        yield
    finally:
        bars.enable_progress_bars()
