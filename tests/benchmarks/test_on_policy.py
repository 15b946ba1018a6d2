"""The kept on-policy solutions are what their record says, ask no test question in train, and are labelled as now."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from prm_gsm8k.dataset.problems import question_key, shipped_problems
from prm_gsm8k.label.solution import label_solution


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("on_policy")


@pytest.fixture
def record(module: ModuleType) -> dict[str, dict[str, object]]:
    return json.loads((module.KEPT / "record.json").read_text())


def test_the_files_are_what_the_record_says(module: ModuleType, record: dict[str, dict[str, object]]) -> None:
    splits = [path.name.partition(".")[0] for path in module.KEPT.glob("*.jsonl.gz")]
    assert "train" in splits
    for split in splits:
        counts = module.counted(split)
        assert counts == {name: record[split][name] for name in counts}


def test_train_asks_no_test_question_and_none_that_the_model_was_tuned_on(
    module: ModuleType, record: dict[str, dict[str, object]]
) -> None:
    asked = {question_key(row["problem"]) for row in module.read("train")}
    train, test = ({question_key(p.question): p.id for p in shipped_problems(s)} for s in ("train", "test"))
    assert not asked & test.keys()
    assert not {train[key] for key in asked} & set(record["finetuning"]["problems"])


def test_labels_are_those_of_the_labeller_as_it_is(module: ModuleType) -> None:
    """If not: python benchmarks/on_policy.py --label"""
    references = {problem.question: problem.answer for problem in shipped_problems("train")}
    for row in Random(0).sample([row for row in module.read("train") if row["first_error"] is not None], 200):
        label = label_solution(row["problem"], references[row["problem"]], row["steps"])
        assert (label.first_error, label.kind) == (row["first_error"], row["error_kind"]), row["id"]
