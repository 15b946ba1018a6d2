"""How good are the labels of `model_sampled`? The labeller, run on solutions whose first error a person marked.

    report = report_labels(read_marked("first_error.jsonl"), ModelSampledRecipe(model="Qwen/Qwen3-8B"), How())

The model that goes on from the prefixes did not write these solutions, as it would those of `build model_sampled`. What
it answers is kept in the evidence like all else it is asked, so a report that was killed goes on, and one under another
scheme asks for what that needs beyond.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prm_gsm8k.arithmetic.grading import is_right
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.label.solution import label_solution as label_by_reference
from prm_gsm8k.models.vllm_server import vllm_server
from prm_gsm8k.sampling.engine import CHECK, Engine, check_endpoint
from prm_gsm8k.sampling.evidence import Calls, Log, open_folder, question_digest, read_calls
from prm_gsm8k.sampling.labels import Guess, Labelled, LabelOptions, label_solution
from prm_gsm8k.sampling.models import Model
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.rollout import CannotTellError, GoOn, MissingCall, Rollout, UnfinishedError
from prm_gsm8k.sampling.run import How, Status, check_context, identified, probed, unfinished
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import from_evidence, once, reference_answer


@dataclass(frozen=True)
class Marked:
    """A solution with the first error that a person found in it: `label`, its index, or -1 for none (ProcessBench).

    `reference` is the reference solution of its problem; empty if that is not known.
    """

    id: str
    question: str
    steps: list[str]
    label: int
    reference_answer: str
    reference: str = ""

    @property
    def guess(self) -> Guess | None:
        """What the reference has to say of it."""
        if not self.reference:
            return None
        return Guess(label_by_reference(self.question, self.reference, self.steps))


@dataclass(frozen=True)
class Report:
    """How the labeller's first errors compare with the person's.

    Attributes:
        wrong: solutions the person marked as wrong; the next four are parts of them.
        exact: the same step. early, late: an earlier or a later one. missed: none.
        right_answers: of the wrong ones, those whose final answer is right all the same, which are taken as right.
        right: solutions the person found no error in. alarms: of these, those in which the labeller did.
        left_out: solutions that do not fit into the model's context, from which a rollout that is needed was never
            finished, or of which labels `reference` cannot tell; in none of the counts above.
        rollouts, tokens: asked for the wrong ones together; kept answers count too.
    """

    wrong: int
    exact: int
    early: int
    late: int
    missed: int
    right_answers: int
    right: int
    alarms: int
    left_out: int
    rollouts: int
    tokens: int


def read_marked(path: str | Path) -> list[Marked]:
    """Read solutions with `problem`, `steps` and `label`: a JSON object a line, or ProcessBench's list of them; or .gz.

    The right answer is the row's `reference_answer` or, if it has none, that of the GSM8K problem it is about.

    Raises:
        BadInputError: the file cannot be read, a row is not what it must be, or its right answer is not known.
    """
    rows = list(read_rows(path))
    known = {
        " ".join(problem.question.split()): problem
        for split in ("train", "test")
        for problem in shipped_problems(split)
    }
    return [_marked(where, row, known) for _, where, row in rows]


def _marked(where: str, row: Mapping[str, Any], known: dict[str, Problem]) -> Marked:
    if not {"problem", "steps", "label"} <= set(row):
        raise BadInputError(where, "not an object with `problem`, `steps` and `label`")
    question, steps, label = row["problem"], row["steps"], row["label"]
    if not isinstance(question, str) or not question.strip():
        raise BadInputError(where, "`problem` is no text")
    if not isinstance(steps, list) or not steps or not all(isinstance(s, str) and s.strip() for s in steps):
        raise BadInputError(where, "`steps` is not a list of texts, with at least one")
    if not isinstance(label, int) or isinstance(label, bool) or not -1 <= label < len(steps):
        raise BadInputError(where, f"`label` is {label!r}, not from -1 to {len(steps) - 1}, the last step")
    problem = known.get(" ".join(question.split()))
    answer = row.get("reference_answer", problem and reference_answer(problem))
    if answer is None:
        raise BadInputError(where, "is about no problem of GSM8K; put its right answer into `reference_answer`")
    reference = problem.answer if problem and is_right(str(answer), reference_answer(problem)) else ""
    return Marked(str(row.get("id", where)), question, [step.strip() for step in steps], label, str(answer), reference)


def report_labels(
    marked: Sequence[Marked],
    recipe: ModelSampledRecipe,
    how: How,
    say: Callable[[str], None] = lambda what: None,
    tell: Callable[[Status], None] | None = None,
) -> tuple[ModelSampledRecipe, Report]:
    """Label marked solutions with rollouts of a model, or by the reference, which needs none, and compare.

    Args:
        recipe: which model, how it is asked, how solutions are labelled, and where answers are kept; the rest of it is
            not used.
        how: `endpoint`, `concurrency`, `timeout`, `patience`, `max_disk` and `vllm` of it.
        say, tell: told what is about to be done, and how far it is; see `run.sample`.

    Raises: as `run.sample`.
    """
    if recipe.labels == "reference":
        return recipe, compare(marked, asyncio.run(_replayed(marked, {}, recipe.labelling))[0])
    recipe, model = identified(recipe, how)
    folder = open_folder(recipe.evidence, recipe.settings)
    kept = read_calls(folder, {question_digest(one.question) for one in marked})
    labelled, missing = asyncio.run(_replayed(marked, kept, recipe.labelling))
    if missing:
        say(f"{len(missing):,} of {len(marked):,} solutions to ask about; answers are kept in {folder}")
        questions = [marked[n].question for n in missing]
        with _served(model, recipe.settings, how, questions, say) as url, Log(folder, most_bytes=how.max_disk) as log:
            asking = _Asking(recipe.settings, recipe.labelling, how, kept, log, tell)
            made = asyncio.run(asking.label(url, [marked[n] for n in missing]))
        if asking.unfinished:
            say(unfinished(asking.unfinished))
        for n, label in zip(missing, made, strict=True):
            labelled[n] = label
    return recipe, compare(marked, labelled)


def compare(marked: Sequence[Marked], labelled: Sequence[Labelled | None]) -> Report:
    """Count how the labeller's first errors compare with the person's; None for a solution without a label."""
    pairs = [(one, label) for one, label in zip(marked, labelled, strict=True) if label is not None]
    wrong = [(one, label) for one, label in pairs if one.label >= 0]
    right = [(one, label) for one, label in pairs if one.label < 0]
    return Report(
        wrong=len(wrong),
        exact=sum(label.first_error == one.label for one, label in wrong),
        early=sum(0 <= label.first_error < one.label for one, label in wrong),
        late=sum(label.first_error > one.label for one, label in wrong),
        missed=sum(label.first_error < 0 for _, label in wrong),
        right_answers=sum(is_right("\n".join(one.steps), one.reference_answer) for one, _ in wrong),
        right=len(right),
        alarms=sum(label.first_error >= 0 for _, label in right),
        left_out=len(marked) - len(pairs),
        rollouts=sum(sum(label.trials) for _, label in wrong),
        tokens=sum(sum(label.tokens) for _, label in wrong),
    )


async def _replayed(
    marked: Sequence[Marked], kept: dict[str, Calls], options: LabelOptions
) -> tuple[list[Labelled | None], list[int]]:
    """The labels that follow from what is kept, and where calls are missing; None there, and where none will help."""
    labels: list[Labelled | None] = [None] * len(marked)
    missing = []
    for n, one in enumerate(marked):
        calls = kept.get(question_digest(one.question), {})
        look_up = from_evidence({call: answer for call, answer in calls.items() if answer.settled})
        try:
            labels[n] = await label_solution(one.steps, one.reference_answer, look_up, options, guess=one.guess)
        except MissingCall:
            missing.append(n)
        except (UnfinishedError, CannotTellError):
            pass
    return labels, missing


@contextmanager
def _served(
    model: Model, settings: Settings, how: How, questions: Sequence[str], say: Callable[[str], None]
) -> Iterator[str]:
    """The address of the model: the endpoint, or a server that runs as long as it is needed."""
    if how.endpoint is not None:
        probed(how.endpoint, settings, how, questions, CHECK, say)
        yield how.endpoint
        return
    say(f"starting vLLM with {model.weights}")
    with vllm_server(model.weights, model.vllm_arguments(how.vllm)) as server, server.blamed():
        check_context(check_endpoint(server.url, settings.model), settings)
        yield server.url


class _Asking:
    """Labels many solutions at once with an engine, and keeps what it answers."""

    def __init__(
        self,
        settings: Settings,
        options: LabelOptions,
        how: How,
        kept: dict[str, Calls],
        log: Log,
        tell: Callable[[Status], None] | None,
    ) -> None:
        self.settings, self.options, self.how, self.kept, self.log, self.tell = settings, options, how, kept, log, tell
        self.before = sum(map(len, kept.values())), sum(a.tokens for calls in kept.values() for a in calls.values())
        self.done = self.of = self.calls = self.tokens = 0
        self.unfinished: Counter[str] = Counter()
        self.began = time.monotonic()

    async def label(self, url: str, marked: Sequence[Marked]) -> list[Labelled | None]:
        """The labels; None for a solution that the engine refuses to go on from, or never finishes."""
        self.of, self.began = len(marked), time.monotonic()
        gate = asyncio.Semaphore(self.how.concurrency)
        check = self.settings.request(CHECK, [], 0)
        async with Engine(url, self.how.timeout, self.how.patience, check) as engine:
            asked = {one.question: once(self._go_on(engine, gate, one)) for one in marked}

            async def label_one(one: Marked) -> Labelled | None:
                try:
                    go_on = asked[one.question]
                    label = await label_solution(one.steps, one.reference_answer, go_on, self.options, guess=one.guess)
                except UnfinishedError:
                    label = None
                self.done += 1
                self._tell()
                return label

            return list(await asyncio.gather(*map(label_one, marked)))

    def _go_on(self, engine: Engine, gate: asyncio.Semaphore, one: Marked) -> GoOn:
        async def send(request: dict[str, Any]) -> Rollout:
            async with gate:
                return await engine.rollout(request)

        def heard(answer: Rollout) -> None:
            self.calls += 1
            self.tokens += answer.tokens
            if answer.unfinished is not None:
                self.unfinished[answer.unfinished] += 1
            self._tell()

        known = self.kept.get(question_digest(one.question), {})
        return self.log.asking(self.settings, one.id, one.question, known, send, heard)

    def _tell(self) -> None:
        if self.tell is not None:
            seconds = time.monotonic() - self.began
            self.tell(Status(self.done, self.of, self.calls, self.tokens, *self.before, seconds))
