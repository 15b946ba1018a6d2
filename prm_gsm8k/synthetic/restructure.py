"""How a solution is told: how much goes into one step, and which facts of its question are restated between them.

    Ignatius owns 4 bicycles.                                       <- a sentence of the question, as a step of its own
    His friend owns 3 * 4 = 12 bicycles. So 4 + 12 = 16 in all.     <- two steps of the reference solution in one

What is told is text, in the form of GSM8K's answers, and is read like one. Nothing in it is wrong yet; the numbers of
a fact can be misread (`facts.py`). How often each is done follows real solutions (eth-lre/verify-then-generate): of the
right steps in them three in ten have no equation, and steps differ more in length than those of GSM8K.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import asked, facts
from prm_gsm8k.synthetic.parse import Solution

_TOGETHER = 0.3  # how many solutions have steps that are several of the reference solution
_JOINED = 0.4  # how often a step is joined to the one before it, in those
_RESTATING = 0.85  # how many solutions restate facts
_RESTATED = 0.45  # how often a fact is restated, in those
_FRONT = 0.3  # how often all of them come first, not each before its use
_OPENING = 0.1  # how often a solution begins with words that say nothing
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
_ASKED = "We need to find out: {}"
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")

# A sentence that begins with one of these goes on after "we know that" with a small letter.
_SMALL = frozenset(
    "the a an there each every it he she they his her their its this these in on at for if one two three four five all "
    "some after before during when while since to from".split()
)
_ENDS = (".", "!", "?", ":", ";", ",")


class Told(NamedTuple):
    """An answer in GSM8K's form, and which of its steps restate a fact of the question."""

    answer: str
    restated: frozenset[int]


def tell(solution: Solution, answer: str, rng: Random) -> Told:
    """The answer, which `solution` was read from, with steps joined and facts restated; often it is as it was."""
    body, hashes, final = answer.rpartition("####")
    lines = [line.strip() for line in body.split("\n") if line.strip()]
    together, restating, front = rng.random() < _TOGETHER, rng.random() < _RESTATING, rng.random() < _FRONT
    introduction = INTRODUCTIONS[int(rng.random() * len(INTRODUCTIONS))]
    restated: dict[int, list[str]] = {}
    if restating:
        for fact in facts(solution):
            if rng.random() < _RESTATED:
                restated.setdefault(0 if front else fact.before, []).append(_introduced(fact.text, introduction))
    told = [_opening(solution.question, rng.random())] if rng.random() < _OPENING else []
    places: list[int] = []
    for step, line in enumerate(lines):
        said = restated.get(step, ())
        places += range(len(told), len(told) + len(said))
        told += said
        if together and step and step not in restated and rng.random() < _JOINED:
            told[-1] += (" " if told[-1].endswith(_ENDS) else ". ") + line
        else:
            told.append(line)
    return Told(answer if told == lines else "\n".join([*told, hashes + final]), frozenset(places))


def _opening(question: str, which: float) -> str:
    if which < 0.5 and (last := asked(question)):
        return _ASKED.format(last)
    return OPENINGS[int(which * 2 % 1 * len(OPENINGS))]


def _introduced(sentence: str, introduction: str) -> str:
    first = sentence.partition(" ")[0].lower()
    if introduction != "{}" and first in _SMALL:
        sentence = sentence[0].lower() + sentence[1:]
    return introduction.format(sentence)
