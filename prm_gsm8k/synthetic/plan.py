"""Which steps depend on the result of an equation: planned once for each equation, before any error is drawn.

What cannot be followed with certainty is refused, never guessed: a number that might be the changed result or might be
the problem's, an equation whose text could not be read, a number word, a comparison that may no longer hold.
"""

from __future__ import annotations

from typing import NamedTuple

from prm_gsm8k.synthetic.numbers import WORDS_OF
from prm_gsm8k.synthetic.parse import UNKNOWN, Mention, Solution


class Refused(Exception):
    """An error cannot be propagated through this solution. The message is one of a few fixed reasons."""


class Plan(NamedTuple):
    """What changes if the result of one equation changes.

    Attributes:
        updates: the later equations to recompute, in order, each with the (operand, source equation) pairs that change.
        repeats: (step, place, equation) of numbers in prose that repeat the result of a changed equation.
        beside: numbers in the prose of the equation's own step that repeat one of its operands.
    """

    updates: list[tuple[int, list[tuple[int, int]]]]
    repeats: list[tuple[int, int, int]]
    beside: list[Mention]


def plan_change(solution: Solution, index: int) -> Plan:
    """What follows if the result of equation `index` changes.

    Raises:
        Refused: that is not certain, or the answer does not depend on it.
    """
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
        spelled = WORDS_OF.get(equations[i].result)
        if spelled is not None:
            for step in range(equations[i].step, len(solution.steps)):
                if not spelled.isdisjoint(solution.words_of(step)):
                    raise Refused("number in words")
    return Plan(updates, repeats, beside)
