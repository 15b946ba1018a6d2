"""A comparison is referred to somebody or something else: "as many as Tom" as "as many as Ann"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import Kind, names_in, thing_after
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_DAYS = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_MONTHS = re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")
_ORDINALS = re.compile(r"\b(?:first|second|third|fourth)\b")
_COLORS = re.compile(r"\b(?:red|blue|green|yellow|white|black|pink|purple|brown)\b")
# Ways of telling things apart: those of one way can stand for one another.
_WAYS: tuple[Callable[[str], list[str]], ...] = (
    names_in, _DAYS.findall, _MONTHS.findall, _ORDINALS.findall, _COLORS.findall,
)  # fmt: skip
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
        prose = " ".join(solution.steps[equation.step][0::2])
        for way in _WAYS:
            named = list(dict.fromkeys(way(match[1].partition(" and ")[0])))
            if len(named) != 1 or len(base) != 1:
                continue
            name, owned = named[0], _owned(graph, equation_index, way)
            thing = owned.get(base[0], ("", ""))[1]
            if owned.get(base[0], ("", ""))[0] != name or not thing:
                continue
            if len(re.findall(rf"\b{name}\b", prose)) != len(
                re.findall(rf"\b(?:than|as)\b[^.,]{{0,25}}\b{name}\b", prose)
            ):
                continue
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


def _owned(graph: Graph, before: int, way: Callable[[str], list[str]]) -> dict[int, tuple[str, str]]:
    """(whose, what) the sources before an equation are, where that is said and only one is named."""
    text = graph.question.text
    found = {}
    for index, quantity in enumerate(graph.question.quantities):
        if quantity.kind in _KINDS and quantity.thing:
            start, end = quantity.mentions[0]
            behind = _CLAUSE.split(text[end:])[0]
            named = set(way(_CLAUSE.split(text[:start])[-1] + behind))
            if len(named) == 1 and not re.search(r"\b(?:more|less|fewer|times|than|as)\b", behind):
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
