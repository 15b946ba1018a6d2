"""`prm-gsm8k label`: solutions in many shapes, rows of the contract out, and a clear word for what is not labelled."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command_line import run_command
from fake_slurm import fake_slurm
from typer.testing import CliRunner, Result

from prm_gsm8k.build.build import Built, build
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.cli.main import app
from prm_gsm8k.dataset.disputed import DISPUTED
from prm_gsm8k.dataset.folder import read_tables
from prm_gsm8k.dataset.formats import ShapeError, read_record
from prm_gsm8k.dataset.manifest import read_manifest
from prm_gsm8k.dataset.problems import DuplicateQuestionWarning, shipped_problems
from prm_gsm8k.dataset.recipe import Prefixes, Tally
from prm_gsm8k.dataset.schema import check_row
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import BadInputError, EngineError, UsageError
from prm_gsm8k.executors.executor import Executor
from prm_gsm8k.label import recipe as recipe_module
from prm_gsm8k.label.recipe import LabelledRecipe

NATALIA, WENG = (problem.question for problem in shipped_problems("train")[:2])
JANET = shipped_problems("test")[0].question
RIGHT = "Natalia sold 48/2 = 24 clips in May.\nIn all she sold 48 + 24 = 72.\n#### 72"
WRONG = "In May she sold 48 * 2 = 96 clips.\nIn all she sold 48 + 96 = 144.\n#### 144"
STEPS = WRONG.split("\n")


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["label", *map(str, arguments)])


def write(path: Path, *records: object) -> Path:
    text = "".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    tables = read_tables(folder, read_manifest(folder), "labelled")
    return [row | {"split": split} for split, table in tables.items() for row in table.to_pylist()]


# --- shapes -----------------------------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[object, int]] = {
    "prompt and completions": ({"prompt": NATALIA, "completions": STEPS}, 1),
    "problem and steps": ({"problem": NATALIA, "steps": STEPS}, 1),
    "one text": ({"question": NATALIA, "response": WRONG}, 1),
    "several texts": ({"problem": NATALIA, "solutions": [RIGHT, WRONG]}, 2),
    "several in output": ({"prompt": NATALIA, "output": [RIGHT, WRONG]}, 2),
    "a sample log of lm-evaluation-harness": (
        {"doc_id": 0, "doc": {"question": NATALIA, "answer": "…"}, "resps": [[RIGHT, WRONG]], "filtered_resps": ["72"]},
        2,
    ),
    "example_model_solutions": (
        {
            "question": NATALIA,
            "ground_truth": RIGHT,
            "6b_finetuning": {"solution": WRONG, "is_correct": False},
            "175b_verification": {"solution": RIGHT, "is_correct": True},
        },
        2,
    ),
}


@pytest.mark.parametrize("record,count", SHAPES.values(), ids=SHAPES)
def test_shapes(record: object, count: int) -> None:
    question, samples = read_record(record)
    assert question == NATALIA
    assert len(samples) == count


NO_SHAPE = {
    "no object": ([1], "not an object"),
    "no question": ({"response": "72"}, "no question in it"),
    "no solution": ({"question": NATALIA, "answer": 72}, "no solution in it; it has question, answer"),
    "steps that are no text": ({"question": NATALIA, "steps": ["a", 3]}, r"steps\[1\] is int, not text"),
    "a log without answers": ({"doc": {"question": NATALIA}, "resps": []}, "--log_samples"),
}


@pytest.mark.parametrize("record,word", NO_SHAPE.values(), ids=NO_SHAPE)
def test_what_is_of_no_shape_is_told_what_is_missing(record: object, word: str) -> None:
    with pytest.raises(ShapeError, match=word):
        read_record(record)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Four solutions to two problems and three that are not labelled, through the command."""
    folder = tmp_path_factory.mktemp("label")
    file = write(
        folder / "made.jsonl",
        {"question": NATALIA, "solutions": [RIGHT, WRONG, WRONG]},
        "\n",
        {"problem": WENG, "steps": ["12/60 = $<<12/60=0.2>>0.2 a minute", "0.2 * 50 = $10", "#### 10"], "model": "m"},
        {"problem": WENG, "steps": ["She earns money.", "A lot."]},
        {"problem": JANET, "response": "16 - 3 = 13\n13 * 2 = 26\n#### 26"},
        {"problem": "What is 1 + 1?", "response": "#### 2"},
    )
    result = command(file, "--out", folder / "out", "--json", "--num-proc", "1")
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


def test_rows_keep_the_contract(built: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = built
    assert verify(folder / "out", RECIPES).findings == []
    made = rows(folder / "out")
    assert [check_row({k: v for k, v in row.items() if k != "split"}, "labelled") for row in made] == [None] * 3
    right, wrong, weng = sorted(made, key=lambda row: row["id"])
    assert (right["id"], right["first_error"], right["error_kind"]) == ("gsm8k/train/0/0", -1, "right answer")
    assert (wrong["id"], wrong["labels"], wrong["source"]) == ("gsm8k/train/0/1", [False, False, False], "made")
    assert wrong["error_reason"] == "computes 48 * 2 = 96, where the reference has 48 / 2 = 24"
    assert wrong["evidence"][0].startswith("48 * 2 = 96: ")
    assert (weng["completions"][0], weng["source"]) == ("12/60 = $0.2 a minute", "m")


def test_what_is_left_out_is_counted(built: tuple[Path, dict[str, Any]]) -> None:
    _, summary = built
    assert summary["drops"] == {
        "solutions": 7,
        "solution left out/a question of GSM8K test (--test-questions labels it for evaluation)": 1,
        "solution left out/cannot tell: no answer": 1,
        "solution left out/no problem asks its question, or several do with different answers": 1,
        "solution left out/same steps as another": 1,
    }
    assert summary["reasons"]["right answer"] == 2
    assert summary["skipped"] == 2


def test_the_same_file_is_not_labelled_twice(built: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = built
    command(folder / "made.jsonl", "--out", folder / "out1", "--json")
    again = json.loads(command(folder / "made.jsonl", "--out", folder / "out2", "--json").stdout)
    assert again["cached"]
    assert again["all"]["rows"] == 3


def test_questions_of_gsm8k_test_are_labelled_into_test_alone(tmp_path: Path) -> None:
    record = {"problem": JANET, "response": "16 - 3 = 13 eggs.\n13 * 2 = 26 dollars.\n#### 26"}
    file = write(tmp_path / "s.jsonl", record)
    refused = command(file, "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert "none of its solutions can be labelled" in refused.output and "--test-questions" in refused.output
    own = write(tmp_path / "own.jsonl", {"question": JANET, "answer": "16 - 3 - 4 = 9\n9 * 2 = 18\n#### 18"})
    around = f"Q: {JANET}\nA:"
    file.write_text(file.read_text() + json.dumps(record | {"problem": around}) + "\n")
    with own.open("a") as lines:
        lines.write(json.dumps({"question": around, "answer": "16 - 3 - 4 = 9\n9 * 2 = 18\n#### 18"}) + "\n")
    assert command(file, "--out", tmp_path / "out", "--problems", own).exit_code == 1
    for problems in (), ("--problems", own):
        assert command(file, "--out", tmp_path / "out", "--test-questions", *problems).exit_code == 0
        assert {row["split"] for row in rows(tmp_path / "out")} == {"test"}


def test_own_problems(tmp_path: Path) -> None:
    own = write(
        tmp_path / "own.jsonl", {"question": "Ana has 5 cups and 7 jars. In all?", "answer": "5+7 = 12\n#### 12"}
    )
    file = write(
        tmp_path / "s.jsonl.gz", {"question": "ana has 5 cups, and 7 jars; in all", "output": "5 * 7 = 35\n#### 35"}
    )
    assert command(file, "--problems", own, "--out", tmp_path / "out").exit_code == 0
    (row,) = rows(tmp_path / "out")
    assert (row["prompt"], row["first_error"]) == ("Ana has 5 cups and 7 jars. In all?", 0)


def test_a_question_with_two_answers_is_named_and_labelled_by_neither(tmp_path: Path) -> None:
    asked = "Ana has 5 cups and 7 jars. In all?"
    solution = {"question": asked, "output": "5 + 7 = 12\n#### 12"}
    file = write(tmp_path / "s.jsonl", solution, {"question": NATALIA, "output": RIGHT})
    natalia = {"question": NATALIA, "answer": shipped_problems("train")[0].answer}
    two = [{"question": asked, "answer": f"5+7 = {n}\n#### {n}"} for n in (12, 13)]
    own = write(tmp_path / "own.jsonl", *two, natalia)
    with pytest.warns(DuplicateQuestionWarning, match=r"two answers .*own.jsonl:1 has 12, .*own.jsonl:2 has 13"):
        made = build("labelled", tmp_path / "out", file=str(file), problems=str(own))
    assert [row["prompt"] for row in rows(tmp_path / "out")] == [NATALIA]
    left = [(what, n) for what, n in made.config.drops.items() if "several do with different answers" in what]
    assert [n for _, n in left] == [1]
    same = write(tmp_path / "same.jsonl", two[0], two[0] | {"question": "ana has 5 cups and 7 jars; in all"}, natalia)
    with pytest.warns(DuplicateQuestionWarning, match=r"same.jsonl:2 repeats .*same.jsonl:1"):
        build("labelled", tmp_path / "out", file=str(file), problems=str(same))
    assert len(rows(tmp_path / "out")) == 2


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz"])
def test_a_killed_labelling_goes_on_from_the_batches_it_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second build labels only what the first had not, and makes the rows of one that was not killed."""
    monkeypatch.setattr(recipe_module, "LINES_PER_BATCH", 1)
    problems = [problem for problem in shipped_problems("train")[:8] if problem.id not in DISPUTED][:6]
    file = write(tmp_path / name, *({"problem": p.question, "solutions": [p.answer, WRONG]} for p in problems))
    labelled: list[int] = []
    rows_of = LabelledRecipe.rows

    def until(batches: int) -> None:
        def rows(self: LabelledRecipe, batch: bytes, tally: Tally) -> Any:
            if len(labelled) == batches:
                raise KeyboardInterrupt
            labelled.append(len(batch))
            return rows_of(self, batch, tally)

        monkeypatch.setattr(LabelledRecipe, "rows", rows)

    def built(cache: str) -> Built:
        return build("labelled", tmp_path / "out", file=str(file), num_proc=1, cache_dir=str(tmp_path / cache))

    until(4)
    with pytest.raises(KeyboardInterrupt):
        built("cache")
    (kept,) = (tmp_path / "cache").glob("*unfinished/*")
    assert len(list(kept.iterdir())) == 4
    torn = sorted(kept.iterdir())[0]
    torn.write_bytes(torn.read_bytes()[:-7])
    until(4 + 3)  # two were not made, one was torn
    again = built("cache").config
    assert len(labelled) == 7
    assert not kept.exists()
    until(7 + 6)
    whole = built("another").config
    assert (again.content_digest, again.drops) == (whole.content_digest, whole.drops)


# --- tasks ------------------------------------------------------------------------------------------------------------


def solved(path: Path, count: int) -> Path:
    """Two solutions to each of some problems."""
    problems = [problem for problem in shipped_problems("train")[: 2 * count] if problem.id not in DISPUTED][:count]
    return write(path, *({"problem": p.question, "solutions": [p.answer, WRONG]} for p in problems))


def test_two_tasks_make_the_rows_of_one_and_go_on_where_one_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe_module, "LINES_PER_BATCH", 1)
    monkeypatch.chdir(tmp_path)
    solved(tmp_path / "s.jsonl", 8)
    made: list[bytes] = []
    rows_of = LabelledRecipe.rows

    def rows(self: LabelledRecipe, batch: bytes, tally: Tally) -> Any:
        if len(made) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made.append(batch)
        return rows_of(self, batch, tally)

    def built(cache: str, executor: Executor | None) -> Built:
        return build("labelled", "out", file="s.jsonl", num_proc=1, cache_dir=cache, executor=executor)

    monkeypatch.setattr(LabelledRecipe, "rows", rows)
    two = Executor(tasks=2, workers=1)  # one after the other, in this process
    with pytest.raises(EngineError, match=r"No space left on device: .*HF_DATASETS_CACHE.*continues from here.*1 of"):
        built("cache", two)
    monkeypatch.setattr(LabelledRecipe, "rows", lambda self, *a: made.append(a[0]) or rows_of(self, *a))
    again = built("cache", two)
    assert len(made) == len(set(made)) == 8
    assert not list((tmp_path / "cache").glob("*unfinished/*"))
    whole = built("another", None)
    assert (again.config.content_digest, again.config.drops) == (whole.config.content_digest, whole.config.drops)
    with pytest.raises(UsageError, match="is not made by tasks"):
        build("synthetic", "out", executor=two)


@pytest.mark.slow
def test_killed_with_its_two_tasks_it_makes_nothing_twice(tmp_path: Path) -> None:
    solved(tmp_path / "s.jsonl", 1500)
    words = ["label", "s.jsonl", "--json", "--out", "out", "--num-proc", "1"]
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def start(*more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "prm_gsm8k.cli", *words, *more]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)

    def kept() -> dict[Path, int]:
        files = (tmp_path / "hf" / "datasets").glob("*unfinished/*/*")
        return {file: file.stat().st_ino for file in files if file.is_file() and not file.suffix}

    run = start("--tasks", "2")
    while len(kept()) < 5:
        assert run.poll() is None
        time.sleep(0.001)
    run.kill()
    run.communicate()
    before = kept()
    [job] = (tmp_path / "hf" / "datasets").glob("*unfinished/*/runs/*")
    assert 5 <= len(before) < len((job / "batches.jsonl").read_bytes().splitlines())
    again = start("--tasks", "2")
    seen: dict[Path, int] = {}
    while again.poll() is None:
        with suppress(OSError):
            seen |= kept()
        time.sleep(0.001)
    made = json.loads(again.communicate()[0])
    assert {file: seen[file] for file in before if file in seen} == {f: i for f, i in before.items() if f in seen}
    environment["HF_HOME"] = str(tmp_path / "another")
    whole = json.loads(start().communicate()[0])
    assert [made[name] for name in ("content_digest", "drops")] == [whole[name] for name in ("content_digest", "drops")]


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["slurm", "ray"])
def test_a_cluster_makes_the_rows_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    file = solved(tmp_path / "s.jsonl", 300)
    monkeypatch.setenv("PATH", fake_slurm(tmp_path))
    made: dict[str, Any] = {}
    for name, flags in {"cluster": ["--executor", executor, "--partition", "cpu", "--tasks", "2"], "here": []}.items():

        def labelled(*flags: str, place: Path = tmp_path / name) -> Any:
            words = ("label", file, "--out", "out", "--num-proc", "1", "--json", *flags)
            done = run_command(*words, place=place)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        (tmp_path / name).mkdir()
        made[name] = labelled(*flags)
        if made[name] == {"submitted": "7"}:
            runs = list((tmp_path / name).rglob("done-*"))
            assert sum(path.stat().st_size for path in runs) >= 5
            made[name] = labelled(*flags)  # nothing is left to submit
    assert made["cluster"]["content_digest"] == made["here"]["content_digest"]


@pytest.mark.slow
def test_rows_do_not_depend_on_processes(tmp_path: Path) -> None:
    problems = shipped_problems("train")[:1200]
    file = write(tmp_path / "s.jsonl", *({"problem": p.question, "solution": p.answer} for p in problems))
    digests = {
        build(
            "labelled", tmp_path / f"out{n}", file=str(file), num_proc=n, cache_dir=str(tmp_path / f"cache{n}")
        ).config.content_digest
        for n in (1, 2)
    }
    assert len(digests) == 1


def test_confidence_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path / "s.jsonl", {"problem": NATALIA, "solutions": [RIGHT, WRONG]})
    summary = json.loads(command(file, "--out", tmp_path / "out", "--min-confidence", "0.99", "--json").stdout)
    assert summary["all"]["rows"] == 1
    assert summary["drops"]["solution left out/cannot tell: confidence too low"] == 1


def test_no_prefix_is_called_right_and_wrong(tmp_path: Path) -> None:
    """A solution that stops at 24 is wrong there; one that goes on to the answer is right there."""
    stops = "Natalia sold 48/2 = 24 clips in May.\n#### 24"
    file = write(tmp_path / "s.jsonl", {"problem": NATALIA, "solutions": [RIGHT, stops, WRONG]})
    command(file, "--out", tmp_path / "out", "--min-confidence", "0")
    seen: dict[tuple[str, ...], set[bool]] = {}
    for row in rows(tmp_path / "out"):
        for i, right in enumerate(row["labels"]):
            seen.setdefault(tuple(row["completions"][: i + 1]), set()).add(right)
    assert all(len(labels) == 1 for labels in seen.values())


def test_explain(tmp_path: Path) -> None:
    file = write(tmp_path / "s.jsonl", {"problem": NATALIA, "solutions": [RIGHT, WRONG]})
    shown = command(file, "--explain", "1")
    assert shown.exit_code == 0
    assert "48 / 2 = 24: the same quantity as 48 / 2 = 24" in shown.output
    assert "no error" in shown.output and "first error: step 0" in shown.output
    assert not (tmp_path / "data").exists()
    assert "no such line" in command(file, "--explain", "2").output


# --- bad files --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no file": (lambda p: p / "none.jsonl", "no such file"),
    "a folder": (lambda p: p, "a folder"),
    "an array": (lambda p: write(p / "a.json", '[{"question": "1?"}]'), "a.json[0]: no solution in it; it has"),
    "over lines": (lambda p: write(p / "a.jsonl", '{\n"question": "q"\n}\n'), "jsonl:1: an object that is spread"),
    "not JSON": (lambda p: write(p / "a.jsonl", {"problem": WENG, "output": "10"}, "{'a'}\n"), "jsonl:2: not valid"),
    "no shape": (lambda p: write(p / "a.jsonl", {"q": 1}), "a.jsonl:1: no question in it"),
    "empty": (lambda p: write(p / "a.jsonl", {"question": "1?", "solutions": []}), "no solutions in it"),
    "cut gzip": (lambda p: _cut(write(p / "a.jsonl.gz", {"problem": NATALIA, "response": RIGHT})), "cut-off gzip"),
}  # fmt: skip


def _cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-20])
    return path


@pytest.mark.parametrize("make,word", BAD.values(), ids=BAD)
def test_a_bad_file_gets_one_clear_word_and_leaves_nothing(
    make: Callable[[Path], Path], word: str, tmp_path: Path
) -> None:
    result = command(make(tmp_path), "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert word in result.output
    assert not (tmp_path / "out").exists()


def test_a_byte_order_mark_may_stand_alone(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(b"\xef\xbb\xbf\n" + json.dumps({"problem": NATALIA, "response": WRONG}).encode())
    assert command(file, "--out", tmp_path / "out").exit_code == 0


def test_a_solution_of_thousands_of_steps_takes_the_memory_of_its_steps() -> None:
    steps = tuple(f"{n} + 1 = {n + 1}" for n in range(4000))
    tracemalloc.start()
    assert Prefixes().labels(steps, 7) == [True] * 7 + [False] * 3993
    assert tracemalloc.get_traced_memory()[1] < 4e6
    tracemalloc.stop()


def test_candidates_are_refused_and_never_scored_as_steps(tmp_path: Path) -> None:
    for whole in (
        "In May she sold 48/2 = 24 clips. So in all she sold 48 + 24 = 72 clips. The answer is {}.",
        "48/2=24\n48+24={}\n#### {}",
        "Half of 48 is 24. So 48+24={0}. Therefore \\boxed{{{0}}}",
    ):
        completions = [whole.format(n, n) for n in (72, 70)]
        file = write(tmp_path / "s.jsonl", {"prompt": NATALIA, "completions": completions})
        result = command(file, "--out", tmp_path / "out")
        assert result.exit_code == 1
        assert "2 of the 2 steps are whole solutions" in result.output


def test_an_option_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        build("labelled", tmp_path / "out", file=str(tmp_path / "none.jsonl"))
    assert command(tmp_path, "--min-confidence", "2").exit_code == 2
