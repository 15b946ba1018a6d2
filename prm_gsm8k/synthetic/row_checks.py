"""What `verify` asks of rows of `synthetic` beyond the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.parquet import iter_rows
from prm_gsm8k.synthetic.checker import RowChecker
from prm_gsm8k.synthetic.checker.relations import STEP_SKIPPED

if TYPE_CHECKING:
    import pyarrow as pa


def twins(tables: Mapping[str, pa.Table], _: Config) -> Iterator[str]:
    """A wrong row names a right row of the same problem with which it shares every step before its error.

    Where the error is a skipped step, steps that do not need it may stand between; the row checker compares those.
    """
    wanted = ["id", "problem_id", "completions", "first_error", "error_type", "twin_id"]
    for table in tables.values():
        twins = {row["id"]: row for row in iter_rows(table.select(wanted)) if row["first_error"] == -1}
        for row in iter_rows(table.select(wanted)):
            if row["first_error"] == -1:
                continue
            twin = twins.get(row["twin_id"])
            if twin is None or twin["problem_id"] != row["problem_id"]:
                yield f"{row['id']!r}: its twin {row['twin_id']!r} is not a right row of its problem"
            elif (
                row["error_type"] != STEP_SKIPPED
                and twin["completions"][: row["first_error"]] != row["completions"][: row["first_error"]]
            ):
                yield f"{row['id']!r}: steps before its error are not those of its twin {row['twin_id']!r}"


def row_checker(tables: Mapping[str, pa.Table], _: Config) -> Iterator[str]:
    """Independent code reads every row again, as text: right rows by themselves, wrong ones against their twin."""
    for table in tables.values():
        checkers: dict[str, RowChecker] = {}
        wrong: list[dict[str, Any]] = []
        for row in iter_rows(table):
            if row["first_error"] >= 0:
                wrong.append(row)
                continue
            checkers[row["id"]] = checker = RowChecker(row["prompt"], row["completions"], row["reference_answer"])
            if checker.refusal is not None:
                yield f"{row['id']!r}: {checker.refusal}"
        for row in wrong:
            if (twin := checkers.get(row["twin_id"])) is None:
                continue  # `twins` has said so
            refusal = twin.check(
                row["completions"], row["first_error"], row["error_type"], row["error_reason"], row["answer"]
            )
            if refusal is not None:
                yield f"{row['id']!r}: {refusal}"
