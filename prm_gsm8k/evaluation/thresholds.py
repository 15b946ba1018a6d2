"""Thresholds and their origin: 0.5, chosen on validation, or the oracle's.

The oracle threshold maximizes the metric on the test set itself. It is an upper bound, labelled as such, without an
interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.dataset.contamination import Questions
from prm_gsm8k.evaluation.benchmarks import Solution
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.metrics.protocols import macro_f1, matthews
from prm_gsm8k.metrics.steps import best_threshold, cuts_between, nearest_to_half

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Threshold:
    """A threshold and the data it was chosen on."""

    value: float
    chosen_on: str


def refuse_shared_questions(test: Sequence[Solution], validation: Sequence[Solution]) -> None:
    """Raises UsageError if a threshold would be chosen on questions of the test set."""
    tested = Questions({solution.where: solution.problem for solution in test})
    places = {solution.problem: solution.where for solution in validation}
    shared = [(where, place) for problem, where in places.items() if (place := tested.inside(problem))]
    if shared:
        raise UsageError(
            f"--threshold-data shares {len(shared):,} questions with the test data ({shared[0][0]} is {shared[0][1]}); "
            "choose the threshold on other questions"
        )


def oracle_threshold(
    benchmark: str, scores: Sequence[Sequence[float]], solutions: Sequence[Solution], subsets: Sequence[str]
) -> float:
    """The threshold that maximizes a benchmark's own metric on these solutions: F1 (the mean over subsets) for
    ProcessBench, MCC for MR-GSM8K, PRMScore for PRMBench.
    """
    labels = [_known(s.label) for s in solutions]
    if benchmark == "mr-gsm8k":
        return best_cut([min(line) for line in scores], [label < 0 for label in labels], matthews)[0]
    if benchmark == "prmbench":
        flat = [p for line, s in zip(scores, solutions, strict=True) for p in line[: len(s.right)]]
        return best_cut(flat, [right for s in solutions for right in s.right], macro_f1)[0]
    return best_threshold(scores, labels, [s.subset for s in solutions] if len(subsets) > 1 else None)[0]


def best_cut(
    scores: Sequence[float], correct: Sequence[bool], value: Callable[[Any, Any, Any, Any], NDArray[np.float64]]
) -> tuple[float, float]:
    """The threshold that maximizes a function of (tp, fn, tn, fp), and the maximum; correct is the positive class.

    >>> best_cut([0.9, 0.75, 0.25], [True, True, False], macro_f1)
    (0.5, 1.0)
    """
    s, y = np.asarray(scores, float), np.asarray(correct, bool)
    cuts = cuts_between(s)
    fn = np.searchsorted(np.sort(s[y]), cuts, side="left")
    tn = np.searchsorted(np.sort(s[~y]), cuts, side="left")
    return nearest_to_half(cuts, np.asarray(value(y.sum() - fn, fn, tn, (~y).sum() - tn), float))


def _known(label: int | None) -> int:
    assert label is not None
    return label
