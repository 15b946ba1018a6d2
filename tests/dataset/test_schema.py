"""What a row must be, said twice (one row, a whole table) and meant once."""

from __future__ import annotations

from typing import Any

import datasets
import pyarrow as pa
import pytest
import yaml
from made_rows import CONFIG, made_rows, made_table, right_row, wrong_row

from prm_gsm8k.dataset.schema import arrow_schema, card_features, check_row, check_table, columns_of, features

BREACHES: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({"prompt": ""}, "prompt is empty"),
    "null prompt": ({"prompt": None}, "prompt is null"),
    "no id": ({"id": ""}, "id is empty"),
    "no problem": ({"problem_id": ""}, "problem_id is empty"),
    "no source": ({"source": None}, "source is null"),
    "no steps": ({"completions": [], "labels": [], "values": None}, "it has no steps"),
    "null steps": ({"completions": None}, "completions is null"),
    "a label too few": ({"labels": [True]}, "2 steps but 1 labels"),
    "a null label": ({"labels": [True, None]}, "labels[1] is NoneType"),
    "an empty step": ({"completions": ["a", ""]}, "completions[1] is empty"),
    "a blank step": ({"completions": [" \t", "b"]}, "completions[0] is empty"),
    "a null step": ({"completions": ["a", None]}, "completions[1] is NoneType"),
    "a trailing newline": ({"completions": ["a\n", "b"]}, "completions[0] ends with a newline"),
    "a calculator tag": ({"completions": ["4/2=<<4/2=2>>2", "b"]}, "completions[0] has a calculator tag"),
    "right after wrong": ({"labels": [False, True], "first_error": 0}, "not a run of true, then a run of false"),
    "another first error": ({"first_error": 0}, "first_error is 0, but the labels say 1"),
    "no first error": ({"first_error": -1}, "first_error is -1, but the labels say 1"),
    "null first error": ({"first_error": None}, "first_error is null"),
    "wrong but of no type": ({"error_type": "none"}, "error_type is 'none', but first_error is 1"),
    "right but of a type": ({"labels": [True, True], "first_error": -1}, "error_type is 'skipped_step'"),
    "a value too few": ({"values": [0.5]}, "2 steps but 1 values"),
    "a value above one": ({"values": [0.5, 1.5]}, "values[1] is 1.5, outside [0, 1]"),
    "a value below zero": ({"values": [-0.5, 0.5]}, "values[0] is -0.5, outside [0, 1]"),
    "a value that is no number": ({"values": [0.5, float("nan")]}, "values[1] is nan"),
}


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(CONFIG))


def test_rows_that_keep_the_contract_have_nothing_wrong() -> None:
    assert [check_row(row, CONFIG) for row in made_rows(range(20))] == [None] * 40
    assert check_table(made_table(range(20)), CONFIG) is None
    assert check_table(made_table(range(0)), CONFIG) is None


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_named(breach: str) -> None:
    change, message = BREACHES[breach]
    assert message in (check_row({**wrong_row(), **change}, CONFIG) or "")


@pytest.mark.parametrize("breach", BREACHES)
def test_a_table_names_the_first_bad_row_and_the_same_breach(breach: str) -> None:
    change, message = BREACHES[breach]
    bad = {"id": "the bad one"} | wrong_row(99) | change
    good = list(made_rows(range(10)))
    table = pa.concat_tables([table_of([*good, bad, right_row(11)]), table_of([right_row(12), {**bad, "id": "later"}])])
    found = check_table(table, CONFIG) or ""
    assert found.startswith(f"row 20 (id {bad['id']!r})")
    assert message in found


def test_a_sliced_table_is_judged_by_its_own_rows() -> None:
    rows = [{**wrong_row(), "first_error": 0, "id": "bad"}, *made_rows(range(1, 5))]
    assert check_table(table_of(rows).slice(1), CONFIG) is None


def test_an_id_that_comes_twice_is_named() -> None:
    found = check_table(table_of([right_row(1), right_row(2), right_row(1)]), CONFIG)
    assert found == "id 'train/1/right' occurs 2 times"


def test_columns_and_their_order_are_part_of_it() -> None:
    table = made_table(range(3))
    assert "columns are" in (check_table(table.select(sorted(table.column_names)), CONFIG) or "")
    wide = table.set_column(5, "first_error", table["first_error"].cast(pa.int64()))
    assert check_table(wide, CONFIG) == "column 'first_error' is int64, not int32"
    assert check_row({"prompt": "?"}, CONFIG) == "column 'completions' is missing"
    assert "'mood' is not in the contract" in (check_row({**right_row(), "mood": "good"}, CONFIG) or "")


def test_the_first_three_columns_are_the_stepwise_supervision_format() -> None:
    assert [column.name for column in columns_of("synthetic")][:3] == ["prompt", "completions", "labels"]


def test_synthetic_appends_its_evidence_to_the_columns_of_all() -> None:
    assert [c.name for c in columns_of("synthetic")] == [c.name for c in columns_of(CONFIG)] + [
        "error_reason",
        "twin_id",
    ]


@pytest.mark.parametrize("config", ["synthetic", "prm800k", CONFIG])
def test_one_definition_makes_schema_features_and_card(config: str) -> None:
    written = yaml.safe_load(yaml.safe_dump(card_features(config)))
    assert datasets.Features._from_yaml_list(written) == features(config)
    assert features(config).arrow_schema.remove_metadata() == arrow_schema(config)


RATINGS: dict[str, tuple[list[int | None] | None, str | None]] = {
    "a rating a step": ([1, -1], None),
    "a null rating": ([None, -1], None),
    "a rating too few": ([1], "2 steps but 1 ratings"),
    "no ratings": (None, "ratings is null"),
}


@pytest.mark.parametrize("case", RATINGS)
def test_ratings_of_prm800k_are_one_a_step_and_may_be_null(case: str) -> None:
    ratings, message = RATINGS[case]
    row = {**wrong_row(), "ratings": ratings}
    table = pa.Table.from_pylist([{**right_row(), "ratings": [1, 1]}, row], schema=arrow_schema("prm800k"))
    assert check_row(row, "prm800k") == message
    assert check_table(table, "prm800k") == (message and f"row 1 (id 'train/0/wrong'): {message}")
