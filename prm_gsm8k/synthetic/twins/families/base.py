"""A share is taken of another base: "half of the remaining cards" as "half of all the cards"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph
from prm_gsm8k.synthetic.twins.question import Kind
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_NO_NOUN = frozenset(
    "to in for at on and with yesterday today by as from that are were was is go went will who have had".split()
)
_OF_THE_REST = re.compile(
    r"\bof (?:(the|his|her|their|its|all the) (?:remaining|rest of the|leftover|other) ([a-z]+)"
    r"|(the (?:rest|remainder)))\b"
)
_REST = re.compile(r"\b(?:remain\w*|rest|left|leftover|other)\b", re.IGNORECASE)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if not any(quantity.kind in (Kind.SHARE, Kind.PERCENTAGE) for quantity in question.quantities):
        return
    for match in _OF_THE_REST.finditer(text):
        for index, quantity in enumerate(question.quantities):
            end = quantity.mentions[0][1]
            if quantity.kind not in (Kind.SHARE, Kind.PERCENTAGE) or not 0 <= match.start() - end <= 4:
                continue
            for equation_index, operand in graph.feeds(index):
                equation = solution.equations[equation_index]
                if any(operator in "+-" for operator in equation.operators):
                    continue
                bases = [
                    o
                    for o, sources in enumerate(graph.sources[equation_index])
                    if o != operand and len(sources) == 1 and 0 <= sources[0] < len(solution.equations)
                ]
                if len(bases) != 1:
                    continue
                if equation_index == solution.final and quantity.value * 2 == 1:
                    continue  # half may be the other half, which is kept
                rest = graph.sources[equation_index][bases[0]][0]
                total = _minuend(graph, rest)
                prose = "".join(solution.steps[equation.step])
                if total is None:
                    continue
                words = {}
                if _REST.search(prose):
                    found = re.findall(r"\b(?:the )?(?:remaining|rest of the)\b", prose)
                    if len(found) != len(_REST.findall(prose)) or len(found) != 1:
                        continue
                    words = {found[0]: "all the" if found[0].startswith("the") else "total"}
                noun = match[2]
                if noun in ("amount", "money", "of", "half") or not (noun or match[3]):
                    continue
                read = f"of all {(match[1] or '').replace('all ', '')} {noun}"
                if not noun or noun in _NO_NOUN:
                    read = f"of all of them {noun or ''}".rstrip()
                twin = text[: match.start()] + read + text[match.end() :]
                if _REST.search(read):
                    continue
                yield Edit(
                    twin,
                    Change(sources={(equation_index, bases[0]): total}, words={equation.step: words} if words else {}),
                    around(text, end, match.end()),
                    around(twin, end, match.start() + len(read)),
                )


def _minuend(graph: Graph, rest: int) -> int | None:
    """What the remainder was taken from, if equation `rest` is a remainder."""
    equation = graph.solution.equations[rest]
    if not equation.operators or any(operator != "-" for operator in equation.operators):
        return None
    sources = graph.sources[rest][0]
    return sources[0] if len(sources) == 1 and sources[0] >= 0 else None


def recognised(read: Difference) -> bool:
    """It says "all" where it said what remains, and the operation is the same."""
    return "all" in read.new and read.operators == read.twin_operators


FAMILY = Family(
    name="base_confused",
    stands_for="a fraction or percentage of the wrong base",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/6433",
    edits=edits,
    recognised=recognised,
)
