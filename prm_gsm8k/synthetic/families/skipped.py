"""A stage is skipped, and what it was computed from stands where its result belongs: "48 + 48 = 96 clips".

What is put in its place is of the same kind as the result: so many clips for so many clips, dollars for dollars, or the
same quantity in the unit that it had before a conversion.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import shown, unit_at

_FACTORS = (Kind.MULTIPLIER, Kind.SHARE, Kind.PERCENTAGE)  # twice as many peppers are no 2 peppers


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    for index, kept in rng.sample(found := _places(graph), len(found)):
        equation = solution.equations[index]
        number = solution.steps[equation.step][equation.places[kept]]
        yield Edit(
            graph.question.text, Change(gone={index: kept}), shown(graph, index).rpartition("=")[0].rstrip(), number
        )


def _places(graph: Graph) -> list[tuple[int, int]]:
    """(equation, operand that can stand for its result) of the stages that can be skipped."""
    solution = graph.solution
    found = []
    for index, equation in enumerate(solution.equations):
        users = graph.uses.get(index, ())
        alone = sum(other.step == equation.step for other in solution.equations) == 1
        if index == solution.final or len(users) != 1 or len(equation.operands) != 2 or not alone or equation.frozen:
            continue
        if not equation.places or solution.equations[users[0][0]].step == equation.step:
            continue
        into = solution.equations[users[0][0]].operands
        unit = unit_at(graph, equation.step, equation.result_place)
        for operand, value in enumerate(equation.operands):
            sources = graph.sources[index]
            if len(sources[operand]) != 1 or sources[operand][0] == WORLD or value in into:
                continue
            quantity = graph.quantity_of(index, operand)
            if quantity is not None and quantity.kind in _FACTORS:
                continue
            same = unit and unit == unit_at(graph, equation.step, equation.places[operand])
            if same or sources[1 - operand] == (WORLD,):
                found.append((index, operand))
    return found


def recognised(read: Difference) -> bool:
    """S' has a step less."""
    return read.steps == -1 and not read.is_false


FAMILY = Family(
    name="step_skipped",
    stands_for="a stage forgotten",
    thought="skips {said} and uses {read} in its place",
    thought_back="",
    example="gsm8k/train/69",
    edits=edits,
    recognised=recognised,
    misreads=False,
    share=0.1,
)
