"""An evaluation as one page: its numbers, its pictures, and the solutions each model is most wrong and most right about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prm_gsm8k.drawing import Table
from prm_gsm8k.evaluation.pictures import pictures
from prm_gsm8k.evaluation.words import figure, interval, measure
from prm_gsm8k.page import Html, Solution, Step, browse, charts, page, score_legend, section, table, tag

NAMES = {
    "processbench": "ProcessBench",
    "mr-gsm8k": "MR-GSM8K",
    "prmbench": "PRMBench",
    "best-of-n": "Best of N",
    "first-error": "First errors",
}


def write_page(result: Mapping[str, Any], path: str | Path) -> None:
    """Write the page of a result; its folder is made.

    Raises:
        PrmGsm8kError: it cannot be written there.
    """
    from prm_gsm8k.folder import cannot_write

    path, content = Path(path), evaluation_page(result).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise cannot_write(path, error) from error


def evaluation_page(result: Mapping[str, Any]) -> str:
    """The page of a result, below 3 MB whatever it is made from (`prm_gsm8k.page.BYTES`)."""
    name = NAMES.get(result["benchmark"], result["benchmark"])
    data, models = result["data"], result["models"]
    measured = [model for model in models if model["kind"] != "baseline"]
    lede = (
        f"{_counted(len(measured), 'model')} and {_counted(len(models) - len(measured), 'baseline')} on "
        f"{_counted(data['rows'], 'solution')} to {_counted(data['problems'], 'problem')} of {data['name']}."
    )
    return page(
        f"{name}: " + (measured[0]["name"] if len(measured) == 1 else f"{len(measured)} models"),
        lede=lede,
        sections=list(_sections(result)),
        facts=_facts(result),
    )


def _sections(result: Mapping[str, Any]) -> Iterator[Html]:
    models = result["models"]
    yield section(
        "Figures",
        tag("p", "Below each figure its 95% interval, from resampling problems. Shares are in percent, as in papers."),
        table(_metrics(models), "Every metric of every model and baseline"),
    )
    if any(model.get("at") for model in models):
        words = (
            "A model names the first step that scores below a threshold. At 0.5 nothing was chosen; one chosen on "
            "validation and frozen is honest; the oracle was chosen on these very solutions, and is an upper bound, not a result."
        )
        yield section(
            "Thresholds", tag("p", words), table(_thresholds(models), "The same at three thresholds", words=2)
        )
    if result.get("paired"):
        words = "The difference of a first and a second model on the same solutions, its 95% interval and p of a paired test."
        yield section("Differences", tag("p", words), table(_paired(result["paired"]), "Pairs of models", words=3))
    if drawn := pictures(result):
        yield section("Pictures", charts(drawn))
    if solutions := [one for model in models for one in _solutions(model)]:
        words = (
            "Of each model the solutions it is most wrong and most right about, not a fair sample. "
            "Steps count from 0. A dashed edge stands after the true first error, where scores are not judged."
        )
        yield section("Solutions", tag("p", words), browse(solutions, score_legend()))


def _metrics(models: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for model in models for name in model["metrics"]))
    rows = [(_named(model), *(interval(name, model["metrics"].get(name)) for name in names)) for model in models]
    return Table(("model", *(measure(name).label for name in names)), tuple(rows))


def _thresholds(models: Sequence[Mapping[str, Any]]) -> Table:
    chosen = {"0.5": "0.5", "validation": "chosen on validation", "oracle": "oracle, chosen on this test set"}
    rows = []
    for model in models:
        for key, at in (model.get("at") or {}).items():
            if at is None:
                continue
            threshold = at.get("threshold", 0.5 if key == "0.5" else None)
            numbers = [figure(name, at.get(name)) for name in ("error_accuracy", "correct_accuracy", "f1")]
            rows.append(
                (_named(model), chosen.get(key, key), "–" if threshold is None else f"{threshold:.3f}", *numbers)
            )
    head = ("model", "threshold", "value", "accuracy on wrong", "accuracy on right", "F1")
    return Table(head, tuple(rows))


def _paired(pairs: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for pair in pairs:
        difference = {"value": pair["difference"], "low": pair["low"], "high": pair["high"]}
        p = pair["p"]
        written = "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
        rows.append(
            (pair["a"], pair["b"], measure(pair["metric"]).label, interval(pair["metric"], difference), written)
        )
    return Table(("first", "second", "metric", "difference", "p"), tuple(rows))


def _named(model: Mapping[str, Any]) -> str:
    return f"{model['name']} (baseline)" if model["kind"] == "baseline" else str(model["name"])


def _solutions(model: Mapping[str, Any]) -> Iterator[Solution]:
    for example in model.get("examples") or []:
        label, predicted = example["label"], example["predicted"]
        steps = [
            _step(completion, score, i, label, predicted)
            for i, (completion, score) in enumerate(zip(example["completions"], example["scores"], strict=True))
        ]
        outcome, verdict = _verdict(label, predicted)
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
            "⚑ predicted" if label is None else "⚑ predicted, rightly" if i == label else "⚑ predicted, wrongly"
        )
    return Step(completion, score, state, tuple(marks))


def _verdict(label: int | None, predicted: int | None) -> tuple[str, str]:
    """What came of it, to filter by, and in a sentence."""
    if label is None or predicted is None:
        return "unknown", "no label to compare with"
    if label == predicted:
        if label < 0:
            return "passed", "Right, and passed"
        return "found", f"Error in step {label} found"
    if predicted < 0:
        return "missed", f"Error in step {label} missed"
    if label < 0:
        return "false alarm", f"Right, but step {predicted} called wrong"
    when = "early" if predicted < label else "late"
    return f"too {when}", f"Error in step {label}, but step {predicted} named first"


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
    return {name: "–" if value is None else str(value) for name, value in facts.items()}


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")
