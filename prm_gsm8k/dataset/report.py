"""A config as one page: counts, pictures of its errors, and solutions to browse, the right one beside the wrong one.

What a person opens before trusting a data set. Solutions are drawn evenly from all types of errors, so that a rare type
can be looked at as well as a common one; the pictures say how common each is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.card_figures import PLACES
from prm_gsm8k.dataset.parquet import iter_rows
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.reports.charts import Chart, Table, bar_chart
from prm_gsm8k.reports.html import Html, Solution, Step, browse, charts, page, section, state_legend, table, tag
from prm_gsm8k.reports.numbers import percent

if TYPE_CHECKING:
    import pyarrow as pa

    from prm_gsm8k.dataset.manifest import Config

SOLUTIONS = 300  # on a page, unless told: about 1 MB with a right one beside each


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
        place: the folder or repository, as it is to be called.
        name: of the config.
        config: its counts.
        tables: its rows by split.
        n: solutions to draw, at most.
        seed: of the draw.
        error_type, split, row_id: only such rows.

    Raises:
        UsageError: there is no such row.
    """
    rows = draw(tables, n=n, seed=seed, error_type=error_type, split=split, row_id=row_id)
    if not rows:
        raise UsageError(f"{name} has no row with id {row_id!r}" if row_id else f"{name} has no such row")
    stats = config.stats
    dropped = sorted(config.drops.items(), key=lambda item: -item[1])
    left_out = Table(("what", "count"), tuple((_plain(what), f"{count:,}") for what, count in dropped))
    kinds = "that type" if error_type else "all types"
    drawn = f"{len(rows):,} of {stats.rows:,} rows, evenly from {kinds} of errors and so not as often as they are."
    words = "Steps count from 0. Underlined is what differs from the right solution beside it."
    pictures = charts(_pictures(config)) if stats.wrong_rows else None
    return page(
        f"{name} {config.version}",
        lede=f"{stats.rows:,} labelled solutions to {stats.problems:,} problems in {place}: {stats.right_rows:,} right "
        f"and {stats.wrong_rows:,} with a first error.",
        sections=[
            section(
                "Figures",
                table(_counts(config), "Rows and steps by split"),
                tag("details", tag("summary", "Left out on the way"), table(left_out, "Left out on the way"))
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
    """Rows to look at and to filter, as `draw` drew them, each wrong one with a right one of `tables` beside it."""
    beside = _right_ones(tables, rows)
    return browse([_solution(row, beside.get(row["id"])) for row in rows], state_legend())


def draw(
    tables: Mapping[str, pa.Table],
    *,
    n: int,
    seed: int,
    error_type: str | None = None,
    split: str | None = None,
    row_id: str | None = None,
) -> list[dict[str, Any]]:
    """Draw rows, one of each type of error in turn until there are `n`. Each also has its `split`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.concat_tables(
        [t.append_column("split", pa.repeat(name, t.num_rows)) for name, t in tables.items() if split in (None, name)]
    )
    for column, wanted in (("error_type", error_type), ("id", row_id)):
        if wanted is not None:
            table = table.filter(pc.equal(table[column], wanted))
    by_type: dict[str, list[int]] = {}
    for at, kind in enumerate(table["error_type"].to_pylist()):
        by_type.setdefault(kind, []).append(at)
    rng = random.Random(seed)
    shuffled = [rng.sample(by_type[kind], len(by_type[kind])) for kind in sorted(by_type)]
    in_turn = [at for some in zip_longest(*shuffled) for at in some if at is not None]
    return list(iter_rows(table.take(in_turn[:n]))) if in_turn else []


def _right_ones(tables: Mapping[str, pa.Table], rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By id of a wrong row, the right row it was made from; if that is not known, a right one to the same problem."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wrong = [row for row in rows if row["first_error"] >= 0]
    some = pa.concat_tables(tables.values())
    some = some.filter(pc.equal(some["first_error"], -1))
    some = some.filter(pc.is_in(some["problem_id"], pa.array([row["problem_id"] for row in wrong], pa.string())))
    by_id: dict[str, dict[str, Any]] = {}
    by_problem: dict[str, dict[str, Any]] = {}
    for row in iter_rows(some):
        by_id[row["id"]] = row
        by_problem.setdefault(row["problem_id"], row)
    found = {row["id"]: by_id.get(row.get("twin_id", "")) or by_problem.get(row["problem_id"]) for row in wrong}
    return {name: right for name, right in found.items() if right is not None}


def _solution(row: Mapping[str, Any], right: Mapping[str, Any] | None) -> Solution:
    first = row["first_error"]
    concludes = "ends without an answer" if row["answer"] is None else f"concludes {row['answer']}"
    nothing_known = row["answer"] is None and row["reference_answer"] is None
    if first >= 0 and row["reference_answer"] is not None:
        concludes += f", right is {row['reference_answer']}"
    twin = right is not None and right["id"] == row.get("twin_id")
    beside = None
    if right is not None:
        title = "The right solution it was made from" if twin else "A right solution to the same problem"
        beside = (title, [Step(step, state="right") for step in right["completions"]])
    kind = "right" if first < 0 else _plain(row["error_type"])
    return Solution(
        name=row["id"],
        prompt=row["prompt"],
        steps=list(_steps(row, right["completions"] if right is not None and twin else None)),
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


def _steps(row: Mapping[str, Any], right: Sequence[str] | None) -> Iterator[Step]:
    """The steps; from the first error on, what is not as in the right one's step is marked."""
    first, steps = row["first_error"], row["completions"]
    twins = _twins(steps, right, first) if right is not None and first >= 0 else {}
    for i, step in enumerate(steps):
        state = "right" if first < 0 or i < first else "error" if i == first else "after"
        changed = _changed(step, twins[i]) if i in twins else ()
        if state == "error":
            yield Step(step, state=state, marks=("✗ first error",), note=row.get("error_reason") or "", changed=changed)
        else:
            yield Step(step, state=state, changed=changed)


def _twins(steps: Sequence[str], right: Sequence[str], first: int) -> dict[int, str]:
    """For steps from the first error on, the right step they were made from: the next one with their words."""
    words, near = _words(steps[first]), [_words(step) for step in right[first : first + 2]]
    at = first + (near[1:] == [words] and near[0] != words)  # a step is left out
    found = {first: right[at]} if near else {}
    for i, step in enumerate(steps[first + 1 :], first + 1):
        later = next((k for k in range(at + 1, len(right)) if _words(right[k]) == _words(step)), None)
        if later is not None:
            at, found[i] = later, right[later]
    return found


def _words(step: str) -> str:
    return _NUMBERS.sub("", step)


_NUMBERS = re.compile(r"\d[\d.,]*")
_LABEL = re.compile(r"\W*(?:step )?\d+[.:)]\W", re.IGNORECASE)
_TOKENS = re.compile(r"\d[\d.,]*\d|\w+|\s+|[^\w\s]")


def _changed(step: str, right: str) -> tuple[tuple[int, int], ...]:
    """Spans of a step, its numbering aside, that are not in the right one; nothing where nearly all would be marked.

    >>> _changed("So 12 x 3 = 36.", "So 12 x 4 = 48.")
    ((8, 9), (12, 14))
    """
    here = list(_TOKENS.finditer(step))
    match = SequenceMatcher(None, [token[0] for token in here], _TOKENS.findall(right), autojunk=False)
    if len(step) + len(right) > 2_000 or match.ratio() < 0.5:  # of 2,000 characters it would take seconds
        return ()
    label = _LABEL.match(step)
    spans = []
    for what, start, end, _, _ in match.get_opcodes():
        while start < end and here[end - 1][0].isspace():
            end -= 1
        if what != "equal" and start < end and (label is None or here[start].start() >= label.end()):
            spans.append((here[start].start(), here[end - 1].end()))
    return tuple(spans)


def _counts(config: Config) -> Table:
    rows = []
    for split, part in [*config.splits.items(), ("all", config.stats)]:
        numbers = (part.problems, part.rows, part.right_rows, part.wrong_rows, part.steps)
        rows.append((split, *(f"{number:,}" for number in numbers), percent(part.right_steps, part.steps)))
    return Table(("split", "problems", "rows", "right", "wrong", "steps", "steps right"), tuple(rows))


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
            [bar_chart("error-types", "Error types", f"Share of {whole:,} wrong rows.", kinds, whole)]
            if len(kinds) > 1
            else []
        ),
        bar_chart("places", "Where the first error stands", "By fifth of the solution.", fifths, whole),
        bar_chart("indices", "Which step is the first error", "Steps count from 0.", indices, whole),
    ]


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("/", ": ")
