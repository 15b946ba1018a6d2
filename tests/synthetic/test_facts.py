"""What a solution restates of its question: which sentences, as which nodes, and what follows if one is misread."""

from __future__ import annotations

import re
from random import Random

import pytest

from prm_gsm8k.problems import Problem, shipped_problems
from prm_gsm8k.synthetic.facts import OPENINGS, facts, restate
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import QUESTION, Solution, read_solution
from prm_gsm8k.synthetic.second_opinion import SecondOpinion

QUESTION_TEXT = (
    "Ignatius owns 14 bicycles. Each bicycle has 2 wheels and a bell. His friend owns 3 more than twice as many. "
    "How many bicycles do they own?"
)
ANSWER = "The friend owns 2*14=<<2*14=28>>28 and 28+3=<<28+3=31>>31.\nTogether they own 31+14=<<31+14=45>>45.\n#### 45"
RIGHT = [
    "Ignatius owns 14 bicycles.",
    "The friend owns 2*14=28 and 28+3=31.",
    "Together they own 31+14=45.",
]
MISREAD = [
    "Ignatius owns 41 bicycles.",
    "The friend owns 2*41=82 and 82+3=85.",
    "Together they own 85+41=126.",
]
REASON = 'reads 41 where the problem says 14 ("Ignatius owns 14 bicycles")'


def solved(question: str = QUESTION_TEXT, answer: str = ANSWER) -> Solution:
    return read_solution(question, answer)


def test_a_sentence_that_a_step_uses_is_a_fact_and_its_number_a_node() -> None:
    [first, second] = [fact for fact in facts(solved()) if "more" not in "".join(fact.parts)]
    assert (first.parts, first.before, first.nodes) == (["Ignatius owns ", "14", " bicycles."], 0, [1])
    assert second.nodes == []  # the 2 may be that of "twice"


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("He gets 150% for each of 50 pens.", "He gets 1.5*50=<<1.5*50=75>>75.\n#### 75"),
        ("He is in 5th grade and 7 more join.", "There are 5*7=<<5*7=35>>35.\n#### 35"),
    ],
)
def test_a_percentage_and_an_ordinal_are_never_misread(sentence: str, answer: str) -> None:
    [fact] = facts(solved(f"{sentence} How many?", answer))
    assert [fact.parts[place] for place in fact.nodes] == ["50" if "%" in sentence else "7"]


@pytest.mark.parametrize(
    "sentence",
    [
        "If he sells 14 pens, he is rich.",
        "How much are 14 pens?",
        "He said: take 14 pens.",
        "A box of " + "very " * 30 + "many pens holds 14 of them.",
    ],
)
def test_what_does_not_state_a_fact_is_not_restated(sentence: str) -> None:
    assert facts(solved(f"{sentence} How many pens are 2, 14 and 3?")) == []


def test_a_sentence_is_whole() -> None:
    question = "Mr. Day has a 30 sq. ft. garden. At 7 a.m. he plants 6 rows for Mrs. Ito. Dr. Lee has 2. How many?"
    told = facts(solved(question, "He has 30/6=<<30/6=5>>5.\nAnd 5*7=<<5*7=35>>35.\n#### 35"))
    assert ["".join(fact.parts) for fact in told] == [
        "Mr. Day has a 30 sq. ft. garden.",
        "At 7 a.m. he plants 6 rows for Mrs. Ito.",
    ]


def test_a_number_that_a_step_computes_as_well_is_not_restated() -> None:
    question = "He has 6 pens. He gives half away, then gets 3 more. How many?"
    assert facts(solved(question, "He keeps 6/2=<<6/2=3>>3.\nHe has 3+3=<<3+3=6>>6.\n#### 6")) == []
    assert len(facts(solved(question, "He keeps 6/2=<<6/2=3>>3.\nHe has 3+4=<<3+4=7>>7.\n#### 7"))) == 1


def test_a_restated_number_is_where_later_operands_come_from() -> None:
    for seed in range(50):
        told = restate(solved(), Random(seed))
        nodes = {equation.result: n for n, equation in enumerate(told.equations) if equation.fact}
        if 14 in nodes:
            uses = [
                source
                for equation in told.equations
                if not equation.fact
                for value, source in zip(equation.operands, equation.sources, strict=True)
                if value == 14
            ]
            assert uses == [nodes[14]] * 2
            assert told.equations[nodes[14]].sources == [QUESTION]
            assert told.equations[told.final].result == 45
            assert "".join(told.steps[told.equations[nodes[14]].step]).lower().endswith("ignatius owns 14 bicycles.")
            return
    pytest.fail("never restated in 50 draws")


def test_restating_changes_nothing_else() -> None:
    for problem in shipped_problems("train")[:300]:
        try:
            solution = read_solution(problem.question, problem.answer)
        except ValueError:
            continue
        told = restate(solution, Random(problem.id))
        question = " ".join(problem.question.split()).lower()
        added = [step for step in told.steps if step not in solution.steps]
        assert [step for step in told.steps if step not in added] == solution.steps
        for step in map("".join, added):
            said = re.sub(
                r"^(?:we know|the problem says|from the problem, we know) that |^we need to find out: ",
                "",
                step.lower(),
            )
            assert step in OPENINGS or " ".join(said.split()) in question
        for equation in told.equations:
            shown = "".join(told.steps[equation.step])
            assert told.steps[equation.step][equation.result_place] in shown
        computed = [equation.result for equation in told.equations if not equation.fact]
        assert computed == [equation.result for equation in solution.equations]
        assert [mention.value for mention in solution.mentions] == [
            mention.value for mention in told.mentions if told.steps[mention.step] not in added
        ]


def test_a_misread_fact_is_carried_through_to_the_answer() -> None:
    problem = Problem("mine/0", QUESTION_TEXT, ANSWER, "train", "mine:1")
    found = set()
    for seed in range(60):
        options = SyntheticOptions(seed=seed, error_mix={"number_flipped": 1.0}, balanced=False)
        for row in generate([problem], options):
            at = row["first_error"]
            if at >= 0 and "Ignatius owns" in row["completions"][at].replace("ignatius", "Ignatius"):
                [said] = re.findall(r"\d+", re.sub(r"\d+[.)]|Step \d+", "", row["completions"][at]))
                wrong = int(said)
                assert row["answer"] == str(2 * wrong + 3 + wrong)
                found.add(wrong)
    assert len(found) > 3


def test_the_second_opinion_knows_a_misread_fact() -> None:
    opinion = SecondOpinion(QUESTION_TEXT, RIGHT, "45")
    assert opinion.refusal is None
    assert opinion.judge(MISREAD, 0, "number_flipped", REASON, "126") is None


@pytest.mark.parametrize(
    ("steps", "kind", "reason", "refused"),
    [
        ([MISREAD[0], RIGHT[1], "Together they own 31+41=72."], "number_flipped", REASON, "stale_value"),
        ([*MISREAD[:2], "Together they own 85+14=99."], "number_flipped", REASON, "stale_value"),
        (MISREAD, "wrong_problem_number", REASON, "wrong_type"),
        (MISREAD, "wrong_earlier_result", REASON, "wrong_type"),
        (MISREAD, "calculation_slip", REASON, "wrong_type"),
        (MISREAD, "number_flipped", "reads 14 where it says something else", "wrong_type"),
        (["Ignatius sold 41 bicycles.", *MISREAD[1:]], "number_flipped", REASON, "text_changed"),
    ],
)
def test_the_second_opinion_refuses_a_misread_fact_that_is_not_carried_through(
    steps: list[str], kind: str, reason: str, refused: str
) -> None:
    numbers = re.findall(r"\d+", steps[-1])
    said = SecondOpinion(QUESTION_TEXT, RIGHT, "45").judge(steps, 0, kind, reason, numbers[-1])
    assert said is not None
    assert said.startswith(refused)


def test_a_solution_as_written_restates_nothing() -> None:
    problems = shipped_problems("train")[:50]
    told = list(generate(problems, SyntheticOptions(styles=False, num_incorrect_per_problem=0)))
    plain = list(generate(problems, SyntheticOptions(styles=False, restated=False, num_incorrect_per_problem=0)))
    assert [row["completions"] for row in told] == [row["completions"] for row in plain]


def test_facts_can_be_left_out() -> None:
    problems = shipped_problems("train")[:50]
    steps = {
        restated: sum(len(row["completions"]) for row in generate(problems, SyntheticOptions(restated=restated)))
        for restated in (True, False)
    }
    assert steps[True] > 1.1 * steps[False]
