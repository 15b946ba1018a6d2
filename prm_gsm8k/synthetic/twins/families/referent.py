"""A comparison is referred to somebody else: "twice as many as Tom" as "twice as many as Ann"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import Kind, names_in, thing_after
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import around

_TO = re.compile(r"\b(?:than|as)(?: what| that of)? ([A-Z][a-z]+)\b(?!['’] |['’]s [a-z]+['’])")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    people = set(names_in(text))
    for match in _TO.finditer(text):
        name = match[1]
        if name not in people:
            continue
        compared = [
            (i, q)
            for i, q in enumerate(question.quantities)
            if q.mentions[0][0] < match.start() and match.start() - q.mentions[0][1] < 45
            and not re.search(r"[.;!?,]", text[q.mentions[0][1] : match.start()])
        ]
        if not compared:
            continue
        index, quantity = compared[-1]
        places = graph.feeds(index)
        if len(places) != 1 or quantity.kind is Kind.UNKNOWN or graph.is_open(quantity_source(index)):
            continue
        equation_index, operand = places[0]
        equation = solution.equations[equation_index]
        if len(equation.operands) != 2:
            continue
        base = 1 - operand
        sources = graph.sources[equation_index][base]
        if len(sources) != 1:
            continue
        owned = _owned(graph, equation_index)
        thing = owned.get(sources[0], ("", ""))[1]
        if owned.get(sources[0], ("", ""))[0] != name or not thing:
            continue
        prose = " ".join(solution.steps[equation.step][0::2])
        named = len(re.findall(rf"\b{name}\b", prose))
        if named != len(re.findall(rf"\b(?:than|as)(?: many)? {name}\b", prose)):
            continue
        speaker = quantity.owner
        for other, (owner, its) in owned.items():
            if other == sources[0] or its != thing or owner in (name, speaker, ""):
                continue
            if sum(o == owner and t == thing for o, t in owned.values()) > 1:
                continue
            if re.search(rf"\b{owner}\b", prose):
                continue
            twin = text[: match.start(1)] + owner + text[match.end(1) :]
            yield Edit(
                twin,
                Change(
                    sources={(equation_index, base): other},
                    words={equation.step: {name: owner}} if named else {},
                ),
                around(text, quantity.mentions[0][0], match.end(1), 2),
                around(twin, quantity.mentions[0][0], match.start(1) + len(owner), 2),
            )


def _owned(graph: Graph, before: int) -> dict[int, tuple[str, str]]:
    """(whose, what) the sources before an equation are, where that is said."""
    found = {}
    for index, quantity in enumerate(graph.question.quantities):
        if quantity.kind in (Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT) and quantity.thing:
            start, end = quantity.mentions[0]
            behind = graph.question.text[end : end + 60]
            sentence = graph.question.sentence(quantity.sentence)
            if re.search(r"\b(?:more|less|fewer|times|than|as)\b", behind.split(".")[0].split(",")[0]):
                continue
            if len(set(names_in(sentence.split(",")[0]))) == 1 and quantity.owner:
                found[quantity_source(index)] = (quantity.owner, quantity.thing)
    for index, equation in enumerate(graph.solution.equations[:before]):
        parts = graph.solution.steps[equation.step]
        first = equation.places[0] if equation.places else equation.result_place
        people = names_in("".join(parts[:first]))
        if people and len(set(people)) == 1:
            found[index] = (people[0], thing_after(parts[equation.result_place + 1]))
    return found


def recognised(read: Difference) -> bool:
    """One name stands where another stood, and the operation is the same."""
    return len(read.gone) == len(read.new) == 1 and read.operators == read.twin_operators


FAMILY = Family(
    name="referent_confused",
    stands_for="a comparison referred to somebody else",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    edits=edits,
    recognised=recognised,
)
