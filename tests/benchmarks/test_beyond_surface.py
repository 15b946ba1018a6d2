"""benchmarks/beyond_surface.py: what a score knows beyond the cues is told from what the cues know."""

from __future__ import annotations

import importlib
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest

WORDS = ("so", "then", "each", "per", "less", "more", "if", "since", "total", "half")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("beyond_surface")


def real(module: ModuleType, tell: float):
    """Solutions to 40 problems; the share `tell` of first errors, and no other step, has a percentage."""
    random = Random(0)
    rows = []
    for n in range(160):
        steps = [f"{random.choice(WORDS)} {random.randint(2, 30)} + {random.randint(2, 30)} = 40" for _ in range(4)]
        first = random.randrange(4)
        steps[first] += " %" if random.random() < tell else ""
        rows.append({"prompt": f"Question {n % 40}?", "completions": steps, "first_error": first})
    return module.Real(rows)


def test_a_score_that_the_cues_do_not_know_adds_and_is_left(module: ModuleType) -> None:
    made = real(module, tell=0.0)
    knows = (~made.correct) * -2.0 + np.random.default_rng(0).normal(size=len(made.correct))
    assert abs(made.place(made.reader)[0] - 0.5) < 0.1
    assert made.place(made.read(knows))[0] > 0.8
    assert made.place(made.left(knows))[0] > 0.8
    assert made.hits(-made.correct.astype(float))[0] == 0.0 and made.hits(made.correct.astype(float))[0] == 1.0


def test_a_score_of_the_surface_adds_nothing_and_nothing_is_left(module: ModuleType) -> None:
    made = real(module, tell=0.8)
    percent = np.array(["%" in step for row in made.rows for step in row["completions"]])
    score = percent * -2.0 + np.random.default_rng(0).normal(size=len(percent))
    assert made.place(made.reader)[0] > 0.85 and made.place(score)[0] > 0.75
    assert abs(made.place(made.read(score))[0] - made.place(made.reader)[0]) < 0.02
    assert abs(made.place(made.left(score))[0] - 0.5) < 0.1


def test_scores_of_other_solutions_are_refused(module: ModuleType) -> None:
    made = real(module, tell=0.0)
    run = {"arm": "synthetic", "seed": 0, "real": [{"prompt": "?", "first_error": 0, "scores": [0.5]}]}
    with pytest.raises(ValueError, match="synthetic, seed 0: scores of other solutions"):
        made.scores_of(run)
