"""The HTML page of an evaluation: metrics, charts, and the solutions each model is most wrong and most right about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prm_gsm8k.evaluation.charts import make_charts
from prm_gsm8k.evaluation.metric_names import (
    format_interval,
    format_p,
    format_value,
    headline,
    metric_format,
    model_name,
)
from prm_gsm8k.reports.charts import Table
from prm_gsm8k.reports.html import Html, Solution, Step, browse, charts, page, score_legend, section, table, tag

NAMES = {
    "processbench": "ProcessBench",
    "mr-gsm8k": "MR-GSM8K",
    "prmbench": "PRMBench",
    "best-of-n": "Best of N",
    "first-error": "First errors",
}


def evaluation_page(result: Mapping[str, Any]) -> str:
    """The page of a result, at most 3 MB (`prm_gsm8k.reports.html.BYTES`)."""
    name = NAMES.get(result["benchmark"], result["benchmark"])
    data, models = result["data"], result["models"]
    measured = [model for model in models if model["kind"] != "baseline"]
    lede = (
        f"{_counted(len(measured), 'model') + ' and ' if measured else ''}"
        f"{_counted(len(models) - len(measured), 'baseline')} on "
        f"{_counted(data['rows'], 'solution')} to {_counted(data['problems'], 'problem')} of {data['name']}."
    )
    what = measured[0]["name"] if len(measured) == 1 else f"{len(measured)} models" if measured else "baselines"
    return page(
        f"{name}: {what}",
        lede=lede,
        sections=list(_sections(result)),
        facts=_facts(result),
    )


def _sections(result: Mapping[str, Any]) -> Iterator[Html]:
    models = result["models"]
    names = _with_value(models)
    parts, gaps = [name for name in names if "/" in name], [name for name in names if name.endswith("_gap_closed")]
    yield section(
        "Figures",
        tag("p", "With 95% intervals from resampling problems. Shares are in percent."),
        *(tag("p", note, class_="note") for note in _notes(result)),
        table(_metrics(models, [name for name in names if name not in parts + gaps]), "Every model and baseline"),
        table(_metrics(models, gaps), "Share of the gap between majority vote and oracle that is closed")
        if gaps
        else None,
        _collapsed("By subset of the benchmark", _metrics(models, parts)),
    )
    if any(model.get("at") for model in models):
        words = (
            "The predicted first error is the first step that scores below a threshold: 0.5, one chosen on validation, "
            "or the oracle, chosen on these very solutions, which is an upper bound and not a result."
        )
        yield section("Thresholds", tag("p", words), table(_thresholds(models), "Three thresholds"))
    if result.get("paired"):
        words = "First minus second on the same problems, with its 95% interval and the p-value of a paired test."
        own = {model["name"] for model in models if model["kind"] == "model"}
        between = [pair for pair in result["paired"] if pair["b"] in own]
        others = [pair for pair in result["paired"] if pair["b"] not in own]
        drawn = table(_paired(between), "Between models", words=3) if between else None
        yield section("Differences", tag("p", words), drawn, _collapsed("Against baselines", _paired(others), words=3))
    if drawn_charts := make_charts(result):
        yield section("Pictures", charts(drawn_charts))
    if solutions := [one for model in models for one in _solutions(model)]:
        words = (
            "The solutions each model is most wrong and most right about, not a random sample. Steps count from 0. "
            "Steps after the first error have no label; their edge is dashed and their colour pale."
        )
        yield section("Solutions", tag("p", words), browse(solutions, score_legend()))


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    """Warnings that belong above all metrics."""
    for model in result["models"]:
        if (seen := model.get("trained_on")) and seen["seen"]:
            yield f"⚠ {model['name']} was trained on {seen['seen']:,} of these {seen['of']:,} questions."
    for note in result["data"].get("notes", []):
        yield f"Data: {note}."


def _collapsed(caption: str, content: Table, words: int = 1) -> Html | None:
    if not content.rows or len(content.head) < 2:
        return None
    return tag("details", tag("summary", caption), table(content, caption, words=words))


def _metrics(models: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Table:
    if (first := headline(names)) is not None:  # the first column is visible on a phone without scrolling
        names = list(dict.fromkeys([first, *names]))
    rows = [(model_name(m), *(format_interval(name, m["metrics"].get(name)) for name in names)) for m in models]
    return Table(("model", *(metric_format(name).label for name in names)), tuple(rows))


def _with_value(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Metrics that are defined for some model; F1, for example, needs both classes."""
    return list(
        dict.fromkeys(name for model in models for name, m in model["metrics"].items() if m["value"] is not None)
    )


def _thresholds(models: Sequence[Mapping[str, Any]]) -> Table:
    metric = headline(name for name in _with_value(models) if "/" not in name) or "f1"
    label = metric_format(metric).label
    heads = {
        "0.5": f"{label} at 0.5",
        "validation": f"{label}, chosen on validation",
        "oracle": f"{label}, oracle: chosen on this test set",
    }
    found = {key for model in models for key, at in (model.get("at") or {}).items() if at is not None}
    keys = [key for key in heads if key in found]
    rows = tuple((model_name(m), *(_at(metric, (m.get("at") or {}).get(key)) for key in keys)) for m in models)
    return Table(("model", *(heads[key] for key in keys)), rows)


def _at(metric: str, at: Mapping[str, Any] | None) -> str:
    """The metric at a threshold, the threshold, and the accuracies."""
    if at is None:
        return "–"
    low, high = (at.get("intervals") or {}).get(metric, (None, None))
    value = format_interval(metric, {"value": at.get(metric), "low": low, "high": high})
    shares = ((at.get("error_accuracy"), "of incorrect"), (at.get("correct_accuracy"), "of correct"))
    judged = ", ".join(f"{format_value('f1', share)} {what}" for share, what in shares if share is not None)
    where = [f"threshold {at['threshold']:.3f}"] if at.get("threshold", 0.5) != 0.5 else []
    return "\n".join([value, *where, *([judged] if judged else [])])


def _paired(pairs: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for pair in pairs:
        difference = {"value": pair["difference"], "low": pair["low"], "high": pair["high"]}
        label = metric_format(pair["metric"]).label
        rows.append((pair["a"], pair["b"], label, format_interval(pair["metric"], difference), format_p(pair["p"])))
    return Table(("first", "second", "metric", "difference", "p"), tuple(rows))


def _solutions(model: Mapping[str, Any]) -> Iterator[Solution]:
    for example in model.get("examples") or []:
        label, predicted = example["label"], example["predicted"]
        steps = [
            _step(completion, score, i, label, predicted)
            for i, (completion, score) in enumerate(zip(example["completions"], example["scores"], strict=True))
        ]
        outcome, verdict = _verdict(label, predicted, example.get("correct"))
        yield Solution(
            name=str(example["id"]),
            prompt=example["prompt"],
            steps=steps,
            verdict=verdict,
            facets={
                "Model": model["name"],
                "Kind": example["kind"],
                "Outcome": outcome,
                "True first error": "unknown" if label is None else "none" if label < 0 else str(label),
            },
            details=(example["kind"], model["name"]),
        )


def _step(completion: str, score: float | None, i: int, label: int | None, predicted: int | None) -> Step:
    marks = []
    state = ""
    if label is not None:
        state = "right" if label < 0 or i < label else "error" if i == label else "after"
    if state == "error":
        marks.append("✗ first error")
    if i == predicted:
        marks.append(
            "⚑ predicted" if label is None else "⚑ predicted, correctly" if i == label else "⚑ predicted, incorrectly"
        )
    return Step(completion, score, state, tuple(marks))


def _verdict(label: int | None, predicted: int | None, correct: bool | None) -> tuple[str, str]:
    """The outcome, to filter by, and in words."""
    if label is None or predicted is None:
        known = {True: "correct answer", False: "incorrect answer", None: "unknown"}[correct]
        return known, known[:1].upper() + known[1:]
    if label == predicted:
        if label < 0:
            return "passed", "Correct, and passed"
        return "found", f"Error in step {label} found"
    if predicted < 0:
        return "missed", f"Error in step {label} missed"
    if label < 0:
        return "false alarm", f"Correct, but an error predicted in step {predicted}"
    when = "early" if predicted < label else "late"
    return f"too {when}", f"Error in step {label}, predicted in step {predicted}"


def _facts(result: Mapping[str, Any]) -> dict[str, str]:
    data = result["data"]
    facts = {
        "created": result["created"],
        "data": data["name"],
        "data digest": data["digest"],
        **{f"digest of {model['name']}": model["digest"] for model in result["models"] if model.get("digest")},
        **{name.replace("_", " "): value for name, value in result["settings"].items()},
        **{f"{name} version": value for name, value in result["versions"].items()},
    }
    words = {True: "yes", False: "no", None: "–"}
    return {
        name: words[value] if value is None or isinstance(value, bool) else str(value) for name, value in facts.items()
    }


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")
