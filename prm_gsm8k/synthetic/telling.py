"""How a solution is told: how much goes into one step, what is said before the steps, between them and after them.

    Ignatius owns 4 bicycles.                                       <- a sentence of the question, as a step of its own
    His friend owns 3 * 4 = 12 bicycles. So 4 + 12 = 16 in all.     <- two steps of the reference solution in one
    First, 4 + 12 = 16.                                             <- one step of the reference solution, 4 + 12 + 5,
    All three of them own 16 + 5 = 21 bicycles.                        in two
    So, all three of them own 21 bicycles.                          <- its result once more

What is told is text, in the form of GSM8K's answers, and is read like one. Nothing in it is wrong yet; the numbers of
a fact can be misread (`facts.py`). How often each is done follows real solutions (eth-lre/verify-then-generate): of the
right steps in them three in ten have no equation, steps differ more in length than those of GSM8K, and there are more.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts, sentences
from prm_gsm8k.synthetic.numbers import decimals, write_number
from prm_gsm8k.synthetic.parse import Equation, Solution, compute, read_gap
from prm_gsm8k.synthetic.style import leave_out

_TOGETHER = 0.3  # how many solutions have steps that are several of the reference solution
_JOINED = 0.25  # how often a step is joined to the one before it, in those
_RESTATING = 0.85  # how many solutions restate facts
_RESTATED = 0.8  # how often a fact is restated, in those of a few steps
_SHORT = 2.5  # so many; in a solution of more steps it is less often, as all real solutions have some four steps
_APART = 0.4  # how many solutions do long equations two numbers at a time
_SAID_AGAIN = 0.6  # how many say their result once more
_FRONT = 0.3  # how often all of them come first, not each before its use
_OPENING = 0.3  # how often a solution begins with words that say nothing
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
_ASKED = "We need to find out: {}"
FIRST = ("{}.", "First, {}.", "We first compute {}.")
AGAIN = ("{}", "So, {}", "Therefore, {}", "Thus, {}", "This means that {}", "In conclusion, {}")
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")

# A sentence that begins with one of these goes on after "we know that" with a small letter.
_SMALL = frozenset(
    "the a an there each every it he she they his her their its this these that in on at for if one two three four "
    "five all both half some after before during when while since to from with by out now together altogether "
    "adding".split()
)
_ENDS = (".", "!", "?", ":", ";", ",")
_SO = re.compile(r"\A(?:(?:so|thus|then|therefore|hence|finally|now|and|that means|this means)\b,?\s+)+", re.IGNORECASE)


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
        often = _RESTATED * min(1.0, _SHORT / len(lines))
        for fact in facts(solution):
            if rng.random() < often:
                restated.setdefault(0 if front else fact.before, []).append(_introduced(fact.text, introduction))
    pieces = [[line] for line in lines]
    if rng.random() < _APART:
        first = FIRST[int(rng.random() * len(FIRST))]
        pieces = [_two_at_a_time(solution, step, line, first) for step, line in enumerate(lines)]
    told = [_opening(solution.question, rng.random())] if rng.random() < _OPENING else []
    places: list[int] = []
    for step, piece in enumerate(pieces):
        said = restated.get(step, ())
        places += range(len(told), len(told) + len(said))
        told += said
        if together and step and step not in restated and rng.random() < _JOINED:
            told[-1] += (" " if told[-1].endswith(_ENDS) else ". ") + piece[0]
            piece = piece[1:]
        told += piece
    if rng.random() < _SAID_AGAIN and (result := _said_again(solution)):
        told.append(_introduced(result, AGAIN[int(rng.random() * len(AGAIN))]))
    return Told(answer if told == lines else "\n".join([*told, hashes + final]), frozenset(places))


def _two_at_a_time(solution: Solution, step: int, line: str, first: str) -> list[str]:
    """The step, with a part of its equation computed before it, if it has one that can be.

    "They own 3*4 + 5 = 17 bicycles." -> "First, 3*4 = 12.", "They own 12 + 5 = 17 bicycles."
    """
    here = [equation for equation in solution.equations if equation.step == step]
    if len(here) != 1 or not _plain(here[0], parts := list(solution.steps[step])) or len(here[0].operands) < 3:
        return [line]
    equation = here[0]
    if 100 in equation.operands and "/" in equation.operators:  # a percentage
        return [line]
    begin, end = _computed_first(equation.operators)
    operands, operators = equation.operands[begin : end + 1], equation.operators[begin:end]
    zeros = [0] * len(operands)
    value = compute(operands, operators, zeros, zeros)
    places = equation.places[begin : end + 1]
    most = max(decimals(operand, 2) or 0 for operand in operands)
    if value <= 0 or (exact := decimals(value, 2)) is None or exact > most or any("%" in parts[p] for p in places):
        return [line]
    money = "$" if parts[places[0] - 1].endswith("$") else ""
    written = write_number(value, like=parts[places[0]])
    before = f"{money}{''.join(parts[places[0] : places[-1] + 1])} = {money}{written}"
    parts[places[0] : places[-1] + 1] = [written]
    return [first.format(before), "".join(parts)]


def _computed_first(operators: list[str]) -> tuple[int, int]:
    """The first and last operand of what is computed first: products before sums, else the first two.

    >>> _computed_first(["+", "*", "*"]), _computed_first(["-", "-"])
    ((1, 3), (0, 1))
    """
    strong = [operator in "*/" for operator in operators]
    if all(strong) or not any(strong):
        return 0, 1
    begin = strong.index(True)
    return begin, strong.index(False, begin) if False in strong[begin:] else len(operators)


def _plain(equation: Equation, parts: list[str]) -> bool:
    """Whether the equation is written out, without brackets and without words between its numbers."""
    if not equation.places or equation.frozen or any(equation.opens):
        return False
    gaps = (read_gap(parts[place]) for place in range(equation.places[0] + 1, equation.tail + 1, 2))
    return all(gap is not None and gap.symbolic for gap in gaps)


def _said_again(solution: Solution) -> str:
    """The last step without its equation, where that leaves a sentence and its result can be no other number."""
    equation, parts = solution.equations[solution.final], list(solution.steps[-1])
    others = [other for other in solution.equations if other is not equation]
    if equation.step != len(solution.steps) - 1 or any(other.step == equation.step for other in others):
        return ""
    if equation.result in solution.asked.values or any(other.result == equation.result for other in others):
        return ""
    if not _plain(equation, parts) or not leave_out(parts, equation):
        return ""
    text = _SO.sub("", "".join(parts).strip())
    if not text or "=" in text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith(_ENDS) else ".")


def _opening(question: str, which: float) -> str:
    asked = sentences(question)[-1]
    if which < 0.5 and asked.endswith("?") and not any(map(str.isdigit, asked)):
        return _ASKED.format(asked)
    return OPENINGS[int(which * 2 % 1 * len(OPENINGS))]


def _introduced(sentence: str, introduction: str) -> str:
    first = sentence.partition(" ")[0].lower()
    if introduction != "{}" and first in _SMALL:
        sentence = sentence[0].lower() + sentence[1:]
    return introduction.format(sentence)
