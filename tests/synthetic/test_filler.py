"""Filler: it makes incorrect solutions as long as real ones, and computes nothing that could be incorrect."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from stale_values import stale_values
from synthetic.conftest import Generated

from prm_gsm8k.audit.error_positions import distances
from prm_gsm8k.audit.probe import resample_problems
from prm_gsm8k.audit.reference import shipped_reference
from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.synthetic import filler
from prm_gsm8k.synthetic.checker import RowChecker
from prm_gsm8k.synthetic.filler import ENDINGS, TRANSITIONS, add_filler, announcement
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.numbers import NUMBER_WORDS
from prm_gsm8k.synthetic.parse import read_solution
from prm_gsm8k.synthetic.style import PLAIN, Frame, Style

Row = dict[str, Any]

QUESTION = "He has 6 pens and buys 2 more. Each of 5 friends has 9. How many are there?"
ANSWER = "He has 6+2=<<6+2=8>>8\nThe friends have 5*9=<<5*9=45>>45\nThe sum is 45+8=<<45+8=53>>53\n#### 53"
WRONG = ["He has 6*2=12", "The friends have 5*9=45", "The sum is 45+12=57"]


def frame(style: Style = PLAIN, question: str = QUESTION) -> Frame:
    return Frame(read_solution(question, ANSWER), style, Random(0))


@pytest.fixture(scope="module")
def rows(generated: Generated) -> list[Row]:
    return generated.rows


@pytest.mark.parametrize("wanted", range(4))
def test_so_many_steps_are_added_as_are_drawn(monkeypatch: pytest.MonkeyPatch, wanted: int) -> None:
    monkeypatch.setattr(filler, "ADDED_STEPS", {3: (0,) * wanted + (1,)})
    concluded = frame(Style(conclusion="The answer is {}."))
    for seed in range(20):
        longer = add_filler(WRONG, 0, concluded, Random(seed))
        assert len(longer) == 3 + wanted
        assert longer[0] == WRONG[0] and [step for step in longer if step in WRONG] == WRONG


def test_all_filler_that_fits_is_added_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fact before its use, what a step is about before it, and after the last one nothing without a conclusion."""
    monkeypatch.setattr(filler, "ADDED_STEPS", {3: (0,) * 9 + (1,)})
    longer = add_filler(WRONG, 0, frame(), Random(0))
    assert longer[:2] == [WRONG[0], "Each of 5 friends has 9."]
    assert longer[2] in (*TRANSITIONS, "We need to find the friends.") and longer[3] == WRONG[1]
    assert re.fullmatch(r"(We need to|Let's|Now, let's|Now, we) (find|calculate) the sum\.", longer[4])
    assert longer[5:] == [WRONG[2]]
    longer = add_filler(WRONG, 1, frame(Style(conclusion="#### {}")), Random(0))
    assert longer[:2] == WRONG[:2] and longer[-1] in ENDINGS


def test_what_the_solution_says_already_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filler, "ADDED_STEPS", {4: (0,) * 9 + (1,)})
    answer = ANSWER.replace("The friends", "We know that each of 5 friends has 9.\nThe friends")
    restated = Frame(read_solution(QUESTION, answer), PLAIN, Random(0))
    longer = add_filler(["He has 6*2=12", *restated.bodies[1:3], WRONG[2]], 0, restated, Random(0))
    assert sum("friends has" in step for step in longer) == 1


def test_only_a_step_with_numbers_that_follows_one_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filler, "ADDED_STEPS", {3: (0,) * 9 + (1,)})
    bodies = [WRONG[0], "His friends have some, too.", WRONG[2]]
    assert add_filler(bodies, 0, frame(question=QUESTION.replace("Each of 5 friends has 9.", "")), Random(0)) == bodies


def test_a_step_whose_subject_says_a_number_is_announced_without_it() -> None:
    assert announcement("The cost of the pens is 3*4 = 12.", "", 0) == "We need to find the cost of the pens."
    assert announcement("The cost of the two pens is 3*4 = 12.", "", 0) == TRANSITIONS[0]


def test_long_solutions_are_long_enough() -> None:
    many = [f"{k} + 1 = {k + 1}" for k in range(max(filler.ADDED_STEPS) + 1)]
    assert add_filler(many, 0, frame(), Random(0)) is many


def test_what_is_added_has_no_numbers_but_those_of_the_question(rows: list[Row]) -> None:
    """Whatever stands in an incorrect row and not, but for its numbers, in the correct one it was made from."""
    right = {row["id"]: row["completions"] for row in rows if row["first_error"] < 0}
    added = 0
    for row in rows:
        if row["first_error"] >= 0:
            words = Counter(map(without_numbers, right[row["twin_id"]]))
            for step in row["completions"][row["first_error"] + 1 :]:
                if not words[without_numbers(step)]:
                    said = re.sub(r"\A(\*\*Step \d+:\*\* |Step \d+: |\d+\. |- )", "", step)
                    quoted = said.rpartition(": ")[2]
                    if quoted not in row["prompt"]:
                        assert not re.search(r"\d", said), said
                        assert NUMBER_WORDS.keys().isdisjoint(re.findall("[a-z]+", said.lower())), said
                    added += 1
    assert added > 1000


def test_nothing_is_announced_twice(rows: list[Row]) -> None:
    """No two steps without a number stand next to each other after a first error, but for a question and its end."""
    for row in rows:
        if row["first_error"] >= 0:
            said = [re.sub(r"\A(\*\*Step \d+:\*\* |Step \d+: |\d+\. |- )", "", step) for step in row["completions"]]
            for before, step in pairwise(said[row["first_error"] + 1 :]):
                assert re.search(r"\d", before + step) or (before.endswith("?") and step in ENDINGS), said
            assert sum(step.endswith("?") for step in said) < 2, said


def test_up_to_the_first_error_rows_are_what_they_would_be_without(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a PRM is trained on, which sees a step and what is before it; and correct rows are as they were."""
    monkeypatch.setattr(filler, "ADDED_STEPS", {})
    longer = 0
    plain_rows = list(generate(shipped_problems("train")[:300], SyntheticOptions()))
    for row, plain in zip(rows[: len(plain_rows)], plain_rows, strict=True):
        shown = row["first_error"] + 1 or len(row["completions"])
        assert row["completions"][:shown] == plain["completions"][:shown]
        assert {**row, "completions": 0, "labels": 0} == {**plain, "completions": 0, "labels": 0}
        longer += len(row["completions"]) > len(plain["completions"])
        if len(row["completions"]) == len(plain["completions"]):
            assert row == plain
    assert longer > 0.3 * len(plain_rows)


def test_incorrect_solutions_are_as_long_as_real_ones_and_err_at_the_same_place(rows: list[Row]) -> None:
    """Within what two halves of the real ones are apart."""
    solutions = [
        Solution(row["id"], row["problem_id"], row["prompt"], row["completions"], row["first_error"], {})
        for row in rows
    ]
    found = distances(solutions, shipped_reference().shape, resample_problems(solutions, 0, 10), 0)
    for measure, distance in found.items():
        assert distance.ks < distance.halves, measure


def test_as_its_author_wrote_it_nothing_is_added() -> None:
    made = generate(shipped_problems("train")[:100], SyntheticOptions(restructured=False, styles=False))
    lengths: dict[str, int] = {}
    for row in made:
        if row["first_error"] < 0:
            lengths[row["id"]] = len(row["completions"])
        else:
            assert len(row["completions"]) <= lengths[row["twin_id"]]


RIGHT = ["Step 1: He has 6+2=8.", "Step 2: The friends have 5*9=45.", "Step 3: The sum is 45+8=53."]
FILLED = [
    "He has 6*2=12.",
    "Each of 5 friends has 9.",
    "The friends have 5*9=45.",
    "We can now go on.",
    "The sum is 45+12=57.",
]
LONGER = [f"Step {n}: {body}" for n, body in enumerate(FILLED, 1)]


def check(steps: list[str], right: list[str] = RIGHT) -> str | None:
    checker = RowChecker(QUESTION, right, "53")
    assert checker.refusal is None
    return checker.check(steps, 0, "operation_changed", "computes 6 * 2 where 6 + 2 belongs", "57")


def test_the_checker_accepts_filler() -> None:
    assert check(LONGER) is None
    assert check(FILLED, [step[8:] for step in RIGHT]) is None


@pytest.mark.parametrize(
    "added",
    [
        "That leaves 4.",  # a number
        "That is three in all.",  # in words
        "Each of 6 friends has 9.",  # not what the question says
        "So it is x = y.",  # algebra
        "The friends have 5*9=45.",  # said twice
    ],
)
def test_the_checker_refuses_steps_that_are_no_filler(added: str) -> None:
    assert check([*FILLED[:3], added, FILLED[4]], [step[8:] for step in RIGHT]) is not None


def test_the_checker_refuses_a_misnumbered_step_after_filler() -> None:
    assert check([*LONGER[:4], "Step 4: The sum is 45+12=57."]) is not None


def test_the_checker_refuses_filler_before_the_error() -> None:
    checker = RowChecker(QUESTION, RIGHT, "53")
    steps = [
        "Step 1: We can now go on.",
        "Step 2: He has 6*2=12.",
        *(f"Step {n}: {b}" for n, b in enumerate(FILLED[2:], 3)),
    ]
    assert checker.check(steps, 1, "operation_changed", "computes 6 * 2 where 6 + 2 belongs", "57") is not None


def test_a_stale_value_after_filler_is_refused() -> None:
    assert check([*LONGER[:4], "Step 5: The sum is 45+8=53."]) is not None
    assert check([*LONGER[:4], "Step 5: The sum is 45+12=53."]) is not None


def test_a_stale_value_after_filler_is_counted() -> None:
    """By the measure of `benchmarks/synthetic_quality.py`, which must not take filler for another step."""
    assert stale_values(RIGHT, LONGER, 0, QUESTION) == []
    assert stale_values(RIGHT, [*LONGER[:4], "Step 5: The sum is 45+8=53."], 0, QUESTION) == ["8"]
    assert stale_values(RIGHT, [*LONGER[:4], "Step 5: That is 8 more."], 0, QUESTION) == ["8"]


def without_numbers(step: str) -> str:
    return re.sub(r"[\d.,]*\d[\d.,]*", "", step)


def test_filler_that_the_checker_refuses_is_not_added() -> None:
    """To it a score is twenty, so "Let's find her average score" says a number."""
    answer = "The sum is 91+92=<<91+92=183>>183.\nHer average score is 183/3=<<183/3=61>>61.\n#### 61"
    problem = Problem("mine/1", "Malou got 91 and 92 in 3 quizzes. What is the average?", answer, "train", "mine:1")
    longer = 0
    for seed in range(40):
        right, *wrong = generate([problem], SyntheticOptions(seed=seed))
        checker = RowChecker(right["prompt"], right["completions"], "61")
        for row in wrong:
            claims = (row["completions"], row["first_error"], row["error_type"], row["error_reason"], row["answer"])
            assert checker.check(*claims) is None
            longer += len(row["completions"]) > len(right["completions"])
    assert longer > 20
