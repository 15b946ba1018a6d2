"""Another thing is asked: what was spent for what is left, a month for a year, minutes for hours.

The twin's solution ends a step earlier. The other way round it goes on, past what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import WORLD, Graph
from prm_gsm8k.synthetic.twins.question import names_in
from prm_gsm8k.synthetic.twins.solve import Change
from prm_gsm8k.synthetic.twins.units import SMALLER, TIMES_OF_THE_CALENDAR
from prm_gsm8k.synthetic.twins.wording import says_what_is_needed

_NUMBERS = re.compile(r"\d+")
_LEFT = re.compile(
    r"\b([Hh])ow much (?:money )?(does|did|will|would) (\w+) (?:now )?have (?:left|remaining)(?: over)?"
    r"(?=\?| after| at the end| in total| from)"
)
_CHANGE = re.compile(r"\b([Hh])ow much change (does|did|will|would|should) (\w+) (?:get|receive)(?: back)?(?=\?| from)")
_SPENDING = re.compile(r"\b(?:spen[dt]s?|bought|buys?|buying|purchase\w*|costs?|pays?|paid)\b")
_EARNING = re.compile(
    r"\b(?:earns?|sells?|sold|receives?|makes|made|gives?|gave|lost|loses|lent|owes?|saved?|found|donat\w+)\b"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    final = solution.equations[solution.final]
    if solution.final == 0 or final.step != len(solution.steps) - 1 or len(final.operands) != 2:
        return
    if sum(e.step == final.step for e in solution.equations) > 1:
        return
    previous = max((i for i, e in enumerate(solution.equations) if e.step == final.step - 1), default=-1)
    if previous < 0:
        return
    start, end = question.sentences[-1]
    asked = question.text[start:end]
    for twin in _asked(graph, asked, previous):
        if _NUMBERS.findall(asked) != _NUMBERS.findall(twin) and says_what_is_needed(graph, previous, start):
            continue
        yield Edit(question.text[:start] + twin, Change(last=previous), asked, twin)


def _rest(text: str) -> str:
    """What follows "left", without what it is left from: " from $20, if each costs $3?" keeps the condition."""
    return text if not text.startswith(" from") else text[text.find(" if") :] if " if" in text else "?"


def _asked(graph: Graph, asked: str, previous: int) -> Iterator[str]:
    """What may be asked instead, such that the step before the last one answers it."""
    final = graph.solution.equations[graph.solution.final]
    sources = graph.sources[graph.solution.final]
    text = graph.question.text
    if final.operators == ["-"] and sources[1] == (previous,):
        spent = graph.solution.equations[previous]
        sums = all(operator in "+*" for operator in spent.operators)
        if _SPENDING.search(text) and not _EARNING.search(text) and sums and spent.operators:
            for pattern in (_LEFT, _CHANGE):
                if match := pattern.search(asked):
                    aux = (
                        "did" if match[2] == "does" and re.search(r"\b(?:bought|spent|paid|went)\b", text) else match[2]
                    )
                    aux = "will" if aux == "should" else aux
                    yield (
                        asked[: match.start()]
                        + f"{match[1]}ow much money {aux} {match[3]} spend in total"
                        + _rest(asked[match.end() :])
                    )
        return
    if set(final.operators) == {"+"} and (previous,) in sources:
        yield from _somebody(graph, asked, previous)
    if sources[0] != (previous,) or sources[1] != (WORLD,):
        return
    yield from _converted(asked, final.operators[0], final.operands[1])


def _converted(asked: str, operator: str, constant: Value) -> Iterator[str]:
    """A month for a year, minutes for hours: what was asked before the last step converted it."""
    for larger, count, smaller in SMALLER:
        if count != constant:
            continue
        unit, other = (larger, smaller) if operator == "/" else (smaller, larger)
        if operator in "*/" and not re.search(rf"\b{other}\b", asked):
            for match in _only(rf"\b([Hh]ow many|in) {unit}\b", asked):
                yield asked[: match.start()] + f"{match[1]} {other}" + asked[match.end() :]
    for larger, count, smaller in TIMES_OF_THE_CALENDAR:
        unit, other = larger[:-1], smaller[:-1]
        if operator == "*" and count == constant and not re.search(rf"\b{other}", asked):
            for match in _only(rf"\b(in a|in one|in 1|per|a|each|every|one) {unit}\b(?! old)", asked):
                before, _, article = match[1].rpartition(" ")
                article = "an" if other == "hour" and article == "a" else article
                yield asked[: match.start()] + f"{before} {article} {other}".lstrip() + asked[match.end() :]


def _only(pattern: str, text: str) -> list[re.Match[str]]:
    """The match of a pattern, if there is one only."""
    found = list(re.finditer(pattern, text))
    return found if len(found) == 1 else []


_TOGETHER = re.compile(
    r"\b([Hh]ow (?:many|much) [^,?]*?)(do|does|did|will|would|have|had) "
    r"((?:they|the (?:two|three|four)|all|both|[A-Z][a-z]+ and)\b[^,?]*?) "
    r"(\w+)( [^,?]*?)? ?(?:in total|altogether|together|in all|combined|all together)( [^,?]*)?\?"
)


def _somebody(graph: Graph, asked: str, previous: int) -> Iterator[str]:
    """How many has one of them, for how many they all have together."""
    equation = graph.solution.equations[previous]
    parts = graph.solution.steps[equation.step]
    names = set(names_in("".join(parts[: equation.result_place])))
    match = _TOGETHER.search(asked)
    if match is None or len(names) != 1 or len(set(names_in(graph.question.text))) < 2 or not equation.operators:
        return
    name = names.pop()
    if (
        not re.match(rf"(?:So,? |Therefore,? |Then,? |Thus,? )?{name} \w+", parts[0] or "")
        or match[6]
        or "total" in "".join(parts)
    ):
        return
    aux = "does" if match[2] == "do" else match[2]
    if match[2] in ("have", "had") or re.search(r"\b(?:more|less|fewer|than)\b", match[0]):
        return
    yield asked[: match.start()] + f"{match[1]}{aux} {name} {match[4]}{(match[5] or '').rstrip()}?"


def recognised(read: Difference) -> bool:
    """S' concludes where S goes on."""
    return read.ends


FAMILY = Family(
    name="another_target",
    stands_for="another thing answered than asked: stopped early, or a further step",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/3306",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
