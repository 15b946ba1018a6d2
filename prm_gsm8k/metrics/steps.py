"""Metrics of step scores against labels, as pure functions.

A score is P(correct) of a step. A label is the index of the first incorrect step, -1 if there is none (ProcessBench).

    predicted = [predicted_first_error(scores, 0.5) for scores in many]
    first_error_f1(predicted, labels).f1                     # ProcessBench
    step_metrics(*judged_steps(many, labels)).auc            # needs no threshold
    best_threshold(many, labels)                             # on validation; on the test set it would be an oracle

Undefined metrics are None, never nan: the AUC of correct steps only, the F1 of incorrect solutions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BINS = 15  # of the calibration error, as Guo et al. 2017 (On Calibration of Modern Neural Networks, section 5)


@dataclass(frozen=True)
class FirstErrorF1:
    """ProcessBench (Zheng et al. 2024, section 3): accuracies in [0, 1] and their harmonic mean.

    Attributes:
        error_accuracy: share of the incorrect solutions whose first error was predicted exactly; None without any.
        correct_accuracy: share of the correct solutions in which no error was predicted; None without any.
        f1: harmonic mean of the two; None if one is.
        n_error, n_correct: number of incorrect and of correct solutions.
    """

    error_accuracy: float | None
    correct_accuracy: float | None
    f1: float | None
    n_error: int
    n_correct: int


@dataclass(frozen=True)
class StepMetrics:
    """Metrics over single steps.

    Attributes:
        accuracy: at threshold 0.5; a score of 0.5 predicts correct.
        auc: probability that a correct step scores above an incorrect one; None if a class is empty.
        average_precision: of detecting *incorrect* steps by low scores; None if a class is empty.
        ece: expected calibration error, 15 bins of equal width (Guo et al. 2017).
        brier: mean squared difference of the score from 1 (correct) or 0 (Brier 1950).
        steps: number of steps.
    """

    accuracy: float
    auc: float | None
    average_precision: float | None
    ece: float
    brier: float
    steps: int


def predicted_first_error(scores: Sequence[float], threshold: float) -> int:
    """Index of the first step that scores below the threshold, -1 if none does.

    >>> predicted_first_error([0.9, 0.5, 0.2], 0.5)
    2
    """
    return next((i for i, score in enumerate(scores) if score < threshold), -1)


def harmonic_mean(a: float | None, b: float | None) -> float | None:
    """The harmonic mean; 0 if one is 0, None if one is None."""
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0


def first_error_f1(predicted: Sequence[int], labels: Sequence[int]) -> FirstErrorF1:
    """Compare predicted first errors with the true ones.

    >>> first_error_f1([1, 2, -1, -1], [1, 1, -1, -1])
    FirstErrorF1(error_accuracy=0.5, correct_accuracy=1.0, f1=0.6666666666666666, n_error=2, n_correct=2)

    Raises:
        UsageError: the numbers of predictions and labels differ.
    """
    _same_length("predictions", predicted, "labels", labels)
    label = np.asarray(labels, dtype=np.int64)
    hit = np.asarray(predicted, dtype=np.int64) == label
    incorrect = label >= 0
    error, correct = _share(hit[incorrect]), _share(hit[~incorrect])
    return FirstErrorF1(error, correct, harmonic_mean(error, correct), int(incorrect.sum()), int((~incorrect).sum()))


def best_threshold(
    scores: Sequence[Sequence[float]], labels: Sequence[int], subsets: Sequence[str] | None = None
) -> tuple[float, float]:
    """The threshold with the highest ProcessBench F1, and that F1; exact over all distinct thresholds.

    An incorrect solution with first error k is judged correctly iff the score at k is below the threshold t and none
    before it is; a correct one iff its lowest score is at least t. Each is an interval of t, so one sweep gives the F1
    of every t: 30,000 solutions take 0.1 s. The threshold is midway between two scores, the one nearest 0.5 among
    equals. If all solutions are correct, or all incorrect, accuracy takes the place of F1.

    Args:
        scores: in [0, 1], of each step of each solution.
        labels: (solutions,).
        subsets: (solutions,), to maximize the unweighted mean of the subsets' F1.

    Raises:
        UsageError: no solutions, a score outside [0, 1], or labels that do not fit the scores.
    """
    _same_length("solutions", scores, "labels", labels)
    if not len(scores):
        raise UsageError("there are no solutions to choose a threshold on")
    for n, (line, label) in enumerate(zip(scores, labels, strict=True)):
        _check_label(n, line, label)
    _check_scores(np.array([score for line in scores for score in line], dtype=np.float64))
    # judged correctly for t in (above, upto]
    above = np.array([line[label] if label >= 0 else -1.0 for line, label in zip(scores, labels, strict=True)])
    before = [line[:label] if label >= 0 else line for line, label in zip(scores, labels, strict=True)]
    upto = np.array([min(line, default=2.0) for line in before])
    incorrect = np.asarray(labels) >= 0
    cuts = cuts_between(np.concatenate([above[incorrect], upto[upto < 2.0]]))

    def accuracy(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The share of these solutions judged correctly at each cut: intervals begun minus intervals ended."""
        begun = np.searchsorted(np.sort(above[which]), cuts, side="left")
        ended = np.searchsorted(np.sort(np.maximum(upto, above)[which]), cuts, side="left")
        return (begun - ended) / max(int(which.sum()), 1)

    def f1(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        error, correct = accuracy(incorrect & which), accuracy(~incorrect & which)
        if not (incorrect & which).any() or not (~incorrect & which).any():
            return error + correct  # one of them is 0
        both = error + correct
        return np.divide(2 * error * correct, both, out=np.zeros_like(both), where=both > 0)

    names = np.array(subsets if subsets is not None else [""] * len(labels))
    value = np.mean([f1(names == name) for name in np.unique(names)], axis=0)
    return nearest_to_half(cuts, value)


def cuts_between(scores: ArrayLike) -> NDArray[np.float64]:
    """One threshold for each way to split the scores, ascending.

    0, below which no score is; the midpoints between neighbours among 0 and the scores; and one above all scores.
    """
    lowest = np.unique(np.append(np.asarray(scores, dtype=np.float64), 0.0))
    ends = np.append(lowest[1:], max(1.0, np.nextafter(lowest[-1], 2.0)))
    middles = (lowest + ends) / 2
    return np.append(0.0, np.where(middles > lowest, middles, ends))  # between neighbouring floats there is no middle


def nearest_to_half(cuts: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[float, float]:
    """The cut with the highest value, the one nearest 0.5 among equals, and the value."""
    best = np.flatnonzero(value >= value.max() - 1e-12)
    chosen = best[np.argmin(np.abs(cuts[best] - 0.5))]
    return float(cuts[chosen]), float(value[chosen])


def judged_steps(
    scores: Sequence[Sequence[float]], labels: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The steps with a known label: all up to and including the first error.

    Returns:
        Their scores and whether each is correct, both (steps,).

    >>> judged_steps([[0.9, 0.2, 0.1], [0.8]], [1, -1])
    (array([0.9, 0.2, 0.8]), array([ True, False,  True]))

    Raises:
        UsageError: labels that do not fit the scores.
    """
    _same_length("solutions", scores, "labels", labels)
    flat: list[float] = []
    correct: list[bool] = []
    for n, (line, label) in enumerate(zip(scores, labels, strict=True)):
        _check_label(n, line, label)
        judged = line if label < 0 else line[: label + 1]
        flat += judged
        correct += [i != label for i in range(len(judged))]
    return np.array(flat, dtype=np.float64), np.array(correct, dtype=bool)


def step_metrics(scores: ArrayLike, correct: ArrayLike) -> StepMetrics:
    """Metrics over single steps, for example those of `judged_steps`.

    Args:
        scores: (steps,), P(correct) in [0, 1].
        correct: (steps,), whether each is correct.

    Raises:
        UsageError: no steps, different numbers of scores and labels, or a score outside [0, 1].
    """
    s, y = _flat(scores, correct)
    bins = np.minimum((s * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weights=s - y, minlength=BINS)
    return StepMetrics(
        accuracy=float(np.mean((s >= 0.5) == y)),
        auc=roc_auc(s, y),
        average_precision=average_precision(s, y),
        ece=float(np.abs(gap).sum() / len(s)),
        brier=float(np.mean((s - y) ** 2)),
        steps=len(s),
    )


def roc_auc(scores: ArrayLike, correct: ArrayLike) -> float | None:
    """Probability that a correct item scores above an incorrect one, ties counting half; None if a class is empty."""
    s, y = _flat(scores, correct)
    if y.all() or not y.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, s))


def average_precision(scores: ArrayLike, correct: ArrayLike) -> float | None:
    """Average precision of detecting *incorrect* items by low scores; None if a class is empty."""
    s, y = _flat(scores, correct)
    if y.all() or not y.any():
        return None
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(~y, -s))


def _flat(scores: ArrayLike, correct: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=bool)
    if s.shape != y.shape or s.ndim != 1 or not len(s):
        raise UsageError(f"scores and labels must be non-empty and of equal length, not {s.shape} and {y.shape}")
    _check_scores(s)
    return s, y


def _check_scores(s: NDArray[np.float64]) -> None:
    if not (good := (s >= 0) & (s <= 1)).all():
        at = int(np.argmin(good))
        raise UsageError(f"score {at} is {s[at]}, outside [0, 1]")


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _same_length(what: str, a: Sequence[object], other: str, b: Sequence[object]) -> None:
    if len(a) != len(b):
        raise UsageError(f"{len(a)} {what} but {len(b)} {other}")


def _check_label(n: int, line: Sequence[float], label: int) -> None:
    if not len(line) or not -1 <= label < len(line):
        raise UsageError(f"solution {n}: label {label}, but {len(line)} scores")
