"""A wrong operand: the relation is right, but a number in it is not the one that belongs there."""

from __future__ import annotations

from functools import partial
from random import Random

from prm_gsm8k.synthetic.errors.context import Case, Edit, Site, substitute
from prm_gsm8k.synthetic.numbers import Value, digit_slip, format_number, read_number
from prm_gsm8k.synthetic.parse import QUESTION, Equation


def _operands(case: Case, lowest: int, equations: list[int]) -> list[Site]:
    """Operands that come from the problem (-1) or an earlier step (0 and above)."""
    return [
        (index, operand)
        for index in equations
        for operand, source in enumerate(case.solution.equations[index].sources)
        if source >= lowest
    ]


def number_flipped_sites(case: Case) -> list[Site]:
    return [
        (index, operand)
        for index in (*case.free, *case.facts)
        for operand, source in enumerate(case.solution.equations[index].sources)
        if source == QUESTION
    ]


def number_flipped(case: Case, site: Site, rng: Random) -> Edit | None:
    """A number of the problem is misread: digits swapped, one digit or one count off.

    "Natalia sold 84/2 = 42 clips in May." (the problem says 48)
    """
    index, operand = site
    equation = case.solution.equations[index]
    old = equation.operands[operand]
    new = digit_slip(old, rng)
    if new <= 1 < old or new <= 0 or new in case.solution.asked.values or new in case.results:
        return None
    return substitute(
        case,
        index,
        operand,
        new,
        lambda: (
            f"reads {format_number(new)} where the problem says "
            f"{case.number(equation, operand)}{case.origin(old, QUESTION)}"
        ),
    )


def wrong_problem_number_sites(case: Case) -> list[Site]:
    return _operands(case, QUESTION, [*case.free, *case.facts]) if len(case.solution.asked.quantities) > 1 else []


def wrong_problem_number(case: Case, site: Site, rng: Random) -> Edit | None:
    """Another number of the problem is used in place of the right operand.

    "She buys 4 * 5 = 20 pens." (5 are in a box of markers; a box of pens has 6)
    """
    index, operand = site
    equation = case.solution.equations[index]
    asked = case.solution.asked
    alike = asked.shares if equation.operands[operand] in asked.shares else asked.quantities
    said = _said_in(case.solution.steps[equation.step]) if equation.fact else equation.operands
    choices = [value for value in alike if value not in said]
    while choices:
        new = choices.pop(int(rng.random() * len(choices)))
        edit = substitute(case, index, operand, new, partial(_uses, case, new, QUESTION, equation, operand))
        if edit is not None:
            return edit
    return None


def _said_in(parts: list[str]) -> list[Value]:
    return [read_number(text) for text in parts[1::2]]


def wrong_earlier_result_sites(case: Case) -> list[Site]:
    equations = case.solution.equations
    possible = []
    for index in case.free:
        operands = equations[index].operands
        if any(earlier.result not in operands for earlier in equations[:index] if not earlier.fact):
            possible.append(index)
    return _operands(case, QUESTION, possible)


def wrong_earlier_result(case: Case, site: Site, rng: Random) -> Edit | None:
    """The result of an earlier step is used in place of the right operand.

    "After buying the cookies, Josh has $10 - $5 = $5" ($8, what was left after the pencil, belongs there)
    """
    index, operand = site
    equations = case.solution.equations
    equation = equations[index]
    choices = [i for i in range(index) if equations[i].result not in equation.operands and not equations[i].fact]
    while choices:
        other = choices.pop(int(rng.random() * len(choices)))
        new = equations[other].result
        edit = substitute(case, index, operand, new, partial(_uses, case, new, other, equation, operand))
        if edit is not None:
            return edit
    return None


def _uses(case: Case, new: Value, origin: int, equation: Equation, operand: int) -> str:
    right = f"{case.number(equation, operand)}{case.origin(equation.operands[operand], equation.sources[operand])}"
    return (
        f"{'states' if equation.fact else 'uses'} {format_number(new)}{case.origin(new, origin)} where {right} belongs"
    )
