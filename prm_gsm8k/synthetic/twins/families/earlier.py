"""An earlier stage is asked: "How many clips did she sell in May?" for "How many altogether?".

The question is made from the words of the step that answers it, so only plain statements serve: "Natalia sold 48/2 = 24
clips in May." The twin's solution ends with that step. The other way round it goes on, past what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.asking import ask
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import WORLD, Graph, quantity_source
from prm_gsm8k.synthetic.twins.question import names_in
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.wording import says_what_is_needed

_OTHERS = re.compile(
    r"\b(?:brother|sister|mother|father|mom|dad|wife|husband|friend|son|daughter|uncle|aunt|cousin|teacher|boss|neighbor|man|woman|boy|girl)s?\b",
    re.IGNORECASE,
)
_HOW = re.compile(
    r"\b[Hh]ow (?:many|much|old|long|far|tall|fast)\b[^?]*\?\Z|\b[Ww]hat(?:'s| is| was| will be| are) [^?]*\?\Z"
    r"|\b(?:[Cc]alculate|[Ff]ind|[Dd]etermine) [^?.]*[.?]\Z"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    start, end = question.sentences[-1]
    asked = question.text[start:end]
    how = _HOW.search(asked)
    if how is None or (how.start() and not (asked.startswith("If ") and asked[: how.start()].endswith(", "))):
        return
    who = _only_name(question.text)
    for index in range(solution.final - 1, -1, -1):
        equation = solution.equations[index]
        if equation.step >= solution.equations[solution.final].step:
            continue
        if any(e.step == equation.step and i != index for i, e in enumerate(solution.equations)):
            continue
        if (
            not _needed(graph, index)
            or _is_spent(graph, index)
            or _is_converted(graph, index)
            or says_what_is_needed(graph, index, start + how.start())
        ):
            continue
        asks = (
            ask(solution.steps[equation.step], equation.places[0], equation.result_place, who, asked)
            if equation.places
            else None
        )
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


def _is_converted(graph: Graph, index: int) -> bool:
    """Whether what follows only says the same in another unit."""
    uses = graph.uses.get(index, ())
    return any(graph.sources[e][1 - operand] == (WORLD,) for e, operand in uses if len(graph.sources[e]) == 2)


def _is_spent(graph: Graph, index: int) -> bool:
    """Whether something is taken from this result later: what somebody has is then a question of when."""
    equations = graph.solution.equations
    return any(operand == 0 and "-" in equations[e].operators for e, operand in graph.uses.get(index, ()))


def _only_name(text: str) -> str:
    """The one person that a text speaks of, or ""."""
    names = set(names_in(text))
    return next(iter(names)) if len(names) == 1 and not _OTHERS.search(text) else ""


def recognised(read: Difference) -> bool:
    """S' concludes where S goes on."""
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
    share=0.6,
)
