"""Two quantities of a kind are exchanged: the pages of Monday for those of Tuesday."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph
from prm_gsm8k.synthetic.twins.question import Kind, Quantity
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around, is_editable

_MEASURED = frozenset((Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.RATE))


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    text = question.text
    able = [i for i, q in enumerate(question.quantities) if q.kind in _MEASURED and is_editable(graph, i)]
    pairs = [pair for pair in combinations(able, 2) if _alike(*(question.quantities[i] for i in pair))]
    rng.shuffle(pairs)
    for i, j in pairs:
        a, b = question.quantities[i], question.quantities[j]
        (s, e), (t, f) = a.mentions[0], b.mentions[0]
        if a.spelled != b.spelled or len(a.mentions) > 1 or len(b.mentions) > 1:
            continue
        twin = question.edited({(s, e): text[t:f], (t, f): text[s:e]})
        yield Edit(
            twin,
            Change(quantities={i: b.value, j: a.value}),
            f"{around(text, s, e)}\" and \"{around(text, t, f)}",
            f"{around(twin, s, s + f - t)}\" and \"{around(twin, f - (e - s), f)}",
        )


def _alike(a: Quantity, b: Quantity) -> bool:
    if a.kind is not b.kind or a.thing != b.thing or not a.thing or a.value == b.value:
        return False
    return 1 / 8 <= a.value / b.value <= 8


FAMILY = Family(
    name="quantities_exchanged",
    stands_for="two quantities, persons or stages mixed up",
    thought='exchanges "{said}"',
    thought_back='exchanges "{said}"',
    edits=edits,
)
