"""The last part is left out: a tip, a tax, a gift that only the last step adds or takes away.

The twin ends before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.families import dropped
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.question import singular, thing_after
from prm_gsm8k.synthetic.solve import Change

_AFTER = re.compile(r"\b(?:[Aa]fter|[Oo]nce|[Ww]hen)\b")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution, text = graph.solution, graph.question.text
    final = solution.equations[solution.final]
    if solution.final == 0 or final.step != len(solution.steps) - 1:
        return
    for cut, inside in dropped.without(graph.question):
        left = dropped.Left(graph, cut, inside)
        change = left.change(ends=True)
        if change is None or not dropped.stands_without(graph, change, cut):
            continue
        sources = graph.sources[solution.final][change.gone[solution.final]]
        last = sources[0]
        behind = range(last + 1, len(solution.equations))
        # what is left of the solution ends with what the last step starts from
        if len(sources) != 1 or not 0 <= last < solution.final or change.gone.keys() != set(behind) or change.dropped:
            continue
        if solution.equations[last].step == solution.equations[last + 1].step:
            continue
        result = solution.equations[last]
        thing = thing_after(solution.steps[result.step][result.result_place + 1])
        asked = dropped.asked_without(graph, cut).lower()
        if "-" in final.operators and (
            not dropped.OF_WHAT_IS_LEFT.search(asked)
            or (thing and thing not in map(singular, re.findall("[a-z]+", asked)))
        ):
            continue  # of 140 students, 60 are boys: girls are asked for
        if _AFTER.search(text, graph.question.sentences[-1][0]) and cut.end <= graph.question.sentences[-1][0]:
            continue  # what is asked may be what comes of it
        yield Edit(cut.of(text), Change(last=last), dropped.said(graph, cut), "")


def recognised(read: Difference) -> bool:
    """S' concludes where S goes on, and words are gone, a number among them."""
    return read.ends and dropped.recognised(read)


FAMILY = Family(
    name="last_part_left_out",
    stands_for="a part, condition or deduction forgotten, or one counted that is not there",
    thought='leaves out "{said}"',
    thought_back='counts "{read}", which the question does not say',
    example="gsm8k/train/6609",
    edits=edits,
    recognised=recognised,
    concludes=True,
    share=0.5,
)
