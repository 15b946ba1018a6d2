"""Published results are reproduced; formulas agree with scikit-learn and with the papers."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from prm_gsm8k.metrics.protocols import (
    PRMBENCH_GROUPS,
    by_subset,
    first_error_counts,
    macro_f1,
    matthews,
    mr_gsm8k,
    prmbench,
    processbench,
    step_counts,
    step_protocol,
    verdict_counts,
)
from prm_gsm8k.metrics.steps import harmonic_mean, step_metrics

# ProcessBench's GSM8K has 207 solutions with an error and 193 without; accuracy on each and F1 in percent, as published
# in Zheng et al. 2024 (arXiv:2412.06559) and Zhang et al. 2025 (arXiv:2501.07301), F1 being that of rounded accuracies
GSM8K = {
    "Math-Shepherd-PRM-7B": (32.4, 91.7, 47.9),
    "RLHFlow-PRM-Mistral-8B": (33.8, 99.0, 50.4),
    "RLHFlow-PRM-Deepseek-8B": (24.2, 98.4, 38.8),
    "Skywork-PRM-1.5B": (50.2, 71.5, 59.0),
    "Skywork-PRM-7B": (61.8, 82.9, 70.8),
    "Qwen2.5-Math-7B-PRM800K": (53.1, 95.3, 68.2),
    "Qwen2.5-Math-PRM-7B": (72.0, 96.4, 82.4),
    "Qwen2.5-Math-PRM-72B": (78.7, 97.9, 87.3),
}
# A PRM trained with TRL on all four subsets, as huggingface/ProcessBench prints it (it says precision and recall):
# solutions with and without an error, the two accuracies, F1
TRL = {
    "gsm8k": (207, 193, 22.71, 93.78, 36.56),
    "math": (594, 406, 38.22, 70.69, 49.61),
    "olympiadbench": (661, 339, 27.08, 53.98, 36.07),
    "omnimath": (759, 241, 27.93, 54.77, 37.00),
}


def judged(wrong: int, right: int, error: float, correct: float) -> tuple[list[int], list[int]]:
    """Predictions and labels with these accuracies in percent, to the nearest solution."""
    found, passed = round(wrong * error / 100), round(right * correct / 100)
    predicted = [2] * found + [-1] * (wrong - found) + [-1] * passed + [0] * (right - passed)
    return predicted, [2] * wrong + [-1] * right


@pytest.mark.parametrize("name", GSM8K)
def test_processbench_as_published(name: str) -> None:
    error, correct, f1 = GSM8K[name]
    mean = harmonic_mean(error, correct)
    assert mean is not None and round(mean, 1) == f1
    counts = first_error_counts(*judged(207, 193, error, correct))
    numbers = processbench({key: column.sum() for key, column in counts.items()})
    assert [round(100 * float(numbers[key]), 1) for key in ("error_accuracy", "correct_accuracy")] == [error, correct]
    assert 100 * float(numbers["f1"]) == pytest.approx(f1, abs=0.06)


def test_the_mean_over_subsets_is_not_weighted_by_their_size() -> None:
    predicted, labels, subsets = [], [], []
    for name, (wrong, right, error, correct, _) in TRL.items():
        more, of = judged(wrong, right, error, correct)
        predicted, labels, subsets = predicted + more, labels + of, subsets + [name] * len(of)
    counts = by_subset(first_error_counts(predicted, labels), subsets)
    numbers = processbench({key: column.sum() for key, column in counts.items()}, tuple(TRL))
    for name, (*_, f1) in TRL.items():
        assert round(100 * float(numbers[f"{name}/f1"]), 2) == pytest.approx(f1, abs=0.011)
    assert round(100 * float(numbers["f1"]), 1) == 39.8 == round((36.56 + 49.61 + 36.07 + 37.00) / 4, 1)


def test_mcc_and_macro_f1_are_scikit_learns() -> None:
    draw = random.Random(0)
    for _ in range(50):
        right = [draw.random() < 0.6 for _ in range(40)]
        said = [draw.random() < 0.5 for _ in right]
        counts = verdict_counts([[r] for r in right], [[s] for s in said])
        four = [counts[key].sum() for key in ("tp", "fn", "tn", "fp")]
        assert matthews(*four) == pytest.approx(matthews_corrcoef(right, said))
        assert macro_f1(*four) == pytest.approx(f1_score(right, said, average="macro"))
    assert matthews(3, 0, 0, 4) == 0, "all predicted correct, as scikit-learn"


def test_mr_gsm8k_divides_by_all_incorrect_solutions() -> None:
    """Four incorrect solutions: found, found elsewhere, missed, found; two correct ones, one of them passed."""
    labels, predicted = [1, 2, 0, 3, -1, -1], [1, 0, -1, 3, -1, 2]
    sums = {
        **first_error_counts(predicted, labels),
        **verdict_counts([[label < 0] for label in labels], [[p < 0] for p in predicted]),
        **verdict_counts([[True, False]] * 6, [[True, True]] * 6, "step_"),
    }
    numbers = mr_gsm8k({key: column.sum() for key, column in sums.items()})
    assert numbers["first_error_accuracy"] == 0.5
    assert numbers["mcc"] == pytest.approx(matthews_corrcoef([0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 1, 0]))
    assert numbers["step_f1"] == pytest.approx((2 / 3 + 0) / 2), "F1 of incorrect steps is 0"


def test_prmscore_over_all_steps_and_by_class() -> None:
    """As in PRMBench's evaluation: steps after an error count, and multi_solutions, all correct, is F1 alone."""
    classes = [name for members in PRMBENCH_GROUPS.values() for name in members]
    draw = random.Random(1)
    right, said, subsets = [], [], []
    for n in range(180):
        name = classes[n % 9]
        right.append([name == "multi_solutions" or draw.random() < 0.7 for _ in range(draw.randint(2, 9))])
        said.append([draw.random() < (0.8 if r else 0.5) for r in right[-1]])
        subsets.append(name)
    counts = by_subset(verdict_counts(right, said), subsets)
    numbers = prmbench({key: column.sum() for key, column in counts.items()}, classes)
    flat = [r for line in right for r in line], [s for line in said for s in line]
    assert numbers["prmscore"] == pytest.approx(0.5 * f1_score(*flat) + 0.5 * f1_score(*flat, pos_label=False))

    def of(name: str) -> tuple[list[bool], list[bool]]:
        rows = [n for n in range(180) if subsets[n] == name]
        return [r for n in rows for r in right[n]], [s for n in rows for s in said[n]]

    assert numbers["multi_solutions/prmscore"] == pytest.approx(f1_score(*of("multi_solutions")))
    simple = [f1_score(*of(name), average="macro") for name in PRMBENCH_GROUPS["simplicity"]]
    assert numbers["simplicity/prmscore"] == pytest.approx(np.mean(simple))


def test_a_group_with_a_missing_class_has_no_mean() -> None:
    counts = by_subset(verdict_counts([[True, False]], [[True, False]]), ["redundency"])
    numbers = prmbench({key: column.sum() for key, column in counts.items()}, ["redundency"])
    assert set(numbers) == {"prmscore", "redundency/prmscore"}


def test_step_counts_add_up_to_step_metrics() -> None:
    random_ = np.random.default_rng(0)
    scores = [random_.random(n).tolist() for n in random_.integers(1, 8, 50)]
    right = [(random_.random(max(1, len(line) - 1)) < 0.7).tolist() for line in scores]  # the last steps have no label
    sums = {key: column.sum() for key, column in step_counts(scores, right).items()}
    flat = [p for line, r in zip(scores, right, strict=True) for p in line[: len(r)]]
    expected = step_metrics(flat, [r for line in right for r in line])
    numbers = step_protocol(sums)
    assert numbers["step_accuracy"] == pytest.approx(expected.accuracy)
    assert numbers["ece"] == pytest.approx(expected.ece) and numbers["brier"] == pytest.approx(expected.brier)


def test_undefined_metrics_are_nan() -> None:
    incorrect = first_error_counts([1, -1], [1, 1])
    numbers = processbench({key: column.sum() for key, column in incorrect.items()})
    assert numbers["error_accuracy"] == 0.5 and np.isnan(numbers["correct_accuracy"]) and np.isnan(numbers["f1"])
    nothing = first_error_counts([-1, 0], [1, -1])
    assert processbench({key: column.sum() for key, column in nothing.items()})["f1"] == 0


def test_sums_may_be_arrays() -> None:
    """As for resamples: all at once equals one by one."""
    counts = first_error_counts([0, -1, -1, 2, -1], [0, 1, -1, 2, -1])
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 0, 2], [0, 3, 1, 1, 0]])
    together = processbench({key: weights @ column for key, column in counts.items()})["f1"]
    alone = [processbench({key: w @ column for key, column in counts.items()})["f1"] for w in weights]
    assert together.tolist() == pytest.approx([float(a) for a in alone])
