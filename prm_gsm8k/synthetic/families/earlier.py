"""An earlier stage is asked: "How many clips did she sell in May?" for "How many altogether?".

The question is made from the words of the step that answers it, so only plain statements serve: "Natalia sold 48/2 = 24
clips in May." The twin's solution ends with that step. The other way round it goes on, past what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.asked import is_needed, only_name
from prm_gsm8k.synthetic.asking import ask
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph, forms
from prm_gsm8k.synthetic.question import names_in
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import says_what_is_needed

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
    for index in range(solution.final - 1, -1, -1):
        equation = solution.equations[index]
        if equation.step >= solution.equations[solution.final].step or not equation.places:
            continue
        if any(e.step == equation.step and i != index for i, e in enumerate(solution.equations)):
            continue
        # A condition whose numbers come later says nothing that is needed, and may say what is not meant yet.
        kept = condition if _is_used(graph, index, start, start + condition) else 0
        if (
            not is_needed(graph, index)
            or _is_converted(graph, index)
            or says_what_is_needed(graph, index, start + kept)
        ):
            continue
        asks = ask(solution.steps[equation.step], equation.places[0], equation.result_place, who, asked)
        if asks is None or (kept and _WHEN_IF.search(asks)) or (_is_spent(graph, index) and _WHEN_SPENT.search(asks)):
            continue
        twin = asked[:kept] + (asks[0].lower() + asks[1:] if kept else asks)
        yield Edit(question.text[:start] + twin, Change(last=index), asked, twin)


def _pronoun(text: str, asked: str) -> str:
    """The "he" or "she" that the question itself asks for, where there is nobody else it could be."""
    found = set(re.findall(r"\b(?:he|she)\b", asked.lower()))
    return found.pop() if len(found) == 1 and len(set(names_in(text))) <= 1 else ""


def _is_used(graph: Graph, last: int, start: int, end: int) -> bool:
    """Whether a condition, from `start` to `end`, says a number that is used up to equation `last`, or none at all."""
    said = [q for q in graph.question.quantities if any(start <= place < end for place, _ in q.mentions)]
    used = {value for e in graph.solution.equations[: last + 1] for value in e.operands}
    return not said or any(not used.isdisjoint(forms(quantity)) for quantity in said)


def _is_converted(graph: Graph, index: int) -> bool:
    """Whether what follows only says the same in another unit."""
    uses = graph.uses.get(index, ())
    return any(graph.sources[e][1 - operand] == (WORLD,) for e, operand in uses if len(graph.sources[e]) == 2)


def _is_spent(graph: Graph, index: int) -> bool:
    """Whether something is taken from this result later: what somebody has is then a question of when."""
    equations = graph.solution.equations
    return any(operand == 0 and "-" in equations[e].operators for e, operand in graph.uses.get(index, ()))


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
