"""A block is judged from its text alone."""

import pytest

from prm_gsm8k.synthetic.checker.block_checker import BlockChecker

QUESTION = "Jo has 48 clips. Al has half as many and 10 pens. How many clips have they together?"
TWIN = QUESTION.replace("half", "twice")
STEPS = ["Al has 48/2 = 24 clips.", "They have 48+24 = 72 clips."]
TWIN_STEPS = ["Al has 48*2 = 96 clips.", "They have 48+96 = 144 clips."]
CHECKER = BlockChecker(QUESTION, STEPS, "72")


def test_a_good_block_stands() -> None:
    assert CHECKER.refusal(TWIN, TWIN_STEPS, 0, "144") is None


@pytest.mark.parametrize(
    ("steps", "first", "answer", "why"),
    [
        (STEPS, 0, "72", "bad_shape"),
        (TWIN_STEPS, 1, "144", "bad_shape"),
        (["Al has 48*2 = 97 clips.", "They have 48+97 = 145 clips."], 0, "145", "false_equation"),
        (["Al has 48*2 = 96 clips.", "They have 48+24 = 72 clips."], 0, "72", "same_answer"),
        (["Al has 48*2 = 96 clips.", "They have 48+25 = 73 clips."], 0, "73", "unexplained_number"),
        (["Al has 58*2 = 116 clips.", "They have 48+116 = 164 clips."], 0, "164", "unexplained_number"),
        (["Al has 48*2 = 96 clips.", "They have 48+96 = 144 clips."], 0, "96", "answer"),
        (["They have 48*1.5 = 72 clips.", "With the 10 pens 72+10 = 82."], 0, "82", "same_result"),
    ],
)
def test_a_bad_block_is_refused(steps: list[str], first: int, answer: str, why: str) -> None:
    refusal = CHECKER.refusal(TWIN + " They are 1.5 times as many.", steps, first, answer)
    assert refusal is not None
    assert refusal.partition(":")[0] == why


def test_a_solution_may_end_where_the_other_goes_on() -> None:
    asked = QUESTION.replace("have they together", "has Al")
    assert CHECKER.refusal(asked, STEPS[:1], 1, "24") is None
    assert CHECKER.refusal(asked, STEPS[:1], 1, "25") is not None


def test_a_solution_may_go_on_where_the_other_ends() -> None:
    asked = QUESTION.replace("clips have they together", "dozens of clips have they together")
    steps = [*STEPS, "That is 72/12 = 6 dozens."]
    assert CHECKER.refusal(asked, steps, 2, "6") is None
    assert CHECKER.refusal(asked, STEPS, 2, "72") is not None  # it does not go on
    assert CHECKER.difference(asked, steps, 2).ends


def test_a_word_that_says_the_old_number_is_refused() -> None:
    checker = BlockChecker("Jo has three bags of 4 pens.", ["In three bags are 3*4 = 12 pens."], "12")
    refusal = checker.refusal("Jo has five bags of 4 pens.", ["In three bags are 5*4 = 20 pens."], 0, "20")
    assert refusal == "unexplained_number: 3 in words in step 0"


def test_the_difference_of_two_questions() -> None:
    read = CHECKER.difference(TWIN, TWIN_STEPS, 0)
    assert (dict(read.gone), dict(read.new)) == ({"half": 1}, {"twice": 1})
    assert (read.operators, read.twin_operators, read.ends) == ("/", "*", False)
    assert (read.turned().operators, dict(read.turned().gone)) == ("*", {"twice": 1})


def test_a_slip_is_the_one_false_equation() -> None:
    slip = ["Al has 48/2 = 14 clips.", "They have 48+14 = 62 clips."]
    assert CHECKER.refusal(QUESTION, slip, 0, "62", is_slip=True) is None
    assert CHECKER.refusal(QUESTION, slip, 0, "62") == f"false_equation: {slip[0]}"
    assert CHECKER.refusal(TWIN, TWIN_STEPS, 0, "144", is_slip=True) == f"false_equation: {TWIN_STEPS[0]}"
    assert CHECKER.difference(QUESTION, slip, 0).is_false


def test_a_conclusion_may_state_an_earlier_result_and_no_other_number() -> None:
    assert CHECKER.refusal(QUESTION, STEPS, 2, "24") is None
    assert CHECKER.refusal(QUESTION, STEPS, 2, "25") == "answer: 25 is no result"


@pytest.mark.parametrize(
    ("steps", "answer", "why"),
    [(STEPS, "72", None), (STEPS, "24", "answer"), ([STEPS[0], "They have 48+24 = 73 clips."], "73", "false_equation")],
)
def test_a_correct_solution_is_sound(steps: list[str], answer: str, why: str | None) -> None:
    found = BlockChecker(QUESTION, steps, answer).unsound()
    assert (found and found.partition(":")[0]) == why
