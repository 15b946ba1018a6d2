"""A step, term or factor left out, or a quantity counted twice."""

from __future__ import annotations

from random import Random

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site, format_expression, substitute
from prm_gsm8k.synthetic.numbers import format_number, plausible
from prm_gsm8k.synthetic.parse import QUESTION, Equation, compute, read_gap


def step_skipped_sites(context: ErrorContext) -> list[Site]:
    solution = context.solution
    equations = solution.equations
    sites = []
    for index, users in enumerate(context.uses):
        if len(users) != 1 or index == solution.final:
            continue
        equation = equations[index]
        if equation.fact:
            continue
        used, operand = users[0]
        user = equations[used]
        if context.plans[used] is None or user.frozen or user.step <= equation.step or user.others[operand]:
            continue
        if any(other.step == equation.step and other is not equation for other in equations):
            continue
        if any(m.source == index and m.step not in (equation.step, user.step) for m in solution.mentions):
            continue
        sites += [
            (index, i)
            for i, source in enumerate(equation.sources)
            if source >= QUESTION and equation.operands[i] not in user.operands
        ]
    return sites


def step_skipped(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A step is left out, and one of its operands is used where its result belongs.

    "Natalia sold 48+48 = 96 clips altogether." without the step that halves the 48
    """
    skipped, chosen = site
    equation = context.solution.equations[skipped]
    index, operand = context.uses[skipped][0]
    new = equation.operands[chosen]
    edit = substitute(
        context,
        index,
        operand,
        new,
        lambda: (
            f"skips {context.expression(equation)} = {format_number(equation.result)} "
            f"and uses {context.number(equation, chosen)} in its place"
        ),
        wide=True,
    )
    return None if edit is None else edit._replace(skipped=equation.step)


def term_left_out_sites(context: ErrorContext) -> list[Site]:
    return [
        (index, operand)
        for index in context.free
        if len(context.solution.equations[index].operands) > 2 and _uniform(context.solution.equations[index])
        for operand in range(1, len(context.solution.equations[index].operands))
    ]


def term_left_out(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A term of a sum or a factor of a product is forgotten.

    "Betty needs 100 - 50 - 30 = $20 more." (the 15 of her parents is missing)
    """
    index, at = site
    equation = context.solution.equations[index]
    operands = equation.operands[:at] + equation.operands[at + 1 :]
    operators = equation.operators[: at - 1] + equation.operators[at:]
    zeros = [0] * len(operands)
    value = compute(operands, operators, zeros, zeros)
    if not plausible(value, equation.result, equation.cents):
        return None
    texts = {}
    if context.frame.shown[index]:
        place = equation.places[at]
        joint = _units_after(context, equation, at - 1) + _operator_after(context, equation, at)
        texts = {place - 1: "", place: "", place + 1: joint}

    def reason() -> str:
        numbers = [context.number(equation, i) for i in range(len(equation.operands))]
        left_out = numbers.pop(at)
        incorrect = format_expression(numbers, operators, zeros, zeros)
        return f"leaves out {left_out}: {incorrect} where {context.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)


def counted_twice_sites(context: ErrorContext) -> list[Site]:
    return [
        (index, operand)
        for index in context.free
        if _uniform(context.solution.equations[index])
        for operand in range(1, len(context.solution.equations[index].operands))
        if context.solution.equations[index].operators[operand - 1] != "*"
        or 1 < context.solution.equations[index].operands[operand] <= 12
    ]


def counted_twice(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A quantity is counted twice.

    "Natalia sold 48+24+24 = 96 clips altogether."
    """
    index, at = site
    equation = context.solution.equations[index]
    operator = equation.operators[at - 1]
    operands = [*equation.operands[: at + 1], equation.operands[at], *equation.operands[at + 1 :]]
    operators = [*equation.operators[:at], operator, *equation.operators[at:]]
    zeros = [0] * len(operands)
    value = compute(operands, operators, zeros, zeros)
    if not plausible(value, equation.result, equation.cents):
        return None
    texts = {}
    if context.frame.shown[index]:
        place = equation.places[at]
        number = context.frame.parts[equation.step][place]
        texts = {
            place: number + _units_after(context, equation, at) + _operator_after(context, equation, at - 1) + number
        }

    def reason() -> str:
        numbers = [context.number(equation, i) for i in range(len(equation.operands))]
        numbers.insert(at, numbers[at])
        incorrect = format_expression(numbers, operators, zeros, zeros)
        return f"counts {numbers[at]} twice: {incorrect} where {context.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)


def _uniform(equation: Equation) -> bool:
    """Whether the expression has no brackets and only + and -, or only *."""
    if any(equation.opens):
        return False
    operators = set(equation.operators)
    return operators <= {"+", "-"} or operators == {"*"}


def _units_after(context: ErrorContext, equation: Equation, operand: int) -> str:
    """The units written after an operand, before the operator."""
    text, joint = _joint(context, equation, operand)
    return text[:joint]


def _operator_after(context: ErrorContext, equation: Equation, operand: int) -> str:
    """The operator after an operand, with the text that leads to the next number."""
    text, joint = _joint(context, equation, operand)
    return text[joint:]


def _joint(context: ErrorContext, equation: Equation, operand: int) -> tuple[str, int]:
    """The text after an operand, and where in it the units end and the operator begins."""
    place = equation.places[operand] + 1
    text = context.frame.parts[equation.step][place]
    gap = read_gap(context.solution.steps[equation.step][place])
    assert gap is not None
    return text, len(gap.left.rstrip()) if gap.left.strip() else 0
