"""A relation is turned round: "7 more than" as "7 fewer than", "increased by 20%" as "decreased by 20%"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import around, is_settled


def _both_ways(pairs: str) -> dict[str, str]:
    """Each word with its opposite, from "more/less older/younger"."""
    opposites: dict[str, str] = {}
    for pair in pairs.split():
        a, b = pair.replace("_", " ").split("/")
        opposites.setdefault(a, b)
        opposites.setdefault(b, a)
    return opposites


# Behind their number, before "than": 7 more than. Before it: increased by 7.
COMPARED = _both_ways(
    "more/less more/fewer older/younger taller/shorter longer/shorter heavier/lighter higher/lower larger/smaller "
    "bigger/smaller greater/smaller above/below faster/slower later/earlier"
)
_DONE = _both_ways(
    "increases/decreases increased/decreased increase/decrease gained/lost gains/loses "
    "rose/fell "
    "deposited/withdrew deposits/withdraws rises/falls raised/lowered grew/shrank added/removed adds/removes "
    "got_on/got_off gets_on/gets_off get_on/get_off"
)
_OPPOSITE = COMPARED | _DONE
_LONGEST_FIRST = sorted(_OPPOSITE, key=len, reverse=True)
_BEHIND = re.compile(rf"[ -](?:[A-Za-z]+ )?({'|'.join(COMPARED)})\b(?=[^.,;?!]*\bthan\b|(?<=above)|(?<=below))")
_BEFORE = re.compile(
    rf"\b({'|'.join(word for word in _LONGEST_FIRST if word in _DONE)})\b(?: (?!from\b|to\b)\w+){{0,3}}? \$?\Z"
)
_AFTER = re.compile(r"%?(?: [a-z]+){0,4}? (gets? o(?:n|ff)|got o(?:n|ff))\b")
_ANY = re.compile(rf"\b(?:{'|'.join(_LONGEST_FIRST)})\b", re.IGNORECASE)
_WEIGHED = re.compile(r" [^.,;?!]{0,12}(?:pounds|kilograms|kg|kilos|ounces|points|yards|inches)\b")
_COUNTED = re.compile(r" (?:[A-Za-z]+ ){0,2}?(?!was\b|is\b|has\b|does\b)[A-Za-z]+s\b")
_COMPARISON = re.compile(
    r"a total of|total (?=[a-z]+ [a-z]+ (?:is|are|was|were)\b)|\bthan [^.,;=]*|\ball the\b|\balso\b"
)
# Words that fit one of the two operations only.
_OF_SUM = re.compile(
    r"\b(?:total|altogether|together|plus|add|adds|added|adding|sum|combined|additional|extra|both|all|gain\w*|bonus"
    r"|also|another|increas\w+|rais\w+)\b"
)
_OF_DIFFERENCE = re.compile(
    r"\b(?:left|remain\w*|minus|subtract\w*|difference|only|leaving|after|reduc\w+|take\w*|took|discount\w*|still"
    r"|los[et]\w*|decreas\w+|without)\b"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if any(quantity.kind is Kind.DATE for quantity in question.quantities):
        return  # before or after a year: what follows would have to be turned round too
    for index, quantity in enumerate(question.quantities):
        if len(quantity.mentions) > 1 or quantity.kind in (Kind.UNKNOWN, Kind.MULTIPLIER):
            continue
        start, end = quantity.mentions[0]
        found = _word(text, start, end, question.sentences[quantity.sentence])
        place = None if found is None or graph.is_open(quantity_source(index)) else _added(graph, index)
        if found is None or place is None or is_settled(question.sentence(quantity.sentence)):
            continue
        word, at = found
        equation_index, operand = place
        if _holds_whole(graph, index):
            continue
        equation = solution.equations[equation_index]
        turned = "-" if equation.operators[0] == "+" else "+"
        words = _said(graph, index, equation.step, word)
        prose = _COMPARISON.sub("", " ".join(solution.steps[equation.step][0::2]).lower())
        if words is None or (_OF_SUM if turned == "-" else _OF_DIFFERENCE).search(prose):
            continue
        new = turned_word(word, text[at + len(word) :])
        twin = text[:at] + new + text[at + len(word) :]
        low, high = min(start, at), max(end, at + len(word))
        yield Edit(
            twin,
            Change(
                operators={(equation_index, 0): turned},
                swapped=frozenset((equation_index,)) if operand == 0 else frozenset(),
                words={equation.step: words} if words else {},
            ),
            around(text, low, high),
            around(twin, low, high + len(new) - len(word)),
        )


def _word(text: str, start: int, end: int, sentence: tuple[int, int]) -> tuple[str, int] | None:
    """The word that relates the number at a place, and where it stands."""
    end += text.startswith("%", end)
    after = text[end : sentence[1]]
    if match := _BEHIND.match(after) or _AFTER.match(after):
        return match[1], end + match.start(1)
    if (match := _BEFORE.search(text[sentence[0] : start])) and " than " not in text[sentence[0] : start]:
        return match[1], sentence[0] + match.start(1)
    return None


def _added(graph: Graph, index: int) -> tuple[int, int] | None:
    """The operand that brings the quantity, or what is computed from it, into a sum or a difference of two."""
    places = graph.feeds(index)
    equations = graph.solution.equations
    while len(places) == 1:
        equation_index, operand = places[0]
        equation = equations[equation_index]
        if any(equation.opens):
            return None
        if len(equation.operands) == 2 and equation.operators[0] in "+-":
            return None if equation.operators[0] == "-" and operand == 0 else (equation_index, operand)
        if any(operator in "+-" for operator in equation.operators):
            return None
        places = graph.uses.get(equation_index, [])
    return None


def _holds_whole(graph: Graph, index: int) -> bool:
    """Whether 20% more is computed as 1.2 times: what is added or taken away further on is something else."""
    quantity = graph.question.quantities[index]
    values = {graph.solution.equations[e].operands[o] for e, o in graph.feeds(index)}
    return quantity.kind is Kind.PERCENTAGE and not values <= {quantity.value, quantity.value * 100}


def _said(graph: Graph, index: int, step: int, word: str) -> dict[str, str] | None:
    """What step `step` says instead of the relation, if it says it; None where the solution says it otherwise too."""
    solution, value = graph.solution, graph.question.quantities[index].value
    first = solution.equations[graph.feeds(index)[0][0]].step
    for other in range(len(solution.steps)):
        in_between = first <= other < step and _ANY.search(" ".join(solution.steps[other][0::2]))
        if other != step and (in_between or _speaks(graph, other, value)):
            return None
    prose = "_".join(solution.steps[step][0::2])
    said = [match[0].lower() for match in _ANY.finditer(prose)]
    if not said:
        return {}
    told = said[0]
    compares = told not in COMPARED or re.search(rf"\b{told}\b.* than\b|_ {told}\b", prose)
    if len(said) > 1 or not compares or (told != word and _OPPOSITE[told] != _OPPOSITE[word]):
        return None
    return {told: turned_word(told, prose.lower().partition(told)[2])}


def _speaks(graph: Graph, step: int, value: Value) -> bool:
    """Whether a step relates something by this number in its prose: "7 more than"."""
    parts = graph.solution.steps[step]
    return any(
        mention.step == step and mention.value == value and _ANY.search(parts[mention.place + 1][:30])
        for mention, _ in graph.prose
    )


def turned_word(word: str, rest: str) -> str:
    """The opposite of a word; of "more" it is "fewer" before things that are counted.

    >>> turned_word("more", " blue pens than red pens"), turned_word("more", " than Al")
    ('fewer', 'less')
    """
    if word in ("lost", "loses") and _WEIGHED.match(rest):
        return {"lost": "gained", "loses": "gains"}[word]
    counted = _COUNTED.match(rest)
    if word == "more" and counted and not re.search(r"\b(?:than|dollars|minutes|hours)\b", counted[0]):
        return "fewer"
    return _OPPOSITE[word]


def recognised(read: Difference) -> bool:
    """A word stands where its opposite stood, and one + is a - or the other way round."""
    alike = sorted(read.operators.replace("+", "-")) == sorted(read.twin_operators.replace("+", "-"))
    return len(read.gone) == len(read.new) == 1 and alike and read.operators != read.twin_operators


FAMILY = Family(
    name="relation_turned",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/2410",
    edits=edits,
    recognised=recognised,
)
