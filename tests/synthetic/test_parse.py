"""A reference solution becomes a graph: steps, numbers, equations, and where each operand comes from."""

from fractions import Fraction

import pytest

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.parse import (
    CONSTANT,
    QUESTION,
    UNKNOWN,
    Solution,
    UnreadableError,
    question_numbers,
    read_solution,
)

NATALIA = shipped_problems("train")[0]
WENG = shipped_problems("train")[1]


def solution(answer: str, question: str = "He has 3 bags of 4 apples and 20% more.") -> Solution:
    return read_solution(question, answer)


def test_the_running_example() -> None:
    read = read_solution(NATALIA.question, NATALIA.answer)
    assert read.steps[1] == ["Natalia sold ", "48", "+", "24", " = ", "72", " clips altogether in April and May."]
    first, second = read.equations
    assert (first.operands, first.operators, first.result) == ([48, 2], ["/"], 24)
    assert first.sources == [QUESTION, QUESTION]  # "half as many" says the 2
    assert second.sources == [QUESTION, 0]
    assert read.final == 1
    assert read.answer == 72


def test_arithmetic_is_exact() -> None:
    read = read_solution(WENG.question, WENG.answer)
    assert read.equations[0].result == Fraction(1, 5)
    assert read.equations[0].sources == [QUESTION, CONSTANT]
    assert read.equations[0].cents
    assert read.mentions[0].operands == ((1, 1),)  # "Working 50 minutes" is the 50 of the equation beside it


@pytest.mark.parametrize(
    ("text", "operands", "operators"),
    [
        ("He has 3 * 4 = <<3*4=12>>12 apples.\n#### 12", [3, 4], ["*"]),
        ("He has 3 bags x 4 apples/bag = <<3*4=12>>12 apples.\n#### 12", [3, 4], ["*"]),
        ("He has 3 × 4 = 12 apples.\n#### 12", [3, 4], ["*"]),
        ("He pays $3 + $4.50 = $<<3+4.5=7.50>>7.50.\n#### 7.5", [3, Fraction(9, 2)], ["+"]),
        ("He gets 20% of 60 = <<60*.2=12>>12.\n#### 12", [Fraction(1, 5), 60], ["*"]),
        ("He has 3 * (2 + 2) = 12.\n#### 12", [3, 2, 2], ["*", "+"]),
        ("He has 1,200 / 100 = 12 apples.\n#### 12", [1200, 100], ["/"]),
        ("Apples = 3 * 4 = 12.\n#### 12", [3, 4], ["*"]),
        ("He has <<3*4=12>>12 apples.\n#### 12", [3, 4], ["*"]),
    ],
)
def test_equations_in_every_writing(text: str, operands: list[int], operators: list[str]) -> None:
    (equation,) = solution(text).equations
    assert (equation.operands, equation.operators, equation.result) == (
        operands,
        operators,
        12 if "12" in text else equation.result,
    )
    assert not equation.frozen


@pytest.mark.parametrize(
    "text",
    [
        "He has 2 + 2 * 3 = 2 + 6 = 8 apples.\n#### 8",  # a chain: its middle is no operand of ours to change
        "So 2x - 3 * 4 = <<3*4=12>>12.\n#### 12",
        "He has 14 plus 8 equals <<14+8=22>>22.\n#### 22",
    ],
)
def test_what_cannot_be_read_with_certainty_is_frozen(text: str) -> None:
    assert all(equation.frozen for equation in solution(text).equations)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("He has 12 apples.", "no final answer"),
        ("He has 3 * 4 = 12.\n#### twelve", "answer is not a number"),
        ("\n#### 12", "no step"),
        ("He has 12 apples.\n#### 12", "no equation"),
        ("He has 3 * 4 = 13 apples.\n#### 13", "false equation"),
        ("He has 3 * 4 = <<3*4=13>>13 apples.\n#### 13", "false equation"),
        ("He has 3 * 4 = 12 apples.\n#### 11", "answer is no result"),
    ],
)
def test_what_is_no_solution_says_why(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        solution(text)


def test_a_number_of_two_origins_is_doubtful_unless_the_result_would_be_unused() -> None:
    # 12 is a result and a number of the question. Step 2 must use it: nothing else does.
    used = solution("He has 3 * 4 = 12.\nHe eats 12 - 2 = 10.\n#### 10", "He has 3 bags of 4 apples, 12 pears.")
    assert used.equations[1].sources[0] == 0
    assert used.equations[1].others[0] == ()
    # Here two operands could be the use, so neither is certain.
    doubtful = solution("He has 3 * 4 = 12.\nHe has 12 + 12 = 24.\n#### 24", "He has 3 bags of 4 apples, 12 pears.")
    assert doubtful.equations[1].others == [(QUESTION,), (QUESTION,)]


def test_an_operand_from_nowhere_is_unknown() -> None:
    read = solution("He has 3 * 4 = 12.\nHe has 12 + 337 = 349.\n#### 349")
    assert read.equations[1].sources == [0, UNKNOWN]


def test_numbers_of_a_question() -> None:
    question = "Twice as many as the 1,500 of three-fifths, 20% off $2.50."
    values, quantities, shares = question_numbers(question, ["twice", "as", "three", "fifths"])
    assert {2, 1500, 3, 5, Fraction(1, 5), 20, Fraction(5, 2)} <= values
    assert quantities == [Fraction(5, 2), 3, 1500]  # "twice" relates, it counts nothing
    assert shares == [Fraction(1, 5)]


@pytest.mark.slow
def test_gsm8k_train_is_read() -> None:
    """94.9% when written; what is not read is skipped and counted, never guessed."""
    read = 0
    problems = shipped_problems("train")
    for problem in problems:
        try:
            read_solution(problem.question, problem.answer)
            read += 1
        except UnreadableError:
            pass
    assert read / len(problems) > 0.945
