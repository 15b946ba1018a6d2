"""How the numbers of a result are called and written, on its page and in its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """A metric in words, and what its values are multiplied with when they are shown: 100 for shares, as in papers."""

    label: str
    times: int = 100


# How one solution of several is chosen: by a number made of its steps' scores, by a vote, or otherwise.
CHOOSING = {
    "min": "lowest step",
    "prod": "product of steps",
    "last": "last step",
    "mean": "mean of steps",
    "weighted": "weighted vote",
    "majority": "majority vote",
    "random": "random",
    "oracle": "oracle",
}
MEASURES = {
    **{name: Measure(f"Best of N, {how}") for name, how in CHOOSING.items()},
    **{f"{name}_gap_closed": Measure(f"Gap closed, {how}") for name, how in CHOOSING.items()},
    "f1": Measure("F1"),
    "error_accuracy": Measure("Accuracy on wrong"),
    "correct_accuracy": Measure("Accuracy on right"),
    "mcc": Measure("MCC", 1),
    "first_error_accuracy": Measure("First-error accuracy"),
    "solution_f1": Measure("Solution F1"),
    "step_f1": Measure("Step F1"),
    "prmscore": Measure("PRMScore"),
    "step_accuracy": Measure("Step accuracy"),
    "auc": Measure("AUC", 1),
    "solution_auc": Measure("Solution AUC", 1),
    "step_auc": Measure("Step AUC", 1),
    "average_precision": Measure("Average precision", 1),
    "ece": Measure("ECE", 1),
    "brier": Measure("Brier", 1),
}
HEADLINES = ("f1", "prmscore", "mcc")  # the number a benchmark is known by; of others it is their first


def measure(metric: str) -> Measure:
    """A metric's words; one that is not known keeps its name and is a share.

    >>> measure("olympiadbench/f1").label, measure("gap_closed").label
    ('F1, olympiadbench', 'Gap closed')
    >>> measure("min").label
    'Best of N, lowest step'
    """
    subset, slash, name = metric.rpartition("/")
    known = MEASURES.get(name, Measure(name[:1].upper() + name[1:].replace("_", " ")))
    return Measure(f"{known.label}, {subset.replace('_', ' ')}", known.times) if slash else known


def figure(metric: str, value: float | None) -> str:
    """One value: 82.4 where papers write a share so, 0.912 where they write that.

    >>> figure("f1", 0.8239), figure("auc", 0.9118), figure("auc", None)
    ('82.4', '0.912', '–')
    """
    if value is None:
        return "–"
    times = measure(metric).times
    return f"{times * value:.1f}" if times == 100 else f"{value:.3f}"


def interval(metric: str, m: Mapping[str, Any] | None) -> str:
    """A value and its interval.

    >>> interval("f1", {"value": 0.824, "low": 0.78, "high": 0.861})
    '82.4 (78.0 to 86.1)'
    """
    if m is None or m["value"] is None:
        return "–"
    if m["low"] is None or m["high"] is None:
        return figure(metric, m["value"])
    return f"{figure(metric, m['value'])} ({figure(metric, m['low'])} to {figure(metric, m['high'])})"


def headline(metrics: Iterable[str]) -> str | None:
    """The one metric to show where there is room for one."""
    names = list(metrics)
    return next((name for name in (*HEADLINES, *names) if name in names), None)
