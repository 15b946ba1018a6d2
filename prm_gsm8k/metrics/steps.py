"""How good scores are, as numbers: pure functions of scores and labels, with no model and no file in sight.

A score is P(right) of a step. A label is ProcessBench's: the index of the first wrong step, -1 if there is none.

    predicted = [predicted_first_error(scores, 0.5) for scores in many]
    first_error_f1(predicted, labels).f1                     # ProcessBench
    step_metrics(*judged_steps(many, labels)).auc            # no threshold at all
    best_threshold(many, labels)                             # of a validation split; of a test set it is an oracle

What cannot be said is None, never nan: an AUC of right steps only, an F1 of wrong solutions only.
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
        error_accuracy: of solutions with an error, the share in which the very step was named; None without any.
        correct_accuracy: of solutions without one, the share in which no step was named; None without any.
        f1: their harmonic mean; None if one of them is.
        n_error, n_correct: how many solutions each is a share of.
    """

    error_accuracy: float | None
    correct_accuracy: float | None
    f1: float | None
    n_error: int
    n_correct: int


@dataclass(frozen=True)
class StepMetrics:
    """Steps one by one.

    Attributes:
        accuracy: at 0.5, a score of 0.5 being right.
        auc: the chance that a right step scores above a wrong one; None without one of them.
        average_precision: of finding *wrong* steps by their low score; None without one of them.
        ece: expected calibration error, 15 bins of equal width (Guo et al. 2017).
        brier: mean squared distance of a score from 1 (right) or 0 (Brier 1950).
        steps: how many.
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
    """Of two shares; 0 if one is 0, None if one is None. Any unit: percent in, percent out."""
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0


def first_error_f1(predicted: Sequence[int], labels: Sequence[int]) -> FirstErrorF1:
    """Compare predicted first errors with the true ones.

    >>> first_error_f1([1, 2, -1, -1], [1, 1, -1, -1])
    FirstErrorF1(error_accuracy=0.5, correct_accuracy=1.0, f1=0.6666666666666666, n_error=2, n_correct=2)

    Raises:
        UsageError: not one prediction a label.
    """
    _same_length("predictions", predicted, "labels", labels)
    label = np.asarray(labels, dtype=np.int64)
    hit = np.asarray(predicted, dtype=np.int64) == label
    wrong = label >= 0
    error, correct = _share(hit[wrong]), _share(hit[~wrong])
    return FirstErrorF1(error, correct, harmonic_mean(error, correct), int(wrong.sum()), int((~wrong).sum()))


def best_threshold(
    scores: Sequence[Sequence[float]], labels: Sequence[int], subsets: Sequence[str] | None = None
) -> tuple[float, float]:
    """The threshold at which ProcessBench's F1 is highest, and that F1: exact, every cut that differs is tried.

    A threshold t finds the error of a solution at k iff the score at k is below t and none before it is, and lets a
    right solution pass iff its lowest score is at least t. So each solution is an interval of t, and the
    F1 of all cuts comes out of one sweep: 30,000 solutions take 0.1 s. The threshold is the middle between two
    scores; of equally good ones it is the one nearest to 0.5. Without right solutions, or without wrong ones, what is
    highest is the accuracy on the others.

    Args:
        scores: of each step of each solution, in [0, 1].
        labels: of each solution.
        subsets: of each solution, if what counts is the unweighted mean of the F1 of several.

    Raises:
        UsageError: nothing to choose on, a score outside [0, 1], or labels that do not fit the scores.
    """
    _same_length("solutions", scores, "labels", labels)
    if not len(scores):
        raise UsageError("there are no solutions to choose a threshold on")
    for n, (line, label) in enumerate(zip(scores, labels, strict=True)):
        _check_label(n, line, label)
    _check_scores(np.array([score for line in scores for score in line], dtype=np.float64))
    # judged rightly for t in (above, upto]
    above = np.array([line[label] if label >= 0 else -1.0 for line, label in zip(scores, labels, strict=True)])
    before = [line[:label] if label >= 0 else line for line, label in zip(scores, labels, strict=True)]
    upto = np.array([min(line, default=2.0) for line in before])
    wrong = np.asarray(labels) >= 0
    cuts = cuts_between(np.concatenate([above[wrong], upto[upto < 2.0]]))

    def found(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How many of these solutions are judged rightly at each cut: intervals begun less intervals ended."""
        begun = np.searchsorted(np.sort(above[which]), cuts, side="left")
        ended = np.searchsorted(np.sort(np.maximum(upto, above)[which]), cuts, side="left")
        return (begun - ended) / max(int(which.sum()), 1)

    def f1(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        error, correct = found(wrong & which), found(~wrong & which)
        if not (wrong & which).any() or not (~wrong & which).any():
            return error + correct  # one of which is 0
        both = error + correct
        return np.divide(2 * error * correct, both, out=np.zeros_like(both), where=both > 0)

    names = np.array(subsets if subsets is not None else [""] * len(labels))
    value = np.mean([f1(names == name) for name in np.unique(names)], axis=0)
    return nearest_to_half(cuts, value)


def cuts_between(scores: ArrayLike) -> NDArray[np.float64]:
    """Thresholds that tell scores apart in every way there is, from low to high.

    0, below which nothing is; the middles between neighbours, of 0 and the scores; and one above all of them.
    """
    lowest = np.unique(np.append(np.asarray(scores, dtype=np.float64), 0.0))
    ends = np.append(lowest[1:], max(1.0, np.nextafter(lowest[-1], 2.0)))
    middles = (lowest + ends) / 2
    return np.append(0.0, np.where(middles > lowest, middles, ends))  # between neighbouring floats there is no middle


def nearest_to_half(cuts: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[float, float]:
    """Of the cuts at which a value is highest the one nearest to 0.5, and the value."""
    best = np.flatnonzero(value >= value.max() - 1e-12)
    chosen = best[np.argmin(np.abs(cuts[best] - 0.5))]
    return float(cuts[chosen]), float(value[chosen])


def judged_steps(
    scores: Sequence[Sequence[float]], labels: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The steps of which it is known whether they are right: all up to the first error, it included.

    Returns: their scores, and whether each is right, one after the other.

    >>> judged_steps([[0.9, 0.2, 0.1], [0.8]], [1, -1])
    (array([0.9, 0.2, 0.8]), array([ True, False,  True]))

    Raises:
        UsageError: labels that do not fit the scores.
    """
    _same_length("solutions", scores, "labels", labels)
    flat: list[float] = []
    right: list[bool] = []
    for n, (line, label) in enumerate(zip(scores, labels, strict=True)):
        _check_label(n, line, label)
        judged = line if label < 0 else line[: label + 1]
        flat += judged
        right += [i != label for i in range(len(judged))]
    return np.array(flat, dtype=np.float64), np.array(right, dtype=bool)


def step_metrics(scores: ArrayLike, right: ArrayLike) -> StepMetrics:
    """Steps one by one; which of them are judged is up to the caller (`judged_steps`).

    Args:
        scores: P(right) of each step, flat, in [0, 1].
        right: whether each is.

    Raises:
        UsageError: no steps, not one label a step, or a score that is none.
    """
    s, y = _flat(scores, right)
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


def roc_auc(scores: ArrayLike, right: ArrayLike) -> float | None:
    """The chance that a right one scores above a wrong one, equals counting half; None without one of them."""
    s, y = _flat(scores, right)
    if y.all() or not y.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, s))


def average_precision(scores: ArrayLike, right: ArrayLike) -> float | None:
    """Of finding the *wrong* ones, lowest score first; None without one of them."""
    s, y = _flat(scores, right)
    if y.all() or not y.any():
        return None
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(~y, -s))


def _flat(scores: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
    if s.shape != y.shape or s.ndim != 1 or not len(s):
        raise UsageError(f"one score and one label a step are needed, not {s.shape} and {y.shape}")
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
