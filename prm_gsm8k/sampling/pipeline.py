"""Sampling as a datatrove pipeline: problems in, evidence out, on one machine or many.

    problems.jsonl ─ documents (a task takes every n-th) ─ Sampling (datatrove's InferenceRunner) ─ calls-RANK.jsonl

datatrove brings the scheduling of documents and requests, the statistics, and the executors: `local`, `slurm`, `ray`.
Ours is the rollout function, `rollout`, which samples, splits, grades and finds the first error (`solve.py`).

What was answered is kept in the evidence (`evidence.py`), which stands where datatrove has its request cache and its
checkpoints. Those fit what is asked once; here another labelling may ask the same calls again a month later.
datatrove's cache is written through a queue, so a kill loses answers that had come; drops a chunk of documents when it
is done; and answers a request that was once refused with the refusal for ever, also where the context has grown.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dill
import multiprocess
from datatrove.data import Document
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.inference.servers.base import InferenceServer
from datatrove.pipeline.inference.types import InferenceError, InferenceResult
from datatrove.pipeline.writers.jsonl import JsonlWriter
from loguru import logger

from prm_gsm8k.dataset.jsonl import read_rows, write_rows
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.exceptions import EngineError, PrmGsm8kError
from prm_gsm8k.models.vllm_server import vllm_server
from prm_gsm8k.sampling.engine import CHECK, KEEPS, Engine
from prm_gsm8k.sampling.evidence import Calls, Log, question_digest, read_calls
from prm_gsm8k.sampling.labels import LabelOptions
from prm_gsm8k.sampling.rollout import Rollout
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import SolutionOptions, solve

NEVER = 10**9  # seconds: datatrove's own reports, which nobody reads here


@dataclass(frozen=True)
class Job:
    """Everything a task has to know, on whatever machine it runs.

    Attributes:
        settings, sampling, labelling: what is asked; without labelling, only solutions are sampled.
        folder: of the evidence, for these settings; seen by every task.
        run: a folder of this run: its problems, and of each task its progress, its error, its logs.
        endpoint: where the model answers; None if each task starts vLLM for itself.
        weights: what vLLM loads: a folder or a Hub id.
        vllm: more arguments of vLLM.
        concurrency: requests that are under way at once, a task.
        timeout, patience: seconds, see `engine.Engine`.
        most_bytes: that the file of a task may grow to.
        check: a question that the server should be able to answer, see `engine.Engine`.
        named: what the server called the model when it was probed, so that another one ends the run.
    """

    settings: Settings
    sampling: SolutionOptions
    labelling: LabelOptions | None
    folder: Path
    run: Path
    endpoint: str | None = None
    weights: str = ""
    vllm: Sequence[str] = field(default_factory=tuple)
    concurrency: int = 256
    timeout: float = 600.0
    patience: float = 60.0
    most_bytes: int = 10**10
    check: str = CHECK
    named: str = ""

    @property
    def problems(self) -> Path:
        """The problems of this run, one a line."""
        return self.run / "problems.jsonl"

    def progress(self, rank: int) -> Path:
        """A file with one byte for each problem that a task has solved."""
        return self.run / f"solved-{rank:05d}"

    def error(self, rank: int) -> Path:
        """A file that says why a task ended."""
        return self.run / f"error-{rank:05d}.txt"


def write_problems(job: Job, problems: Iterable[Problem]) -> None:
    """Leave the problems where every task finds them."""
    job.run.mkdir(parents=True, exist_ok=True)
    with job.problems.open("wb") as file:
        write_rows(file, problems)


def documents(data: object, rank: int, world_size: int, *, path: Path) -> Iterator[Document]:
    """datatrove's reader: the problems of one task, every `world_size`-th."""
    for i, _, problem in read_rows(path):
        if i % world_size == rank:
            yield Document(text=problem["question"], id=problem["id"], metadata={"problem": problem})


async def rollout(
    document: Document,
    generate: Callable[[dict[str, Any]], Awaitable[InferenceResult]],
    *,
    job: Job,
    kept: dict[str, Calls],
    log: Log,
    solved: Callable[[], None],
) -> dict[str, Any]:
    """datatrove's rollout function: all that is to be asked about one problem, but for what was answered before."""
    problem = Problem(**document.metadata["problem"])
    made = [0, 0]

    async def send(request: dict[str, Any]) -> Rollout:
        try:
            result = await generate(request)
        except InferenceError as error:
            raise (_ours(error) or error) from error
        return Rollout(result.text, result.usage["completion_tokens"], result.finish_reason, result.reasoning)

    def heard(answer: Rollout) -> None:
        made[0] += 1
        made[1] += answer.tokens

    known = kept.get(question_digest(problem.question), {})
    go_on = log.asking(job.settings, problem.id, problem.question, known, send, heard)
    solutions = await solve(problem, go_on, job.sampling, job.labelling)
    solved()
    return {"solutions": len(solutions), "right": sum(s.right for s in solutions), "calls": made[0], "tokens": made[1]}


class Sampling(InferenceRunner):
    """datatrove's runner over our engine. An error of a task is written down, since executors differ in what they do
    with one: one raises, one hangs on what it cannot unpickle, one goes on as if nothing were.
    """

    name = "Sampling"

    def __init__(self, job: Job) -> None:
        super().__init__(
            rollout_fn=rollout,
            config=InferenceConfig(
                server_type="endpoint",
                model_name_or_path=job.settings.model,
                use_chat="messages" in job.settings.request("", [], 0),
                max_concurrent_generations=job.concurrency,
                max_concurrent_documents=job.concurrency,
                metric_interval=NEVER,
            ),
            output_writer=JsonlWriter(str(job.run / "solved"), compression=None),
        )
        self.job = job

    def _init_server(self, rank: int) -> InferenceServer:
        return Server(self.config, rank, self.job)

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> None:
        """Solve the problems of a task."""
        if _parent() is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches every process of a terminal; one says so
            end_with_parent()
        documents = list(data)
        questions = {question_digest(document.text) for document in documents}
        try:
            with (
                Log(self.job.folder, rank, self.job.most_bytes) as log,
                self._ticks(rank) as solved,
                self._served(rank),
            ):
                kept = read_calls(self.job.folder, questions)
                self.shared_context = {"job": self.job, "kept": kept, "log": log, "solved": solved}
                super().run(documents, rank, world_size)
        except Exception as error:
            said = str(_ours(error) or f"{type(error).__name__}: {error}")
            try:
                self.job.error(rank).write_text(said, encoding="utf-8")
            except OSError:  # the disk is full: then it cannot be kept either
                raise EngineError(said) from None
            if "SLURM_JOB_ID" in os.environ:  # there nobody waits for the task to say it
                raise EngineError(said) from None  # a log with all variables would hold the key

    @contextmanager
    def _ticks(self, rank: int) -> Iterator[Callable[[], None]]:
        with self.job.progress(rank).open("ab", buffering=0) as file:
            yield lambda: void(file.write(b"."))

    @contextmanager
    def _served(self, rank: int) -> Iterator[None]:
        """An engine of this task's own, unless there is one for all."""
        if self.job.endpoint is not None:
            self.config.endpoint_url = self.job.endpoint
            yield
            return
        log = self.job.run / f"vllm-{rank:05d}.log"
        with vllm_server(self.job.weights, self.job.vllm, log=log) as server, server.blamed():
            self.config.endpoint_url = server.url
            yield


def void(_: object) -> None:
    """What a value is turned into that nobody wants."""


class Server(InferenceServer):
    """Our engine as datatrove's runner knows one. datatrove's own start vLLM with remote code allowed, need the openai
    package for another machine, and open a connection for each request.
    """

    def __init__(self, config: InferenceConfig, rank: int, job: Job) -> None:
        super().__init__(config, rank)
        check = job.settings.request(job.check, [], 0)
        self._engine = Engine(config.endpoint_url, job.timeout, job.patience, check)
        self._engine.named = job.named

    async def __aenter__(self) -> Server:
        await self._engine.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._engine.__aexit__(*error)

    async def make_request(self, payload: dict[str, Any]) -> dict[str, Any]:
        answer = await self._engine.rollout(payload)  # datatrove reads fewer forms than servers have
        message = {"content": answer.text, "reasoning": answer.reasoning}
        choice = {"message": message, "text": answer.text, "finish_reason": answer.finish}
        return {"choices": [choice], "usage": {"completion_tokens": answer.tokens}}

    async def start_server(self) -> None:
        """It runs already."""

    async def monitor_health(self) -> None:
        """A request that fails says so."""


def _ours(error: BaseException | None) -> PrmGsm8kError | None:
    """The error of ours that datatrove has wrapped, or what to say of a disk that is full."""
    while error is not None and not isinstance(error, PrmGsm8kError):
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return EngineError(
                f"{error.strerror}: free some space, or name a folder on another disk (--evidence). {KEEPS}"
            )
        error = error.__cause__
    return error


# ------------------------------------------------------------------------------------------------------------ executors


class Local(LocalPipelineExecutor):
    """datatrove's, over a pool that notices when a task is killed. Its own would wait for it for ever, and leaves a
    process behind when it is killed itself. Tasks log to files alone; as local rank 0 they would to the terminal too.
    """

    def run(self) -> None:
        if self.workers == 1:
            for rank in range(self.tasks):
                deepcopy(self)._run_for_rank(rank, local_rank=1)
            return
        others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("forkserver")
        pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=end_with_parent)
        try:
            executor = dill.dumps(self)
            for task in [pool.submit(_run_task, executor, rank) for rank in range(self.tasks)]:
                task.result()
        except BrokenProcessPool as error:
            raise EngineError(
                f"a task was killed, as a system short of memory does; fewer --workers need less. {KEEPS}"
            ) from error
        finally:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            pool.shutdown(cancel_futures=True)


def _run_task(executor: bytes, rank: int) -> None:
    dill.loads(executor)._run_for_rank(rank, local_rank=1)


def steps(job: Job) -> list[Any]:
    """The pipeline."""
    return [partial(documents, path=job.problems), Sampling(job)]


def run_local(job: Job, tasks: int, workers: int) -> None:
    """Tasks on this machine, `workers` at once; a single worker is this very process."""
    executor = Local(steps(job), tasks=tasks, workers=workers, logging_dir=str(job.run / "logs"), skip_completed=False)
    with _quiet():
        executor.run()
    raise_errors(job, tasks)


def run_ray(job: Job, tasks: int, workers: int, gpus: int) -> None:
    """Tasks on the Ray cluster that RAY_ADDRESS names, or on one of this machine that ends with the run."""
    try:
        import ray
    except ImportError as error:
        raise EngineError("--executor ray needs Ray: pip install 'ray[default]'") from error
    from datatrove.executor.ray import RayPipelineExecutor

    started = not ray.is_initialized()
    if started:
        try:
            cpus = None if "RAY_ADDRESS" in os.environ else workers
            ray.init(log_to_driver=False, include_dashboard=False, num_cpus=cpus)
        except Exception as error:  # of several kinds, some bare
            raise EngineError(
                f"Ray does not start ({str(error).splitlines()[0]}); name a cluster that runs, RAY_ADDRESS"
            ) from error
    try:
        executor = RayPipelineExecutor(
            steps(job),
            tasks=tasks,
            workers=workers,
            logging_dir=str(job.run / "logs"),
            skip_completed=False,
            gpus_per_task=gpus,
            mem_per_cpu_gb=0.5,  # of ours; vLLM's is the GPU's
        )
        with _quiet():
            executor.run()
    finally:
        if started:
            ray.shutdown()
    raise_errors(job, tasks)


def submit_slurm(job: Job, tasks: int, workers: int, partition: str, time_limit: str, gpus: int) -> str:
    """Hand the tasks to Slurm as a job array, and return its id; each runs vLLM on a node of its own."""
    from datatrove.executor.slurm import SlurmPipelineExecutor

    executor = SlurmPipelineExecutor(
        steps(job),
        tasks=tasks,
        workers=workers,
        time=time_limit,
        partition=partition,
        gpus_per_task=gpus,
        job_name="prm-gsm8k",
        venv_path=None if sys.prefix == sys.base_prefix else f"{sys.prefix}/bin/activate",
        logging_dir=str(job.run / "logs"),
        slurm_logs_folder=str(job.run / "slurm"),
        skip_completed=False,
    )
    with _quiet():
        executor.run()
    return str(executor.job_id)


def raise_errors(job: Job, tasks: int) -> None:
    """What ended a task, as an error here; of several, the first."""
    failed = [rank for rank in range(tasks) if job.error(rank).exists()]
    killed = [rank for rank in range(tasks) if not (job.run / "logs" / "completions" / f"{rank:05d}").exists()]
    if killed and not failed:
        raise EngineError(f"task {killed[0]} was ended from outside; its log is in {job.run / 'logs'}. {KEEPS}")
    if failed:
        more = f" (and {len(failed) - 1} of the other {tasks - 1} tasks ended early too)" if len(failed) > 1 else ""
        raise EngineError(job.error(failed[0]).read_text(encoding="utf-8") + more)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of datatrove's log on the terminal."""
    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")


def _parent() -> Any:
    """The process that started this one, if this is of a pool: of ours, or of datatrove's in a task of Ray."""
    return multiprocessing.parent_process() or multiprocess.parent_process()


def end_with_parent() -> None:
    """End this process when the one that started it has gone, however that went: nobody waits for it any more.

    The parent is not `os.getppid()`, which is the server that forks the tasks and lives as long as they do.
    """
    parent = _parent()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
