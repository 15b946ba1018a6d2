"""One quantity is taken for its neighbour of the same kind: the 34 of Wednesday for Thursday's 40 too."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.families.exchanged import MEASURED, alike
from prm_gsm8k.synthetic.twins.graph import Graph
from prm_gsm8k.synthetic.twins.question import SMALL
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around, is_editable


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    text = question.text
    able = [i for i, q in enumerate(question.quantities) if q.kind in MEASURED and is_editable(graph, i)]
    pairs = [(i, j) for i in able for j in able if i != j and alike(question.quantities[i], question.quantities[j])]
    rng.shuffle(pairs)
    for i, j in pairs:
        kept, lost = question.quantities[i], question.quantities[j]
        if len(lost.mentions) > 1 or abs(kept.sentence - lost.sentence) > 1:
            continue
        (s, e), (t, f) = kept.mentions[0], lost.mentions[0]
        new = text[s:e].lower()
        if kept.spelled != lost.spelled:
            if type(kept.value) is not int or kept.value >= len(SMALL):
                continue
            new = SMALL[kept.value] if lost.spelled else str(kept.value)
        if text[t].isupper():
            new = new.capitalize()
        twin = question.edited({(t, f): new})
        yield Edit(
            twin,
            Change(quantities={j: kept.value}),
            around(text, t, f),
            around(twin, t, t + len(new)),
        )


def recognised(read: Difference) -> bool:
    """One number stands where another stood."""
    return len(read.gone) == len(read.new) == 1


FAMILY = Family(
    name="quantity_repeated",
    stands_for="two quantities, persons or stages mixed up",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    edits=edits,
    recognised=recognised,
)
