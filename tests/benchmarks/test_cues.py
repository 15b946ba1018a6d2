"""The cues of benchmarks/cues.py, and their regression."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

QUESTION = "Ann has 4 bags of 6 apples. She eats 3 of them. How many apples are left?"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("cues")


def test_cues_depend_on_the_question_and_the_steps_before(module: ModuleType) -> None:
    steps = ["She has 4 * 6 = 24 apples.", "So 24 - 5 = 19 are left.", "So 24 are left."]
    first, second, third = (module.cues(QUESTION, steps, i) for i in range(3))
    assert (first["words"], first["numbers"], first["an equation"]) == (np.log1p(8), 3, 1)
    assert first["operands of the question"] == 2 and first["operands that are results"] == 0
    assert first["numbers of the question not used"] == pytest.approx(1 / 3)
    assert second["operands that are results"] == 1 and second["operands that nothing explains"] == 1  # the 5
    assert second["uses the last result"] == 1 and second["sign -"] == 1 and first["sign -"] == 0
    assert second["result is new"] == 1 and third["result is new"] == 0  # 24 was there
    assert third["an equation"] == 0 and third['"so"'] == third['"left"'] == 1


def test_a_cue_of_first_errors_is_found_and_used_but_position_is_not(module: ModuleType) -> None:
    short, long = "She has 4 * 6 = 24 apples.", "She has 4 * 6 = 24 apples in all of the bags that she has there."
    rows = [{"prompt": QUESTION, "completions": [short] * n + [long], "first_error": n} for n in range(4)] * 10
    steps = module.Steps(rows)
    assert steps.correct.sum() == 60 and (~steps.correct).sum() == 40
    of = {name: module.same_place(steps.cues[:, n], steps) for n, name in enumerate(steps.names)}
    assert of["words"] == 0.0 and of["sign +"] == 0.5
    assert module.same_place(-steps.at.astype(float), steps) == 0.5
    probe = module.fitted(steps)
    solutions = [
        {"prompt": QUESTION, "completions": [short, long], "answer": "1", "correct": True},
        {"prompt": QUESTION, "completions": [short, short, short], "answer": "2", "correct": False},
    ]
    found = module.quality.on_several(module.scored(solutions, probe))
    assert found["random"][0] == 0.5 and found["lowest step"][0] == 0.0  # the cue misleads here
