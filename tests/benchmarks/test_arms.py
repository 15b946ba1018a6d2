"""The training rows of benchmarks/arms.py, and the rows that small_prm.py scores."""

from __future__ import annotations

import gzip
import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from prm_gsm8k.models.targets import step_targets


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("arms")


def test_contested_are_first_errors_and_the_right_steps_after_the_same_beginning(arms: ModuleType) -> None:
    right = arms.row("q", ["a", "b", "c"], -1)
    other = arms.row("q", ["x", "y"], -1)  # told otherwise
    wrong = [
        arms.row("q", ["a", "B", "C"], 1),
        arms.row("q", ["x", "Y"], 1),
        arms.row("q", ["a", "b", "c", "d"], 3),  # no right step stands there
        arms.row("q", ["z", "b", "C"], 2),  # no right row begins so
        arms.row("another", ["a", "B"], 1),
    ]
    made = list(arms.contested([right, other, *wrong]))
    assert [x["completions"] for x in made] == [["a", "B"], ["a", "b"], ["x", "Y"], ["x", "y"]]
    assert [step_targets(2, x["labels"], x["values"]) for x in made] == [[None, 0.0], [None, 1.0]] * 2


def test_synthetic_has_a_contested_step_for_nearly_every_wrong_row(arms: ModuleType) -> None:
    """Not where a solution goes on past its end: no right row has a step there."""
    rows = arms.rows_of("synthetic contested", "train", 40, 0)
    wrong = sum(x["first_error"] >= 0 for x in rows)
    targets = [x["values"][-1] for x in arms.contested(rows)]
    assert wrong > 40 and targets.count(0.0) == targets.count(1.0) > 0.9 * wrong


def test_solutions_are_those_of_a_source_if_one_is_named(arms: ModuleType, tmp_path: Path) -> None:
    of = {"problem": "q", "answer": 1, "correct": True}
    solutions = [of | {"steps": [name], "source": name} for name in "abb"] + [of | {"steps": ["none", " "]}]
    file = tmp_path / "solutions.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, solutions)).encode()))
    several = importlib.import_module("small_prm").several
    assert [x["completions"] for x in several(file, 1)] == [["a"], ["b"], ["b"], ["none"]]
    assert [x["completions"] for x in several(file, 1, "b")] == [["b"], ["b"]]
    assert several(file, 1, "c") == several(file, 0, "b") == []
