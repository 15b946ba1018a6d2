"""The charts of an evaluation, drawn from its result: SVG and PNG files, and parts of its HTML page.

For all models together: the headline metric, ROC and precision-recall curves. For each model: best-of-N, reliability
diagram, and true against predicted first errors. Charts are as wide as a phone's screen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.evaluation.metric_names import SELECTION, format_interval, format_value, headline, metric_format
from prm_gsm8k.reports.charts import (
    DASHES,
    FAINT,
    INK,
    SERIES,
    WIDTH,
    Chart,
    Table,
    draw_intervals,
    hide_frame,
    new_figure,
    png,
    short,
    svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 150  # of a curve; more are invisible at this size
PLACES = 8  # rows of the heatmap for first errors; later ones share the last
MAX_MODELS = 8  # with charts of their own, so that they do not fill the page


@dataclass(frozen=True)
class Line:
    """A model's style in every chart."""

    name: str
    colour: str
    dash: Any
    width: float


def make_charts(result: Mapping[str, Any]) -> list[Chart]:
    """Every chart of a result; they are drawn when rendered."""
    models = result["models"]
    lines = _lines(models)
    what = "solutions" if result["benchmark"] == "best-of-n" else "steps"
    made = [
        _scores(models, lines),
        *(_curve_chart(models, lines, curve, what) for curve in ("roc", "precision_recall")),
    ]
    own = [model for model in models if model["kind"] != "baseline"][:MAX_MODELS]
    for n, model in enumerate(own, 1):
        made += [_best_of_n(model, n), _reliability(model, n, what), _heatmap(model, n)]
    return [chart for chart in made if chart is not None]


def write_charts(result: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write each chart as `NAME.svg` and `NAME.png` into a folder, which is created; returns the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for chart in make_charts(result):
        for suffix, drawn in ((".svg", svg(chart)), (".png", png(chart))):
            paths.append(folder / f"{chart.path}{suffix}")
            paths[-1].write_bytes(drawn)
    return paths


def _lines(models: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Models in colour, baselines thin and grey, each with its own dash."""
    lines, seen = [], {"model": 0, "baseline": 0}
    for model in models:
        baseline = model["kind"] == "baseline"
        n = seen["baseline" if baseline else "model"]
        seen["baseline" if baseline else "model"] += 1
        # from the seventh model on, colours repeat with another dash
        dash = DASHES[(n + 1 if baseline else n + n // len(SERIES)) % len(DASHES)]
        lines.append(
            Line(short(model["name"]), FAINT if baseline else SERIES[n % len(SERIES)], dash, 1.1 if baseline else 1.9)
        )
    return lines


def _curves(model: Mapping[str, Any]) -> Mapping[str, Any]:
    return model.get("curves") or {}


def _path(what: str, n: int, name: str) -> str:
    """A file name that stays in the folder and is unique, whatever the model is called."""
    return f"{what}-{n}-{re.sub(r'[^A-Za-z0-9.]+', '-', name).strip('-.')[-40:]}".strip("-.")


# ---------------------------------------------------------------------------------------------------------- all models


def _scores(models: Sequence[Mapping[str, Any]], lines: Sequence[Line]) -> Chart | None:
    """The headline metric of each model with its interval."""
    metric = headline(name for model in models for name, m in model["metrics"].items() if m["value"] is not None)
    if metric is None:
        return None
    label = metric_format(metric).label
    rows = [
        (line, model["metrics"][metric])
        for line, model in zip(lines, models, strict=True)
        if model["metrics"].get(metric, {}).get("value") is not None
    ]
    cells = [(line.name, format_interval(metric, m)) for line, m in rows]
    return Chart(
        name="scores",
        path="scores",
        alt=f"{label} with 95% intervals: " + ", ".join(f"{name} {value}" for name, value in cells) + ".",
        draw=lambda: _draw_scores(metric, rows),
        title=label,
        note="With 95% intervals; baselines are grey.",
        table=Table(("", label), tuple(cells)),
    )


def _draw_scores(metric: str, rows: Sequence[tuple[Line, Mapping[str, Any]]]) -> Figure:
    scale = metric_format(metric).scale
    drawn = [
        (
            line.name,
            line.colour,
            scale * m["value"],
            None if m["low"] is None else scale * m["low"],
            None if m["high"] is None else scale * m["high"],
            format_value(metric, m["value"]),
        )
        for line, m in rows
    ]
    low = min(value if low is None else low for _, _, value, low, _, _ in drawn)
    return draw_intervals(drawn, (min(0.0, low), scale * 1.0))


def _curve_chart(models: Sequence[Mapping[str, Any]], lines: Sequence[Line], curve: str, what: str) -> Chart | None:
    """ROC or precision-recall curves, one for each model that has one."""
    steps = curve == "precision_recall"  # it is not linear in recall between points (Davis and Goadrich 2006)
    if steps:
        metric, title = "average_precision", f"Precision and recall of incorrect {what}"
        note = f"By threshold: the share of incorrect {what} detected, and of detections that are incorrect."
        x, y = f"incorrect {what} detected (recall)", "detections that are incorrect (precision)"
    else:
        metric, title = "auc", f"ROC of {what}"
        note = f"By threshold: the share of correct and of incorrect {what} that pass. Dotted: chance."
        x, y = f"incorrect {what} that pass", f"correct {what} that pass"
    rows = []
    for line, model in zip(lines, models, strict=True):
        points = _curves(model).get(curve)
        if points and points["x"]:
            value = model["metrics"].get(metric, {}).get("value")
            rising = 1 if points["x"][0] <= points["x"][-1] else -1
            rows.append((line, thin(points["x"][::rising], points["y"][::rising]), value))
    if not rows:
        return None
    label = metric_format(metric).label

    def draw() -> Figure:
        drawn = new_figure(WIDTH, 4.2 + 0.22 * len(rows))
        axes = drawn.subplots()
        if not steps:
            axes.plot([0, 100], [0, 100], color=FAINT, linewidth=0.9, linestyle=(0, (1, 3)))
        for line, (xs, ys), value in rows:
            text = line.name if value is None else f"{line.name}: {format_value(metric, value)}"
            axes.plot(
                [100 * v for v in xs], [100 * v for v in ys], color=line.colour, linestyle=line.dash,
                linewidth=line.width, label=text, drawstyle="steps-pre" if steps else "default",
            )  # fmt: skip
        _percent_axes(axes, x, y)
        _legend(drawn)
        return drawn

    at = [i / 10 for i in range(11)]
    table = Table(
        (x, *(line.name for line, _, _ in rows)),
        tuple((f"{100 * v:.0f}%", *(f"{100 * _at(v, *points, steps):.1f}%" for _, points, _ in rows)) for v in at),
    )
    values = ", ".join(f"{line.name} {'' if v is None else format_value(metric, v)}".strip() for line, _, v in rows)
    return Chart(
        name=curve,
        path=curve.replace("_", "-"),
        alt=f"{title}: {y} against {x}, one curve a model. {label}: {values}.",
        draw=draw,
        title=title,
        note=f"{note} The number is {label}.",
        table=table,
    )


def thin(xs: Sequence[float], ys: Sequence[float], points: int = POINTS) -> tuple[list[float], list[float]]:
    """At most so many points of a curve, evenly spaced along it, both ends included."""
    import numpy as np

    if len(xs) <= points:
        return list(xs), list(ys)
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(xs)) + np.abs(np.diff(ys)))])
    keep = np.unique(np.searchsorted(along, np.linspace(0, along[-1], points)).clip(0, len(xs) - 1))
    keep[0], keep[-1] = 0, len(xs) - 1
    return [float(xs[i]) for i in keep], [float(ys[i]) for i in keep]


def _at(x: float, xs: Sequence[float], ys: Sequence[float], steps: bool) -> float:
    """The curve at x: interpolated, or as a step function with the value of the right end."""
    import numpy as np

    if steps:
        return ys[min(int(np.searchsorted(xs, x)), len(ys) - 1)]
    return float(np.interp(x, xs, ys))


# ----------------------------------------------------------------------------------------------------------- one model

_STYLES = {  # of best-of-N curves: in colour what depends on the model
    **{name: (SERIES[n], DASHES[n]) for n, name in enumerate(("min", "prod", "last", "mean", "weighted"))},
    "majority": (INK, DASHES[0]),
    "random": (FAINT, DASHES[2]),
    "oracle": (FAINT, DASHES[1]),
}


def _best_of_n(model: Mapping[str, Any], n: int) -> Chart | None:
    content = _curves(model).get("best_of_n")
    if not content or not content["n"]:
        return None
    ns = content["n"]
    series = {name: ys for name, ys in content["series"].items() if any(y is not None for y in ys)}

    def draw() -> Figure:
        drawn = new_figure(WIDTH, 4.6)
        axes = drawn.subplots()
        by_last = sorted(series, key=lambda name: -(series[name][-1] or 0))
        for name in by_last:
            colour, dash = _STYLES.get(name, (FAINT, DASHES[4]))
            label = f"{SELECTION.get(name, name)}: {format_value(name, series[name][-1])}"
            points = [float("nan") if y is None else 100 * y for y in series[name]]
            axes.plot(ns, points, color=colour, linestyle=dash, linewidth=1.8, marker="o", markersize=3.2, label=label)
        axes.set_xscale("log", base=2)
        axes.set_xticks(ns, [str(x) for x in ns])
        axes.minorticks_off()
        axes.set_xlabel("N, number of solutions", color=INK)
        axes.set_ylabel("problems solved, %", color=INK)
        axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
        hide_frame(axes, "left", "bottom")
        _legend(drawn, columns=2)
        return drawn

    name = short(model["name"], 60)
    names = {key: SELECTION.get(key, key) for key in series}
    last = ", ".join(f"{names[key]} {_share(ys[-1])}" for key, ys in series.items())
    return Chart(
        name=f"best_of_n_{n}",
        path=_path("best-of-n", n, model["name"]),
        alt=f"Line chart of problems solved by the best of N solutions. {name}, N = {ns[-1]}: {last}.",
        draw=draw,
        title=f"Best of N: {name}",
        note=f"Chosen by step scores, by vote, at random, and by an oracle. Numbers: at N = {ns[-1]}.",
        table=Table(
            ("N", *names.values()),
            tuple((str(x), *(_share(ys[i]) for ys in series.values())) for i, x in enumerate(ns)),
        ),
    )


def _reliability(model: Mapping[str, Any], n: int, what: str) -> Chart | None:
    bins = [b for b in _curves(model).get("reliability") or [] if b["steps"]]
    if not bins:
        return None
    steps = sum(b["steps"] for b in bins)

    def draw() -> Figure:
        drawn = new_figure(WIDTH, 5.0)
        axes, below = drawn.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        axes.plot([0, 100], [0, 100], color=FAINT, linewidth=0.9, linestyle=(0, (1, 3)))
        axes.plot(
            [100 * b["score"] for b in bins], [100 * b["right"] for b in bins], color=SERIES[0], linewidth=1.9,
            marker="o", markersize=4.5,
        )  # fmt: skip
        _percent_axes(axes, "", f"{what} that are correct")
        below.bar(
            [100 * b["low"] for b in bins], [100 * b["steps"] / steps for b in bins], align="edge", color=SERIES[0],
            width=[92 * (b["high"] - b["low"]) for b in bins],
        )  # fmt: skip
        below.set_xlabel("score, P(correct) in %", color=INK)
        below.set_ylabel(f"{what}, %", color=INK)
        hide_frame(below, "bottom")
        below.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
        return drawn

    name = short(model["name"], 60)
    ece = model["metrics"].get("ece", {}).get("value")
    error = "" if ece is None else f" {metric_format('ece').label}: {format_value('ece', ece)}."
    return Chart(
        name=f"reliability_{n}",
        path=_path("reliability", n, model["name"]),
        alt=f"Reliability diagram of {name}: share of correct {what} by score, "
        + ", ".join(f"{_share(b['score'])} scored {_share(b['right'])} correct" for b in bins)
        + f".{error}",
        draw=draw,
        title=f"Reliability: {name}",
        note=f"On the dotted line, a score of 80% is correct 80% of the time.{error} Below: distribution of {what}.",
        table=Table(
            ("score from", "to", "mean score", "correct", what),
            tuple(
                (_share(b["low"]), _share(b["high"]), _share(b["score"]), _share(b["right"]), f"{b['steps']:,}")
                for b in bins
            ),
        ),
    )


def _heatmap(model: Mapping[str, Any], n: int) -> Chart | None:
    content = _curves(model).get("heatmap")
    if not content or not content["labels"]:
        return None
    labels, counts = _folded(content["labels"], content["counts"])
    total, hit = sum(map(sum, counts)), sum(row[i] for i, row in enumerate(content["counts"]))
    if not total:
        return None

    def draw() -> Figure:
        from matplotlib.patches import Rectangle

        size = len(labels)
        drawn = new_figure(WIDTH, WIDTH)
        axes = drawn.subplots()
        for i, row in enumerate(counts):
            for j, count in enumerate(row):
                share = count / (sum(row) or 1)
                if count:
                    axes.add_patch(Rectangle((j, i), 1, 1, facecolor=SERIES[0], alpha=0.06 + 0.54 * share, linewidth=0))
                    few = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
                    axes.text(j + 0.5, i + 0.5, few, color=INK, ha="center", va="center", fontsize=8.5)
            axes.add_patch(Rectangle((i, i), 1, 1, fill=False, edgecolor=INK, linewidth=0.9))
        axes.set_xlim(0, size)
        axes.set_ylim(size, 0)
        axes.set_aspect("equal")
        middle = [i + 0.5 for i in range(size)]
        axes.set_xticks(middle, labels)
        axes.set_yticks(middle, labels)
        axes.xaxis.set_ticks_position("top")
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("predicted first error", color=INK)
        axes.set_ylabel("true first error", color=INK)
        hide_frame(axes)
        return drawn

    name = short(model["name"], 60)
    threshold = content.get("threshold")
    at = "" if threshold is None else f" at a threshold of {threshold:.3g}"
    return Chart(
        name=f"heatmap_{n}",
        path=_path("heatmap", n, model["name"]),
        alt=f"Heatmap of true against predicted first errors of {name}: {hit:,} of {total:,} solutions are on the "
        f"diagonal, of the {sum(counts[0]):,} without an error {counts[0][0]:,}.",
        draw=draw,
        title=f"First errors: {name}",
        note=f"Solutions by true and predicted first error{at}; darker: more of its row. "
        f"Framed: predicted correctly, {hit:,} of {total:,}.",
        table=Table(
            ("true \\ predicted", *labels),
            tuple((label, *(f"{c:,}" for c in row)) for label, row in zip(labels, counts, strict=True)),
        ),
    )


def _folded(labels: Sequence[int], counts: Sequence[Sequence[int]]) -> tuple[list[str], list[list[int]]]:
    """Merge the steps from PLACES on, so that cells stay legible."""
    names = ["none" if label < 0 else str(label) for label in labels]
    room = PLACES + 1  # none, and the steps
    if len(names) <= room:
        return names, [list(row) for row in counts]
    last = room - 1

    def fold(cells: Sequence[int]) -> list[int]:
        return [*cells[:last], sum(cells[last:])]

    wide = [fold(row) for row in counts]
    tail = [sum(row[i] for row in wide[last:]) for i in range(room)]
    return [*names[:last], f"{names[last]}+"], [*wide[:last], tail]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _percent_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-1, 101)
    axes.set_ylim(-1, 101)
    ticks = [0, 25, 50, 75, 100]
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    if x:
        axes.set_xlabel(f"{x}, %", color=INK)
    axes.set_ylabel(f"{y}, %", color=INK)
    axes.grid(color=FAINT, alpha=0.25, linewidth=0.6)
    hide_frame(axes, "left", "bottom")


def _legend(drawn: Figure, columns: int = 1) -> None:
    drawn.legend(
        loc="outside lower left", ncols=columns, frameon=False, labelcolor=INK, handlelength=2.8, fontsize=9.5,
        borderpad=0.2, labelspacing=0.35,
    )  # fmt: skip
