"""After the error: every dependent step is recomputed and rewritten, so that the whole solution says one thing.

What follows from a change is planned once for each equation, before any error is drawn. What cannot be followed with
certainty is refused, never guessed: a number that might be the changed result or might be the problem's, an equation
whose text could not be read, a number word, a comparison that may no longer hold.
"""

from __future__ import annotations

from typing import NamedTuple

from prm_gsm8k.synthetic.errors.context import Case, Edit, plainly, plausible
from prm_gsm8k.synthetic.numbers import NUMBER_WORDS, Value, write_number
from prm_gsm8k.synthetic.parse import UNKNOWN, Mention, Solution, compute
from prm_gsm8k.synthetic.style import Frame

_SPELLED: dict[Value, frozenset[str]] = {}
for _word, _values in NUMBER_WORDS.items():
    for _value in _values:
        _SPELLED[_value] = _SPELLED.get(_value, frozenset()) | {_word}


class Refused(Exception):
    """This error cannot be carried through this solution; the argument is why, from a small fixed vocabulary."""


class Plan(NamedTuple):
    """What changes if the result of one equation does.

    Attributes:
        updates: the later equations to compute again, in order, each with its (operand, source) pairs.
        repeats: (step, place, equation): numbers in the prose that repeat a changed result.
        beside: numbers in the prose of the equation's own step that repeat one of its operands.
    """

    updates: list[tuple[int, list[tuple[int, int]]]]
    repeats: list[tuple[int, int, int]]
    beside: list[Mention]


def plan_change(solution: Solution, index: int) -> Plan:
    """What follows if the result of equation `index` changes. Raises `Refused` where that is not certain."""
    equations = solution.equations
    changed = {index}
    updates = []
    for later in range(index + 1, len(equations)):
        equation = equations[later]
        follows = []
        for operand, source in enumerate(equation.sources):
            others = equation.others[operand]
            if source in changed:
                if others:
                    raise Refused("ambiguous operand")
                follows.append((operand, source))
            elif source == UNKNOWN:
                raise Refused("untraced operand")
            elif others and not changed.isdisjoint(others):
                raise Refused("ambiguous operand")
        if follows:
            if equation.frozen:
                raise Refused("unreadable equation")
            updates.append((later, follows))
            changed.add(later)
    if solution.final not in changed:
        raise Refused("answer unchanged")
    first = equations[index].step
    repeats = []
    beside = []
    touched = {equations[i].step for i in changed}
    for mention in solution.mentions:
        if mention.step < first:
            continue
        if any(equation == index for equation, _ in mention.operands):
            beside.append(mention)
        if mention.source in changed:
            if mention.others:
                raise Refused("ambiguous mention")
            repeats.append((mention.step, mention.place, mention.source))
            touched.add(mention.step)
        elif mention.source == UNKNOWN:
            raise Refused("untraced number")
        elif not changed.isdisjoint(mention.others):
            raise Refused("ambiguous mention")
    if not solution.comparisons.isdisjoint(touched):
        raise Refused("comparison")
    for i in changed:
        spelled = _SPELLED.get(equations[i].result)
        if spelled is not None:
            for step in range(equations[i].step, len(solution.steps)):
                if not spelled.isdisjoint(solution.words_of(step)):
                    raise Refused("number in words")
    return Plan(updates, repeats, beside)


class Wrong(NamedTuple):
    """A wrong solution.

    Attributes:
        steps: as they stand in a row, one for each of the right solution (of which one can be missing).
        bodies: the same without labels and conclusion.
        kept: how many of them are the right solution's.
        first_error: index of the first wrong one; `len(bodies)` for the conclusion.
        answer: what it comes to.
    """

    steps: list[str]
    bodies: list[str]
    kept: int
    first_error: int
    answer: str


def carry_through(case: Case, edit: Edit) -> Wrong:
    """Write the solution that the error leads to. Raises `Refused`."""
    frame, solution = case.frame, case.solution
    index = edit.equation
    if index < 0:  # the steps stand; the conclusion does not
        bodies = frame.bodies if edit.upto < 0 else frame.bodies[: edit.upto]
        return _wrong(frame, bodies, len(bodies), len(bodies), _conclude(edit.value, solution.answer_text))

    plan = case.plans[index]
    assert plan is not None  # errors are made where there is one
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
        raise Refused("right answer")

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
        _say_beside(case, edit, plan, own)

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
    return _wrong(frame, bodies, kept, at, _conclude(changed[solution.final], solution.answer_text))


def _wrong(frame: Frame, bodies: list[str], kept: int, first_error: int, answer: str) -> Wrong:
    return Wrong(frame.finish(bodies, answer, kept), bodies, kept, first_error, answer)


def _say_beside(case: Case, edit: Edit, plan: Plan, texts: dict[int, str]) -> None:
    """Let the prose of the wrong step say the operand that its equation now uses: "Working 30 minutes, … 0.2 x 30"."""
    solution = case.solution
    first = solution.equations[edit.equation]
    for operand, value in edit.replaced:
        spelled = _SPELLED.get(first.operands[operand])
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


def _conclude(value: Value, like: str) -> str:
    try:
        return write_number(value, like)
    except ValueError:
        return plainly(value)
