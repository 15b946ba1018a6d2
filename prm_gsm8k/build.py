"""Build a config: from problems through the datasets cache into a folder that is ready to load and to publish."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k import __version__
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError
from prm_gsm8k.folder import check_out, write_config

if TYPE_CHECKING:
    from prm_gsm8k.builders.builder import PrmGsm8kBuilder
    from prm_gsm8k.manifest import Config

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being done, how many units of it are, and how many there are."""


@dataclass(frozen=True)
class Built:
    """What a build left, and how it went.

    `cached` is true if the rows came from the datasets cache; `skipped` pairs each problem of which no wrong solution
    could be made with the reason; `seconds` is wall time from the call on.
    """

    folder: Path
    name: str
    config: Config
    skipped: list[tuple[str, str]]
    cached: bool
    seconds: float


def build(
    name: str,
    out: str | Path,
    *,
    num_proc: int | None = None,
    progress: Progress | None = None,
    cache_dir: str | None = None,
    repo_id: str | None = None,
    **options: Any,
) -> Built:
    """Build config `name` into the folder `out`, beside what it already holds.

    Args:
        name: `synthetic`.
        out: the folder; it must not exist, be empty, or be one an earlier build made.
        num_proc: processes; by default one a core, at most 4. The rows do not depend on it.
        progress: told how far the build is.
        cache_dir: of the datasets cache, instead of `HF_DATASETS_CACHE`.
        repo_id: `ORG/prm-gsm8k` puts the cache where `load_dataset` of that name finds it when it is offline.
        **options: fields of the config, such as `seed`; see `builders.synthetic.SyntheticConfig`.

    Raises:
        UsageError: `out` holds something else, or an option is out of range.
        BadInputError: the problems are not what they must be.
        PrmGsm8kError: the disk is full or may not be written. `out` is as it was.
    """
    start = time.monotonic()
    out = Path(out)
    check_out(out)
    builder = open_builder(name, cache_dir=cache_dir, repo_id=repo_id, **options)
    cached = builder.is_cached
    prepare(builder, num_proc=num_proc, progress=progress)
    if progress:
        progress("writing", 0, 1)
    tally = builder.tally()
    made_from = {
        "options": builder.config.choices(),
        "code_version": __version__,
        "code_digest": builder.config.code_digest(),
        "problems_digest": builder.inputs.digest,
        "drops": dict(sorted(tally.counts.items())),
    }
    tables = builder.tables()
    if not any(table.num_rows for table in tables.values()):
        reasons = sorted({reason for _, reason in tally.skipped})
        raise PrmGsm8kError(f"not one row could be made of {len(tally.skipped)} problems: {'; '.join(reasons[:5])}")
    manifest = write_config(out, name, tables, made_from)
    if progress:
        progress("writing", 1, 1)
    return Built(out, name, manifest.configs[name], tally.skipped, cached, time.monotonic() - start)


def open_builder(
    name: str, *, cache_dir: str | None = None, repo_id: str | None = None, **options: Any
) -> PrmGsm8kBuilder:
    """The builder of a config, inputs read, nothing made yet."""
    from prm_gsm8k.builders.builder import PrmGsm8kBuilder

    if name not in PrmGsm8kBuilder.builder_configs:
        raise UsageError(f"there is no config {name!r}; there is {', '.join(PrmGsm8kBuilder.builder_configs)}")
    try:
        return PrmGsm8kBuilder(name, cache_dir=cache_dir, repo_id=repo_id, **options)
    except OSError as error:
        raise _no_cache(str(error.filename or "HF_DATASETS_CACHE"), error.strerror or str(error)) from error


def prepare(builder: PrmGsm8kBuilder, *, num_proc: int | None = None, progress: Progress | None = None) -> None:
    """Bring the builder's rows into the datasets cache, unless they are there.

    Raises:
        PrmGsm8kError: the cache cannot be written. Nothing half-made stays in it.
    """
    from datasets.exceptions import DatasetGenerationError

    try:
        with _interruptible(), _quiet_datasets(), _reporting(builder, progress):
            builder.download_and_prepare(num_proc=num_proc or cores())
    except (OSError, DatasetGenerationError) as error:
        if denied := _denied_by_disk(error):
            raise _no_cache(builder.cache_dir, denied) from error
        raise


def cores() -> int:
    """Processes to use: one a core this process may run on, at most 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 4)


def _no_cache(place: str, why: str) -> PrmGsm8kError:
    return PrmGsm8kError(
        f"{place}: the datasets cache cannot be written: {why}; free some space, or set HF_DATASETS_CACHE to a folder "
        "you own, on a disk that has some"
    )


def _denied_by_disk(error: BaseException | None) -> str | None:
    """What the system said, if a disk is behind an error; from another process it arrives as text only."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        if match := re.search(r"OSError: \[Errno \d+\] ([^\n]+)", str(error)):
            return match[1]
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C reach this process alone, and end the block with KeyboardInterrupt whatever else it caused.

    A terminal interrupts every process: each worker would print a traceback, and `datasets` would raise a TimeoutError
    for having waited for them. Forked workers inherit this handler: they fall silent and leave it to their parent.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    parent, interrupted = os.getpid(), False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        if os.getpid() != parent:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            return
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet_datasets() -> Iterator[None]:
    """Without the progress bars of `datasets`: the build has its own."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


@contextmanager
def _reporting(builder: PrmGsm8kBuilder, progress: Progress | None) -> Iterator[None]:
    """Watch from a thread how far the builder's processes are, ten times a second."""
    if progress is None or builder.is_cached:
        yield
        return
    total = builder.batches_total()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            progress("generating", builder.batches_done(), total)

    thread = threading.Thread(target=watch, daemon=True)
    progress("generating", 0, total)
    thread.start()
    try:
        yield
        progress("generating", total, total)
    finally:
        done.set()
        thread.join()
