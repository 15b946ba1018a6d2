"""What holds for each is taken for the total: "5 books for $3 each" as "5 books for $3 in total"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph, quantity_source
from prm_gsm8k.synthetic.question import Kind, Quantity, singular, thing_after
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import AT_MOST, around, plural, stands_for_result

_EACH = re.compile(
    r"((?: [a-z]+){0,3}?) (each|apiece|(?:a|an|per|each|every) ([a-z]+))"
    r"(?=[.,;?]| (?:and|for|to|with|from|on|in|while|but|when|at|over|if)\b)"
)
# "5 bags with 2 marbles in each bag", "gives 3 sweets to each of her 4 friends"
_IN_EACH = re.compile(
    r"((?: [a-z]+){0,3}?) (in|on|from|to|for|into|inside|with|at) (?:each|every)"
    r"(?:( of (?:the |his |her |their )?(?:[a-z]+|\d+) [a-z]+)| (?:of them|one)| ([a-z]+))?"
    r"(?=[.,;?]| (?:and|for|to|with|from|on|in|while|but|when|at|over|if|that)\b)"
)
_ANY_EACH = re.compile(r"\b(?:[Ee]ach|[Ee]very|per)\b(?:(?! and )[^,;])*\Z")
_NO_UNIT = frozenset("other time more total day-by-day lot few bit".split())
# "each box weighs 5 pounds", "each of the 3 boxes weighs 5 pounds": the 3 boxes weigh 5 pounds in total
_PLURAL_OF = {
    "has": "have", "is": "are", "was": "were", "costs": "cost", "cost": "cost", "contains": "contain",
    "contained": "contained", "needs": "need", "takes": "take", "took": "took", "eats": "eat", "ate": "ate",
    "uses": "use", "holds": "hold", "held": "held", "weighs": "weigh", "weighed": "weighed", "produces": "produce",
    "gets": "get", "got": "got", "makes": "make", "made": "made", "gives": "give", "gave": "gave", "had": "had",
    "received": "received", "receives": "receive", "requires": "require", "lasts": "last", "lasted": "lasted",
    "paid": "paid", "pays": "pay", "sells for": "sell for", "sold for": "sold for", "is worth": "are worth",
    "bought": "bought", "buys": "buy", "brings": "bring", "brought": "brought", "collects": "collect",
    "collected": "collected", "consumes": "consume", "consumed": "consumed", "earns": "earn", "earned": "earned",
    "drinks": "drink", "drank": "drank", "wants": "want", "wanted": "wanted", "sells": "sell", "sold": "sold",
    "bakes": "bake", "baked": "baked", "donates": "donate", "donated": "donated", "spends": "spend", "spent": "spent",
    "carries": "carry", "can carry": "can carry", "can hold": "can hold", "posted": "posted",
    "will have": "will have", "will eat": "will eat", "needs to eat": "need to eat", "gives him": "give him",
    "saves": "save", "saved": "saved", "raised": "raised", "lays": "lay", "yields": "yield", "will cost": "will cost",
}  # fmt: skip
_EACH_NOUN = re.compile(
    r"\b([Ee])ach(?: of the ((?:[a-z]+|\d+) )?([a-z]+s|people|children)| ([a-z]+(?: [a-z]+)?))"
    rf" ({'|'.join(sorted(_PLURAL_OF, key=len, reverse=True))}) (?:about |exactly |only )?\$?\Z"
)
_EACH_VERB = re.compile(
    r"\b((?:[Tt]hey|[A-Z][a-z]+ and [A-Z][a-z]+|[a-z]+s|people|children)(?: (?:all|will|can|had|have))?) each "
    r"([a-z]+) \$?\Z"
)
# "3 boxes, each weighing 5 pounds", "each of which cost $2"
_EACH_WITH = re.compile(
    r"(?:,|(?<=s)| that) each (weighing|containing|with|having|costing|holding|worth|measuring"
    r"|of which (?:cost|contained|held|weighed|had)|weigh|cost|contain|have|hold) \$?\Z"
)
# two trays a day, of which it is not said how many they are; five of these boxes
_OTHERWISE = re.compile(
    r"(?: [a-z]+){1,3} (?:a|per|each|every) (?:hour|day|week|month|year)\b| of (?:the|these|those)\b"
)
_PREPOSITION = re.compile(r" (?:in|on|from|to|for|into|inside|with|at|of)\Z")
_TAIL = re.compile(
    r"(?: (?!(?:each|per|every|a|an|and|it|its|him|her|total)\b)[a-z]+){0,3}(?=[.,;?]| and\b| but\b| while\b)"
)
_OF_EACH = re.compile(
    r"\b(?:each|every|per|apiece|multipl\w+|times|product|an? (?:day|week|month|year|hour|night|minute|pound|ounce"
    r"|gallon|mile|piece|person|bag|box|pack|dozen|cup|foot))\b|/ ?[a-z]",
    re.IGNORECASE,
)
_RAISED = re.compile(r"\b(?:increase|raise|overtime)\b")
_NEAR = 90  # characters
_BODY = ("leg", "arm", "wheel", "foot", "side", "eye", "finger")


class _Reading(NamedTuple):
    """A place that says "each": how it reads as a total, and the unit that it is for ("" where it doesn't say one)."""

    start: int
    end: int
    twin: str
    end_in_twin: int
    unit: str


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution, text = graph.question, graph.solution, graph.question.text
    if _RAISED.search(text):
        return  # $10 an hour, which then is $0.50 more
    for index, quantity in enumerate(question.quantities):
        places = graph.feeds(index)
        if quantity.kind not in (Kind.RATE, Kind.MONEY, Kind.COUNT, Kind.TIME, Kind.WEIGHT, Kind.LENGTH, Kind.VOLUME):
            continue
        if len(places) != 1 or len(quantity.mentions) > 1 or graph.is_open(quantity_source(index)):
            continue
        reading = _reading(text, quantity, question.sentences[quantity.sentence][0])
        if reading is None or not _shared_by(graph, quantity, reading, *places[0]):
            continue
        change = _without_factor(graph, *places[0])
        if (
            reading.start < quantity.mentions[0][0]
            and reading.twin[reading.start : reading.start + 4].lower() == "the "
        ):
            users = [solution.equations[e] for e, _ in graph.uses.get(places[0][0], ())]
            if any("*" in e.operators for e in users):
                continue  # "The glasses hold 12 ounces in total", of one guest or of all?
        if change is not None and not _is_said_again(graph, index, places[0][0]):
            yield Edit(
                reading.twin,
                change,
                around(text, reading.start, reading.end),
                around(reading.twin, reading.start, reading.end_in_twin),
            )


def _reading(text: str, quantity: Quantity, sentence: int) -> _Reading | None:
    """How what the question says of a quantity reads as a total; None if it does not say it of each."""
    start, end = quantity.mentions[0]
    if (match := _EACH.match(text[end:])) and not _PREPOSITION.search(match[1]):
        if match[3] in _NO_UNIT or _ANY_EACH.search(text[sentence : end + match.end(1)]):
            return None  # each pack holds 3 balls per pack
        if re.search(r"\bto [a-z]+\Z", match[1]) and match[3]:
            return None  # 5 minutes to fry each sausage
        if text[:start].endswith((" rate of ", " rate of $")) or (quantity.thing in AT_MOST and match[3] in AT_MOST):
            return None  # "at a rate of 10 minutes in total", "5 days in total, 4 weeks a month"
        at = end + match.start(2)
        twin = text[:at] + "in total" + text[end + match.end(2) :]
        unit = "" if match[3] in (None, "piece") else match[3]
        return _Reading(start, end + match.end(), twin, at + len("in total"), unit)
    if (match := _IN_EACH.match(text[end:])) and not _ANY_EACH.search(text[sentence : end + match.end(1)]):
        if re.match(r"There (?:are|were|is|was) ", text[sentence:]) and not match[3]:
            return None  # all the marbles that there are, not those of the bags alone
        of_those = match[2] == "for" and match[4] and "each" in text[sentence:start]
        said = (
            f" in total for the {plural(match[4])}"
            if of_those
            else " in total" + (f" {match[2]}{match[3][3:]}" if match[3] else "")
        )
        at = end + match.end(1)
        unit = singular(match[3].split()[-1]) if match[3] else match[4] or ""
        return _Reading(start, end + match.end(), text[:at] + said + text[end + match.end() :], at + len(said), unit)
    tail = _TAIL.match(text, end)
    if tail is None:
        return None
    behind = text[end : tail.end()] + " in total" + text[tail.end() :]
    if match := _EACH_NOUN.search(text[sentence:start]):
        at, the = sentence + match.start(), "The" if match[1] == "E" else "the"
        noun = match[3] or plural(match[4])
        verb = sentence + match.start(5)
        before = text[:at] + f"{the} {match[2] or ''}{noun} {_PLURAL_OF[match[5]]}" + text[verb + len(match[5]) : end]
        if re.search(r"\b(?:a|an|of|and) \Z", text[:at]):
            return None
        return _Reading(at, tail.end(), before + behind, len(before) + tail.end() - end + 9, singular(noun.split()[-1]))
    if match := _EACH_WITH.search(text[sentence:start]):
        at = sentence + match.start()
        that = " that" if match[0].startswith(" that") else ""
        before = text[:at] + f"{that} {match[1].replace('of which', 'which')}" + text[sentence + match.end(1) : end]
        return _Reading(at, tail.end(), before + behind, len(before) + tail.end() - end + 9, "")
    if match := _EACH_VERB.search(text[sentence:start]):
        at = sentence + match.end(1)
        before = text[:at] + text[at + len(" each") : end]
        return _Reading(sentence + match.start(), tail.end(), before + behind, len(before) + tail.end() - end + 9, "")
    return None


def _shared_by(graph: Graph, quantity: Quantity, reading: _Reading, index: int, operand: int) -> bool:
    """Whether the total is of what the number was multiplied by: of the 5 books, of the 4 hours."""
    equation = graph.solution.equations[index]
    if quantity.thing in _BODY:
        return False
    near = [o for o in (operand - 1, operand + 1) if 0 <= o < len(equation.operands)]
    before = graph.question.text[: quantity.mentions[0][0]]
    for other in near:
        value, source = equation.operands[other], graph.sources[index][other]
        factor = graph.quantity_of(index, other)
        if factor is not None and _OTHERWISE.match(graph.question.text, factor.mentions[0][1]):
            return False  # of two trays a day it is not said how many they are
        if factor is None and source == (WORLD,) and value == 2 and reading.unit == "":
            return bool(re.search(r"\b[A-Z][a-z]+ and [A-Z][a-z]+ each", before))
        if value > quantity.value * (4 if quantity.thing == "dollar" else 1):
            continue  # "700 apples for $2 in total", "30 rows with 10 plants in total"
        thing = factor.thing if factor else _computed(graph, source)
        if reading.unit:  # a day, per hour
            known = reading.start < quantity.mentions[0][0]
            known = known or (factor is not None and factor.sentence <= quantity.sentence)
            return known and thing != "" and reading.unit in (thing, thing + "s") and known
        if factor and factor.sentence == quantity.sentence and 0 < len(before) - factor.mentions[0][1] < _NEAR:
            places = [place for q in graph.question.quantities for place in q.mentions]
            return not any(factor.mentions[0] < place < quantity.mentions[0] for place in places)
        # "If the tires cost $250 each", of the three that were slashed
        spoken = re.search(r"\b[Tt]he ([a-z]+) [^.,;]{0,20}\Z", before)
        return spoken is not None and singular(spoken[1]) == thing != ""
    return False


def _is_said_again(graph: Graph, index: int, equation: int) -> bool:
    """Whether another step says of the quantity that it is for each."""
    solution = graph.solution
    steps = {m.step for m, sources in graph.prose if quantity_source(index) in sources}
    return any(_OF_EACH.search("".join(solution.steps[s])) for s in steps - {solution.equations[equation].step})


def _computed(graph: Graph, source: tuple[int, ...]) -> str:
    """What a result counts."""
    if len(source) != 1 or not 0 <= source[0] < len(graph.solution.equations):
        return ""
    equation = graph.solution.equations[source[0]]
    return thing_after(graph.solution.steps[equation.step][equation.result_place + 1])


def _without_factor(graph: Graph, index: int, operand: int) -> Change | None:
    """The graph without the factor by which the number was multiplied."""
    solution = graph.solution
    equation = solution.equations[index]
    if equation.frozen or not equation.places or any(equation.opens) or "/" in equation.operators:
        return None
    if len(equation.operands) == 2:
        alone = sum(e.step == equation.step for e in solution.equations) == 1
        if equation.operators[0] != "*" or index == solution.final or not alone:
            return None
        return stands_for_result(graph, index, operand, _OF_EACH)
    left = operand > 0 and equation.operators[operand - 1] == "*"
    right = operand < len(equation.operators) and equation.operators[operand] == "*"
    if left == right:
        return None
    return Change(dropped=frozenset(((index, operand - 1 if left else operand + 1),)))


def recognised(read: Difference) -> bool:
    """It says "in total" where it said "each" or "a day"; a noun and a verb may be in the plural now."""
    each = {"each", "apiece", "per", "every", "a", "an"}
    return "total" in read.new and len(read.new) <= 5 and not each.isdisjoint(read.gone)


FAMILY = Family(
    name="each_for_total",
    stands_for="a rate or ratio set up wrong",
    thought='takes "{said}" as "{read}"',
    thought_back='takes "{said}" as "{read}"',
    example="gsm8k/train/1797",
    edits=edits,
    recognised=recognised,
)
