"""How a solution is told: which sentences of its question are restated, which steps joined, and that it stays right."""

from __future__ import annotations

import re
from collections.abc import Collection
from random import Random

import pytest

from prm_gsm8k.problems import Problem, shipped_problems
from prm_gsm8k.synthetic import telling
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import ANNOTATION, Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.telling import ABOUT, AGAIN, APART, ASKED, FACT, Told, tell

QUESTION = "Ignatius owns 14 bicycles. His friend owns 3 more than twice as many. How many bicycles do they own?"
ANSWER = "The friend owns 2*14=<<2*14=28>>28 and 28+3=<<28+3=31>>31\nTogether they own 31+14=<<31+14=45>>45.\n#### 45"


def solved(question: str = QUESTION, answer: str = ANSWER) -> Solution:
    return read_solution(question, answer)


INTRODUCED = re.compile(r"\A(?:We know that|The problem says that|From the problem, we know that) ")


def told_with(
    monkeypatch: pytest.MonkeyPatch, kinds: Collection[str], answer: str, question: str = QUESTION, joined: float = 0.0
) -> Told:
    """An answer that is told with all that can be added of these kinds, in the plainest words."""
    monkeypatch.setattr(telling, "STEPS", {99: 1})
    monkeypatch.setattr(telling, "_MOST_MORE", 99)
    monkeypatch.setattr(telling, "LIKELY", dict.fromkeys(kinds, 1.0))
    monkeypatch.setattr(telling, "_TOGETHER", joined)
    monkeypatch.setattr(telling, "_JOINED", 1.0)
    monkeypatch.setattr(telling, "_FRONT", 0.0)
    for name in ("INTRODUCTIONS", "FIRST", "SAYING_AGAIN"):
        monkeypatch.setattr(telling, name, getattr(telling, name)[1:2])
    for name in ("ANNOUNCING", "ASKING"):
        monkeypatch.setattr(telling, name, getattr(telling, name)[:1] * 4)
    return tell(solved(question, answer), answer, Random(0))


def steps_of(told: Told) -> list[str]:
    return told.answer.split("\n")[:-1]


PENS = (
    "He has 6 pens. He gives 2 away. Each of 5 friends has 9. How many are there?",
    "He keeps 6-2=<<6-2=4>>4\nThey have 5*9=<<5*9=45>>45\nAll have 45+4=<<45+4=49>>49\n#### 49",
)


def test_a_fact_stands_before_the_step_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_with(monkeypatch, [FACT], PENS[1], PENS[0])
    assert told.restated == {0, 1, 3}
    assert steps_of(told) == [
        "He has 6 pens.",
        "He gives 2 away.",
        "He keeps 6-2=<<6-2=4>>4",
        "Each of 5 friends has 9.",
        "They have 5*9=<<5*9=45>>45",
        "All have 45+4=<<45+4=49>>49",
    ]


def test_nothing_stands_before_a_step_that_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_with(monkeypatch, [FACT], PENS[1], PENS[0], joined=1.0)
    assert told.restated == {0, 1}
    assert steps_of(told)[2:] == [
        "He keeps 6-2=<<6-2=4>>4. They have 5*9=<<5*9=45>>45. All have 45+4=<<45+4=49>>49",
    ]


def test_it_is_said_what_a_step_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a step that says so itself, but the first, and of the last one by the question."""
    answer = "The cost of a pen is 3*2=<<3*2=6>>6\nSo, his total cost is 6*5=<<6*5=30>>30\nHe has 40-30=<<40-30=10>>10"
    answer += "\n#### 10"
    assert steps_of(
        told_with(monkeypatch, [ABOUT, ASKED], answer, "He has 40. Pens are 3*2, he buys 5. What is left?")
    ) == [
        "The cost of a pen is 3*2=<<3*2=6>>6",
        "We need to find his total cost.",
        "So, his total cost is 6*5=<<6*5=30>>30",
        "We need to find out: What is left?",
        "He has 40-30=<<40-30=10>>10",
    ]


@pytest.mark.parametrize("wanted", [4, 5, 6])
def test_so_much_is_added_that_there_are_as_many_steps_as_drawn(monkeypatch: pytest.MonkeyPatch, wanted: int) -> None:
    monkeypatch.setattr(telling, "STEPS", {wanted: 1})
    monkeypatch.setattr(telling, "_TOGETHER", 0.0)
    for seed in range(20):
        assert len(steps_of(tell(solved(*PENS), PENS[1], Random(seed)))) == wanted


def test_a_solution_with_a_step_more_than_drawn_joins_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEPS", {2: 1})
    monkeypatch.setattr(telling, "_TOGETHER", 0.0)
    for seed in range(20):
        assert len(steps_of(tell(solved(*PENS), PENS[1], Random(seed)))) == 2
    monkeypatch.setattr(telling, "STEPS", {1: 1})
    assert tell(solved(*PENS), PENS[1], Random(0)).answer is PENS[1]


def test_nothing_is_lost_and_nothing_new_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(telling.LIKELY, APART)
    monkeypatch.delitem(telling.LIKELY, AGAIN)
    restated = joined = 0
    for number, problem in enumerate(shipped_problems("train")[:400]):
        try:
            solution = read_solution(problem.question, problem.answer)
        except UnreadableError:
            continue
        told = tell(solution, problem.answer, Random(number))
        assert ANNOTATION.findall(told.answer) == ANNOTATION.findall(problem.answer)
        lines = [line.strip() for line in problem.answer.split("\n") if line.strip()]
        for line in lines:
            assert line in told.answer
        steps = told.answer.split("\n")
        joined += sum(step not in lines and any(step.startswith(line) for line in lines) for step in steps)
        for place in told.restated:
            assert INTRODUCED.sub("", steps[place]).lower() in problem.question.lower()
        restated += len(told.restated)
    assert restated > 80 and joined > 50


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
    assert steps_of(told_with(monkeypatch, [APART], f"{step}\n#### {final}")) == told


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
    assert steps_of(told_with(monkeypatch, [APART], f"{step}\n#### {final}")) == [step]


@pytest.mark.parametrize(
    ("step", "again"),
    [
        ("Together they have 31+14=<<31+14=45>>45 in May and June.", "So, together they have 45 in May and June."),
        ("So, Ignatius has 31 + 14 = <<31+14=45>>45 bicycles", "So, Ignatius has 45 bicycles."),
        ("That is $31 + $14 = $<<31+14=45>>45.", "So, that is $45."),
    ],
)
def test_the_result_is_said_again(monkeypatch: pytest.MonkeyPatch, step: str, again: str) -> None:
    assert steps_of(told_with(monkeypatch, [AGAIN], f"{step}\n#### 45")) == [step, again]


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
    assert steps_of(told_with(monkeypatch, [AGAIN], f"{step}\n#### {final}")) == [step]


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
