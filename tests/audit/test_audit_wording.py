"""Sentences and shapes of steps that only incorrect solutions have, and reasons that nobody can check."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import clean_rows, written

from prm_gsm8k.audit.one_label import find_markers, unseen_reasons
from prm_gsm8k.audit.solutions import Solution, read_data


@pytest.fixture
def rows() -> list[dict]:  # type: ignore[type-arg]
    return clean_rows(60)


def solutions(tmp_path: Path, rows: list[dict]) -> tuple[Solution, ...]:  # type: ignore[type-arg]
    return read_data(written(tmp_path / "rows.jsonl", rows)).solutions


def test_clean_rows_have_no_marker(tmp_path: Path, rows: list[dict]) -> None:  # type: ignore[type-arg]
    assert {name: one.count for name, one in find_markers(solutions(tmp_path, rows)).items()} == {
        "up_to_error": 0,
        "anywhere": 0,
    }


def test_a_sentence_that_only_follows_errors_is_a_marker_anywhere(tmp_path: Path, rows: list[dict]) -> None:  # type: ignore[type-arg]
    for n, row in enumerate(rows):
        if not all(row["labels"]) and n % 2:
            row["completions"].append(f"And that is our answer. It is {n}.")
            row["labels"].append(False)
    found = find_markers(solutions(tmp_path, rows))
    marked = sum("And that" in row["completions"][-1] for row in rows)
    assert (found["up_to_error"].count, found["anywhere"].count) == (0, marked)
    assert "And that is our answer." in " ".join(found["anywhere"].examples)


def test_the_shape_of_a_first_error_is_a_marker_and_29_of_it_are_none(tmp_path: Path, rows: list[dict]) -> None:  # type: ignore[type-arg]
    wrong = [row for row in rows if not all(row["labels"])]
    for row in wrong[:30]:
        row["completions"][row["labels"].index(False)] = "So it is 7 of them."
    assert find_markers(solutions(tmp_path, rows))["up_to_error"].count == 30
    wrong[0]["completions"][wrong[0]["labels"].index(False)] = "Something else."
    assert find_markers(solutions(tmp_path, rows))["up_to_error"].count == 0


def test_where_nothing_is_correct_only_steps_up_to_the_error_are_judged(tmp_path: Path, rows: list[dict]) -> None:  # type: ignore[type-arg]
    wrong = [row for row in rows if not all(row["labels"]) and row["labels"][0]]
    assert set(find_markers(solutions(tmp_path, wrong))) == {"up_to_error"}


def test_a_reason_must_not_name_a_number_that_the_row_does_not_say(tmp_path: Path, rows: list[dict]) -> None:  # type: ignore[type-arg]
    wrong = [row for row in rows if not all(row["labels"])]
    wrong[0]["error_reason"] = 'reads "99999 pens", skips step 12345'
    wrong[1]["error_reason"] = "computes it as 98765"
    found = unseen_reasons(solutions(tmp_path, rows))
    assert (found.count, found.of, found.examples) == (1, 2, (wrong[1]["id"],))
