"""Where is the first error of a solution? Asked of the model that wrote it: from which prefixes does it still arrive?

Rollouts go on from the first step, the first two, … (Math-Shepherd, arXiv 2312.08935). The first prefix from which none
of k comes to the right answer holds the first error, as its last step. Three things make that cheap, and none of them
changes the label:

- from the front, and no further than the first error (SCAN): what follows it is never called right;
- a prefix is done with its first success, since all that is asked is whether there is one;
- some first errors cost nothing. A step with a false equation is the latest that the first error can be. And if the
  answer is wrong and no prefix but the whole solution is, then it is the last step.

`benchmarks/rollout_labels.py` measures the schemes side by side. `find_first_error` is the search, as a generator that
asks for calls and is sent their answers. It touches nothing else, so `label_solution` runs it against an engine, and
`relabel` against what an engine answered long ago.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from prm_gsm8k.arithmetic.false_equations import first_false_equation
from prm_gsm8k.arithmetic.grading import is_right, through_answer
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling.rollout import GoOn, Rollout

Grader = Callable[[str, str], bool]
"""(a solution, the reference answer) -> whether it comes to that answer."""

Call = tuple[int, int]
"""(how many steps to go on from, attempt number from 0)"""


@dataclass(frozen=True)
class LabelOptions:
    """What is called an error, and how much is asked to find it.

    Attributes:
        labels: `hard` asks whether any rollout succeeds, and stops at the first that does. `soft` asks how many do, and
            stops when that is known to `width`; it fills `values`.
        rollouts: k, from each prefix at most. `soft` goes up to four times as many.
        threshold: a prefix is wrong if no more than this share of its rollouts succeeds. 0 is the best: a step that
            one rollout survives is rarely wrong.
        width: of the 95% interval (Wilson's) of a soft value at which it is known well enough: 0.35 takes 8 rollouts
            that all agree, or 28 of which half do.
        right_answers: a solution with the right answer is taken as `right`, which is wrong for 3.5% of them on GSM8K
            (18.8% on MATH), or `search`ed like a wrong one.
        false_equations: whether a step with a false equation is taken as wrong without asking.

    Raises:
        UsageError: one of them is none of these, or out of range.
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
            raise UsageError(f"right_answers are taken as right, or search, not {self.right_answers!r}")
        if self.rollouts < 1:
            raise UsageError(f"rollouts is {self.rollouts}, not at least 1")
        if not 0 <= self.threshold < 1:
            raise UsageError(f"threshold is {self.threshold}, not in [0, 1)")
        if not 0 < self.width <= 1:
            raise UsageError(f"width is {self.width}, not in (0, 1]")


@dataclass(frozen=True)
class Labelled:
    """The first error of a solution, and what that rests on.

    Attributes:
        first_error: index of the first wrong step, -1 if there is none.
        successes: a step: how many of the rollouts from the prefix it ends came to the right answer.
        trials: a step: how many there were; 0 where none was needed.
        tokens: a step: how many tokens they took.
        values: a step: the share of successes of a soft label, 0 from the first error on; None for hard labels, and
            where a right answer was taken as right.
        rollouts: a step: what was sampled from there.
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
    """The search: yields the calls it needs, is sent what they answer, and returns the label.

    Which calls it yields depends on its arguments and on the answers, on nothing else. None is sent for a call that
    cannot be made; the search makes do with those before it, and returns None if they leave the first error open.
    """
    rollouts: list[list[Rollout]] = [[] for _ in steps]
    successes = [0] * len(steps)
    right_answer = grade("\n".join(steps), reference_answer)
    latest = first_false_equation(steps) if options.false_equations else -1
    asked = range(0)
    if not right_answer or options.right_answers == "search":
        if latest < 0 and not right_answer:
            latest = len(steps) - 1
        asked = range(latest if latest >= 0 else len(steps) - 1)
    first_error = latest
    for i in asked:
        while (is_wrong := _is_wrong(successes[i], len(rollouts[i]), options)) is None:
            rollout = yield i + 1, len(rollouts[i])
            if rollout is None:
                is_wrong = _is_likely_wrong(successes[i], len(rollouts[i]), options)
                break
            rollouts[i].append(rollout)
            # With the prefix: a model may have nothing to add to it.
            text = "\n".join([*steps[: i + 1], through_answer(rollout.text)])
            successes[i] += grade(text, reference_answer)
        if is_wrong is None:
            return None
        if is_wrong:
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
    """Label a solution with rollouts of an engine. One call at a time: many solutions side by side keep an engine busy.

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
    """Label a solution anew from the rollouts of an earlier labelling (`Labelled.rollouts`), without a call.

    Another scheme, threshold or grader may want more rollouts from a prefix than there are. Then the share of successes
    among those decides, which is too high on average where a search stopped at the first. None if that is no ground to
    stand on: fewer than k rollouts, and no more of them successful than the threshold.
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
    """How wide the 95% interval of a share is (Wilson's score interval; 1 if nothing was tried).

    >>> round(interval_width(8, 8), 2), round(interval_width(4, 8), 2)
    (0.32, 0.57)
    """
    z2 = 1.96**2
    return 2 * 1.96 * math.sqrt(successes * (trials - successes) / trials + z2 / 4) / (trials + z2) if trials else 1.0


def _is_wrong(successes: int, trials: int, options: LabelOptions) -> bool | None:
    """Whether a prefix is wrong; None while more rollouts are needed to tell."""
    if options.labels == "soft":
        if trials < 4 * options.rollouts and interval_width(successes, trials) > options.width:
            return None
        return successes <= options.threshold * trials
    enough = math.floor(options.threshold * options.rollouts) + 1  # successes that make it right, of k
    if successes >= enough:
        return False
    return True if successes + options.rollouts - trials < enough else None


def _is_likely_wrong(successes: int, trials: int, options: LabelOptions) -> bool | None:
    """The same where no more rollouts can be had."""
    if successes > options.threshold * trials:
        return False
    return True if trials >= options.rollouts else None
