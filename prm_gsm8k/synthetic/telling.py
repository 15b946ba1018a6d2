"""How a solution is told: how much goes into one step, what is said before the steps, between them and after them.

    Ignatius owns 4 bicycles.                                       <- a sentence of the question, as a step of its own
    His friend owns 3 * 4 = 12 bicycles. So 4 + 12 = 16 in all.     <- two steps of the reference solution in one
    First, 4 + 12 = 16.                                             <- one step of the reference solution, 4 + 12 + 5,
    All three of them own 16 + 5 = 21 bicycles.                        in two
    Now, we find the number of wheels.                              <- what the next step is about
    So, all three of them own 21 bicycles.                          <- the last result once more

Real solutions have some five steps, whatever their problem; those of GSM8K three or four. So for each solution a number
of steps is drawn as real ones have it (eth-lre/verify-then-generate), and so much of this is done that it has as many.
What is told is text, in the form of GSM8K's answers, and is read like one. Nothing in it is wrong yet; the numbers of
a fact can be misread (`facts.py`).
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts, sentences
from prm_gsm8k.synthetic.numbers import decimals, write_number
from prm_gsm8k.synthetic.parse import Equation, Solution, compute, read_gap
from prm_gsm8k.synthetic.style import leave_out

# How often a solution should have so many steps, without one that only states the answer: so often that what is made has
# as many as real solutions (`prm-gsm8k audit`), so long ones more often, for not all can be made as long as that. At most
# four steps are added to those of the reference solution, and two may become one.
STEPS = {1: 1, 2: 1, 3: 8, 4: 36, 5: 23, 6: 15, 7: 10, 8: 8, 9: 6, 10: 5}
_MOST_MORE = 4
_TOGETHER = 0.25  # how many solutions have steps that are several of the reference solution
_JOINED = 0.4  # how often a step is joined to the one before it, in those
_FRONT = 0.3  # how often all facts come first, not each before its use

# What can be said more, and how likely it is to be chosen, relative to the others.
OPENING, FACT, ABOUT, ASKED, APART, AGAIN = "opening", "fact", "about", "asked", "apart", "again"
LIKELY = {OPENING: 0.15, FACT: 0.4, ABOUT: 1.0, ASKED: 0.7, APART: 3.0, AGAIN: 1.2}
OPENINGS = (
    "Let's solve this step by step.",
    "Let's break the problem down.",
    "First, let's see what we know.",
    "We can solve this one step at a time.",
)
INTRODUCTIONS = ("{}", "{}", "{}", "We know that {}", "The problem says that {}", "From the problem, we know that {}")
ANNOUNCING = ("We need to find {}.", "Let's find {}.", "Let's calculate {}:", "Now, we find {}.")
ASKING = ("We need to find out: {}", "The question is: {}", "Now we can answer the question: {}")
FIRST = ("{}.", "First, {}.", "We first compute {}.")
SAYING_AGAIN = ("{}", "So, {}", "Therefore, {}", "Thus, {}", "This means that {}", "In conclusion, {}")

# A sentence that begins with one of these goes on after "we know that" with a small letter.
_SMALL = frozenset(
    "the a an there each every it he she they his her their its this these that in on at for if one two three four "
    "five all both half some after before during when while since to from with by out now together altogether "
    "adding".split()
)
_ENDS = (".", "!", "?", ":", ";", ",")
_ABOUT = re.compile(
    r"(?:(?:so|thus|then|therefore|hence|finally|now|next|first)\b,?\s+)*"
    r"((?:the|his|her|their|its|each)\b[a-z' -]{3,60}?) (?:is|was|are|were|will be|would be)\b",
    re.IGNORECASE,
)
_SO = re.compile(r"\A(?:(?:so|thus|then|therefore|hence|finally|now|and|that means|this means)\b,?\s+)+", re.IGNORECASE)


class Told(NamedTuple):
    """An answer in GSM8K's form, and which of its steps restate a fact of the question."""

    answer: str
    restated: frozenset[int]


class More(NamedTuple):
    """A step that can be added: its kind, the step of the reference solution that it stands before, and its text.

    Of APART the text is that of both steps which stand for the one, and AGAIN stands at the end.
    """

    kind: str
    step: int
    text: str


def tell(solution: Solution, answer: str, rng: Random) -> Told:
    """The answer, which `solution` was read from, with steps joined and steps added; often it is as it was."""
    body, hashes, final = answer.rpartition("####")
    lines = [line.strip() for line in body.split("\n") if line.strip()]
    joined: set[int] = set()  # each to the step before it
    if rng.random() < _TOGETHER:
        joined.update(step for step in range(1, len(lines)) if rng.random() < _JOINED)
    room = _drawn_number(len(lines) - len(joined), rng) - (len(lines) - len(joined))
    if room < 0:
        joined.add(1 + int(rng.random() * (len(lines) - 1)))
    chosen = _chosen(_possible(solution, lines, rng), room, joined, rng)
    front = rng.random() < _FRONT
    told = [more.text for more in chosen if more.kind == OPENING]
    places: list[int] = []
    for step, line in enumerate(lines):
        for more in chosen:
            if more.kind == FACT and (step == 0 if front else more.step == step):
                places.append(len(told))
                told.append(more.text)
        told += [more.text for more in chosen if more.kind in (ABOUT, ASKED) and more.step == step]
        pieces = next((more.text.split("\n") for more in chosen if more.kind == APART and more.step == step), [line])
        if step in joined:
            told[-1] += (" " if told[-1].endswith(_ENDS) else ". ") + pieces.pop(0)
        told += pieces
    told += [more.text for more in chosen if more.kind == AGAIN]
    return Told(answer if told == lines else "\n".join([*told, hashes + final]), frozenset(places))


def _drawn_number(there: int, rng: Random) -> int:
    """How many steps a solution of so many should have."""
    near = {steps: often for steps, often in STEPS.items() if there - 1 <= steps <= there + _MOST_MORE}
    return rng.choices(list(near), list(near.values()))[0] if near else there


def _chosen(possible: list[More], number: int, joined: set[int], rng: Random) -> list[More]:
    """So many of them, drawn by how likely they are, in their order; nothing stands before a step that is joined."""
    possible = [more for more in possible if more.kind in LIKELY]
    there = [more for more in possible if more.step not in joined or more.kind in (APART, AGAIN)]
    drawn = sorted(there, key=lambda more: -(rng.random() ** (1 / LIKELY[more.kind])))[: max(0, number)]
    return [more for more in there if more in drawn]


def _possible(solution: Solution, lines: list[str], rng: Random) -> list[More]:
    """All that can be added to a solution, in a wording of its own."""
    asked = _asked(solution.question)
    introduction, first, again = (
        forms[int(rng.random() * len(forms))] for forms in (INTRODUCTIONS, FIRST, SAYING_AGAIN)
    )
    which = int(rng.random() * 12)
    found = [More(OPENING, 0, ASKING[which % 2].format(asked) if asked and which > 8 else OPENINGS[which % 4])]
    found += [More(FACT, fact.before, _introduced(fact.text, introduction)) for fact in facts(solution)]
    for step, line in enumerate(lines):
        about = _ABOUT.match(line)
        if about and step:
            found.append(More(ABOUT, step, ANNOUNCING[which % 4].format(about[1][0].lower() + about[1][1:])))
        elif asked and step and step == len(lines) - 1:
            found.append(More(ASKED, step, ASKING[which % 3].format(asked)))
        pieces = _two_at_a_time(solution, step, line, first)
        if len(pieces) > 1:
            found.append(More(APART, step, "\n".join(pieces)))
    if result := _said_again(solution):
        found.append(More(AGAIN, len(lines), _introduced(result, again)))
    return found


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


def _asked(question: str) -> str:
    """What is asked, without numbers, else nothing."""
    asked = sentences(question)[-1]
    return asked if asked.endswith("?") and not any(map(str.isdigit, asked)) else ""


def _introduced(sentence: str, introduction: str) -> str:
    first = sentence.partition(" ")[0].lower()
    if introduction != "{}" and first in _SMALL:
        sentence = sentence[0].lower() + sentence[1:]
    return introduction.format(sentence)
