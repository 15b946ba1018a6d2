"""Exact numbers: read from text, computed with, and written back in the format of the text they replace.

A value is an `int` if it is whole, else a `fractions.Fraction`, never a float: no tolerance hides an incorrect result.

>>> read_number("1,200.50"), read_number("20%"), read_number(".5")
(Fraction(2401, 2), Fraction(1, 5), Fraction(1, 2))
>>> write_number(1250, like="1,200"), write_number(Fraction(5, 2), like="18.00")
('1,250', '2.50')
>>> write_number(Fraction(1, 4), like="20%")
'25%'
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

Value = int | Fraction


def whole(value: Value) -> Value:
    """The same number, as an `int` if it is whole."""
    if type(value) is not int and value.denominator == 1:
        return value.numerator
    return value


@lru_cache(maxsize=100_000)
def read_number(text: str) -> Value:
    """The value of digits with optional thousands commas, decimals and percent sign.

    Raises:
        ValueError: `text` is anything else.
    """
    digits = text.replace(",", "")
    if digits.endswith("%"):
        return whole(Fraction(digits[:-1]) / 100)
    return int(digits) if digits.isdigit() else whole(Fraction(digits))


def decimals(value: Value, limit: int) -> int | None:
    """How many decimals `value` needs to be exact; None if more than `limit`.

    >>> decimals(3, 2), decimals(Fraction(1, 4), 2), decimals(Fraction(1, 3), 2)
    (0, 2, None)
    """
    if type(value) is int:
        return 0
    scaled = value
    for places in range(1, limit + 1):
        scaled = scaled * 10
        if scaled.denominator == 1:
            return places
    return None


@lru_cache(maxsize=100_000)
def write_number(value: Value, like: str) -> str:
    """`value` in the format of `like`: percent sign, thousands commas, two decimals of money, no zero before the point.

    Raises:
        ValueError: `value` needs more than four decimals.
    """
    if like.endswith("%"):
        return write_number(whole(Fraction(value) * 100), like[:-1]) + "%"
    places = decimals(value, 4)
    if places is None:
        raise ValueError(f"{value} has no exact decimal form of at most 4 places")
    point = like.rfind(".")
    if point >= 0 and len(like) - point - 1 == 2 and places < 2:
        places = 2  # money: 18.00 stays 18.00
    sign = "-" if value < 0 else ""
    number = Fraction(value) if value >= 0 else -Fraction(value)
    units = number.numerator // number.denominator
    rest = number - units
    # Below four digits `like` does not show whether it would have commas; from 10,000 on they are the rule.
    text = f"{units:,}" if "," in like or (units >= 10_000 and len(like) < 4) else str(units)
    if places:
        tail = f"{int(rest * 10**places):0{places}d}"
        text = ("" if like.startswith(".") and units == 0 else text) + "." + tail
    return sign + text


def format_number(value: Value) -> str:
    """A value in decimals, or as a fraction if that takes more than four.

    >>> format_number(12), format_number(Fraction(1, 4)), format_number(Fraction(1, 3))
    ('12', '0.25', '1/3')
    """
    if type(value) is int:
        return str(value)
    return write_number(value, like="") if decimals(value, 4) is not None else str(value)


def operate(operator: str, a: Value, b: Value) -> Value:
    """`a operator b`, exactly. Raises `ZeroDivisionError`.

    >>> operate("/", 1, 3), operate("/", 6, 3)
    (Fraction(1, 3), 2)
    """
    if operator == "*":
        value: Value = a * b
    elif operator == "+":
        value = a + b
    elif operator == "-":
        value = a - b
    elif type(a) is int and type(b) is int and not a % b:
        return a // b
    else:
        value = Fraction(a) / b
    return value if type(value) is int else whole(value)
