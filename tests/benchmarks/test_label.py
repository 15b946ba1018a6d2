"""What benchmarks/label.py prints of marked solutions, and that its weights are those of the package."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.label.locate import WEIGHTS


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("label")


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Forty references, each cut before its last step and marked where it concludes too early, by two teachers."""
    lines = []
    for problem in shipped_problems("train")[:40]:
        steps = [*problem.answer.split("\n")[:1], "#### 123456"]
        lines += [{"problem": problem.question, "steps": steps, "label": label} for label in (1, 1)]
    path = tmp_path / "marked.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> None:
    monkeypatch.setattr(sys, "argv", ["label.py", *map(str, arguments)])
    module.main()


def test_its_figures(
    module: ModuleType, marked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    solutions = marked.with_name("solutions.jsonl")
    problem = shipped_problems("test")[0]
    made = [
        (problem.answer.split("\n"), True),
        (["16 - 3 = 14", *problem.answer.split("\n")], True),
        (["#### 9"], False),
    ]
    solutions.write_text(
        "".join(json.dumps({"problem": problem.question, "steps": s, "correct": c}) + "\n" for s, c in made)
    )
    run(module, monkeypatch, marked, solutions)
    said = capsys.readouterr().out
    assert "two teachers of one solution agree: 1.000 (40 of 40)" in said
    assert "all: same step as the teacher  " in said
    assert "half A: " in said and "half B: " in said
    assert "right answers called wrong  0.500 (1 of 2)" in said
    assert "states 16 - 3 = 14, but it is 13" in said


def test_weights_are_fitted_to_marks_and_held_near_the_rule(module: ModuleType, marked: Path) -> None:
    weights = module.fit(module.read_marks(marked), module.references())
    assert weights["ending"] > WEIGHTS["ending"]  # here every error is in a conclusion
    assert set(weights) <= set(WEIGHTS) | set(module.PRIOR)
