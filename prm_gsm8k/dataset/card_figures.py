"""The pictures of a published card, drawn from the counts of its manifest, never from rows.

There is a picture only where it shows more than the table beside it: the shares of error types, and the positions of
first errors. Its name has a hash of its numbers, so that new numbers have a new address. matplotlib is imported only
when something is drawn; a build draws nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.manifest import Config, Manifest
from prm_gsm8k.reports.charts import INK, SERIES, Picture, hide_frame, new_figure, png
from prm_gsm8k.reports.numbers import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = "figures"  # the folder they stand in
PLACES = ("first", "second", "third", "fourth", "last")  # fifths of a solution
BARS = 10  # of first errors by index, at most; of long solutions a bar holds several indices, the last one all later

_BAR = SERIES[0]
_WIDTH = 8.0  # inches: 1,200 pixels


def figures(manifest: Manifest) -> dict[str, bytes]:
    """Every picture of a card, as PNG by path. The same counts are the same bytes under one version of matplotlib."""
    return {
        picture.path: png(picture)
        for name, config in manifest.configs.items()
        for picture in pictures_of(name, config).values()
    }


def pictures_of(name: str, config: Config) -> dict[str, Picture]:
    """The pictures of one config, by the name they have in `dataset_card.md`; nothing is drawn yet."""
    stats = config.stats
    if not stats.wrong_rows:
        return {}
    kinds = sorted(((kind, n) for kind, n in stats.error_types.items() if kind != "none"), key=lambda kind: -kind[1])
    fifths = [stats.first_error_places.get(str(i), 0) for i in range(len(PLACES))]
    indices = _by_index(stats.first_errors)
    pictures = [
        Picture(
            "first_errors",
            _path(name, "first-errors", fifths, indices),
            f"Bar charts of where the first error of the {stats.wrong_rows:,} incorrect rows of {name} stands. "
            f"By fifth of the solution: {_listed(zip(PLACES, fifths, strict=True), stats.wrong_rows)}. "
            f"By index of the step: {_listed(indices, stats.wrong_rows)}.",
            lambda: _draw_first_errors(fifths, indices, stats.wrong_rows),
        )
    ]
    if len(kinds) > 1:  # one bar is no picture
        pictures.append(
            Picture(
                "error_types",
                _path(name, "error-types", kinds),
                f"Bar chart of the error types of the {stats.wrong_rows:,} incorrect rows of {name}: "
                f"{_listed(kinds, stats.wrong_rows)}.",
                lambda: _draw_error_types(kinds, stats.wrong_rows),
            )
        )
    return {picture.name: picture for picture in pictures}


def _path(config: str, what: str, *numbers: object) -> str:
    mark = hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:8]
    return f"{FIGURES}/{config}-{what}-{mark}.png"


def _by_index(first_errors: dict[str, int]) -> list[tuple[str, int]]:
    """First errors by `first_error`, without gaps; of many indices several share a bar, and the last holds 1 row in 20.

    >>> _by_index({"0": 6, "2": 4})
    [('0', 6), ('1', 0), ('2', 4)]
    """
    rows = {int(index): n for index, n in first_errors.items()}
    last, width = max(rows), 1
    if last >= BARS:
        before, whole = 0, sum(rows.values())
        while sum(n for index, n in rows.items() if index < before) < 0.95 * whole:
            before += 1
        width = max(1, -(-before // (BARS - 1)))
    bars = [0] * min(last // width + 1, BARS)
    for index, n in rows.items():
        bars[min(index // width, len(bars) - 1)] += n
    starts = range(0, len(bars) * width, width)
    names = [str(start) if width == 1 else f"{start}–{start + width - 1}" for start in starts]
    if last // width >= len(bars):
        names[-1] = f"{starts[-1]}+"
    return list(zip(names, bars, strict=True))


def _listed(shares: Iterable[tuple[str, int]], whole: int) -> str:
    return ", ".join(f"{what} {percent(rows, whole)}" for what, rows in shares)


# ------------------------------------------------------------------------------------------------------------ drawing


def _draw_error_types(kinds: list[tuple[str, int]], whole: int) -> Figure:
    figure = new_figure(_WIDTH, 1.1 + 0.32 * len(kinds))
    axes = figure.subplots()
    bars = axes.barh([kind for kind, _ in kinds], [100 * rows / whole for _, rows in kinds], color=_BAR, height=0.72)
    axes.bar_label(bars, [f"{percent(rows, whole)}  ({rows:,})" for _, rows in kinds], padding=4, color=INK)
    axes.invert_yaxis()
    axes.margins(x=0.22, y=0.01)  # room for the numbers behind the bars
    axes.set_title(f"Error types, share of {whole:,} incorrect rows", loc="left")
    hide_frame(axes, "left")
    axes.set_xticks([])
    return figure


def _draw_first_errors(fifths: list[int], indices: list[tuple[str, int]], whole: int) -> Figure:
    figure = new_figure(_WIDTH, 3.2)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[len(fifths), max(len(indices), len(fifths))])
    by_fifth = list(zip(PLACES, fifths, strict=True))
    for axes, bars, title in ((left, by_fifth, "by fifth of the solution"), (right, indices, "by index of the step")):
        drawn = axes.bar([what for what, _ in bars], [100 * rows / whole for _, rows in bars], color=_BAR, width=0.72)
        axes.bar_label(drawn, [percent(rows, whole) for _, rows in bars], padding=3, color=INK, fontsize=9)
        axes.margins(y=0.12)
        axes.set_title(title, loc="left")
        axes.set_yticks([])
        hide_frame(axes, "bottom")
    figure.suptitle(f"Where the first error stands, share of {whole:,} incorrect rows", x=0.005, ha="left")
    return figure


def split_rows(config: Config) -> list[tuple[str, ...]]:
    """By split, and of all: problems, rows, correct and incorrect ones, steps, and the share of correct steps."""
    return [
        (
            split,
            *(f"{n:,}" for n in (part.problems, part.rows, part.right_rows, part.wrong_rows, part.steps)),
            percent(part.right_steps, part.steps),
        )
        for split, part in [*config.splits.items(), ("all", config.stats)]
    ]
