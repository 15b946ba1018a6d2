"""FORMATS.md: each format's file goes through all six commands, and they do what the table says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from command_line import run_command
from loopback import Hub
from real_tokenizers import tokenizer
from transformers import LlamaConfig, LlamaForTokenClassification

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.audit.solutions import read_rows as audited
from prm_gsm8k.dataset.formats import FORMATS, LeftOut, ShapeError, format_of, read_record
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.evaluation.benchmarks import read
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.models.score_file import read_solutions
from prm_gsm8k.prm800k.tree import rows_of
from prm_gsm8k.train.arguments import PrmArguments
from prm_gsm8k.train.data import load_data

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/formats"
QUESTION = "Mara has 12 jars and fills each with 5 pickles. She gives 20 pickles away. How many pickles are left?"
COMMANDS = ("show", "stats", "verify", "audit", "score", "label")


def table() -> dict[str, list[str]]:
    """Of each file in FORMATS.md its format, and what the six commands do with it."""
    lines = [
        line.strip("| ").split(" | ")
        for line in (ROOT / "FORMATS.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    return {cells[-7].strip("`"): [cells[0].strip("`"), *cells[-6:]] for cells in lines}


TABLE = table()


@pytest.fixture(scope="module")
def prm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    a_tokenizer = tokenizer("qwen")
    torch.manual_seed(1)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(a_tokenizer), **small, initializer_range=0.3, num_labels=2)
    made = ProcessRewardModel(LlamaForTokenClassification(config), a_tokenizer, Encoder.for_tokenizer(a_tokenizer))
    made.save_pretrained(folder := tmp_path_factory.mktemp("prm") / "prm")
    return folder


def records(name: str) -> list[dict[str, Any]]:
    return [row for _, _, row in read_rows(DATA / name)]


def _show(file: Path, place: Path) -> str:
    done = run_command("show", file, "-n", 9)
    assert done.returncode == 0, done.stderr
    return "labels" if "✗" in done.stdout else "steps"


def _stats(file: Path, place: Path) -> str:
    done = run_command("stats", file)
    assert done.returncode == 0, done.stderr
    return "steps" if "no labels" in done.stdout else "labels"


def _verify(file: Path, place: Path) -> str:
    done = run_command("verify", file)
    assert done.returncode == 0, done.stderr
    return "labels" if "✓ one label a prefix" in done.stdout else "rows"


def _audit(file: Path, place: Path) -> str:
    done = run_command("audit", file, "--json")
    if not done.stdout:
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        return "wants labels" if "no 'labels'" in done.stderr else done.stderr
    return "yes" if json.loads(done.stdout) else ""


def _label(file: Path, place: Path) -> str:
    out = ["--out", place / "out", "--num-proc", "1", "--json"]
    done = run_command("label", file, "--problems", DATA / "problems.jsonl", *out)
    assert done.returncode == 0, done.stderr
    return "yes" if sum(json.loads(done.stdout)["reasons"].values()) >= 2 else done.stdout


def test_the_table_has_every_file_and_every_format() -> None:
    assert set(TABLE) == {path.name for path in DATA.iterdir()} - {"problems.jsonl"}
    assert {name for name, *_ in TABLE.values()} == set(FORMATS)
    assert {name: {format_of(record) for record in records(name)} for name in TABLE} == {
        name: {cells[0]} for name, cells in TABLE.items()
    }


@pytest.mark.parametrize("command", [_show, _stats, _verify, _label])
@pytest.mark.parametrize("name", TABLE)
def test_a_command_does_what_the_table_says(name: str, command: Callable[[Path, Path], str], tmp_path: Path) -> None:
    assert command(DATA / name, tmp_path) == TABLE[name][1 + COMMANDS.index(command.__name__[1:])]


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_the_audit_does_what_the_table_says(name: str, tmp_path: Path) -> None:
    assert _audit(DATA / name, tmp_path) == TABLE[name][4]


@pytest.mark.slow
def test_scores_of_all_files_are_those_of_their_steps(prm: Path, tmp_path: Path) -> None:
    scorer = ProcessRewardModel.from_pretrained(prm)
    for name, cells in TABLE.items():
        done = run_command("score", prm, DATA / name, "--out", tmp_path / name)
        assert (done.returncode, cells[5]) == (0, "yes"), done.stderr
        wanted = [
            (problem, sample.steps)
            for row in records(name)
            for problem, samples in [read_record(row)]
            for sample in samples
        ]
        lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        assert [line["scores"] for line in lines] == [
            pytest.approx(scores, abs=1e-5) for scores in scorer.score_many(wanted)
        ]
        for line, (_, steps) in zip(lines, wanted, strict=True):
            assert len(line.get("steps") or line["completions"]) == len(steps)


CLEAN = ("Mara fills 12*5 = 60 pickles into jars.", "So 60-20 = 40 are left.", "#### 40")
MESSY = [  # a tag, carriage returns, space at the ends, an answer of its own
    {
        "prompt": QUESTION,
        "completions": [
            f"{CLEAN[0][:18]}<<12*5=60>>{CLEAN[0][18:]}\r\n",
            "  So 60-20 = <<60-20=40>>40 are left. ",
            "#### 40",
        ],
        "labels": labels,
    }
    for labels in ([True, True, True], [True, False, False])
]


def messy(place: Path) -> Path:
    (file := place / "messy.jsonl").write_text("".join(json.dumps(row) + "\n" for row in MESSY))
    return file


def test_score_evaluate_audit_and_label_read_the_same_steps(tmp_path: Path) -> None:
    file = messy(tmp_path)
    for solutions in (read_solutions(file), read("first-error", file).solutions, audited(file).solutions):
        assert [tuple(solution.steps) for solution in solutions] == [CLEAN] * 2
    out = ["--out", tmp_path / "out", "--num-proc", "1"]
    assert run_command("label", file, "--problems", DATA / "problems.jsonl", *out).returncode == 0
    assert pq.read_table(next((tmp_path / "out/labelled").iterdir()))["completions"].to_pylist() == [list(CLEAN)]
    as_text = {"prompt": QUESTION, "completion": "\n".join(MESSY[0]["completions"])}
    assert read_record(as_text)[1][0].steps == CLEAN


@pytest.mark.slow
def test_score_and_evaluate_give_one_file_the_same_scores(prm: Path, tmp_path: Path) -> None:
    file = messy(tmp_path)
    clean = ProcessRewardModel.from_pretrained(prm).score(QUESTION, CLEAN)
    assert run_command("score", prm, file, "--out", tmp_path / "scored.jsonl").returncode == 0
    out = ["--out", tmp_path / "e", "--json"]
    done = run_command("evaluate", prm, "--benchmark", "first-error", "--data", file, *out)
    assert done.returncode == 0, done.stderr
    [evaluated] = (tmp_path / "e/scores").iterdir()
    for scored in (tmp_path / "scored.jsonl", evaluated):
        assert [row["scores"] for _, _, row in read_rows(scored)] == [pytest.approx(clean, abs=1e-5)] * 2


@pytest.mark.slow
def test_training_reads_them_too(tmp_path: Path) -> None:
    ids = []
    for place, ends in (("a", ("", "", "")), ("b", ("<<1+1=2>>", "\r\n", " "))):
        file = tmp_path / f"{place}.jsonl"
        questions = [f"{QUESTION} ({n})" for n in range(3)]
        rows = [
            {
                "prompt": question,
                "completions": [a + b for a, b in zip(CLEAN, ends, strict=True)],
                "labels": row["labels"],
            }
            for question in questions
            for row in MESSY
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        encoder = Encoder.for_tokenizer(tokenizer("smollm2"))
        data = load_data(PrmArguments(model="", dataset=str(file)), encoder, seed=0, aloud=False)
        ids.append(data.train["input_ids"][:])
    assert ids[0] == ids[1]


# ----------------------------------------------------------------------------------------------------------- one record

STEPS = ["One.", "Two."]
READ: dict[str, tuple[dict[str, Any], list[int | None]]] = {
    "a chat as prompt of labelled steps": (
        {"prompt": [{"role": "user", "content": "1?"}], "completions": STEPS, "labels": ["+", "-"]},
        [1],
    ),
    "labels that are numbers": ({"problem": "1?", "steps": STEPS, "labels": [1.0, 0]}, [1]),
    "ShareGPT's roles, content in parts": (
        {
            "conversations": [
                {"from": "human", "value": [{"type": "text", "text": "1? Step 1: One."}]},
                {"from": "gpt", "value": " - "},
            ]
        },
        [0],
    ),
    "several answers": ({"question": "1?", "responses": ["One.\nTwo.", "Three."]}, [None, None]),
    "an error that is not in the first alternative": (
        {
            "question": {"problem": "1?"},
            "label": {
                "steps": [
                    {
                        "completions": [
                            {"text": "One.", "rating": 1},
                            {"text": "Two.", "rating": 0},
                            {"text": "No", "rating": None},
                        ],
                        "human_completion": None,
                        "chosen_completion": 0,
                    },
                    {
                        "completions": [{"text": "Three.", "rating": -1}],
                        "human_completion": {"text": "Four."},
                        "chosen_completion": None,
                    },
                ]
            },
        },
        [-1, 1, -1],
    ),
}


@pytest.mark.parametrize(("record", "first_errors"), READ.values(), ids=READ)
def test_a_record(record: dict[str, Any], first_errors: list[int | None]) -> None:
    assert [sample.first_error for sample in read_record(record)[1]] == first_errors


def test_lines_of_prm800k_are_the_rows_that_a_build_makes_of_them() -> None:
    for _, _, line in read_rows(ROOT / "tests/data/prm800k/original_lines.jsonl"):
        rows = rows_of([("1", line)], "positive", Counter())
        built = {tuple(map(str.strip, row["completions"])): row["first_error"] for row in rows}
        assert {sample.steps: sample.first_error for sample in read_record(line)[1]} == built


def test_labels_that_a_command_does_not_need_may_be_anything() -> None:
    for labels in ({"labels": [0.3, 0.9]}, {"labels": None}, {"label": "wrong"}):
        assert read_record({"problem": "1?", "steps": STEPS, **labels}, labels=False)[1][0].steps == tuple(STEPS)


def shepherd(text: str, label: str) -> dict[str, str]:
    return {"input": text, "label": label, "task": "GSM8K"}


REFUSED: dict[str, tuple[dict[str, Any], type[ShapeError], str]] = {
    "another text's labels": (shepherd("1? Step 1: 1 ки", "1? Step 1: 2 +"), ShapeError, "label is not input"),
    "a question without an end": (shepherd("Find it. One. ки", "Find it. One. +"), LeftOut, "where the question ends"),
    "two question marks": (shepherd("1? Or 2? One. ки", "1? Or 2? One. +"), LeftOut, "where the question ends"),
    "ratings": ({"prompt": "1?", "completions": ["1."], "labels": [-1]}, ShapeError, "ratings, of which 0 is neither"),
    "a chat of several turns": (
        {"messages": [{"role": who, "content": "x"} for who in ("user", "assistant") * 2]},
        ShapeError,
        "4 turns; expected one question and one answer",
    ),
    "other names": (
        {"query": "1?", "chain": STEPS},
        ShapeError,
        "`query` is the question: rename it to `problem`, and `chain` is a list of texts: rename it to `steps` (jq -c",
    ),
    "scores": ({"prompt": "1?", "completions": ["1."], "labels": [0.9]}, ShapeError, ".labels |= map(. >= 0.5)' FILE)"),
    "words": ({"prompt": "1?", "completions": ["1."], "labels": ["good"]}, ShapeError, '.labels |= map(. == "good")'),
    "steps in a text": ({"question": "1?", "steps": "1.\n2."}, ShapeError, ".solution = .steps | del(.steps)"),
    "steps as objects": ({"question": "1?", "steps": [{"n": 1, "text": "1."}]}, ShapeError, ".steps |= map(.text)"),
    "a label in a text": ({"problem": "1?", "steps": STEPS, "label": "1"}, ShapeError, ".label |= tonumber"),
    "preferences": ({"prompt": "1?", "chosen": "1", "rejected": "2"}, ShapeError, '.solution = ."chosen"'),
    "a problem": ({"question": "1?", "answer": "One.\n#### 1"}, ShapeError, "`answer` ends in ####: rename it to"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "kind", "said"), REFUSED.values(), ids=REFUSED)
def test_a_record_that_is_refused(record: dict[str, Any], kind: type[ShapeError], said: str) -> None:
    with pytest.raises(kind) as caught:
        read_record(record)
    assert said in str(caught.value) and type(caught.value) is kind


def test_a_named_format_is_what_counts(tmp_path: Path) -> None:
    both = {"problem": "1?", "steps": STEPS, "label": 0, "response": "Three."}
    assert [read_record(both, name)[1][0].steps for name in (None, "text")] == [tuple(STEPS), ("Three.",)]
    done = run_command("show", DATA / "trl.jsonl", "--format", "prmbench")
    assert (done.returncode, "no 'modified_question', which every record of prmbench has" in done.stderr) == (1, True)
    done = run_command("stats", DATA / "trl.jsonl", "--format", "prm")
    assert (done.returncode, "format is prm800k, prmbench, " in done.stderr) == (2, True)


def test_labels_of_another_name_are_told_what_to_rename(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for row, said in (
        ({"rewards": [True, False]}, "`rewards` has a label for each step: rename it to `labels` (jq -c '.labels = "),
        (
            {"ratings": [1, -1]},
            "`ratings` has a number for each step: say from which on it is correct (jq -c '.labels =",
        ),
        ({"first_error": 1}, "rename it to `label`"),
        ({}, "prm-gsm8k label finds first errors by the reference solution"),
    ):
        file.write_text(json.dumps({"problem": "1?", "steps": STEPS, **row}) + "\n")
        done = run_command("audit", file)
        assert done.returncode == 1 and said in done.stderr


def test_verify_finds_labels_that_contradict_each_other(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"problem": "1?", "steps": STEPS, "label": label} for label in (0, 1)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run_command("verify", file)
    assert done.returncode == 1
    assert "✗ one label a prefix" in done.stdout and "✗ no solution twice" in done.stdout


def test_rows_on_the_hub_that_are_not_ours(hub: Hub) -> None:
    hub.create("org/theirs").put({"data.jsonl": (DATA / "math-shepherd.jsonl").read_bytes()})
    done = run_command("stats", "org/theirs", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["org/theirs"]["all"]["wrong_rows"] == 3
