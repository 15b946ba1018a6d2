"""`report labels`: the labeller against marked solutions, over HTTP, as a user runs it."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import run_command
from sampling.loopback_model import LoopbackModel

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.exceptions import BadInputError, EngineError
from prm_gsm8k.sampling.labels import Labelled
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.report import Marked, compare, read_marked, report_labels
from prm_gsm8k.sampling.run import How
from prm_gsm8k.sampling.solve import reference_answer

PROBLEMS: list[Problem] = [p for p in shipped_problems("train") if reference_answer(p).isdigit()][:12]


def marked_rows() -> list[dict[str, Any]]:
    """Solutions whose first error is the step with "oops", from which the loopback model never finds the answer."""
    rows: list[dict[str, Any]] = []
    for n, problem in enumerate(PROBLEMS):
        error = n % 4
        steps = [f"That leaves {i} of them." for i in range(3)]
        steps.insert(error, f"And oops, {n} of them are gone.")
        wrong = int(reference_answer(problem)) + 1
        rows.append(
            {"id": f"w-{n}", "problem": problem.question, "steps": [*steps, f"The answer is {wrong}."], "label": error}
        )
    right = {"problem": PROBLEMS[0].question, "label": -1}
    rows.append(right | {"id": "r-0", "steps": ["So be it.", f"The answer is {reference_answer(PROBLEMS[0])}."]})
    return rows


@pytest.fixture
def model() -> Iterator[LoopbackModel]:
    with LoopbackModel({p.question: reference_answer(p) for p in PROBLEMS}) as model:
        yield model


def report(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("report", "labels", file, *arguments)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.slow
def test_the_labeller_finds_what_the_model_cannot_get_past(model: LoopbackModel, tmp_path: Path) -> None:
    file = write(tmp_path / "marked.jsonl", marked_rows())
    where = ["--endpoint", model.url, "--evidence", str(tmp_path / "evidence")]
    run = report(file, *where, "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    # A right prefix arrives with p of about 0.4 at the least: 8 of 8 rollouts fail once in 60.
    assert said["wrong"] == 12 and said["right"] == 1
    assert said["exact"] >= 10
    assert said["exact"] + said["early"] + said["late"] + said["missed"] == 12
    assert (said["alarms"], said["left_out"], said["right_answers"]) == (0, 0, 0)
    assert said["rollouts"] == model.asked
    assert said["tokens"] > said["rollouts"]
    assert f"12 of 13 solutions to ask about; answers are kept in {tmp_path / 'evidence'}" in run.stderr

    # again: the same, from what is kept, without a server
    asked = model.asked
    again = report(file, *where, "--json")
    assert (json.loads(again.stdout), again.stderr, model.asked) == (said, "", asked)

    # another scheme asks for what it needs beyond, and for nothing again
    recipe = ModelSampledRecipe(labels="soft", rollouts=4, evidence=str(tmp_path / "evidence"))
    _, softer = report_labels(read_marked(file), recipe, How(endpoint=model.url))
    assert softer.rollouts > said["rollouts"]
    assert len(set(model.requests)) == len(model.requests) > asked


def test_labels_by_the_reference_are_measured_without_a_model(tmp_path: Path) -> None:
    file = write(tmp_path / "marked.jsonl", marked_rows())
    run = report(file, "--labels", "reference", "--evidence", str(tmp_path / "evidence"))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("the reference solutions on marked.jsonl\n")
    assert "0.0 rollouts and 0 tokens per incorrect solution" in run.stdout
    said = json.loads(report(file, "--labels", "reference", "--json").stdout)
    assert (said["model"], said["rollouts"], said["wrong"] + said["right"] + said["left_out"]) == (None, 0, 13)
    assert not (tmp_path / "evidence").exists()


def test_it_is_shown_as_a_table(model: LoopbackModel, tmp_path: Path) -> None:
    file = write(tmp_path / "marked.jsonl", marked_rows()[:2])
    run = report(file, "--endpoint", model.url, "--evidence", str(tmp_path / "evidence"))
    assert run.returncode == 0, run.stderr
    assert "tiny@unstated on marked.jsonl: auto, k = 8" in run.stdout
    assert "the marked step" in run.stdout
    assert "rollouts and" in run.stdout and "tokens per incorrect solution" in run.stdout


def test_processbench_and_gz_are_read(tmp_path: Path) -> None:
    rows = marked_rows()
    (tmp_path / "gsm8k.json").write_text(json.dumps([{**row, "final_answer_correct": False} for row in rows]))
    (tmp_path / "marked.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    expected = read_marked(write(tmp_path / "marked.jsonl", rows))
    assert len(expected) == 13
    assert expected[0].reference_answer == reference_answer(PROBLEMS[0])
    assert read_marked(tmp_path / "gsm8k.json") == read_marked(tmp_path / "marked.jsonl.gz") == expected


def test_a_row_may_bring_its_right_answer(tmp_path: Path) -> None:
    row = {"problem": "1 + 1?", "steps": ["It is 3."], "label": 0}
    file = write(tmp_path / "marked.jsonl", [row | {"reference_answer": 2}])
    assert read_marked(file) == [Marked(f"{file}:1", "1 + 1?", ["It is 3."], 0, "2")]


GOOD = {"problem": PROBLEMS[0].question, "steps": ["a", "b"], "label": 1}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":2: an object that is spread over lines"),
        ("[1]", ":2: an array, not an object"),
        (json.dumps({"problem": "x", "steps": ["a"]}), ":2: not an object with `problem`, `steps` and `label`"),
        (json.dumps(GOOD | {"problem": 5}), ":2: `problem` is no text"),
        (json.dumps(GOOD | {"steps": []}), ":2: `steps` is not a list of texts, with at least one"),
        (json.dumps(GOOD | {"steps": ["a", " "]}), ":2: `steps` is not a list of texts"),
        (json.dumps(GOOD | {"label": 2}), ":2: `label` is 2, not from -1 to 1, the last step"),
        (json.dumps(GOOD | {"label": True}), ":2: `label` is True"),
        (json.dumps(GOOD | {"problem": "1 + 1?"}), ":2: is about no problem of GSM8K; put its right answer into"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "marked.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n{line}\n")
    with pytest.raises(BadInputError) as error:
        read_marked(file)
    assert str(error.value).startswith(f"{file}{says}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "broken.jsonl.gz").write_bytes(b"no gzip")
    (tmp_path / "broken.json").write_text("[{]")
    for name, says in (
        ("empty.jsonl", "empty; expected JSON lines"),
        ("broken.jsonl.gz", r"broken\.jsonl\.gz:1: not valid JSON"),
        ("broken.json", r"broken\.json:1: not valid JSON"),
        ("missing.jsonl", "no such file or folder"),
    ):
        with pytest.raises(BadInputError, match=says):
            read_marked(tmp_path / name)


def test_bad_input_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    file = write(tmp_path / "marked.jsonl", [GOOD])
    run = report(file, "--endpoint", "http://127.0.0.1:9/v1")
    assert run.returncode == 1
    assert run.stderr.startswith("prm-gsm8k: nothing answers at http://127.0.0.1:9/v1")
    assert run.stderr.count("\n") == 1
    assert report(file, "--endpoint", "http://127.0.0.1:9/v1", "--threshold", "1").returncode == 2


@pytest.mark.slow
def test_a_server_that_fails_keeps_what_was_answered(model: LoopbackModel, tmp_path: Path) -> None:
    marked = read_marked(write(tmp_path / "marked.jsonl", marked_rows()))
    recipe = ModelSampledRecipe(evidence=str(tmp_path / "evidence"))
    how = How(endpoint=model.url, concurrency=1, patience=1)
    report_labels(marked[:2], recipe, how)
    model.always = "500"
    with pytest.raises(EngineError, match=r"answers 500 .* all answers so far are kept"):
        report_labels(marked, recipe, how)
    model.always = None
    _, found = report_labels(marked, recipe, how)
    (log,) = (tmp_path / "evidence").glob("*/calls-*.jsonl")
    calls = [(line["question"], *line["prefix"], line["attempt"]) for line in map(json.loads, log.open())]
    assert len(calls) == len(set(calls)) == found.rollouts


@pytest.mark.slow
def test_a_solution_too_long_for_the_context_is_left_out(model: LoopbackModel, tmp_path: Path) -> None:
    marked = read_marked(write(tmp_path / "marked.jsonl", marked_rows()))
    recipe, how = ModelSampledRecipe(evidence=str(tmp_path / "evidence")), How(endpoint=model.url, concurrency=1)
    model.always = "400"
    with pytest.raises(EngineError, match="too short"):  # none will fit
        report_labels(marked, recipe, how)
    model.always = None
    model.faults = [*[None] * 3, "400"]  # type: ignore[list-item]
    _, found = report_labels(marked, recipe, how)
    assert (found.left_out, found.wrong) == (1, 11)


def test_counts_are_those_of_the_pairs() -> None:
    def one(label: int, answer: str = "1") -> Marked:
        return Marked("x", "q", ["a", "b", "The answer is 9."], label, answer)

    def found(first_error: int) -> Labelled:
        return Labelled(first_error, [1, 0, 0], [2, 8, 0], [20, 80, 0])

    marked = [one(1), one(1), one(1), one(1), one(1, "9"), one(-1), one(-1), one(2)]
    report = compare(marked, [found(1), found(0), found(2), found(2), found(-1), found(-1), found(0), None])
    assert vars(report) == {
        "wrong": 5, "exact": 1, "early": 1, "late": 2, "missed": 1, "right_answers": 1,
        "right": 2, "alarms": 1, "left_out": 1, "rollouts": 50, "tokens": 500,
    }  # fmt: skip
