"""An earlier stage is asked: "How many clips did she sell in May?" for "How many altogether?".

The question is made from the words of the step that answers it, so only plain statements serve: "Natalia sold 48/2 = 24
clips in May." The twin's solution ends with that step. The other way round it goes on, past what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.asked import OTHERS, is_needed, only_name
from prm_gsm8k.synthetic.asking import ask
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph, forms
from prm_gsm8k.synthetic.question import Kind, names_in
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import keeps_numbers, says_what_is_needed, unit_at

_HOW = re.compile(
    r"\b[Hh]ow (?:many|much|old|long|far|tall|fast)\b[^?]*\?\Z|\b[Ww]hat(?:'s| is| was| will be| are) [^?]*\?\Z"
    r"|\b(?:[Cc]alculate|[Ff]ind|[Dd]etermine) [^?.]*[.?]\Z"
)


# "If he gives 58 away, how many does he have?": before or after?
_WHEN_IF = re.compile(r" (?:have|keep)\b")
_WHEN_SPENT = re.compile(r" (?:have|keep|left|there|old)\b")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    start, end = question.sentences[-1]
    asked = question.text[start:end]
    how = _HOW.search(asked)
    if how is None:
        return
    condition = how.start() if asked.startswith("If ") and asked[: how.start()].endswith(", ") else 0
    who = only_name(question.text) or _pronoun(question.text, asked)
    asks_of = {
        i: ask(solution.steps[e.step], e.places[0], e.result_place, who, asked)
        for i, e in enumerate(solution.equations)
        if e.places
    }
    for index in range(solution.final - 1, -1, -1):
        equation = solution.equations[index]
        if equation.step >= solution.equations[solution.final].step or not equation.places:
            continue
        if any(e.step == equation.step and i != index for i, e in enumerate(solution.equations)):
            continue
        kept = 0 if _SHARED.search(asked[:condition]) and not re.search(r"\d", asked[:condition]) else condition
        if (
            not is_needed(graph, index)
            or _is_converted(graph, index)
            or says_what_is_needed(graph, index, start + kept)
        ):
            continue
        asks = asks_of.get(index)
        if asks is None or (kept and _WHEN_IF.search(asks)) or (_is_spent(graph, index) and _WHEN_SPENT.search(asks)):
            continue
        others = [other for i, other in asks_of.items() if other is not None and i != index]
        if (
            _asks_the_same(asked, asks)
            or any(_is_asked_too(asks, other) for other in others)
            or _may_be_all(graph, index, asks)
        ):
            continue
        if _changes(graph, index, asks) or _is_of_one(graph, index, asks) or _says_less(graph, index, asks):
            continue
        twin = asked[:kept] + (asks[0].lower() + asks[1:] if kept else asks)
        if not keeps_numbers(graph, twin, start) or _is_meant_already(graph, index, start, asked[:kept], asks):
            continue
        yield Edit(question.text[:start] + twin, Change(last=index), asked, twin)


def _pronoun(text: str, asked: str) -> str:
    """The "he" or "she" that the question itself asks for, where there is nobody else it could be."""
    if OTHERS.search(text):
        return ""
    found = set(re.findall(r"\b(?:he|she)\b", asked.lower()))
    return found.pop() if len(found) == 1 and len(set(names_in(text))) <= 1 else ""


# "If he sells twice as much next month, how much does he earn?": then, or now?
_COMPARES = re.compile(
    r"\b(?:twice|thrice|half|times|more|less|fewer|doubl\w*|tripl\w*|increas\w*|decreas\w*|instead|next|new"
    r"|this (?:day|week|month|year))\b"
)


def _is_meant_already(graph: Graph, index: int, start: int, condition: str, asks: str) -> bool:
    """Whether a condition of a later stage may be meant for this one already."""
    end = start + len(condition)
    said = [q for q in graph.question.quantities if any(start <= place < end for place, _ in q.mentions)]
    used = {value for e in graph.solution.equations[: index + 1] for value in e.operands}
    if any(not used.isdisjoint(forms(quantity)) for quantity in said):
        return False
    return bool(_COMPARES.search(condition) or (_STATE.search(asks) and _CHANGES.search(condition)))


def _is_converted(graph: Graph, index: int) -> bool:
    """Whether what follows only says the same in another unit."""
    uses = graph.uses.get(index, ())
    return any(graph.sources[e][1 - operand] == (WORLD,) for e, operand in uses if len(graph.sources[e]) == 2)


def _is_spent(graph: Graph, index: int) -> bool:
    """Whether something is taken from this result later: what somebody has is then a question of when."""
    equations = graph.solution.equations
    return any(operand == 0 and "-" in equations[e].operators for e, operand in graph.uses.get(index, ()))


# A condition that only a later stage is about: "If they split the bill equally, "
_SHARED = re.compile(r"\b(?:split|divid|combin|stack|shar|equal|the same (?:price|amount)|wants? to)")
# "How many pens does he have?": now, before or after?
_STATE = re.compile(r"\b(?:ha(?:ve|s|d)|keep|left|there|own|remain)\b|\A[Hh]ow many [a-z ]+ (?:are|were) ")
_CHANGES = re.compile(
    r"\b(?:g[ai]v(?:e|es|en|ing)|gets?|got|sells?|sold|buys?|bought|los(?:e|es|t)|tak(?:e|es|en|ing)|took|add\w*|eats?|ate"
    r"|finds?|found|spen[dt]s?|return\w*|donat\w+|borrow\w+|leav\w+|left|arriv\w+|join\w*|receiv\w+|drop\w*|brings?"
    r"|brought|earn\w*|collect\w*|pick\w*|remov\w+|repair\w*|dies?|died|hatch\w*|born|later|then|after\w*)\b"
)
_AT_A_TIME = re.compile(r"\b(?:after|before|on|at|by|in (?:the|each)|first|second|third)\b|\bfrom (?:the|his|her)\b")


def _changes(graph: Graph, index: int, asks: str) -> bool:
    """Whether what somebody has, or what there is, is another number later, and the question says no time."""
    if _AT_A_TIME.search(asks):
        return False
    if re.search(r"\bused to\b", graph.question.text):
        return True
    if not _STATE.search(asks) or not (" left" in asks or _CHANGES.search(graph.question.text)):
        return False
    equations = graph.solution.equations
    if not graph.uses.get(index):
        return True
    for later, operand in graph.uses[index]:
        others = (graph.quantity_of(later, o) for o in range(len(equations[later].operands)) if o != operand)
        shares = any(other.kind in (Kind.SHARE, Kind.PERCENTAGE) for other in others if other)
        if shares or {"+", "-"} & set(equations[later].operators):
            return True
        if " left" in asks and any(o == 0 and "-" in equations[e].operators for e, o in graph.uses.get(later, ())):
            return True
    return False


def _is_asked_too(asks: str, other: str) -> bool:
    """Whether another step answers the same, or the same at some time: "did Ted plant", "did Ted plant at noon"."""
    what, _, of = re.sub(r"\b(is|are|was|were|did|does|do|will|would|has|have)\b", "|", asks, count=1).partition("|")
    same = (
        what.split()[-1:] == re.split(r" (?:is|are|was|were|did|does|do|will|would|has|have)\b", other)[0].split()[-1:]
    )
    return asks == other or (same and f"{of[:-1]} " in other)


_PERIOD = re.compile(r"\b(?:a|an|per|each|every|one|\d+) (?:day|week|month|year|hour|minute|night)s?\b")


def _asks_the_same(asked: str, asks: str) -> bool:
    """Whether a question has no word that `asked` has not, or leaves out the period that it asks of."""
    words = set(re.findall("[a-z]{3,}", asks.lower())) - {"how", "many", "much", "there", "total"}
    of = asks.partition(" does ")[2] or asks.partition(" do ")[2]
    leaves_out = bool(_PERIOD.search(asked)) and bool(of) and not _TIME.search(of)
    return leaves_out or words <= set(re.findall("[a-z]{3,}", asked.lower()))


def _is_of_one(graph: Graph, index: int, asks: str) -> bool:
    """Whether "the tickets cost" is what each of them costs: it is multiplied later."""
    several = re.search(
        r" in total\?|\bdo the [a-z ]+s cost\?|\bfor every [a-z]+ cost|\b(?:cost|price) of (?:the )?[a-z ]+s\?", asks
    )
    equations = graph.solution.equations
    return bool(several) and any("*" in equations[later].operators for later, _ in graph.uses.get(index, ()))


_TIMES = re.compile(r"[*x×] ?\d+ (?:days|weeks|months|years|hours|minutes|nights)\b")
_TIME = re.compile(r"(?:day|week|month|year|hour|minute|night|time)s?\b")


def _says_less(graph: Graph, index: int, asks: str) -> bool:
    """Whether the question leaves out for how long, or says a number that only the solution has."""
    text = graph.question.text
    if asks.endswith("s are there?") and (OTHERS.search(text) or len(set(names_in(text))) > 1):
        return True  # whose?
    if re.search(r"\beach (?:part|share|unit)\b", asks) and re.search(r"\bratio|\d ?: ?\d", text):
        return True  # one of the two parts, or of the five?
    step = "".join(graph.solution.steps[graph.solution.equations[index].step])
    said = set(re.findall(r"\d+", text))
    return bool(_TIMES.search(step) and not _TIME.search(asks)) or not said.issuperset(re.findall(r"\d+", asks))


_ASKED_OF = re.compile(
    r"[Hh]ow (?:many|much)|[Ww]hat|\b(?:is|are|was|were|did|does|do|will|would|has|have|the|of|and|in|a|an)\b"
)


def _may_be_all(graph: Graph, index: int, asks: str) -> bool:
    """Whether all words of the question are said of a sum as well, of which this result is a part."""
    equations, steps = graph.solution.equations, graph.solution.steps
    for later, _ in graph.uses.get(index, ()):
        step = "".join(steps[equations[later].step])
        if "+" not in equations[later].operators or not set(names_in(step)) <= set(names_in(asks)):
            continue
        if _thing(graph, later) == _thing(graph, index):
            words = {word[:5].lower() for word in re.findall("[A-Za-z]{3,}", _ASKED_OF.sub("", asks))} - {"money"}
            if re.search(r"\b(?:he|she|they)\b", step):
                words -= {name[:5].lower() for name in names_in(asks)}
            if words <= {word[:5].lower() for word in re.findall("[A-Za-z]{3,}", step)}:
                return True
    return False


def _thing(graph: Graph, index: int) -> str:
    equation = graph.solution.equations[index]
    return unit_at(graph, equation.step, equation.result_place)


def recognised(read: Difference) -> bool:
    """One concludes where the other goes on."""
    return read.ends


FAMILY = Family(
    name="stopped_early",
    stands_for="another thing answered than asked: stopped early, or a further step",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/2953",
    edits=edits,
    recognised=recognised,
    concludes=True,
    share=0.4,
)
