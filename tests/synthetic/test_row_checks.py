"""`verify` reads every block again, from its text alone, and finds what somebody has broken in it."""

from __future__ import annotations

import copy
from typing import Any

import pyarrow as pa
import pytest
from synthetic.conftest import Generated

from prm_gsm8k.synthetic import row_checks

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(generated: Generated) -> list[Row]:
    return [row for row in generated.rows if int(row["id"].split("/")[2]) < 120]


def findings(rows: list[Row]) -> list[str]:
    table = pa.Table.from_pylist([row | {"values": None} for row in rows])
    return [
        finding
        for check in (row_checks.twins, row_checks.blocks)
        for finding in check({"train": table}, None)  # type: ignore[arg-type]
    ]


def broken(rows: list[Row], row_id: str, **fields: Any) -> list[str]:
    rows = copy.deepcopy(rows)
    [row] = [row for row in rows if row["id"] == row_id]
    row.update(fields)
    return [finding for finding in findings(rows) if finding.startswith(repr(row_id))]


def test_nothing_is_found_in_rows_as_they_are_made(rows: list[Row]) -> None:
    assert findings(rows) == []


def test_an_error_is_not_called_by_another_name(rows: list[Row]) -> None:
    [found] = broken(rows, "gsm8k/train/0/wrong-0", error_type="part_left_out")
    assert "it is no part_left_out" in found
    assert broken(rows, "gsm8k/train/0/wrong-0", error_type="mood")[0].endswith("no error type 'mood'")


def test_the_first_error_is_where_the_solutions_part(rows: list[Row]) -> None:
    assert "do not part at step 1" in broken(rows, "gsm8k/train/0/twin-0/wrong-0", first_error=1)[-1]


def test_a_row_names_a_correct_row_of_its_problem(rows: list[Row]) -> None:
    assert broken(rows, "gsm8k/train/0/wrong-0", twin_id="gsm8k/train/1/right-0") != []


def test_a_changed_number_is_found_on_both_sides_of_a_block(rows: list[Row]) -> None:
    steps = [
        "Step 1: Natalia sold 48 * 2 = 96 clips in May.",
        "Step 2: So it is 48+95 = 143.",
        "Step 3: **Answer: 143**",
    ]
    changed = {"completions": steps, "answer": "143"}
    assert "not the correct solution" in broken(rows, "gsm8k/train/0/wrong-0", **changed)[-1]
    found = broken(rows, "gsm8k/train/0/twin-0/right-0", **changed)
    assert found and "is not what the last step comes to" in found[0]


def test_a_false_equation_in_a_correct_row_is_found(rows: list[Row]) -> None:
    [row] = [row for row in rows if row["id"] == "gsm8k/train/5/right-0"]
    steps = [step.replace("= ", "= 1", 1) if number == 0 else step for number, step in enumerate(row["completions"])]
    assert "false_equation" in broken(rows, row["id"], completions=steps)[0]
