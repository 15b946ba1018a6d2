"""A part of the question is left out where nothing else speaks of it; each guard refuses what would read badly."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.cuts import cuts
from prm_gsm8k.synthetic.families import dropped, last_part
from prm_gsm8k.synthetic.question import read_question

SHOPPING = "Jo has $50. She buys a hat for $20 and 2 pens for $4 each. She spends $5 on a snack. How much is left?"
SPENT = (
    "The pens cost 2 * $4 = $<<2*4=8>>8.\nShe spends $20 + $8 + $5 = $<<20+8+5=33>>33.\n"
    "So $50 - $33 = $<<50-33=17>>17 is left.\n#### 17"
)
DINNER = "Jo and Al eat for $40 and drink for $10. They leave a 20% tip. How much do they pay?"
PAID = (
    "It costs 40+10 = $<<40+10=50>>50.\nThe tip is 50*.2 = $<<50*.2=10>>10.\nThey pay 50+10 = $<<50+10=60>>60.\n#### 60"
)


def made(question: str, answer: str, module: object = dropped) -> list[Block]:
    problem = Problem("mine/0", question, answer, "train", "mine.jsonl:1")
    return blocks_of(problem, (module.FAMILY,), most=9)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Jo is in. She eats 3 pears. How many?", "Jo is in. How many?"),
        ("Jo buys 5 pens, 3 pins and 2 nuts. How many?", "Jo buys 5 pens and 3 pins. How many?"),
        ("Jo buys 5 pens, 3 pins, and 2 nuts. How many?", "Jo buys 5 pens and 2 nuts. How many?"),
        ("Jo buys 5 pens, 3 pins, and 2 nuts. How many?", "Jo buys 3 pins, and 2 nuts. How many?"),
        ("Jo has 50 pens, but 4 of them are dry. How many?", "Jo has 50 pens. How many?"),
        ("Jo pays $50 plus a $5 fee. How much?", "Jo pays $50. How much?"),
        ("Jo drinks 2 cups 3 times a day. How many?", "Jo drinks 2 cups a day. How many?"),
    ],
)
def test_what_is_left_of_a_question(text: str, left: str) -> None:
    assert left in [cut.of(text) for cut in cuts(read_question(text))]


def test_a_verb_that_is_needed_behind_stays() -> None:
    text = "Jo went off at 5 and drove 9 miles on Monday and 4 on Tuesday. How many?"
    assert not any("5 and 4" in cut.of(text) for cut in cuts(read_question(text)))


def test_a_part_goes_with_the_steps_that_lead_to_it() -> None:
    found = {block.edit.said: block for block in made(SHOPPING, SPENT)}
    assert found["and 2 pens for $4 each"].twin_steps == ("She spends $20 + $5 = $25.", "So $50 - $25 = $25 is left.")
    assert found["She spends $5 on a snack"].twin_steps[1] == "She spends $20 + $8 = $28."


def test_what_only_the_last_step_adds_ends_the_twin_before_it() -> None:
    [block] = made(DINNER, PAID, last_part)
    assert block.edit.question == DINNER.replace("They leave a 20% tip. ", "")
    assert (block.twin_steps, block.first_error) == (("It costs 40+10 = $50.",), 1)


@pytest.mark.parametrize(
    "spoken",
    [
        "How much is left, if the snack was dear?",  # what is cut is spoken of
        "A bag holds all of them. How much is left?",
        "She wrote a list of three things. How much is left?",  # there are two parts then
        "What was her average? How much is left?",
    ],
)
def test_a_part_stays_that_the_rest_speaks_of(spoken: str) -> None:
    question = SHOPPING.replace("How much is left?", spoken)
    assert "She spends $5 on a snack" not in [block.edit.said for block in made(question, SPENT)]


def test_a_number_that_another_is_compared_with_stays() -> None:
    question = "Al has 8 pens. Jo has 5 more pens than Al. Cy has 9 pens. How many pens have Jo and Cy?"
    answer = "Jo has 8+5 = <<8+5=13>>13 pens.\nJo and Cy have 13+9 = <<13+9=22>>22 pens.\n#### 22"
    assert made(question.replace("Al has 8 pens. ", "Oh, there. Al has 8 pens. "), answer) == []


def test_what_is_told_by_a_comparison_stays_where_only_it_speaks_of_the_other() -> None:
    """Without Jo's sentence nothing would say how many Jo has, and not that she has as many as Al."""
    question = "Oh, there. Al has 8 pens. Jo has 5 more pens than Al. Cy has 9 pens. How many pens have Jo and Cy?"
    answer = "Jo has 8+5 = <<8+5=13>>13 pens.\nJo and Cy have 13+9 = <<13+9=22>>22 pens.\n#### 22"
    assert made(question.replace("have Jo and Cy", "is that"), answer) == []
    counted = "Jo has 8+5 = <<8+5=13>>13 pens.\nAll have 8+13+9 = <<8+13+9=30>>30 pens.\n#### 30"
    found = {
        block.edit.said: block.twin_steps for block in made(question.replace("have Jo and Cy", "is that"), counted)
    }
    assert found["Jo has 5 more pens than Al"] == ("All have 8+9 = 17 pens.",)


def test_what_is_left_of_nothing_taken_away_is_not_asked() -> None:
    question = "Jo has 4 bags of 5 pens. She loses 3 of them. How many pens does she have left?"
    answer = "She had 4*5 = <<4*5=20>>20 pens.\nNow 20-3 = <<20-3=17>>17 pens.\n#### 17"
    assert made(question, answer, last_part) == []
    assert len(made(question.replace("have left", "have"), answer, last_part)) == 1
