"""First errors by the reference: each rule on a solution written for it, beside one that the rule must not touch."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prm_gsm8k
from prm_gsm8k.label.reference import Reference
from prm_gsm8k.label.solution import Label, explain, label_solution
from prm_gsm8k.label.trace import GIVEN, ONWARD, OTHER, PART, SAME, SHARE, VALUE, follow

QUESTION = (
    "Nia bakes 36 muffins and 12 pies. She gives a third of the muffins away and sells the rest for $2 each. "
    "Each pie sells for $9. Flour cost her $20. How much does she earn?"
)
REFERENCE = """She gives 36/3 = <<36/3=12>>12 muffins away.
So 36 - 12 = <<36-12=24>>24 muffins are left.
They bring 24 * 2 = $<<24*2=48>>48.
The pies bring 12 * 9 = $<<12*9=108>>108.
Together that is 48 + 108 = $<<48+108=156>>156.
After flour she has 156 - 20 = $<<156-20=136>>136.
#### 136"""


def label(*steps: str) -> Label:
    return label_solution(QUESTION, REFERENCE, steps)


def kinds(*steps: str) -> list[str]:
    return [value.kind for value in follow(Reference(QUESTION, REFERENCE), steps).values]


# --- right answers ----------------------------------------------------------------------------------------------------

OTHER_ROUTES = {
    "as the reference": [
        "36/3 = 12",
        "36 - 12 = 24",
        "24*2 = 48",
        "12*9 = 108",
        "48+108 = 156",
        "156-20 = 136",
        "#### 136",
    ],
    "another order": [
        "12 * $9 = $108",
        "2/3 of 36 = 24",
        "24 * $2 = $48",
        "$108 - $20 = $88",
        "$88 + $48 = $136",
        "A: 136",
    ],
    "in one": ["She earns (36 - 36/3)*2 + 12*9 - 20 = $136.", "The answer is $136.00."],
    "with x": ["Let x be what she earns.", "x + 20 = 48 + 108", "x = 136", "The answer is 136"],
    "LaTeX": [r"\(36 \times \frac{2}{3} = 24\)", r"\(24 \times 2 + 108 - 20 = 136\)", r"\boxed{136}"],
    "terse": ["136"],
}


@pytest.mark.parametrize("steps", OTHER_ROUTES.values(), ids=OTHER_ROUTES)
def test_the_right_answer_is_right_by_any_route(steps: list[str]) -> None:
    assert label(*steps).first_error == -1


def test_but_not_with_an_equation_that_is_false_however_it_is_read() -> None:
    found = label("36/3 = 12", "36 - 12 = 26", "She earns $136.", "#### 136")
    assert (found.first_error, found.kind) == (1, "false equation")
    assert found.reason == "states 36 - 12 = 26, but it is 24"


def test_a_rounded_one_is_not_false() -> None:
    assert label("12/7 = 1.71 a day", "#### 136").first_error == -1


# --- wrong answers ----------------------------------------------------------------------------------------------------

WRONG = {
    "takes another number": (
        ["36/3 = 12 are given away.", "36 * 2 = $72 of them.", "12 * 9 = $108.", "72 + 108 - 20 = $160", "#### 160"],
        1,
        "computes 36 * 2 = 72, where the reference has 24 * 2 = 48: 36 instead of 24",
    ),
    "miscalculates": (
        ["36/3 = 12", "36 - 12 = 22", "22 * 2 = 44", "12*9 = 108", "44 + 108 - 20 = 132", "#### 132"],
        1,
        "states 36 - 12 = 22, but it comes to 24",
    ),
    "leaves a term out": (
        ["36/3 = 12", "36-12 = 24", "24*2 = 48", "She gets 48 - 20 = $28.", "#### 28"],
        3,
        "computes 48 - 20 = 28, where the reference has 156 - 20 = 136: 48 instead of 156",
    ),
    "goes on past the answer": (
        ["(36 - 36/3)*2 + 12*9 - 20 = 136", "Over 2 days that is 136 / 2 = 68.", "#### 68"],
        1,
        None,
    ),
    "sets up an equation that nothing solves": (
        ["Let x be the muffins left.", "x + 20 = 36", "x = 16", "#### 16"],
        1,
        "sets up x + 20 = 36, which no value of the reference solves",
    ),
    "stops early": (
        ["36/3 = 12", "36 - 12 = 24", "24*2 = 48", "12*9 = 108", "48+108 = 156", "#### 156"],
        5,
        "no value before it contradicts the reference; it concludes 156 instead of 136",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_the_first_step_that_the_reference_does_not_support(case: tuple[list[str], int, str | None]) -> None:
    steps, first_error, reason = case
    found = label(*steps)
    assert found.first_error == first_error
    assert reason is None or found.reason == reason
    assert 0 < found.confidence < 1


def test_what_comes_before_the_error_is_not_blamed_for_taking_another_route() -> None:
    # 36 * 2/3 is not in the reference, but it is the same quantity as 36 - 12
    assert (
        label(
            "36 * 2/3 = 24", "24 * 2 = 48", "12 * 9 = 108", "48 + 108 = 156", "156 + 20 = 176", "#### 176"
        ).first_error
        == 4
    )


# --- what a value is to the reference ---------------------------------------------------------------------------------

KINDS = {
    ("36 - 12 = 24",): [SAME],  # 12 may be the pies: then it is no quantity of the reference, and still one by value
    ("36/3 = 12", "36 - 12 = 24"): [SAME, SAME],
    ("36 - 36/3 = 24",): [SAME],  # in one
    ("36 * 2/3 = 24",): [SAME],  # all but a third is two thirds
    ("12*9 = 108", "108 - 20 = 88"): [SAME, PART],  # some of the terms of 48 + 108 - 20
    ("36 * 2 = 72",): [SHARE],  # one factor of (36 - 12) * 2 multiplied out
    ("20 + 4 = 24",): [VALUE],  # the value, from other numbers
    ("20 * 1 = 20",): [GIVEN],
    ("9/36 = 1/4",): [OTHER],  # a fraction is a result, no other computation
    ("9 + 20 = 29",): [OTHER],
    ("156 + 20 = 176",): [ONWARD],  # one operation from 156, which it did not have
}


@pytest.mark.parametrize("steps", KINDS)
def test_kinds(steps: tuple[str, ...]) -> None:
    found = kinds(*steps)
    if steps == ("36 - 12 = 24",):
        assert found[0] in (SAME, VALUE)
    else:
        assert found == KINDS[steps]


def test_a_number_that_is_a_result_and_in_the_question_may_be_either() -> None:
    """The reference gives 12 muffins away, and the question has 12 pies."""
    assert kinds("36/3 = 12", "36 - 12 = 24", "24 * 2 + 12 * 9 = 156")[-1] == SAME


def test_equal_values_are_not_the_same_quantity() -> None:
    """4 * 2 = 8 people is another 8 than 16 / 2 = 8 weeks."""
    question = "There are 4 rooms with 2 beds, and 16 towels for each pair of days. How many towels a day and a bed?"
    reference = Reference(question, "16/2 = <<16/2=8>>8\n4*2 = <<4*2=8>>8\n8/8 = <<8/8=1>>1\n#### 1")
    same, other = follow(reference, ["4 * 2 = 8", "16 - 4 - 4 = 8"]).values
    assert (same.kind, other.kind) == (SAME, VALUE)


@given(st.permutations([36, 12, 24]), st.integers(0, 5))
def test_sums_are_the_same_in_any_order(numbers: list[int], seed: int) -> None:
    question = "A box has 36 red, 12 blue and 24 green pens. How many pens are there?"
    reference = Reference(question, "36+12+24 = <<36+12+24=72>>72\n#### 72")
    random.Random(seed).shuffle(numbers)
    a, b, c = numbers
    assert [v.kind for v in follow(reference, [f"{a} + {b} + {c} = 72"]).values] == [SAME]
    assert [v.kind for v in follow(reference, [f"{a} + {b} = {a + b}"]).values] == [PART]


def test_the_same_in_percent_and_in_shares() -> None:
    reference = Reference(
        "Of 60 pens 20% are red and 50% blue. What share is green?", "100-20-50 = <<100-20-50=30>>30\n#### 30"
    )
    assert [v.kind for v in follow(reference, ["100% - 20% - 50% = 30%", "1 - 0.2 - 0.5 = 0.3"]).values] == [SAME, SAME]
    assert follow(reference, ["100% - 20% - 40% = 40%"]).values[0].kind != SAME


def test_a_result_rounded_to_two_places_is_true() -> None:
    values = follow(Reference(QUESTION, REFERENCE), ["1/3 = 0.33 of them", "2/36 = 0.06", "7/2 = 3.4"]).values
    assert [v.false for v in values] == [False, False, True]


@pytest.mark.parametrize("again", ["144", " $144.00", "#### 144"])
def test_a_number_that_says_the_conclusion_again_is_not_where_it_was_wrong(again: str) -> None:
    found = label("36/3 = 12", "36 - 12 = 24", "24*2 = 48", "12*9 = 108", "So she earns $144 in all.", again)
    assert found.first_error == 4
    assert found.chances[5] == 0
    assert label("36/3 = 12", "So she earns $12 in all.", "144").chances[2] > 0


# --- what cannot be told ----------------------------------------------------------------------------------------------

WHOLE = "She gives 36/3 = 12 away. So 36 - 12 = 24 are left. They bring 48. The pies bring 108. The answer is 136."
CANNOT: dict[str, list[str]] = {
    "no steps": [],
    "no steps, blank": [" ", "\n"],
    "candidates": [WHOLE, WHOLE.replace("136", "140")],
    "no answer": ["She bakes muffins.", "Then she sells them."],
    "another unit": ["That is 0.136 thousand dollars.", "#### 0.136"],
    "another language": ["Ella hornea panecillos y regala una parte", "Vende los otros y gana mucho dinero", "12"],
    "another language, English at the end": ["Elle vend 36 * 2 = 72.", "Avec les pies 180.", "The answer is 180."],
    "another language, with English words": ["In der Woche hat sie 36 * 2 = 72 und so 72 + 108 = 180.", "#### 180"],
    "another language, another script": ["她卖了36*2=72美元的松饼。", "一共是72+108=180美元。", "答案是180。"],
    "another language, unlisted": ["Ona piecze, co nie jest tak proste.", "Potem sprzedaje wszystkie razem za 180."],
    "candidates, short": ["36/3=12\n36-12=24\n#### 24", "36/3=12\n12*2=24\n#### 136"],
    "candidates, in boxes": ["He keeps 24. So $24*2=48$. So \\boxed{48}", "He keeps 12. So $12*2=24$. So \\boxed{24}"],
    "candidates, as GSM8K's own models end": ["36/3=12\n36-12=24\nA: 24", "36/3=12\n12*2=24\nA: 136"],
    "candidates, in bold": ["36/3=12\n\n36-12=24\n\n**24**", "36/3=12\n\n12*2=24\n\n**$136**."],
    "candidates, answers in the line": ["36/3=12. 36-12=24. Answer: 24", "36/3=12. So 12*2=24. Answer: 136"],
    "candidates, answers alone": ["136", "$144."],
    "nothing to read": ["She sells everything, and that is what she gets.", "#### 7"],
}  # fmt: skip


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_told_is_not_guessed(name: str) -> None:
    found = label(*CANNOT[name])
    assert found.first_error is None
    assert found.kind == name.partition(",")[0]
    assert found.confidence == 0
    assert len(found.reason) > 10


def test_terse_english_is_english() -> None:
    words = [
        "Nia: 36 muffins * 2 dollars = 72 dollars",
        "pies: 12 pies * 9 dollars = 108 dollars",
        "72 + 108 = 180 dollars",
    ]
    assert label(*words, "A: 180").first_error == 0
    assert label("x + y = 36 πr", "36 * 2 = 72", "A: 72").kind != "another language"


def test_steps_that_repeat_the_answer_are_no_candidates() -> None:
    assert label("36/3 = 12. She keeps 24. So she earns $136.", "The answer is 136.", "#### 136").first_error == -1


def test_an_equation_in_another_language_is_none() -> None:
    assert label("Ella gana 24 * 2 + 12 * 9 - 20 = 136", "#### 136").first_error == -1


@pytest.mark.parametrize("solution", ["36/3 = 12", "36/3 = 12\n#### many", ""])
def test_a_reference_without_a_number(solution: str) -> None:
    found = label_solution(QUESTION, solution, ["36/3 = 12", "#### 12"])
    assert (found.first_error, found.kind) == (None, "no number in the reference")


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_text_has_an_answer(steps: list[str]) -> None:
    found = label_solution(QUESTION, REFERENCE, steps)
    assert found.first_error is None or -1 <= found.first_error < len(steps)


LOOPS = {
    "digits": "9" * 5000 + " + 1 = 3",
    "brackets": "(" * 3000,
    "a sum": "1 + " * 3000 + "1 = 4",
    "a sum in brackets": "((1 + 1" * 1000,
    "letters": "x = x + " * 2000,
    "powers": "2^9^9^9 = 5",
    "a division by zero": "1 / 0 = 4",
    "LaTeX": "{" * 2000 + r"\frac{" * 500,
    "the same again": "5 + 7 = 12 " * 2000,
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_model_in_a_loop(name: str) -> None:
    found = label(LOOPS[name], "36/3 = 12", "#### 12")
    assert found.first_error in (None, 0, 1, 2)


# --- how it is used ---------------------------------------------------------------------------------------------------


def test_a_reference_is_read_once_for_all_solutions() -> None:
    reference = Reference(QUESTION, REFERENCE)
    for steps in ["36/3 = 12", "36 * 2 = 72", "#### 72"], ["#### 136"]:
        assert label_solution(QUESTION, reference, steps) == label_solution(QUESTION, REFERENCE, steps)


def test_evidence_says_what_was_matched_to_what() -> None:
    found = label("36/3 = 12", "36 * 2 = 72", "#### 72")
    assert [(e.step, e.said, e.relation, e.reference) for e in found.evidence[:1]] == [
        (0, "36 / 3 = 12", "the same quantity as", "36 / 3 = 12")
    ]
    text = explain(QUESTION, REFERENCE, ["36/3 = 12", "36 * 2 = 72", "#### 72"])
    assert ">>  1 36 * 2 = 72" in text
    assert "36 / 3 = 12: the same quantity as 36 / 3 = 12" in text
    assert text.endswith(found.reason)


def test_the_names_that_users_import() -> None:
    assert prm_gsm8k.label_solution is label_solution
    assert prm_gsm8k.Reference is Reference


def test_memory_stays_flat() -> None:
    """Different solutions leave nothing behind but the steps that are remembered."""

    def some(start: int) -> None:
        reference = Reference(QUESTION, REFERENCE)
        for n in range(start, start + 100):
            label_solution(QUESTION, reference, [f"{n} + 7 = {n + 7}", f"{n} * 3 = {3 * n}", f"#### {3 * n}"])

    some(0)
    tracemalloc.start()
    some(1000)
    first = tracemalloc.get_traced_memory()[0]
    some(2000)
    grown = tracemalloc.get_traced_memory()[0] - first
    tracemalloc.stop()
    assert grown < 3_000_000


GERMAN = "Ein Auto kostet 80.000 €. Ein Boot kostet 500 € weniger. Was kostet das Boot?"
GERMAN_REFERENCE = "Das Boot kostet 80.000 - 500 = 79.500 €.\n#### 79.500"


def test_a_decimal_comma_is_read_and_another_language_is_not_guessed_at() -> None:
    right = label_solution(GERMAN, GERMAN_REFERENCE, ["80.000 - 500 = 79.500", "Die Antwort ist 79.500 €."])
    assert (right.first_error, right.kind) == (-1, "right answer")
    false = label_solution(GERMAN, GERMAN_REFERENCE, ["80.000 - 500 = 78.500", "Die Antwort ist 79.500 €."])
    assert (false.first_error, false.reason) == (0, "states 80000 - 500 = 78500, but it is 79500")
    wrong = label_solution(GERMAN, GERMAN_REFERENCE, ["Das Boot kostet 80.000 + 500 = 80.500 €."])
    assert wrong.first_error is None and "in German" in wrong.reason


@pytest.mark.parametrize("answer", ["₹1,50,000", "Rs. 150000", "150'000", "CHF 150,000.00"])
def test_the_number_of_a_reference_is_read_in_any_currency(answer: str) -> None:
    assert Reference("How much?", f"75000*2=<<75000*2=150000>>150000\n#### {answer}").answer == 150000


@pytest.mark.parametrize("step", ["36 - 25% = 27", "2/3 = 0.67", "36 ÷ 5 = 7 r1", "$1.5k + $500 = $2k", "5/2 = 2 R 1"])
def test_an_equation_that_may_be_true_is_no_false_one_here_either(step: str) -> None:
    assert not any(value.false for value in follow(Reference(QUESTION, REFERENCE), [step]).values)
