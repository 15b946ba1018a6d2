"""A quantity is taken in a smaller unit: "3 weeks" as "3 days", so nothing is converted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import WORLD, Graph, quantity_source
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.units import SMALLER
from prm_gsm8k.synthetic.twins.wording import around


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    for index, quantity in enumerate(question.quantities):
        if len(quantity.mentions) > 1 or graph.is_open(quantity_source(index)):
            continue
        start, end = quantity.mentions[0]
        for equation_index, operand in graph.feeds(index)[:1]:
            equation = solution.equations[equation_index]
            alone = sum(e.step == equation.step for e in solution.equations) == 1
            if equation.operators != ["*"] or graph.sources[equation_index][1 - operand] != (WORLD,) or not alone:
                continue
            if equation_index == solution.final or len(graph.feeds(index)) > 1:
                continue
            factor = equation.operands[1 - operand]
            for unit, times, smaller in SMALLER:
                match = re.match(rf" {unit}\b", text[end:])
                if match and times == factor and quantity.value >= 2:
                    at = end + 1
                    twin = text[:at] + smaller + text[at + len(unit) :]
                    yield _edit(text, twin, start, at + len(unit), at + len(smaller), equation_index, operand)


def _edit(text: str, twin: str, start: int, end: int, twin_end: int, equation: int, operand: int) -> Edit:
    return Edit(twin, Change(gone={equation: operand}), around(text, start, end), around(twin, start, twin_end))


def recognised(read: Difference) -> bool:
    """One unit stands where another stood."""
    return len(read.gone) == len(read.new) == 1


FAMILY = Family(
    name="unit_confused",
    stands_for="a unit left unconverted",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/7317",
    edits=edits,
    recognised=recognised,
    share=0.7,
)
