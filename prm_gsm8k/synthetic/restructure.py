"""Restructure a correct solution: merge some of its steps, and restate facts of the question between them.

    Ignatius owns 4 bicycles.                                       <- a restated fact
    His friend owns 3 * 4 = 12 bicycles. So 4 + 12 = 16 in all.     <- two steps of the reference solution in one

The result is text in the format of a GSM8K answer, to be parsed like one. The frequencies below follow real solutions
(eth-lre/verify-then-generate): three in ten of their correct steps have no equation, and step lengths vary
more than in GSM8K.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts, final_question
from prm_gsm8k.synthetic.parse import Solution

_MERGING = 0.3  # of solutions: some steps are merged
_MERGED = 0.4  # of steps in those: merged with the one before
_RESTATING = 0.85  # of solutions: facts are restated
_RESTATED = 0.45  # of facts in those: restated
_FRONT = 0.3  # of those solutions: all facts come first, not each before its use
_OPENING = 0.1  # of solutions: begin with an opening
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
_QUESTION_PHRASE = "We need to find out: {}"
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")

# Words that lose their capital after "we know that".
_LOWERED = frozenset(
    "the a an there each every it he she they his her their its this these in on at for if one two three four five all "
    "some after before during when while since to from".split()
)
_ENDS = (".", "!", "?", ":", ";", ",")


class Restructured(NamedTuple):
    """An answer in GSM8K's format, and the indices of its steps that restate a fact."""

    answer: str
    restated: frozenset[int]


def restructure(solution: Solution, answer: str, rng: Random) -> Restructured:
    """Merge steps and restate facts of `answer`, from which `solution` was parsed; often it stays as it is."""
    body, hashes, final = answer.rpartition("####")
    lines = [line.strip() for line in body.split("\n") if line.strip()]
    merging, restating, front = rng.random() < _MERGING, rng.random() < _RESTATING, rng.random() < _FRONT
    introduction = INTRODUCTIONS[int(rng.random() * len(INTRODUCTIONS))]
    restated: dict[int, list[str]] = {}
    if restating:
        for fact in facts(solution):
            if rng.random() < _RESTATED:
                restated.setdefault(0 if front else fact.before, []).append(_introduced(fact.text, introduction))
    steps = [_opening(solution.question, rng.random())] if rng.random() < _OPENING else []
    at: list[int] = []
    for step, line in enumerate(lines):
        added = restated.get(step, ())
        at += range(len(steps), len(steps) + len(added))
        steps += added
        if merging and step and step not in restated and rng.random() < _MERGED:
            steps[-1] += (" " if steps[-1].endswith(_ENDS) else ". ") + line
        else:
            steps.append(line)
    return Restructured(answer if steps == lines else "\n".join([*steps, hashes + final]), frozenset(at))


def _opening(question: str, which: float) -> str:
    if which < 0.5 and (last := final_question(question)):
        return _QUESTION_PHRASE.format(last)
    return OPENINGS[int(which * 2 % 1 * len(OPENINGS))]


def _introduced(sentence: str, introduction: str) -> str:
    first = sentence.partition(" ")[0].lower()
    if introduction != "{}" and first in _LOWERED:
        sentence = sentence[0].lower() + sentence[1:]
    return introduction.format(sentence)
