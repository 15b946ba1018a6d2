"""An audit as one page: verdicts, what tells, pictures against real solutions, and solutions to browse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prm_gsm8k.audit import limits
from prm_gsm8k.audit.error_positions import MEASURES, Shape, histogram, shape_of
from prm_gsm8k.audit.estimate import Number
from prm_gsm8k.audit.run import Audit
from prm_gsm8k.audit.surface_cues import Telling
from prm_gsm8k.audit.verdicts import shown
from prm_gsm8k.dataset.report import SOLUTIONS, browse_rows, draw
from prm_gsm8k.dataset.stats import percent
from prm_gsm8k.reports.charts import SERIES, Chart, Table, bar_pairs, draw_intervals, short
from prm_gsm8k.reports.html import Html, charts, page, section, table, tag

SIGNS = {"ok": "✓ ok", "look": "? look", "bad": "✗ bad"}
GROUPS = {
    "shortcut": "What gives a first error away",
    "matched": "First errors against the right step at the same place",
    "arithmetic": "Arithmetic",
    "shape": "Where errors stand, against real solutions",
    "repeats": "Repeats",
    "contamination": "Contamination",
    "balance": "Balance and length",
}
_TITLES = {
    "place": ("Place of the first error", "Tenths of the solution before it; 10: in the answer alone."),
    "index": ("Index of the first error", "Steps count from 0; 10 holds all later ones."),
    "steps": ("Steps of a wrong solution", "Without one that only states the answer; 10 holds all longer ones."),
}


def audit_page(audit: Audit, *, n: int = SOLUTIONS, seed: int = 0) -> str:
    """The page of an audit.

    Args:
        audit: what was found.
        n: solutions to browse, drawn evenly from all error types.
        seed: of the draw.
    """
    found = audit.found
    count = {verdict: sum(line.verdict == verdict for line in audit.lines) for verdict in SIGNS}
    rows = draw(audit.data.tables, n=n, seed=seed)
    words = "Evenly from all types of errors, so not as often as they are. Steps count from 0."
    return page(
        f"Audit of {audit.data.name}",
        lede=f"{found['rows']:,} labelled solutions to {found['problems']:,} problems, {found['wrong_rows']:,} with a "
        f"first error: {count['bad']} verdicts are bad, {count['look']} are to be looked at, {count['ok']} are fine.",
        sections=[
            section("Verdicts", *(tag("p", note, class_="note") for note in audit.data.notes), *_verdicts(audit)),
            section("What tells", *_telling(found)),
            section("Pictures", charts(_pictures(audit))),
            section("Solutions", tag("p", words), browse_rows(audit.data.tables, rows)),
        ],
        facts={
            "rows from": audit.data.name,
            "real solutions": audit.reference.name,
            "pairs": f"{found['pairs']['pairs']:,}; {found['pairs']['without_right_step']:,} first errors have no "
            f"right step at their place, {found['pairs']['same_text']:,} have the same text there",
        },
    )


def _verdicts(audit: Audit) -> Iterator[Html]:
    for group, title in GROUPS.items():
        rows = [
            (f"{line.what}\n{line.reason}", SIGNS[line.verdict], line.shown, line.limit)
            for line in audit.lines
            if line.group == group
        ]
        if rows:
            yield table(Table(("question", "verdict", "found", "limit"), tuple(rows)), title, words=2)


def _telling(found: Mapping[str, Any]) -> Iterator[Html]:
    yield tag(
        "p",
        "Words, shapes of numbers (a digit is 0) and lengths that are more often in a first error, or more often in a "
        "right step, than by chance. Of an amount, such as more words, the shares are of pairs in which it has more.",
    )
    for title, some in (
        ("In first errors and the right steps at their place", found["telling_pairs"]),
        ("In all first errors and all right steps", found["telling_steps"]),
    ):
        yield table(_features(some), title, words=2) if some else tag("p", f"{title}: nothing.")
    for column, values in found["telling_by"].items():
        for value, some in values.items():
            if some:
                title = f"{column} {value}".replace("_", " ")
                yield tag("details", tag("summary", title), table(_features(some), title, words=2))


def _features(some: Sequence[Telling]) -> Table:
    rows = tuple(
        (one.feature, one.says, percent(one.wrong, one.of_wrong), percent(one.right, one.of_right)) for one in some
    )
    return Table(("feature", "says", "in wrong", "in right"), rows)


def _pictures(audit: Audit) -> list[Chart]:
    here, there = shape_of(audit.data.solutions), audit.reference.shape
    pictures = [_compared(measure, here, there) for measure in MEASURES]
    for column, values in audit.found["matched"]["by"].items():
        pictures.append(_auc(column, values, audit.found["matched"]["overall"]))
    return pictures


def _compared(measure: str, here: Shape, there: Shape) -> Chart:
    mine, real = histogram(measure, here), histogram(measure, there)
    labels = sorted({*mine, *real}, key=int)
    whole, of = sum(mine.values()), sum(real.values())
    bars = [(label, mine.get(label, 0) / whole, real.get(label, 0) / of) for label in labels]
    title, note = _TITLES[measure]
    return bar_pairs(f"shape-{measure}", title, note, bars, ("this data", "real solutions"))


def _auc(column: str, values: Mapping[str, Number], overall: Number) -> Chart:
    rows = [("all pairs", overall), *sorted(values.items(), key=lambda item: -item[1].value)]
    title = f"First errors told from the right step at their place, by {column.replace('_', ' ')}"
    drawn = [
        (short(name.replace("_", " "), 34), SERIES[0], number.value, number.low, number.high, f"{number.value:.2f}")
        for name, number in rows
    ]
    low = min(number.value if number.low is None else number.low for _, number in rows)
    told = tuple((name.replace("_", " "), shown(number), f"{number.n:,}") for name, number in rows)
    return Chart(
        f"matched-{column}",
        f"matched-{column}",
        f"{title}: " + ", ".join(f"{name} {value}" for name, value, _ in told) + ".",
        lambda: draw_intervals(drawn, (min(0.45, low), 1.0), limits.MATCHED_TYPE),
        title,
        f"AUC with 95% intervals; 0.5 is chance, the line is {limits.MATCHED_TYPE:.2f}.",
        Table(("", "AUC", "pairs"), told),
    )
