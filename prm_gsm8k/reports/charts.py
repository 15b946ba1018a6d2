"""The style of all charts, and their files: PNG for a dataset card, SVG for an HTML page.

A chart is a drawing function and its alternative text. It is drawn, and matplotlib imported, only when rendered. Equal
numbers give equal bytes under one version of matplotlib.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prm_gsm8k.reports.numbers import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, PAPER = "#222222", "#767676", "#ffffff"
# Blue, vermilion, green and purple of Okabe and Ito's colour-blind safe palette, then ochre and brown, dark enough on
# white. Lines also differ by dash, since not everybody can distinguish six colours.
SERIES = ("#0072B2", "#D55E00", "#007F5F", "#B0508F", "#8A6A00", "#6B4A3A")
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)), (0, (2.5, 1, 2.5, 3)))
WIDTH = 4.6  # inches: on a phone 358 pixels wide, 10.5 point text is 11 pixels high
DPI = 150  # for high-density screens
_ABOVE: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "color": INK}


@dataclass(frozen=True)
class Picture:
    """An image: name, path in the folder, alternative text, and the function that draws it."""

    name: str
    path: str
    alt: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Table:
    """A table of text: column headings and rows of as many cells."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart(Picture):
    """An image on a page, with a title, a note on how to read it, and its numbers as a table."""

    title: str
    note: str
    table: Table


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def hide_frame(axes: Axes, *keep: str) -> None:
    """Hide the frame, except the sides in `keep` (`left`, `bottom`), and the tick marks."""
    axes.spines[[side for side in ("left", "right", "top", "bottom") if side not in keep]].set_visible(False)
    for side in keep:
        axes.spines[side].set_color(FAINT)
    axes.tick_params(length=0, labelcolor=INK)


def bar_chart(name: str, title: str, note: str, bars: Sequence[tuple[str, int]], whole: int) -> Chart:
    """Horizontal bars of counts, each under its label and its share of `whole`, at a phone's width."""

    def draw() -> Figure:
        drawn = new_figure(WIDTH, 0.3 + 0.42 * len(bars))
        axes = drawn.subplots()
        axes.barh(range(len(bars)), [count for _, count in bars], height=0.3, color=SERIES[0])
        for y, (label, count) in enumerate(bars):
            axes.annotate(short(label, 40), (0, y - 0.2), (0, 3), fontsize=10, **_ABOVE)
            axes.annotate(percent(count, whole), (1, y - 0.2), (-1, 3), ha="right", fontsize=10, **_ABOVE)
        axes.set_xlim(0, max((count for _, count in bars), default=0) or 1)
        axes.set_ylim(len(bars) - 0.6, -0.9)
        axes.set_xticks([])
        axes.set_yticks([])
        hide_frame(axes)
        return drawn

    shares = ", ".join(f"{label} {percent(count, whole)}" for label, count in bars)
    rows = tuple((label, f"{count:,}", percent(count, whole)) for label, count in bars)
    return Chart(name, name, f"Bar chart. {title}: {shares}.", draw, title, note, Table(("", "rows", "share"), rows))


def draw_intervals(
    rows: Sequence[tuple[str, str, float, float | None, float | None, str]],
    ends: tuple[float, float],
    mark: float | None = None,
) -> Figure:
    """Dots with intervals, one row each, under name and value.

    Args:
        rows: name, colour, value, ends of its interval or None, value as text.
        ends: of the axis.
        mark: a limit, drawn as a vertical line.
    """
    drawn = new_figure(WIDTH, 0.75 + 0.42 * len(rows))
    axes = drawn.subplots()
    for y, (name, colour, value, low, high, written) in enumerate(rows):
        if low is not None and high is not None:
            axes.plot([low, high], [y, y], color=colour, linewidth=2.2, alpha=0.65)
        axes.plot([value], [y], marker="o", markersize=7, color=colour, linestyle="none", clip_on=False)
        axes.annotate(name, (0, y), (4, 8), fontsize=9.5, **_ABOVE)
        axes.annotate(written, (1, y), (-2, 8), ha="right", **_ABOVE)
    axes.set_ylim(len(rows) - 0.5, -0.85)
    axes.set_xlim(ends)
    axes.set_yticks([])
    hide_frame(axes, "bottom")
    axes.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)
    if mark is not None:
        axes.axvline(mark, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    return drawn


def bar_pairs(
    name: str, title: str, note: str, bars: Sequence[tuple[str, float, float]], series: tuple[str, str]
) -> Chart:
    """Vertical pairs of bars at a phone's width. `bars`: label, first share, second share; `series`: the two names."""

    def draw() -> Figure:
        drawn = new_figure(WIDTH, 2.5)
        axes = drawn.subplots()
        for n, colour in enumerate(SERIES[:2]):
            places = [x + 0.4 * n - 0.2 for x in range(len(bars))]
            axes.bar(places, [100 * bar[n + 1] for bar in bars], width=0.38, color=colour, label=short(series[n], 24))
        axes.set_xticks(range(len(bars)), [label for label, _, _ in bars])
        axes.set_yticks([])
        axes.legend(frameon=False, labelcolor=INK, fontsize=9.5)
        hide_frame(axes, "bottom")
        return drawn

    rows = tuple((label, f"{100 * one:.1f}%", f"{100 * other:.1f}%") for label, one, other in bars)
    shares = ", ".join(f"{label} {one} and {other}" for label, one, other in rows)
    alt = f"Bar chart. {title}, {series[0]} and {series[1]}: {shares}."
    return Chart(name, name, alt, draw, title, note, Table(("", *series), rows))


def short(name: str, limit: int = 30) -> str:
    """A name cut to fit a chart: its end, which distinguishes checkpoints, without unprintable characters.

    >>> short("runs/2026-01-31/a-long-name/checkpoint-1200", 20)
    '…ame/checkpoint-1200'
    """
    seen = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    return seen if len(seen) <= limit else "…" + seen[1 - limit :]


def png(picture: Picture) -> bytes:
    """The image as PNG, reproducible: no software name or date, and matplotlib's defaults, not the user's."""
    with _default_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = picture.draw()
        FigureCanvasAgg(figure)
        out = io.BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def svg(picture: Picture) -> bytes:
    """The image as SVG, reproducible: text as text, no date, ids derived from the image's name."""
    with _default_style({"svg.fonttype": "none", "svg.hashsalt": picture.name}):
        figure = picture.draw()
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


@contextmanager
def _default_style(more: dict[Any, Any] | None = None) -> Iterator[None]:
    import matplotlib as mpl

    # reading the backend would import pyplot and look for a screen
    style: dict[Any, Any] = {name: mpl.rcParamsDefault[name] for name in mpl.rcParamsDefault if name != "backend"}
    style |= {"font.size": 10.5, "axes.titlesize": 10.5, "figure.titlesize": 11.5}
    style |= {"text.parse_math": False}  # a name with two $ is not a formula
    with mpl.rc_context({**style, **(more or {})}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
