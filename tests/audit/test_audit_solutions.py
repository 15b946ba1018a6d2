"""Which data the audit reads, and the errors for what it cannot read."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback import Hub
from made_rows import CONFIG, MADE_FROM, made_tables
from planted import clean_rows, row, written

from prm_gsm8k.audit.error_positions import error_positions
from prm_gsm8k.audit.features import SHAPES, extract_features, mask_digits
from prm_gsm8k.audit.reference import read_reference, shipped_reference
from prm_gsm8k.audit.solutions import only_states_answer, read_data
from prm_gsm8k.build.publish import publish
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, UsageError, VerificationError


def first_error(labels: list[bool]) -> int:
    return labels.index(False) if False in labels else -1


def test_every_format_gives_the_same_solutions(tmp_path: Path) -> None:
    rows = clean_rows(10)
    plain = written(tmp_path / "rows.jsonl", rows)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    parquet = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    others = [  # ProcessBench's columns
        {"id": r["id"], "problem": r["prompt"], "steps": r["completions"], "label": first_error(r["labels"])}
        for r in rows
    ]
    marked = written(tmp_path / "marked.jsonl", others)
    read = [read_data(path).solutions for path in (plain, packed, parquet, marked)]
    assert len(read[0]) == 30
    assert read[0] == read[1] == read[2] == read[3]


def test_labels_are_read_as_prefix_correctness_with_a_note(tmp_path: Path) -> None:
    odd = row("odd", "How odd?", ["One.", "Two.", "Three."], 1) | {"labels": [True, False, True]}
    data = read_data(written(tmp_path / "rows.jsonl", [*clean_rows(3), odd]))
    assert data.solutions[-1].first_error == 1
    assert data.tables["all"]["labels"].to_pylist()[-1] == [True, False, False]
    assert data.notes == ("1 solution: a step is labelled correct after an incorrect one; it is read as incorrect",)


def test_the_test_split_is_skipped_unless_requested_or_alone(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 1)):
        written(tmp_path / f"{split}.jsonl", clean_rows(5, seed))
    assert list(read_data(tmp_path).tables) == ["train"]
    assert list(read_data(tmp_path, splits=["test"]).tables) == ["test"]
    assert set(read_data(tmp_path, splits=["train", "test"]).tables) == {"train", "test"}
    with pytest.raises(UsageError, match="has no split 'dev'; it has test, train"):
        read_data(tmp_path, splits=["dev"])
    with pytest.raises(UsageError, match="is a file, which has no splits"):
        read_data(tmp_path / "test.jsonl", splits=["test"])
    (tmp_path / "train.jsonl").unlink()
    assert list(read_data(tmp_path).tables) == ["test"]


def test_a_built_folder_and_a_published_repository_are_read(hub: Hub, tmp_path: Path) -> None:
    write_config(tmp_path / "built", CONFIG, made_tables(), MADE_FROM)
    hub.create("org/rows")
    publish(tmp_path / "built", "org/rows")
    built, published = read_data(tmp_path / "built"), read_data("org/rows")
    assert (list(built.tables), list(published.tables)) == (["train"], ["all"])
    assert [one.steps for one in built.solutions] == [one.steps for one in published.solutions]
    assert [one.first_error for one in built.solutions] == [one.first_error for one in published.solutions]
    first = built.solutions[1]
    assert (first.first_error, dict(first.groups)) == (1, {"error_type": "skipped_step", "source": "by hand"})
    with pytest.raises(UsageError, match="has no config 'other'; it has by_hand"):
        read_data(tmp_path / "built", config="other")
    next((tmp_path / "built" / CONFIG).glob("train*")).write_bytes(b"PAR1")
    with pytest.raises(VerificationError, match="cannot be read as Parquet"):
        read_data(tmp_path / "built")


RIGHT, WRONG = row("a", "One?", ["1.", "2."], -1), row("b", "Two?", ["1.", "3."], 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows.jsonl: empty; expected JSON lines"),
        ([RIGHT], "no row has a first error"),
        ([WRONG | {"labels": [False, False]}], "no row has a correct step"),
        ([WRONG, RIGHT | {"prompt": "TWO"}], "all rows have the same problem"),
        ([{k: v for k, v in WRONG.items() if k != "labels"}], r"1: no 'labels' \(.*; it has id, prompt, completions"),
        ([{"question": "1?"}], r"rows.jsonl:1: no solution in it; it has question"),
        ([RIGHT, WRONG | {"labels": [True]}], r"rows.jsonl:2: 2 completions but 1 labels"),
        ([RIGHT, WRONG | {"completions": ["1.", " "]}], r"rows.jsonl:2: steps\[1\] is empty"),
        ([RIGHT, WRONG | {"completions": []}], r"rows.jsonl:2: 0 completions but 2 labels"),
        ([RIGHT, WRONG | {"labels": [True, "no"]}], r"rows.jsonl:2: labels hold 'no'"),
        (["text"], "rows.jsonl:1: a string, not an object"),
    ],
)  # fmt: skip
def test_bad_rows_are_one_error_with_file_and_line(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_data(written(tmp_path / "rows.jsonl", rows))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", b'{"prompt": "1?"', "rows.jsonl:1: not valid JSON"),
        ("rows.jsonl.gz", gzip.compress(bytes(range(256)))[:-20], "damaged or cut-off gzip"),
        ("rows.parquet", b"PAR1 and no more", "not Parquet that can be read"),
        ("rows.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read_data(tmp_path / name)


def test_a_damaged_folder_of_ours_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(PrmGsm8kError):
        read_data(tmp_path)


def test_a_reference_needs_enough_wrong_solutions(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="20 incorrect solutions; a reference needs 40"):
        read_reference(written(tmp_path / "few.jsonl", clean_rows(10)))
    enough = read_reference(written(tmp_path / "enough.jsonl", clean_rows(20)))
    assert (enough.wrong, enough.right, enough.surface is None) == (40, 20, False)


def test_what_is_shipped_of_real_solutions_are_numbers_alone() -> None:
    real = shipped_reference()
    assert sum(real.shape.values()) == real.wrong == 797
    assert all(0 <= right <= steps for steps, right in real.shape)
    assert 0.6 < real.position_of_wrong.value < 0.8 and real.surface is None


def test_shape_counts_steps_without_a_closing_answer(tmp_path: Path) -> None:
    rows = [
        row("a", "A?", ["He has 2.", "So 3.", " 3"], 1),
        row("b", "B?", ["He has 2.", "The answer is 4."], 1),
        row("c", "C?", ["4"], 0),
        row("d", "D?", ["He has 2.", "So 3."], -1),
    ]
    assert error_positions(read_data(written(tmp_path / "rows.jsonl", rows)).solutions) == {
        (2, 1): 1,
        (1, 1): 1,
        (1, 0): 1,
    }


@pytest.mark.parametrize(
    ("step", "alone"),
    [
        (" 4", True), ("$1,200.50", True), ("**Answer: 4**", True), ("A: 4", True), ("4. The answer is 40.", True),
        (r"The final answer is \boxed{624}.", True), ("- #### 35", True), ("Therefore, the answer is 4", True),
        ("x = 25", False), ("So 3.", False), ("She has 4.", False), ("2 + 2 = 4", False), ("The answer is yes", False),
        ("A total of 4", False), ("4 x 5", False),
    ],
)  # fmt: skip
def test_a_step_that_only_states_the_answer(step: str, alone: bool) -> None:
    assert only_states_answer(step) is alone


def test_features_ignore_numeric_values() -> None:
    right, wrong = "So 12 x 3.5 = $42, or 1,200.", "So 19 x 8.1 = $77, or 9,999."
    assert mask_digits(right) == mask_digits(wrong)
    features = extract_features([right, wrong, "So 12 x 3 = 36."] * 3)
    assert features.row.tolist() == [0, 0, 1] * 3
    shapes = features.matrix[:, features.names.index(SHAPES[0]) : features.names.index(SHAPES[-1]) + 1].toarray()
    named = [[name for name, there in zip(SHAPES, one, strict=True) if there] for one in shapes]
    digits = ["number of one digit", "number of two digits"]
    assert named == [
        ["number with decimals", "number with one decimal", *digits, "number of four digits", "number with a comma"],
        digits,
    ]
