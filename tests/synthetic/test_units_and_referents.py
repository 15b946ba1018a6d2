"""A unit, a base or a referent is misread; each family leaves what would not be certain or not read well."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import base, exchanged, referent, unit


def made(family: Family, question: str, answer: str) -> list[Block]:
    problem = Problem("mine/0", question, answer, "train", "mine.jsonl:1")
    return blocks_of(problem, (family,), most=9)


@pytest.mark.parametrize(
    ("said", "read", "factor"),
    [
        ("3 dozen eggs", "3 eggs", 12),
        ("3 dozens of eggs", "3 eggs", 12),
        ("3 eggs a day", "3 eggs a week", 7),
        ("3 fresh eggs every month", "3 fresh eggs every year", 12),
        ("eggs for 3 weeks", "eggs for 3 days", 7),
    ],
)
def test_nothing_is_converted(said: str, read: str, factor: int) -> None:
    question = f"Jo wants {said}, and 5 more. How many pounds is that, at 2 pounds for one?"
    many = 3 * factor
    answer = (
        f"Jo wants 3*{factor} = <<3*{factor}={many}>>{many} eggs.\n"
        f"She wants {many}+5 = <<{many}+5={many + 5}>>{many + 5}.\n"
        f"So {many + 5}*2 = <<{many + 5}*2={2 * many + 10}>>{2 * many + 10} pounds.\n#### {2 * many + 10}"
    )
    [block] = made(unit.FAMILY, question, answer)
    assert block.edit.question == question.replace(said, read)
    assert block.twin_steps == ("She wants 3+5 = 8.", "So 8*2 = 16 pounds.")


def test_a_result_in_words_that_are_not_followed_is_left() -> None:
    question = "Jo buys 2 dozen roses for $3 each and a vase for $9. How much does she pay?"
    answer = (
        "Jo buys 2*12 = <<2*12=24>>24 roses.\nTwenty-four roses cost 24*3 = $<<24*3=72>>72.\n"
        "She pays 72+9 = $<<72+9=81>>81.\n#### 81"
    )
    assert made(unit.FAMILY, question, answer) == []
    [block] = made(unit.FAMILY, question, answer.replace("Twenty-four", "The"))
    assert block.twin_steps[0] == "The roses cost 2*3 = $6."


ANIMALS = "Jo has 6 cows, 9 goats and twice as many hens as goats. How many animals has she?"
COUNTED = "There are 2*9 = <<2*9=18>>18 hens.\nShe has 6+9+18 = <<6+9+18=33>>33 animals.\n#### 33"


def test_a_comparison_is_referred_to_another_thing() -> None:
    [block] = made(referent.FAMILY, ANIMALS, COUNTED)
    assert block.edit.question == ANIMALS.replace("as goats", "as cows")
    assert block.twin_steps[0] == "There are 2*6 = 12 hens."


def test_but_not_to_one_that_is_counted_nowhere() -> None:
    question = ANIMALS.replace("Jo has 6 cows", "Jo has 6 children")
    answer = "There are 2*9 = <<2*9=18>>18 hens.\nShe has 9+18 = <<9+18=27>>27 animals.\n#### 27"
    assert made(referent.FAMILY, question, answer) == []


def test_all_is_what_there_was_before_anything_was_taken() -> None:
    question = (
        "Jo has 90 pens. She loses 10 and sells 20. She gives a third of the remaining pens to Al. How many has she?"
    )
    answer = (
        "She has 90-10 = <<90-10=80>>80 pens.\nNow 80-20 = <<80-20=60>>60 are there.\n"
        "Al gets 60/3 = <<60/3=20>>20 pens.\nShe has 60-20 = <<60-20=40>>40 pens.\n#### 40"
    )
    [block] = made(base.FAMILY, question, answer)
    assert "a third of all the pens" in block.edit.question
    assert block.twin_steps[2] == "Al gets 90/3 = 30 pens."


def test_half_may_be_the_half_that_is_kept() -> None:
    question = "Jo has 90 pens. She loses 10. She gives half of the remaining pens to Al. How many for 2 of her?"
    answer = "She has 90-10 = <<90-10=80>>80.\nShe has 80/2 = <<80/2=40>>40.\nTwice 40*2 = <<40*2=80>>80.\n#### 80"
    assert made(base.FAMILY, question, answer) == []


def test_things_that_are_told_of_in_the_same_words_are_exchanged() -> None:
    question = "Jo bought 5 hats for $4 each. She also bought 3 caps for $7 each. How much did she pay?"
    answer = (
        "The hats cost 5*4 = $<<5*4=20>>20.\nThe caps cost 3*7 = $<<3*7=21>>21.\n"
        "She paid 20+21 = $<<20+21=41>>41.\n#### 41"
    )
    twins = [block.edit.question for block in made(exchanged.FAMILY, question, answer)]
    assert question.replace("5", "X").replace("3", "5").replace("X", "3") in twins
    other = question.replace("She also bought 3 caps", "She needed 3 caps")
    assert not any("3 hats" in block.edit.question for block in made(exchanged.FAMILY, other, answer))
