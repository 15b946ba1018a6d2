"""The metrics of each benchmark as its paper defines them, as functions of summed counts.

Every solution contributes counts; a protocol computes metrics from their sums. Sums may be scalars or arrays of one
shape, and metrics have that shape, so the same code gives the metric, its values in bootstrap resamples (weighted sums)
and in permutations of two models.

    counts = first_error_counts(predicted, labels)           # {"incorrect": …, "incorrect_found": …}, one per solution
    processbench({name: column.sum() for name, column in counts.items()})["f1"]

Undefined metrics (0 / 0) are nan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.metrics.steps import BINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Counts = dict[str, "NDArray[np.float64]"]
"""Name -> counts, (solutions,)."""
Sums = Mapping[str, Any]
"""Name -> sum: scalars, or arrays of one shape."""
Protocol = Callable[[Sums], dict[str, Any]]


# ------------------------------------------------------------------------------------------------------------ formulas


def share(part: Any, whole: Any) -> NDArray[np.float64]:
    """part / whole; nan where whole is 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    shares: NDArray[np.float64] = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares


def harmonic(a: Any, b: Any) -> Any:
    """The harmonic mean; 0 where both are 0."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.where(a + b == 0, 0.0, share(2 * a * b, a + b))


def matthews(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    """Matthews correlation coefficient; 0 where all predictions or all labels are equal, as in scikit-learn."""
    spread = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(np.asarray(spread) == 0, 0.0, share(tp * tn - fp * fn, np.sqrt(spread)))


def macro_f1(tp: Any, fn: Any, tn: Any, fp: Any) -> Any:
    """The mean of the F1 of correct and the F1 of incorrect items.

    ReasonEval's F1 (Xia et al. 2024), and PRMBench's PRMScore (Song et al. 2025), which is 0.5·F1 + 0.5·F1_neg.
    """
    return (_f1(tp, fn, fp) + _f1(tn, fp, fn)) / 2


def _f1(hit: Any, missed: Any, false: Any) -> Any:
    """F1 of one class; 0 where it is neither present nor predicted."""
    whole = np.asarray(2 * hit + missed + false, float)
    return np.where(whole == 0, 0.0, share(2 * np.asarray(hit, float), whole))


# -------------------------------------------------------------------------------------------------------------- counts


def first_error_counts(predicted: Sequence[int], labels: Sequence[int]) -> Counts:
    """Counts of `processbench`: incorrect solutions, those whose first error was found, correct ones, those passed.

    Args:
        predicted, labels: (solutions,), index of the first error, -1 for none.
    """
    guess, label = np.asarray(predicted), np.asarray(labels)
    error, hit = label >= 0, guess == label
    columns = {"incorrect": error, "incorrect_found": error & hit, "correct": ~error, "correct_passed": ~error & hit}
    return {name: column.astype(float) for name, column in columns.items()}


def verdict_counts(correct: Sequence[Sequence[bool]], passed: Sequence[Sequence[bool]], prefix: str = "") -> Counts:
    """Confusion counts `tp`, `fn`, `tn`, `fp` of each solution; correct is the positive class.

    Args:
        correct, passed: label and prediction of each step of each solution, or one for the whole solution.
        prefix: of the names.
    """
    columns = np.zeros((4, len(correct)))
    for n, (label, prediction) in enumerate(zip(correct, passed, strict=True)):
        t, p = np.asarray(label, bool), np.asarray(prediction, bool)
        columns[:, n] = (t & p).sum(), (t & ~p).sum(), (~t & ~p).sum(), (~t & p).sum()
    return {f"{prefix}{name}": column for name, column in zip(("tp", "fn", "tn", "fp"), columns, strict=True)}


def step_counts(scores: Sequence[Sequence[float]], correct: Sequence[Sequence[bool]]) -> Counts:
    """Counts of `step_protocol`. Steps beyond the labels of a solution are ignored.

    Args:
        scores: P(correct) of each step of each solution.
        correct: labels of the leading steps of each solution.
    """
    row = np.repeat(np.arange(len(correct)), [len(labels) for labels in correct])
    s = np.array([p for line, labels in zip(scores, correct, strict=True) for p in line[: len(labels)]], dtype=float)
    y = np.array([label for labels in correct for label in labels], dtype=bool)
    bins = np.minimum((s * BINS).astype(int), BINS - 1)

    def summed(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(row, weights=values, minlength=len(correct)).astype(float)

    counts = {"steps": summed(np.ones(len(s))), "steps_hit": summed((s >= 0.5) == y), "squared": summed((s - y) ** 2)}
    return counts | {f"gap{k}": summed(np.where(bins == k, s - y, 0.0)) for k in range(BINS)}


def by_subset(counts: Counts, subsets: Sequence[str]) -> Counts:
    """The counts, and again for each subset as `SUBSET/NAME`."""
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
    """ProcessBench (Zheng et al. 2024): F1 is the harmonic mean of the accuracies on incorrect and correct solutions.

    With several subsets, metrics are also given as `SUBSET/NAME`, and the overall ones are unweighted means of these.
    """
    error, correct = share(sums["incorrect_found"], sums["incorrect"]), share(sums["correct_passed"], sums["correct"])
    numbers = {"error_accuracy": error, "correct_accuracy": correct, "f1": harmonic(error, correct)}
    if len(subsets) > 1:
        parts = {name: processbench(of_subset(sums, name)) for name in subsets}
        numbers = {key: sum(part[key] for part in parts.values()) / len(parts) for key in numbers}
        numbers |= {f"{name}/{key}": part[key] for name, part in parts.items() for key in part}
    return numbers


def mr_gsm8k(sums: Sums) -> dict[str, Any]:
    """MR-GSM8K (Zeng et al. 2023): MCC of solution correctness, and the share of incorrect solutions whose first error
    was found; ReasonEval's macro-F1 over solutions, and over steps up to the first error.
    """
    return {
        "mcc": matthews(sums["tp"], sums["fn"], sums["tn"], sums["fp"]),
        "first_error_accuracy": share(sums["incorrect_found"], sums["incorrect"]),
        "solution_f1": macro_f1(sums["tp"], sums["fn"], sums["tn"], sums["fp"]),
        "step_f1": macro_f1(sums["step_tp"], sums["step_fn"], sums["step_tn"], sums["step_fp"]),
    }


# PRMBench's nine classes, spelled as in its data, grouped as in its table
PRMBENCH_GROUPS = {
    "simplicity": ("redundency", "circular"),
    "soundness": ("counterfactual", "step_contradiction", "domain_inconsistency", "confidence"),
    "sensitivity": ("missing_condition", "deception", "multi_solutions"),
}


def prmbench(sums: Sums, classes: Sequence[str] = ()) -> dict[str, Any]:
    """PRMBench (Song et al. 2025): PRMScore = 0.5·F1 + 0.5·F1_neg over the steps of all rows.

    Also by class as `CLASS/prmscore` (for `multi_solutions`, whose steps are all correct, F1 alone), and by group, the
    mean over its classes, if all are present.
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


def step_protocol(sums: Sums) -> dict[str, Any]:
    """Step accuracy at 0.5, expected calibration error and Brier score, as in `steps.step_metrics`."""
    gaps = sum(np.abs(sums[f"gap{k}"]) for k in range(BINS))
    return {
        "step_accuracy": share(sums["steps_hit"], sums["steps"]),
        "ece": share(gaps, sums["steps"]),
        "brier": share(sums["squared"], sums["steps"]),
    }
