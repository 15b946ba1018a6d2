"""A difference is read as the amount: "7 more pens than Al" as "7 pens"."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.families import amount

ASKED = " How many for 2 of them?"
STEPS = "It is 10+8 = <<10+8=18>>18 in her case.\nSo the answer is 18*2 = <<18*2=36>>36.\n#### 36"


def made(question: str, answer: str = STEPS, tally: Tally | None = None) -> list[Block]:
    problem = Problem("mine/0", question, answer, "train", "mine.jsonl:1")
    return blocks_of(problem, (amount.FAMILY,), most=9, tally=tally)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Al has 10 pens. Jo has 8 more pens than Al.", "Jo has 8 pens."),
        ("Al has 10 pens. Jo has 8 pens more than he does.", "Jo has 8 pens."),
        ("Al is 10 years old. Jo is 8 years older than Al.", "Jo is 8 years old."),
        ("Al runs for 10 minutes. Jo runs 8 minutes longer than Al.", "Jo runs 8 minutes."),
    ],
)
def test_a_difference_is_read_as_the_amount(said: str, read: str) -> None:
    [block] = made(said + ASKED)
    assert block.edit.question == said.partition("Jo")[0] + read + ASKED
    assert block.twin_steps == ("The answer is 8*2 = 16.",)


def test_an_amount_that_comes_to_the_same_in_the_end_is_refused() -> None:
    """Jo has 18 pens under one question, both have 18 under the other: the contested step is there in both."""
    tally = Tally()
    answer = "Jo has 10+8 = <<10+8=18>>18 pens.\nBoth have 10+18 = <<10+18=28>>28 pens.\n#### 28"
    assert made("Al has 10 pens. Jo has 8 more pens than Al. How many have both?", answer, tally) == []
    assert tally.counts["block refused/difference_as_amount/same_result"] == 1


@pytest.mark.parametrize(
    "said",
    [
        "Al is 10 years old. Jo is 8 years older than Al, who is tall.",  # "8 years old, who is tall"
        "Al has 10 pens. Jo has 8 more than twice what Al has.",  # "twice" would have to go too
        "Al has 10 pens. Jo has 8 more dolls with black than brown hair.",  # "dolls with black"
    ],
)
def test_what_would_not_read_well_is_left(said: str) -> None:
    assert made(said + ASKED) == []


def test_three_inches_is_no_height_beside_somebody_of_thirty() -> None:
    answer = STEPS.replace("10+8", "30+3").replace("18", "33").replace("36", "66")
    assert made("Al is 30 inches tall. Jo is 3 inches taller than Al." + ASKED, answer) == []
