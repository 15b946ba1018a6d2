"""A difference is taken for the amount: "20 more stickers than Karl" as "20 stickers"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import Kind
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_DIFFERENCE = re.compile(
    r"( more| fewer| less)((?: [a-z-]+){0,4}?) than "
    r"(?:[A-Z][a-z]+|(?:the|his|her|their|last|on|in|what|she|he|they|for|red|green|blue)\b[^.,;?!]*?)"
    r"(?: (?:does|did|has|had|do|have|is|was))?"
    r"(?=[.,;?!]| and \d| and the | and [A-Z]| but | while | who | which )"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    for index, quantity in enumerate(question.quantities):
        start, end = quantity.mentions[0]
        if quantity.kind in (Kind.UNKNOWN, Kind.MULTIPLIER, Kind.PERCENTAGE, Kind.SHARE) or len(quantity.mentions) > 1:
            continue
        match = _DIFFERENCE.match(text[end:])
        places = graph.feeds(index)
        if match is None or len(places) != 1 or graph.is_open(quantity_source(index)):
            continue
        equation_index, operand = places[0]
        equation = solution.equations[equation_index]
        alone = sum(e.step == equation.step for e in solution.equations) == 1
        sign = "+" if match[1] == " more" else "-"
        if len(equation.operands) != 2 or equation.operators[0] != sign or equation.frozen or not alone:
            continue
        asked = quantity.sentence == len(question.sentences) - 1 and "how" in text[:start].rpartition(".")[2].lower()
        if equation_index == solution.final or asked:
            continue
        if not match[2] and quantity.kind is Kind.COUNT and not quantity.thing:
            continue
        twin = text[:end] + match[2] + text[end + match.end() :]
        yield Edit(
            twin,
            Change(gone={equation_index: operand}),
            around(text, start, end + match.end(), 3),
            around(twin, start, end + len(match[2]), 3),
        )


def recognised(read: Difference) -> bool:
    """Nothing is said but that "more than" and what follows it is gone."""
    return not read.new and "than" in read.gone and bool({"more", "fewer", "less"} & read.gone.keys())


FAMILY = Family(
    name="difference_as_amount",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/2375",
    edits=edits,
    recognised=recognised,
)
