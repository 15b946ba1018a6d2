"""Worker processes that generate rows ahead of the writer.

`datasets` has its own (`num_proc`), but starts them for each split, and only after its import, which takes a second.
These are forked from a small process at once and have generated many rows by the time `datasets` is imported.

What a process has made can be kept in a folder until the build is done: a build that was killed finds it there.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from prm_gsm8k.exceptions import PrmGsm8kError

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Inputs, Recipe, Tally

BATCHES_AHEAD = 256  # generated and not yet taken: at most about 50 MB


class Workers:
    """`num_proc` processes that generate the rows of the batches of `inputs`, in order; `kept` as for `make`.

    Methods raise `PrmGsm8kError` if a process was killed.
    """

    def __init__(self, recipe: Recipe, inputs: Inputs, num_proc: int, kept: Path | None = None) -> None:
        self._recipe, self._kept = recipe, kept
        self._to_do = iter([batch for batches in inputs.batches.values() for batch in batches])
        self._made: dict[bytes, Future[tuple[bytes, Tally]]] = {}
        self.batches_done = 0
        self._pool = ProcessPoolExecutor(num_proc, initializer=_yield_to_parent)
        for _ in range(BATCHES_AHEAD):
            self._submit()

    def take(self, batch: bytes) -> tuple[list[dict[str, Any]], Tally]:
        """Wait for the rows and the tally of a batch; once per batch."""
        with _check_workers():
            rows, tally = self._made.pop(batch).result()
        self._submit()
        return orjson.loads(rows), tally

    def close(self) -> None:
        """Stop each process after its current batch; pending batches are cancelled."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self) -> None:
        if (batch := next(self._to_do, None)) is not None:
            with _check_workers():
                self._made[batch] = self._pool.submit(make, self._recipe, batch, self._kept)
            self._made[batch].add_done_callback(self._count)

    def _count(self, _: Future[Any]) -> None:
        self.batches_done += 1  # called in one thread only


@contextmanager
def _check_workers() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise PrmGsm8kError(
            "a process that makes rows was killed, probably for lack of memory; fewer processes (--num-proc) need less"
        ) from error


def make(recipe: Recipe, batch: bytes, kept: Path | None = None) -> tuple[bytes, Tally]:
    """The rows of a batch as JSON, ten times cheaper to send to the parent than pickled dicts, and their tally.

    With `kept`, a folder that is there, they are read from it, or left there, in a file named by a digest of the batch.
    """
    from prm_gsm8k.dataset.recipe import Tally

    file = kept and kept / hashlib.sha256(batch).hexdigest()[:32]
    if file is not None:
        with suppress(OSError, ValueError):  # not there, or not written to its end when the machine failed
            counts, _, rows = file.read_bytes().partition(b"\n")
            content = orjson.loads(counts)
            if content["bytes"] == len(rows):
                return rows, Tally(Counter(content["counts"]), [(where, why) for where, why in content["skipped"]])
    tally = Tally()
    rows = orjson.dumps(list(recipe.rows(batch, tally)))
    if file is not None:
        content = {"bytes": len(rows), "counts": tally.counts, "skipped": tally.skipped}
        temporary = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # it is made again then
            temporary.write_bytes(orjson.dumps(content) + b"\n" + rows)
            temporary.replace(file)
    return rows, tally


def _yield_to_parent() -> None:
    """Leave Ctrl-C to the parent, and run at lower priority: the parent imports and writes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which reaches every process of the terminal
    if hasattr(os, "nice"):
        os.nice(5)
