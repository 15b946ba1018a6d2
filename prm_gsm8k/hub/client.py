"""How we speak to the Hub: patience that ends, errors in words, and a token that is never shown.

`huggingface_hub` does the speaking. What it raises is turned into a `HubError` of one line; what will pass (a lost
connection, 429, 5xx) is tried again a few times first.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from prm_gsm8k.exceptions import HubError, HubUnreachable, UsageError

T = TypeVar("T")

REPO_TYPE = "dataset"
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before the second, third … try
PATIENCE = 60.0  # seconds after which nothing is tried once more
LONGEST_PAUSE = 60.0  # however long the Hub asks us to wait

sleep = time.sleep


@dataclass(frozen=True)
class Trouble:
    """What came back instead of an answer: in words, with its HTTP status (None if there was none)."""

    said: str
    status: int | None = None
    retry_after: float = 0.0

    @property
    def will_pass(self) -> bool:
        """Whether the same question may be answered a little later."""
        return self.status is None or self.status == 429 or self.status >= 500

    @property
    def is_conflict(self) -> bool:
        """Whether someone else was faster: what was read is no longer what is there."""
        return self.status in (409, 412)


def ask(call: Callable[[], T], doing: str, *, conflicts: bool = False) -> T:
    """Call, and call again after a pause while the trouble may pass.

    Args:
        call: a question, or a change that may be made twice. With `conflicts` it reads what is there before it changes
            it, and is called again, too, when someone else was faster.
        doing: what was tried, for the error.

    Raises:
        HubUnreachable: the trouble did not pass.
        HubError: it never will, or someone else was faster every time.
    """
    start = time.monotonic()
    for tries, pause in enumerate((*PAUSES, None), 1):
        try:
            return call()
        except Exception as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            if not trouble.will_pass and not (conflicts and trouble.is_conflict):
                raise (HubUnreachable if trouble.status == 0 else HubError)(f"{doing}: {trouble.said}") from None
            # huggingface_hub may have waited for half a minute in each call itself
            if pause is None or time.monotonic() - start > PATIENCE:
                told = f"{doing}: {trouble.said}, {tries} time{'s' * (tries > 1)} in a row; try again later"
                raise (HubUnreachable if trouble.will_pass else HubError)(told) from None
            sleep(min(max(pause, trouble.retry_after), LONGEST_PAUSE))
    raise AssertionError("the last try returns or raises")


def trouble_of(error: BaseException | None) -> Trouble | None:
    """What an exception of `huggingface_hub` says, or None if it is not about the Hub.

    An upload wraps the Hub's answer in a RuntimeError, a download in a FileNotFoundError: the cause is what counts.
    """
    from huggingface_hub import errors

    while error is not None:
        if isinstance(error, errors.OfflineModeIsEnabled):
            return Trouble("HF_HUB_OFFLINE is set, so the Hub is not asked", status=0)
        if isinstance(error, errors.HfHubHTTPError):
            return _of_response(error)
        if isinstance(error, errors.LocalTokenNotFoundError):
            return Trouble("not logged in; run `hf auth login`, or set HF_TOKEN", status=401)
        if isinstance(error, ConnectionError) or _is_transport(error):
            return Trouble(f"the Hub cannot be reached ({_without_secrets(str(error)) or type(error).__name__})")
        error = error.__cause__
    return None


def _of_response(error: Exception) -> Trouble:
    from huggingface_hub import errors

    response = getattr(error, "response", None)
    status: int = getattr(response, "status_code", 0)
    headers = getattr(response, "headers", {})
    message = _without_secrets(str(getattr(error, "server_message", None) or headers.get("X-Error-Message") or ""))
    retry_after = 0.0
    with suppress(TypeError, ValueError):  # it may also be a date
        retry_after = float(headers.get("Retry-After") or 0)
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
        words = "this token may not do that; use one with write access"
    elif status in (409, 412):
        words = "someone else changed it at the same time"
    else:
        words = f"the Hub answers {status}"
    return Trouble(f"{words} ({message})" if message else words, status, retry_after)


def _kind(response: Any) -> str:
    """What was asked for, by its address: models have none of their own outside the API."""
    address = str(getattr(response, "url", ""))
    return "dataset" if "/datasets/" in address else "model" if "/models/" in address else "repository"


def _is_transport(error: BaseException) -> bool:
    """Whether it comes from the HTTP client below huggingface_hub, which has had several (requests, httpx, httpx2)."""
    return any(
        kind.__module__.partition(".")[0] in ("httpx", "httpx2", "requests")
        and kind.__name__ in ("TransportError", "RequestException")
        for kind in type(error).__mro__
    )


def _without_secrets(text: str) -> str:
    """One line without tokens and without the query of an address, where signatures stand."""
    text = re.sub(r"\bhf_\w+", "hf_…", " ".join(text.split()))
    return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1?…", text)[:300]


def check_repo_id(repo_id: str) -> str:
    """`ORG/NAME`, or a UsageError."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, but not said so

    try:
        if repo_id.count("/") != 1:
            raise HFValidationError("it is not ORG/NAME")
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise UsageError(f"{repo_id!r} is no repository of the Hub: {error}; give ORG/NAME, as org/prm-gsm8k") from None
    return repo_id


@contextmanager
def bars_on_a_terminal_only() -> Iterator[None]:
    """What huggingface_hub shows of its progress, where somebody sees it."""
    from huggingface_hub import utils

    bars: Any = utils  # documented there, but not marked as exported

    if sys.stderr.isatty() or bars.are_progress_bars_disabled():
        yield
        return
    bars.disable_progress_bars()
    try:
        yield
    finally:
        bars.enable_progress_bars()
