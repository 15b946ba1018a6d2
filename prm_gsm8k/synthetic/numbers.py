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
from random import Random

Value = int | Fraction

# Number words, and relation words with the factors that they become in an equation: "half" is `/ 2` or `* 1/2`.
NUMBER_WORDS: dict[str, tuple[Value, ...]] = {
    word: (value,)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
NUMBER_WORDS |= {
    word: (10 * tens,) for tens, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
NUMBER_WORDS |= {
    "hundred": (100,),
    "thousand": (1000,),
    "million": (1_000_000,),
    "once": (1,),
    "twice": (2,),
    "double": (2,),
    "doubles": (2,),
    "doubled": (2,),
    "couple": (2,),
    "pair": (2,),
    "pairs": (2,),
    "both": (2,),
    "thrice": (3,),
    "triple": (3,),
    "tripled": (3,),
    "triples": (3,),
    "quadruple": (4,),
    "dozen": (12,),
    "dozens": (12,),
    "half": (Fraction(1, 2), 2),
    "halves": (Fraction(1, 2), 2),
    "third": (Fraction(1, 3), 3),
    "thirds": (Fraction(1, 3), 3),
    "quarter": (Fraction(1, 4), 4),
    "quarters": (Fraction(1, 4), 4),
    "fourth": (Fraction(1, 4), 4),
    "fourths": (Fraction(1, 4), 4),
    "fifth": (Fraction(1, 5), 5),
    "fifths": (Fraction(1, 5), 5),
    "sixth": (Fraction(1, 6), 6),
    "eighth": (Fraction(1, 8), 8),
    "tenth": (Fraction(1, 10), 10),
}

# Those that relate two quantities and count nothing.
RELATION_WORDS = frozenset(word for word, values in NUMBER_WORDS.items() if len(values) > 1) | frozenset(
    "once twice double doubles doubled thrice triple tripled triples quadruple tenth both".split()
)

# Value -> the words for it.
WORDS_OF: dict[Value, frozenset[str]] = {}
for _word, _values in NUMBER_WORDS.items():
    for _value in _values:
        WORDS_OF[_value] = WORDS_OF.get(_value, frozenset()) | {_word}


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


def plausible(new: Value, old: Value, cents: bool, wide: bool = False) -> bool:
    """Whether a reader could believe `new` as a result where `old` is correct.

    It must be positive, whole if `old` is (unless `cents`: money, which may have two decimals), and within a factor of
    50 of `old`, or of 1,000 if `wide`, and below ten million.
    """
    if type(new) is not int:
        if type(old) is int:
            if not cents or decimals(new, 2) is None:
                return False
        elif (places := decimals(new, 4)) is None or places > max(2, decimals(old, 4) or 0):
            return False
    if new <= 0 or new == old:
        return False
    factor = 1000 if wide else 50
    return new < factor * old < factor * factor * new and new < 10_000_000


def digit_slip(value: Value, rng: Random) -> Value:
    """A number misread or miswritten: two digits swapped, one digit off, or below 20 one or two off.

    Numbers of digits and decimals stay. May return `value` itself if no slip is possible.
    """
    scale = 1
    while type(value) is not int:
        value, scale = whole(value * 10), scale * 10
        if scale > 10_000:
            return value
    if value < 20:
        new = value + (1, -1, 2, -2, 1, -1)[int(rng.random() * 6)]
    else:
        digits = str(value)
        at = int(rng.random() * max(1, len(digits.rstrip("0"))))
        if rng.random() < 0.4 and at and digits[at] > "0":
            digits = digits[: at - 1] + digits[at] + digits[at - 1] + digits[at + 1 :]
        else:
            digit = int(digits[at]) + (1, -1, 2, -2, 3, -3)[int(rng.random() * 6)]
            if not (at == 0) <= digit <= 9:
                digit = int(digits[at]) + (1 if digit < 5 else -1)
            digits = digits[:at] + str(digit) + digits[at + 1 :]
        new = int(digits)
    return whole(Fraction(new, scale)) if scale > 1 else new
