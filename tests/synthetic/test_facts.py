"""Facts that a solution restates: which sentences, as which nodes, and how a misread one propagates."""

from __future__ import annotations

import re

import pytest

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.synthetic.checker import RowChecker
from prm_gsm8k.synthetic.facts import facts, with_facts
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import QUESTION, Solution, read_solution

QUESTION_TEXT = (
    "Ignatius owns 14 bicycles. Each bicycle has 2 wheels and a bell. His friend owns 3 more than twice as many. "
    "How many bicycles do they own?"
)
FACT = "Ignatius owns 14 bicycles."
STEPS = ["The friend owns 2*14=<<2*14=28>>28 and 28+3=<<28+3=31>>31.", "Together they own 31+14=<<31+14=45>>45."]
ANSWER = "\n".join([*STEPS, "#### 45"])
RESTATED = "\n".join([FACT, ANSWER])
RIGHT = [FACT, "The friend owns 2*14=28 and 28+3=31.", "Together they own 31+14=45."]
MISREAD = [
    "Ignatius owns 41 bicycles.",
    "The friend owns 2*41=82 and 82+3=85.",
    "Together they own 85+41=126.",
]
REASON = 'reads 41 where the problem says 14 ("Ignatius owns 14 bicycles")'

NUMBER = re.compile(r"[\d.,]+")


def solved(question: str = QUESTION_TEXT, answer: str = ANSWER) -> Solution:
    return read_solution(question, answer)


def misread(question: str, fact: str, steps: str) -> list[float]:
    """The numbers of a fact that can be misread, if it is restated before these steps."""
    restated = with_facts(read_solution(question, f"{fact}\n{steps}"), {0})
    return [equation.result for equation in restated.equations if equation.fact]


@pytest.fixture
def restating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be restated is, as it is in the question, before its use."""
    for name, value in {"_RESTATED": 1.0, "_RESTATING": 1.0, "_MERGING": 0.0, "_FRONT": 0.0, "_OPENING": 0.0}.items():
        monkeypatch.setattr(f"prm_gsm8k.synthetic.restructure.{name}", value)
    monkeypatch.setattr("prm_gsm8k.synthetic.restructure.INTRODUCTIONS", ("{}",))


def test_a_sentence_that_a_step_uses_is_a_fact() -> None:
    assert facts(solved()) == [
        (FACT, 0),
        ("Each bicycle has 2 wheels and a bell.", 0),
        ("His friend owns 3 more than twice as many.", 0),
    ]


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
    restated = facts(solved(question, "He has 30/6=<<30/6=5>>5.\nAnd 5*7=<<5*7=35>>35.\n#### 35"))
    assert [fact.text for fact in restated] == [
        "Mr. Day has a 30 sq. ft. garden.",
        "At 7 a.m. he plants 6 rows for Mrs. Ito.",
    ]


def test_a_number_that_a_step_computes_as_well_is_not_restated() -> None:
    question = "He has 6 pens. He gives half away, then gets 3 more. How many?"
    assert facts(solved(question, "He keeps 6/2=<<6/2=3>>3.\nHe has 3+3=<<3+3=6>>6.\n#### 6")) == []
    assert len(facts(solved(question, "He keeps 6/2=<<6/2=3>>3.\nHe has 3+4=<<3+4=7>>7.\n#### 7"))) == 1


@pytest.mark.parametrize(
    ("fact", "steps", "expected"),
    [
        ("He sells 8 pens.", "He sells 5*8=<<5*8=40>>40.\n#### 40", [8]),
        ("He gets 150% for each of 50 pens.", "He gets 1.5*50=<<1.5*50=75>>75.\n#### 75", [50]),
        ("He is in 5th grade and 9 more join.", "There are 5*9=<<5*9=45>>45.\n#### 45", [9]),
        ("He has 2 pens and twice as many pencils.", "He has 2*3=<<2*3=6>>6.\n#### 6", []),  # the 2 may be "twice"
        ("He rests from 8am on.", "He has 8*5=<<8*5=40>>40.\n#### 40", []),
        ("He works 60 minutes.", "It takes 60*4=<<60*4=240>>240.\n#### 240", []),  # may be those of an hour
        ("He has 8 pens in 9 boxes.", "He has 8*3=<<8*3=24>>24.\n#### 24", [8]),  # nothing follows from the 9
    ],
)
def test_what_is_not_certain_is_never_misread(fact: str, steps: str, expected: list[int]) -> None:
    assert misread(f"{fact} How many?", fact, steps) == expected


def test_what_a_step_says_before_is_not_misread_after() -> None:
    question, steps = "He has 8 pens. How many are 5 times as many?", "He has 8*5=<<8*5=40>>40.\n#### 40"
    assert misread(question, "He has 8 pens.", steps) == [8]
    twice = with_facts(read_solution(question, f"All 8 are his.\nHe has 8 pens.\n{steps}"), {1})
    assert not any(equation.fact for equation in twice.equations)


def test_a_restated_number_is_where_later_operands_come_from() -> None:
    plain = solved(answer=RESTATED)
    restated = with_facts(plain, {0})
    [node] = [n for n, equation in enumerate(restated.equations) if equation.fact]
    uses = [
        source
        for equation in restated.equations
        if not equation.fact
        for value, source in zip(equation.operands, equation.sources, strict=True)
        if value == 14
    ]
    assert uses == [node] * 2 and restated.equations[node].sources == [QUESTION]
    assert restated.equations[restated.final].result == 45
    assert [e.result for e in restated.equations if not e.fact] == [e.result for e in plain.equations]
    assert restated.steps == plain.steps and plain.mentions != restated.mentions == []
    assert not any(equation.fact for equation in plain.equations)  # which is as it was


def test_what_else_may_explain_a_number_is_still_what_it_was() -> None:
    question = "He has 9 pens. He gets 3, and had 15. How many are twice as many?"
    steps = "He has 9+3=<<9+3=12>>12.\nHe had 15-3=<<15-3=12>>12.\nAll 12 are his.\nIt is 12*2=<<12*2=24>>24.\n#### 24"
    plain = read_solution(question, f"He has 9 pens.\n{steps}")
    restated = with_facts(plain, {0})
    assert [equation.fact for equation in restated.equations] == [True, False, False, False]
    for solution, moved in ((plain, 0), (restated, 1)):
        [mention] = [mention for mention in solution.mentions if mention.value == 12]
        assert (mention.source, mention.others) == (1 + moved, (0 + moved,))
        last = solution.equations[solution.final]
        assert (last.sources[0], last.others[0]) == (1 + moved, (0 + moved,))


def test_without_a_fact_nothing_is_changed() -> None:
    plain = solved(answer=RESTATED)
    assert with_facts(plain, ()) is plain


@pytest.mark.usefixtures("restating")
def test_a_misread_fact_propagates_to_the_answer() -> None:
    problem = Problem("mine/0", QUESTION_TEXT, ANSWER, "train", "mine:1")
    found = set()
    for seed in range(30):
        options = SyntheticOptions(seed=seed, error_mix={"number_flipped": 1.0}, balanced=False)
        for row in generate([problem], options):
            at = row["first_error"]
            if at >= 0 and "Ignatius owns" in row["completions"][at]:
                [said] = re.findall(r"\d+", re.sub(r"\d+[.)]|Step \d+", "", row["completions"][at]))
                wrong = int(said)
                assert row["answer"] == str(2 * wrong + 3 + wrong)
                assert row["error_reason"].startswith(f"reads {wrong} where the problem says 14")
                found.add(wrong)
    assert len(found) > 3


@pytest.mark.slow
@pytest.mark.usefixtures("restating")
def test_some_first_errors_are_misread_facts_and_only_their_number_is_changed() -> None:
    rows = list(generate(shipped_problems("train")[:300], SyntheticOptions()))
    right = {row["id"]: row["completions"] for row in rows if row["first_error"] < 0}
    facts_seen = misread = 0
    for row in rows:
        if row["first_error"] >= 0 and row["error_type"] != "step_skipped":
            twin = right[row["twin_id"]]
            for index, step in enumerate(twin):
                if len(step) > 20 and step.lower() in row["prompt"].lower():
                    facts_seen += 1
                    if index == row["first_error"]:
                        misread += 1
                        assert NUMBER.sub("#", row["completions"][index]) == NUMBER.sub("#", step)
    assert facts_seen > 500 and misread > 60


@pytest.mark.usefixtures("restating")
def test_one_fact_is_misread_one_way_once_in_whatever_style() -> None:
    problem = Problem("mine/0", QUESTION_TEXT, ANSWER, "train", "mine:1")
    mix = {"number_flipped": 1.0}
    twice = 0
    for seed in range(10):
        options = SyntheticOptions(4, 4, seed, mix, balanced=False)
        read = [
            row["error_reason"]
            for row in generate([problem], options)
            if "Ignatius" in str(row["completions"][row["first_error"]])
        ]
        read = [reason for reason in read if reason.startswith("reads")]
        assert len(read) == len(set(read))
        twice += len(read) > 1
    assert twice


@pytest.mark.usefixtures("restating")
def test_a_number_that_the_fact_says_beside_it_is_not_put_in_its_place() -> None:
    question = "He has 8 pens in each of 9 boxes. How many are there?"
    problem = Problem("mine/1", question, "There are 8*9=<<8*9=72>>72.\n#### 72", "train", "mine:1")
    options = [SyntheticOptions(seed=seed, error_mix={"wrong_problem_number": 1.0}) for seed in range(20)]
    firsts = [row["first_error"] for option in options for row in generate([problem], option)]
    assert set(firsts) == {-1}


def test_the_checker_knows_a_misread_fact() -> None:
    checker = RowChecker(QUESTION_TEXT, RIGHT, "45")
    assert checker.refusal is None
    assert checker.check(MISREAD, 0, "number_flipped", REASON, "126") is None


@pytest.mark.parametrize(
    ("steps", "kind", "reason", "refused"),
    [
        ([MISREAD[0], RIGHT[1], "Together they own 31+41=72."], "number_flipped", REASON, "stale_value"),
        ([*MISREAD[:2], "Together they own 85+14=99."], "number_flipped", REASON, "stale_value"),
        (MISREAD, "wrong_problem_number", REASON, "other_error_type"),
        (MISREAD, "wrong_earlier_result", REASON, "other_error_type"),
        (MISREAD, "calculation_slip", REASON, "other_error_type"),
        (MISREAD, "number_flipped", "reads 14 where it says something else", "other_error_type"),
        (["Ignatius sold 41 bicycles.", *MISREAD[1:]], "number_flipped", REASON, "text_changed"),
    ],
)
def test_the_checker_refuses_a_misread_fact_that_does_not_propagate(
    steps: list[str], kind: str, reason: str, refused: str
) -> None:
    numbers = re.findall(r"\d+", steps[-1])
    said = RowChecker(QUESTION_TEXT, RIGHT, "45").check(steps, 0, kind, reason, numbers[-1])
    assert said is not None
    assert said.startswith(refused)
