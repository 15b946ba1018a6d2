"""Rows made by hand, for tests of what happens to rows and not of how they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from prm_gsm8k.dataset.schema import arrow_schema

# A config without columns of its own: only what every config must keep is asked of these rows.
CONFIG = "by_hand"

MADE_FROM = {
    "options": {"seed": 0},
    "code_version": "0.0.1",
    "code_digest": "c" * 64,
    "inputs_digest": "p" * 64,
    "drops": {"problems": 3},
}


def right_row(problem: int = 0, split: str = "train") -> dict[str, Any]:
    return {
        "prompt": f"Ali has {problem} apples and buys 4. Half are red. How many are red?",
        "completions": [f"He has {problem} + 4 = {problem + 4} apples.", f"So {(problem + 4) / 2} are red."],
        "labels": [True, True],
        "id": f"{split}/{problem}/right",
        "problem_id": f"{split}/{problem}",
        "first_error": -1,
        "error_type": "none",
        "answer": str((problem + 4) / 2),
        "reference_answer": str((problem + 4) / 2),
        "values": None,
        "source": "by hand",
    }


def wrong_row(problem: int = 0, split: str = "train") -> dict[str, Any]:
    right = right_row(problem, split)
    return {
        **right,
        "completions": [right["completions"][0], f"So {problem + 4} are red, not half."],
        "labels": [True, False],
        "id": f"{split}/{problem}/wrong",
        "first_error": 1,
        "error_type": "skipped_step",
        "answer": str(problem + 4),
        "values": [0.9, 0.125],
    }


def made_rows(problems: range, split: str = "train") -> Iterator[dict[str, Any]]:
    for problem in problems:
        yield right_row(problem, split)
        yield wrong_row(problem, split)


def made_table(problems: range, split: str = "train") -> pa.Table:
    return pa.Table.from_pylist(list(made_rows(problems, split)), schema=arrow_schema(CONFIG))


def made_tables(rows: int = 40) -> dict[str, pa.Table]:
    return {"train": made_table(range(rows)), "test": made_table(range(1000, 1005), "test")}
