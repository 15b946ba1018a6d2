"""Restructured solutions: facts are restated and steps merged where they should be, and the solution stays correct."""

from __future__ import annotations

import re
from random import Random

import pytest

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import ANNOTATION, Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.restructure import OPENINGS, restructure

QUESTION = "Ignatius owns 14 bicycles. His friend owns 3 more than twice as many. How many bicycles do they own?"
ANSWER = "The friend owns 2*14=<<2*14=28>>28 and 28+3=<<28+3=31>>31\nTogether they own 31+14=<<31+14=45>>45.\n#### 45"


def solved(question: str = QUESTION, answer: str = ANSWER) -> Solution:
    return read_solution(question, answer)


INTRODUCED = re.compile(r"\A(?:We know that|The problem says that|From the problem, we know that|We need to .*:) ")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be restated or merged is."""
    for name in ("_MERGING", "_MERGED", "_RESTATED", "_RESTATING"):
        monkeypatch.setattr(f"prm_gsm8k.synthetic.restructure.{name}", 1.0)
    monkeypatch.setattr("prm_gsm8k.synthetic.restructure._FRONT", 0.0)
    monkeypatch.setattr("prm_gsm8k.synthetic.restructure._OPENING", 0.0)
    monkeypatch.setattr("prm_gsm8k.synthetic.restructure.INTRODUCTIONS", ("{}",))


@pytest.mark.usefixtures("always")
def test_a_fact_stands_before_the_step_that_uses_it_and_ends_a_merged_step() -> None:
    question = "He has 6 pens. He gives 2 away. Each of 5 friends has 9. How many are there?"
    answer = "He keeps 6-2=<<6-2=4>>4\nThey have 5*9=<<5*9=45>>45\nAll have 45+4=<<45+4=49>>49\n#### 49"
    restructured = restructure(solved(question, answer), answer, Random(0))
    assert restructured.restated == {0, 1, 3}
    assert restructured.answer.split("\n") == [
        "He has 6 pens.",
        "He gives 2 away.",
        "He keeps 6-2=<<6-2=4>>4",
        "Each of 5 friends has 9.",
        "They have 5*9=<<5*9=45>>45. All have 45+4=<<45+4=49>>49",
        "#### 49",
    ]


@pytest.mark.usefixtures("always")
def test_nothing_is_lost_and_nothing_new_is_computed() -> None:
    restated = merged = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            solution = read_solution(problem.question, problem.answer)
        except UnreadableError:
            continue
        restructured = restructure(solution, problem.answer, Random(number)).answer
        assert ANNOTATION.findall(restructured) == ANNOTATION.findall(problem.answer)
        lines = [line.strip() for line in problem.answer.split("\n") if line.strip()]
        for line in lines:
            assert line in restructured
        steps = restructured.split("\n")
        merged += sum(step not in lines and any(step.startswith(line) for line in lines) for step in steps)
        for step in steps:
            if step not in OPENINGS and "=" not in step and not any(line in step for line in lines):
                assert INTRODUCED.sub("", step).lower() in problem.question.lower()
                restated += 1
    assert restated > 300 and merged > 200


def test_a_restructured_solution_has_the_same_graph() -> None:
    """What is computed from what, and the answer, are those of the solution as its author wrote it."""
    same = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            plain = read_solution(problem.question, problem.answer)
            restructured = read_solution(problem.question, restructure(plain, problem.answer, Random(number)).answer)
        except UnreadableError:
            continue
        assert restructured.answer == plain.answer
        assert [e.result for e in restructured.equations] == [e.result for e in plain.equations]
        same += [e.sources for e in restructured.equations] == [e.sources for e in plain.equations]
    assert same > 380 * 0.97


def test_restructuring_is_optional() -> None:
    problem = Problem("user/0", QUESTION, ANSWER, "train", "user:1")
    [right, *_] = generate([problem], SyntheticOptions(restructured=False, styles=False))
    assert right["completions"] == ["The friend owns 2*14=28 and 28+3=31", "Together they own 31+14=45."]
