"""The numbers of each benchmark exactly as its paper states them, as functions of counts that can be added up.

A solution adds its counts; a protocol turns sums of counts into numbers. So the same few lines give the number itself,
its value in 2,000 bootstrap resamples (sums with other weights) and in a permutation of two models: every sum may be a
scalar or an array, and what comes out has its shape.

    counts = first_error_counts(predicted, labels)               # {"wrong": …, "wrong_found": …}, one a solution
    processbench({name: column.sum() for name, column in counts.items()})["f1"]

What cannot be said (0 of 0) is nan here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.metrics.steps import BINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Counts = dict[str, "NDArray[np.float64]"]
"""Columns of what can be added up, one entry a solution."""
Sums = Mapping[str, Any]
"""The same added up: scalars, or arrays of one shape."""
Protocol = Callable[[Sums], dict[str, Any]]


# ------------------------------------------------------------------------------------------------------------ formulas


def share(part: Any, whole: Any) -> NDArray[np.float64]:
    """part / whole; nan for 0 of 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    shares: NDArray[np.float64] = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares


def harmonic(a: Any, b: Any) -> Any:
    """The harmonic mean; 0 where both are 0."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.where(a + b == 0, 0.0, share(2 * a * b, a + b))


def matthews(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    """Matthews' correlation coefficient; 0 where everything is predicted or labelled alike, as scikit-learn has it."""
    spread = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(np.asarray(spread) == 0, 0.0, share(tp * tn - fp * fn, np.sqrt(spread)))


def macro_f1(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    """The mean of the F1 of right ones and the F1 of wrong ones.

    ReasonEval's F1 (Xia et al. 2024), and PRMBench's PRMScore (Song et al. 2025), which is 0.5·F1 + 0.5·F1_neg.
    """
    return (_f1(tp, fn, fp) + _f1(tn, fp, fn)) / 2


def _f1(hit: Any, missed: Any, false: Any) -> Any:
    """F1 of one class; 0 where there is none of it and none predicted."""
    whole = np.asarray(2 * hit + missed + false, float)
    return np.where(whole == 0, 0.0, share(2 * np.asarray(hit, float), whole))


# -------------------------------------------------------------------------------------------------------------- counts


def first_error_counts(predicted: Sequence[int], labels: Sequence[int]) -> Counts:
    """Of predicted first errors: `wrong` and `right` solutions, and of each how many were judged so to the step."""
    guess, label = np.asarray(predicted), np.asarray(labels)
    wrong, hit = label >= 0, guess == label
    columns = {"wrong": wrong, "wrong_found": wrong & hit, "right": ~wrong, "right_passed": ~wrong & hit}
    return {name: column.astype(float) for name, column in columns.items()}


def verdict_counts(right: Sequence[Sequence[bool]], passed: Sequence[Sequence[bool]], prefix: str = "") -> Counts:
    """Of verdicts on steps, or the one on a solution: `tp`, `fn`, `tn`, `fp`; right is positive."""
    columns = np.zeros((4, len(right)))
    for n, (true, said) in enumerate(zip(right, passed, strict=True)):
        t, s = np.asarray(true, bool), np.asarray(said, bool)
        columns[:, n] = (t & s).sum(), (t & ~s).sum(), (~t & ~s).sum(), (~t & s).sum()
    return {f"{prefix}{name}": column for name, column in zip(("tp", "fn", "tn", "fp"), columns, strict=True)}


def step_counts(scores: Sequence[Sequence[float]], right: Sequence[Sequence[bool]]) -> Counts:
    """What accuracy at 0.5, Brier score and calibration error are made of, as in `metrics.step_metrics`."""
    lengths = [len(line) for line in right]
    row = np.repeat(np.arange(len(right)), lengths)
    s = np.array([p for line, true in zip(scores, right, strict=True) for p in line[: len(true)]], dtype=float)
    y = np.array([r for line in right for r in line], dtype=bool)
    bins = np.minimum((s * BINS).astype(int), BINS - 1)

    def added(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(row, weights=values, minlength=len(right)).astype(float)

    counts = {"steps": added(np.ones(len(s))), "steps_hit": added((s >= 0.5) == y), "squared": added((s - y) ** 2)}
    return counts | {f"gap{k}": added(np.where(bins == k, s - y, 0.0)) for k in range(BINS)}


def by_subset(counts: Counts, subsets: Sequence[str]) -> Counts:
    """The same counts once more for each subset, under `SUBSET/NAME`."""
    names = np.array(subsets)
    split = {
        f"{name}/{key}": column * (names == name) for name in sorted(set(subsets)) for key, column in counts.items()
    }
    return {**counts, **split}


def of_subset(sums: Sums, subset: str) -> Sums:
    """The sums of one subset."""
    return {key.removeprefix(f"{subset}/"): value for key, value in sums.items() if key.startswith(f"{subset}/")}


# ----------------------------------------------------------------------------------------------------------- protocols


def processbench(sums: Sums, subsets: Sequence[str] = ()) -> dict[str, Any]:
    """ProcessBench (Zheng et al. 2024): F1 is the harmonic mean of the accuracy on wrong and on right ones.

    With subsets, each has its own, and `f1` is their mean, unweighted.
    """
    error, correct = share(sums["wrong_found"], sums["wrong"]), share(sums["right_passed"], sums["right"])
    numbers = {"error_accuracy": error, "correct_accuracy": correct, "f1": harmonic(error, correct)}
    if len(subsets) > 1:
        parts = {name: processbench(of_subset(sums, name)) for name in subsets}
        numbers = {key: sum(part[key] for part in parts.values()) / len(parts) for key in numbers}
        numbers |= {f"{name}/{key}": part[key] for name, part in parts.items() for key in part}
    return numbers


def mr_gsm8k(sums: Sums) -> dict[str, Any]:
    """MR-GSM8K (Zeng et al. 2023): MCC of right and wrong solutions; of wrong ones, the share in which the
    first wrong step was named. And ReasonEval's macro-F1 on it, over solutions and over steps up to the first error.
    """
    return {
        "mcc": matthews(sums["tp"], sums["fn"], sums["tn"], sums["fp"]),
        "first_error_accuracy": share(sums["wrong_found"], sums["wrong"]),
        "solution_f1": macro_f1(sums["tp"], sums["fn"], sums["tn"], sums["fp"]),
        "step_f1": macro_f1(sums["step_tp"], sums["step_fn"], sums["step_tn"], sums["step_fp"]),
    }


# PRMBench's nine classes under the names its data has for them, as its table groups them
PRMBENCH_GROUPS = {
    "simplicity": ("redundency", "circular"),
    "soundness": ("counterfactual", "step_contradiction", "domain_inconsistency", "confidence"),
    "sensitivity": ("missing_condition", "deception", "multi_solutions"),
}


def prmbench(sums: Sums, classes: Sequence[str] = ()) -> dict[str, Any]:
    """PRMBench (Song et al. 2025): PRMScore = 0.5·F1 + 0.5·F1_neg over the steps of all rows together.

    Each class has its own; of `multi_solutions`, whose steps are all right, it is F1 alone. A group's is the mean of
    its classes', if all of them are there.
    """
    numbers = {"prmscore": macro_f1(sums["tp"], sums["fn"], sums["tn"], sums["fp"])}
    for name in classes:
        part = of_subset(sums, name)
        one = _f1(part["tp"], part["fn"], part["fp"])
        numbers[f"{name}/prmscore"] = (
            one if name == "multi_solutions" else macro_f1(part["tp"], part["fn"], part["tn"], part["fp"])
        )
    for group, members in PRMBENCH_GROUPS.items():
        if set(members) <= set(classes):
            numbers[f"{group}/prmscore"] = sum(numbers[f"{name}/prmscore"] for name in members) / len(members)
    return numbers


def steps_one_by_one(sums: Sums) -> dict[str, Any]:
    """Accuracy at 0.5, expected calibration error and Brier score, as `metrics.step_metrics` has them."""
    gaps = sum(np.abs(sums[f"gap{k}"]) for k in range(BINS))
    return {
        "step_accuracy": share(sums["steps_hit"], sums["steps"]),
        "ece": share(gaps, sums["steps"]),
        "brier": share(sums["squared"], sums["steps"]),
    }
