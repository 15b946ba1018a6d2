"""A number is misread: "48 friends" as "36 friends".

Real people hardly do this; it is here for problems of which nothing else can be misread.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.numbers import Value, write_number
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph
from prm_gsm8k.synthetic.twins.question import SPELLED, Kind, Quantity
from prm_gsm8k.synthetic.twins.solve import Change, Refused, spell
from prm_gsm8k.synthetic.twins.wording import around, is_editable

_KINDS = frozenset((
    Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.RATE, Kind.PERCENTAGE,
    Kind.MULTIPLIER, Kind.SHARE,
))  # fmt: skip
# No more than so many of a thing in the next larger one: 24 hours a day, 7 days a week.
_MOST = {"hour": 23, "day": 6, "minute": 59, "second": 59, "month": 11, "week": 51}
_SHARES = tuple(Fraction(*pair) for pair in ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5), (3, 5), (4, 5)))
_FACTORS = (Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(5, 4), Fraction(3, 2), Fraction(2), Fraction(8, 5))


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    taken = {q.value for q in question.quantities} | {e.result for e in graph.solution.equations} | graph.world
    order = [i for i, q in enumerate(question.quantities) if q.kind in _KINDS and is_editable(graph, i)]
    rng.shuffle(order)
    for index in order:
        quantity = question.quantities[index]
        for value in _others(quantity, rng):
            if value in taken or value <= 1 or value == quantity.value:
                continue
            try:
                changes = {at: _written(value, question.text[slice(*at)], quantity) for at in quantity.mentions}
            except (Refused, ValueError):
                continue
            text = question.edited(changes)
            shift = len(text) - len(question.text)
            start, end = quantity.mentions[0]
            yield Edit(
                text,
                Change(quantities={index: value}),
                around(question.text, start, end),
                around(text, start, end + shift // len(quantity.mentions)),
            )


def _others(quantity: Quantity, rng: Random) -> list[Value]:
    """Some other values of the same kind and of about the same size."""
    value = quantity.value
    if quantity.kind is Kind.PERCENTAGE:
        hundredths = value * 100
        if type(hundredths) is Fraction and hundredths.denominator != 1 or not 0 < hundredths <= 95:
            return []
        step = 10 if hundredths % 10 == 0 else 5 if hundredths % 5 == 0 else 1
        return [Fraction(int(hundredths) + step * i, 100) for i in rng.sample((-2, -1, 1, 2, 3), 4) if 0 < int(hundredths) + step * i < 100]
    if quantity.kind is Kind.SHARE:
        return rng.sample(_SHARES, 4) if not quantity.spelled else []
    if type(value) is not int:
        return [new for factor in rng.sample(_FACTORS, 4) if (new := value * factor).denominator in (2, 4, 5, 10, 20, 25, 50, 100)]
    most = _MOST.get(quantity.thing, 10**9) if quantity.kind is Kind.RATE or quantity.thing in ("minute", "hour") else 10**9
    if value <= 12:
        new = [value + i for i in rng.sample((-3, -2, -1, 1, 2, 3, 4, 5), 8)]
    else:
        unit = 1
        while value % (unit * 10) == 0:
            unit *= 10
        if value % (unit * 5) == 0:
            unit *= 5
        new = [int(round(value * factor / unit)) * unit for factor in rng.sample(_FACTORS, 7)]
    return [v for v in new if v <= most]


def _written(value: Value, like: str, quantity: Quantity) -> str:
    if quantity.spelled:
        if quantity.kind is Kind.MULTIPLIER and like.lower() in ("twice", "double", "thrice", "triple", "quadruple"):
            if like.lower() not in ("twice", "thrice"):
                raise Refused("no word for it")
            return f"{spell(value)} times"
        return spell(value).capitalize() if like[0].isupper() else spell(value)
    if quantity.kind is Kind.PERCENTAGE:
        return write_number(value * 100, like)
    if quantity.kind is Kind.SHARE:
        return str(value)
    return write_number(value, like)


def recognised(read: Difference) -> bool:
    """One number stands where another stood."""
    return 1 <= len(read.gone) <= 2 and 1 <= len(read.new) <= 2 and any(map(_counts, read.new))


def _counts(word: str) -> bool:
    return word[0].isdigit() or word in SPELLED or word == "times"


FAMILY = Family(
    name="number_misread",
    stands_for="a number of the question misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    edits=edits,
    recognised=recognised,
)
