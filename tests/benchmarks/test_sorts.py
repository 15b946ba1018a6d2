"""The sorts of steps in benchmarks/sorts.py, and their shares."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

QUESTION = "Ann has 4 bags of 6 apples. She eats 3 of them. How many apples are left?"
STEPS = ["Let's see.", "She has 4 * 6 = 24 apples.", "Of 24 she eats 3.", "She has 21 left.", "The answer is 21."]
ROWS = [{"prompt": QUESTION, "completions": STEPS, "first_error": first, "correct": first < 0} for first in (3, 1, -1)]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("sorts")


def test_steps_have_four_sorts_and_a_stated_answer_has_none(module: ModuleType) -> None:
    assert list(module.sorts(ROWS[0])) == [
        (0, "no number"),
        (1, "an equation"),
        (2, "no equation, known numbers"),
        (3, "no equation, a new number"),
    ]


def test_shares_of_first_errors_and_of_correct_steps(module: ModuleType) -> None:
    found = module.shares(ROWS)  # with 3, 1 and 4 correct steps
    assert found["no number"] == (0.0, 3 / 8) and found["an equation"] == (0.5, 2 / 8)
    assert found["no equation, known numbers"] == (0.0, 2 / 8) and found["no equation, a new number"] == (0.5, 1 / 8)


def test_scores_are_those_of_the_steps(module: ModuleType) -> None:
    scored = [{"scores": [n / 10 for n in range(5)]} for _ in ROWS]
    of_steps = module.scores_of(ROWS, scored, marked=True)
    assert of_steps["an equation"] == ([0.1, 0.1], [0.1]) and of_steps["no equation, a new number"] == ([0.3], [0.3])
    unmarked = [row | {"first_error": -1} for row in ROWS]
    of_solutions = module.scores_of(unmarked, scored, marked=False)
    assert of_solutions["no equation, known numbers"] == ([0.2], [0.2, 0.2])


def test_shares_of_correct_solutions_and_of_equations_by_model(module: ModuleType) -> None:
    solutions = [
        {"model": "a", "correct": False, "steps": ["3 apples", "The answer is 3."]},
        {"model": "b", "correct": True, "steps": ["3+4=7", "7*2=14", "So 14.", "The answer is 14."]},
        {"model": "a", "correct": True, "steps": ["3+4=7"]},
    ]
    assert list(module.by_model(solutions).items()) == [("b", (1.0, 2 / 3)), ("a", (0.5, 0.5))]
