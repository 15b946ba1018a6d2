"""A multiple is taken for its share: "twice as many as" as "half as many as", "3 times" as "one-third"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import SMALL, Kind
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around, is_older_by_nature

_SHARE: dict[Value, str] = {2: "half", 3: "one-third", 4: "one-fourth", 5: "one-fifth"}
_MULTIPLE = re.compile(
    rf"\b(twice|thrice|double|(?:\d+|{'|'.join(SMALL)}) times|half) "
    r"(as (?!that\b)\w+|the (?:number|amount|size|cost|price|age|length|weight|time|distance|speed|height|width)"
    r"|his|her|their|its|that)\b",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\b(?:twice|thrice|doubl\w*|tripl\w*|half|halv\w*|times|third\w*|fourth\w*|quarter\w*|multipl\w+|divid\w+)\b",
    re.IGNORECASE,
)
_RATE = re.compile(r"[a-z]/[a-z]")  # 4 goats/cow is no multiple any more


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if any(quantity.kind is Kind.DATE for quantity in question.quantities):
        return  # before or after a year: what follows would have to be turned round too
    if not any(quantity.kind in (Kind.MULTIPLIER, Kind.SHARE) for quantity in question.quantities):
        return
    for match in _MULTIPLE.finditer(text):
        start, end = match.span(1)
        index = next((i for i, q in enumerate(question.quantities) if [a for a, _ in q.mentions] == [start]), None)
        if index is None or graph.is_open(quantity_source(index)):
            continue
        place = _multiplies(graph, index)
        if place is None or is_older_by_nature(question.sentence(question.quantities[index].sentence)):
            continue
        equation_index, operand = place
        equation = solution.equations[equation_index]
        factor, operator = equation.operands[operand], equation.operators[0]
        said, base = match[1].lower(), match[2].lower()
        if said == "half" and (operator != "/" or not base.startswith(("as", "the"))):
            continue
        words = _said(graph, equation.step, said, _SHARE[factor])
        if words is None:
            continue
        new = "twice" if said == "half" else _SHARE[factor]
        if not base.startswith("as") and new != "twice" and (new != "half" or not base.startswith("the")):
            new += " of"
        new = new.capitalize() if match[1][0].isupper() else new
        twin = text[:start] + new + text[end:]
        turned = "/" if operator == "*" else "*"
        yield Edit(
            twin,
            Change(
                operators={(equation_index, 0): turned},
                swapped=frozenset((equation_index,)) if operand == 0 and turned == "/" else frozenset(),
                words={equation.step: words} if words else {},
            ),
            around(text, start, end),
            around(twin, start, start + len(new)),
        )


def _multiplies(graph: Graph, index: int) -> tuple[int, int] | None:
    """The operand that is the multiple, in a product or quotient of two."""
    places = graph.feeds(index)
    if len(places) != 1:
        return None
    equation_index, operand = places[0]
    equation = graph.solution.equations[equation_index]
    if len(equation.operands) != 2 or equation.operators[0] not in "*/" or equation.operands[operand] not in _SHARE:
        return None
    if equation.operators[0] == "/" and operand == 0:
        return None
    if _RATE.search("".join(graph.solution.steps[equation.step])):
        return None
    return equation_index, operand


def _said(graph: Graph, step: int, said: str, share: str) -> dict[str, str] | None:
    """What step `step` says instead of the multiple, if it says it; None where the solution says it otherwise too."""
    steps = ["".join(parts) for parts in graph.solution.steps]
    if any(other != step and re.search(rf"\b{said}\b", text, re.IGNORECASE) for other, text in enumerate(steps)):
        return None
    spoken = _SPOKEN.findall(steps[step])
    if not spoken:
        return {}
    if len(spoken) > 1 or not re.search(rf"\b{said} (?:as|the) \w+", steps[step], re.IGNORECASE):
        return None
    return {said: "twice" if said == "half" else share}


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
