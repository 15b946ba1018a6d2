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
    r"(?=[.,;?!]| and \d| and the | but | while | who | which )"
)
_OF = re.compile(r" (?:the|his|her|their|its|that) ")
_NO_AMOUNT = re.compile(r"\bexpensive\b|\bpopular\b|\bold\b")
_SAYS_MORE = re.compile(r"\b(?:more|less|fewer|extra|additional|increase\w*)\b")
_PART_MORE = re.compile(r"(%?) (more|fewer|less)((?: [a-z-]+){0,2}?) than\b")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    for index, quantity in enumerate(question.quantities):
        start, end = quantity.mentions[0]
        places = graph.feeds(index)
        if len(quantity.mentions) > 1 or len(places) != 1 or graph.is_open(quantity_source(index)):
            continue
        before = text[question.sentences[quantity.sentence][0] : start].lower()
        if "how" in before or before.endswith("by "):
            continue  # "How many are 5 more than …", "increased by 5 more than …"
        if quantity.kind is Kind.DIFFERENCE:
            match, place = _DIFFERENCE.match(text, end), places[0]
        elif quantity.kind in (Kind.PERCENTAGE, Kind.SHARE):
            uses = graph.uses.get(places[0][0], [])
            if _SAYS_MORE.search("".join(solution.steps[solution.equations[places[0][0]].step])):
                continue
            match, place = _PART_MORE.match(text, end), uses[0] if len(uses) == 1 else (solution.final, 0)
        else:
            continue
        if (
            match is None
            or _NO_AMOUNT.search(match[0])
            or not _is_sum(graph, *place, match[1 if quantity.kind is Kind.DIFFERENCE else 2].strip())
        ):
            continue
        if quantity.kind is Kind.DIFFERENCE:
            said = match[2]
        else:
            as_many = "as many" if match[3].endswith("s") else "as much"
            said = f"{match[1]} {as_many}{match[3]} as"
            if not match[3] and _OF.match(text, match.end()):
                said = f"{match[1]} of"
        twin = text[:end] + said + text[match.end() :]
        yield Edit(
            twin,
            Change(gone={place[0]: place[1]}),
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
    return alone and equation.operators[0] == ("+" if word == "more" else "-") and (word == "more" or operand == 1)


def recognised(read: Difference) -> bool:
    """It does not say "more than" any more, and no other number."""
    return (
        bool({"more", "fewer", "less"} & read.gone.keys())
        and "than" in read.gone
        and read.new.keys() <= {"as", "many", "much", "of"}
    )


FAMILY = Family(
    name="difference_as_amount",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/2375",
    edits=edits,
    recognised=recognised,
)
