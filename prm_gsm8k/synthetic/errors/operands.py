"""Incorrect operands: the operation is correct, but one number is not the one that belongs there."""

from __future__ import annotations

from functools import partial
from random import Random

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site, substitute
from prm_gsm8k.synthetic.numbers import Value, digit_slip, format_number, read_number
from prm_gsm8k.synthetic.parse import QUESTION, Equation


def _operand_sites(context: ErrorContext, equations: list[int]) -> list[Site]:
    """The operands of these equations that come from the problem or an earlier result."""
    return [
        (index, operand)
        for index in equations
        for operand, source in enumerate(context.solution.equations[index].sources)
        if source >= QUESTION
    ]


def number_flipped_sites(context: ErrorContext) -> list[Site]:
    equations = context.solution.equations
    sites = _operand_sites(context, [*context.free, *context.facts])
    return [(index, operand) for index, operand in sites if equations[index].sources[operand] == QUESTION]


def number_flipped(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A number of the problem is misread: digits swapped, one digit or one count off.

    "Natalia sold 84/2 = 42 clips in May." (the problem says 48)
    """
    index, operand = site
    equation = context.solution.equations[index]
    old = equation.operands[operand]
    new = digit_slip(old, rng)
    if new <= 1 < old or new <= 0 or new in context.solution.stated.values or new in context.results:
        return None
    return substitute(
        context,
        index,
        operand,
        new,
        lambda: f"reads {format_number(new)} where the problem says {context.described(equation, operand)}",
    )


def wrong_problem_number_sites(context: ErrorContext) -> list[Site]:
    if len(context.solution.stated.quantities) < 2:
        return []
    return _operand_sites(context, [*context.free, *context.facts])


def wrong_problem_number(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """Another number of the problem is used in place of the correct operand.

    "She buys 4 * 5 = 20 pens." (5 are in a box of markers; a box of pens has 6)
    """
    index, operand = site
    equation = context.solution.equations[index]
    stated = context.solution.stated
    alike = stated.shares if equation.operands[operand] in stated.shares else stated.quantities
    if equation.fact:
        beside = [read_number(text) for text in context.solution.steps[equation.step][1::2]]
    else:
        beside = equation.operands
    choices = [value for value in alike if value not in beside]
    while choices:
        new = choices.pop(int(rng.random() * len(choices)))
        edit = substitute(context, index, operand, new, partial(_uses, context, new, QUESTION, equation, operand))
        if edit is not None:
            return edit
    return None


def wrong_earlier_result_sites(context: ErrorContext) -> list[Site]:
    equations = context.solution.equations
    possible = []
    for index in context.free:
        operands = equations[index].operands
        if any(earlier.result not in operands for earlier in equations[:index] if not earlier.fact):
            possible.append(index)
    return _operand_sites(context, possible)


def wrong_earlier_result(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """The result of an earlier step is used in place of the correct operand.

    "After buying the cookies, Josh has $10 - $5 = $5" ($8, what was left after the pencil, belongs there)
    """
    index, operand = site
    equations = context.solution.equations
    equation = equations[index]
    choices = [i for i in range(index) if equations[i].result not in equation.operands and not equations[i].fact]
    while choices:
        other = choices.pop(int(rng.random() * len(choices)))
        new = equations[other].result
        edit = substitute(context, index, operand, new, partial(_uses, context, new, other, equation, operand))
        if edit is not None:
            return edit
    return None


def _uses(context: ErrorContext, new: Value, origin: int, equation: Equation, operand: int) -> str:
    states = "states" if equation.fact else "uses"
    used = f"{format_number(new)}{context.origin(new, origin)}"
    return f"{states} {used} where {context.described(equation, operand)} belongs"
