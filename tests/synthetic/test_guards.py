"""What readings found wrong stays refused: of two questions with one solution one makes a block, the other none."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.cuts import cuts
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import (
    amount,
    aside,
    dropped,
    exchanged,
    in_total,
    last_part,
    multiple,
    number,
    referent,
    relation,
    unit,
)
from prm_gsm8k.synthetic.question import read_question

PENS = (
    "Bob has 9+5 = <<9+5=14>>14 pens.\nCid has 14+3 = <<14+3=17>>17 pens.\n"
    "They have 17+14+9 = <<17+14+9=40>>40 pens.\n#### 40"
)


def made(family: Family, question: str, answer: str) -> list[Block]:
    return blocks_of(Problem("mine/0", question, answer, "train", "mine.jsonl:1"), (family,), most=9)


def steps(*equations: str, says: str = "It is {}.") -> str:
    """A solution, a step for each equation: "4*20" in the words of `says`."""
    lines, result = [], ""
    for equation in equations:
        result = str(round(eval(equation), 2)).removesuffix(".0")
        lines.append(says.format(f"{equation} = <<{equation}={result}>>{result}"))
    return "\n".join([*lines, f"#### {result}"])


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("Jo uses it 3 times a week for 2 weeks. How many?", "uses it a week"),
        ("Jo sold 5 kg to Mrs. Ray and 78 kg to Mr. Wu. How many?", "Ray. Wu"),
        ("Jo left one end and drove 9 miles on Monday and 5 miles on Tuesday. How many?", "left 5"),
        ("A class with 20 boys and 3 teachers is going to sea. The fare is $5. How much?", "boys. The"),
        ("There are 6 cooks. If 6 cooks and 3 waiters leave, how many?", "If 6 cooks, how"),
        ("Jo buys 3 pens; 2 pins; and a cap for $9. How much?", ";."),
        ("A bug hit the farm and every day Jo lost 20 hens, 8 geese and 5 cows. How many?", "hens, 8 geese."),
    ],
)
def test_no_cut_leaves_this(text: str, broken: str) -> None:
    assert not any(broken in cut.of(text) for cut in cuts(read_question(text)))


PINS = "Jo buys 9 pens. She finds 6 pins. She gets 4 nuts. How many?"


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("She finds 6 pins", "She finds 4 pins"),  # which of the equal numbers a step means
        ("Jo buys 9 pens. She finds", "Jo and Al shop. Jo buys 9 pens. Al finds"),  # nothing else is his
        ("finds 6", "finds only 6"),  # corrects the sentence before
        ("How many?", "How many are the 3 sorts?"),
        ("She finds 6 pins. She", "Eve finds 6 pins. She"),  # who she is
        ("How many?", "How many pins, pens and nuts?"),
    ],
)
def test_a_part_that_is_needed_is_not_left_out(said: str, refused: str) -> None:
    def without_pins(question: str, equation: str) -> bool:
        return any("pins." not in block.edit.question for block in made(dropped.FAMILY, question, steps(equation)))

    assert without_pins(PINS, "9+6+4")
    question = PINS.replace(said, refused)
    assert not without_pins(question, "9+4+4" if "4 pins" in question else "9+6+4")


def test_what_is_left_tells_what_was_used() -> None:
    answer = steps("50-5", "45-30")
    question = "Jo has 50 cups. Then 5 break. {} How many cups {}?"
    assert made(last_part.FAMILY, question.format("She sells 30 cups.", "has she left"), answer)
    assert not made(last_part.FAMILY, question.format("In the end 30 remain.", "were used"), answer)


@pytest.mark.parametrize(
    ("family", "answer", "kept", "refused"),
    [
        (aside.FAMILY, steps("4*3", "12+17", says="It is ${}."),
         "Jo buys 4 pens for $3 each and a cap for $17 in the shop. What is the total cost?",
         "Jo buys 4 pens for $3 each and a cap for $17 in the shop. How much does the set cost?"),
        (aside.FAMILY, steps("9*4", "36-6"),
         "Jo has 9 boxes of 4 books. She gives 6 books to Al. How many books does Jo have left?",
         "Jo has 9 boxes of 4 books. If she gives 6 books to Al, how many books does Jo have left?"),
        (aside.FAMILY, steps("9*4", "36+6"),
         "Jo has 9 boxes of 4 books. She has 6 books on a shelf. How many books does Jo have?",
         "Al has 9 boxes of 4 books. Jo has 6 books more than Al. How many books does Jo have?"),
        (relation.FAMILY, steps("90+7", "97*2"),
         "The price increased by $7 from $90. What do 2 cost?",
         "The price increased from $7 by $90. What do 2 cost?"),
        (multiple.FAMILY, steps("40/2", "20+9"),
         "Jo costs Al $40. Ed gets half the cost. Then he gets $9. How much has he?",
         "Jo costs Al $40. Ed pays half the cost. Then he pays $9. How much has he?"),
        (multiple.FAMILY, steps("12*2", "24+12"),
         "Al is 12. Jo is twice as old as Al. What is the sum of their ages?",
         "Al is 12. Jo is twice as old as Al. When Jo is 36, how old is Al?"),
        (unit.FAMILY, steps("50*7", "350+9", says="{} meals are served."),
         "Jo serves 50 meals per day. Al serves 9 meals. How many in a week?",
         "Jo serves 20 meals, and 50 meals per day. Al serves 9 meals. How many in a week?"),
        (unit.FAMILY, steps("8*12", "96+5"),
         "A rope is 8 feet long. With 5 inches more, how many inches is it?",
         "A room is 8 feet tall. With 5 inches more, how many inches is it?"),
        (in_total.FAMILY, steps("4*20", "80+9"),
         "Jo fries 4 eggs for 20 minutes each. Then she rests 9 minutes. How long is it?",
         "Jo fries 4 eggs. It takes 20 minutes to fry each egg. Then she rests 9 minutes. How long is it?"),
        (in_total.FAMILY, steps("4*20", "80+9"),
         "Jo runs 4 miles at 20 minutes per mile. Then she rests 9 minutes. How long is it?",
         "Jo runs 4 miles at a rate of 20 minutes per mile. Then she rests 9 minutes. How long is it?"),
        (number.FAMILY, steps("3*52", "156+9"),
         "Jo has 3 boxes of 52 pens and 9 pens. How many?",
         "Jo has 3 $52 bills and 9 pens. How many?"),
        (exchanged.FAMILY, steps("20+15", "35-7"),
         "Jo had 20 eggs. She found 15 eggs. She saw that 7 eggs are bad. How many are good?",
         "Jo had 20 eggs. She found 15 eggs. She ate 7 eggs. How many are left?"),
        (exchanged.FAMILY, steps("12*2", "24+15", "39*3"),
         "Al has 12. Jo has 2 times as many and 15 pens, and Ed 3 times as many as Jo. How many has Ed?",
         "Al has 12. Jo has twice as many and 15 pens, and Ed three times as many as Jo. How many has Ed?"),
        (referent.FAMILY, PENS,
         "Ann has 9 pens. Bob has 5 pens more than Ann. Cid has 3 pens more than Bob. How many have they?",
         "Ann has 9 pens. Bob has 5 pens more than Ann. Cid has 3 pens more than his son Bob. How many have they?"),
        (amount.FAMILY, "Jo has 9+50 = <<9+50=59>>59 pens.\nThey have 59+8 = <<59+8=67>>67 pens.\n#### 67",
         "Al has 9 pens. Jo has 50 more pens than Al. Ed has 8 pens. How many have Jo and Ed?",
         "Jo has 50 more pens than Al who has 9 pens. Ed has 8 pens. How many have Jo and Ed?"),
        (exchanged.FAMILY, steps("20+15", "35-7"),
         "Jo had 20 eggs. She found 15 eggs. She saw that 7 eggs are bad. How many are good?",
         "Jo had 20 eggs. She found 15 eggs, the most of all. She saw that 7 eggs are bad. How many are good?"),
        (exchanged.FAMILY, steps("3*8", "4*5", "24+20"),
         "3 vans hold 8 people each, and 4 cars hold 5 people each. How many can ride?",
         "3 vans hold 8 people each, and 4 cars hold a maximum of 5 people each. How many can ride?"),
        (amount.FAMILY, "Jo has 9+50 = <<9+50=59>>59 pens.\nThey have 59+8 = <<59+8=67>>67 pens.\n#### 67",
         "Al has 9 pens. Jo has 50 more pens than Al. Ed has 8 pens. How many have Jo and Ed?",
         "Al has 9 pens. Jo has 50 more pens than Al. Ed, the poorest, has 8 pens. How many have Jo and Ed?"),
    ],
)  # fmt: skip
def test_what_would_be_wrong_is_refused(family: Family, answer: str, kept: str, refused: str) -> None:
    assert made(family, kept, answer)
    assert not made(family, refused, answer)


def test_on_which_side_of_a_threshold_something_is_may_change() -> None:
    question = "Jo has 9 pens, 6 pins and 4 nuts. {} How many has she?"
    assert made(dropped.FAMILY, question.format("She likes them."), steps("9+6+4"))
    tally = Tally()
    refused = question.format("Whoever has more than 100 wins.")
    problem = Problem("mine/0", refused, steps("9+6+4"), "train", "mine.jsonl:1")
    assert not blocks_of(problem, (dropped.FAMILY,), tally=tally)
    assert any(reason.endswith("/threshold") for reason in tally.counts)


def test_a_compound_number_word_that_would_have_to_change_is_refused() -> None:
    question = "Jo has 24 pens and Al has 13 pens. Ed has 9 pens less. How many has he?"
    answer = "They have 24+13 = <<24+13=37>>37.\nSo {} and 13 pens come to 37-9 = <<37-9=28>>28.\n#### 28"
    assert made(number.FAMILY, question, answer.format("their"))
    assert not any("42" in b.edit.question for b in made(number.FAMILY, question, answer.format("twenty-four")))
