"""The audit's HTML page: verdicts, surface cues, charts against real solutions, and solutions to browse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prm_gsm8k.audit import limits
from prm_gsm8k.audit.error_positions import MEASURES, Positions, error_positions, histogram
from prm_gsm8k.audit.run import Audit
from prm_gsm8k.audit.surface_cues import SurfaceCue
from prm_gsm8k.audit.verdicts import shown
from prm_gsm8k.dataset.report import SOLUTIONS, browse_rows, draw
from prm_gsm8k.metrics.intervals import Estimate
from prm_gsm8k.reports.charts import SERIES, Chart, Table, bar_pairs, draw_intervals, short
from prm_gsm8k.reports.html import Html, charts, page, section, table, tag
from prm_gsm8k.reports.numbers import percent

SIGNS = {"ok": "✓ ok", "look": "? look", "bad": "✗ bad"}
GROUPS = {
    "shortcut": "Do surface cues predict the labels?",
    "matched": "First error against the correct step at the same position",
    "wording": "Sentences and reasons",
    "arithmetic": "Arithmetic",
    "shape": "Positions of errors, compared with real solutions",
    "repeats": "Duplicates and contradictions",
    "contamination": "Contamination",
    "balance": "Balance and length",
}
_TITLES = {
    "place": ("Relative position of the first error", "Tenths of the solution before it; 10: in the stated answer."),
    "index": ("Index of the first error", "Steps count from 0; 10 holds all later ones."),
    "steps": ("Steps of an incorrect solution", "Without one that only states the answer; 10 holds all longer ones."),
}


def audit_page(audit: Audit, *, n: int = SOLUTIONS, seed: int = 0) -> str:
    """The page of an audit.

    Args:
        audit: the result.
        n: number of solutions to browse, sampled evenly from all error types.
        seed: of the sample.
    """
    found = audit.found
    count = {verdict: sum(line.verdict == verdict for line in audit.lines) for verdict in SIGNS}
    rows = draw(audit.data.tables, n=n, seed=seed)
    words = "Sampled evenly from all error types, not by their frequency. Steps count from 0."
    return page(
        f"Audit of {audit.data.name}",
        lede=f"{found['rows']:,} labelled solutions to {found['problems']:,} problems, {found['wrong_rows']:,} with a "
        f"first error: {count['bad']} verdicts are bad, {count['look']} need a look, {count['ok']} are ok.",
        sections=[
            section("Verdicts", *(tag("p", note, class_="note") for note in audit.data.notes), *_verdicts(audit)),
            section("Surface cues", *_cues(found)),
            section("Pictures", charts(_charts(audit))),
            section("Solutions", tag("p", words), browse_rows(audit.data.tables, rows)),
        ],
        facts={
            "rows from": audit.data.name,
            "real solutions": audit.reference.name,
            "pairs": f"{found['pairs']['pairs']:,}; {found['pairs']['without_right_step']:,} first errors have no "
            f"correct step at their position, {found['pairs']['same_text']:,} the same text",
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
            yield table(Table(("check", "verdict", "found", "limit"), tuple(rows)), title, words=2)


def _cues(found: Mapping[str, Any]) -> Iterator[Html]:
    yield tag(
        "p",
        "Words, number formats (a digit is 0) and lengths that first errors, or correct steps, have more often than by "
        "chance. For an amount, such as more words, the shares are those of the pairs in which the step has more.",
    )
    for title, some in (
        ("First errors and correct steps at the same position", found["telling_pairs"]),
        ("All first errors and all correct steps", found["telling_steps"]),
    ):
        yield table(_table(some), title, words=2) if some else tag("p", f"{title}: nothing.")
    for column, values in found["telling_by"].items():
        for value, some in values.items():
            if some:
                title = f"{column} {value}".replace("_", " ")
                yield tag("details", tag("summary", title), table(_table(some), title, words=2))


def _table(cues: Sequence[SurfaceCue]) -> Table:
    rows = tuple(
        (cue.feature, cue.label, percent(cue.wrong, cue.of_wrong), percent(cue.right, cue.of_right)) for cue in cues
    )
    return Table(("feature", "predicts", "of incorrect", "of correct"), rows)


def _charts(audit: Audit) -> list[Chart]:
    here, there = error_positions(audit.data.solutions), audit.reference.shape
    made = [_compared(measure, here, there) for measure in MEASURES]
    for column, values in audit.found["matched"]["by"].items():
        made.append(_auc(column, values, audit.found["matched"]["overall"]))
    return made


def _compared(measure: str, here: Positions, there: Positions) -> Chart:
    mine, real = histogram(measure, here), histogram(measure, there)
    labels = sorted({*mine, *real}, key=int)
    whole, of = sum(mine.values()), sum(real.values())
    bars = [(label, mine.get(label, 0) / whole, real.get(label, 0) / of) for label in labels]
    title, note = _TITLES[measure]
    return bar_pairs(f"shape-{measure}", title, note, bars, ("this data", "real solutions"))


def _auc(column: str, values: Mapping[str, Estimate], overall: Estimate) -> Chart:
    rows = [("all pairs", overall), *sorted(values.items(), key=lambda item: -item[1].value)]
    title = f"First error against the correct step at the same position, by {column.replace('_', ' ')}"
    drawn = [
        (short(name.replace("_", " "), 34), SERIES[0], number.value, number.low, number.high, f"{number.value:.2f}")
        for name, number in rows
    ]
    low = min(number.value if number.low is None else number.low for _, number in rows)
    cells = tuple((name.replace("_", " "), shown(number), f"{number.n:,}") for name, number in rows)
    return Chart(
        f"matched-{column}",
        f"matched-{column}",
        f"{title}: " + ", ".join(f"{name} {value}" for name, value, _ in cells) + ".",
        lambda: draw_intervals(drawn, (min(0.45, low), 1.0), limits.MATCHED_TYPE),
        title,
        f"AUC with 95% intervals; 0.5 is chance, the line is {limits.MATCHED_TYPE:.2f}.",
        Table(("", "AUC", "pairs"), cells),
    )
