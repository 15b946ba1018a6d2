"""Exact numbers: read from text, computed with, written back in the shape of the text they replace.

A value is an `int` where it is whole and a `fractions.Fraction` elsewhere; nothing is ever a float, so `0.1 + 0.2`
is `3/10` and a wrong result cannot hide in a tolerance.

>>> read_number("1,200.50"), read_number("20%"), read_number(".5")
(Fraction(2401, 2), Fraction(1, 5), Fraction(1, 2))
>>> write_number(1250, like="1,200"), write_number(Fraction(5, 2), like="18.00")
('1,250', '2.50')
>>> write_number(Fraction(1, 4), like="20%")
'25%'
"""

from __future__ import annotations

from fractions import Fraction

Value = int | Fraction

# The words that a question uses for its numbers. A relation word stands for the factors it can become in an equation:
# "half as many" is computed as `/ 2` or as `* 1/2`.
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

# The number words that relate two quantities; they count nothing themselves.
RELATION_WORDS = frozenset(word for word, values in NUMBER_WORDS.items() if len(values) > 1) | frozenset(
    "once twice double doubles doubled thrice triple tripled triples quadruple tenth both".split()
)

_read: dict[str, Value] = {}


def whole(value: Value) -> Value:
    """The same number, as an `int` if it is whole."""
    if type(value) is not int and value.denominator == 1:
        return value.numerator
    return value


def read_number(text: str) -> Value:
    """The value of a written number: digits with thousands commas, decimals, a percent sign.

    Raises `ValueError` if `text` is anything else.
    """
    value = _read.get(text)
    if value is None:
        bare = text.replace(",", "")
        if bare.endswith("%"):
            value = whole(Fraction(bare[:-1]) / 100)
        elif bare.isdigit():
            value = int(bare)
        else:
            value = whole(Fraction(bare))
        if len(_read) < 100_000:
            _read[text] = value
    return value


def decimals(value: Value, limit: int) -> int | None:
    """How many decimals write `value` exactly; None if more than `limit` are needed.

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


_written: dict[tuple[Value, str], str] = {}


def write_number(value: Value, like: str) -> str:
    """`value` in the shape of `like`: its percent sign, its thousands commas, its number of decimals, its bare point.

    Raises `ValueError` if four decimals do not write it exactly.
    """
    key = (value, like)
    text = _written.get(key)
    if text is None:
        text = _write(value, like)
        if len(_written) < 100_000:
            _written[key] = text
    return text


def _write(value: Value, like: str) -> str:
    if like.endswith("%"):
        return _write(whole(Fraction(value) * 100), like[:-1]) + "%"
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
    # A number that grew past 9,999 takes commas where the one it replaces was too short to show whether it would.
    text = f"{units:,}" if "," in like or (units >= 10_000 and len(like) < 4) else str(units)
    if places:
        tail = f"{int(rest * 10**places):0{places}d}"
        text = ("" if like.startswith(".") and units == 0 else text) + "." + tail
    return sign + text


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
