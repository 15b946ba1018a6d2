"""A result computed incorrectly, and conclusions that state another number than the answer."""

from __future__ import annotations

from random import Random

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site
from prm_gsm8k.synthetic.numbers import Value, digit_slip, format_number, plausible
from prm_gsm8k.synthetic.parse import Equation

_CONCLUSION: Site = (-1, 0)


def calculation_slip_sites(context: ErrorContext) -> list[Site]:
    shown, equations = context.frame.shown, context.solution.equations
    sites = [(index, 0) for index in context.free if shown[index]]
    return [site for site in sites if equations[site[0]].result > 9] or sites  # nobody slips on 2 + 3 beside 48 * 7


def calculation_slip(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """The correct expression, computed incorrectly: the only error whose equation is false.

    "Natalia sold 48+24 = 62 clips altogether." (a carry lost)
    """
    index, _ = site
    equation = context.solution.equations[index]
    old = equation.result
    if type(old) is int and old >= 20 and rng.random() < 0.4:
        new: Value = old + (10, -10)[int(rng.random() * 2)]  # a carry lost or made up
    else:
        new = digit_slip(old, rng)
    if not plausible(new, old, equation.cents):
        return None
    return Edit(
        index, new, {}, (), lambda: f"{context.expression(equation)} is {format_number(old)}, not {format_number(new)}"
    )


def stopped_early_sites(context: ErrorContext) -> list[Site]:
    solution = context.solution
    last = solution.equations[solution.final].step
    if context.frame.style.conclusion is None or last == 0 or last != len(solution.steps) - 1:
        return []
    reached = [equation for equation in solution.equations if equation.step < last and not equation.fact]
    if not reached or reached[-1].step != last - 1 or reached[-1].result == solution.answer:
        return []
    return [_CONCLUSION]


def stopped_early(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """The solution ends early, with an intermediate result as its answer.

    "Natalia sold 48/2 = 24 clips in May." "The answer is 24."
    """
    solution = context.solution
    final = solution.equations[solution.final]
    before = (equation for equation in reversed(solution.equations) if equation.step < final.step)
    reached = next(equation for equation in before if not equation.fact)
    return Edit(
        -1,
        reached.result,
        {},
        (),
        lambda: (
            f"stops at {format_number(reached.result)} (the result of step {reached.step + 1}): "
            f"{context.expression(final)} = {format_number(final.result)} is still to be computed"
        ),
        upto=final.step,
    )


def wrong_question_sites(context: ErrorContext) -> list[Site]:
    if context.frame.style.conclusion is None or not _other_results(context):
        return []
    return [_CONCLUSION]


def _other_results(context: ErrorContext) -> list[Equation]:
    solution = context.solution
    return [equation for equation in solution.equations if equation.result != solution.answer and not equation.fact]


def wrong_question(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """Everything is computed, but the answer given is to another question.

    "Natalia sold 48+24 = 72 clips altogether." "The answer is 24."
    """
    solution = context.solution
    choices = _other_results(context)
    chosen = choices[int(rng.random() * len(choices))]
    return Edit(
        -1,
        chosen.result,
        {},
        (),
        lambda: (
            f"answers with {format_number(chosen.result)} (the result of step {chosen.step + 1}) "
            f"where the question asks for {solution.answer_text}"
        ),
    )


def wrong_final_answer_sites(context: ErrorContext) -> list[Site]:
    return [_CONCLUSION] if context.frame.style.conclusion is not None and context.solution.answer > 0 else []


def wrong_final_answer(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """The answer is copied incorrectly from the last step.

    "Natalia sold 48+24 = 72 clips altogether." "The answer is 62."
    """
    solution = context.solution
    new = digit_slip(solution.answer, rng)
    if not plausible(new, solution.answer, cents=False) or new in solution.stated.values or new in context.results:
        return None
    return Edit(
        -1, new, {}, (), lambda: f"states {format_number(new)} as the answer where {solution.answer_text} was computed"
    )
