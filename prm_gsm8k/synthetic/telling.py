"""How a solution is told: how much goes into one step, and which facts of its question are restated between them.

    Ignatius owns 4 bicycles.                                       <- a sentence of the question, as a step of its own
    His friend owns 3 * 4 = 12 bicycles. So 4 + 12 = 16 in all.     <- two steps of the reference solution in one
    We need to find the number of wheels.                           <- what the last step is about
    ...
    So we have the answer.                                          <- or the last result once more

What is told is text, in the form of GSM8K's answers, and is read like one. Nothing in it is wrong yet; the numbers of
a fact can be misread (`facts.py`). How often each is done follows real solutions (eth-lre/verify-then-generate): of the
right steps in them three in ten have no equation, and steps differ more in length than those of GSM8K.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts, sentences
from prm_gsm8k.synthetic.numbers import NUMBER_WORDS
from prm_gsm8k.synthetic.parse import Equation, Solution, read_gap
from prm_gsm8k.synthetic.style import leave_out

_TOGETHER = 0.3  # how many solutions have steps that are several of the reference solution
_JOINED = 0.4  # how often a step is joined to the one before it, in those
_RESTATING = 0.85  # how many solutions restate facts
_RESTATED = 0.45  # how often a fact is restated, in those
_FRONT = 0.3  # how often all of them come first, not each before its use
_OPENING = 0.1  # how often a solution begins with words that say nothing
_ANNOUNCED = 0.1  # how often it is said before the last step what it is about
_AGAIN = 0.65  # how often a solution ends with its result once more, where that can be said (in half of them)
_ENDED = 0.3  # how often, otherwise, with words that say nothing, if a conclusion follows
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
ASKED = ("We need to find out: {}", "The question is: {}", "The question asks: {}")
ANNOUNCING = ("We need to find {}.", "Let's find {}.", "Now, let's calculate {}.", "Now, we find {}.")
GOING_ON = (
    "Now we can go on to the next part.",
    "Let's work out what comes next.",
    "Next, we use this.",
    "We can now go on.",
    "With this, we can work out the rest.",
)
ENDING = (
    "So we have the answer.",
    "This is what the question asks for.",
    "That is what we wanted to find.",
    "This is the final result.",
    "And that is our answer.",
)
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")
SAYING_AGAIN = ("{}", "So, {}", "Therefore, {}", "Thus, {}", "This means that {}", "In conclusion, {}")

# After one of these an equation is a reason or an instruction, and a number alone is not.
_NOT_BEFORE_A_RESULT = frozenset(
    "because since as if and or so when then thus hence by do compute calculate add subtract multiply divide solve "
    "adding subtracting multiplying dividing calculating get equation formula x s that".split()
)
# A sentence that begins with one of these goes on after "we know that" with a small letter.
_SMALL = frozenset(
    "the a an there each every it he she they his her their its this these that in on at for if one two three four "
    "five all both half some after before during when while since to from with by out now together altogether "
    "adding unfortunately initially currently yesterday today later last next most many several".split()
)
_ENDS = (".", "!", "?", ":", ";", ",")
_ABOUT = re.compile(
    r"(?:(?:so|thus|then|therefore|hence|finally|now|next|first)\b,?\s+)*"
    r"((?:the|his|her|their|its)\b[a-z' -]{3,60}?) (?:is|was|are|were|will be|would be)\b",
    re.IGNORECASE,
)
_SO = re.compile(r"\A(?:(?:so|thus|then|therefore|hence|finally|now|and|that means|this means)\b,?\s+)+", re.IGNORECASE)


class Told(NamedTuple):
    """An answer in GSM8K's form, and which of its steps restate a fact of the question."""

    answer: str
    restated: frozenset[int]


def tell(solution: Solution, answer: str, rng: Random, concluded: bool = True) -> Told:
    """The answer, which `solution` was read from, with steps joined and others added; often it is as it was.

    Args:
        concluded: whether a conclusion will follow, without which nothing stands after the answer.
    """
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
        announcing = step > 0 and step == len(lines) - 1 and rng.random() < _ANNOUNCED
        if announcing:
            told.append(announced(line, solution.question, int(rng.random() * 60)))
        if together and step and step not in restated and not announcing and rng.random() < _JOINED:
            told[-1] += (" " if told[-1].endswith(_ENDS) else ". ") + line
        else:
            told.append(line)
    if rng.random() < _AGAIN and (result := _said_again(solution)):
        told.append(_introduced(result, SAYING_AGAIN[int(rng.random() * len(SAYING_AGAIN))]))
    elif concluded and rng.random() < _ENDED:
        told.append(ENDING[int(rng.random() * len(ENDING))])
    return Told(answer if told == lines else "\n".join([*told, hashes + final]), frozenset(places))


def _opening(question: str, which: float) -> str:
    asked = sentences(question)[-1]
    if which < 0.5 and asked.endswith("?") and not any(map(str.isdigit, asked)):
        return ASKED[0].format(asked)
    return OPENINGS[int(which * 2 % 1 * len(OPENINGS))]


def announced(step: str, question: str, which: int) -> str:
    """What is said before a step: what it is about, by its own words or by the question, or nothing of either.

    >>> announced("So the total cost is 3*4 = $12.", "What does he pay?", 0)
    'We need to find the total cost.'
    >>> announced("He pays 3*4 = $12.", "What does he pay?", 0), announced("He pays 3*4 = $12.", "", 0)
    ('We need to find out: What does he pay?', 'Now we can go on to the next part.')
    """
    about = _ABOUT.match(step)
    if about and NUMBER_WORDS.keys().isdisjoint(about[1].lower().split()):
        return ANNOUNCING[which % len(ANNOUNCING)].format(about[1][0].lower() + about[1][1:])
    asked = sentences(question)[-1]
    if asked.endswith("?") and not any(map(str.isdigit, asked)):
        return ASKED[which % len(ASKED)].format(asked)
    return GOING_ON[which % len(GOING_ON)]


def _said_again(solution: Solution) -> str:
    """The last step without its equation, where that leaves a sentence whose only number is the result.

    Nothing where that may be another number too, or the sentence says an operand, which an error may have replaced.
    """
    equation, parts = solution.equations[solution.final], list(solution.steps[-1])
    others = [other for other in solution.equations if other is not equation]
    if equation.step != len(solution.steps) - 1 or any(other.step == equation.step for other in others):
        return ""
    if equation.result in solution.asked.values or any(other.result == equation.result for other in others):
        return ""
    if not _plain(equation, parts) or not leave_out(parts, equation, _says_what_follows):
        return ""
    if sum(map(bool, parts[1::2])) > 1:
        return ""
    text = _SO.sub("", "".join(parts).strip())
    if not text or "=" in text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith(_ENDS) else ".")


def _says_what_follows(word: str) -> bool:
    return word.isalpha() and word not in _NOT_BEFORE_A_RESULT


def _plain(equation: Equation, parts: list[str]) -> bool:
    """Whether the equation is written out, without brackets and without words between its numbers."""
    if not equation.places or equation.frozen or any(equation.opens):
        return False
    gaps = (read_gap(parts[place]) for place in range(equation.places[0] + 1, equation.tail + 1, 2))
    return all(gap is not None and gap.symbolic for gap in gaps)


def _introduced(sentence: str, introduction: str) -> str:
    first = sentence.partition(" ")[0].lower()
    if introduction != "{}" and first in _SMALL:
        sentence = sentence[0].lower() + sentence[1:]
    return introduction.format(sentence)
