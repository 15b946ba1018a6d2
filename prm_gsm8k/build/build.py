"""Build a config: from problems through the datasets cache into a folder that is ready to load and to publish."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k import __version__
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.builders.workers import MakeBatches, Workers
from prm_gsm8k.dataset import cache as datasets_cache
from prm_gsm8k.dataset.folder import check_out, write_config
from prm_gsm8k.dataset.recipe import Inputs, Progress, Recipe
from prm_gsm8k.exceptions import PrmGsm8kError, Submitted, UsageError
from prm_gsm8k.executors.executor import Executor

if TYPE_CHECKING:
    from prm_gsm8k.builders.builder import PrmGsm8kBuilder
    from prm_gsm8k.dataset.manifest import Config


@dataclass(frozen=True)
class Built:
    """The result of a build.

    `cached` is true if the rows came from the datasets cache; `skipped` holds the place of each problem or line that
    could not be used, with the reason; `seconds` is wall time.
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
    executor: Executor | None = None,
    **options: Any,
) -> Built:
    """Build config `name` into the folder `out`; other configs in it are kept.

    Args:
        name: `synthetic`, `prm800k`, `labelled`, or `model_sampled` (from evidence sampled before).
        out: the folder: new, empty, or made by an earlier build.
        num_proc: processes; by default one per core, at most 4. Rows do not depend on it.
        progress: called with the progress of the build.
        cache_dir: of the datasets cache, instead of `HF_DATASETS_CACHE`.
        repo_id: `ORG/NAME` puts the rows where an offline `load_dataset("ORG/NAME", …)` finds them; it takes those that
            were built or fetched last.
        executor: whose tasks make the rows, for a config of which a killed build goes on (`labelled`); all see the
            datasets cache and the input.
        **options: fields of the recipe, such as `seed`; see the recipes in `prm_gsm8k.build.registry`.

    Raises:
        UsageError: `out` holds something else, an option is out of range, or `repo_id` is not a valid name.
        BadInputError: an input file is invalid.
        PrmGsm8kError: the disk is full or may not be written; `out` is unchanged.
        Submitted: a job of Slurm makes the rows; the same call without `executor` has them when it has ended.
    """
    start = time.monotonic()
    out = Path(out).expanduser()
    check_out(out)
    if repo_id is not None:
        from prm_gsm8k.hub.client import check_repo_id

        check_repo_id(repo_id)
    with prepared(
        name,
        num_proc=num_proc,
        progress=progress,
        cache_dir=cache_dir,
        repo_id=repo_id,
        executor=executor,
        **options,
    ) as (builder, cached):
        if progress:
            progress("writing", 0, 1)
        tally = builder.tally()
        made_from = {
            "options": {**builder.config.choices(), **builder.inputs.about},
            "code_version": __version__,
            "code_digest": builder.config.code_digest(),
            "inputs_digest": builder.inputs.digest,
            "drops": dict(sorted(tally.counts.items())),
        }
        tables = builder.tables()
    if not any(table.num_rows for table in tables.values()):
        raise PrmGsm8kError(f"not one row could be made: {tally.listed() or tally.counted()}")
    manifest = write_config(out, name, tables, made_from)
    if progress:
        progress("writing", 1, 1)
    return Built(out, name, manifest.configs[name], tally.skipped, cached, time.monotonic() - start)


@contextmanager
def prepared(
    name: str,
    *,
    num_proc: int | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    cache_dir: str | None = None,
    repo_id: str | None = None,
    executor: Executor | None = None,
    **options: Any,
) -> Iterator[tuple[PrmGsm8kBuilder, bool]]:
    """Yield the builder of a config, its rows in the datasets cache, and whether they were there before.

    `announce` is called with what is about to be done. Raises as `build` does.
    """
    if name not in RECIPES:
        raise UsageError(f"there is no config {name!r}; there is {', '.join(RECIPES)}")
    options = {option: value for option, value in options.items() if value is not None}
    if unknown := set(options) - {f.name for f in fields(RECIPES[name])}:
        raise UsageError(f"config {name!r} has no option {sorted(unknown)[0]!r}")
    recipe = RECIPES[name](**options)
    if executor is not None and not recipe.resumes:
        raise UsageError(f"config {name!r} is not made by tasks")
    inputs = recipe.read_inputs(progress, cache_dir)
    batches = sum(map(len, inputs.batches.values()))
    makers: list[Workers | PrmGsm8kBuilder] = []  # what makes the rows, for the progress bar
    with ExitStack() as stack:
        rows = _likely_cached(recipe, inputs, cache_dir, repo_id)
        if rows is not None and not datasets_cache.is_writable(datasets_cache.place(cache_dir)):
            cache_dir = datasets_cache.linked(rows)
        kept = None
        if rows is None:
            if recipe.resumes:
                kept = datasets_cache.place(cache_dir) / "prm-gsm8k-unfinished" / recipe.identity(inputs)
                with suppress(OSError):  # then nothing is kept, and the cache will say why
                    kept.mkdir(parents=True, exist_ok=True)
                if executor is not None:
                    _run_tasks(executor, recipe, inputs, kept, progress)
                    num_proc = 1  # only reads what they made
            # a process with fewer than 4 batches takes longer to start than to make them
            if (num_proc := min(num_proc or cores(), batches // 4)) > 1:
                workers = Workers(recipe, inputs, num_proc, kept)
                stack.callback(workers.close)
                makers.append(workers)
            stack.enter_context(_reporting(progress, makers, batches, inputs.problems))
        from prm_gsm8k.builders.builder import (
            PrmGsm8kBuilder,  # imports datasets, which takes a second; workers are busy already
        )

        try:
            builder = PrmGsm8kBuilder(name, inputs=inputs, cache_dir=cache_dir, repo_id=repo_id, **options)
        except OSError as error:
            raise datasets_cache.not_writable(
                str(error.filename or "HF_DATASETS_CACHE"), error.strerror or str(error)
            ) from error
        cached = builder.is_cached
        if announce:
            from_or_into = f"reading {name} from" if cached else f"building {name} into"
            announce(f"{from_or_into} the datasets cache, {builder.cache_dir}")
        if not cached:
            if makers:
                builder.workers = makers[0]
            else:
                makers.append(builder)
            builder.kept = kept
            _fill_cache(builder)
            if kept is not None:
                shutil.rmtree(kept, ignore_errors=True)
        elif repo_id is not None:
            with suppress(OSError):
                os.utime(builder.cache_dir)  # offline, load_dataset takes the newest
    yield builder, cached


def _run_tasks(executor: Executor, recipe: Recipe, inputs: Inputs, kept: Path, progress: Progress | None) -> None:
    """Have the batches made that are not in `kept`."""
    try:
        job = MakeBatches.of(recipe, (batch for batches in inputs.batches.values() for batch in batches), kept)
    except OSError as error:
        raise datasets_cache.not_writable(str(error.filename or kept), error.strerror or str(error)) from error
    if not (missing := sum(1 for _ in job.batches())):
        return
    with _reporting(progress, [job], missing, inputs.problems):
        submitted = executor.start(job)
    if submitted is not None:
        raise Submitted(submitted)


def _fill_cache(builder: PrmGsm8kBuilder) -> None:
    from datasets.exceptions import DatasetGenerationError

    try:
        with datasets_cache.quiet():
            builder.download_and_prepare()
    except (OSError, DatasetGenerationError) as error:
        if isinstance(error.__cause__, PrmGsm8kError):
            raise error.__cause__ from error
        if denied := datasets_cache.denied_by_disk(error):
            raise datasets_cache.not_writable(builder.cache_dir, denied) from error
        raise


def _likely_cached(recipe: Recipe, inputs: Inputs, cache_dir: str | None, repo_id: str | None) -> Path | None:
    """Guess, before datasets is imported, where the rows are, if they are. A wrong guess costs time, not rows."""
    if repo_id is None:
        folder = datasets_cache.place(cache_dir) / "prm-gsm8k" / recipe.config_id()
    else:
        folder = datasets_cache.place(cache_dir) / datasets_cache.repo_folder(repo_id) / recipe.config
    return next(folder.glob(f"*/{recipe.identity(inputs)}"), None)


def cores() -> int:
    """Processes to use: one per core that this process may run on, at most 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 4)


@contextmanager
def _reporting(
    progress: Progress | None, makers: Sequence[Workers | MakeBatches | PrmGsm8kBuilder], batches: int, problems: int
) -> Iterator[None]:
    """Report from a thread, ten times a second, how many problems are done (all batches counted as equally large)."""
    if progress is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            progress("generating", problems * sum(maker.batches_done for maker in makers) // batches, problems)

    thread = threading.Thread(target=watch, daemon=True)
    progress("generating", 0, problems)
    thread.start()
    try:
        yield
        progress("generating", problems, problems)
    finally:
        ended.set()
        thread.join()
