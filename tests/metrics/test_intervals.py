"""Intervals cover the truth as often as they claim, problems are resampled whole, p-values are calibrated."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from prm_gsm8k.metrics.intervals import (
    interval,
    of_resamples,
    paired,
    resamples,
    weighted_auc,
    weighted_average_precision,
)
from prm_gsm8k.metrics.protocols import Counts, first_error_counts, processbench


def drawn_benchmark(random: np.random.Generator, problems: int, each: int = 3) -> tuple[list[str], Counts]:
    """Solutions to problems of random difficulty, so that those to one problem are correlated."""
    hard = random.normal(size=problems).repeat(each)
    wrong = random.random(len(hard)) < 1 / (1 + np.exp(-hard))
    hit = random.random(len(hard)) < 1 / (1 + np.exp(hard * np.where(wrong, 1, 0.5) - np.where(wrong, 0.3, 2.0)))
    labels = np.where(wrong, 1, -1)
    predicted = np.where(hit, labels, np.where(wrong, -1, 0))
    counts = first_error_counts(predicted.tolist(), labels.tolist())
    return [str(n) for n in np.arange(problems).repeat(each)], counts


def f1_of(counts: Counts) -> float:
    return float(processbench({key: column.sum() for key, column in counts.items()})["f1"])


@pytest.mark.slow
def test_95_percent_intervals_cover_the_truth_in_93_to_97_of_100_repeats() -> None:
    random = np.random.default_rng(3)
    truth = f1_of(drawn_benchmark(random, 200_000)[1])
    repeats, covered = 1_000, 0
    for n in range(repeats):
        problems, counts = drawn_benchmark(random, 120)
        drawn = resamples(problems, [""] * len(problems), 400, seed=n)
        low, high = interval(processbench(drawn.sums(counts))["f1"], f1_of(counts))
        assert low is not None and high is not None
        covered += low <= truth <= high
    assert 0.93 <= covered / repeats <= 0.97


def test_solutions_to_one_problem_are_resampled_together() -> None:
    drawn = resamples(["a", "b", "a", "c", "a"], [""] * 5, 50)
    assert drawn.weights.shape == (50, 3) and (drawn.weights.sum(axis=1) == 3).all()
    sums = drawn.sums({"ones": np.ones(5), "of a": np.array([1.0, 0, 1, 0, 1])})
    assert sums["of a"].tolist() == (3 * drawn.weights[:, 0]).tolist()
    assert len(set(sums["ones"].tolist())) > 1, "so the number of solutions varies"


def test_subsets_keep_their_sizes() -> None:
    drawn = resamples(list("abcdef"), ["x"] * 2 + ["y"] * 4, 30)
    assert (drawn.weights[:, :2].sum(axis=1) == 2).all() and (drawn.weights[:, 2:].sum(axis=1) == 4).all()


def test_the_same_seed_draws_the_same() -> None:
    problems = [str(n) for n in range(20)]
    one, two, other = (resamples(problems, [""] * 20, 10, seed).weights for seed in (1, 1, 2))
    assert (one == two).all() and (one != other).any()


def test_no_interval_if_a_resample_is_undefined() -> None:
    assert interval(np.array([0.5, np.nan]), 0.5) == (None, None)
    assert interval(np.array([]), 0.5) == (None, None)


def test_ranked_metrics_equal_scikit_learns_with_weights_and_ties() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 12, 300) / 12  # many equal ones
    right = random.random(300) < 0.2 + 0.6 * scores
    weights = random.integers(0, 4, (20, 300)).astype(float)
    auc, precision = weighted_auc(scores, right)(weights), weighted_average_precision(scores, right)(weights)
    for w, a, p in zip(weights, auc, precision, strict=True):
        assert a == pytest.approx(roc_auc_score(right, scores, sample_weight=w))
        assert p == pytest.approx(average_precision_score(~right, -scores, sample_weight=w))


def test_ranked_metrics_of_one_class_are_nan() -> None:
    weights = np.array([[1.0, 1.0], [1.0, 0.0]])
    assert np.isnan(weighted_auc(np.array([0.1, 0.9]), np.array([False, True]))(weights)).tolist() == [False, True]


def test_a_resample_weighs_the_items_of_a_problem_equally() -> None:
    drawn = resamples(["a", "a", "b"], [""] * 3, 120)  # more than are computed at once
    seen = of_resamples(lambda w: w.sum(axis=1), drawn, np.array([0, 0, 1, 2]))
    assert seen.tolist() == (3 * drawn.weights[:, 0] + drawn.weights[:, 1]).tolist()


def test_p_is_below_5_percent_in_5_percent_of_pairs_of_equal_models() -> None:
    random = np.random.default_rng(5)
    values = []
    for n in range(200):
        labels = [1] * 40 + [-1] * 40
        one, two = ([label if random.random() < 0.6 else 0 for label in labels] for _ in range(2))
        problems = [str(i) for i in range(80)]
        drawn = resamples(problems, [""] * 80, 200, seed=n)
        a, b = first_error_counts(one, labels), first_error_counts(two, labels)
        values.append(paired(a, b, processbench, "f1", drawn, seed=n).p)
    assert 0.01 <= np.mean(np.array(values) <= 0.05) <= 0.09, "5% of p are below 0.05"


def test_a_better_model_is_significantly_better() -> None:
    labels = [1] * 60 + [-1] * 60
    good, bad = [1] * 50 + [0] * 10 + [-1] * 55 + [0] * 5, [1] * 25 + [0] * 35 + [-1] * 40 + [0] * 20
    problems = [str(i) for i in range(120)]
    drawn = resamples(problems, [""] * 120, 500)
    a, b = first_error_counts(good, labels), first_error_counts(bad, labels)
    one = paired(a, b, processbench, "f1", drawn)
    assert one.difference == pytest.approx(f1_of(a) - f1_of(b))
    assert one.low is not None and one.high is not None and 0 < one.low < one.difference < one.high
    assert one.p == pytest.approx(1 / 501), "no permutation differs as much"
    assert paired(a, a, processbench, "f1", drawn).p == 1
