"""One problem: sample solutions, cut them into steps, grade them, and find the first error of each.

    solutions = await solve(problem, go_on, SolutionOptions(num_solutions=3), LabelOptions())

Everything asked goes through `go_on`, so the same lines run against a server and, later, against the evidence alone
(`from_evidence`), and come to the same labels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prm_gsm8k.arithmetic.grading import final_answer, is_right, through_answer
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.steps import split_steps
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError
from prm_gsm8k.sampling.engine import RequestRefused
from prm_gsm8k.sampling.evidence import Calls
from prm_gsm8k.sampling.labels import Labelled, LabelOptions, label_solution
from prm_gsm8k.sampling.rollout import GoOn, Rollout

# Why a solution makes no row. Each is counted under its name.
CUT_OFF = "solution left out/cut off at max tokens"
NO_STEPS = "solution left out/no steps in it"
REFUSED = "solution left out/request refused, too long for the context"
MISSING = "solution left out/calls not made yet"


class MissingCall(PrmGsm8kError):
    """The evidence has no answer to a call that the labels need."""


@dataclass(frozen=True)
class SolutionOptions:
    """How many solutions of a problem are sampled.

    Attributes:
        num_solutions: so many in any case.
        num_wrong: go on until so many are wrong; None to stop at `num_solutions`.
        max_solutions: and then stop, however many are wrong.
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
        number: of its call, from 0.
        steps: its text, cut.
        tokens: it took to sample.
        answer: what it concludes; None if it does not.
        right: whether that is the reference answer.
        labelled: where its first error is, and what that rests on; None if `left_out`.
        left_out: why it makes no row.
    """

    number: int
    steps: list[str]
    tokens: int
    answer: str | None
    right: bool
    labelled: Labelled | None = None
    left_out: str | None = None


def reference_answer(problem: Problem) -> str:
    """What a problem's reference solution ends in: `72` of `… #### 72`."""
    return problem.answer.rpartition("####")[2].strip()


async def solve(
    problem: Problem, go_on: GoOn, sampling: SolutionOptions, labelling: LabelOptions | None
) -> list[Solution]:
    """Sample solutions of a problem and label each, as much at once as can be; without labelling, only sample.

    Which calls are made depends on the options and on what was answered, on nothing else.

    Raises:
        EngineError: the engine fails.
    """
    go_on = once(go_on)
    reference = reference_answer(problem)
    sampled = await _sample(reference, go_on, range(sampling.num_solutions))
    if sampling.num_wrong is not None:
        while (more := sampling.num_wrong - sum(_is_wrong(s) for s in sampled)) > 0:
            numbers = range(len(sampled), min(len(sampled) + more, sampling.max_solutions))
            if not numbers:
                break
            sampled += await _sample(reference, go_on, numbers)
    if labelling is None:
        return sampled
    return list(await asyncio.gather(*(_label(problem, s, sampled, go_on, labelling) for s in sampled)))


def _is_wrong(solution: Solution) -> bool:
    return solution.left_out is None and not solution.right


async def _sample(reference: str, go_on: GoOn, numbers: Sequence[int]) -> list[Solution]:
    return list(await asyncio.gather(*(_solution(reference, go_on, number) for number in numbers)))


async def _solution(reference: str, go_on: GoOn, number: int) -> Solution:
    try:
        answered = await go_on([], number)
    except (MissingCall, RequestRefused) as error:
        return Solution(number, [], 0, None, False, left_out=MISSING if isinstance(error, MissingCall) else REFUSED)
    text = through_answer(answered.text)
    steps, answer = split_steps(text), final_answer(text)
    cut_off = answered.finish == "length" and text == answered.text  # it did not come to its answer, not for sure
    left_out = CUT_OFF if cut_off else NO_STEPS if not steps else None
    return Solution(number, steps, answered.tokens, answer, is_right(text, reference), left_out=left_out)


async def _label(
    problem: Problem, solution: Solution, sampled: Sequence[Solution], go_on: GoOn, labelling: LabelOptions
) -> Solution:
    if solution.left_out is not None:
        return solution
    others = [s for s in sampled if s.number != solution.number and s.left_out is None]
    try:
        labelled = await label_solution(
            solution.steps, reference_answer(problem), with_others(others, go_on), labelling
        )
    except (MissingCall, RequestRefused) as error:
        return replace(solution, left_out=MISSING if isinstance(error, MissingCall) else REFUSED)
    return replace(solution, labelled=labelled)


def with_others(others: Sequence[Solution], go_on: GoOn) -> GoOn:
    """The other solutions of a problem that begin with a prefix are rollouts from it that are paid already.

    They come first, in their order; after them the engine is asked, from attempt 0. So what a right solution goes
    through is never called lost in another one.
    """

    async def go_on_or_take(prefix: Sequence[str], attempt: int) -> Rollout:
        begun = list(prefix)
        paid = [s for s in others if len(s.steps) > len(begun) and s.steps[: len(begun)] == begun]
        if attempt < len(paid):
            return Rollout("\n".join(paid[attempt].steps[len(begun) :]), 0, "stop")
        return await go_on(prefix, attempt - len(paid))

    return go_on_or_take


def once(go_on: GoOn) -> GoOn:
    """The same call is made once, also when two solutions of a problem need it at the same moment."""
    under_way: dict[tuple[tuple[str, ...], int], asyncio.Task[Rollout]] = {}

    async def ask(prefix: Sequence[str], attempt: int) -> Rollout:
        call = tuple(prefix), attempt
        if call not in under_way:
            under_way[call] = asyncio.ensure_future(go_on(prefix, attempt))
        return await under_way[call]

    return ask


def from_evidence(calls: Calls) -> GoOn:
    """Answers from what was answered before, and nothing else; `MissingCall` for the rest."""

    async def look_up(prefix: Sequence[str], attempt: int) -> Rollout:
        try:
            return calls[tuple(prefix), attempt]
        except KeyError:
            raise MissingCall(f"attempt {attempt} after {len(prefix)} steps was not made") from None

    return look_up
