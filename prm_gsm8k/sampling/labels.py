"""Find the first error of a solution: by the reference solution, by rollouts, or by rollouts around what it says.

Rollouts continue from the first step, the first two, … (Math-Shepherd, arXiv 2312.08935). The first prefix from which
none of k rollouts succeeds ends in the first error: labels `hard`, and `soft` where the share that succeeds is wanted.
Three savings leave the label unchanged:

- search from the front and stop at the first error (SCAN, arXiv 2509.16548);
- stop sampling from a prefix at its first success;
- skip rollouts where the label follows without: the first error is no later than a step with a false equation, and if
  the answer is incorrect and every shorter prefix succeeds, it is the last step.

Labels `reference` ask nothing: the first error is the step that the reference solution speaks against (`label/`).
Labels `auto` begin with its probability of each step, ask from the prefix that is as likely correct as not, and stop
when one step is all but sure: a success clears the steps of its prefix, a failure speaks against those after it.

`benchmarks/rollout_labels.py` compares the schemes. `find_first_error` is the search, a generator that yields calls and
is sent their answers. `label_solution` runs it against an engine, `relabel` against saved rollouts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from prm_gsm8k.arithmetic.false_equations import false_equations, first_false_equation
from prm_gsm8k.arithmetic.grading import is_right
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.label.recipe import LEAST_CONFIDENCE, UNSURE
from prm_gsm8k.label.solution import Label
from prm_gsm8k.sampling.rollout import ANEW, TRIES, CannotTellError, GoOn, MissingCall, Rollout, UnfinishedError

SURE = 0.95  # `auto` asks until a step is the first error with this probability (benchmarks/rollout_labels.py)
SUCCESSES, FAILURES = 4, 1  # what `auto` takes the model to have done from correct prefixes before: 0.8 of them succeed
LEAST = 0.01  # of any step: what the reference says excludes none
LABELS = ("auto", "reference", "hard", "soft")

Grader = Callable[[str, str], bool]
"""(solution, reference answer) -> whether the solution has that answer."""

Call = tuple[int, int]
"""(number of steps in the prefix, attempt number from 0)"""


@dataclass(frozen=True)
class LabelOptions:
    """What counts as an error, and how many rollouts are spent on finding it.

    Attributes:
        labels: `auto` asks for rollouts until the reference and they leave little doubt. `reference` asks for none, and
            leaves out what the reference cannot tell. `hard` asks whether any rollout from a prefix succeeds, and stops
            at the first. `soft` estimates the share that succeeds, to an interval of `width`, and fills `values`.
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

    labels: str = "auto"
    rollouts: int = 8
    threshold: float = 0.0
    width: float = 0.35
    right_answers: str = "right"
    false_equations: bool = True

    def __post_init__(self) -> None:
        if self.labels not in LABELS:
            raise UsageError(f"labels are {', '.join(LABELS[:-1])} or {LABELS[-1]}, not {self.labels!r}")
        if self.right_answers not in ("right", "search"):
            raise UsageError(f"right_answers is right or search, not {self.right_answers!r}")
        if self.rollouts < 1:
            raise UsageError(f"rollouts is {self.rollouts}, not at least 1")
        if not 0 <= self.threshold < 1:
            raise UsageError(f"threshold is {self.threshold}, not in [0, 1)")
        if self.threshold and self.labels in ("auto", "reference"):
            raise UsageError(f"threshold is of labels hard and soft; labels are {self.labels}")
        if self.labels == "reference" and self.right_answers == "search":
            raise UsageError("labels reference take right answers as right; hard, soft and auto can search them")
        if not 0 < self.width <= 1:
            raise UsageError(f"width is {self.width}, not in (0, 1]")


@dataclass(frozen=True)
class Guess:
    """What is known of a solution before any rollout.

    Attributes:
        label: what the reference has to say of it.
        right, wrong: how many other solutions to the problem the model got right, and wrong.
    """

    label: Label
    right: int = 0
    wrong: int = 0


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
        reason: who says so, and why: `reference: …`, `rollouts: …`; empty if there is no error.
    """

    first_error: int
    successes: list[int]
    trials: list[int]
    tokens: list[int]
    values: list[float] | None = None
    rollouts: list[list[Rollout]] = field(default_factory=list)
    reason: str = ""


def find_first_error(
    steps: Sequence[str],
    reference_answer: str,
    options: LabelOptions,
    grade: Grader = is_right,
    guess: Guess | None = None,
) -> Generator[Call, Rollout | None, Labelled | None]:
    """The search: yields the calls it needs, is sent their answers, and returns the label.

    It is deterministic: its calls depend only on its arguments and the answers. Send None for a call that cannot be
    made; the search then decides by the answers so far (`auto` asks from other prefixes first), and returns None if
    they leave the first error open. Without a `guess`, `auto` takes all steps as equally likely.

    Raises:
        UnfinishedError: an answer that was sent is not finished, so that nothing follows from it.
        CannotTellError: labels are `reference`, and it cannot tell.
    """
    made = _Made(steps, reference_answer, grade)
    answer_correct = grade("\n".join(steps), reference_answer)
    latest = first_false_equation(steps) if options.false_equations else -1
    taken = answer_correct and options.right_answers == "right"
    if taken or (answer_correct and options.labels == "auto"):
        guess = None
    first_error: int | None = latest
    if options.labels == "reference" and not taken:
        first_error = _told(guess)
    elif options.labels == "auto" and not answer_correct:
        first_error = yield from _around(made, latest, options, guess)
    elif not taken:
        first_error = yield from _from_the_front(made, latest, answer_correct, options)
    if first_error is None:
        return None
    trials = [len(rollouts) for rollouts in made.rollouts]
    values = None
    if options.labels == "soft" and any(trials):
        shares = [s / t if t else 1.0 for s, t in zip(made.successes, trials, strict=True)]
        values = [share if first_error < 0 or i < first_error else 0.0 for i, share in enumerate(shares)]
    tokens = [sum(rollout.tokens for rollout in rollouts) for rollouts in made.rollouts]
    reason = _reason(steps, first_error, made.successes, trials, guess)
    return Labelled(first_error, made.successes, trials, tokens, values, made.rollouts, reason)


async def label_solution(
    steps: Sequence[str],
    reference_answer: str,
    go_on: GoOn,
    options: LabelOptions,
    grade: Grader = is_right,
    guess: Guess | None = None,
) -> Labelled:
    """Label a solution with rollouts of an engine, one call at a time; label many at once to keep the engine busy.

    Where `go_on` raises `MissingCall`, `auto` looks for rollouts from other prefixes, which another scheme has made.

    Raises: as `go_on` and `find_first_error`.
    """
    search = find_first_error(steps, reference_answer, options, grade, guess)
    missing: MissingCall | None = None
    try:
        end, attempt = next(search)
        while True:
            rollout = None
            try:
                rollout = await go_on(steps[:end], attempt)
            except MissingCall as error:
                if options.labels != "auto":
                    raise
                missing = error
            end, attempt = search.send(rollout)
    except StopIteration as done:
        labelled: Labelled | None = done.value
    if labelled is None:
        assert missing is not None
        raise missing
    return labelled


def relabel(
    steps: Sequence[str],
    reference_answer: str,
    rollouts: Sequence[Sequence[Rollout]],
    options: LabelOptions,
    grade: Grader = is_right,
    guess: Guess | None = None,
) -> Labelled | None:
    """Label a solution from the rollouts of an earlier labelling (`Labelled.rollouts`), without calls.

    Other options or another grader may need more rollouts from a prefix than there are. Then the share of successes
    among these decides, which is biased upwards where the earlier search stopped at the first success. None if that
    does not settle it: fewer than k rollouts, and a share no higher than the threshold.
    """
    search = find_first_error(steps, reference_answer, options, grade, guess)
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


class _Made:
    """The rollouts of a solution so far; lists have one entry per step, for the prefix that it ends."""

    def __init__(self, steps: Sequence[str], reference_answer: str, grade: Grader) -> None:
        self.steps, self.reference_answer, self.grade = steps, reference_answer, grade
        self.rollouts: list[list[Rollout]] = [[] for _ in steps]
        self.successes = [0] * len(steps)
        self.anew = [0] * len(steps)  # answers that did not go on from the prefix, which are passed over

    def one_more(self, i: int) -> Generator[Call, Rollout | None, bool]:
        """Make another from step i on; whether that can be."""
        for _ in range(TRIES):
            rollout = yield i + 1, len(self.rollouts[i]) + self.anew[i]
            if rollout is None:
                return False
            if rollout.unfinished is not None:
                raise UnfinishedError(rollout.unfinished)
            if not rollout.begins_anew(self.steps[: i + 1]):
                break
            self.anew[i] += 1
        else:
            raise UnfinishedError(ANEW)
        self.rollouts[i].append(rollout)
        self.successes[i] += self.grade("\n".join([*self.steps[: i + 1], rollout.said]), self.reference_answer)
        return True


def _from_the_front(
    made: _Made, latest: int, answer_correct: bool, options: LabelOptions
) -> Generator[Call, Rollout | None, int | None]:
    """The first step whose prefix is incorrect, no later than `latest` if that is a step; None if that is left open."""
    if latest < 0 and not answer_correct:
        latest = len(made.steps) - 1
    for i in range(latest if latest >= 0 else len(made.steps) - 1):
        while (incorrect := _is_incorrect(made.successes[i], len(made.rollouts[i]), options)) is None:
            if not (yield from made.one_more(i)):
                incorrect = _is_likely_incorrect(made.successes[i], len(made.rollouts[i]), options)
                break
        if incorrect is None or incorrect:
            return i if incorrect else None
    return latest


def _around(
    made: _Made, latest: int, options: LabelOptions, guess: Guess | None
) -> Generator[Call, Rollout | None, int | None]:
    """The step that is all but surely the first error, no later than `latest` if that is a step; None if that is open.

    Each rollout is from the prefix whose correctness is closest to even; the first comes from near the guess.
    """
    count = len(made.steps)
    chances = guess.label.chances if guess else ()
    prior = [max(chance, LEAST) for chance in chances] or [1.0] * count
    if latest >= 0:
        prior[latest + 1 :] = [0.0] * (count - 1 - latest)
    closed: set[int] = set()  # where no more can be made
    while True:
        odds = _posterior(prior, made, options.rollouts, guess)
        likeliest = max(range(count), key=odds.__getitem__)
        correct = [sum(odds[i + 1 :]) for i in range(count)]  # of each prefix, that it is
        asked = [i for i in range(count) if 1e-9 < correct[i] < 1 - 1e-9 and len(made.rollouts[i]) < options.rollouts]
        if odds[likeliest] >= SURE or not asked:
            return likeliest
        if not (asked := [i for i in asked if i not in closed]):
            return None
        i = min(asked, key=lambda i: abs(correct[i] - 0.5))
        if not (yield from made.one_more(i)):
            closed.add(i)


def _told(guess: Guess | None) -> int:
    """The first error of a solution with a wrong answer, as the reference has it."""
    if guess is None:
        raise CannotTellError("no reference solution")
    label = guess.label
    if label.first_error is None:
        raise CannotTellError(label.kind)
    if label.first_error < 0:
        raise CannotTellError("its answer is right in one reading")
    if label.confidence < LEAST_CONFIDENCE:
        raise CannotTellError(UNSURE)
    return label.first_error


def _posterior(prior: Sequence[float], made: _Made, k: int, guess: Guess | None) -> list[float]:
    """Of each step, the probability that it is the first error.

    From an incorrect prefix nothing succeeds, from the correct ones all rollouts do at one rate, which is not known: a
    weak model fails from correct prefixes too, and its other solutions say so. After k failures a prefix is incorrect.
    """
    right = SUCCESSES + (guess.right if guess else 0)
    wrong = FAILURES + (guess.wrong if guess else 0)
    cleared = max((i + 1 for i, n in enumerate(made.successes) if n), default=0)
    odds = [0.0] * len(prior)
    for step in range(len(prior)):
        if step:
            failed = len(made.rollouts[step - 1]) - made.successes[step - 1]
            if failed >= k and step > cleared:
                break
            right, wrong = right + made.successes[step - 1], wrong + failed
        if step >= cleared:
            odds[step] = prior[step] * math.exp(math.lgamma(right) + math.lgamma(wrong) - math.lgamma(right + wrong))
    whole = sum(odds)
    return [share / whole for share in odds]


def _reason(
    steps: Sequence[str], first_error: int, successes: Sequence[int], trials: Sequence[int], guess: Guess | None
) -> str:
    """Who says that this step is the first error, and why."""
    if first_error < 0:
        return ""
    said = []
    if guess is not None and guess.label.first_error == first_error:
        said.append(f"reference: {guess.label.reason}")
    elif false := false_equations(steps[first_error]):
        said.append(f"equation: {false[0]}")
    if sum(trials):
        before = f"{sum(successes[:first_error])} of {sum(trials[:first_error])} from the steps before it"
        after = f"{sum(successes[first_error:])} of {sum(trials[first_error:])} from it on"
        said.append(f"rollouts: {before}, {after} come to the answer of the reference")
    return "; ".join(said) or "answer: it is wrong, and no other step is left"


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
