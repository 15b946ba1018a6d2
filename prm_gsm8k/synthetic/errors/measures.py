"""A percentage of the wrong thing, a unit converted wrongly."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.errors.case import Case, Edit, Site, plainly, substitute
from prm_gsm8k.synthetic.errors.relations import ALL_NAMED, INVERSE, with_operators
from prm_gsm8k.synthetic.numbers import Value, decimals, whole
from prm_gsm8k.synthetic.parse import CONSTANT, QUESTION


def percentage_confused_sites(case: Case) -> list[Site]:
    values = case.solution.question_values
    sites = []
    for index in case.free:
        equation = case.solution.equations[index]
        for operand, value in enumerate(equation.operands):
            if type(value) is int:
                if value < 100 and equation.operators[operand : operand + 1] == ["/"]:
                    if equation.operands[operand + 1] == 100 and len(equation.operands) > 2:
                        sites.append((index, operand))
            elif 0 < value < 1 and "*" in equation.operators and decimals(value, 2) is not None:
                if whole(value * 100) in values:
                    sites.append((index, operand))
    return sites


def percentage_confused(case: Case, site: Site, rng: Random) -> Edit | None:
    """The share for what is left of it, or the percentage of another base.

    "The discount is 80% * 50 = $40." (the problem takes 20% off: 20% belongs there)
    """
    index, operand = site
    equations = case.solution.equations
    equation = equations[index]
    share = equation.operands[operand]
    over = type(share) is int  # written as 20/100, not as 20% or .2
    full = 100 if over else 1
    if rng.random() < 0.6 and 2 * share != full:
        rest = whole(full - share)
        percent = [plainly(whole(Fraction(value) * 100 / full)) for value in (rest, share)]
        return substitute(
            case,
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
    known = [(other.result, i) for i, other in enumerate(equations[:index])]
    known += [(value, QUESTION) for value in case.solution.quantities]
    choices = [
        (value, source)
        for value, source in known
        if value not in equation.operands and old < 5 * value < 25 * old and value != 100 * share
    ]
    while choices:
        new, source = choices.pop(int(rng.random() * len(choices)))
        edit = substitute(
            case,
            index,
            base,
            new,
            lambda: (
                f"takes the percentage of {plainly(new)}{case.origin(new, source)} where "
                f"{case.number(equation, base)}{case.origin(old, equation.sources[base])} is the base"
            ),
        )
        if edit is not None:
            return edit
    return None


# What people take a conversion for, and what they confuse it with.
_CONVERSIONS: dict[Value, tuple[int, ...]] = {
    3: (12,), 4: (7, 5), 5: (7,), 7: (5, 6, 30), 8: (16, 4), 10: (100, 12), 12: (10, 24, 6), 16: (12, 10, 8),
    24: (12, 60), 28: (30,), 30: (7, 28, 24), 31: (30,), 36: (12, 24), 52: (12, 50, 48), 60: (100, 24, 30),
    100: (10, 1000), 365: (360, 52, 30), 1000: (100, 10), 2000: (1000,), 3600: (60, 360), 5280: (1000, 1760),
}  # fmt: skip
_UNITS = frozenset(
    "second seconds minute minutes hour hours day days daily week weeks weekly month months monthly year years yearly "
    "annual annually inch inches foot feet yard yards mile miles meter meters cm centimeters kilometers km gram grams "
    "kilogram kilograms kg pound pounds ounce ounces oz ton tons cup cups pint pints quart quarts gallon gallons liter "
    "liters ml cent cents dollar dollars dozen dozens penny pennies nickel nickels dime dimes quarters morning "
    "afternoon weekday weekdays".split()
)


def unit_confused_sites(case: Case) -> list[Site]:
    sites = []
    for index in case.free:
        equation = case.solution.equations[index]
        for operand, source in enumerate(equation.sources):
            value = equation.operands[operand]
            if source == CONSTANT and value in _CONVERSIONS and set(equation.operators) <= {"*", "/"}:
                if value == 100 and operand and equation.operators[operand - 1] == "/":
                    continue  # a percentage
                if not _UNITS.isdisjoint(case.solution.words_of(equation.step)):
                    sites.append((index, operand))
    return sites


def unit_confused(case: Case, site: Site, rng: Random) -> Edit | None:
    """A conversion with another factor, or the wrong way round.

    "Weng earns 12/100 = $0.12 per minute." (an hour has 60 minutes)
    """
    index, operand = site
    equation = case.solution.equations[index]
    old = equation.operands[operand]
    if operand and rng.random() < 0.4 and case.solution.words_of(equation.step).isdisjoint(ALL_NAMED):
        operators = equation.operators.copy()
        operators[operand - 1] = INVERSE[operators[operand - 1]]
        edit = with_operators(
            case,
            index,
            operators,
            operand - 1,
            None,
            lambda: (
                "converts the wrong way round: "
                f"{case.expression(equation, operators=operators)} where {case.expression(equation)} belongs"
            ),
        )
        if edit is not None:
            return edit
    choices = [value for value in _CONVERSIONS[old] if value not in equation.operands]
    while choices:
        new = choices.pop(int(rng.random() * len(choices)))
        edit = substitute(case, index, operand, new, lambda: f"converts with {new} where {plainly(old)} belongs")
        if edit is not None:
            return edit
    return None
