"""A part that is contained in a total is counted again beside it: "72 + 5 + 24", where 72 holds the 24 already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import format_number
from prm_gsm8k.synthetic.solve import Change

_TOTAL = re.compile(r"\b(?:total|together|altogether|combined|in all|all (?:of|the)|both)\b", re.IGNORECASE)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    for index, equation in enumerate(solution.equations):
        if not 2 <= len(equation.operands) <= 3 or set(equation.operators) != {"+"} or not equation.places:
            continue
        if not _TOTAL.search(" ".join(solution.steps[equation.step][0::2])):
            continue
        own = graph.sources[index]
        for total in (s[0] for s in own if len(s) == 1 and 0 <= s[0] < len(solution.equations)):
            parts = solution.equations[total]
            if set(parts.operators) != {"+"} or any(parts.opens):
                continue
            for part, sources in zip(parts.operands, graph.sources[total], strict=True):
                if len(sources) == 1 and sources[0] >= 0 and sources not in own:
                    yield Edit(
                        graph.question.text,
                        Change(added={index: sources[0]}),
                        format_number(part),
                        format_number(parts.result),
                    )


def recognised(read: Difference) -> bool:
    """The sum has one term more."""
    return read.twin_operators == read.operators + "+" and read.steps == 0 and not read.is_false


FAMILY = Family(
    name="part_counted_again",
    stands_for="a contained part counted again",
    thought="counts {said} again, which {read} contains",
    thought_back="",
    example="gsm8k/train/114",
    edits=edits,
    recognised=recognised,
    misreads=False,
    share=0.3,
)
