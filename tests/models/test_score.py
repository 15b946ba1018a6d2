"""`prm-gsm8k score`: a line a solution, killed and resumed, and nothing mixed in that does not belong."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from real_tokenizers import tokenizer
from transformers import LlamaConfig, LlamaForTokenClassification
from typer.testing import CliRunner

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.cli.main import app
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.steps import clean_step
from prm_gsm8k.exceptions import EngineError
from prm_gsm8k.models import score_file
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.models.score_file import read_solutions, score_rows

PRM_GSM8K = [sys.executable, "-m", "prm_gsm8k.cli"]


def a_prm(folder: Path, seed: int = 1) -> Path:
    a_tokenizer = tokenizer("qwen")
    torch.manual_seed(seed)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(a_tokenizer), **small, initializer_range=0.3, num_labels=2)
    prm = ProcessRewardModel(LlamaForTokenClassification(config), a_tokenizer, Encoder.for_tokenizer(a_tokenizer))
    prm.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def prm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_prm(tmp_path_factory.mktemp("prm") / "prm")


def solutions(n: int) -> list[dict[str, Any]]:
    rows = []
    for p in shipped_problems("train")[:n]:
        steps = [line for line in p.answer.split("\n####")[0].split("\n") if line.strip()]
        rows.append({"prompt": p.question, "completions": steps, "source": "gsm8k"})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(*words: object, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, ["score", *map(str, words)], input=stdin)


# ---- what it writes -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_line_is_the_row_and_its_scores(prm: Path, tmp_path: Path) -> None:
    rows = solutions(5)
    done = run(prm, write(tmp_path / "in.jsonl", rows), "--out", tmp_path / "out.jsonl", "--threshold", 0.4)
    assert done.exit_code == 0, done.output
    one = ProcessRewardModel.from_pretrained(prm)
    for row, line in zip(rows, read(tmp_path / "out.jsonl"), strict=True):
        scores = one.score(row["prompt"], list(map(clean_step, row["completions"])))
        assert line == row | {
            "scores": pytest.approx(scores, abs=1e-5),
            "score": min(line["scores"]),
            "predicted_first_error": next((n for n, s in enumerate(scores) if s < 0.4), -1),
            "scored_by": line["scored_by"],
        }
        assert line["scored_by"].endswith(" float32")


def test_problem_and_steps_gz_and_stdin_to_stdout(prm: Path, tmp_path: Path) -> None:
    rows = [{"problem": row["prompt"], "steps": row["completions"]} for row in solutions(3)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert run(prm, tmp_path / "in.jsonl.gz", "--out", tmp_path / "out.jsonl", "--aggregate", "mean").exit_code == 0
    through = run(prm, "-", "--aggregate", "mean", stdin=lines)
    assert through.stdout == (tmp_path / "out.jsonl").read_text()
    assert [line["problem"] for line in read(tmp_path / "out.jsonl")] == [row["problem"] for row in rows]


def test_a_summary_as_json(prm: Path, tmp_path: Path) -> None:
    rows = solutions(4)
    done = run(prm, write(tmp_path / "in.jsonl", rows), "--out", tmp_path / "out.jsonl", "--json")
    summary = json.loads(done.stdout)
    lines = read(tmp_path / "out.jsonl")
    assert summary | {"seconds": 0} == {
        "out": str(tmp_path / "out.jsonl"),
        "model": str(prm),
        "scored_by": lines[0]["scored_by"],
        "rows": 4,
        "kept": 0,
        "skipped": 0,
        "steps": sum(len(row["completions"]) for row in rows),
        "with_error": sum(line["predicted_first_error"] >= 0 for line in lines),
        "score_mean": pytest.approx(sum(line["score"] for line in lines) / 4),
        "seconds": 0,
    }


def test_a_built_folder_is_scored_by_split(prm: Path, tmp_path: Path) -> None:
    from prm_gsm8k.build.build import build

    build("synthetic", tmp_path / "data", max_examples=40, num_proc=1)
    assert run(prm, tmp_path / "data", "--split", "train", "--out", tmp_path / "out.jsonl").exit_code == 0
    lines = read(tmp_path / "out.jsonl")
    assert len(lines) > 5
    assert all(len(line["scores"]) == len(line["labels"]) for line in lines)
    refused = run(prm, tmp_path / "data", "--split", "dev", "--out", tmp_path / "out.jsonl")
    assert refused.exit_code == 2
    assert "synthetic has no split 'dev'; it has" in refused.output


# ---- killed and resumed ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_bytes(prm: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", solutions(1500))
    out = tmp_path / "out.jsonl"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*PRM_GSM8K, "score", prm, source, "--out", out], env=environment)
    deadline = time.monotonic() + 300
    while not (out.exists() and out.stat().st_size):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = out.read_bytes()
    lines = there.count(b"\n")
    assert 0 < lines < 1500
    done = run(prm, source, "--out", out, "--json")
    assert json.loads(done.stdout)["kept"] == lines
    assert out.read_bytes().startswith(there[: there.rindex(b"\n") + 1]), "what was scored is not scored again"
    afresh = tmp_path / "afresh.jsonl"
    assert run(prm, source, "--out", afresh).exit_code == 0
    for one, other in zip(read(out), read(afresh), strict=True):  # other batches, other rounding
        assert one | {"scores": 0, "score": 0} == other | {"scores": 0, "score": 0}
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)


@pytest.mark.parametrize("damage", [b'{"prompt": "half of a li', b'{"prompt": "half of a li\n', b"\x00" * 50])
def test_a_damaged_last_line_is_cut(damage: bytes, prm: Path, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", solutions(4)), tmp_path / "out.jsonl"
    run(prm, source, "--out", out)
    whole = out.read_bytes()
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]) + damage)
    done = run(prm, source, "--out", out, "--json")
    assert json.loads(done.stdout)["kept"] == 2
    assert [line["prompt"] for line in read(out)] == [row["prompt"] for row in solutions(4)]
    assert run(prm, source, "--out", out, "--json").exit_code == 0, "and done is done"


@pytest.mark.slow
def test_nothing_else_is_mixed_in(prm: Path, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", solutions(3)), tmp_path / "out.jsonl"
    run(prm, source, "--out", out)
    before = out.read_bytes()

    def refused(code: int, message: str, *words: object) -> None:
        done = run(*words, "--out", out)
        assert done.exit_code == code
        assert message in done.output.replace(str(tmp_path), "")
        assert out.read_bytes() == before

    refused(2, "/out.jsonl:1: scored by ", a_prm(tmp_path / "other", seed=2), source)
    refused(2, "/out.jsonl:1: scored by ", prm, source, "--dtype", "bf16")
    refused(2, "/out.jsonl:1: not what ", prm, source, "--aggregate", "mean")
    refused(2, "/out.jsonl:1: not what ", prm, source, "--threshold", 0 if b'error":0' in before else 1)
    refused(2, "/out.jsonl:1: not what ", prm, write(tmp_path / "other.jsonl", solutions(4)[1:]))
    refused(2, "/out.jsonl:3: there are only 2 solutions to score", prm, write(tmp_path / "few.jsonl", solutions(2)))
    lines = before.splitlines(keepends=True)
    out.write_bytes(before := lines[0] + b"{\n" + lines[2])
    refused(1, "/out.jsonl:2: not a line of scores", prm, source)


def test_two_runs_do_not_write_the_same_file(prm: Path, tmp_path: Path) -> None:
    import fcntl

    out = tmp_path / "out.jsonl"
    with out.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = run(prm, write(tmp_path / "in.jsonl", solutions(3)), "--out", out)
    assert done.exit_code == 2
    assert "is being written by another run" in done.output


def test_a_server_that_gives_up_loses_nothing(prm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_file, "FEWEST", 2)
    one = ProcessRewardModel.from_pretrained(prm)
    right, calls = one.score_many, 0

    def gives_up(some: Any) -> list[list[float]]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise EngineError("http://a/pooling: no answer")
        return right(some)

    monkeypatch.setattr(one, "score_many", gives_up)
    rows, out = read_solutions(write(tmp_path / "in.jsonl", solutions(5))), tmp_path / "out.jsonl"
    with pytest.raises(EngineError):
        score_rows(one, rows, out, scored_by="x")
    assert len(read(out)) == 2
    done = score_rows(one, rows, out, scored_by="x")
    assert (done.rows, done.kept) == (5, 2)


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "in.jsonl:2: an object that is spread over lines"),
        ("[1]", "in.jsonl:2: an array, not an object"),
        ('{"question": "a"}', "in.jsonl:2: no solution in it; it has question. Expected a question"),
        ('{"prompt": "a", "completions": []}', "in.jsonl:2: there are no steps"),
        ('{"prompt": "a", "completions": ["b", ""]}', "in.jsonl:2: completions[1] is empty"),
        ('{"prompt": "a", "completions": "b"}', "in.jsonl:2: 'completions' is str, not a list"),
        ('{"prompt": null, "completions": ["b"]}', "in.jsonl:2: 'prompt' is NoneType, not text"),
        (json.dumps({"prompt": "a", "completions": ["7 " * 9000]}), "in.jsonl:2: 18"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_computed(line: str, message: str, prm: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(solutions(1)[0]) + f"\n{line}\n")
    done = run(prm, source, "--out", out)
    assert done.exit_code == 1
    assert message in done.output
    assert not out.exists() or not out.read_bytes()


@pytest.mark.slow
def test_bad_lines_may_be_skipped_and_are_counted(prm: Path, tmp_path: Path) -> None:
    rows = solutions(3)
    rows.insert(1, {"prompt": "a", "completions": ["b", " "]})
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    done = run(prm, source, "--out", out, "--skip-bad-lines", "--json")
    assert json.loads(done.stdout)["skipped"] == 1
    lines = read(out)
    assert (lines[1]["scores"], lines[1]["error"]) == (None, "completions[1] is empty")
    assert [line["scores"] is None for line in lines] == [False, True, False, False]
    again = run(prm, source, "--out", out, "--skip-bad-lines", "--json")
    assert json.loads(again.stdout)["kept"] == 4


def test_misuse_is_refused(prm: Path, tmp_path: Path) -> None:
    assert "no.jsonl: no such file or folder" in run(prm, tmp_path / "no.jsonl", "--out", tmp_path / "o").output
    assert "name a file for the scores, --out FILE" in run(prm, "-", "--json", stdin="").output
    source = write(tmp_path / "in.jsonl", solutions(1))
    assert "is a file, which has no splits" in run(prm, source, "--split", "train").output
    assert "there is no such folder" in run(tmp_path / "no", source).output
