"""Apply an error: recompute and rewrite every step that depends on it, so that the solution stays coherent."""

from __future__ import annotations

from typing import NamedTuple

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext
from prm_gsm8k.synthetic.numbers import WORDS_OF, Value, format_number, plausible, write_number
from prm_gsm8k.synthetic.parse import compute
from prm_gsm8k.synthetic.plan import Plan, Refused
from prm_gsm8k.synthetic.style import Frame


class IncorrectSolution(NamedTuple):
    """An incorrect solution.

    Attributes:
        steps: the steps of the row: those of the correct solution, edited, without a skipped one.
        bodies: the same without labels ("Step 1: ") and conclusion.
        kept: how many steps at the start are unchanged.
        first_error: index of the first incorrect step; `len(bodies)` for the conclusion.
        answer: its final answer.
    """

    steps: list[str]
    bodies: list[str]
    kept: int
    first_error: int
    answer: str


def propagate(context: ErrorContext, edit: Edit) -> IncorrectSolution:
    """The solution that an edit leads to.

    Raises:
        Refused: a recomputed value is not plausible, the answer comes out correct, or prose would be ambiguous.
    """
    frame, solution = context.frame, context.solution
    index = edit.equation
    if index < 0:  # only the conclusion is incorrect
        bodies = frame.bodies if edit.upto < 0 else frame.bodies[: edit.upto]
        return _finish(frame, bodies, len(bodies), len(bodies), _answer(edit.value, solution.answer_text))

    plan = context.plans[index]
    assert plan is not None  # errors are made only in equations that have one
    equations, steps = solution.equations, solution.steps
    first = equations[index]
    changed: dict[int, Value] = {index: edit.value}
    for later, follows in plan.updates:
        equation = equations[later]
        operands = equation.operands.copy()
        for operand, source in follows:
            operands[operand] = changed[source]
        try:
            value = compute(operands, equation.operators, equation.opens, equation.closes)
        except ZeroDivisionError:
            raise Refused("division by zero") from None
        if value != equation.result and not plausible(value, equation.result, equation.cents, wide=True):
            raise Refused("not believable")
        changed[later] = value
    if changed[solution.final] == solution.answer:
        raise Refused("correct answer")

    shown = frame.shown
    own = edit.texts
    if first.result_place not in own:
        own[first.result_place] = _written(edit.value, steps[first.step][first.result_place])
    changes: dict[int, dict[int, str]] = {first.step: own}
    for later, follows in plan.updates:
        equation = equations[later]
        step = equation.step
        texts = changes.get(step)
        if texts is None:
            texts = changes[step] = {}
        parts = steps[step]
        if shown[later]:
            for operand, source in follows:
                place = equation.places[operand]
                texts[place] = _written(changed[source], parts[place])
        place = equation.result_place
        texts[place] = _written(changed[later], parts[place])
    for step, place, source in plan.repeats:
        if step not in changes:
            changes[step] = {}
        changes[step][place] = _written(changed[source], steps[step][place])
    if edit.replaced:
        _rewrite_beside(context, edit, plan, own)

    bodies = frame.bodies.copy()
    for step, texts in changes.items():
        parts = frame.parts[step].copy()
        for place, text in texts.items():
            parts[place] = text
        bodies[step] = "".join(parts)
    at = kept = first.step
    if edit.skipped >= 0:
        del bodies[edit.skipped]
        at, kept = at - 1, edit.skipped
    return _finish(frame, bodies, kept, at, _answer(changed[solution.final], solution.answer_text))


def _finish(frame: Frame, bodies: list[str], kept: int, first_error: int, answer: str) -> IncorrectSolution:
    return IncorrectSolution(frame.finish(bodies, answer, kept), bodies, kept, first_error, answer)


def _rewrite_beside(context: ErrorContext, edit: Edit, plan: Plan, texts: dict[int, str]) -> None:
    """Write replaced operands into the prose of their step too: "Working 30 minutes, … 0.2 x 30 = …"."""
    solution = context.solution
    first = solution.equations[edit.equation]
    for operand, value in edit.replaced:
        spelled = WORDS_OF.get(first.operands[operand])
        if spelled is not None and not spelled.isdisjoint(solution.words_of(first.step)):
            raise Refused("number in words")
        for mention in plan.beside:
            if (edit.equation, operand) in mention.operands:
                if len(mention.operands) > 1 or mention.place in texts:
                    raise Refused("ambiguous mention")
                if mention.source >= 0 and solution.equations[mention.source].step == first.step:
                    raise Refused("mention of a result that stands")
                texts[mention.place] = _written(value, solution.steps[first.step][mention.place])


def _written(value: Value, like: str) -> str:
    try:
        return write_number(value, like)
    except ValueError:
        raise Refused("not believable") from None


def _answer(value: Value, like: str) -> str:
    try:
        return write_number(value, like)
    except ValueError:
        return format_number(value)
