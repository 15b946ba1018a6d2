"""Processes that make rows ahead of whoever writes them.

`datasets` has processes of its own (`num_proc`), but starts them anew for each split, and only after it is imported,
which takes a second. These start at once, for the price of a fork of a small process, and have made many of the rows by
the time `datasets` is there to write them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from prm_gsm8k.exceptions import PrmGsm8kError

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Inputs, Recipe, Tally

BATCHES_AHEAD = 256  # made and not yet taken: at most some 50 MB of rows, however many there will be


class Workers:
    """`num_proc` processes at work on the batches of `inputs`, in their order.

    Raises `PrmGsm8kError` when one of them was killed.
    """

    def __init__(self, recipe: Recipe, inputs: Inputs, num_proc: int) -> None:
        self._recipe = recipe
        self._to_do = iter([batch for batches in inputs.batches.values() for batch in batches])
        self._made: dict[bytes, Future[tuple[bytes, Tally]]] = {}
        self.batches_done = 0
        self._pool = ProcessPoolExecutor(num_proc, initializer=_stay_behind_the_parent)
        for _ in range(BATCHES_AHEAD):
            self._submit()

    def take(self, batch: bytes) -> tuple[list[dict[str, Any]], Tally]:
        """The rows of a batch and what was counted on the way; waits until they are made. Once for each batch."""
        with _none_was_killed():
            rows, tally = self._made.pop(batch).result()
        self._submit()
        return orjson.loads(rows), tally

    def close(self) -> None:
        """End the processes, each after the batch it is at. Work that is not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self) -> None:
        if (batch := next(self._to_do, None)) is not None:
            with _none_was_killed():
                self._made[batch] = self._pool.submit(_make, self._recipe, batch)
            self._made[batch].add_done_callback(self._count)

    def _count(self, _: Future[Any]) -> None:
        self.batches_done += 1  # in the one thread that receives what processes made


@contextmanager
def _none_was_killed() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise PrmGsm8kError(
            "a process that makes rows was killed, as a system short of memory does; fewer (--num-proc) need less"
        ) from error


def _make(recipe: Recipe, batch: bytes) -> tuple[bytes, Tally]:
    """The rows of a batch as JSON, which costs a tenth of what pickled dicts do on their way to the other process."""
    from prm_gsm8k.dataset.recipe import Tally

    tally = Tally()
    return orjson.dumps(list(recipe.rows(batch, tally))), tally


def _stay_behind_the_parent() -> None:
    """Leave Ctrl-C to the parent, and the core it needs: it imports and writes what everyone waits for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches every process of a terminal; one is enough to say so
    if hasattr(os, "nice"):
        os.nice(5)
