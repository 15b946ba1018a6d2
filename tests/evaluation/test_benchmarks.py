"""Each benchmark's own rows are read as its paper means them, from wherever they lie; a bad row is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback import Hub
from made_rows import CONFIG, MADE_FROM, made_table

from prm_gsm8k.build.publish import publish
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.formats import EXPECTED
from prm_gsm8k.evaluation.benchmarks import Data, answer_key, read
from prm_gsm8k.exceptions import BadInputError, HubError, UsageError

PROCESSBENCH = {"id": "gsm8k-0", "problem": "1+1?", "steps": ["1+1=3.", "So 3."], "label": 0, "generator": "x"}
MR_GSM8K = {
    "uuid": "u1",
    "question": "1+1?",
    "model_output_steps": ["Step 1: 1+1=2.", "Step 2: so 3."],
    "model_output_solution_correctness": "wrong",
    "model_output_solution_first_error_step": 2,
    "question_type": "original",
}
PRMBENCH = {
    "idx": "circular_1",
    "original_question": "1+1?",
    "modified_question": "1+1=?",
    "original_process": ["1+1=2."],
    "modified_process": ["1+1=3.", "So 3.", "3-1=2."],
    "error_steps": [2, 1],
    "classification": "circular",
}
CANDIDATE = {"problem": "1+1?", "steps": ["<<1+1=2>>2"], "answer": 2.0, "reference_answer": 2, "correct": True}


def lines(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def only(data: Data) -> Any:
    (solution,) = data.solutions
    return solution


# ------------------------------------------------------------------------------------------------- what each row means


def test_processbench(tmp_path: Path) -> None:
    wrong, right = read(
        "processbench", lines(tmp_path / "a.jsonl", PROCESSBENCH, PROCESSBENCH | {"label": -1})
    ).solutions
    assert (wrong.id, wrong.label, wrong.right) == ("gsm8k-0", 0, (False,)), "what follows the error is nobody's"
    assert (right.label, right.right) == (-1, (True, True))


def test_rows_of_this_package_and_of_trl(tmp_path: Path) -> None:
    row = {"prompt": "1+1?", "completions": ["1+1=2.", "So 3.", "3-1=2."], "labels": [True, False, True]}
    assert only(read("first-error", lines(tmp_path / "a.jsonl", row))).label == 1


def test_mr_gsm8k_counts_from_one_and_writes_numbers_as_it_likes(tmp_path: Path) -> None:
    for step in (2, "2"):
        row = MR_GSM8K | {"model_output_solution_first_error_step": step}
        found = only(read("mr-gsm8k", lines(tmp_path / "a.jsonl", row)))
        assert (found.id, found.label, found.right, found.subset) == ("u1", 1, (True, False), "original")
    fine = {"model_output_solution_correctness": "correct", "model_output_solution_first_error_step": "N/A"}
    assert only(read("mr-gsm8k", lines(tmp_path / "a.jsonl", MR_GSM8K | fine))).label == -1


def test_a_wrong_solution_of_mr_gsm8k_without_a_place_is_left_out_and_counted(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", MR_GSM8K | {"model_output_solution_first_error_step": "N/A"}, MR_GSM8K)
    data = read("mr-gsm8k", path)
    assert len(data.solutions) == 1
    assert data.notes == (f"1 left out: {path}:1: wrong, but it does not say in which step",)


def test_prmbench_judges_every_step_of_what_was_modified_and_counts_a_row_once(tmp_path: Path) -> None:
    data = read("prmbench", lines(tmp_path / "a.jsonl", PRMBENCH, PRMBENCH))
    found = only(data)
    assert (found.problem, found.label, found.right) == ("1+1=?", 0, (False, False, True))
    assert "circular_1 again" in data.notes[0]


def test_prmbench_as_published_names_steps_that_are_not_there_and_holds_empty_ones(tmp_path: Path) -> None:
    """Its own scorer compares the numbers with the indices of the steps there are: any other counts for nothing."""
    beyond, nowhere = PRMBENCH | {"idx": "a", "error_steps": [2, 4]}, PRMBENCH | {"idx": "b", "error_steps": [9]}
    empty = PRMBENCH | {"idx": "c", "modified_process": ["1+1=3.", "", "So 3.", "<<3-1=2>>"], "error_steps": [3]}
    path = lines(tmp_path / "a.jsonl", beyond, nowhere, empty, PRMBENCH)
    data = read("prmbench", path)
    assert [(s.label, s.right) for s in data.solutions] == [
        (1, (True, False, True)),
        (-1, (True, True, True)),
        (1, (True, False)),
        (0, (False, False, True)),
    ]
    assert data.notes == (
        "2 solutions: error_steps name a step that is not there, which is passed over",
        "1 solution: an empty step is taken out",
    )
    by_first_error = read("first-error", path)  # where the only error is in no step, nobody knows the first
    assert [s.label for s in by_first_error.solutions] == [1, 1, 0]
    assert by_first_error.notes[-1] == f"1 left out: {path}:2: wrong, but in no step that is there"


def test_best_of_n_takes_calculator_tags_out(tmp_path: Path) -> None:
    data = read("best-of-n", lines(tmp_path / "a.jsonl", CANDIDATE, CANDIDATE | {"correct": None, "answer": "$2."}))
    assert [(s.steps, s.answer, s.correct) for s in data.solutions] == [(("2",), "2", True)] * 2
    assert data.notes == ("2 solutions: calculator tags taken out",)
    assert read("best-of-n", lines(tmp_path / "b.jsonl", CANDIDATE | {"answer": None, "correct": False})).solutions


@pytest.mark.parametrize(
    ("one", "other"), [("$1,800.00", 1800), ("18.", 18.0), ("0.50", 0.5), ("-0", 0), ("5%", "5"), (1e-9, 0), ("X", "x")]
)
def test_answers_that_are_one(one: object, other: object) -> None:
    assert answer_key(one) == answer_key(other) is not None


def test_answers_that_are_not(tmp_path: Path) -> None:
    assert len({answer_key(a) for a in (5, 15, 5.5, "5 apples", "1e", 50, "1/2")}) == 7


# ------------------------------------------------------------------------------------------------ where rows come from


def test_a_file_may_be_lines_an_array_gzipped_or_parquet(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", PROCESSBENCH)
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps([PROCESSBENCH], indent=1))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    pq.write_table(pa.Table.from_pylist([PROCESSBENCH]), tmp_path / "a.parquet")
    read_ = [read("processbench", str(tmp_path / f"a{end}")) for end in (".jsonl", ".json", ".jsonl.gz", ".parquet")]
    assert len({data.digest for data in read_}) == 1
    assert [only(data).where.removeprefix(f"{tmp_path}/") for data in read_] == [
        "a.jsonl:1",
        "a.json[0]",
        "a.jsonl.gz:1",
        "a.parquet row 0",
    ]


def test_files_of_a_folder_are_subsets(tmp_path: Path) -> None:
    lines(tmp_path / "math.jsonl", PROCESSBENCH)
    lines(tmp_path / "gsm8k.jsonl", PROCESSBENCH | {"label": -1})
    assert [(s.subset, s.label) for s in read("processbench", str(tmp_path)).solutions] == [("gsm8k", -1), ("math", 0)]
    assert only(read("processbench", str(tmp_path), split="math")).subset == "math"


def test_of_a_built_folder_the_test_split_is_measured_on_unless_told(tmp_path: Path) -> None:
    tables = {
        "train": made_table(range(3)),
        "validation": made_table(range(3, 5)),
        "test": made_table(range(7, 8), "test"),
    }
    write_config(tmp_path / "built", CONFIG, tables, MADE_FROM)
    data = read("first-error", str(tmp_path / "built"))
    assert [(s.label, s.where.removeprefix(str(tmp_path))) for s in data.solutions] == [
        (-1, "/built by_hand/test[0]"),
        (1, "/built by_hand/test[1]"),
    ]
    assert len(read("first-error", str(tmp_path / "built"), split="validation").solutions) == 4


def test_splits_of_a_dataset_on_the_hub_are_subsets(hub: Hub) -> None:
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n" + "".join(
        f"  - split: {name}\n    path: {name}.json\n" for name in ("gsm8k", "math")
    )
    files = {f"{name}.json": json.dumps([PROCESSBENCH | {"id": name}]).encode() for name in ("gsm8k", "math")}
    hub.create("org/bench").put({"README.md": (card + "---\n").encode(), **files})
    data = read("processbench", "org/bench")
    assert [(s.id, s.subset, s.where) for s in data.solutions] == [
        ("gsm8k", "gsm8k", "org/bench gsm8k[0]"),
        ("math", "math", "org/bench math[0]"),
    ]
    with pytest.raises(UsageError, match="has no split 'maths'; it has gsm8k, math"):
        read("processbench", "org/bench", split="maths")


def test_a_published_dataset_of_ours_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    write_config(
        tmp_path / "built", CONFIG, {"train": made_table(range(3)), "test": made_table(range(7, 9))}, MADE_FROM
    )
    publish(tmp_path / "built", "org/rows", tag="v1")
    assert len(read("first-error", "org/rows@v1").solutions) == 4


def test_what_is_not_on_the_hub(hub: Hub) -> None:
    with pytest.raises((BadInputError, HubError), match="org/nothing"):
        read("processbench", "org/nothing")


def test_the_digest_is_of_what_counts(tmp_path: Path) -> None:
    data = read("processbench", lines(tmp_path / "a.jsonl", PROCESSBENCH))
    renamed = read("processbench", lines(tmp_path / "b.jsonl", PROCESSBENCH | {"id": "other"}))
    relabelled = read("processbench", lines(tmp_path / "c.jsonl", PROCESSBENCH | {"label": 1}))
    assert data.digest == renamed.digest != relabelled.digest


# ------------------------------------------------------------------------------------------------------------- bad rows

NO_LABELS = (
    "no 'labels' (true or false for each step) or 'label' (index of the first wrong step, or -1); it has problem, "
    "steps. prm-gsm8k label finds first errors by the reference solution"
)
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("processbench", {"problem": "1+1?", "steps": ["2"]}, NO_LABELS),
    ("processbench", {"steps": ["2"], "label": -1}, f"no question in it; it has steps, label. Expected {EXPECTED}"),
    ("processbench", PROCESSBENCH | {"problem": " "}, "'problem' is empty"),
    ("processbench", PROCESSBENCH | {"steps": []}, "there are no steps"),
    (
        "processbench",
        PROCESSBENCH | {"steps": "1+1=3"},
        "'steps' is str, not a list (jq -c '.solution = .steps | del(.steps)' FILE)",
    ),
    ("processbench", PROCESSBENCH | {"steps": ["2", ""]}, "steps[1] is empty"),
    ("processbench", PROCESSBENCH | {"steps": ["2", 3]}, "steps[1] is int, not text"),
    ("processbench", PROCESSBENCH | {"label": 2}, "label is 2, but there are 2 steps: it is 0 to 1, or -1"),
    ("processbench", PROCESSBENCH | {"label": -2}, "label is -2, but there are 2 steps: it is 0 to 1, or -1"),
    (
        "processbench",
        PROCESSBENCH | {"label": "0"},
        "'label' is str, not a whole number (jq -c '.label |= tonumber' FILE)",
    ),
    ("processbench", PROCESSBENCH | {"label": True}, "'label' is bool, not a whole number"),
    ("first-error", {"prompt": "1+1?", "completions": ["2"], "labels": [True, False]}, "1 completions but 2 labels"),
    (
        "first-error",
        {"prompt": "1+1?", "completions": ["2"], "labels": [0.5]},
        "labels hold 0.5; each is true or false, 1 or 0, + or -; of scores, say from which on a step is correct "
        "(jq -c '.labels |= map(. >= 0.5)' FILE)",
    ),
    (
        "mr-gsm8k",
        MR_GSM8K | {"model_output_solution_first_error_step": 3},
        "model_output_solution_first_error_step is 3, but there are 2 steps (the first is 1)",
    ),
    (
        "mr-gsm8k",
        MR_GSM8K | {"model_output_solution_first_error_step": "two"},
        "model_output_solution_first_error_step is 'two'; it must be a number from 1, or N/A",
    ),
    (
        "mr-gsm8k",
        MR_GSM8K | {"model_output_solution_correctness": "maybe"},
        "model_output_solution_correctness is 'maybe'; it must be 'correct' or 'wrong'",
    ),
    ("prmbench", PRMBENCH | {"error_steps": ["1"]}, "error_steps hold '1'; each is the number of a step, from 1"),
    ("prmbench", PRMBENCH | {"modified_process": ["", " "]}, "there are no steps"),
    ("best-of-n", CANDIDATE | {"correct": "yes"}, "correct is 'yes'; it must be true or false"),
    (
        "best-of-n",
        {"problem": "1+1?", "steps": ["2"], "answer": 2},
        "neither 'correct' nor 'reference_answer'",
    ),
    ("best-of-n", {"problem": "1+1?", "steps": ["2"], "correct": True}, "no 'answer'; it has problem, steps, correct"),
]
GOOD = {
    "processbench": PROCESSBENCH,
    "first-error": PROCESSBENCH,
    "mr-gsm8k": MR_GSM8K,
    "prmbench": PRMBENCH,
    "best-of-n": CANDIDATE,
}


@pytest.mark.parametrize(("benchmark", "row", "message"), BAD)
def test_a_bad_row_is_named_and_nothing_is_measured(
    benchmark: str, row: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = lines(tmp_path / "a.jsonl", GOOD[benchmark], row)
    with pytest.raises(BadInputError) as caught:
        read(benchmark, path)
    assert str(caught.value) == f"{path}:2: {message}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"problem": 1\n', r"a\.jsonl:1: not valid JSON"),
        ("a.json", b"[{]", r"a\.json:1: not valid JSON"),
        ("a.jsonl", b"\n", "empty; expected JSON lines, one object a line"),
        ("a.jsonl", b"3\n", r"a\.jsonl:1: a number, not an object"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        ("a.jsonl.gz", b"\x1f\x8bxx", "damaged or cut-off gzip"),
        ("a.parquet", b"PAR1", "not Parquet that can be read"),
    ],
)
def test_a_file_that_is_no_rows(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read("processbench", str(tmp_path / name))


def test_what_is_no_place_of_rows(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file or folder"):
        read("processbench", "./nothing.jsonl")
    with pytest.raises(BadInputError, match=r"no manifest\.json, .*; nor has it a file that ends in \.json"):
        read("processbench", str(tmp_path))
    with pytest.raises(UsageError, match="neither a file, a folder nor a Hub id"):
        read("processbench", "processbench")
    with pytest.raises(UsageError, match="benchmark is processbench, mr-gsm8k, prmbench, best-of-n, first-error"):
        read("gsm8k", str(tmp_path))
