"""What holds for each is taken for the total: "5 books for $3 each" as "5 books for $3 in total"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import Kind, Quantity, singular
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_EACH = re.compile(
    r"((?: [a-z]+){0,2}?) (each|apiece|(?:a|an|per|each|every) (?:day|week|month|year|hour|night|minute|person|piece"
    r"|book|shirt|box|bag|bottle|game|ticket|trip|session|lesson|visit|class|shift|house|car|driveway|lawn|dog|student))"
    r"(?=[.,;?]| (?:and|for|to|with|from|on|in|while|but|when|at|over)\b)"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    text = question.text
    for index, quantity in enumerate(question.quantities):
        start, end = quantity.mentions[0]
        match = _EACH.match(text[end:])
        if match is None or quantity.kind is not Kind.RATE or graph.is_open(quantity_source(index)):
            continue
        places = graph.feeds(index)
        if len(places) != 1 or len(quantity.mentions) > 1:
            continue
        equation_index, operand = places[0]
        if match[1].endswith(" in") or not _shared_by(graph, quantity, match[2], text[end:], equation_index, operand):
            continue
        at = end + match.start(2)
        twin = text[:at] + "in total" + text[end + match.end(2) :]
        change = _without_factor(graph, equation_index, operand)
        if change is not None:
            yield Edit(twin, change, around(text, start, end + match.end()), around(twin, start, at + len("in total")))


def _shared_by(graph: Graph, quantity: Quantity, unit: str, behind: str, index: int, operand: int) -> bool:
    """Whether the total is of what the number was multiplied by: of the 5 books, of the 4 hours."""
    equation = graph.solution.equations[index]
    if quantity.thing in ("leg", "arm", "wheel", "foot"):
        return False
    near = [o for o in (operand - 1, operand + 1) if 0 <= o < len(equation.operands)]
    for other in near:
        factor = graph.quantity_of(index, other)
        if factor is None or factor.value > 4 * quantity.value:  # "700 apples for $2 in total" is no sensible question
            continue
        if " " in unit:  # a day, per hour
            return factor.thing == unit.split()[-1]
        before = graph.question.text[: quantity.mentions[0][0]]
        if factor.sentence == quantity.sentence and 0 < len(before) - factor.mentions[0][1] < 50:
            return True
        # "If the tires cost $250 each", of the three that were slashed
        spoken = re.search(r"\b[Tt]he ([a-z]+) [^.,;]{0,20}\Z", before)
        return spoken is not None and singular(spoken[1]) == factor.thing != ""
    return False


def _without_factor(graph: Graph, index: int, operand: int) -> Change | None:
    """The graph without the factor by which the number was multiplied."""
    equations = graph.solution.equations
    equation = equations[index]
    if equation.frozen or any(equation.opens) or "/" in equation.operators:
        return None
    if len(equation.operands) == 2:
        alone = sum(e.step == equation.step for e in equations) == 1
        if equation.operators[0] != "*" or index == graph.solution.final or not alone:
            return None
        return Change(gone={index: operand})
    left = operand > 0 and equation.operators[operand - 1] == "*"
    right = operand < len(equation.operators) and equation.operators[operand] == "*"
    if left == right:
        return None
    return Change(dropped=frozenset(((index, operand - 1 if left else operand + 1),)))


def recognised(read: Difference) -> bool:
    """It says "in total" where it said "each" or "a day"."""
    return set(read.new) <= {"in", "total"} and 1 <= len(read.gone) <= 2


FAMILY = Family(
    name="each_for_total",
    stands_for="a rate or ratio set up wrong",
    thought='takes "{said}" as "{read}"',
    thought_back='takes "{said}" as "{read}"',
    example="gsm8k/train/1797",
    edits=edits,
    recognised=recognised,
)
