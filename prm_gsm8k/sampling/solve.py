"""One problem: sample solutions, cut them into steps, grade them, and find the first error of each.

    solutions = await solve(problem, go_on, SolutionOptions(num_solutions=3), LabelOptions())

All calls go through `go_on`, so the same code runs against a server and later against the evidence alone
(`from_evidence`), with the same labels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prm_gsm8k.arithmetic.grading import final_answer, is_right
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.steps import split_steps
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.label.recipe import CANNOT_TELL
from prm_gsm8k.label.reference import Reference
from prm_gsm8k.label.solution import label_solution as label_by_reference
from prm_gsm8k.sampling import rollout
from prm_gsm8k.sampling.evidence import Calls
from prm_gsm8k.sampling.labels import Guess, Labelled, LabelOptions, label_solution
from prm_gsm8k.sampling.rollout import CannotTellError, GoOn, MissingCall, Rollout, UnfinishedError

# Reasons why a solution makes no row; keys of the tally. `CANNOT_TELL` is one: the reference says nothing of it.
LEFT_OUT = "solution left out/"
CUT_OFF = LEFT_OUT + rollout.CUT_OFF
NO_STEPS = LEFT_OUT + rollout.EMPTY
MISSING = LEFT_OUT + "calls not made yet"
OF_A_ROLLOUT = LEFT_OUT + "a rollout that it needs: "  # and why that is no evidence
ANOTHER = LEFT_OUT + "another solution of its problem was left out"  # which may be a rollout of this one


@dataclass(frozen=True)
class SolutionOptions:
    """How many solutions of a problem are sampled.

    Attributes:
        num_solutions: solutions sampled first.
        num_wrong: sample more until this many are incorrect; None to stop at `num_solutions`.
        max_solutions: most solutions when sampling for `num_wrong`.
    """

    num_solutions: int = 3
    num_wrong: int | None = None
    max_solutions: int = 16

    def __post_init__(self) -> None:
        if self.num_solutions < 1:
            raise UsageError(f"num_solutions is {self.num_solutions}, not at least 1")
        if self.num_wrong is not None and not 1 <= self.num_wrong <= self.max_solutions:
            raise UsageError(f"num_wrong is {self.num_wrong}, not from 1 to max_solutions, {self.max_solutions}")
        if self.num_wrong is not None and self.max_solutions < self.num_solutions:
            raise UsageError(f"max_solutions is {self.max_solutions}, less than num_solutions, {self.num_solutions}")


@dataclass(frozen=True)
class Solution:
    """One sampled solution.

    Attributes:
        number: attempt number of its call, from 0.
        steps: its steps.
        tokens: number of tokens it took.
        answer: its final answer; None if it has none.
        right: whether that is the reference answer.
        labelled: its first error and the evidence for it; None if it is left out or not labelled.
        left_out: why it makes no row; None if it does.
    """

    number: int
    steps: list[str]
    tokens: int
    answer: str | None
    right: bool
    labelled: Labelled | None = None
    left_out: str | None = None


def reference_answer(problem: Problem) -> str:
    """The final answer of a problem's reference solution: `72` of `… #### 72`."""
    return problem.answer.rpartition("####")[2].strip()


async def solve(
    problem: Problem, go_on: GoOn, sampling: SolutionOptions, labelling: LabelOptions | None
) -> list[Solution]:
    """Sample solutions of a problem and label each, concurrently; without `labelling`, only sample.

    The calls depend only on the options and on the answers. If one of the solutions is not finished, so that it cannot
    be a rollout of the others, none is labelled: the others' labels would depend on what the server happened to do.

    Raises:
        EngineError: the engine fails.
    """
    go_on = once(go_on)
    reference = reference_answer(problem)
    sampled = await _sample(reference, go_on, range(sampling.num_solutions))
    if sampling.num_wrong is not None:
        while (more := sampling.num_wrong - sum(not s.right for s in sampled)) > 0:
            numbers = range(len(sampled), min(len(sampled) + more, sampling.max_solutions))
            if not numbers or any(s.left_out is not None for s in sampled):
                break
            sampled += await _sample(reference, go_on, numbers)
    if labelling is None:
        return sampled
    if any(s.left_out is not None for s in sampled):
        return [replace(s, left_out=s.left_out or ANOTHER) for s in sampled]
    by_reference = None
    if labelling.labels in ("auto", "reference") and not all(s.right for s in sampled):
        by_reference = Reference(problem.question, problem.answer)
    return list(await asyncio.gather(*(_label(problem, s, sampled, go_on, labelling, by_reference) for s in sampled)))


async def _sample(reference: str, go_on: GoOn, numbers: Sequence[int]) -> list[Solution]:
    return list(await asyncio.gather(*(_solution(reference, go_on, number) for number in numbers)))


async def _solution(reference: str, go_on: GoOn, number: int) -> Solution:
    try:
        answered = await go_on([], number)
    except MissingCall:
        return Solution(number, [], 0, None, False, left_out=MISSING)
    if answered.unfinished is not None:
        return Solution(number, [], answered.tokens, None, False, left_out=LEFT_OUT + answered.unfinished)
    text = answered.said
    steps, answer = split_steps(text), final_answer(text)
    return Solution(
        number, steps, answered.tokens, answer, is_right(text, reference), left_out=None if steps else NO_STEPS
    )


async def _label(
    problem: Problem,
    solution: Solution,
    sampled: Sequence[Solution],
    go_on: GoOn,
    labelling: LabelOptions,
    reference: Reference | None,
) -> Solution:
    others = [s for s in sampled if s.number != solution.number]
    guess = None
    if reference is not None and not solution.right:
        right = sum(s.right for s in others)
        guess = Guess(label_by_reference(problem.question, reference, solution.steps), right, len(others) - right)
    try:
        labelled = await label_solution(
            solution.steps, reference_answer(problem), with_others(others, go_on), labelling, guess=guess
        )
    except MissingCall:
        return replace(solution, left_out=MISSING)
    except CannotTellError as error:
        return replace(solution, left_out=CANNOT_TELL + error.reason)
    except UnfinishedError as error:
        return replace(solution, left_out=OF_A_ROLLOUT + error.reason)
    return replace(solution, labelled=labelled)


def with_others(others: Sequence[Solution], go_on: GoOn) -> GoOn:
    """Use the other solutions of a problem as rollouts from the prefixes they share, at no cost.

    They come first, in their order; then the engine is asked, from attempt 0. So a prefix of a correct solution is
    never labelled incorrect in another one.
    """

    async def go_on_or_take(prefix: Sequence[str], attempt: int) -> Rollout:
        begun = list(prefix)
        free = [s for s in others if len(s.steps) > len(begun) and s.steps[: len(begun)] == begun]
        if attempt < len(free):
            return Rollout("\n".join(free[attempt].steps[len(begun) :]), 0, "stop")
        return await go_on(prefix, attempt - len(free))

    return go_on_or_take


def once(go_on: GoOn) -> GoOn:
    """Make each call once, even if two solutions need it at the same time."""
    calls: dict[tuple[tuple[str, ...], int], asyncio.Task[Rollout]] = {}

    async def ask(prefix: Sequence[str], attempt: int) -> Rollout:
        call = tuple(prefix), attempt
        if call not in calls:
            calls[call] = asyncio.ensure_future(go_on(prefix, attempt))
        return await calls[call]

    return ask


def from_evidence(calls: Calls) -> GoOn:
    """Answer calls from the evidence alone; raises `MissingCall` for any other."""

    async def look_up(prefix: Sequence[str], attempt: int) -> Rollout:
        try:
            return calls[tuple(prefix), attempt]
        except KeyError:
            raise MissingCall(f"attempt {attempt} after {len(prefix)} steps was not made") from None

    return look_up
