"""The conclusion states an earlier result, although all was computed.

Hardly anybody does that: it is made only if it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import format_number
from prm_gsm8k.synthetic.solve import Change


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    final = solution.equations[solution.final]
    for index in range(solution.final - 1, -1, -1):
        equation = solution.equations[index]
        if equation.step < final.step and equation.result != solution.answer:
            yield Edit(
                graph.question.text,
                Change(concludes=equation.result),
                f"{format_number(equation.result)} (the result of step {equation.step + 1})",
                solution.answer_text,
            )


def recognised(read: Difference) -> bool:
    """S' is S, and only its conclusion is another."""
    return read.concludes


FAMILY = Family(
    name="wrong_final_answer",
    stands_for="a conclusion unlike what was computed",
    thought="answers with {said} where {read} was computed",
    thought_back="",
    example="gsm8k/train/14",
    edits=edits,
    recognised=recognised,
    misreads=False,
    concludes=True,
    share=0.0,
)
