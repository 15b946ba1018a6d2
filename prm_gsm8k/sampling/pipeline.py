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

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from datatrove.data import Document
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.inference.servers.base import InferenceServer
from datatrove.pipeline.inference.types import InferenceError, InferenceResult
from datatrove.pipeline.writers.jsonl import JsonlWriter

from prm_gsm8k.dataset.jsonl import read_rows, write_rows
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.executors.job import TaskJob
from prm_gsm8k.executors.tasks import ours, task
from prm_gsm8k.models.vllm_server import vllm_server
from prm_gsm8k.sampling.engine import CHECK, Engine
from prm_gsm8k.sampling.evidence import Calls, Log, question_digest, read_calls
from prm_gsm8k.sampling.labels import LabelOptions
from prm_gsm8k.sampling.rollout import Rollout
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import SolutionOptions, solve

NEVER = 10**9  # seconds: datatrove's own reports, which nobody reads here


@dataclass(frozen=True, kw_only=True)
class Job(TaskJob):
    """A sampling run.

    Attributes:
        settings, sampling, labelling: what is asked; without labelling, only solutions are sampled.
        folder: of the evidence, for these settings; seen by every task.
        endpoint: where the model answers; None if each task starts vLLM for itself.
        weights: what vLLM loads: a folder or a Hub id.
        vllm: more arguments of vLLM.
        concurrency: requests that are under way at once, a task.
        timeout, patience: seconds, see `engine.Engine`.
        most_bytes: that the file of a task may grow to.
        check: a question that the server should be able to answer, see `engine.Engine`.
        named: what the server called the model when it was probed, so that another one ends the run.
    """

    disk: ClassVar[str] = "--evidence"

    settings: Settings
    sampling: SolutionOptions
    labelling: LabelOptions | None
    folder: Path
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

    def steps(self) -> list[Any]:
        """The pipeline."""
        return [partial(documents, path=self.problems), Sampling(self)]


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
            raise (ours(error) or error) from error
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
    """datatrove's runner over our engine."""

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
        documents = list(data)
        questions = {question_digest(document.text) for document in documents}
        with (
            task(self.job, rank) as solved,
            Log(self.job.folder, rank, self.job.most_bytes) as log,
            self._served(rank),
        ):
            kept = read_calls(self.job.folder, questions)
            self.shared_context = {"job": self.job, "kept": kept, "log": log, "solved": solved}
            super().run(documents, rank, world_size)

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
