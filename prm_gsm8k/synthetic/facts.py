"""Facts: sentences of the question that a solution can restate as steps, and their numbers that can be misread.

    Ignatius owns 4 bicycles.                          <- a restated fact
    His friend owns 3 * 4 = 12 bicycles.

A number of a restated fact that the question states once and a later step uses becomes a node of the graph: an equation
without operators, with that number as its result. So a misread fact propagates like any other error. A sentence whose
numbers may come from elsewhere too can be restated, but not misread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from prm_gsm8k.synthetic.numbers import NUMBER_WORDS, Value, read_number
from prm_gsm8k.synthetic.parse import NUMBER, QUESTION, Equation, Mention, Solution, read_gap

_LONGEST = 140  # characters of a sentence that can be restated
# No sentence ends after "Mr." or "6 a.m.", nor within "sq. ft."
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\b[MDS][rst]\.)(?<!\bMrs\.)\s+(?![a-z])")
_UNFIT = re.compile(r"[=?<>:\"“”]|\d\s*[-+*/x×]\s*\d|\b(?:how|find|calculate|suppose|assume|what|if)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
# Numbers of units and calendars: a step that uses one need not have it from the question, so it is not misread.
_COMMON = frozenset((7, 12, 24, 30, 52, 60, 100, 365, 1000))


class Fact(NamedTuple):
    """A sentence of the question that can be restated, and the first step that uses a number of it."""

    text: str
    before: int


def sentences(question: str) -> list[str]:
    """The sentences of a question."""
    return _SENTENCE.split(question.strip())


def final_question(question: str) -> str:
    """The last sentence of a question if it asks something and has no digits, else `""`."""
    last = sentences(question)[-1]
    return last if last.endswith("?") and not any(map(str.isdigit, last)) else ""


def facts(solution: Solution) -> list[Fact]:
    """The sentences of the question that state a number which some step uses, in order."""
    used: dict[Value, int] = {}
    for equation in solution.equations:
        for value, source in zip(equation.operands, equation.sources, strict=True):
            if source == QUESTION:
                used.setdefault(value, equation.step)
    results = {equation.result for equation in solution.equations}
    found = []
    for sentence in sentences(solution.question):
        if not sentence.endswith(".") or len(sentence) > _LONGEST or _UNFIT.search(sentence):
            continue
        parts = NUMBER.split(sentence)
        values = [read_number(text) for text in parts[1::2]]
        steps = [used[value] for value in values if value in used]
        if not steps or len(values) > 3 or not results.isdisjoint(values):
            continue
        if any(read_gap(text) is not None for text in parts[2:-1:2]):
            continue
        found.append(Fact(sentence, min(steps)))
    return found


def with_facts(solution: Solution, restated: Collection[int]) -> Solution:
    """The solution with a node for every number that can be misread in its steps `restated`, which are facts."""
    misreadable = _misreadable(solution, restated)
    if not misreadable:
        return solution
    # Sorted by step: a step that is a fact has no equation.
    order: list[tuple[int, int, Equation | Mention]] = []
    order += [(equation.step, n, equation) for n, equation in enumerate(solution.equations)]
    order += [(mention.step, mention.place, mention) for mention in misreadable]
    order.sort(key=lambda entry: entry[:2])
    equations: list[Equation] = []
    index: dict[int, int] = {}  # old index of each equation -> its new one
    node: dict[Value, int] = {}  # value of the question -> index of the fact that states it
    for _, number, entry in order:
        if isinstance(entry, Mention):
            node[entry.value] = len(equations)
            equations.append(_node(entry))
        else:
            index[number] = len(equations)
            equations.append(replace(entry))

    def moved(source: int, value: Value) -> int:
        return node.get(value, QUESTION) if source == QUESTION else index.get(source, source)

    for equation in equations:
        if not equation.fact:
            equation.sources = [moved(*pair) for pair in zip(equation.sources, equation.operands, strict=True)]
            equation.others = [tuple(index.get(other, other) for other in others) for others in equation.others]
    mentions = [
        mention._replace(
            source=moved(mention.source, mention.value),
            others=tuple(index.get(other, other) for other in mention.others),
            operands=tuple((index[equation], operand) for equation, operand in mention.operands),
        )
        for mention in solution.mentions
        if mention not in misreadable
    ]
    return replace(solution, equations=equations, mentions=mentions, final=index[solution.final], words={})


def _misreadable(solution: Solution, restated: Collection[int]) -> list[Mention]:
    """The numbers of restated facts that the question states once, some step uses and no earlier step mentions."""
    used = {
        value
        for equation in solution.equations
        for value, source in zip(equation.operands, equation.sources, strict=True)
        if source == QUESTION
    }
    times = _times_stated(solution.question)
    said: set[Value] = set()
    found = []
    for mention in solution.mentions:
        if mention.step in restated and mention.source == QUESTION and not mention.others:
            value, parts = mention.value, solution.steps[mention.step]
            if value in used and value > 1 and times[value] == 1 and value not in said and value not in _COMMON:
                if parts[mention.place][-1] != "%" and not parts[mention.place + 1][:1].isalpha():  # 20%, 5th, 10am
                    found.append(mention)
        said.add(mention.value)
    return found


def _node(mention: Mention) -> Equation:
    return Equation(
        mention.step,
        [mention.value],
        [],
        [0],
        [0],
        [],
        mention.value,
        mention.place,
        frozen=False,
        cents=False,
        sources=[QUESTION],
        others=[()],
        fact=True,
    )


def _times_stated(question: str) -> Counter[Value]:
    """How often a question states each number, in digits or in words that may mean it.

    >>> _times_stated("She has 48 clips, half of them red, and 2 friends.")[2]
    2
    """
    said: Counter[Value] = Counter(read_number(text) for text in NUMBER.split(question)[1::2])
    for word in _WORD.findall(question.lower()):
        said.update(NUMBER_WORDS.get(word, ()))
    return said
