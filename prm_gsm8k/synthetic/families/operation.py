"""The operation of a step is another one: what is to be added is taken away, or the other way round.

Only between two numbers of one kind, and where no word of the step says what it does. People hardly do that, so it is
made only if it is asked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import shown, unit_at

_SAYS = re.compile(
    r"\b(?:total|sum|together|altogether|combined|in all|both|all|and|plus|add\w*|left|remain\w*|rest|more|less|fewer"
    r"|differ\w*|than|after|before|minus|subtract\w*|sav\w+|discount\w*|profit|change|gave|away|lost|spent|still|older"
    r"|younger|increas\w*|decreas\w*|other)\b",
    re.IGNORECASE,
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    for index in rng.sample(range(len(solution.equations)), len(solution.equations)):
        equation = solution.equations[index]
        if len(equation.operands) != 2 or equation.operators[0] not in "+-" or not equation.places:
            continue
        if _SAYS.search(" ".join(solution.steps[equation.step][0::2])):
            continue
        units = {unit_at(graph, equation.step, place) for place in equation.places} - {""}
        turned = "-" if equation.operators[0] == "+" else "+"
        if len(units) < 2:
            yield Edit(
                graph.question.text,
                Change(operators={(index, 0): turned}),
                shown(graph, index),
                "adds" if turned == "+" else "subtracts",
            )


def recognised(read: Difference) -> bool:
    """One + is a -, or the other way round."""
    return {read.operators, read.twin_operators} == {"+", "-"} and read.steps == 0 and not read.is_false


FAMILY = Family(
    name="operation_changed",
    stands_for="a wrong plan or equation",
    thought="{read} where {said} belongs",
    thought_back="",
    example="gsm8k/train/65",
    edits=edits,
    recognised=recognised,
    misreads=False,
    share=0.0,
)
