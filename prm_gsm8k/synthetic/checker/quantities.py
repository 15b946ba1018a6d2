"""The numbers that a question states, in digits or words, and the constants that it implies.

`Half of the 20% tip of $30 over two weeks` states 2, 1/2, 20, 1/5 and 30; `weeks` implies 7, 5, 2, 52 and 4.
"""

from __future__ import annotations

import re

from prm_gsm8k.arithmetic.equations import NUMBER, VALUES, Number, divide
from prm_gsm8k.arithmetic.notation import plain_numbers

_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen".split()
    )
}
_TENS = {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)} | {
    "fourty": 40
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {
    word: value
    for value, words in {
        2: "half halves halved",
        3: "third thirds",
        4: "quarter quarters fourth fourths",
        5: "fifth fifths",
        6: "sixth sixths",
        7: "seventh sevenths",
        8: "eighth eighths",
        9: "ninth ninths",
        10: "tenth tenths",
        12: "twelfth twelfths",
        20: "twentieth twentieths",
        100: "hundredth hundredths",
    }.items()
    for word in words.split()
}
_MULTIPLES = {
    word: value
    for value, words in {
        1: "once single",
        2: "twice double doubles doubled doubling couple pair pairs both twins",
        3: "thrice triple triples tripled tripling treble trio triplets",
        4: "quadruple quadruples quadrupled quartet",
        5: "quintuple quintupled",
        6: "sextuple",
        12: "dozen dozens",
        20: "score",
        10: "decade decades tens",
        100: "hundreds century centuries",
        1000: "thousands",
    }.items()
    for word in words.split()
}
NUMBER_WORDS = {**_ONES, **_TENS, **_SCALES, **_PARTS, **_MULTIPLES}

_COINS = {"quarter": 25, "quarters": 25, "dime": 10, "dimes": 10, "nickel": 5, "nickels": 5, "penny": 1, "pennies": 1}
_IMPLIED: dict[str, tuple[Number, ...]] = {
    word: values
    for words, values in {
        "week weeks weekly weekday weekdays weekend weekends": (7, 5, 2, 52, 4),
        "day days daily tomorrow today yesterday": (24, 7, 365),
        "hour hours hourly": (60, 24, 3600),
        "minute minutes": (60, 3600),
        "second seconds": (60, 3600),
        "month months monthly january february march april may june july august september october november december": (
            *(12, 30, 31, 28, 29, 4),
        ),
        "year years yearly annual annually annum": (12, 365, 52, 366),
        "foot feet": (12, 3, 5280),
        "yard yards": (3, 36),
        "inch inches": (12, 36),
        "pound pounds ounce ounces lb lbs oz": (16, 2000),
        "gallon gallons quart quarts pint pints cup cups tablespoon tablespoons teaspoon teaspoons": (
            2,
            3,
            4,
            8,
            16,
            128,
        ),
        "cent cents dollar dollars percent percentage": (100,),
        "meter meters metre metres centimeter centimeters cm": (100, 1000),
        "kilometer kilometers km kilogram kilograms kg gram grams liter liters litre litres milliliters ml": (1000,),
        "ton tons": (1000, 2000),
        "mile miles": (5280,),
        "square squares rectangle rectangular": (2, 4),
        "triangle triangular": (2, 3),
        "bicycle bicycles bike bikes": (2,),
        "dog dogs cat cats cow cows car cars": (4,),
        "average": (2, 3, 4, 5),
    }.items()
    for word in words.split()
}
for _coin, _cents in _COINS.items():
    _IMPLIED[_coin] = (_cents, divide(_cents, 100))
_WORD = re.compile(r"[a-z]+")
# Has every ASCII character, since `str.translate` is slow for those that are missing.
_SPACED = str.maketrans({chr(i): chr(i) for i in range(128)} | dict.fromkeys("0123456789.,;:!?-–—/()'’\"“”$%&", " "))
_FRACTION = re.compile(r"([0-9]+) ?/ ?([0-9]+)")
_MIXED = re.compile(r"([0-9]+) (?:and )?([0-9]+)/([0-9]+)")
_SPELLED = frozenset((*_ONES, *_TENS, *_SCALES, "dozen"))


class Quantities:
    """The numbers of a question.

    Attributes:
        stated: every number, in digits or words; percentages and parts in both forms (20% is 20 and 1/5, a third 3 and
            1/3).
        percents: p of every p%, and 20 for a decimal 0.2: which operands are percentages.
        known: `stated` and the constants that the words imply (`week`: 7): what a solution may use.
    """

    def __init__(self, question: str) -> None:
        stated: set[Number] = set()
        question = plain_numbers(question)
        parts = NUMBER.split(question)
        self.percents: set[Number] = set()
        for text, gap in zip(parts[1::2], parts[2::2], strict=False):
            value = VALUES[text]
            stated.add(value)
            if gap.startswith(("%", " percent", "\\%", "-percent", " %", " per cent")):
                stated.add(divide(value, 100))
                self.percents.add(value)
            elif "." in text and value < 2:
                self.percents.add(value * 100)
        if "/" in question:
            for a, b in _FRACTION.findall(question):
                if int(b):
                    stated.add(divide(int(a), int(b)))
            for whole, a, b in _MIXED.findall(question):
                if int(b):
                    stated.add(int(whole) + divide(int(a), int(b)))
        self._words = words = question.lower().translate(_SPACED).split()
        for i, word in enumerate(words):
            if word in NUMBER_WORDS:
                self._add_word(stated, words, i)
        if "percent" in words:
            for i, word in enumerate(words[1:]):
                if word == "percent" and words[i] in NUMBER_WORDS:
                    value = NUMBER_WORDS[words[i]]
                    self.percents.add(value)
                    stated.add(divide(value, 100))
        self.stated = stated
        self._known: set[Number] | None = None

    @property
    def known(self) -> set[Number]:
        if self._known is None:
            self._known = self.stated.copy()
            for word in _IMPLIED.keys() & self._words:
                self._known.update(_IMPLIED[word])
        return self._known

    def _add_word(self, stated: set[Number], words: list[str], i: int) -> None:
        word = words[i]
        value: Number = NUMBER_WORDS[word]
        stated.add(value)
        before = words[i - 1] if i else ""
        count = _ONES.get(before) or _TENS.get(before)
        if word in _PARTS:
            stated.add(divide(1, value))
            if count:
                stated.add(divide(count, value))
            if before == "and" and i > 2 and words[i - 2] == "a" and words[i - 3] in _ONES:  # two and a half
                stated.add(_ONES[words[i - 3]] + divide(1, value))
        elif word in _ONES and before in _TENS:
            stated.add(_TENS[before] + value)
        elif word in _SCALES and count:
            stated.add(count * value)


def spelled_values(text: str) -> set[Number]:
    """The numbers that a text has in words (`fifteen`, `twenty-eight`)."""
    words = _WORD.findall(text.lower())
    if _SPELLED.isdisjoint(words):
        return set()
    found: set[Number] = set()
    for i, word in enumerate(words):
        value = _ONES.get(word) or _TENS.get(word) or _SCALES.get(word) or (12 if word == "dozen" else None)
        if value is not None:
            found.add(value)
            if word in _ONES and i and words[i - 1] in _TENS:
                found.discard(_TENS[words[i - 1]])
                found.discard(value)
                found.add(_TENS[words[i - 1]] + value)
    return found
