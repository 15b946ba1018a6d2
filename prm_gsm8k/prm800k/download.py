"""Download one file of known size and sha256 over HTTP, resuming where an earlier download was cut off.

Bytes that have arrived are kept as `NAME.part`. The next download asks for the rest (HTTP Range), and starts over if
the server sends the whole file. The file gets its name once its sha256 matches.

`datasets` restarts a download at byte 0, and `http_get` of huggingface_hub is private and differs between versions; its
public HTTP session (proxies, certificates, HF_HUB_OFFLINE) is used here.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prm_gsm8k.dataset.jsonl import OTHER_FORMATS
from prm_gsm8k.dataset.recipe import Progress
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError

TRIES = 6  # consecutive tries in which nothing arrives
PAUSE = 1.0  # seconds after the first of them, doubled after each: 31 s in all
PATIENCE = 30.0  # seconds without a byte until a connection counts as dead
CHUNK = 1 << 16  # most bytes lost when a connection is cut
GONE = (400, 401, 403, 404, 410)  # permanent: a retry will not help

DO_WITHOUT = "clone https://github.com/openai/prm800k elsewhere (git lfs pull) and give it with --source"


@dataclass(frozen=True)
class Released:
    """A released file: its path in the repository, sha256 and size in bytes."""

    path: str
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """Its local name: `math_splits_test.jsonl` for `math_splits/test.jsonl`, `x.jsonl` for `data/x.jsonl`."""
        return self.path.removeprefix("prm800k/").removeprefix("data/").replace("/", "_")


class _RefusedError(Exception):
    """A permanent failure: the server refuses this file, or sends another."""


class _TransientError(Exception):
    """A transient failure."""


def download(file: Released, base: str, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch `base/PATH` into `folder`, unless it is there already.

    Args:
        file: the file to fetch.
        base: URL before its path.
        folder: where it is saved, with its `.part` file.
        progress: called with bytes.

    Raises:
        BadInputError: it cannot be downloaded, or differs from the release; then it is not kept.
        PrmGsm8kError: the disk is full or cannot be written.
    """
    from filelock import FileLock

    target = folder / file.name
    if target.is_file() and target.stat().st_size == file.bytes:
        return target
    url = f"{base.rstrip('/')}/{file.path}"
    part = folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{file.name}.lock"):  # two processes would write the same part
            if not target.is_file():
                _complete(part, file, url, progress)
                _check(part, file, url)
                part.replace(target)
    except OSError as error:
        raise _no_disk(part, error) from error
    return target


def _complete(part: Path, file: Released, url: str, progress: Progress | None) -> None:
    """Request the missing bytes until the file is complete, or nothing arrives in `TRIES` tries."""
    failures = 0
    while (have := part.stat().st_size if part.exists() else 0) != file.bytes:
        if have > file.bytes:
            part.unlink()
            have = 0
        try:
            _fetch(url, part, have, file, progress)
            why = "the connection was closed early"
        except PrmGsm8kError:
            raise
        except _RefusedError as error:
            raise BadInputError(url, f"{error}; {DO_WITHOUT}") from error
        except Exception as error:  # any HTTP library's error: refused, no such host, timeout, cut off
            if type(error).__name__ == "OfflineModeIsEnabled":
                raise BadInputError(url, f"HF_HUB_OFFLINE is set, and {file.name} is not downloaded yet") from error
            why = str(error).strip().split("\n")[0] or type(error).__name__
        now = part.stat().st_size if part.exists() else 0
        if now == file.bytes:
            return
        failures = 0 if now > have else failures + 1
        if failures == TRIES:
            kept = f"; {now:,} of {file.bytes:,} bytes are kept, the same command continues from there" if now else ""
            raise BadInputError(url, f"cannot be downloaded ({why}){kept}; try again later, or {DO_WITHOUT}")
        if failures:
            time.sleep(PAUSE * 2 ** (failures - 1))


def _fetch(url: str, part: Path, have: int, file: Released, progress: Progress | None) -> None:
    """One request: append what the server sends to `part`, or overwrite it if the server starts at byte 0."""
    from huggingface_hub import get_session

    headers = {"Accept-Encoding": "identity"}  # a range of a compressed answer is not a range of the file
    if have:
        headers["Range"] = f"bytes={have}-"
    session: Any = get_session()
    with session.stream("GET", url, headers=headers, timeout=PATIENCE, follow_redirects=True) as answer:
        status = answer.status_code
        if status in GONE:
            raise _RefusedError(f"the server answers {status} {answer.reason_phrase}".strip())
        if status == 416:  # the part is not a beginning of the file
            part.unlink()
        if status not in (200, 206):
            raise _TransientError(f"the server answers {status} {answer.reason_phrase}".strip())
        if status == 206 and not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise _TransientError("the server sends another range than it was asked for")
        if status == 200:
            have = 0
        for chunk in answer.iter_bytes(CHUNK):
            if not have:
                _refuse_other_formats(chunk)
            _append(part, chunk, have)
            have += len(chunk)
            if have > file.bytes:
                break
            if progress:
                progress(f"downloading {file.name}", have, file.bytes)
        if have > file.bytes or (have < file.bytes and "content-length" in answer.headers):  # a complete answer
            part.unlink(missing_ok=True)
            count = f"more than {file.bytes:,}" if have > file.bytes else f"{have:,}"
            raise _RefusedError(f"the server sends {count} bytes; {file.bytes:,} were released")


def _append(part: Path, chunk: bytes, have: int) -> None:
    """Write a chunk unbuffered, so that a kill loses none."""
    try:
        with part.open("ab" if have else "wb", buffering=0) as out:
            out.write(chunk)
    except OSError as error:
        raise _no_disk(part, error) from error


def _no_disk(part: Path, error: OSError) -> PrmGsm8kError:
    return PrmGsm8kError(
        f"{part}: the download cannot be written: {error.strerror or error}; free some space, or set "
        "HF_DATASETS_CACHE to a folder you own, on a disk that has some"
    )


def _refuse_other_formats(beginning: bytes) -> None:
    for start, what in OTHER_FORMATS:
        if beginning.lstrip().startswith(start):
            raise _RefusedError(f"the server answers with {what.partition(',')[0]}, not with the data")


def _check(part: Path, file: Released, url: str) -> None:
    with part.open("rb") as data:
        sha256 = hashlib.file_digest(data, "sha256").hexdigest()
    if sha256 != file.sha256:
        part.unlink()
        raise BadInputError(
            file.name,
            f"downloaded from {url} has sha256 {sha256}, not {file.sha256} as released; it is not kept. Try again",
        )
