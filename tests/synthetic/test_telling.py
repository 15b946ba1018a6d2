"""How a solution is told: which sentences of its question are restated, which steps joined, and that it stays right."""

from __future__ import annotations

import re
from random import Random

import pytest

from prm_gsm8k.problems import Problem, shipped_problems
from prm_gsm8k.synthetic import telling
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import ANNOTATION, Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.style import Frame, Style
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
    monkeypatch.setattr(telling, "_FRONT", 0.0)
    for name in ("_OPENING", "_ANNOUNCED", "_AGAIN", "_ENDED"):
        monkeypatch.setattr(telling, name, 0.0)
    monkeypatch.setattr(telling, "INTRODUCTIONS", ("{}",))


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


def told_to_the_end(
    monkeypatch: pytest.MonkeyPatch, answer: str, question: str = QUESTION, **chances: float
) -> list[str]:
    """The steps of an answer, told with these chances (`_AGAIN=1.0`) and nothing else, in the plainest words."""
    for name in ("_TOGETHER", "_RESTATING", "_OPENING", "_ANNOUNCED", "_AGAIN", "_ENDED"):
        monkeypatch.setattr(telling, name, chances.get(name, 0.0))
    monkeypatch.setattr(telling, "SAYING_AGAIN", ("So, {}",))
    return tell(solved(question, answer), answer, Random(0)).answer.split("\n")[:-1]


@pytest.mark.parametrize(
    ("step", "again"),
    [
        ("Together they have 31+14=<<31+14=45>>45 in May and June.", "So, together they have 45 in May and June."),
        ("So, Ignatius has 31 + 14 = <<31+14=45>>45 bicycles", "So, Ignatius has 45 bicycles."),
        ("That is $31 + $14 = $<<31+14=45>>45.", "So, that is $45."),
        ("Each of them would need 31+14=<<31+14=45>>45.", "So, each of them would need 45."),
    ],
)
def test_the_result_is_said_again(monkeypatch: pytest.MonkeyPatch, step: str, again: str) -> None:
    assert told_to_the_end(monkeypatch, f"{step}\n#### 45", _AGAIN=1.0) == [step, again]


@pytest.mark.parametrize(
    "step",
    [
        "31 + 14 = <<31+14=45>>45 bicycles",  # no sentence without its equation
        "They own 45 because 31 + 14 = <<31+14=45>>45",  # a reason
        "Now add 31 + 14 = <<31+14=45>>45",  # an instruction
        "They own 31+14=<<31+14=45>>45 and so 45*2=<<45*2=90>>90 wheels, and 90/2=<<90/2=45>>45.",  # two say it
        "He owns 7*2=<<7*2=14>>14.",  # the question says 14
    ],
)
def test_what_is_not_said_again(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    final = step.rpartition("=")[2].partition(">>")[0]
    assert told_to_the_end(monkeypatch, f"{step}\n#### {final}", _AGAIN=1.0) == [step]


def test_the_equation_whose_result_is_said_again_is_shown() -> None:
    """Of two steps that say the same, one says where it is from."""
    bare, answer = Style(bare=1.0), ANSWER.replace("they own", "they have")
    assert Frame(solved(answer=answer), bare, Random(1)).bodies[-1] == "Together they have 45."
    again = answer.replace("####", "So, together they have 45.\n####")
    assert Frame(solved(answer=again), bare, Random(1)).bodies[1:] == [
        "Together they have 31+14=45.",
        "So, together they have 45.",
    ]


def test_the_last_step_is_announced_and_the_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "The cost is 3*2=<<3*2=6>>6.\nSo, his total cost is 6*5=<<6*5=30>>30.\n#### 30"
    pens = "Pens are 3*2, he buys 5. What does he pay?"
    first, about, last, end = told_to_the_end(monkeypatch, answer, pens, _ANNOUNCED=1.0, _ENDED=1.0)
    assert (first, last) == tuple(answer.split("\n")[:2])
    assert about in {form.format("his total cost") for form in telling.ANNOUNCING} and end in telling.ENDING
    assert tell(solved(pens, answer), answer, Random(0), concluded=False).answer.split("\n") == [
        first,
        about,
        last,
        "#### 30",
    ]


def test_told_otherwise_it_has_the_same_graph() -> None:
    """What is computed from what, and the answer, are those of the solution as its author wrote it."""
    same = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            plain = read_solution(problem.question, problem.answer)
            told = read_solution(problem.question, tell(plain, problem.answer, Random(number)).answer)
        except UnreadableError:
            continue
        assert told.answer == plain.answer
        assert [e.result for e in told.equations] == [e.result for e in plain.equations]
        same += [e.sources for e in told.equations] == [e.sources for e in plain.equations]
    assert same > 380 * 0.97


def test_retold_is_a_choice() -> None:
    problem = Problem("user/0", QUESTION, ANSWER, "train", "user:1")
    [right, *_] = generate([problem], SyntheticOptions(retold=False, styles=False))
    assert right["completions"] == ["The friend owns 2*14=28 and 28+3=31", "Together they own 31+14=45."]
