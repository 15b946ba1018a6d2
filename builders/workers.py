"""Worker processes that generate rows ahead of the writer.

`datasets` has its own (`num_proc`), but starts them for each split, and only after its import, which takes a second.
These are forked from a small process at once and have generated many rows by the time `datasets` is imported.

What a process has made can be kept in a folder until the build is done: a build that was killed finds it there.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.executors.job import TaskJob

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


def kept_file(kept: Path, batch: bytes) -> Path:
    """Where the rows of a batch are kept."""
    return kept / hashlib.sha256(batch).hexdigest()[:32]


def make(recipe: Recipe, batch: bytes, kept: Path | None = None, *, must_keep: bool = False) -> tuple[bytes, Tally]:
    """The rows of a batch as JSON, ten times cheaper to send to the parent than pickled dicts, and their tally.

    With `kept`, a folder that is there, they are read from it, or left there, in a file named by a digest of the batch.

    Raises:
        OSError: with `must_keep`, they cannot be left there.
    """
    from prm_gsm8k.dataset.recipe import Tally

    file = kept and kept_file(kept, batch)
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
        with suppress(*() if must_keep else (OSError,)):  # it is made again then
            temporary.write_bytes(orjson.dumps(content) + b"\n" + rows)
            temporary.replace(file)
    return rows, tally


@dataclass(frozen=True, kw_only=True)
class MakeBatches(TaskJob):
    """Tasks that make batches, which a build then finds in the folder `kept`; every task sees it, and the inputs."""

    disk: ClassVar[str] = "HF_DATASETS_CACHE"

    recipe: Recipe
    kept: Path
    cwd: Path

    @classmethod
    def of(cls, recipe: Recipe, batches: Iterable[bytes], kept: Path) -> MakeBatches:
        """A job for those of the batches that are not made yet, which it leaves where every task finds them.

        Raises:
            OSError: they cannot be left there.
        """
        (runs := kept.resolve() / "runs").mkdir(exist_ok=True)
        run = Path(mkdtemp(prefix=time.strftime("%Y-%m-%dT%H-%M-%S-"), dir=runs))
        with (run / "batches.jsonl").open("wb") as file:
            file.writelines(batch + b"\n" for batch in batches if not kept_file(kept, batch).exists())
        return cls(run=run, recipe=recipe, kept=kept.resolve(), cwd=Path.cwd())

    def batches(self, rank: int = 0, tasks: int = 1) -> Iterator[bytes]:
        """Those of one task."""
        with (self.run / "batches.jsonl").open("rb") as file:
            yield from (line[:-1] for line in islice(file, rank, None, tasks))

    @property
    def batches_done(self) -> int:
        """By all tasks."""
        return self.done

    def steps(self) -> list[Any]:
        """The pipeline."""
        return [partial(_make_batches, job=self)]


def _make_batches(data: object, rank: int, world_size: int, *, job: MakeBatches) -> None:
    from prm_gsm8k.executors.tasks import task

    with task(job, rank) as made:
        os.chdir(job.cwd)  # where the names of files are meant
        for batch in job.batches(rank, world_size):
            make(job.recipe, batch, job.kept, must_keep=True)
            made()


def _yield_to_parent() -> None:
    """Leave Ctrl-C to the parent, and run at lower priority: the parent imports and writes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which reaches every process of the terminal
    if hasattr(os, "nice"):
        os.nice(5)
