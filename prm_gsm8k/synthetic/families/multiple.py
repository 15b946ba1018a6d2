"""A multiple is taken for its share: "twice as many as" as "half as many as", "3 times" as "one-third"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.families.relation import COMPARED, turned_word
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.question import SMALL, TIMES, Kind
from prm_gsm8k.synthetic.solve import Change, spell
from prm_gsm8k.synthetic.wording import around, is_settled

_PARTS = "half third fourth fifth sixth seventh eighth ninth tenth".split()
_SHARE: dict[Value, str] = {2: "half", **{n: f"one-{part}" for n, part in enumerate(_PARTS[1:], 3)}}
_TIMES = rf"(?:\d+|{'|'.join(SMALL)}) times"
_AS = (
    r"(as (?!that\b)\w+|the (?:number|amount|size|cost|price|age|length|weight|time|distance|speed|height|width|money"
    r"|population|points|value|rate|salary|score|sum|total|quantity|volume|area|capacity)|his|her|their|its|that|what)\b"
)
_MULTIPLE = re.compile(
    rf"\b(twice|thrice|double|triple|quadruple|{_TIMES}|half|one[- ](?:{'|'.join(_PARTS[1:])}|quarter)|1/\d+) {_AS}",
    re.IGNORECASE,
)
_TIMES_MORE = re.compile(rf"\b({_TIMES}) ((?:{'|'.join(COMPARED)})\b(?=[^.,;?!]*\bthan\b))", re.IGNORECASE)
_SPOKEN = re.compile(
    rf"\b(?:twice|thrice|doubl\w*|tripl\w*|quadrupl\w*|halv\w*|times|quarter\w*|multipl\w+|divid\w+"
    rf"|(?:{'|'.join(_PARTS)})s?)\b|\b1/\d",
    re.IGNORECASE,
)
_COMPARES = re.compile(r"as|the (?:number|amount|size|cost|price|age|length|weight|time|distance|speed|height|width)\Z")
_AT_AGE = re.compile(r"\b[Ww]hen (?:he|she|they|[A-Z]\w+) (?:is|are|was|were|turns?|turned)\b[^.?]*\bold\b")
_PAYS = re.compile(r"\b(?:pays?|paid|covers?|covered)(?: [a-z]+)? \Z")
_COMPARED = re.compile(r"\b(?:more|less|fewer)\b")
_RATE = re.compile(r"[a-z]/[a-z]")  # 4 goats/cow is no multiple any more


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if any(quantity.kind is Kind.DATE for quantity in question.quantities):
        return  # before or after a year: what follows would have to be turned round too
    if _AT_AGE.search(text):
        return  # "When she is 14, how old will Nate be?": which of the two is older decides what is asked
    if not any(quantity.kind in (Kind.MULTIPLIER, Kind.SHARE) for quantity in question.quantities):
        return
    for match in (*_MULTIPLE.finditer(text), *_TIMES_MORE.finditer(text)):
        start, end = match.span(1)
        index = next((i for i, q in enumerate(question.quantities) if [a for a, _ in q.mentions] == [start]), None)
        if index is None or graph.is_open(quantity_source(index)):
            continue
        place = _multiplies(graph, index)
        if place is None or is_settled(question.sentence(question.quantities[index].sentence)):
            continue
        equation_index, operand = place
        equation = solution.equations[equation_index]
        factor, operator = equation.operands[operand], equation.operators[0]
        said, base = match[1].lower(), match[2].lower()
        is_share = not said.endswith("times") and said not in TIMES
        if is_share and _PAYS.search(text[:start]):
            continue  # nobody pays twice the cost
        if is_share and (operator != "/" or not _COMPARES.match(base)):
            continue
        if match.re is _TIMES_MORE:
            if _COMPARED.search(solution.steps[equation.step][equation.result_place + 1]):
                continue  # 3 * 6 = 18 more, which are then added
            end = match.end(2)
            other = turned_word(base, text[end:])
            new, words = f"{said} {other}", _said(graph, equation.step, said, {base: other}, base)
        else:
            new = ("twice" if factor == 2 else f"{spell(factor)} times") if is_share else _SHARE[factor]
            of = "" if is_share else " of"
            words = _said(graph, equation.step, said, {said: new + of * (new != "half")}, "the") or _said(
                graph, equation.step, said, {said: new}, "as"
            )
            if not base.startswith("as") and (new != "half" or not base.startswith(("the", "that"))):
                new += of
        if words is None:
            continue
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


def _said(graph: Graph, step: int, said: str, words: dict[str, str], base: str) -> dict[str, str] | None:
    """`words`, if step `step` says the multiple before `base`; {} if it does not; None if it is said otherwise too."""
    steps = ["".join(parts) for parts in graph.solution.steps]
    if any(other != step and re.search(rf"\b{said}\b", text, re.IGNORECASE) for other, text in enumerate(steps)):
        return None
    spoken = _SPOKEN.findall(steps[step])
    if not spoken and (base in ("as", "the") or not re.search(rf"\b{base}\b.*\bthan\b", steps[step])):
        return {}
    if len(spoken) > 1 or not re.search(rf"\b{said} {base} \w+", steps[step], re.IGNORECASE):
        return None
    return words


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
