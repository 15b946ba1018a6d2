"""Two digits of a number are transposed: "67 potatoes" as "76 potatoes": the way in which people misread a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import read_number
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import AT_MOST, around, is_editable

_KINDS = frozenset((
    Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.RATE, Kind.PERCENTAGE,
))  # fmt: skip

_MOST = 2.2  # times as much, or as little


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    taken = {q.value for q in question.quantities} | {e.result for e in graph.solution.equations} | graph.world
    order = [i for i, q in enumerate(question.quantities) if q.kind in _KINDS and is_editable(graph, i)]
    rng.shuffle(order)
    for index in order:
        quantity = question.quantities[index]
        start, end = quantity.mentions[0]
        if (
            quantity.spelled
            or len(quantity.mentions) > 1
            or re.match(r" of (?:them|these|those)\b", question.text[end:])
        ):
            continue  # no more than all of them
        for written in _transposed(question.text[start:end]):
            value = read_number(written + ("%" if quantity.kind is Kind.PERCENTAGE else ""))
            if value in taken or value > AT_MOST.get(quantity.thing, value):
                continue
            if not quantity.value <= _MOST * value <= _MOST * _MOST * quantity.value:
                continue
            text = question.edited({(start, end): written})
            yield Edit(
                text, Change(quantities={index: value}), around(question.text, start, end), around(text, start, end)
            )


def _transposed(written: str) -> list[str]:
    """A number with two neighbouring digits in the other order.

    >>> _transposed("67"), _transposed("$1,250"[1:]), _transposed("40")
    (['76'], ['1,520'], [])
    """
    found = []
    for i in range(len(written) - 1):
        a, b = written[i], written[i + 1]
        if a.isdigit() and b.isdigit() and a != b and "0" not in (a, b):
            found.append(written[:i] + b + a + written[i + 2 :])
    return found


def recognised(read: Difference) -> bool:
    """One number stands where another of the same digits stood."""
    return [sorted(word) for word in read.gone] == [sorted(word) for word in read.new] and len(read.gone) == 1


FAMILY = Family(
    name="number_flipped",
    stands_for="a number of the question misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/4110",
    edits=edits,
    recognised=recognised,
    share=0.3,
)
