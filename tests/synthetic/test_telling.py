"""How a solution is told: which sentences of its question are restated, which steps joined, and that it stays right."""

from __future__ import annotations

import re
from random import Random

import pytest

from prm_gsm8k.problems import Problem, shipped_problems
from prm_gsm8k.synthetic import telling
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import ANNOTATION, Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.telling import OPENINGS, tell

QUESTION = "Ignatius owns 14 bicycles. His friend owns 3 more than twice as many. How many bicycles do they own?"
ANSWER = "The friend owns 2*14=<<2*14=28>>28 and 28+3=<<28+3=31>>31\nTogether they own 31+14=<<31+14=45>>45.\n#### 45"


def solved(question: str = QUESTION, answer: str = ANSWER) -> Solution:
    return read_solution(question, answer)


INTRODUCED = re.compile(r"\A(?:We know that|The problem says that|From the problem, we know that|We need to .*:) ")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be restated or joined is."""
    for name in ("_TOGETHER", "_JOINED", "_RESTATED", "_RESTATING"):
        monkeypatch.setattr(telling, name, 1.0)
    for name in ("_FRONT", "_OPENING", "_APART", "_SAID_AGAIN"):
        monkeypatch.setattr(telling, name, 0.0)
    monkeypatch.setattr(telling, "_SHORT", 99)
    monkeypatch.setattr(telling, "INTRODUCTIONS", ("{}",))


def told_with(monkeypatch: pytest.MonkeyPatch, name: str, answer: str, question: str = QUESTION) -> list[str]:
    """The steps of an answer that is told with one liberty alone, in its plainest words."""
    for every in ("_TOGETHER", "_RESTATING", "_OPENING", "_APART", "_SAID_AGAIN"):
        monkeypatch.setattr(telling, every, float(every == name))
    monkeypatch.setattr(telling, "FIRST", ("First, {}.",))
    monkeypatch.setattr(telling, "AGAIN", ("So, {}",))
    return tell(solved(question, answer), answer, Random(0)).answer.split("\n")[:-1]


@pytest.mark.usefixtures("always")
def test_a_fact_stands_before_the_step_that_uses_it_and_ends_a_joined_step() -> None:
    question = "He has 6 pens. He gives 2 away. Each of 5 friends has 9. How many are there?"
    answer = "He keeps 6-2=<<6-2=4>>4\nThey have 5*9=<<5*9=45>>45\nAll have 45+4=<<45+4=49>>49\n#### 49"
    told = tell(solved(question, answer), answer, Random(0))
    assert told.restated == {0, 1, 3}
    assert told.answer.split("\n") == [
        "He has 6 pens.",
        "He gives 2 away.",
        "He keeps 6-2=<<6-2=4>>4",
        "Each of 5 friends has 9.",
        "They have 5*9=<<5*9=45>>45. All have 45+4=<<45+4=49>>49",
        "#### 49",
    ]


@pytest.mark.usefixtures("always")
def test_nothing_is_lost_and_nothing_new_is_computed() -> None:
    restated = joined = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            solution = read_solution(problem.question, problem.answer)
        except UnreadableError:
            continue
        told = tell(solution, problem.answer, Random(number)).answer
        assert ANNOTATION.findall(told) == ANNOTATION.findall(problem.answer)
        lines = [line.strip() for line in problem.answer.split("\n") if line.strip()]
        for line in lines:
            assert line in told
        steps = told.split("\n")
        joined += sum(step not in lines and any(step.startswith(line) for line in lines) for step in steps)
        for step in steps:
            if step not in OPENINGS and "=" not in step and not any(line in step for line in lines):
                assert INTRODUCED.sub("", step).lower() in problem.question.lower()
                restated += 1
    assert restated > 300 and joined > 200


@pytest.mark.parametrize(
    ("step", "told"),
    [
        # products before sums, else from the left
        ("They own 3*4 + 5 = <<3*4+5=17>>17 bicycles.", ["First, 3*4 = 12.", "They own 12 + 5 = 17 bicycles."]),
        ("They own 5+3*4*2=<<5+3*4*2=29>>29.", ["First, 3*4*2 = 24.", "They own 5+24=29."]),
        ("There are 20 - 3 - 4 = <<20-3-4=13>>13.", ["First, 20 - 3 = 17.", "There are 17 - 4 = 13."]),
        # money stays money
        (
            "It costs $2.50 + $3 + $4 = $<<2.5+3+4=9.5>>9.50.",
            ["First, $2.50 + $3 = $5.50.", "It costs $5.50 + $4 = $9.50."],
        ),
    ],
)
def test_a_long_equation_is_computed_in_two(monkeypatch: pytest.MonkeyPatch, step: str, told: list[str]) -> None:
    final = step.partition("=")[2].rpartition("=")[2].partition(">>")[0]
    assert told_with(monkeypatch, "_APART", f"{step}\n#### {final}") == told


@pytest.mark.parametrize(
    "step",
    [
        "They own 3*4 = <<3*4=12>>12 bicycles.",  # is short
        "They own 3 * (4 + 5) = <<3*(4+5)=27>>27 bicycles.",  # has brackets
        "They own 3 blue + 4 red + 5 new = <<3+4+5=12>>12 bicycles.",  # words, which would belong to another number
        "They own 7/2*4 = <<7/2*4=14>>14 bicycles.",  # no bicycle is half
        "He saves 40*20/100 = <<40*20/100=8>>8 coins.",  # a percentage
        "They own 3+4+5 = <<3+4+5=12>>12 bicycles, and 12*2 = <<12*2=24>>24 wheels.",  # two equations
    ],
)
def test_what_is_not_computed_in_two(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    final = step.rpartition("<<")[2].partition("=")[2].partition(">>")[0]
    assert told_with(monkeypatch, "_APART", f"{step}\n#### {final}") == [step]


@pytest.mark.parametrize(
    ("step", "again"),
    [
        ("Together they have 31+14=<<31+14=45>>45 in May and June.", "So, together they have 45 in May and June."),
        ("So, Ignatius has 31 + 14 = <<31+14=45>>45 bicycles", "So, Ignatius has 45 bicycles."),
        ("That is $31 + $14 = $<<31+14=45>>45.", "So, that is $45."),
    ],
)
def test_the_result_is_said_again(monkeypatch: pytest.MonkeyPatch, step: str, again: str) -> None:
    assert told_with(monkeypatch, "_SAID_AGAIN", f"{step}\n#### 45") == [step, again]


@pytest.mark.parametrize(
    "step",
    [
        "31 + 14 = <<31+14=45>>45 bicycles",  # no sentence without its equation
        "They own 31+14=<<31+14=45>>45 and so 45*2=<<45*2=90>>90 wheels, and 90/2=<<90/2=45>>45.",  # two say it
        "He owns 7*2=<<7*2=14>>14.",  # the question says 14
    ],
)
def test_what_is_not_said_again(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    final = step.rpartition("=")[2].partition(">>")[0]
    assert told_with(monkeypatch, "_SAID_AGAIN", f"{step}\n#### {final}") == [step]


def test_told_otherwise_it_has_the_same_graph() -> None:
    """What is computed from what, and the answer, are those of the solution as its author wrote it."""
    same = parts = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            plain = read_solution(problem.question, problem.answer)
            told = read_solution(problem.question, tell(plain, problem.answer, Random(number)).answer)
        except UnreadableError:
            continue
        assert told.answer == plain.answer
        there, wanted = [e.result for e in told.equations], [e.result for e in plain.equations]
        if len(there) > len(wanted):  # some in two
            results = iter(there)
            assert all(result in results for result in wanted)
            parts += 1
        else:
            assert there == wanted
            same += [e.sources for e in told.equations] == [e.sources for e in plain.equations]
    assert parts > 20 and same > (380 - parts) * 0.97


def test_retold_is_a_choice() -> None:
    problem = Problem("user/0", QUESTION, ANSWER, "train", "user:1")
    [right, *_] = generate([problem], SyntheticOptions(retold=False, styles=False))
    assert right["completions"] == ["The friend owns 2*14=28 and 28+3=31", "Together they own 31+14=45."]
