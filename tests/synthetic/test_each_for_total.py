"""What is said of each is read as the total, where the solution multiplies by how many there are."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.families import in_total

STEPS = "The boxes weigh 4*20 = <<4*20=80>>80 pounds.\nWith the bag there are 80+9 = <<80+9=89>>89 pounds.\n#### 89"
ASKED = " A bag weighs 9 pounds. What is the weight of all?"


def made(question: str, answer: str = STEPS) -> list[Block]:
    problem = Problem("mine/0", question, answer, "train", "mine.jsonl:1")
    return blocks_of(problem, (in_total.FAMILY,), most=9)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Jo has 4 boxes of 20 pounds each.", "Jo has 4 boxes of 20 pounds in total."),
        ("Jo has 4 boxes. Each box weighs 20 pounds.", "Jo has 4 boxes. The boxes weigh 20 pounds in total."),
        (
            "Jo has 4 boxes. If each of the boxes weighs 20 pounds.",
            "Jo has 4 boxes. If the boxes weigh 20 pounds in total.",
        ),
        ("Jo has 4 boxes that each weigh 20 pounds.", "Jo has 4 boxes that weigh 20 pounds in total."),
        ("Jo has 4 boxes with 20 pounds in each box.", "Jo has 4 boxes with 20 pounds in total."),
        ("Jo gives 20 pounds to each of her 4 friends.", "Jo gives 20 pounds in total to her 4 friends."),
    ],
)
def test_each_is_read_as_in_total(said: str, read: str) -> None:
    [block] = made(said + ASKED)
    assert block.edit.question == read + ASKED
    assert block.twin_steps == ("With the bag there are 20+9 = 29 pounds.",)


def test_a_step_that_the_next_one_does_not_need_says_the_total() -> None:
    question = "Jo buys 4 hats for $20 each and 3 caps for $7 each. How much does she pay?"
    answer = (
        "The hats cost 4*20 = $<<4*20=80>>80.\nThe caps cost 3*7 = $<<3*7=21>>21.\n"
        "She pays 80+21 = $<<80+21=101>>101.\n#### 101"
    )
    first, second = made(question, answer)
    assert first.twin_steps == ("The hats cost $20.", "The caps cost 3*7 = $21.", "She pays 20+21 = $41.")
    assert second.twin_steps == ("The hats cost 4*20 = $80.", "She pays 80+7 = $87.")


@pytest.mark.parametrize(
    "said",
    [
        "Jo has 4 boxes. Each bag of sand weighs 20 pounds.",  # not what there are 4 of
        "Jo has 4 boxes. Each box weighs 20 pounds per box.",  # in total would still be for each
    ],
)
def test_what_is_not_shared_is_left(said: str) -> None:
    assert made(said + ASKED) == []


def test_fewer_in_total_than_there_are_boxes_is_no_sensible_reading() -> None:
    answer = STEPS.replace("4*20", "40*20").replace("80", "800").replace("89", "809")
    assert made("Jo has 40 boxes of 20 pounds each." + ASKED, answer) == []
