"""Errors that are no other reading of the question; and conditions that count, or do not."""

from __future__ import annotations

from typing import Any

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.families import again, aside, calculation, conclusion, operation, skipped, term

QUESTION = "Jo has 48 red pens, 37 blue pens, and 15 bags of 4 green pens each. How many pens does Jo have in total?"
ANSWER = (
    "Jo has 15 * 4 = <<15*4=60>>60 pens in the bags.\n"
    "Jo has 48 + 37 + 60 = <<48+37+60=145>>145 pens in total.\n#### 145"
)


def made(family: Any, question: str = QUESTION, answer: str = ANSWER) -> list[Block]:
    return blocks_of(Problem("mine/0", question, answer, "train", "mine.jsonl:1"), (family.FAMILY,), most=9)


def test_a_term_is_forgotten() -> None:
    assert {block.twin_steps[1] for block in made(term)} == {
        "Jo has 48 + 60 = 108 pens in total.",
        "Jo has 48 + 37 = 85 pens in total.",
    }


def test_a_stage_is_skipped_and_what_is_of_the_same_kind_stands_for_it() -> None:
    [block] = made(skipped, answer=ANSWER.replace("15 * 4 =", "15 bags * 4 pens ="))
    assert block.twin_steps == ("Jo has 48 + 37 + 4 = 89 pens in total.",)  # 4 pens, not 15 bags


def test_twice_as_many_peppers_are_no_two_peppers() -> None:
    question = "Jo has 30 carrots and twice as many peppers. How many vegetables does she have?"
    answer = "There are 30 * 2 peppers = <<30*2=60>>60 peppers.\nSo 30 + 60 = <<30+60=90>>90 in all.\n#### 90"
    assert made(skipped, question, answer) == []


@pytest.mark.parametrize(("total", "n"), [("in total", 1), ("then", 0)])
def test_a_part_is_counted_again_where_a_total_is_said(total: str, n: int) -> None:
    question = "Jo has 30 red and 12 blue pens, and 9 books. How many things are there?"
    answer = f"Jo has 30+12 = <<30+12=42>>42 pens.\nJo has 42 + 9 = <<42+9=51>>51 things {total}.\n#### 51"
    steps = [block.twin_steps[1] for block in made(again, question, answer)]
    assert steps == [f"Jo has 42 + 9 + 30 = 81 things {total}.", f"Jo has 42 + 9 + 12 = 63 things {total}."][: 2 * n]


def test_a_slip_is_false_and_carried_to_the_end() -> None:
    question = "Jo has 48 clips and gets 37 more. She halves them between 5 friends. How many has each?"
    answer = "Jo has 48+37 = <<48+37=85>>85 clips.\nEach has 85/5 = <<85/5=17>>17.\n#### 17"
    [block] = made(calculation, question, answer)
    assert block.twin_steps == ("Jo has 48+37 = 75 clips.", "Each has 75/5 = 15.")


def test_another_operation_is_made_where_no_word_says_which() -> None:
    question = "Jo is 48 and Al is 12. Who is how much?"
    answer = "It is 48 - 12 = <<48-12=36>>36 here.\n#### 36"
    assert [block.twin_steps for block in made(operation, question, answer)] == [("It is 48 + 12 = 60 here.",)]
    assert made(operation, question, answer.replace("It is", "The difference is")) == []


def test_a_conclusion_states_an_earlier_result() -> None:
    [block] = made(conclusion)
    assert (block.twin_steps, block.first_error, block.twin_answer) == (block.steps, 2, "60")


ASKED = {
    "spent": "Jo bought 3 cups for $20 each in a store. How much did she spend?",
    "has": "Jo bought 15 bags of 4 apples. How many apples does Jo have?",
    "did": "Jo picked 15 bags of 4 apples. How many apples did she pick in total?",
}


@pytest.mark.parametrize("question", ASKED.values(), ids=ASKED)
def test_a_condition_counts_in_one_question_and_not_in_the_other(question: str) -> None:
    for block in made(aside, question, "It is 15*4 = <<15*4=60>>60.\n#### 60" if "15" in question else
                      "It is 3*20 = $<<3*20=60>>60.\n#### 60"):  # fmt: skip
        before, _, asked = question.partition(" How")
        for twin in (block.question, block.edit.question):
            assert twin.startswith(before) and twin.endswith(asked)
        assert block.question != block.edit.question != question != block.question
        assert block.first_error == 1 and len(block.twin_steps) == 2
        return
    pytest.fail("no block")


def test_no_tax_is_added_where_there_is_one_already() -> None:
    question = "Jo bought 3 cups for $20 each in a store, with 10% off. How much did she spend?"
    assert made(aside, question, "It is 3*20 = $<<3*20=60>>60.\n#### 60") == []
