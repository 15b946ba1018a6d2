"""What is trained on, before a model is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.train.arguments import PrmArguments
from prm_gsm8k.train.data import _held_out, _load

TRAIN, TEST = ([problem.question for problem in shipped_problems(split)] for split in ("train", "test"))


def rows_file(file: Path, *prompts: str | None) -> str:
    rows = ({"prompt": prompt, "completions": ["1 + 1 = 2"], "labels": [True]} for prompt in prompts)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_rows_that_hold_a_test_question_are_refused_or_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    around = [f"Q: {TRAIN[0]}\nA: 72\n\nQ: {question}\nA:" for question in (*TRAIN[1:30], TEST[5], TEST[5], TEST[6])]
    file = rows_file(tmp_path / "leak.jsonl", *around)
    options = PrmArguments(model="", dataset=file)
    says = r"leak.jsonl, row 29 .*: a question of GSM8K test \(gsm8k/test/5\), .*row 31 .* \(gsm8k/test/6\)"
    with pytest.raises(BadInputError, match=says):
        _load(options, "synthetic", seed=0)
    with pytest.raises(BadInputError, match=says):
        _held_out(PrmArguments(model="", validation=file), seed=0)
    capsys.readouterr()
    _, train, validation = _load(PrmArguments(model="", dataset=file, drop_test_questions=True), "synthetic", seed=0)
    assert sorted([*train["prompt"], *validation["prompt"]]) == sorted(around[:29])
    assert f"{file}: 3 of 32 rows dropped: {file}, row 29 (" in capsys.readouterr().err


def test_what_is_only_like_a_test_question_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = rows_file(tmp_path / "like.jsonl", *TRAIN[:30], TEST[0].replace("16", "17"))
    _load(PrmArguments(model="", dataset=file), "synthetic", seed=0)
    assert f"{file}: of 31 different prompts to train and validate on, 1 are a question" in capsys.readouterr().err


def test_a_prompt_that_is_null_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"null.jsonl, row 1: prompt is null\. Rows to train on have"):
        _load(PrmArguments(model="", dataset=rows_file(tmp_path / "null.jsonl", "a", None)), "synthetic", seed=0)


def test_no_question_is_trained_and_validated_on_whatever_is_around_it(tmp_path: Path) -> None:
    from prm_gsm8k.train.data import _refuse_overlap

    around = [f"Question: {question}\nAnswer:" for question in TRAIN[:30]]
    _, train, _ = _load(PrmArguments(model="", dataset=rows_file(tmp_path / "train.jsonl", *around)), "synthetic", 0)
    held_out = _held_out(PrmArguments(model="", validation=rows_file(tmp_path / "own.jsonl", *TRAIN[20:60])), seed=0)
    with pytest.raises(BadInputError, match="of its questions are among the rows to train on"):
        _refuse_overlap([train], held_out, "own.jsonl")
