"""The training rows of benchmarks/arms.py, and the rows that small_prm.py scores."""

from __future__ import annotations

import gzip
import importlib
import json
import re
from collections import Counter
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


def test_of_held_out_pairs_each_text_is_as_often_correct_as_it_is_an_error(arms: ModuleType) -> None:
    rows = arms.held_out_pairs(20)
    assert len(rows) >= 40 and len(rows) % 4 == 0
    stands: Counter[tuple[str, ...]] = Counter()
    for correct, incorrect in zip(rows[::2], rows[1::2], strict=True):
        assert correct["prompt"] == incorrect["prompt"] and correct["family"] == incorrect["family"]
        assert correct["completions"][:-1] == incorrect["completions"][:-1] != correct["completions"]
        assert correct["first_error"] == -1 and incorrect["first_error"] == len(incorrect["completions"]) - 1
        stands[(*correct["completions"],)] += 1
        stands[(*incorrect["completions"],)] -= 1
    assert not any(stands.values())
    trained_on = {problem.question for problem in arms.problems("train")}
    assert trained_on.isdisjoint(row["prompt"] for row in rows)


def test_an_exchanged_question_is_another_of_the_same_shape(arms: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    some = arms.problems("test")[:60]
    monkeypatch.setattr(arms, "problems", lambda split: some)
    rows = arms.exchanged(5)
    assert len(rows) == 10
    for own, other in zip(rows[::2], rows[1::2], strict=True):
        assert own["completions"] == other["completions"] and own["prompt"] != other["prompt"]
        counts = {len(re.findall(r"\d[\d,.]*", row["prompt"])) for row in (own, other)}
        assert len(counts) == 1
