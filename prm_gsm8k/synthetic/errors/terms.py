"""Something missing or something too much: a step, a term, a factor."""

from __future__ import annotations

from random import Random

from prm_gsm8k.synthetic.errors.context import Case, Edit, Site, spell, substitute
from prm_gsm8k.synthetic.numbers import format_number, plausible
from prm_gsm8k.synthetic.parse import QUESTION, Equation, compute, read_gap


def step_skipped_sites(case: Case) -> list[Site]:
    solution = case.solution
    equations = solution.equations
    sites = []
    for index, users in enumerate(case.users()):
        if len(users) != 1 or index == solution.final:
            continue
        equation = equations[index]
        if equation.fact:
            continue
        used, operand = users[0]
        user = equations[used]
        if case.plans[used] is None or user.frozen or user.step <= equation.step or user.others[operand]:
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


def step_skipped(case: Case, site: Site, rng: Random) -> Edit | None:
    """A step is left out, and its input is used where its result belongs.

    "Natalia sold 48+48 = 96 clips altogether." without the step that halves the 48
    """
    skipped, chosen = site
    equation = case.solution.equations[skipped]
    index, operand = case.users()[skipped][0]
    new = equation.operands[chosen]
    edit = substitute(
        case,
        index,
        operand,
        new,
        lambda: (
            f"skips {case.expression(equation)} = {format_number(equation.result)} "
            f"and uses {case.number(equation, chosen)} in its place"
        ),
        wide=True,
    )
    return None if edit is None else edit._replace(skipped=equation.step)


def term_left_out_sites(case: Case) -> list[Site]:
    return [
        (index, operand)
        for index in case.free
        if len(case.solution.equations[index].operands) > 2 and _uniform(case.solution.equations[index])
        for operand in range(1, len(case.solution.equations[index].operands))
    ]


def term_left_out(case: Case, site: Site, rng: Random) -> Edit | None:
    """A term of a sum or a factor of a product is forgotten.

    "Betty needs 100 - 50 - 30 = $20 more." (the 15 of her parents is missing)
    """
    index, at = site
    equation = case.solution.equations[index]
    operands = equation.operands[:at] + equation.operands[at + 1 :]
    operators = equation.operators[: at - 1] + equation.operators[at:]
    zeros = [0] * len(operands)
    value = compute(operands, operators, zeros, zeros)
    if not plausible(value, equation.result, equation.cents):
        return None
    texts = {}
    if case.frame.shown[index]:
        place = equation.places[at]
        joint = _units_after(case, equation, at - 1) + _operator_after(case, equation, at)
        texts = {place - 1: "", place: "", place + 1: joint}

    def reason() -> str:
        numbers = [case.number(equation, i) for i in range(len(equation.operands))]
        left = numbers.pop(at)
        return f"leaves out {left}: {spell(numbers, operators, zeros, zeros)} where {case.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)


def counted_twice_sites(case: Case) -> list[Site]:
    return [
        (index, operand)
        for index in case.free
        if _uniform(case.solution.equations[index])
        for operand in range(1, len(case.solution.equations[index].operands))
        if case.solution.equations[index].operators[operand - 1] != "*"
        or 1 < case.solution.equations[index].operands[operand] <= 12
    ]


def counted_twice(case: Case, site: Site, rng: Random) -> Edit | None:
    """A quantity is counted twice.

    "Natalia sold 48+24+24 = 96 clips altogether."
    """
    index, at = site
    equation = case.solution.equations[index]
    operator = equation.operators[at - 1]
    operands = [*equation.operands[: at + 1], equation.operands[at], *equation.operands[at + 1 :]]
    operators = [*equation.operators[:at], operator, *equation.operators[at:]]
    zeros = [0] * len(operands)
    value = compute(operands, operators, zeros, zeros)
    if not plausible(value, equation.result, equation.cents):
        return None
    texts = {}
    if case.frame.shown[index]:
        place = equation.places[at]
        number = case.frame.parts[equation.step][place]
        texts = {place: number + _units_after(case, equation, at) + _operator_after(case, equation, at - 1) + number}

    def reason() -> str:
        numbers = [case.number(equation, i) for i in range(len(equation.operands))]
        numbers.insert(at, numbers[at])
        wrong = spell(numbers, operators, zeros, zeros)
        return f"counts {numbers[at]} twice: {wrong} where {case.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)


def _uniform(equation: Equation) -> bool:
    """A plain sum and difference, or a plain product."""
    if any(equation.opens):
        return False
    operators = set(equation.operators)
    return operators <= {"+", "-"} or operators == {"*"}


def _units_after(case: Case, equation: Equation, operand: int) -> str:
    """The units written after an operand, before the operator."""
    text, joint = _joint(case, equation, operand)
    return text[:joint]


def _operator_after(case: Case, equation: Equation, operand: int) -> str:
    """The operator after an operand, with the text that leads to the next number."""
    text, joint = _joint(case, equation, operand)
    return text[joint:]


def _joint(case: Case, equation: Equation, operand: int) -> tuple[str, int]:
    """The text after an operand, and where in it the units end and the operator begins."""
    place = equation.places[operand] + 1
    text = case.frame.parts[equation.step][place]
    gap = read_gap(case.solution.steps[equation.step][place])
    assert gap is not None
    return text, len(gap.left.rstrip()) if gap.left.strip() else 0
