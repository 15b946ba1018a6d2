"""An earlier stage is asked: "How many clips did she sell in May?" for "How many altogether?".

The question is made from the words of the step that answers it, so only plain statements serve: "Natalia sold 48/2 = 24
clips in May." The twin's solution ends with that step. The other way round it goes on, past what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import names_in, thing_after
from prm_gsm8k.synthetic.twins.solve import Change

_IRREGULAR = (
    "sold sell bought buy made make ate eat spent spend paid pay got get gave give took take ran run drove drive won win "
    "lost lose found find read read drank drink wrote write grew grow caught catch built build brought bring kept keep "
    "sent send drew draw swam swim slept sleep rode ride threw throw had have"
).split()
_BASE = dict(zip(_IRREGULAR[::2], _IRREGULAR[1::2], strict=True))
_REGULAR = "earn collect pick bake save walk plant use receive order need cook solve download watch play score serve deliver wash harvest purchase donate produce gather travel jog practice invite pack raise lift paint knit type clean weigh charge work".split()
_BASE |= {base + ("d" if base.endswith("e") else "ed"): base for base in _REGULAR}
_NOW = {base + "s": base for base in (*_REGULAR, *set(_BASE.values()))} | {"has": "have", "washes": "wash", "catches": "catch"}
_STATES = re.compile(
    r"(?:(?:So|Thus|Therefore|Then|Hence|In total|This means|That means|Next),? |After [^,]{3,40}, )?(?:that )?"
    r"([A-Z][a-z]+|[Hh]e|[Ss]he|[Tt]hey)(?: (?:then|also|now|will|would|still|only|already))? ([a-z]+) (?:a total of |in total )?\$?\(?\Z"
)
_OTHERS = re.compile(r"\b(?:brother|sister|mother|father|mom|dad|wife|husband|friend|son|daughter|uncle|aunt|cousin|teacher|boss|neighbor|man|woman|boy|girl)s?\b", re.IGNORECASE)
_HOW = re.compile(r"\b[Hh]ow (?:many|much)\b[^?]*\?\Z|\b[Ww]hat (?:is|was|will be) the (?:total|number|amount)\b[^?]*\?\Z")
_REST = re.compile(r"((?: (?:in|on|for|from|at|during|per|each|every|of|with|to) [a-zA-Z' ]+?)?)\.?\Z")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    start, end = question.sentences[-1]
    asked = question.text[start:end]
    how = _HOW.search(asked)
    if how is None or (how.start() and not asked[: how.start()].endswith(", ")):
        return
    names = set(names_in(question.text))
    for index in range(solution.final - 1, 0, -1):
        equation = solution.equations[index]
        if equation.step >= solution.equations[solution.final].step:
            continue
        if any(e.step == equation.step and i != index for i, e in enumerate(solution.equations)):
            continue
        if not _needed(graph, index) or _is_spent(graph, index) or _says(graph, index, start + how.start()):
            continue
        asks = _ask(solution.steps[equation.step], equation.places, equation.result_place, names, question.text)
        if asks is None:
            continue
        if how.start() and re.search(r" (?:have|keep)\b", asks):
            continue  # "If he gives 58 away, how many does he have": before or after?
        if how.start():
            asks = asks[0].lower() + asks[1:]
        twin = asked[: how.start()] + asks
        yield Edit(question.text[:start] + twin, Change(last=index), asked, twin)


def _needed(graph: Graph, last: int) -> bool:
    """Whether everything that was computed before goes into this result."""
    needed, waiting = set(), [last]
    while waiting:
        index = waiting.pop()
        if index not in needed:
            needed.add(index)
            waiting += [s for sources in graph.sources[index] for s in sources if 0 <= s < quantity_source(0)]
    step = graph.solution.equations[last].step
    return all(i in needed for i, e in enumerate(graph.solution.equations) if e.step <= step)


def _is_spent(graph: Graph, index: int) -> bool:
    """Whether something is taken from this result later: what somebody has is then a question of when."""
    equations = graph.solution.equations
    return any(operand == 0 and "-" in equations[e].operators for e, operand in graph.uses.get(index, ()))


def _says(graph: Graph, last: int, start: int) -> bool:
    """Whether the part of the question that goes says a number that is still needed."""
    step = graph.solution.equations[last].step
    return any(
        quantity.mentions[-1][0] >= start
        and any(graph.solution.equations[e].step <= step for e, _ in graph.feeds(i))
        for i, quantity in enumerate(graph.question.quantities)
    )


def _ask(parts: list[str], places: list[int], result: int, names: set[str], text: str) -> str | None:
    """The question that a step answers: "How many clips did Natalia sell in May?"."""
    if not places or len(parts) != result + 2 or any(re.search(r"[a-z]{2}", parts[p]) for p in range(places[0] + 1, result, 2)):
        return None
    match = _STATES.match(parts[places[0] - 1]) if places[0] == 1 else None
    rest = _REST.search(parts[result + 1])
    if match is None or rest is None:
        return None
    who, verb = match[1], match[2]
    if who.lower() in ("he", "she"):
        if len(names) != 1 or _OTHERS.search(text):
            return None
        who = next(iter(names))
    elif who.lower() == "they":
        who = "they"
    elif who not in names:
        return None
    base, aux = (_BASE[verb], "did") if verb in _BASE else (_NOW.get(verb, ""), "does")
    if not base:
        return None
    if who == "they" and aux == "does":
        return None
    money = parts[result - 1].rstrip().endswith("$")
    noun = parts[result + 1][: rest.start(1)].strip()
    tail = rest[1]
    if tail.startswith(" of ") and (of := re.match(r" of [a-z]+", tail)):
        noun, tail = noun + of[0], tail[of.end() :]
    if re.search(r"\b(?:more|less|fewer|than)\b", tail):
        return None
    if money:
        if noun:
            return None
        return f"How much money {aux} {who} {base}{tail}?"
    if not re.fullmatch(r"(?:[a-z]+ )?[a-z]+s(?: of [a-z]+)?", noun) or not thing_after(" " + noun):
        return None
    return f"How many {noun} {aux} {who} {base}{tail}?"


def recognised(read: Difference) -> bool:
    """S' concludes where S goes on."""
    return read.ends


FAMILY = Family(
    name="stopped_early",
    stands_for="another thing answered than asked: stopped early, or a further step",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    edits=edits,
    recognised=recognised,
    concludes=True,
)
