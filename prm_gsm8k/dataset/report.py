"""A config as one HTML page: counts, pictures, and solutions to browse, each incorrect one beside a correct one.

Solutions are drawn evenly from all error types, so that rare types can be read too; the pictures show
how common each is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.card_figures import PLACES, split_rows
from prm_gsm8k.dataset.parquet import iter_rows
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.reports.charts import Chart, Table, bar_chart
from prm_gsm8k.reports.html import Html, Solution, Step, browse, charts, page, section, state_legend, table, tag

if TYPE_CHECKING:
    import pyarrow as pa

    from prm_gsm8k.dataset.manifest import Config

SOLUTIONS = 300  # on a page by default: about 1 MB with a correct one beside each


def data_page(
    place: str,
    name: str,
    config: Config,
    tables: Mapping[str, pa.Table],
    *,
    n: int = SOLUTIONS,
    seed: int = 0,
    error_type: str | None = None,
    split: str | None = None,
    row_id: str | None = None,
) -> str:
    """The page of one config.

    Args:
        place: name of the folder or repository, for the text.
        name: of the config.
        config: its counts.
        tables: its rows by split.
        n: maximum of solutions to draw.
        seed: of the draw.
        error_type, split, row_id: draw only rows with these.

    Raises:
        UsageError: there is no such row.
    """
    rows = draw(tables, n=n, seed=seed, error_type=error_type, split=split, row_id=row_id)
    if not rows:
        raise UsageError(f"{name} has no row with id {row_id!r}" if row_id else f"{name} has no such row")
    stats = config.stats
    dropped = sorted(config.drops.items(), key=lambda item: -item[1])
    left_out = Table(("what", "count"), tuple((_plain(what), f"{count:,}") for what, count in dropped))
    head = ("split", "problems", "rows", "correct", "incorrect", "steps", "steps correct")
    kinds = "that type" if error_type else "all types"
    drawn = f"{len(rows):,} of {stats.rows:,} rows, drawn evenly from {kinds} of errors, not by frequency."
    words = "Steps count from 0. Underlined is what differs from the correct solution beside it."
    pictures = charts(_pictures(config)) if stats.wrong_rows else None
    return page(
        f"{name} {config.version}",
        lede=f"{stats.rows:,} labelled solutions to {stats.problems:,} problems in {place}: {stats.right_rows:,} "
        f"correct and {stats.wrong_rows:,} with a first error.",
        sections=[
            section(
                "Figures",
                table(Table(head, tuple(split_rows(config))), "Rows and steps by split"),
                tag("details", tag("summary", "Skipped or rejected"), table(left_out, "Skipped or rejected"))
                if dropped
                else None,
            ),
            *([section("Pictures", pictures)] if pictures else []),
            section(
                "Solutions",
                tag("p", words if row_id else f"{drawn} {words}"),
                browse_rows(tables, rows),
            ),
        ],
        facts={
            "rows from": place,
            "content digest": config.content_digest,
            "code version": config.code_version,
            "digest of what was read": config.inputs_digest,
            **{option.replace("_", " "): str(value) for option, value in config.options.items()},
        },
    )


def browse_rows(tables: Mapping[str, pa.Table], rows: Sequence[Mapping[str, Any]]) -> Html:
    """Rows that `draw` drew, to browse and filter, each incorrect one with a correct one of `tables` beside it."""
    beside = _correct_ones(tables, rows)
    return browse([_solution(row, beside.get(row["id"])) for row in rows], state_legend())


def draw(
    tables: Mapping[str, pa.Table],
    *,
    n: int,
    seed: int,
    error_type: str | None = None,
    split: str | None = None,
    row_id: str | None = None,
    correct: bool = True,
) -> list[dict[str, Any]]:
    """Draw at most `n` rows with their `split`, one of each error type in turn; correct ones if `correct`, or alone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.concat_tables(
        [t.append_column("split", pa.repeat(name, t.num_rows)) for name, t in tables.items() if split in (None, name)]
    )
    for column, wanted in (("error_type", error_type), ("id", row_id)):
        if wanted is not None:
            table = table.filter(pc.equal(table[column], wanted))
    if not correct and error_type is None and row_id is None:
        incorrect = table.filter(pc.not_equal(table["error_type"], "none"))
        table = incorrect if incorrect.num_rows else table
    by_type: dict[str, list[int]] = {}
    for at, kind in enumerate(table["error_type"].to_pylist()):
        by_type.setdefault(kind, []).append(at)
    rng = random.Random(seed)
    shuffled = [rng.sample(by_type[kind], len(by_type[kind])) for kind in sorted(by_type)]
    in_turn = [at for some in zip_longest(*shuffled) for at in some if at is not None]
    return list(iter_rows(table.take(in_turn[:n]))) if in_turn else []


def _correct_ones(tables: Mapping[str, pa.Table], rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By id of an incorrect row, the correct row it was made from; if unknown, any correct row of the problem."""
    import pyarrow as pa
    import pyarrow.compute as pc

    incorrect = [row for row in rows if row["first_error"] >= 0]
    some = pa.concat_tables(tables.values())
    some = some.filter(pc.equal(some["first_error"], -1))
    some = some.filter(pc.is_in(some["problem_id"], pa.array([row["problem_id"] for row in incorrect], pa.string())))
    by_id: dict[str, dict[str, Any]] = {}
    by_problem: dict[str, dict[str, Any]] = {}
    for row in iter_rows(some):
        by_id[row["id"]] = row
        by_problem.setdefault(row["problem_id"], row)
    found = {row["id"]: by_id.get(row.get("twin_id", "")) or by_problem.get(row["problem_id"]) for row in incorrect}
    return {name: correct for name, correct in found.items() if correct is not None}


def _solution(row: Mapping[str, Any], correct: Mapping[str, Any] | None) -> Solution:
    first = row["first_error"]
    concludes = "ends without an answer" if row["answer"] is None else f"concludes {row['answer']}"
    nothing_known = row["answer"] is None and row["reference_answer"] is None
    if first >= 0 and row["reference_answer"] is not None:
        concludes += f", correct is {row['reference_answer']}"
    twin = correct is not None and correct["id"] == row.get("twin_id")
    beside = None
    if correct is not None:
        title = "The correct solution it was made from" if twin else "A correct solution to the same problem"
        beside = (title, [Step(step, state="right") for step in correct["completions"]])
    kind = "correct" if first < 0 else _plain(row["error_type"])
    return Solution(
        name=row["id"],
        prompt=row["prompt"],
        steps=list(_steps(row, correct["completions"] if correct is not None and twin else None)),
        verdict=kind[:1].upper() + kind[1:],
        facets={
            "Error type": kind,
            "Place of first error": "none" if first < 0 else PLACES[5 * first // len(row["completions"])],
            "First error": "none" if first < 0 else str(first),
            "Source": row["source"],
            "Split": row["split"],
        },
        details=(*(() if nothing_known else (concludes,)), row["source"], row["split"]),
        beside=beside,
    )


def _steps(row: Mapping[str, Any], correct: Sequence[str] | None) -> Iterator[Step]:
    """The steps; from the first error on, what differs from the correct solution is marked."""
    first, steps = row["first_error"], row["completions"]
    twins = _twins(steps, correct, first) if correct is not None and first >= 0 else {}
    for i, step in enumerate(steps):
        state = "right" if first < 0 or i < first else "error" if i == first else "after"
        changed = _changed(step, twins[i]) if i in twins else ()
        if state == "error":
            yield Step(step, state=state, marks=("✗ first error",), note=row.get("error_reason") or "", changed=changed)
        else:
            yield Step(step, state=state, changed=changed)


def _twins(steps: Sequence[str], correct: Sequence[str], first: int) -> dict[int, str]:
    """The correct step that each step from the first error on was made from: the next one with the same words."""
    words, near = _words(steps[first]), [_words(step) for step in correct[first : first + 2]]
    at = first + (near[1:] == [words] and near[0] != words)  # a step is left out
    found = {first: correct[at]} if near else {}
    for i, step in enumerate(steps[first + 1 :], first + 1):
        later = next((k for k in range(at + 1, len(correct)) if _words(correct[k]) == _words(step)), None)
        if later is not None:
            at, found[i] = later, correct[later]
    return found


def _words(step: str) -> str:
    return _NUMBERS.sub("", step)


_NUMBERS = re.compile(r"\d[\d.,]*")
_LABEL = re.compile(r"\W*(?:step )?\d+[.:)]\W", re.IGNORECASE)
_TOKENS = re.compile(r"\d[\d.,]*\d|\w+|\s+|[^\w\s]")


def _changed(step: str, correct: str) -> tuple[tuple[int, int], ...]:
    """Spans of a step, its numbering aside, that differ from the correct step; none where nearly all would be marked.

    >>> _changed("So 12 x 3 = 36.", "So 12 x 4 = 48.")
    ((8, 9), (12, 14))
    """
    here = list(_TOKENS.finditer(step))
    match = SequenceMatcher(None, [token[0] for token in here], _TOKENS.findall(correct), autojunk=False)
    if len(step) + len(correct) > 2_000 or match.ratio() < 0.5:  # of 2,000 characters it would take seconds
        return ()
    label = _LABEL.match(step)
    spans = []
    for what, start, end, _, _ in match.get_opcodes():
        while start < end and here[end - 1][0].isspace():
            end -= 1
        if what != "equal" and start < end and (label is None or here[start].start() >= label.end()):
            spans.append((here[start].start(), here[end - 1].end()))
    return tuple(spans)


def _pictures(config: Config) -> list[Chart]:
    stats = config.stats
    kinds = sorted(
        ((_plain(kind), n) for kind, n in stats.error_types.items() if kind != "none"), key=lambda kind: -kind[1]
    )
    fifths = [(f"{place} fifth", stats.first_error_places.get(str(i), 0)) for i, place in enumerate(PLACES)]
    known = sorted((int(index), n) for index, n in stats.first_errors.items())
    indices = [(f"step {index}", n) for index, n in known if index < 9]
    if later := sum(n for index, n in known if index >= 9):
        indices.append(("step 9 and later", later))
    whole = stats.wrong_rows
    return [
        *(
            [bar_chart("error-types", "Error types", f"Share of {whole:,} incorrect rows.", kinds, whole)]
            if len(kinds) > 1
            else []
        ),
        bar_chart("places", "Where the first error stands", "By fifth of the solution.", fifths, whole),
        bar_chart("indices", "Which step is the first error", "Steps count from 0.", indices, whole),
    ]


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("/", ": ")
