"""What a solution restates of its question before it computes, as people and models do.

    Ignatius owns 4 bicycles.                          <- a sentence of the question, as a step of its own
    His friend owns 3 * 4 = 12 bicycles.

A number that the question says once, and that a later step uses, becomes a node of the graph: an equation without
operators, whose result is what the sentence states. So it can be misread like any other operand, and what follows from
that is recomputed like anything else. A sentence whose numbers are not so certain may be restated, but not misread.

How many are put in is drawn so that solutions are as long as real ones: a fifth of the steps that teachers marked
(eth-lre/verify-then-generate) state a number and compute none, and a tenth say no number at all.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.numbers import NUMBER_WORDS, Value, read_number
from prm_gsm8k.synthetic.parse import NUMBER, QUESTION, Equation, Mention, Solution, read_gap

# How many steps a solution is to have, if it has not more: with that, as many as real ones have (benchmarks/audit.py).
_LENGTHS = (3, 4, 5, 6, 7, 8, 9)
_LENGTH_WEIGHTS = list(accumulate((100, 300, 80, 40, 40, 60, 120)))

_LONGEST = 140  # characters of a sentence that is restated
_FRONT = 0.3  # how often all of them come first, not each before its use
_OPENING = 0.1
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
_ASKED = "We need to find out: {}"
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")

# Not after "Mr." or "6 a.m.", nor within "sq. ft."
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\b[MDS][rst]\.)(?<!\bMrs\.)\s+(?![a-z])")
_WORD = re.compile(r"[a-z]+")
# A sentence that begins with one of these goes on after "we know that" with a small letter.
_SMALL = frozenset(
    "the a an there each every it he she they his her their its this these in on at for if one two three four five all "
    "some after before during when while since to from".split()
)
_UNFIT = re.compile(r"[=?<>:\"“”]|\d\s*[-+*/x×]\s*\d|\b(?:how|find|calculate|suppose|assume|what|if)\b", re.IGNORECASE)


class Fact(NamedTuple):
    """A sentence of the question that can be restated.

    Attributes:
        parts: the sentence, cut at its numbers.
        before: the step that uses it first.
        nodes: the places of numbers that can be misread.
    """

    parts: list[str]
    before: int
    nodes: list[int]


def facts(solution: Solution) -> list[Fact]:
    """The sentences of the question that state a number which a step uses, in their order."""
    used: dict[Value, int] = {}
    for equation in solution.equations:
        for value, source in zip(equation.operands, equation.sources, strict=True):
            if source == QUESTION:
                used.setdefault(value, equation.step)
    results = {equation.result for equation in solution.equations}
    times = _times_said(solution.question)
    found = []
    for sentence in _SENTENCE.split(solution.question.strip()):
        if not sentence.endswith(".") or len(sentence) > _LONGEST or _UNFIT.search(sentence):
            continue
        parts = NUMBER.split(sentence)
        values = [read_number(text) for text in parts[1::2]]
        steps = [used[value] for value in values if value in used]
        if not steps or len(values) > 3 or not results.isdisjoint(values):
            continue
        if any(read_gap(text) is not None for text in parts[2:-1:2]):
            continue
        nodes = [
            2 * n + 1
            for n, value in enumerate(values)
            if value in used and value > 1 and times[value] == 1
            and parts[2 * n + 1][-1] != "%" and not parts[2 * n + 2][:1].isalpha()  # 20%, 5th, 10am
        ]  # fmt: skip
        found.append(Fact(parts, min(steps), nodes))
    return found


def restate(solution: Solution, rng: Random) -> Solution:
    """The solution with some facts of its question as steps of their own."""
    wanted = _LENGTHS[bisect(_LENGTH_WEIGHTS, rng.random() * _LENGTH_WEIGHTS[-1])] - len(solution.steps)
    opening, which, front = rng.random(), rng.random(), rng.random() < _FRONT
    introduction = INTRODUCTIONS[int(rng.random() * len(INTRODUCTIONS))]
    if wanted <= 0:
        return solution
    there = facts(solution)
    first: list[list[str]] = []
    if opening < _OPENING or len(there) < wanted:
        first.append([_opening(solution.question, which)])
        wanted -= 1
    while len(there) > wanted:
        del there[int(rng.random() * len(there))]
    if not there and not first:
        return solution
    return _with(solution, first, [_introduced(fact, introduction, front) for fact in there])


def _opening(question: str, which: float) -> str:
    asked = _SENTENCE.split(question.strip())[-1]
    if which < 0.5 and asked.endswith("?") and not any(map(str.isdigit, asked)):
        return _ASKED.format(asked)
    return OPENINGS[int(which * 2 % 1 * len(OPENINGS))]


def _introduced(fact: Fact, introduction: str, front: bool) -> Fact:
    begin = introduction.removesuffix("{}")
    head = fact.parts[0]
    if begin and head.partition(" ")[0].lower() in _SMALL:
        fact = fact._replace(parts=[begin + head[:1].lower() + head[1:], *fact.parts[1:]])
    return fact._replace(before=0) if front else fact


def _with(solution: Solution, first: list[list[str]], there: list[Fact]) -> Solution:
    """The solution with these steps put in, and its graph with these nodes."""
    steps = first.copy()
    moved = []  # of each step, where it stands now
    equations: list[Equation] = []
    mentions: list[Mention] = []
    index: dict[int, int] = {}  # of each equation, likewise
    node: dict[Value, int] = {}  # the equation that states a value of the question
    old = iter(enumerate(solution.equations))
    upcoming = next(old, None)
    for step, parts in enumerate(solution.steps):
        for fact in there:
            if fact.before == step:
                for place in range(1, len(fact.parts), 2):
                    value = read_number(fact.parts[place])
                    if place in fact.nodes:
                        node[value] = len(equations)
                        equations.append(_node(len(steps), place, value))
                    else:
                        mentions.append(Mention(len(steps), place, value, QUESTION, (), ()))
                steps.append(fact.parts)
        moved.append(len(steps))
        while upcoming is not None and upcoming[1].step == step:
            number, equation = upcoming
            index[number] = len(equations)
            equations.append(replace(equation, step=len(steps)))
            upcoming = next(old, None)
        steps.append(parts)
    for equation in equations:
        if not equation.fact:
            pairs = zip(equation.sources, equation.operands, strict=True)
            equation.sources = [
                node.get(value, QUESTION) if source == QUESTION else index.get(source, source)
                for source, value in pairs
            ]
            equation.others = [_renamed(others, index) for others in equation.others]
    for mention in solution.mentions:
        source = index.get(mention.source, mention.source)
        at = node.get(mention.value, QUESTION) if source == QUESTION else source
        if source == QUESTION and at >= 0 and equations[at].step > moved[mention.step]:
            at = QUESTION  # said before it is restated
        operands = tuple((index[equation], operand) for equation, operand in mention.operands)
        mentions.append(
            Mention(moved[mention.step], mention.place, mention.value, at, _renamed(mention.others, index), operands)
        )
    return replace(
        solution,
        steps=steps,
        equations=equations,
        mentions=mentions,
        final=index[solution.final],
        comparisons=frozenset(moved[step] for step in solution.comparisons),
        words={},
    )


def _node(step: int, place: int, value: Value) -> Equation:
    return Equation(
        step,
        [value],
        [],
        [0],
        [0],
        [],
        value,
        place,
        frozen=False,
        cents=False,
        sources=[QUESTION],
        others=[()],
        fact=True,
    )


def _renamed(others: Iterable[int], index: dict[int, int]) -> tuple[int, ...]:
    return tuple(index.get(other, other) for other in others)


def _times_said(question: str) -> Counter[Value]:
    """How often a question says each number, in digits or in words that may mean it."""
    said: Counter[Value] = Counter(read_number(text) for text in NUMBER.split(question)[1::2])
    for word in _WORD.findall(question.lower()):
        said.update(NUMBER_WORDS.get(word, ()))
    return said
