"""Percentages of something else, and units converted incorrectly."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site, substitute
from prm_gsm8k.synthetic.errors.relations import ALL_NAMED, INVERSE, with_operators
from prm_gsm8k.synthetic.numbers import Value, decimals, format_number, whole
from prm_gsm8k.synthetic.parse import CONSTANT, QUESTION, Equation


def percentage_confused_sites(context: ErrorContext) -> list[Site]:
    values = context.solution.stated.values
    sites = []
    for index in context.free:
        equation = context.solution.equations[index]
        for operand, value in enumerate(equation.operands):
            if type(value) is int:
                if value < 100 and equation.operators[operand : operand + 1] == ["/"]:
                    if equation.operands[operand + 1] == 100 and len(equation.operands) > 2:
                        sites.append((index, operand))
            elif 0 < value < 1 and "*" in equation.operators and decimals(value, 2) is not None:
                if whole(value * 100) in values:
                    sites.append((index, operand))
    return sites


def percentage_confused(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """The complement of a percentage, or the percentage of another base.

    "The discount is 80% * 50 = $40." (the problem takes 20% off: 20% belongs there)
    """
    index, operand = site
    equations = context.solution.equations
    equation = equations[index]
    share = equation.operands[operand]
    over = type(share) is int  # written as 20/100, not as 20% or .2
    full = 100 if over else 1
    if rng.random() < 0.6 and 2 * share != full:
        rest = whole(full - share)
        percent = [format_number(whole(Fraction(value) * 100 / full)) for value in (rest, share)]
        return substitute(
            context,
            index,
            operand,
            rest,
            lambda: f"takes {percent[0]}% where {percent[1]}% belongs: the share of the rest",
        )
    bases = [
        i
        for i, source in enumerate(equation.sources)
        if source >= QUESTION and i != operand and not (over and i == operand + 1)
    ]
    if not bases:
        return None
    base = bases[int(rng.random() * len(bases))]
    old = equation.operands[base]
    known = [(other.result, i) for i, other in enumerate(equations[:index]) if not other.fact]
    known += [(value, QUESTION) for value in context.solution.stated.quantities]
    choices = [
        (value, source)
        for value, source in known
        if value not in equation.operands and old < 5 * value < 25 * old and value != 100 * share
    ]
    while choices:
        new, source = choices.pop(int(rng.random() * len(choices)))
        edit = substitute(context, index, base, new, partial(_other_base, context, equation, base, new, source))
        if edit is not None:
            return edit
    return None


def _other_base(context: ErrorContext, equation: Equation, base: int, new: Value, source: int) -> str:
    taken = f"{format_number(new)}{context.origin(new, source)}"
    return f"takes the percentage of {taken} where {context.described(equation, base)} is the base"


class Conversion(NamedTuple):
    """What a conversion factor is confused with, and words of which a step that converts with it has at least one."""

    confused_with: tuple[int, ...]
    words: frozenset[str]


def _conversion(confused_with: tuple[int, ...], words: str) -> Conversion:
    return Conversion(confused_with, frozenset(words.split()))


_CONVERSIONS: dict[Value, Conversion] = {
    3: _conversion((12, 36), "yard yards"),
    4: _conversion((7, 5), "month months monthly quarts quart gallon gallons"),
    5: _conversion((7,), "weekday weekdays workweek nickel nickels week weekly"),
    7: _conversion((5, 6, 30), "week weeks weekly daily day days"),
    8: _conversion((16, 4), "pints pint gallon gallons ounces ounce cup cups"),
    10: _conversion((5, 100), "dime dimes"),
    12: _conversion((10, 24, 6), "month months year years yearly annual annually dozen dozens foot feet inch inches"),
    16: _conversion((12, 10, 8), "ounce ounces oz pound pounds cups gallon gallons"),
    24: _conversion((12, 60), "hour hours day days daily"),
    25: _conversion((10, 5), "quarters"),
    28: _conversion((30,), "month february"),
    30: _conversion((7, 28, 24), "month months monthly april june september november day days"),
    31: _conversion((30,), "month january march may july august october december"),
    36: _conversion((12, 24), "yard yards inch inches"),
    52: _conversion((12, 50, 48), "week weeks weekly year years yearly"),
    60: _conversion((100, 24, 30), "minute minutes hour hours second seconds mph"),
    100: _conversion((10, 1000), "cent cents dollar dollars penny pennies meter meters cm centimeters coin coins"),
    365: _conversion((360, 52, 30), "day days daily year years"),
    1000: _conversion(
        (100, 10), "gram grams kilogram kilograms kg meter meters kilometer kilometers km ml liter liters"
    ),
    2000: _conversion((1000,), "ton tons pound pounds"),
    3600: _conversion((60, 360), "second seconds hour hours"),
    5280: _conversion((1000, 1760), "mile miles feet"),
}


def unit_confused_sites(context: ErrorContext) -> list[Site]:
    sites = []
    for index in context.free:
        equation = context.solution.equations[index]
        for operand, source in enumerate(equation.sources):
            value = equation.operands[operand]
            if source == CONSTANT and value in _CONVERSIONS and set(equation.operators) <= {"*", "/"}:
                if not _CONVERSIONS[value].words.isdisjoint(context.solution.words_of(equation.step)):
                    sites.append((index, operand))
    return sites


def unit_confused(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A conversion with another factor, or with the inverse operation.

    "Weng earns 12/100 = $0.12 per minute." (an hour has 60 minutes)
    """
    index, operand = site
    equation = context.solution.equations[index]
    old = equation.operands[operand]
    if operand and rng.random() < 0.4 and context.solution.words_of(equation.step).isdisjoint(ALL_NAMED):
        operators = equation.operators.copy()
        operators[operand - 1] = INVERSE[operators[operand - 1]]
        edit = with_operators(context, index, operators, operand - 1, "converts the wrong way round:")
        if edit is not None:
            return edit
    choices = [value for value in _CONVERSIONS[old].confused_with if value not in equation.operands]
    while choices:
        new = choices.pop(int(rng.random() * len(choices)))
        reason = f"converts with {new} where {format_number(old)} belongs"
        edit = substitute(context, index, operand, new, partial(str, reason))
        if edit is not None:
            return edit
    return None
