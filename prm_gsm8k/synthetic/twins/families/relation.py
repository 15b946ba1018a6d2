"""A relation is turned round: "7 more than" as "7 fewer than", "increased by 20%" as "decreased by 20%"."""

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

_COMPARED = dict(
    more="less", less="more", fewer="more", older="younger", younger="older", taller="shorter", shorter="taller",
    longer="shorter", heavier="lighter", lighter="heavier", higher="lower", lower="higher", larger="smaller",
    smaller="larger", bigger="smaller", greater="smaller", above="below", below="above", faster="slower",
    slower="faster", farther="nearer", further="nearer", later="earlier", earlier="later",
)  # fmt: skip
_DONE = dict(
    increases="decreases", increased="decreased", increase="decrease", decreases="increases", decreased="increased",
    decrease="increase", found="lost", finds="loses", loses="finds", lost="found", gained="lost", gains="loses",
    deposited="withdrew", withdrew="deposited", deposits="withdraws", withdraws="deposits", rose="fell", fell="rose",
    rises="falls", raised="lowered", grew="shrank", added="removed", removed="added", adds="removes", removes="adds",
    dropped="rose", drops="rises",
)  # fmt: skip
_DONE |= {"got on": "got off", "got off": "got on", "gets on": "gets off", "gets off": "gets on", "get on": "get off", "get off": "get on"}
_PAIRS = _COMPARED | _DONE
_BEHIND = re.compile(rf"[ -](?:[A-Za-z]+ )?({'|'.join(_COMPARED)})\b(?=[^.,;?!]*\bthan\b|(?<=above)|(?<=below)|(?<=er) than)")
_BEFORE = re.compile(rf"\b({'|'.join(sorted(_DONE, key=len, reverse=True))})\b(?: \w+){{0,3}}? \$?\Z")
_AFTER = re.compile(r"%?(?: [a-z]+){0,4}? (got on|got off|get on|get off|gets on|gets off)\b")
_ANY = re.compile(rf"\b(?:{'|'.join(sorted(_PAIRS, key=len, reverse=True))})\b", re.IGNORECASE)
# Words that fit one of the two operations only.
_OF_SUM = re.compile(
    r"\b(?:total|altogether|together|plus|add|adds|added|adding|sum|combined|additional|extra|both|all|gain\w*|bonus|also|another|increas\w+|rais\w+)\b"
)
_OF_DIFFERENCE = re.compile(
    r"\b(?:left|remain\w*|minus|subtract\w*|difference|only|leaving|after|reduc\w+|take\w*|took|discount\w*|still|los[et]\w*|decreas\w+|without)\b"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    if any(quantity.kind is Kind.DATE for quantity in question.quantities):
        return  # before or after a year: what follows would have to be turned round too
    for index, quantity in enumerate(question.quantities):
        if len(quantity.mentions) > 1 or quantity.kind in (Kind.UNKNOWN, Kind.MULTIPLIER) or graph.is_open(quantity_source(index)):
            continue
        start, end = quantity.mentions[0]
        found = _word(text, start, end, question.sentences[quantity.sentence])
        place = _added(graph, index) if found else None
        if found is None or place is None:
            continue
        word, at = found
        equation_index, operand = place
        equation = solution.equations[equation_index]
        before = equation.operators[operand - 1] if operand else equation.operators[0]
        turned = "-" if before == "+" else "+"
        new = _turned(word, text[at + len(word) :])
        words, fits = {}, True
        start_step = solution.equations[graph.feeds(index)[0][0]].step
        for step in range(equation.step + 1):
            prose = "_".join(solution.steps[step][0::2])
            said = [m[0].lower() for m in _ANY.finditer(prose)]
            if step < equation.step and said:
                # an earlier step that speaks of this relation would have to be another
                fits = fits and step < start_step and not _speaks(graph, step, quantity.value)
            elif said:
                compares = said[0] not in _COMPARED or re.search(rf"\b{said[0]}\b.* than\b|_ {said[0]}\b", prose)
                if len(said) > 1 or not compares or (said[0] != word and _PAIRS[said[0]] != _PAIRS[word]):
                    fits = False
                else:
                    words = {said[0]: _turned(said[0], prose.lower().partition(said[0])[2])}
        prose = " ".join(solution.steps[equation.step][0::2]).lower()
        if (_OF_SUM if turned == "-" else _OF_DIFFERENCE).search(prose) or not fits:
            continue
        if any(_speaks(graph, step, quantity.value) for step in range(equation.step + 1, len(solution.steps))):
            continue
        swapped = frozenset((equation_index,)) if operand == 0 else frozenset()
        twin = text[:at] + new + text[at + len(word) :]
        low, high = min(start, at), max(end, at + len(word))
        yield Edit(
            twin,
            Change(
                operators={(equation_index, max(0, operand - 1)): turned},
                swapped=swapped,
                words={equation.step: words} if words else {},
            ),
            around(text, low, high),
            around(twin, low, high + len(new) - len(word)),
        )


def _word(text: str, start: int, end: int, sentence: tuple[int, int]) -> tuple[str, int] | None:
    """The word that relates the number at a place, and where it stands."""
    after = text[end : sentence[1]]
    if match := _BEHIND.match(after.removeprefix("%")):
        if re.match(r"[ -](?:\w+ )?(?:older|younger|later|earlier|\w+er|more|less|fewer|above|below)\b", after.removeprefix("%")):
            skip = 1 if after.startswith("%") else 0
            return match[1], end + skip + match.start(1)
    if match := _BEFORE.search(text[sentence[0] : start]):
        return match[1], sentence[0] + match.start(1)
    if match := _AFTER.match(after):
        return match[1], end + match.start(1)
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


def _turned(word: str, rest: str) -> str:
    """The opposite of a word; of "more" it is "fewer" before things that are counted."""
    new = _PAIRS[word]
    if word == "more" and re.match(r" (?:[A-Za-z]+ ){0,2}[A-Za-z]+s\b", rest) and not re.match(r" (?:than|dollars|minutes|hours)", rest):
        return "fewer" if " than" not in rest[: re.match(r" (?:[A-Za-z]+ ){0,2}?[A-Za-z]+s\b", rest).end()] else new  # type: ignore[union-attr]
    return new


def _speaks(graph: Graph, step: int, value: object) -> bool:
    """Whether a step relates something by this number in words: "7 more than"."""
    parts = graph.solution.steps[step]
    return any(
        mention.step == step and mention.value == value and _ANY.search(parts[mention.place + 1][:30])
        for mention, _ in graph.prose
    )


def recognised(read: Difference) -> bool:
    """A word stands where its opposite stood, and one + is a - or the other way round."""
    turned = sorted(read.operators.replace("+", "-")) == sorted(read.twin_operators.replace("+", "-"))
    return len(read.gone) == len(read.new) == 1 and turned and read.operators != read.twin_operators


FAMILY = Family(
    name="relation_turned",
    stands_for="a relation misread",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/2410",
    edits=edits,
    recognised=recognised,
)
