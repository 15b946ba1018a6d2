"""A share is taken of another base: "half of the remaining cards" as "half of all the cards"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import around

_NO_NOUN = frozenset(
    "to in for at on and with yesterday today by as from that are were was is go went will who have had".split()
)
_OF_THE_REST = re.compile(
    r"\bof (?:(the|his|her|their|its|all the) (?:remaining|rest of the|leftover|other) ([a-z]+)"
    r"|(the (?:rest|remainder)))\b"
)
# "half of what was left", "a quarter of the money he had left", "1/3 of those remaining"
_HAS_LEFT = r"(?:(?: which| that)? (?:he|she|they|it) (?:has|had|have)| (?:that )?(?:is|was|were|are))?"
_OF_WHAT_IS_LEFT = re.compile(
    rf"\bof (?:what(?:(?:'|’)s)?{_HAS_LEFT} (?:left|remaining)|what remain(?:s|ed)|those (?:left|remaining)"
    rf"|(the (?:money|amount|fence|cake|pizza|[a-z]+s)){_HAS_LEFT} (?:left|remaining))\b(?: over| after that)?"
)
_REST = re.compile(r"\b(?:remain\w*|rest|left|leftover|other)\b", re.IGNORECASE)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    shares = [i for i, q in enumerate(question.quantities) if q.kind in (Kind.SHARE, Kind.PERCENTAGE)]
    for match in (*_OF_THE_REST.finditer(text), *_OF_WHAT_IS_LEFT.finditer(text)) if shares else ():
        if match[0].startswith(("of the rest", "of the remainder")) and "$" in text:
            continue  # "of all of them", of dollars
        read = _of_all(match) if match.re is _OF_THE_REST else f"of all {match[1] or 'that there was at first'}"
        near = [i for i in shares if 0 <= match.start() - question.quantities[i].mentions[0][1] <= 4]
        if read is None or not near:
            continue
        end = question.quantities[near[0]].mentions[0][1]
        twin = text[: match.start()] + read + text[match.end() :]
        for equation, operand in graph.feeds(near[0]):
            place = _base(graph, equation, operand)
            words = _reworded("".join(solution.steps[solution.equations[equation].step]))
            if place is None or words is None:
                continue
            base, total = place
            subtracted = any(
                o and solution.equations[e].operators[o - 1] == "-" for e, o in graph.uses.get(equation, ())
            )
            if question.quantities[near[0]].value * 2 == 1 and not subtracted:
                continue  # half may be the other half, which is kept
            yield Edit(
                twin,
                Change(sources={(equation, base): total}, words={solution.equations[equation].step: words}),
                around(text, end, match.end()),
                around(twin, end, match.start() + len(read)),
            )


def _of_all(match: re.Match[str]) -> str | None:
    """What stands for "of the remaining cards": "of all the cards"; None where that would not read well."""
    whose, noun, alone = match.groups()
    if noun in ("amount", "money", "of", "half") or not (noun or alone):
        return None
    if not noun or noun in _NO_NOUN:
        return f"of all of them {noun or ''}".rstrip()
    return f"of all {whose.replace('all ', '')} {noun}"


def _base(graph: Graph, index: int, share: int) -> tuple[int, int] | None:
    """The operand of which a product takes a share, if it is a remainder, and what that was taken from."""
    results = range(len(graph.solution.equations))
    if any(operator in "+-" for operator in graph.solution.equations[index].operators):
        return None
    own = graph.sources[index]
    bases = [o for o, sources in enumerate(own) if o != share and len(sources) == 1 and sources[0] in results]
    total = _minuend(graph, own[bases[0]][0]) if len(bases) == 1 else None
    while total is not None and total < len(results) and (earlier := _minuend(graph, total)) is not None:
        total = earlier  # all is what there was before anything was taken
    return None if total is None else (bases[0], total)


def _reworded(step: str) -> dict[str, str] | None:
    """What a step says instead of what remains; None where it says that otherwise."""
    spoken = _REST.findall(step)
    if re.search(r"\b(?:that|this|it)\b", step.partition("=")[0]):
        return None
    found = re.findall(r"\b(?:the )?(?:remaining|rest of the)\b", step)
    if not spoken:
        return {}
    if len(spoken) > 1 or len(found) != 1:
        return None
    return {found[0]: "all the" if found[0].startswith("the") else "total"}


def _minuend(graph: Graph, rest: int) -> int | None:
    """What the remainder was taken from, if equation `rest` is a remainder."""
    equation = graph.solution.equations[rest]
    if not equation.operators or any(operator != "-" for operator in equation.operators):
        return None
    sources = graph.sources[rest][0]
    return sources[0] if len(sources) == 1 and sources[0] >= 0 else None


def recognised(read: Difference) -> bool:
    """It says "all" where it said what remains, and the operation is the same."""
    return "all" in read.new and read.operators == read.twin_operators


FAMILY = Family(
    name="base_confused",
    stands_for="a fraction or percentage of the wrong base",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/6433",
    edits=edits,
    recognised=recognised,
)
