"""Final answers: found however they are announced, and compared as numbers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prm_gsm8k.arithmetic.grading import final_answer, is_right, numbers, through_answer
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import UsageError

FOUND = {
    # announced
    "#### 18": "18",
    "2 * 9 = 18\n#### 1,800": "1800",
    r"\boxed{18}": "18",
    r"So $\boxed{18\text{ eggs}}$ are left.": "18",
    r"\boxed{\$1{,}200.50}": "1200.50",
    r"It is \boxed{\frac{3}{4}}.": "3/4",
    "The answer is 18.": "18",
    "The answer is: $18.": "18",
    "The answer is **18** eggs.": "18",
    "The final answer is $18.00 a day.": "18.00",
    "Therefore, the correct answer is 18 (not 19).": "18",
    "**Answer:** 18 eggs": "18",
    "A: 18": "18",
    "### Final Answer\n\n**18**": "18",
    "Final Answer: 3 trucks are needed for the 80 stones.": "3",
    "Final Answer: He runs the 400-meter race in 36 seconds.": "36",
    "The answer is -$43.33.": "-43.33",
    "The answer is −5.": "-5",
    "The answer is 70%.": "70%",
    "The answer is 70 percent.": "70%",
    "The answer is 1/2.": "1/2",
    "The answer is 2 1/2 cups.": "2 1/2",
    "The answer is 1 000 000.": "1000000",
    "The answer is .5.": ".5",
    "The answer is 110 + 32 = 142.": "142",
    "The answer is 2. Wait, that was too quick. The answer is 3.": "3",
    # as other countries write it
    "Die Antwort ist 130.000 €.": "130000",
    "Also 1.234,56 + 1 = 1.235,56": "1235.56",
    "Antwort: 0,5 kg": "0.5",
    "La réponse est 1 234,5 €.": "1234.5",
    "The answer is Rs. 1,00,000.": "100000",
    "Rs.51": "51",
    "The answer is R$ 12,50.": "12.50",
    "答えは1,250円です": "1250",
    "It is 1'000 CHF.": "1000",
    "So 3/2 = 1½ cups.": "1 1/2",
    # not announced: what the last equation comes to, or the last number
    "So 48/2 = 24 are left after 3 days.": "24",
    "He has 9 + 9 = <<9+9=18>>18 eggs.": "18",
    "She has 5 bags and 18 eggs.": "18",
    "It costs 2.00 / 8 = $0.25, which is equal to 25 cents.": "25",
    "There are 18 eggs (or 1.5 dozen).": "18",
    "5 apples. No more to say.": "5",
    # a question does not announce; a thought does not count
    "Final Answer: How many of the 12 are left?\nThere are 7.": "7",
    "<think>The answer is 4.</think>The answer is 18.": "18",
    # no number
    "The answer is x - 4.": "x - 4",
    "The answer is 2:20 pm.": "2:20 pm",
    r"\boxed{2^{10}}": "2^{10}",
    "": None,
    "Nobody knows.": None,
}


@pytest.mark.parametrize("text", FOUND)
def test_the_answer_is_found(text: str) -> None:
    assert final_answer(text) == FOUND[text]


@pytest.mark.parametrize(
    "answer",
    ["18", "$18", "18.", "18.00", r"\boxed{18}", r"\(18\)", "**18**", "18 eggs", "€18", r"\$18"],
)
def test_all_of_these_are_18(answer: str) -> None:
    assert is_right(f"The answer is {answer}", "18")


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("1,200", "1200"),
        ("1200", "1,200"),
        ("70%", "70"),
        ("70%", "0.7"),
        ("0.7", "70%"),
        ("1/2", "0.5"),
        ("0.50", "1/2"),
        (r"\frac{1}{2}", "0.5"),
        ("1 1/2", "1.5"),
        (r"1\frac{1}{2}", "1.5"),
        ("-3", "-3"),
        ("0.30000000000000004", "0.3"),
        ("$1,040,000", "1040000"),
    ],
)
def test_one_number_written_in_two_ways(answer: str, reference: str) -> None:
    assert is_right(f"So it is this.\nThe answer is {answer}.", reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("15", "5"),
        ("5", "15"),
        ("118", "18"),
        ("18.5", "18"),
        ("-18", "18"),
        ("1,800", "18"),
        ("33.33", "33.3"),
        ("2:20 pm", "2"),
        ("1/2", "2"),
        ("18/0", "18"),
        ("x + 18", "18"),
        ("18x", "18"),
        ("", "18"),
    ],
)
def test_these_are_wrong(answer: str, reference: str) -> None:
    assert not is_right(f"The answer is {answer}.", reference)


def test_expressions_go_to_math_verify() -> None:
    assert is_right(r"\boxed{2 \times 9}", "18")
    assert is_right(r"\boxed{2^{10}}", "1024")
    assert is_right(r"\boxed{3\sqrt{4}}", "6")
    assert not is_right(r"\boxed{2 \times 9}", "19")


def test_a_power_no_machine_can_hold_is_wrong_and_quick() -> None:
    assert not is_right(r"\boxed{9^{9^{9}}}", "18")
    assert not is_right(r"\boxed{9^{99999999}}", "18")
    assert not is_right(r"\boxed{" + "9" * 5000 + "}", "18")


def test_numbers_are_exact() -> None:
    assert [str(n) for n in numbers("70%")] == ["70", "7/10"]
    assert [str(n) for n in numbers("1,200.10")] == ["12001/10"]
    assert numbers("18 eggs") == numbers("eggs") == numbers("") == []


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_the_solutions_of_gsm8k_are_right_and_their_neighbours_wrong(every: int) -> None:
    for problem in shipped_problems("train")[::every]:
        reference = problem.answer.rpartition("####")[2].strip()
        assert is_right(problem.answer, reference), problem.id
        solution = problem.answer.rpartition("####")[0]
        assert not is_right(f"{solution}The answer is 1{reference.lstrip('-')}.", reference), problem.id


def test_a_text_ends_with_its_answer() -> None:
    text = "2 + 2 = 4.\nThe answer is 4.\n\nProblem: Tom has 7 bags.\nThe answer is 8."
    assert through_answer(text) == "2 + 2 = 4.\nThe answer is 4."
    assert through_answer("So the answer is close.\n#### Step 1: add\n#### 12\nmore 5") == (
        "So the answer is close.\n#### Step 1: add\n#### 12"
    )
    assert through_answer("no answer, 5") == "no answer, 5"


def test_without_math_verify_it_says_what_to_install() -> None:
    """In a process of its own, whose import of math_verify fails as it does where it is not installed."""
    code = (
        "import sys; sys.modules['math_verify'] = None\n"
        "from prm_gsm8k.arithmetic.grading import is_right\n"
        "is_right('The answer is 5.', '5')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode != 0
    assert "grading needs math_verify: pip install 'prm-gsm8k[sample]'" in run.stderr
    assert UsageError.__name__ in run.stderr
