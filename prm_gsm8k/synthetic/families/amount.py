"""A difference is taken for the amount: "20 more stickers than Karl" as "20 stickers"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.wording import around, says_which_is_most, stands_for_result

# What a comparison is with, up to the end of its clause.
_THAN = (
    r" than (?!twice|double|half|triple|expected|usual|enough|\w+ times|both|\d)(?=[A-Za-z])[^.,;?!]{1,60}?"
    r"(?=[.,;?!]| and (?!the |[A-Z][a-z]+(?:[.,;?!]| (?:do|did|have|had|combined|together)\b))"
    r"| but | while | who | which | if | as )(?!, wh)"
)
_DIFFERENCE = re.compile(r"( more| fewer| less)((?: [a-z-]+){0,4}?)" + _THAN)  # 7 more pens than Al
_BEHIND = re.compile(r"()((?: [a-z-]+){1,3}) (more|fewer|less)" + _THAN)  # 7 pens more than Al
_OLDER = re.compile(r"()( [a-z]+) (older|taller|longer|higher|deeper|wider|heavier)" + _THAN)  # 7 years older than Al
_MEASURE = {"older": "old", "taller": "tall", "longer": "long", "higher": "high", "deeper": "deep", "wider": "wide"}
_OF = re.compile(r" (?:the|his|her|their|its|that) ")
_NO_AMOUNT = re.compile(r"\bexpensive\b|\bpopular\b|\bold\b|\bmonths? older\b")
# What would be left of the comparison: "than her brother[ who grew 1 inch]", "than the green[ and blue chairs]"
_GOES_ON = re.compile(r" (?:who|which|that|are|is|were|was|and(?: \w+){1,3} (?:combined|together|are|is|were|was))\b")
_SAYS_MORE = re.compile(r"\b(?:more|less|fewer|extra|additional|increase\w*)\b")
_WORD = re.compile(r"\b(?:more|fewer|less|\w+er)\b")
_COMPARES = re.compile(r"\b(?:than|more|less|fewer|add\w*|plus|sum|total|difference|subtract\w*|increas\w*|\w+er)\b")
_NOUNS = ("people", "children", "money", "time", "water", "fruit", "fish", "sheep", "food", "homework", "weight")
_PART_MORE = re.compile(r"(%?) (more|fewer|less)((?: [a-z-]+){0,2}?) than\b")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if says_which_is_most(text):
        return
    for index, quantity in enumerate(question.quantities):
        start, end = quantity.mentions[0]
        places = graph.feeds(index)
        if len(quantity.mentions) > 1 or len(places) != 1 or graph.is_open(quantity_source(index)):
            continue
        before = text[question.sentences[quantity.sentence][0] : start].lower()
        if "how" in before or before.endswith("by "):
            continue  # "How many are 5 more than …", "increased by 5 more than …"
        if quantity.kind is Kind.DIFFERENCE:
            forms = (_DIFFERENCE, _BEHIND, _OLDER)
            match, place = next(filter(None, (form.match(text, end) for form in forms)), None), places[0]
        elif quantity.kind in (Kind.PERCENTAGE, Kind.SHARE):
            uses = graph.uses.get(places[0][0], [])
            if _SAYS_MORE.search("".join(solution.steps[solution.equations[places[0][0]].step])):
                continue
            match, place = _PART_MORE.match(text, end), uses[0] if len(uses) == 1 else (solution.final, 0)
        else:
            continue
        if (
            match is None
            or _GOES_ON.match(text, match.end())
            or _NO_AMOUNT.search(match[0])
            or (quantity.kind is Kind.DIFFERENCE and not _is_amount(graph, *place, match))
            or not _is_sum(graph, *place, _WORD.search(match[0])[0])  # type: ignore[index]
        ):
            continue
        if quantity.kind is Kind.DIFFERENCE:
            said = match[2] + _as_measured(match)
        else:
            as_many = "as many" if match[3].endswith("s") else "as much"
            said = f"{match[1]} {as_many}{match[3]} as"
            if not match[3] and _OF.match(text, match.end()):
                said = f"{match[1]} of"
        change = stands_for_result(graph, *place, _COMPARES)
        if change is None:
            continue
        twin = text[:end] + said + text[match.end() :]
        yield Edit(
            twin,
            change,
            around(text, start, match.end(), 3),
            around(twin, start, end + len(said), 3),
        )


def _is_sum(graph: Graph, index: int, operand: int, word: str) -> bool:
    """Whether an equation adds a difference to what it is a difference from, or takes it away, in a step of its own."""
    equations = graph.solution.equations
    equation = equations[index]
    if index == graph.solution.final or len(equation.operands) != 2 or equation.frozen:
        return False
    alone = sum(other.step == equation.step for other in equations) == 1
    adds = word not in ("fewer", "less")
    return alone and equation.operators[0] == ("+" if adds else "-") and (adds or operand == 1)


def _is_amount(graph: Graph, index: int, operand: int, match: re.Match[str]) -> bool:
    """Whether "7 pens" reads as an amount beside the number that it was compared with."""
    operands = graph.solution.equations[index].operands
    most = 4 if match.re is _OLDER else 12
    if len(operands) != 2 or operand > 1 or operands[1 - operand] > most * operands[operand]:
        return False  # "3 inches tall", where somebody else is 36 inches tall
    noun = match[2].split()[-1:]
    return not noun or noun[0].endswith("s") or noun[0] in _NOUNS or " of " in match[2]


def _as_measured(match: re.Match[str]) -> str:
    """What follows an amount: 7 years old, 7 feet tall; nothing where the comparison says no such thing."""
    word = match.re is _OLDER and match[3]
    if word == "longer" and re.match(r" (?:minute|hour|day|week|second|month|year)", match[2]):
        return ""
    return f" {_MEASURE[word]}" if word in _MEASURE else ""


def recognised(read: Difference) -> bool:
    """It does not say "more than" any more, and no other number."""
    return "than" in read.gone and read.new.keys() <= {"as", "many", "much", "of", *_MEASURE.values()}


FAMILY = Family(
    name="difference_as_amount",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/2375",
    edits=edits,
    recognised=recognised,
)
