"""What an error is made from (`ErrorContext`) and what it yields (`Edit`), and how an error reason names numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.numbers import Value, format_number, plausible, whole, write_number
from prm_gsm8k.synthetic.parse import QUESTION, Equation, compute
from prm_gsm8k.synthetic.plan import Plan
from prm_gsm8k.synthetic.style import Frame


class Edit(NamedTuple):
    """One error in one step, not yet propagated.

    Attributes:
        equation: index of the first incorrect equation; -1 if only the conclusion is incorrect.
        value: what that equation states as its result, or the conclusion as the answer.
        texts: new text for parts of the equation's step, by place.
        replaced: (operand, new value) pairs; prose of the step that repeats the operand gets the new value too.
        reason: returns the error reason. A function, since most edits are rejected before it is needed.
        skipped: index of the step that is left out, or -1.
        upto: how many steps are kept before the conclusion; -1 for all.
    """

    equation: int
    value: Value
    texts: dict[int, str]
    replaced: tuple[tuple[int, Value], ...]
    reason: Callable[[], str]
    skipped: int = -1
    upto: int = -1


# A site weighs (words of its step) ** LENGTH_EXPONENT. At the same place of a solution a first error has more words
# than a correct step with probability 0.64 in real solutions, 0.61 with this and 0.50 without it (benchmarks/cues.py).
# A conclusion weighs 1: errors of the conclusion are for solutions in which no other error can be made.
LENGTH_EXPONENT = 3.0

# Where an error can be made: (index of an equation, operand or operator of it). (-1, 0) is the conclusion.
Site = tuple[int, int]


class ErrorContext:
    """A correct solution in its style, with what the error types need to know of it.

    Attributes:
        frame, solution: the solution as it is written, and its graph.
        plans: for each equation what depends on it; None where that is not certain.
        free: indices of the equations that can be made incorrect.
        facts: indices of the restated facts that can be misread.
        results: the results of all equations.
        weights: for each equation, how likely its step is drawn for an error.
        uses: for each equation, the (equation, operand) pairs that use its result.
    """

    def __init__(self, frame: Frame, plans: list[Plan | None], positions: Callable[[float], float]) -> None:
        solution = frame.solution
        equations = solution.equations
        self.frame = frame
        self.solution = solution
        last = len(frame.steps) - 1 or 1
        words = [(body.count(" ") + 1) ** LENGTH_EXPONENT for body in frame.bodies]
        self.weights = [positions(equation.step / last) * words[equation.step] for equation in equations]
        self.plans = plans
        editable = [i for i, plan in enumerate(plans) if plan is not None and not equations[i].frozen]
        self.free = [i for i in editable if not equations[i].fact]
        self.facts = [i for i in editable if equations[i].fact]
        self.results = {equation.result for equation in equations}
        self.uses: list[list[tuple[int, int]]] = [[] for _ in equations]
        for index, equation in enumerate(equations):
            for operand, source in enumerate(equation.sources):
                if source >= 0:
                    self.uses[source].append((index, operand))

    def cumulative_weights(self, sites: list[Site]) -> list[float]:
        """The running sum of the weights of sites."""
        return list(accumulate(self.weights[index] if index >= 0 else 1.0 for index, _ in sites))

    def number(self, equation: Equation, operand: int) -> str:
        """The operand as the solution writes it."""
        if equation.places:
            return self.solution.steps[equation.step][equation.places[operand]]
        return format_number(equation.operands[operand])

    def described(self, equation: Equation, operand: int) -> str:
        """The operand, and where it comes from: `24 (the result of step 1)`."""
        return self.number(equation, operand) + self.origin(equation.operands[operand], equation.sources[operand])

    def expression(self, equation: Equation, operators: list[str] | None = None) -> str:
        """The left side of an equation as text, with other operators if given."""
        numbers = [self.number(equation, i) for i in range(len(equation.operands))]
        return format_expression(numbers, operators or equation.operators, equation.opens, equation.closes)

    def origin(self, value: Value, source: int) -> str:
        """Where a value comes from, to follow it in a reason: ` (the result of step 2)`, ` ("4 boxes of 6 pens")`."""
        if source >= 0 and not self.solution.equations[source].fact:
            return f" (the result of step {self.solution.equations[source].step + 1})"
        if source >= QUESTION:
            quoted = quote(self.solution.question, value)
            return f' ("{quoted}")' if quoted else ""
        return ""


# "_" stands for digits that are part of a longer number: the 2 of 1/2, of 12, of 2.5.
_PART_OF_A_NUMBER = re.compile(r"[0-9.,/]_|_[0-9]|_[.,/:][0-9]")
_SENTENCE_END = re.compile(r"[.;?!:,]\s|\n")


def draw(sites: list[Site], cumulative_weights: list[float], rng: Random) -> Site:
    """A random site, by weight."""
    return sites[0] if len(sites) == 1 else rng.choices(sites, cum_weights=cumulative_weights)[0]


def format_expression(numbers: list[str], operators: list[str], opens: list[int], closes: list[int]) -> str:
    """An expression in plain text.

    >>> format_expression(["3", "2", "4"], ["*", "+"], [0, 1, 0], [0, 0, 1])
    '3 * (2 + 4)'
    """
    out = "(" * opens[0] + numbers[0]
    for i, operator in enumerate(operators, 1):
        out += f"{')' * closes[i - 1]} {operator} {'(' * opens[i]}{numbers[i]}"
    return out + ")" * closes[-1]


def quote(question: str, value: Value) -> str:
    """Up to four words of the question on either side of `value`; `""` if it is not written in digits.

    >>> quote("Natalia sold clips to 48 of her friends in April.", 48)
    'sold clips to 48 of her friends'
    """
    text = format_number(value)
    forms = [text, f"{value:,}"] if type(value) is int else [text]
    if type(value) is not int and value < 1:
        forms += [format_number(whole(value * 100)) + "%", text.lstrip("0"), f"{text}0"]
    for form in forms:
        at = question.find(form)
        while at >= 0:
            end = at + len(form)
            if not _PART_OF_A_NUMBER.search(f"{question[max(0, at - 1) : at]}_{question[end : end + 2]}"):
                before = _SENTENCE_END.split(question[:at])[-1].split(" ")
                after = _SENTENCE_END.split(question[end:])[0].split(" ")
                words = " ".join(before[-4:]) + form + " ".join(after[:4])
                return " ".join(words.replace('"', "'").rstrip(".?!").split())
            at = question.find(form, end)
    return ""


def substitute(
    context: ErrorContext, index: int, operand: int, new: Value, reason: Callable[[], str], wide: bool = False
) -> Edit | None:
    """The edit that replaces one operand of an equation; None if the result is not plausible."""
    equation = context.solution.equations[index]
    operands = equation.operands.copy()
    operands[operand] = new
    try:
        value = compute(operands, equation.operators, equation.opens, equation.closes)
    except ZeroDivisionError:
        return None
    if not plausible(value, equation.result, equation.cents, wide):
        return None
    texts = {}
    if context.frame.shown[index]:
        place = equation.places[operand]
        like = context.solution.steps[equation.step][place]
        try:
            texts[place] = write_number(new, like if like[-1] == "%" or "." not in like or type(new) is not int else "")
        except ValueError:
            return None
    return Edit(index, value, texts, ((operand, new),), reason)
