"""From a model's scores to its result: metrics with intervals, curves, and example solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.dataset.problems import question_key
from prm_gsm8k.evaluation.benchmarks import Solution
from prm_gsm8k.evaluation.best_of_n import aggregated, best_of_n, curves, powers_of_two, problem_counts
from prm_gsm8k.evaluation.thresholds import Threshold, oracle_threshold
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.metrics import protocols
from prm_gsm8k.metrics.intervals import (
    Ranked,
    interval,
    of_resamples,
    resamples,
    weighted_auc,
    weighted_average_precision,
)
from prm_gsm8k.metrics.protocols import Counts, Protocol, Sums
from prm_gsm8k.metrics.steps import BINS, predicted_first_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = 50  # solutions a model is most wrong about, and as many it is most right about
POINTS = 400  # of a curve
HALF = Threshold(0.5, "nothing")

Numbers = dict[str, dict[str, float | None]]
"""Metric -> `value` and interval `low`, `high`; None if undefined."""


@dataclass(frozen=True)
class ModelResult:
    """One model's part of the result, and its counts at threshold 0.5 for paired comparisons."""

    metrics: Numbers
    at: dict[str, Any]
    curves: dict[str, Any]
    examples: list[dict[str, Any]]
    counts: Counts


class Evaluator:
    """Evaluates models on one benchmark, all with the same resamples of problems.

    Args:
        benchmark: a name of `benchmarks.READERS`.
        solutions: the benchmark's solutions.
        draws: number of bootstrap resamples.
        seed: of the resamples.

    Raises:
        BadInputError: a best-of-N problem has only one solution.
    """

    def __init__(self, benchmark: str, solutions: Sequence[Solution], draws: int, seed: int) -> None:
        self.benchmark, self.solutions = benchmark, solutions
        self.subsets = tuple(dict.fromkeys(s.subset for s in solutions))
        keys = [question_key(s.problem) for s in solutions]
        self.problems = list(dict.fromkeys(keys))
        self.ns: list[int] = []
        if benchmark == "best-of-n":
            of = {key: n for n, key in enumerate(self.problems)}
            self.of_problem: list[list[int]] = [[] for _ in self.problems]
            for n, key in enumerate(keys):
                self.of_problem[of[key]].append(n)
            fewest = min(self.of_problem, key=len)
            if len(fewest) < 2:
                raise BadInputError(solutions[fewest[0]].where, "the only solution to its problem; best-of-N needs two")
            self.ns = powers_of_two(len(fewest))
            self.drawn = resamples(self.problems, [""] * len(self.problems), draws, seed)
            self.item = np.array([of[key] for key in keys])  # the resampled unit of each solution: its problem
        else:
            self.drawn = resamples(keys, [s.subset for s in solutions], draws, seed)
            self.item = np.arange(len(solutions))

    @property
    def headline(self) -> list[str]:
        """The metrics by which two models are compared."""
        return {
            "mr-gsm8k": ["mcc", "first_error_accuracy"],
            "prmbench": ["prmscore"],
            "best-of-n": ["min", "prod", "last", "mean", "weighted"],
        }.get(self.benchmark, ["f1", "error_accuracy", "correct_accuracy"])

    def protocol(self, sums: Sums) -> dict[str, Any]:
        """The benchmark's own metrics."""
        if self.benchmark == "best-of-n":
            return best_of_n(sums, self.ns[-1])
        if self.benchmark == "mr-gsm8k":
            parts = self.subsets if len(self.subsets) > 1 else ()
            each = {part: protocols.mr_gsm8k(protocols.of_subset(sums, part)) for part in parts}
            numbers = {f"{part}/{key}": value for part, found in each.items() for key, value in found.items()}
            return protocols.mr_gsm8k(sums) | numbers
        if self.benchmark == "prmbench":
            return protocols.prmbench(sums, self.subsets)
        return protocols.processbench(sums, self.subsets)

    def counts(self, scores: Sequence[Sequence[float]], threshold: float) -> Counts:
        """The counts that `protocol` needs, at a threshold."""
        if self.benchmark == "best-of-n":
            return self._problem_counts(scores)
        predicted = [predicted_first_error(line, threshold) for line in scores]
        labels = [_label(s) for s in self.solutions]
        found = protocols.first_error_counts(predicted, labels)
        correct = [s.right for s in self.solutions]
        passed = [[p >= threshold for p in line[: len(c)]] for line, c in zip(scores, correct, strict=True)]
        if self.benchmark == "mr-gsm8k":
            found |= protocols.verdict_counts([[label < 0] for label in labels], [[p < 0] for p in predicted])
            found |= protocols.verdict_counts(correct, passed, "step_")
        if self.benchmark == "prmbench":
            found |= protocols.verdict_counts(correct, passed)
        if len(self.subsets) > 1 or self.benchmark == "prmbench":
            found = protocols.by_subset(found, [s.subset for s in self.solutions])
        return found

    def evaluate(self, scores: Sequence[Sequence[float]], validation: Threshold | None, examples: bool) -> ModelResult:
        """Evaluate one model.

        Args:
            scores: P(correct) of each step of each solution.
            validation: the threshold chosen on validation, if there is one.
            examples: whether to select example solutions.
        """
        if self.benchmark == "best-of-n":
            return self._evaluate_best_of_n(scores, examples)
        counts = self.counts(scores, HALF.value)
        steps = protocols.step_counts(scores, [s.right for s in self.solutions])
        numbers = self._with_intervals(self.protocol, counts)
        numbers |= self._with_intervals(protocols.step_protocol, steps)
        # no interval: the calibration error is biased upwards, in resamples even more (benchmarks/intervals.py)
        numbers["ece"] |= {"low": None, "high": None}
        flat, correct, solution = self._judged(scores)
        numbers["auc"] = self._ranked(weighted_auc(flat, correct), solution)
        numbers["average_precision"] = self._ranked(weighted_average_precision(flat, correct), solution)
        lowest = np.array([min(line) for line in scores])
        solution_correct = np.array([_label(s) < 0 for s in self.solutions])
        numbers["solution_auc"] = self._ranked(weighted_auc(lowest, solution_correct), self.item)
        oracle = Threshold(oracle_threshold(self.benchmark, scores, self.solutions, self.subsets), "this test set")
        at = {
            "0.5": self._at(scores, HALF, True),
            "validation": self._at(scores, validation, True) if validation else None,
            "oracle": self._at(scores, oracle, False),
        }
        used = validation or HALF
        predicted = [predicted_first_error(line, used.value) for line in scores]
        plotted = _ranking_curves(flat, correct) | {"reliability": _reliability(flat, correct), "best_of_n": None}
        plotted["heatmap"] = _heatmap([_label(s) for s in self.solutions], predicted) | {"threshold": used.value}
        return ModelResult(numbers, at, plotted, self._examples(scores, predicted) if examples else [], counts)

    def _evaluate_best_of_n(self, scores: Sequence[Sequence[float]], examples: bool) -> ModelResult:
        """A solution's score is that of its lowest step, its label whether the answer is correct."""
        counts = self._problem_counts(scores)
        numbers = self._with_intervals(self.protocol, counts)
        lowest = np.array([min(line) for line in scores])
        correct = np.array([bool(s.correct) for s in self.solutions])
        numbers["auc"] = self._ranked(weighted_auc(lowest, correct), self.item)
        numbers["average_precision"] = self._ranked(weighted_average_precision(lowest, correct), self.item)
        plotted = _ranking_curves(lowest, correct) | {"reliability": _reliability(lowest, correct), "heatmap": None}
        plotted["best_of_n"] = curves(counts, self.ns)
        return ModelResult(numbers, {}, plotted, self._examples(scores, None) if examples else [], counts)

    def _problem_counts(self, scores: Sequence[Sequence[float]]) -> Counts:
        return problem_counts(
            [[scores[n] for n in of] for of in self.of_problem],
            [[self.solutions[n].answer for n in of] for of in self.of_problem],
            [[bool(self.solutions[n].correct) for n in of] for of in self.of_problem],
            self.ns,
        )

    def _with_intervals(self, protocol: Protocol, counts: Counts) -> Numbers:
        values = protocol({name: column.sum() for name, column in counts.items()})
        resampled = protocol(self.drawn.sums(counts))
        return {name: _number(float(value), resampled[name]) for name, value in values.items()}

    def _ranked(self, metric: Ranked, solution: NDArray[np.int64]) -> dict[str, float | None]:
        value = float(metric(np.ones((1, len(solution))))[0])
        return _number(value, of_resamples(metric, self.drawn, solution))

    def _at(self, scores: Sequence[Sequence[float]], threshold: Threshold, intervals: bool) -> dict[str, Any]:
        """First-error accuracies and the headline metrics at a threshold."""
        counts = self.counts(scores, threshold.value)
        averaged = self.subsets if self.benchmark in ("processbench", "first-error") else ()
        numbers = self._with_intervals(lambda sums: protocols.processbench(sums, averaged), counts)
        numbers |= {k: v for k, v in self._with_intervals(self.protocol, counts).items() if k in self.headline}
        found: dict[str, Any] = {"threshold": threshold.value, "chosen_on": threshold.chosen_on}
        found |= {name: number["value"] for name, number in numbers.items() if "/" not in name}
        if intervals:
            found["intervals"] = {k: [v["low"], v["high"]] for k, v in numbers.items() if "/" not in k}
        return found

    def _judged(
        self, scores: Sequence[Sequence[float]]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
        """(steps,) of the steps with a label: scores, whether each is correct, index of the solution."""
        lengths = [len(s.right) for s in self.solutions]
        flat = [p for line, n in zip(scores, lengths, strict=True) for p in line[:n]]
        correct = [c for s in self.solutions for c in s.right]
        return np.array(flat), np.array(correct, bool), np.repeat(np.arange(len(lengths)), lengths)

    def _examples(self, scores: Sequence[Sequence[float]], predicted: Sequence[int] | None) -> list[dict[str, Any]]:
        """The solutions a model is most wrong about, and those it is most right about, half of them incorrect.

        They are ranked by the largest error |score - label| of a step; for best-of-N, by that of the lowest score.
        """
        bad = [self._worst_error(line, s) for line, s in zip(scores, self.solutions, strict=True)]
        order = sorted(range(len(bad)), key=lambda n: (-bad[n], n))
        most_wrong = order[:EXAMPLES]
        rest = order[: len(most_wrong) - 1 : -1] if most_wrong else []
        incorrect = [n for n in rest if _is_incorrect(self.solutions[n])]
        correct = [n for n in rest if not _is_incorrect(self.solutions[n])]
        taken = incorrect[: max(EXAMPLES // 2, EXAMPLES - len(correct))]
        most_right = sorted([*taken, *correct[: EXAMPLES - len(taken)]], key=lambda n: (bad[n], n))
        chosen = [("most wrong", n) for n in most_wrong] + [("most right", n) for n in most_right]
        return [
            {
                "id": self.solutions[n].id,
                "prompt": self.solutions[n].problem,
                "completions": list(self.solutions[n].steps),
                "scores": [float(score) for score in scores[n]],
                "label": self.solutions[n].label,
                "predicted": None if predicted is None else predicted[n],
                "correct": self.solutions[n].correct,
                "kind": kind,
            }
            for kind, n in chosen
        ]

    def _worst_error(self, line: Sequence[float], solution: Solution) -> float:
        if self.benchmark == "best-of-n":
            return abs(aggregated([line], "min")[0] - bool(solution.correct))
        return max(abs(score - correct) for score, correct in zip(line, solution.right, strict=False))


def _number(value: float, resampled: NDArray[np.float64]) -> dict[str, float | None]:
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = interval(resampled, value)
    return {"value": value, "low": low, "high": high}


def _label(solution: Solution) -> int:
    assert solution.label is not None, "best-of-N has no labels and needs none"
    return solution.label


def _is_incorrect(solution: Solution) -> bool:
    return not solution.correct if solution.label is None else solution.label >= 0


def _ranking_curves(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, Any]:
    """ROC curve, and precision-recall curve of detecting incorrect items; empty if a class is empty."""
    if correct.all() or not correct.any():
        return {"roc": {"x": [], "y": []}, "precision_recall": {"x": [], "y": []}}
    from sklearn.metrics import precision_recall_curve, roc_curve

    fpr, tpr, _ = roc_curve(correct, scores)
    precision, recall, _ = precision_recall_curve(~correct, -scores)
    return {"roc": _thin(fpr, tpr), "precision_recall": _thin(recall[::-1], precision[::-1])}


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, list[float]]:
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return {"x": [float(v) for v in x[at]], "y": [float(v) for v in y[at]]}


def _reliability(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> list[Mapping[str, float | int | None]]:
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    lines: list[Mapping[str, float | int | None]] = []
    for k in range(BINS):
        inside = bins == k
        n = int(inside.sum())
        score = float(scores[inside].mean()) if n else None
        share = float(correct[inside].mean()) if n else None
        lines.append({"low": k / BINS, "high": (k + 1) / BINS, "score": score, "right": share, "steps": n})
    return lines


def _heatmap(labels: Sequence[int], predicted: Sequence[int]) -> dict[str, Any]:
    """Confusion matrix of true (rows) and predicted first errors, -1 for none."""
    names = list(range(-1, max(*labels, *predicted) + 1))
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (np.array(labels) + 1, np.array(predicted) + 1), 1)
    return {"labels": names, "counts": counts.tolist()}
