"""A result as markdown, for the terminal or a model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prm_gsm8k.evaluation.metric_names import format_interval, format_p, format_value, metric_format, model_name

ORDER = (
    *("f1", "mcc", "prmscore", "min", "prod", "last", "mean", "weighted", "majority", "random", "oracle"),
    *("error_accuracy", "correct_accuracy", "first_error_accuracy", "solution_f1", "step_f1"),
    *("auc", "average_precision", "solution_auc", "ece", "brier", "step_accuracy"),
)


def markdown(result: Mapping[str, Any]) -> str:
    """Tables of metrics with intervals, thresholds and paired differences, without empty ones."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    data, models = result["data"], result["models"]
    yield f"{result['benchmark']}: {data['rows']:,} solutions to {data['problems']:,} problems of {data['name']}"
    yield from (f"({note})" for note in data["notes"])
    names = [name for name in ORDER if any(_value(model, name) is not None for model in models)]
    at = "" if result["benchmark"] == "best-of-n" else " at threshold 0.5"
    yield from ["", f"Metrics{at}, with 95% intervals (problems resampled):", ""]
    yield from _table(["", *map(_label, names)], _metrics(models, names))
    parts = [n for n in models[0]["metrics"] if "/" in n and n.endswith(("/f1", "/mcc", "/prmscore"))]
    if parts:
        yield from ["", "By subset:", ""]
        yield from _table(["", *map(_label, parts)], _metrics(models, parts))
    gaps = [n for n in models[0]["metrics"] if n.endswith("_gap_closed")]
    if gaps:
        yield from ["", "Share of the gap between majority and oracle that is closed:", ""]
        yield from _table(["", *(n.removesuffix("_gap_closed") for n in gaps)], _metrics(models, gaps))
        curve = models[0]["curves"]["best_of_n"]
        yield from ["", "Best of N:", ""]
        yield from _table(["", *(f"N = {n}" for n in curve["n"])], list(_best_of_n(models)))
    if any(model["at"] for model in models):
        yield from [
            "",
            "At other thresholds (the oracle threshold was chosen on this test set: an upper bound, not a result):",
            "",
        ]
        yield from _table(["", "chosen on", "threshold", *map(_label, _at_names(models))], list(_at(models)))
    if result["paired"]:
        yield from ["", "Paired differences:", ""]
        rows = []
        for pair in result["paired"]:
            number = {"value": pair["difference"], "low": pair["low"], "high": pair["high"]}
            difference = format_interval(pair["metric"], number)
            rows.append([f"{pair['a']} - {pair['b']}", _label(pair["metric"]), difference, format_p(pair["p"])])
        yield from _table(["", "metric", "difference", "p"], rows)


def _metrics(models: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    return [[model_name(m), *(format_interval(name, m["metrics"].get(name)) for name in names)] for m in models]


def _best_of_n(models: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Series that depend on the model for each model, the others once."""
    for model in models:
        series = model["curves"]["best_of_n"]["series"]
        for name in ("min", "prod", "last", "mean", "weighted"):
            yield [f"{model['name']}, {name}", *(format_value(name, value) for value in series[name])]
    for name in ("majority", "random", "oracle"):
        yield [name, *(format_value(name, value) for value in models[0]["curves"]["best_of_n"]["series"][name])]


def _at_names(models: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [name for model in models for at in model["at"].values() if at for name in at]
    return [name for name in ORDER if name in shown]


def _at(models: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    names = _at_names(models)
    for model in models:
        for key, at in model["at"].items():
            if at is None or key == "0.5":
                continue
            intervals = at.get("intervals", {})
            numbers = [
                format_interval(name, {"value": at.get(name), "low": low, "high": high})
                for name in names
                for low, high in [intervals.get(name, (None, None))]
            ]
            chosen = "oracle: this test set" if key == "oracle" else at["chosen_on"]
            yield [model_name(model), chosen, f"{at['threshold']:.4f}", *numbers]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A markdown table with aligned columns."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for n, row in enumerate(cells):
        padded = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"| {' | '.join(padded)} |"
        if n == 0:
            yield "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"


def _label(metric: str) -> str:
    return metric_format(metric).label


def _value(model: Mapping[str, Any], name: str) -> float | None:
    found = model["metrics"].get(name)
    return None if found is None else found["value"]
