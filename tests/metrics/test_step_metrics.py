"""Step metrics: against hand counts, against a search over every threshold, and undefined cases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.metrics.steps import (
    average_precision,
    best_threshold,
    first_error_f1,
    harmonic_mean,
    judged_steps,
    predicted_first_error,
    roc_auc,
    step_metrics,
)

# few different scores, so that ties within and between solutions are common; neighbouring floats, and the ends
SCORE = st.sampled_from([0.0, 0.1, 0.3, 0.5, math.nextafter(0.5, 1), 0.7, 1.0])
SOLUTION = st.lists(SCORE, min_size=1, max_size=5).flatmap(
    lambda line: st.tuples(st.just(line), st.integers(-1, len(line) - 1))
)


def f1_at(scores: list[list[float]], labels: list[int], threshold: float) -> float:
    """F1, or the one accuracy there is."""
    at = first_error_f1([predicted_first_error(line, threshold) for line in scores], labels)
    value = at.f1 if at.f1 is not None else at.error_accuracy if at.correct_accuracy is None else at.correct_accuracy
    assert value is not None
    return value


@given(st.lists(SOLUTION, min_size=1, max_size=12))
def test_no_threshold_is_better_than_the_best(solutions: list[tuple[list[float], int]]) -> None:
    scores, labels = [line for line, _ in solutions], [label for _, label in solutions]
    threshold, f1 = best_threshold(scores, labels)
    assert f1 == pytest.approx(f1_at(scores, labels, threshold)), "it is what the threshold gives"
    every = {s for line in scores for s in line} | {0.0, 2.0}
    every |= {math.nextafter(s, 2) for s in every}
    assert f1 == pytest.approx(max(f1_at(scores, labels, t) for t in every))


def test_the_best_threshold_is_between_scores_and_nearest_one_half() -> None:
    assert best_threshold([[0.9, 0.2], [0.8]], [1, -1]) == (0.5, 1.0)
    assert best_threshold([[0.9, 0.2], [0.3]], [1, -1]) == (0.25, 1.0)
    assert best_threshold([[0.9, 0.2]], [1]) == (pytest.approx(0.55), 1.0), "incorrect solutions only: their accuracy"


def test_each_accuracy_is_a_share_of_its_own_class() -> None:
    at = first_error_f1([0, 1, 3, -1, -1, 2], [0, 2, 3, 1, -1, -1])
    assert (at.error_accuracy, at.correct_accuracy, at.n_error, at.n_correct) == (0.5, 0.5, 4, 2)


def test_undefined_metrics_are_none() -> None:
    incorrect = first_error_f1([1, 0], [1, 1])
    assert (incorrect.error_accuracy, incorrect.correct_accuracy, incorrect.f1) == (0.5, None, None)
    correct = step_metrics([0.9, 0.8], [True, True])
    assert (correct.auc, correct.average_precision) == (None, None)
    assert roc_auc([0.1], [False]) is None and average_precision([0.1], [False]) is None
    assert first_error_f1([0, 0], [1, -1]).f1 == 0.0, "0, not undefined"
    assert harmonic_mean(0.0, 0.0) == 0.0


def test_steps_after_the_first_error_have_no_label() -> None:
    scores, correct = judged_steps([[0.9, 0.4, 0.3, 0.2], [0.6, 0.7], [0.1]], [1, -1, 0])
    assert scores.tolist() == [0.9, 0.4, 0.6, 0.7, 0.1]
    assert correct.tolist() == [True, False, True, True, False]


def test_step_metrics_by_hand() -> None:
    """Pairs (correct, incorrect): 0.9>0.6, 0.9>0.2, 0.4<0.6, 0.4>0.2: AUC 3/4. Precision from below: 1/1, 2/3."""
    m = step_metrics([0.9, 0.4, 0.6, 0.2], [True, True, False, False])
    assert m.auc == 0.75
    assert m.average_precision == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert m.accuracy == 0.5
    assert m.brier == pytest.approx((0.1**2 + 0.6**2 + 0.6**2 + 0.2**2) / 4)
    assert m.ece == pytest.approx((0.1 + 0.6 + 0.6 + 0.2) / 4), "each in a bin of its own"
    assert m.steps == 4


def test_the_calibration_error_averages_over_bins() -> None:
    half = step_metrics([0.5] * 10, [True] * 5 + [False] * 5)
    assert half.ece == 0 and half.brier == 0.25
    ends = step_metrics([0.0, 1.0], [False, True])
    assert ends.ece == 0, "a score of 1 is in the last bin"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: best_threshold([], []), "no solutions"),
        (lambda: best_threshold([[0.1]], [1]), "solution 0: label 1, but 1 scores"),
        (lambda: best_threshold([[0.1], []], [-1, -1]), "solution 1: label -1, but 0 scores"),
        (lambda: best_threshold([[1.5]], [-1]), "score 0 is 1.5, outside"),
        (lambda: best_threshold([[math.nan, 0.5]], [-1]), "score 0 is nan"),
        (lambda: judged_steps([[0.1]], [0, 0]), "1 solutions but 2 labels"),
        (lambda: first_error_f1([0], []), "1 predictions but 0 labels"),
        (lambda: step_metrics([0.5, math.nan], [True, False]), "score 1 is nan"),
        (lambda: step_metrics([], []), "must be non-empty and of equal length"),
    ],
)
def test_invalid_arguments_are_refused(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()  # type: ignore[operator]
