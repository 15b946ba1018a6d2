"""What `verify` asks of rows of `synthetic` beyond the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.parquet import iter_rows
from prm_gsm8k.synthetic.checker import BlockChecker
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.style import without_style

if TYPE_CHECKING:
    import pyarrow as pa

_FAMILIES = {family.name: family for family in FAMILIES}


def twins(tables: Mapping[str, pa.Table], _: Config) -> Iterator[str]:
    """An incorrect row names a correct row of its problem with which it shares every step before its error."""
    wanted = ["id", "problem_id", "completions", "first_error", "twin_id"]
    for table in tables.values():
        rows = list(iter_rows(table.select(wanted)))
        twins = {row["id"]: row for row in rows if row["first_error"] == -1}
        for row in rows:
            if row["first_error"] == -1:
                continue
            twin = twins.get(row["twin_id"])
            if twin is None or twin["problem_id"] != row["problem_id"]:
                yield f"{row['id']!r}: its twin {row['twin_id']!r} is not a right row of its problem"
            elif twin["completions"][: row["first_error"]] != row["completions"][: row["first_error"]]:
                yield f"{row['id']!r}: steps before its error are not those of its twin {row['twin_id']!r}"


def blocks(tables: Mapping[str, pa.Table], _: Config) -> Iterator[str]:
    """Independent code reads every row again, as text: correct ones by themselves, incorrect ones against their twin.

    Of a block it also asks that each solution stands once as correct and once as incorrect.
    """
    for table in tables.values():
        rows = {row["id"]: row for row in iter_rows(table)}
        checkers: dict[str, BlockChecker] = {}
        for row in rows.values():
            if row["first_error"] < 0:
                checker = BlockChecker(row["prompt"], without_style(row["completions"]), row["reference_answer"])
                checkers[row["id"]] = checker
                if (unsound := checker.unsound()) is not None:
                    yield f"{row['id']!r}: {unsound}"
        for row in rows.values():
            if row["first_error"] >= 0 and row["twin_id"] in checkers:  # else `twins` has said so
                if (refusal := _refusal(row, rows, checkers[row["twin_id"]])) is not None:
                    yield f"{row['id']!r}: {refusal}"


def _refusal(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], checker: BlockChecker) -> str | None:
    """Why an incorrect row does not stand; None if it does."""
    family = _FAMILIES.get(row["error_type"])
    if family is None:
        return f"no error type {row['error_type']!r}"
    question: str | None = row["prompt"]
    if family.misreads:
        other = next((rows[name] for name in counterparts(row["id"]) if name in rows), None)
        question = None if other is None else other["prompt"]  # built with --no-twins
        if other is not None and other["completions"] != row["completions"]:
            return f"not the correct solution {other['id']!r} of the other question of its block"
    steps, first = without_style(row["completions"]), row["first_error"]
    refusal = checker.refusal(question, steps, first, row["answer"], is_slip=family.is_slip)
    if refusal is None and question is not None:
        difference = checker.difference(question, steps, first)
        if row["id"].rpartition("/")[0].rpartition("/")[2].startswith("twin-"):
            difference = difference.turned()
        refusal = None if family.recognised(difference) else f"it is no {family.name}"
    return refusal


def counterparts(row_id: str) -> list[str]:
    """The rows of a block that may have the same solution, and in which it is correct.

    >>> counterparts("gsm8k/train/0/wrong-2"), counterparts("gsm8k/train/0/base-1/wrong-0")
    (['gsm8k/train/0/twin-2/right-0'], ['gsm8k/train/0/twin-1/right-0'])
    >>> counterparts("gsm8k/train/0/twin-1/wrong-0")
    ['gsm8k/train/0/base-1/right-0', 'gsm8k/train/0/right-0']
    """
    problem, _, own = row_id.rpartition("/")
    origin, _, name = problem.rpartition("/")
    kind, _, number = name.partition("-")
    if kind == "twin":
        return [f"{origin}/base-{number}/right-0", f"{origin}/right-0"]
    return [f"{origin if kind == 'base' else problem}/twin-{number if kind == 'base' else own[6:]}/right-0"]
