"""A sampling run: identify the model, find the missing calls, start an engine if needed, run tasks, report progress.

    recipe, spent = sample(ModelSampledRecipe(model="Qwen/Qwen3-8B"), How())     # collects the evidence
    build("model_sampled", "data", ...)                                          # makes rows from it, repeatably

Missing calls are found by replaying the labelling over the evidence. So a killed run continues where it was, other
labelling options only add the calls they need, and a run that lacks nothing starts no engine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.exceptions import BadInputError, EngineError, PrmGsm8kError, UsageError
from prm_gsm8k.executors.executor import Executor
from prm_gsm8k.models.vllm_server import vllm_server
from prm_gsm8k.sampling.engine import CHECK, Engine, Served, check_endpoint
from prm_gsm8k.sampling.evidence import Watch, kept_settings, open_folder, question_digest, read_calls, sole_run
from prm_gsm8k.sampling.models import UNSTATED, Model, find_model
from prm_gsm8k.sampling.probe import probe
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.rollout import ANEW, CUT_OFF, EMPTY, THINKS, TRIES
from prm_gsm8k.sampling.rows import solved
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import MISSING

if TYPE_CHECKING:
    from prm_gsm8k.sampling.pipeline import Job

BYTES_PER_CALL = 1000  # SmolLM2-135M's take 330 (tests/sampling/test_real_model.py); larger models write more
# Itself, and four or ten rollouts (benchmarks/rollout_labels.py) if it is incorrect, about one in three.
CALLS_PER_SOLUTION = {"reference": 1, "auto": 2.4, "hard": 4, "soft": 4}
PROMPT_TOKENS = 256  # least context for the prompt


@dataclass(frozen=True)
class How(Executor):
    """How a run is executed; nothing here changes the calls. Its fields are also those of `Executor`.

    Attributes:
        endpoint: URL of a running OpenAI-compatible server; None to start vLLM.
        concurrency: concurrent requests per task.
        timeout: seconds that one request may take.
        patience: seconds for which requests to a failing server are retried.
        max_disk: bytes by which the evidence may grow in this run, over all tasks.
        vllm: more arguments of vLLM.
    """

    gpus: int = 1
    endpoint: str | None = None
    concurrency: int = 256
    timeout: float = 600.0
    patience: float = 60.0
    max_disk: int = 10**10
    vllm: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("concurrency", "timeout", "patience", "max_disk"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, not {getattr(self, name)}")
        if any(word.startswith(("--api-key", "--hf-token")) for word in self.vllm):
            raise UsageError("a key among vLLM's arguments gets into logs: set VLLM_API_KEY or HF_TOKEN instead")


@dataclass(frozen=True)
class Status:
    """Progress of a run: `problems` solved of the `of` that lacked calls, and calls and tokens in it and before it."""

    problems: int
    of: int
    calls: int
    tokens: int
    calls_before: int
    tokens_before: int
    seconds: float


@dataclass(frozen=True)
class Spent:
    """The result of a run: last status, folder of the answers, and the id of a Slurm job that is still running."""

    status: Status
    folder: Path
    submitted: str | None = None


def sample(
    recipe: ModelSampledRecipe,
    how: How,
    say: Callable[[str], None] = lambda what: None,
    tell: Callable[[Status], None] | None = None,
) -> tuple[ModelSampledRecipe, Spent]:
    """Make the calls that the rows of a recipe need and the evidence lacks.

    Args:
        recipe: its `model` may be a folder, a Hub id, or None for the only model of an endpoint.
        how: how the run is executed.
        say: called with a line about what is done next.
        tell: called every second with the status.

    Returns:
        The recipe with the name and revision of the model that was found, and what was spent.

    Raises:
        EngineError: the model is not found, or the engine does not start, fails, or serves another model.
        BadInputError: the problems or the evidence are malformed.
        PrmGsm8kError: the disk is full or cannot be written. All answers so far are kept in every case.
    """
    recipe, model = identified(recipe, how)
    folder = open_folder(recipe.evidence, recipe.settings)
    with sole_run(folder):
        return recipe, _fill(recipe, model, how, folder, say, tell)


def _fill(
    recipe: ModelSampledRecipe,
    model: Model,
    how: How,
    folder: Path,
    say: Callable[[str], None],
    tell: Callable[[Status], None] | None,
) -> Spent:
    """Make the calls that the evidence lacks."""
    start = time.monotonic()
    by_split, _ = recipe.read_problems()
    problems = [problem for chosen in by_split.values() for problem in chosen]
    missing = unsolved(recipe, problems)
    watch = Watch(folder)
    watch.look(before=True)
    before = Status(0, len(missing), 0, 0, watch.calls, watch.tokens, 0.0)
    if not missing:
        say(f"nothing to ask: all that these labels need is in {folder}")
        return Spent(before, folder)
    say(disk_use(recipe, how, folder, len(missing)))

    lacking = {problem.question for problem in missing}
    check = next((problem.question for problem in problems if problem.question not in lacking), CHECK)
    named = ""
    if how.endpoint is not None:
        named = probed(how.endpoint, recipe.settings, how, [problem.question for problem in missing], check, say)

    from prm_gsm8k.sampling import pipeline

    job = pipeline.Job(
        settings=recipe.settings,
        sampling=recipe.sampling,
        labelling=recipe.labelling,
        folder=folder.resolve(),
        run=folder.resolve() / "runs" / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}",
        endpoint=how.endpoint,
        weights=model.weights,
        vllm=model.vllm_arguments(how.vllm),
        concurrency=how.concurrency,
        timeout=how.timeout,
        patience=how.patience,
        most_bytes=_size(folder) + how.max_disk // how.tasks,
        check=check,
        named=named,
    )
    pipeline.write_problems(job, missing)
    if how.executor == "slurm":
        return Spent(before, folder, how.start(job))

    def status() -> Status:
        watch.look()
        calls, tokens = watch.calls - before.calls_before, watch.tokens - before.tokens_before
        return replace(before, problems=job.done, calls=calls, tokens=tokens, seconds=time.monotonic() - asked)

    if how.executor == "ray":
        asked = time.monotonic()
        with _telling(status, tell):
            replace(how, gpus=0 if how.endpoint else how.gpus).start(job)
    else:
        if how.endpoint is None:
            say(f"starting vLLM with {model.weights}; its log: {job.run / 'vllm.log'}")
        with _one_server(job, how) as job:
            asked = time.monotonic()
            with _telling(status, tell):
                how.start(job)
    last = status()
    say(
        f"{last.problems:,} problems in {last.calls:,} calls and {last.tokens:,} tokens, "
        f"{last.tokens / max(last.seconds, 1e-9):,.0f} tokens/s; {time.monotonic() - start:.0f} s in all; saved in "
        f"{folder}"
    )
    if watch.unfinished:
        say(unfinished(watch.unfinished))
    return Spent(last, folder)


def probed(
    url: str, settings: Settings, how: How, questions: Sequence[str], check: str, say: Callable[[str], None]
) -> str:
    """Make sure that a server which others started samples and goes on from steps, or say that it is not known.

    Returns what it calls the model.

    Raises:
        EngineError: it does not.
    """

    async def asked() -> tuple[str | None, str]:
        async with Engine(url, how.timeout, how.patience, settings.request(check, [], 0)) as engine:
            return await probe(engine, settings, questions), engine.named

    doubt, named = asyncio.run(asked())
    if doubt is not None:
        say(doubt)
    return named


def unfinished(counts: Counter[str]) -> str:
    """A line about the answers of a run that are no evidence."""
    listed = ", ".join(f"{n:,} {reason}" for reason, n in counts.most_common())
    cures = [
        cure
        for reasons, cure in (
            ((CUT_OFF, THINKS), "raise --max-tokens"),
            ((EMPTY, THINKS), "start the server without a reasoning parser and with thinking off"),
            ((ANEW,), "use --labels reference or a server that goes on from given steps"),
        )
        if any(reason in counts for reason in reasons)
    ]
    what = f"; if they are many, {' and '.join(cures)}" if cures else ""
    return (
        f"{counts.total():,} answers were not finished and count for nothing: {listed}; each was asked for up to "
        f"{TRIES} times, and a solution that still lacks one is left out{what}"
    )


def identified(recipe: ModelSampledRecipe, how: How) -> tuple[ModelSampledRecipe, Model]:
    """The recipe with the name and revision of its model, which exists and has a long enough context."""
    name, revision = recipe.model, recipe.revision
    if how.endpoint is None:
        if name is None:
            raise UsageError("name the model: --model, a Hub id or a folder; or a running server: --endpoint")
        model = find_model(name, revision)
    else:
        if name is not None and Path(name).expanduser().is_dir():
            folder = find_model(name, revision)
            name, revision = folder.name, folder.revision
        served = check_endpoint(how.endpoint, name, min(10.0, how.timeout))
        model = Model(served.model, revision or UNSTATED)
    recipe = replace(recipe, model=model.name, revision=model.revision)
    if how.endpoint is not None:
        check_context(served, recipe.settings)
    return recipe, model


def as_kept(recipe: ModelSampledRecipe) -> ModelSampledRecipe:
    """The recipe with the model and revision whose answers are kept; neither the Hub nor a server is asked.

    Raises:
        BadInputError: no answers under its settings are kept, or those of several models or revisions.
    """
    there = kept_settings(Path(recipe.evidence))
    asked = replace(recipe, model=recipe.model or "-").settings
    wanted = {f.name: getattr(asked, f.name) for f in fields(asked) if f.name not in ("model", "revision")}
    models = (recipe.model, Path(recipe.model or "").name)
    fit = [
        s
        for s in there
        if (recipe.model is None or s.model in models)
        and recipe.revision in (None, s.revision)
        and all(getattr(s, name) == value for name, value in wanted.items())
    ]
    if len(fit) != 1:
        what = (
            "several match; choose one with --model and --revision"
            if fit
            else "none matches the given --model, --revision, --prompt, --temperature, --top-p, --max-tokens, "
            "--extra-body and --omit"
        )
        listed = (f"{s.source}, {s.prompt}, {s.temperature:g}, {s.top_p:g}, {s.max_tokens}" for s in fit or there)
        raise BadInputError(recipe.evidence, f"holds answers of {'; '.join(listed) or 'nobody'}: {what}")
    return replace(recipe, model=fit[0].model, revision=fit[0].revision)


def unsolved(recipe: ModelSampledRecipe, problems: Sequence[Problem]) -> list[Problem]:
    """The problems that still lack calls, or answers that another try may finish."""
    kept = read_calls(recipe.folder, {question_digest(problem.question) for problem in problems})

    def lacks(problem: Problem) -> bool:
        known = kept.get(question_digest(problem.question))
        if known is None:
            return True
        known = {call: answer for call, answer in known.items() if answer.settled}
        return any(s.left_out == MISSING for s in solved(problem, known, recipe.sampling, recipe.labelling))

    return [problem for problem in problems if lacks(problem)]


def disk_use(recipe: ModelSampledRecipe, how: How, folder: Path, problems: int) -> str:
    """A line about the disk space that the answers will take.

    Raises:
        PrmGsm8kError: the disk has less free.
    """
    solutions = problems * recipe.num_solutions
    likely = solutions * CALLS_PER_SOLUTION[recipe.labels] * BYTES_PER_CALL
    free = shutil.disk_usage(folder).free
    if free < likely:
        raise PrmGsm8kError(
            f"{folder}: {free / 1e9:.2f} GB free, and the answers will take about {likely / 1e9:.2f} GB; free some "
            "space, or choose a folder on another disk (--evidence)"
        )
    return (
        f"{problems:,} problems to ask about; the answers take about {likely / 1e6:,.0f} MB in {folder}, and at "
        f"most {how.max_disk / 1e9:,.1f} GB (--max-disk)"
    )


def check_context(served: Served, settings: Settings) -> None:
    """Raises EngineError if the server's context is too short for a prompt and `max_tokens`."""
    if served.context is not None and served.context < settings.max_tokens + PROMPT_TOKENS:
        raise EngineError(
            f"the context of {served.model} is {served.context} tokens there, too short for a prompt and --max-tokens "
            f"{settings.max_tokens}: lower --max-tokens, or raise the server's --max-model-len"
        )


@contextmanager
def _one_server(job: Job, how: How) -> Iterator[Job]:
    """The job with an endpoint: one vLLM server for all local tasks, unless one was given."""
    if how.endpoint is not None:
        yield job
        return
    with vllm_server(job.weights, job.vllm, log=job.run / "vllm.log") as server, server.blamed():
        check_context(check_endpoint(server.url, job.settings.model), job.settings)
        yield replace(job, endpoint=server.url)


@contextmanager
def _telling(status: Callable[[], Status], tell: Callable[[Status], None] | None) -> Iterator[None]:
    """Report the status every second from a thread, and once at the end."""
    if tell is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1.0):
            tell(status())

    thread = threading.Thread(target=watch, daemon=True)
    tell(status())
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        tell(status())


def _size(folder: Path) -> int:
    return max((path.stat().st_size for path in folder.glob("calls-*.jsonl")), default=0)
