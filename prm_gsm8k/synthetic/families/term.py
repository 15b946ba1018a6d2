"""A term of a sum or a factor of a product is forgotten: "100 - 50 - 30 = 20" without the 15 of the grandparents."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph
from prm_gsm8k.synthetic.solve import Change


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    places = [
        (index, operand)
        for index, equation in enumerate(solution.equations)
        if len(equation.operands) > 2 and not any(equation.opens) and equation.places
        if set(equation.operators) <= {"+", "-"} or set(equation.operators) == {"*"}
        for operand in range(1, len(equation.operands))
        if WORLD not in graph.sources[index][operand]
    ]
    for index, operand in rng.sample(places, len(places)):
        equation = solution.equations[index]
        number = solution.steps[equation.step][equation.places[operand]]
        yield Edit(graph.question.text, Change(dropped=frozenset(((index, operand),))), number, "")


def recognised(read: Difference) -> bool:
    """The equation has one operator less."""
    return len(read.twin_operators) == len(read.operators) - 1 and read.steps == 0 and not read.is_false


FAMILY = Family(
    name="term_left_out",
    stands_for="a part, condition or deduction forgotten",
    thought="leaves {said} out",
    thought_back="",
    example="gsm8k/train/294",
    edits=edits,
    recognised=recognised,
    misreads=False,
    share=0.1,
)
