"""What is read of a step: every usual way to write a computation, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prm_gsm8k.label.expressions import read_step

READ = {
    # plain, with units between the numbers
    "Jo sold 3 bags * $4/bag = $12.": ["3 * 4 = 12"],
    "He has 26 days * $10/day = $260 .": ["26 * 10 = 260"],
    "2 x $12 (adult tickets) = $24": ["2 * 12 = 24"],
    "5 (adults) * 3 = 15": ["5 * 3 = 15"],
    # money and thousands
    "It costs $1,200.50 + $99.50 = $1,300.00": ["1,200.50 + 99.50 = 1,300.00"],
    "It costs $1 200 + 300 = 1500": ["1200 + 300 = 1500"],
    "They pay 1 200 € + 300 € = 1500 €": ["1200 + 300 = 1500"],
    "¥500 * 3 = ¥1500": ["500 * 3 = 1500"],
    # words
    "3 times 4 is 12": ["3 * 4 = 12"],
    "20 divided by 5 equals 4": ["20 / 5 = 4"],
    "half of 48 = 24": ["half * 48 = 24"],
    "3/4 of 200 = 150": ["3 / 4 * 200 = 150"],
    "20% of $50 is $10": ["20% * 50 = 10"],
    # fractions, mixed numbers, brackets
    "2 * 1 1/2 = 3 cups": ["2 * 1 1/2 = 3"],
    "½ * 8 = 4": ["1 / 2 * 8 = 4"],
    "60(5) - 245 = 55": ["60 * ( 5 ) - 245 = 55"],
    # LaTeX
    r"So \(3 \times \$4 = \$12\).": ["3 * 4 = 12"],
    r"\[ \frac{1}{2} \cdot 40 = 20 \text{ pens} \]": ["( ( 1 ) / ( 2 ) ) * 40 = 20"],
    r"\boxed{12 + 5 = 17}": ["12 + 5 = 17"],
    # several in one step, chains, without a result
    "3 + 4 = 7 pens, and 7 * 2 = 14 in all": ["3 + 4 = 7", "7 * 2 = 14"],
    "2*5 + 3 = 10 + 3 = 13": ["2 * 5 + 3 = 10 + 3 = 13"],
    "height of the hill = 4 x 300": ["4 * 300"],
    # letters
    "3x + 129 = 1077, so x = 316": ["3x + 129 = 1077", "x = 316"],
    "loan + $10,000 = $36,000": ["loan + 10,000 = 36,000"],
    # calculator tags are no text
    "He has 48/2 = <<48/2=24>>24 left": ["48 / 2 = 24"],
}

NOT_READ = [
    "In weeks 2-3 he pays $30.",
    "He is 12 years old, and she is 14.",
    "Step 2: The 3rd of the 10-year-old trees.",
    "He swims 4 times a week.",
    "",
    "=",
    "+ - * /",
    "((((",
    "She wants 5 + tip.",
]


@pytest.mark.parametrize("step", READ)
def test_what_is_computed(step: str) -> None:
    assert [str(statement) for statement in read_step(step).statements] == READ[step]


@pytest.mark.parametrize("step", NOT_READ)
def test_what_only_looks_like_it(step: str) -> None:
    assert read_step(step).statements == ()


def test_a_mixed_number_is_one_number() -> None:
    (statement,) = read_step("2 * 1 1/2 = 3 cups").statements
    assert statement.sides[0].numbers == (2.0, 1.5)


def test_numbers_of_the_prose_are_kept_apart() -> None:
    assert read_step("There are 24 of them, 7 red").numbers == (24.0, 7.0)
    assert read_step("7 + 3 = 10").numbers == ()


def test_a_number_in_front_is_no_quantity() -> None:
    assert read_step("2. He has 3 + 4 = 7 pens").numbers == ()
    assert read_step("Step 3: nothing").numbers == ()


@given(st.text(alphabet="0123456789 +-*/=()x.,%$abcdef\\{}[]<>^½×\n", max_size=80))
def test_nothing_stops_it(text: str) -> None:
    for statement in read_step(text).statements:
        for side in statement.sides:
            side.value()


@given(st.integers(1, 999), st.sampled_from("+-*/"), st.integers(1, 999), st.sampled_from("+-*/"), st.integers(1, 999))
def test_values_are_those_of_python(a: int, first: str, b: int, second: str, c: int) -> None:
    (statement,) = read_step(f"That is {a} {first} {b} {second} {c} = 5").statements
    assert statement.sides[0].value() == pytest.approx(eval(f"{a} {first} {b} {second} {c}"))
