"""A multiple is taken for its share: "twice as many as" as "half as many as", "3 times as many" as "a third as many"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import SMALL, Kind
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_SHARE = {2: "half", 3: "one-third", 4: "one-fourth", 5: "one-fifth"}
_COUNT = rf"(?:\d+|{'|'.join(SMALL)})"
_MULTIPLE = re.compile(
    rf"\b(twice|thrice|double|{_COUNT} times|half) (as (?!that\b)\w+|the (?:number|amount|size|cost|price|age|length|weight|time|distance|speed|height|width)|his|her|their|its|that)\b",
    re.IGNORECASE,
)
_SPOKEN = re.compile(rf"\b(?:twice|thrice|doubl\w*|tripl\w*|half|halv\w*|\w+ times|times|third\w*|fourth\w*|quarter\w*|multipl\w+|divid\w+)\b", re.IGNORECASE)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if any(quantity.kind is Kind.DATE for quantity in question.quantities):
        return  # before or after a year: what follows would have to be turned round too
    for match in _MULTIPLE.finditer(text):
        said = match[1].lower()
        at = match.span(1)
        index = next((i for i, q in enumerate(question.quantities) if q.mentions[0][0] == at[0]), None)
        if index is None or len(question.quantities[index].mentions) > 1 or graph.is_open(quantity_source(index)):
            continue
        quantity = question.quantities[index]
        places = graph.feeds(index)
        if len(places) != 1:
            continue
        equation_index, operand = places[0]
        equation = solution.equations[equation_index]
        if len(equation.operands) != 2 or equation.operators[0] not in "*/":
            continue
        factor = equation.operands[operand]
        if type(factor) is not int or factor not in _SHARE or (equation.operators[0] == "/" and operand == 0):
            continue
        if said == "half" and (equation.operators[0] != "/" or match[2].lower() in ("his", "her", "their", "its", "that")):
            continue
        if any("/" in text.replace(" / ", "").strip("/ ") for text in solution.steps[equation.step][0::2]):
            continue  # 4 goats/cow
        new = "twice" if said == "half" else _SHARE[factor]
        words: dict[str, str] = {}
        prose = "".join(solution.steps[equation.step])
        spoken = _SPOKEN.findall(prose)
        if spoken:
            phrase = re.search(rf"\b({re.escape(said)}) (as \w+|the \w+)", prose, re.IGNORECASE)
            if len(spoken) > 1 or phrase is None:
                continue
            words = {re.escape(said): new}
        if any(len(_SPOKEN.findall("".join(solution.steps[s]))) and s != equation.step and re.search(rf"\b{re.escape(said)}\b", "".join(solution.steps[s]), re.IGNORECASE) for s in range(len(solution.steps))):
            continue
        turned = "/" if equation.operators[0] == "*" else "*"
        fill = new.capitalize() if match[1][0].isupper() else new
        tail = match[2]
        twin = text[: at[0]] + fill + text[at[1] :]
        if tail.lower() in ("that", "his", "her", "their", "its"):
            twin = text[: at[0]] + fill + " of" + text[at[1] :]
        elif tail.lower().startswith("the") and new not in ("half", "twice"):
            twin = text[: at[0]] + fill + " of" + text[at[1] :]
        yield Edit(
            twin,
            Change(
                operators={(equation_index, 0): turned},
                swapped=frozenset((equation_index,)) if operand == 0 and turned == "/" else frozenset(),
                words={equation.step: words} if words else {},
            ),
            around(text, *at),
            around(twin, at[0], at[0] + len(fill)),
        )


def recognised(read: Difference) -> bool:
    """Words for a multiple stand where words for a share stood, and one * is a / or the other way round."""
    return sorted((read.operators, read.twin_operators)) == ["*", "/"] and bool(read.gone and read.new)


FAMILY = Family(
    name="multiple_turned",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/1036",
    edits=edits,
    recognised=recognised,
)
