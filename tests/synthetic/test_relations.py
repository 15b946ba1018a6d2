"""Relations are read the other way round: a multiple as a share, more as fewer."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import multiple, relation

ASKED = " How many have they?"


def made(family: Family, question: str, answer: str) -> list[Block]:
    problem = Problem("mine/0", question, answer, "train", "mine.jsonl:1")
    return blocks_of(problem, (family,), most=9)


def solution(equation: str, result: int, says: str = "Jo has") -> str:
    total = 12 + result
    return (
        f"{says} {equation} = <<{equation}={result}>>{result} pens.\n"
        f"They have 12+{result} = <<12+{result}={total}>>{total}.\n#### {total}"
    )


@pytest.mark.parametrize(
    ("said", "read", "equation", "step"),
    [
        ("three times as many pens as Al", "one-third as many pens as Al", "12*3", "12/3"),
        ("six times the number of Al", "one-sixth of the number of Al", "12*6", "12/6"),
        ("twice the number of Al", "half the number of Al", "12*2", "12/2"),
        ("triple what Al has", "one-third of what Al has", "12*3", "12/3"),
        ("one-third as many as Al", "three times as many as Al", "12/3", "12*3"),
        ("1/4 the number of Al", "four times the number of Al", "12/4", "12*4"),
        ("3 times more pens than Al", "3 times fewer pens than Al", "12*3", "12/3"),
    ],
)
def test_a_multiple_is_read_as_a_share(said: str, read: str, equation: str, step: str) -> None:
    question = f"Al has 12 pens. Jo has {said}.{ASKED}"
    [block] = made(multiple.FAMILY, question, solution(equation, int(eval(equation))))
    assert block.edit.question == question.replace(said, read)
    assert block.twin_steps[0].startswith(f"Jo has {step} = ")


def test_a_step_that_says_the_multiple_says_the_share() -> None:
    question = f"Al has 12 pens. Jo has three times as many as Al.{ASKED}"
    [block] = made(multiple.FAMILY, question, solution("12*3", 36, "With three times as many as Al Jo has"))
    assert block.twin_steps[0] == "With one-third as many as Al Jo has 12/3 = 4 pens."


@pytest.mark.parametrize("says", ["That is a third of it inverted, so", "Three times the pens mean tripling, so"])
def test_a_step_that_says_it_otherwise_is_left(says: str) -> None:
    question = f"Al has 12 pens. Jo has three times as many as Al.{ASKED}"
    assert made(multiple.FAMILY, question, solution("12*3", 36, says)) == []


MORE = "Al has 12 pens. Jo has 5 more pens than Al. How many have they?"


def test_more_is_read_as_fewer() -> None:
    [block] = made(relation.FAMILY, MORE, solution("12+5", 17))
    assert block.edit.question == MORE.replace("more", "fewer")
    assert block.twin_steps == ("Jo has 12-5 = 7 pens.", "They have 12+7 = 19.")


def test_a_total_of_what_is_compared_with_is_no_sum() -> None:
    says = "With 5 more than the combined pens of Al, Jo has"
    [block] = made(relation.FAMILY, MORE, solution("12+5", 17, says))
    assert block.twin_steps[0] == "With 5 less than the combined pens of Al, Jo has 12-5 = 7 pens."


@pytest.mark.parametrize("says", ["Adding the 5, Jo has", "Altogether Jo has"])
def test_a_step_that_speaks_of_adding_is_left(says: str) -> None:
    assert made(relation.FAMILY, MORE, solution("12+5", 17, says)) == []
