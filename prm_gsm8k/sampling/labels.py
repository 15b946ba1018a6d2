"""Find the first error of a solution by rollouts: from which prefixes does the model still reach the reference answer?

Rollouts continue from the first step, the first two, … (Math-Shepherd, arXiv 2312.08935). The first prefix from which
none of k rollouts succeeds ends in the first error. Three savings leave the label unchanged:

- search from the front and stop at the first error (SCAN, arXiv 2509.16548);
- stop sampling from a prefix at its first success;
- skip rollouts where the label follows without: the first error is no later than a step with a false equation, and if
  the answer is incorrect and every shorter prefix succeeds, it is the last step.

`benchmarks/rollout_labels.py` compares the schemes. `find_first_error` is the search, a generator that yields calls and
is sent their answers. `label_solution` runs it against an engine, `relabel` against saved rollouts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from prm_gsm8k.arithmetic.false_equations import first_false_equation
from prm_gsm8k.arithmetic.grading import is_right
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling.rollout import GoOn, Rollout, UnfinishedError

Grader = Callable[[str, str], bool]
"""(solution, reference answer) -> whether the solution has that answer."""

Call = tuple[int, int]
"""(number of steps in the prefix, attempt number from 0)"""


@dataclass(frozen=True)
class LabelOptions:
    """What counts as an error, and how many rollouts are spent on finding it.

    Attributes:
        labels: `hard` asks whether any rollout from a prefix succeeds, and stops at the first. `soft` estimates the
            share that succeeds, to an interval of `width`, and fills `values`.
        rollouts: k, the most from each prefix; `soft` takes up to four times as many.
        threshold: a prefix is incorrect if no more than this share of its rollouts succeeds. 0 is best: a step from
            which even one rollout succeeds is rarely incorrect.
        width: of the 95% interval (Wilson) at which a soft value is known well enough: 0.35 takes 8 rollouts that all
            agree, or 28 of which half succeed.
        right_answers: `right` takes a solution with the correct answer as correct, which is false for 3.5% of them on
            GSM8K and 18.8% on MATH; `search` searches it like any other.
        false_equations: take a step with a false equation as incorrect without rollouts.

    Raises:
        UsageError: an unknown value, or a number out of range.
    """

    labels: str = "hard"
    rollouts: int = 8
    threshold: float = 0.0
    width: float = 0.35
    right_answers: str = "right"
    false_equations: bool = True

    def __post_init__(self) -> None:
        if self.labels not in ("hard", "soft"):
            raise UsageError(f"labels are hard or soft, not {self.labels!r}")
        if self.right_answers not in ("right", "search"):
            raise UsageError(f"right_answers is right or search, not {self.right_answers!r}")
        if self.rollouts < 1:
            raise UsageError(f"rollouts is {self.rollouts}, not at least 1")
        if not 0 <= self.threshold < 1:
            raise UsageError(f"threshold is {self.threshold}, not in [0, 1)")
        if not 0 < self.width <= 1:
            raise UsageError(f"width is {self.width}, not in (0, 1]")


@dataclass(frozen=True)
class Labelled:
    """The first error of a solution and its evidence; the lists have one entry per step.

    Attributes:
        first_error: index of the first incorrect step, -1 if there is none.
        successes: number of rollouts from the prefix that the step ends which reached the reference answer.
        trials: number of rollouts from there; 0 if none was needed.
        tokens: number of tokens they took.
        values: share of successes for soft labels, 0 from the first error on; None for hard labels, and if a correct
            answer was taken as correct.
        rollouts: the rollouts from there.
    """

    first_error: int
    successes: list[int]
    trials: list[int]
    tokens: list[int]
    values: list[float] | None = None
    rollouts: list[list[Rollout]] = field(default_factory=list)


def find_first_error(
    steps: Sequence[str], reference_answer: str, options: LabelOptions, grade: Grader = is_right
) -> Generator[Call, Rollout | None, Labelled | None]:
    """The search: yields the calls it needs, is sent their answers, and returns the label.

    It is deterministic: its calls depend only on its arguments and the answers. Send None for a call that cannot be
    made; the search then decides by the answers so far, and returns None if they leave the first error open.

    Raises:
        UnfinishedError: an answer that was sent is not finished, so that nothing follows from it.
    """
    rollouts: list[list[Rollout]] = [[] for _ in steps]
    successes = [0] * len(steps)
    answer_correct = grade("\n".join(steps), reference_answer)
    latest = first_false_equation(steps) if options.false_equations else -1
    asked = range(0)
    if not answer_correct or options.right_answers == "search":
        if latest < 0 and not answer_correct:
            latest = len(steps) - 1
        asked = range(latest if latest >= 0 else len(steps) - 1)
    first_error = latest
    for i in asked:
        while (incorrect := _is_incorrect(successes[i], len(rollouts[i]), options)) is None:
            rollout = yield i + 1, len(rollouts[i])
            if rollout is None:
                incorrect = _is_likely_incorrect(successes[i], len(rollouts[i]), options)
                break
            if rollout.unfinished is not None:
                raise UnfinishedError(rollout.unfinished)
            rollouts[i].append(rollout)
            successes[i] += grade("\n".join([*steps[: i + 1], rollout.said]), reference_answer)
        if incorrect is None:
            return None
        if incorrect:
            first_error = i
            break
    trials = [len(made) for made in rollouts]
    values = None
    if options.labels == "soft" and asked:
        shares = [s / t if t else 1.0 for s, t in zip(successes, trials, strict=True)]
        values = [share if first_error < 0 or i < first_error else 0.0 for i, share in enumerate(shares)]
    tokens = [sum(rollout.tokens for rollout in made) for made in rollouts]
    return Labelled(first_error, successes, trials, tokens, values, rollouts)


async def label_solution(
    steps: Sequence[str], reference_answer: str, go_on: GoOn, options: LabelOptions, grade: Grader = is_right
) -> Labelled:
    """Label a solution with rollouts of an engine, one call at a time; label many at once to keep the engine busy.

    Raises: as `go_on`.
    """
    search = find_first_error(steps, reference_answer, options, grade)
    try:
        end, attempt = next(search)
        while True:
            end, attempt = search.send(await go_on(steps[:end], attempt))
    except StopIteration as done:
        labelled: Labelled = done.value
        return labelled


def relabel(
    steps: Sequence[str],
    reference_answer: str,
    rollouts: Sequence[Sequence[Rollout]],
    options: LabelOptions,
    grade: Grader = is_right,
) -> Labelled | None:
    """Label a solution from the rollouts of an earlier labelling (`Labelled.rollouts`), without calls.

    Other options or another grader may need more rollouts from a prefix than there are. Then the share of successes
    among these decides, which is biased upwards where the earlier search stopped at the first success. None if that
    does not settle it: fewer than k rollouts, and a share no higher than the threshold.
    """
    search = find_first_error(steps, reference_answer, options, grade)
    try:
        end, attempt = next(search)
        while True:
            made = rollouts[end - 1]
            end, attempt = search.send(made[attempt] if attempt < len(made) else None)
    except StopIteration as done:
        labelled: Labelled | None = done.value
        return labelled


def interval_width(successes: int, trials: int) -> float:
    """Width of the 95% Wilson score interval of a share; 1 without trials.

    >>> round(interval_width(8, 8), 2), round(interval_width(4, 8), 2)
    (0.32, 0.57)
    """
    z2 = 1.96**2
    return 2 * 1.96 * math.sqrt(successes * (trials - successes) / trials + z2 / 4) / (trials + z2) if trials else 1.0


def _is_incorrect(successes: int, trials: int, options: LabelOptions) -> bool | None:
    """Whether a prefix is incorrect; None while more rollouts are needed."""
    if options.labels == "soft":
        if trials < 4 * options.rollouts and interval_width(successes, trials) > options.width:
            return None
        return successes <= options.threshold * trials
    enough = math.floor(options.threshold * options.rollouts) + 1  # successes of k that make it correct
    if successes >= enough:
        return False
    return True if successes + options.rollouts - trials < enough else None


def _is_likely_incorrect(successes: int, trials: int, options: LabelOptions) -> bool | None:
    """The same when there are no more rollouts; None if these do not settle it."""
    if successes > options.threshold * trials:
        return False
    return True if trials >= options.rollouts else None
