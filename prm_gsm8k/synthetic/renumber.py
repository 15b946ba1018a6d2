"""A problem with other numbers: all that can be changed at once, in the question and everything that follows from it.

    48 clips in April, half as many in May      36 clips in April, half as many in May
    48/2 = 24, 48+24 = 72                       36/2 = 18, 36+18 = 54

Kinds are kept: percentages stay round, prices keep their cents, counts stay whole, and so do results that were whole.
The new text is read again from the start, as any problem is, so a variant has blocks of its own.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Read, read_problem
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.held_out import is_test_question
from prm_gsm8k.synthetic.numbers import Value, decimals, whole, write_number
from prm_gsm8k.synthetic.question import SMALL, Kind, Quantity
from prm_gsm8k.synthetic.solve import Change, Refused, solve
from prm_gsm8k.synthetic.wording import AT_MOST, is_editable

_KINDS = frozenset((
    Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.RATE, Kind.PERCENTAGE,
    Kind.DIFFERENCE,
))  # fmt: skip
_ROUND = (1000, 500, 100, 50, 25, 10, 5)
_TRIES = 30


def renumbered(read: Read, number: int, seed: int, tally: Tally) -> Read | None:
    """Variant `number` of a problem; None, and counted in `tally`, if no numbers were found for it."""
    graph = read.graph
    rng = Random(f"{seed}/{read.problem.id}/variant-{number}")
    quantities_of = graph.question.quantities
    able = [i for i, q in enumerate(quantities_of) if q.kind in _KINDS and q.value * 2 != 1 and is_editable(graph, i)]
    why = "no number can be changed"
    for _ in range(_TRIES if able else 0):
        quantities = {i: value for i in able if (value := _other(quantities_of[i], rng)) is not None}
        if not quantities:
            continue
        try:
            solved = solve(graph, Change(quantities=quantities))
            question = _asked(graph, quantities)
        except Refused as refusal:
            why = str(refusal)
            continue
        if is_test_question(question) and read.problem.split != "test":
            why = "test question"
            break
        answer = "\n".join((*solved.steps, f"#### {write_number(solved.answer, read.checker.answer)}"))
        problem = replace(read.problem, id=f"{read.problem.id}/variant-{number}", question=question, answer=answer)
        unread = Tally()
        variant = read_problem(problem, unread)
        if variant is not None:
            return replace(variant, source="renumbered", currency=read.currency)
        why = unread.skipped[0][1].partition(":")[0]
    tally.counts[f"variant skipped/{why}"] += 1
    return None


def _other(quantity: Quantity, rng: Random) -> Value | None:
    """Another value of the same kind and look; None if it stays as it is."""
    value = whole(quantity.value * 100) if quantity.kind is Kind.PERCENTAGE else quantity.value
    unit: Value = 1
    if type(value) is not int:
        unit = Fraction(1, 10 ** (decimals(value, 2) or 0)) if decimals(value, 2) else 0
        unit = next((u for u in (Fraction(1, 2), Fraction(1, 4), Fraction(1, 10)) if not value % u), unit)
    elif value > 12 and not quantity.spelled:
        unit = next((u for u in _ROUND if not value % u and value >= 2 * u), 1)
    if not unit:
        return None
    times = int(value / unit)
    low, high = max(2, round(times * 0.6)), max(times + 1, round(times * 1.6))
    if quantity.spelled:
        if value >= len(SMALL):
            return None  # thirty
        high = min(high, len(SMALL) - 1)
    if quantity.kind is Kind.PERCENTAGE:
        high = min(high, int(95 / unit))
    if (limit := AT_MOST.get(quantity.thing, value)) >= value and quantity.thing in AT_MOST:
        high = min(high, int(limit / unit))
    if low > high:
        return None
    new = whole(unit * rng.randint(low, high))
    return whole(Fraction(new) / 100) if quantity.kind is Kind.PERCENTAGE else new


def _asked(graph: Graph, quantities: dict[int, Value]) -> str:
    """The question with other numbers. Raises `Refused`."""
    question, changes = graph.question, {}
    for index, value in quantities.items():
        quantity = question.quantities[index]
        for start, end in quantity.mentions:
            old = question.text[start:end]
            before = question.text[max(0, start - 3) : start].lower().split()
            if before[-1:] in (["a"], ["an"]):
                raise Refused("an article")  # an 8-inch portrait, a 5-inch one
            if quantity.spelled:
                if quantity.kind is Kind.PERCENTAGE:
                    raise Refused("a percentage in words")
                new = SMALL[int(value)]
                changes[start, end] = new.capitalize() if old[0].isupper() else new
            else:
                shown = whole(value * 100) if quantity.kind is Kind.PERCENTAGE else value
                changes[start, end] = write_number(shown, old.rstrip("%")) + ("%" if old.endswith("%") else "")
    return question.edited(changes)
