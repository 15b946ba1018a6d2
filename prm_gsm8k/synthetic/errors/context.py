"""What an error is made from and what it yields: a `Case` in, an `Edit` out; and how both name numbers in words."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from prm_gsm8k.synthetic.numbers import Value, format_number, plausible, whole, write_number
from prm_gsm8k.synthetic.parse import QUESTION, Equation, compute
from prm_gsm8k.synthetic.plan import Plan
from prm_gsm8k.synthetic.style import Frame


class Edit(NamedTuple):
    """One error, ready to be written.

    Attributes:
        equation: the index of the first wrong equation; -1 if only the conclusion is wrong.
        value: what the wrong equation states as its result, or the conclusion as the answer.
        texts: new text for parts of the equation's step, by place.
        replaced: (operand, its new value): numbers in the prose of the step that are this operand follow it.
        reason: makes the sentence that says why the step is wrong.
        skipped: the step that is left out, or -1.
        upto: how many computing steps are kept; -1 for all.
    """

    equation: int
    value: Value
    texts: dict[int, str]
    replaced: tuple[tuple[int, Value], ...]
    reason: Callable[[], str]
    skipped: int = -1
    upto: int = -1


# An error is as likely in a step as it has words, to this power. At the same place of a solution, a first error has
# more words than a right step with a chance of 0.64 among real ones, 0.61 with this, 0.50 without (benchmarks/cues.py).
# A wrong conclusion stays as likely as an error in a step of one word: it is for where nothing else can be made.
LONGER = 3.0

# Where an error can be made: an equation's index, or that and an operand of it. -1 stands for the conclusion.
Site = tuple[int, int]


class Case:
    """A right solution in a style, with what the errors ask of it, found once.

    `free` are the equations that can be wrong, `facts` the restated numbers that can be misread.
    """

    __slots__ = (
        "consumers", "facts", "frame", "free", "plans", "results", "sites", "solution", "weights",
    )  # fmt: skip

    def __init__(self, frame: Frame, plans: list[Plan | None], positions: Callable[[float], float]) -> None:
        solution = frame.solution
        equations = solution.equations
        self.frame = frame
        self.solution = solution
        last = len(frame.steps) - 1 or 1
        words = [(body.count(" ") + 1) ** LONGER for body in frame.bodies]
        self.weights = [positions(equation.step / last) * words[equation.step] for equation in equations]
        self.plans = plans
        certain = [i for i, plan in enumerate(plans) if plan is not None and not equations[i].frozen]
        self.free = [i for i in certain if not equations[i].fact]
        self.facts = [i for i in certain if equations[i].fact]
        self.results = {equation.result for equation in equations}
        self.sites: dict[str, tuple[list[Any], list[float]]] = {}
        self.consumers: list[list[tuple[int, int]]] | None = None

    def sites_of(self, name: str, find: Callable[[Case], list[Site]]) -> tuple[list[Site], list[float]]:
        """Where the error `name` can be made, and the running sum of the weights of those places."""
        found = self.sites.get(name)
        if found is None:
            sites = find(self)
            weights, total, sums = self.weights, 0.0, []
            for site in sites:
                total += weights[site[0]] if site[0] >= 0 else 1.0
                sums.append(total)
            found = self.sites[name] = (sites, sums)
        return found

    def users(self) -> list[list[tuple[int, int]]]:
        """For each equation, the (equation, operand) that use its result."""
        if self.consumers is None:
            self.consumers = [[] for _ in self.solution.equations]
            for index, equation in enumerate(self.solution.equations):
                for operand, source in enumerate(equation.sources):
                    if source >= 0:
                        self.consumers[source].append((index, operand))
        return self.consumers

    # How a reason names things.

    def number(self, equation: Equation, operand: int) -> str:
        """The operand as the solution writes it."""
        if equation.places:
            return self.solution.steps[equation.step][equation.places[operand]]
        return format_number(equation.operands[operand])

    def expression(
        self, equation: Equation, changed: Mapping[int, Value] | None = None, operators: list[str] | None = None
    ) -> str:
        """The left side, with some operands or its operators replaced."""
        numbers = [
            format_number(changed[i]) if changed and i in changed else self.number(equation, i)
            for i in range(len(equation.operands))
        ]
        return spell(numbers, operators or equation.operators, equation.opens, equation.closes)

    def origin(self, value: Value, source: int) -> str:
        """Where a value comes from, in words that follow it."""
        if source >= 0 and not self.solution.equations[source].fact:
            return f" (the result of step {self.solution.equations[source].step + 1})"
        if source >= QUESTION:
            quoted = quote(self.solution.question, value)
            return f' ("{quoted}")' if quoted else ""
        return ""


# What stands around a "_" that is no number of its own: the 2 of 1/2, of 12, of 2.5.
_PART_OF_A_NUMBER = re.compile(r"[0-9.,/]_|_[0-9]|_[.,/:][0-9]")
_SENTENCE_END = re.compile(r"[.;?!:,]\s|\n")


def draw(sites: tuple[list[Site], list[float]], rng: Random) -> Site:
    """One place, by its weight."""
    places, sums = sites
    if len(places) == 1:
        return places[0]
    return places[min(bisect(sums, rng.random() * sums[-1]), len(places) - 1)]


def spell(numbers: list[str], operators: list[str], opens: list[int], closes: list[int]) -> str:
    """An expression in plain text.

    >>> spell(["3", "2", "4"], ["*", "+"], [0, 1, 0], [0, 0, 1])
    '3 * (2 + 4)'
    """
    out = "(" * opens[0] + numbers[0]
    for i, operator in enumerate(operators, 1):
        out += f"{')' * closes[i - 1]} {operator} {'(' * opens[i]}{numbers[i]}"
    return out + ")" * closes[-1]


def quote(question: str, value: Value) -> str:
    """The words of the question around the number `value`; `""` where it is not written in digits.

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
    case: Case, index: int, operand: int, new: Value, reason: Callable[[], str], wide: bool = False
) -> Edit | None:
    """The equation with one operand replaced, if its result is one that a reader would believe."""
    equation = case.solution.equations[index]
    operands = equation.operands.copy()
    operands[operand] = new
    try:
        value = compute(operands, equation.operators, equation.opens, equation.closes)
    except ZeroDivisionError:
        return None
    if not plausible(value, equation.result, equation.cents, wide):
        return None
    texts = {}
    if case.frame.shown[index]:
        place = equation.places[operand]
        like = case.solution.steps[equation.step][place]
        try:
            texts[place] = write_number(new, like if like[-1] == "%" or "." not in like or type(new) is not int else "")
        except ValueError:
            return None
    return Edit(index, value, texts, ((operand, new),), reason)
