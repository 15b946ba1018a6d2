"""How metrics, p-values and models of a result are written in tables, on the HTML page and in charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MetricFormat:
    """How a metric is shown: its label, and the scale of its values, 100 for percentages."""

    label: str
    scale: int = 100


# How best-of-N picks a solution.
SELECTION = {
    "min": "lowest step",
    "prod": "product of steps",
    "last": "last step",
    "mean": "mean of steps",
    "weighted": "weighted vote",
    "majority": "majority vote",
    "random": "random",
    "oracle": "oracle",
}
FORMATS = {
    **{name: MetricFormat(f"Best of N, {how}") for name, how in SELECTION.items()},
    **{f"{name}_gap_closed": MetricFormat(f"Gap closed, {how}") for name, how in SELECTION.items()},
    "f1": MetricFormat("F1"),
    "error_accuracy": MetricFormat("Accuracy on incorrect"),
    "correct_accuracy": MetricFormat("Accuracy on correct"),
    "mcc": MetricFormat("MCC", 1),
    "first_error_accuracy": MetricFormat("First-error accuracy"),
    "solution_f1": MetricFormat("Solution F1"),
    "step_f1": MetricFormat("Step F1"),
    "prmscore": MetricFormat("PRMScore"),
    "step_accuracy": MetricFormat("Step accuracy"),
    "auc": MetricFormat("AUC", 1),
    "solution_auc": MetricFormat("Solution AUC", 1),
    "step_auc": MetricFormat("Step AUC", 1),
    "average_precision": MetricFormat("Average precision", 1),
    "ece": MetricFormat("ECE", 1),
    "brier": MetricFormat("Brier", 1),
}
HEADLINES = ("f1", "prmscore", "mcc")  # the main metric of a benchmark; of others it is the first


def metric_format(metric: str) -> MetricFormat:
    """The format of a metric; one without an entry keeps its name and is a percentage.

    >>> metric_format("olympiadbench/f1").label, metric_format("gap_closed").label
    ('F1, olympiadbench', 'Gap closed')
    >>> metric_format("min").label
    'Best of N, lowest step'
    """
    subset, slash, name = metric.rpartition("/")
    known = FORMATS.get(name, MetricFormat(name[:1].upper() + name[1:].replace("_", " ")))
    return MetricFormat(f"{known.label}, {subset.replace('_', ' ')}", known.scale) if slash else known


def format_value(metric: str, value: float | None) -> str:
    """A value as papers write it: 82.4 for a percentage, else 0.912.

    >>> format_value("f1", 0.8239), format_value("auc", 0.9118), format_value("auc", None)
    ('82.4', '0.912', '–')
    """
    if value is None:
        return "–"
    scale = metric_format(metric).scale
    return f"{scale * value:.1f}" if scale == 100 else f"{value:.3f}"


def format_interval(metric: str, m: Mapping[str, Any] | None) -> str:
    """A value with its interval.

    >>> format_interval("f1", {"value": 0.824, "low": 0.78, "high": 0.861})
    '82.4 (78.0 to 86.1)'
    """
    if m is None or m["value"] is None:
        return "–"
    if m["low"] is None or m["high"] is None:
        return format_value(metric, m["value"])
    return f"{format_value(metric, m['value'])} ({format_value(metric, m['low'])} to {format_value(metric, m['high'])})"


def format_p(p: float | None) -> str:
    """A p-value; one below 0.001 is not given exactly."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def model_name(model: Mapping[str, Any]) -> str:
    """The name of a model of a result, with a mark if it is a baseline."""
    return f"{model['name']} (baseline)" if model["kind"] == "baseline" else str(model["name"])


def headline(metrics: Iterable[str]) -> str | None:
    """The main metric among these."""
    names = list(metrics)
    return next((name for name in (*HEADLINES, *names) if name in names), None)
