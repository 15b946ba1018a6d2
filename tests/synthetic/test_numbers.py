"""Numbers are exact, and are written in the shape of the text that they replace."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prm_gsm8k.synthetic.numbers import decimals, read_number, whole, write_number


@pytest.mark.parametrize(
    ("text", "value"),
    [("48", 48), ("1,200", 1200), ("18.00", 18), (".5", Fraction(1, 2)), ("20%", Fraction(1, 5))],
)  # fmt: skip
def test_a_written_number_is_read_exactly(text: str, value: Fraction) -> None:
    assert read_number(text) == value
    assert type(read_number(text)) is type(value)


@pytest.mark.parametrize("text", ["", "x", "1/2", "--3"])
def test_anything_else_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        whole(read_number(text + "x"))


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        (96, "48", "96"),
        (1250, "1,200", "1,250"),
        (1250, "1200", "1250"),
        (12, "18.00", "12.00"),
        (Fraction(5, 2), "18.00", "2.50"),
        (Fraction(1, 4), ".5", ".25"),
        (Fraction(1, 4), "0.5", "0.25"),
        (Fraction(1, 4), "20%", "25%"),
        (Fraction(1, 1000), "7", "0.001"),
    ],
)
def test_a_new_value_takes_the_shape_of_the_old_text(value: Fraction, like: str, text: str) -> None:
    assert write_number(value, like) == text


def test_a_value_without_an_exact_short_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no exact decimal form"):
        write_number(Fraction(1, 3), "5")
    assert decimals(Fraction(1, 3), 4) is None


@given(st.integers(0, 10**9), st.sampled_from(["7", "1,200", "18.00", ".5", "0.5", "20%", "12.5%"]))
def test_what_is_written_is_read_back(number: int, like: str) -> None:
    value = whole(Fraction(number, 100))
    assert read_number(write_number(value, like)) == value
