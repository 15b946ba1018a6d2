"""A comparison is referred to somebody or something else: "as many as Tom" as "as many as Ann"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.question import Kind, Quantity, names_in, singular, thing_after
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import around, plural

_DAYS = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_MONTHS = re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")
_ORDINALS = re.compile(r"\b(?:first|second|third|fourth)\b")
_COLORS = re.compile(r"\b(?:red|blue|green|yellow|white|black|pink|purple|brown)\b")
# Ways of telling things apart: those of one way can stand for one another.
_WAYS: tuple[Callable[[str], list[str]], ...] = (
    names_in, _DAYS.findall, _MONTHS.findall, _ORDINALS.findall, _COLORS.findall,
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")
_KINDS = (Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME)
_CLAUSE = re.compile(r"[.,;?!] | and | but | while |\.\Z")
_TO = re.compile(r"\b(?:than|as)\b(?! much| many)([^.,;?!]*)")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    for index, quantity in enumerate(question.quantities):
        start, end = quantity.mentions[0]
        places = graph.feeds(index)
        if len(places) != 1 or quantity.kind is Kind.UNKNOWN or len(quantity.mentions) > 1:
            continue
        equation_index, operand = places[0]
        equation = solution.equations[equation_index]
        match = _TO.search(text, end, min(end + 60, question.sentences[quantity.sentence][1]))
        if match is None or len(equation.operands) != 2 or re.search(r"[.,;?!]", text[end : match.start()]):
            continue
        base = graph.sources[equation_index][1 - operand]
        if len(base) == 1:
            yield from _other_things(graph, quantity, match, equation_index, operand)
        prose = " ".join(solution.steps[equation.step][0::2])
        for way in _WAYS:
            named = list(dict.fromkeys(way(match[1].partition(" and ")[0])))
            if len(named) != 1 or len(base) != 1:
                continue
            name, owned = named[0], _owned(graph, equation_index, way)
            thing = owned.get(base[0], ("", ""))[1]
            if owned.get(base[0], ("", ""))[0] != name or not thing:
                continue
            if not _only_compared(name, prose) or re.search(
                rf"\b(?!did|does|has|had|do|in|on)[a-z]+ {name}\b", match[1]
            ):
                continue  # "her brother Joe" is no brother Roy
            if re.match(r",? who\b", text[match.start(1) + match[1].index(name) + len(name) :]):
                continue  # what is said of him would be said of the other
            speakers = set(way(text[question.sentences[quantity.sentence][0] : match.start()]))
            for other, (owner, its) in owned.items():
                alone = sum(pair == (owner, its) for pair in owned.values()) == 1
                if other == base[0] or its != thing or owner in (name, *speakers) or not alone or owner in prose:
                    continue
                at = match.start(1) + match[1].index(name)
                twin = text[:at] + owner + text[at + len(name) :]
                words = {equation.step: {name: owner}} if re.search(rf"\b{name}\b", prose) else {}
                yield Edit(
                    twin,
                    Change(sources={(equation_index, 1 - operand): other}, words=words),
                    around(text, start, at + len(name), 2),
                    around(twin, start, at + len(owner), 2),
                )


def _only_compared(name: str, prose: str) -> bool:
    """Whether prose says a name only as what something is compared with."""
    compared = re.findall(rf"\b(?:than|as)\b[^.,]{{0,25}}\b{name}\b", prose)
    return len(re.findall(rf"\b{name}\b", prose)) == len(compared)


def _other_things(graph: Graph, quantity: Quantity, match: re.Match[str], index: int, operand: int) -> Iterator[Edit]:
    """Edits by which as many as there are pears are as many as there are apples."""
    question, solution = graph.question, graph.solution
    text = question.text
    counted = _counted(graph, index)
    base = graph.sources[index][1 - operand][0]
    words = _WORD.findall(match[1].partition(" and ")[0])
    said = [word for word in words if singular(word) in counted.values()]
    if len(said) != 1 or counted.get(base) != singular(said[0]) or said[0] == singular(said[0]):
        return
    step = solution.equations[index].step
    prose = " ".join(solution.steps[step][0::2])
    if not _only_compared(said[0], prose):
        return
    start = quantity.mentions[0][0]
    at = match.start(1) + match[1].index(said[0])
    for other, thing in counted.items():
        name = plural(thing)
        alone = sum(its == thing for its in counted.values()) == 1
        if other == base or thing in (singular(said[0]), quantity.thing) or not alone or name in prose:
            continue
        if not graph.uses.get(other) or not re.search(rf"\b{name}\b", text[: question.sentences[quantity.sentence][1]]):
            continue  # sets and colors: no things beside the others
        twin = text[:at] + name + text[at + len(said[0]) :]
        reworded = {step: {said[0]: name}} if re.search(rf"\b{said[0]}\b", prose) else {}
        yield Edit(
            twin,
            Change(sources={(index, 1 - operand): other}, words=reworded),
            around(text, start, at + len(said[0]), 2),
            around(twin, start, at + len(name), 2),
        )


def _counted(graph: Graph, before: int) -> dict[int, str]:
    """What the sources before an equation count, where the question says so in the plural."""
    counted = {
        quantity_source(i): q.thing for i, q in enumerate(graph.question.quantities) if q.kind is Kind.COUNT and q.thing
    }
    for index, equation in enumerate(graph.solution.equations[:before]):
        thing = thing_after(graph.solution.steps[equation.step][equation.result_place + 1])
        if thing:
            counted[index] = thing
    said = set(_WORD.findall(graph.question.text.lower()))
    return {source: thing for source, thing in counted.items() if plural(thing) in said and thing != plural(thing)}


def _owned(graph: Graph, before: int, way: Callable[[str], list[str]]) -> dict[int, tuple[str, str]]:
    """(whose, what) the sources before an equation are, where that is said and only one is named."""
    text = graph.question.text
    found = {}
    for index, quantity in enumerate(graph.question.quantities):
        if quantity.kind in _KINDS and quantity.thing:
            start, end = quantity.mentions[0]
            behind = _CLAUSE.split(text[end:])[0]
            named = set(way(_CLAUSE.split(text[:start])[-1] + behind))
            given = re.search(r"\b(?:to|from|for) [A-Z]", behind)  # 6 notebooks to Mike are not all of his
            if len(named) == 1 and not given and not re.search(r"\b(?:more|less|fewer|times|than|as)\b", behind):
                found[quantity_source(index)] = (named.pop(), quantity.thing)
    for index, equation in enumerate(graph.solution.equations[:before]):
        parts = graph.solution.steps[equation.step]
        named = set(way("".join(parts)))
        if len(named) == 1 and "total" not in "".join(parts):
            found[index] = (named.pop(), thing_after(parts[equation.result_place + 1]))
    return found


def recognised(read: Difference) -> bool:
    """One name stands where another stood, and the operation is the same."""
    return len(read.gone) == len(read.new) == 1 and read.operators == read.twin_operators


FAMILY = Family(
    name="referent_confused",
    stands_for="a comparison referred to somebody else",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/4305",
    edits=edits,
    recognised=recognised,
)
