"""Incorrect relations: the numbers are correct, but combined in another way than the problem says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site, format_expression
from prm_gsm8k.synthetic.numbers import Value, plausible, whole
from prm_gsm8k.synthetic.parse import compute, read_gap
from prm_gsm8k.synthetic.style import glyph_for

# Words that name an operation: a step that says one is not given another operation.
_NAMED = {
    "+": frozenset("plus add adds adding added addition sum".split()),
    "-": frozenset("minus subtract subtracting subtracted subtraction difference deduct deducting".split()),
    "*": frozenset("times multiply multiplying multiplied product twice double doubled doubles triple tripled".split()),
    "/": frozenset("divide dividing divided split half halves halved third quarter fourth fifth".split()),
}
ALL_NAMED = frozenset().union(*_NAMED.values())
_EXPLICIT = ALL_NAMED - {"twice", "half"}
INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}
_MORE_OR_LESS = frozenset(
    "more older longer taller heavier farther further greater higher later faster extra less fewer younger shorter "
    "lighter lower cheaper earlier slower".split()
)
_SO_MANY_TIMES = frozenset("twice half double doubled triple tripled thrice times third quarter fourth fifth".split())
_COMPARES = {"+": _MORE_OR_LESS, "-": _MORE_OR_LESS, "*": _SO_MANY_TIMES, "/": _SO_MANY_TIMES}
_SWAPPED = {"twice": "half", "half": "twice", "more": "fewer", "fewer": "more", "less": "more"}
_RELATION = re.compile(r"\b(?:twice|half|more|fewer|less)\b")


def with_operators(
    context: ErrorContext, index: int, operators: list[str], at: int, verb: str, words: Mapping[str, str] | None = None
) -> Edit | None:
    """The edit that replaces the operators of an equation, of which the one at `at` changes.

    Args:
        verb: what the error reason begins with: `{verb} 48 * 2 where 48 / 2 belongs`.
        words: relation words of the step's prose, and what they are replaced by.
    """
    equation = context.solution.equations[index]
    try:
        value = compute(equation.operands, operators, equation.opens, equation.closes)
    except ZeroDivisionError:
        return None
    if not plausible(value, equation.result, equation.cents):
        return None
    texts: dict[int, str] = {}
    parts = context.frame.parts[equation.step]
    if context.frame.shown[index]:
        place = equation.places[at] + 1
        texts[place] = _regap(context, parts[place], context.solution.steps[equation.step][place], operators[at])
    if words and not context.solution.words_of(equation.step).isdisjoint(words):
        for place in range(0, len(parts), 2):
            if place not in texts and parts[place]:
                new = _RELATION.sub(lambda match: words[match[0]], parts[place])
                if new != parts[place]:
                    texts[place] = new

    def reason() -> str:
        return f"{verb} {context.expression(equation, operators)} where {context.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)


def _regap(context: ErrorContext, written: str, original: str, operator: str) -> str:
    """The text between two operands as `written` in the style, with another operator."""
    gap = read_gap(original)
    assert gap is not None
    style = context.frame.style
    old = gap.glyph
    if old not in written:
        old = next(glyph for glyph in (style.times, style.divide) if glyph and glyph in written)
    head, _, tail = written.rpartition(old)
    glyph = glyph_for(operator, style, context.frame.written)
    if glyph in ("x", "\\times", "\\div"):
        head, tail = head.rstrip() + " ", " " + tail.lstrip()
    return head + glyph + tail


_BY_FREQUENCY = "****+++--/"  # roughly the shares of the operations in GSM8K; the new operation is drawn from it


def _typical(operator: str, left: Value, right: Value) -> bool:
    """Whether an operation has such operands: sums and differences have similar ones, few products two large ones."""
    small, large = (left, right) if left < right else (right, left)
    return large <= 8 * small if operator in "+-" else small <= 30


def operation_changed_sites(context: ErrorContext) -> list[Site]:
    sites = []
    for index in context.free:
        equation = context.solution.equations[index]
        words = context.solution.words_of(equation.step)
        for at, operator in enumerate(equation.operators):
            if words.isdisjoint(_NAMED[operator]):
                sites.append((index, at))
    return sites


def operation_changed(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """Another operation than the one that the problem asks for.

    "Natalia sold 48*24 = 1152 clips altogether." (48+24 belongs there)
    """
    index, at = site
    equation = context.solution.equations[index]
    old = equation.operators[at]
    choices = [operator for operator in _BY_FREQUENCY if operator != old]
    if not context.solution.question_words.isdisjoint(_COMPARES[old]) and len(equation.operands) == 2:
        choices = [operator for operator in choices if operator != INVERSE[old]]  # that would be relation_reversed
    while choices:
        operators = equation.operators.copy()
        operators[at] = new = choices[int(rng.random() * len(choices))]
        choices = [operator for operator in choices if operator != new]
        if not _typical(new, equation.operands[at], equation.operands[at + 1]):
            continue
        edit = with_operators(context, index, operators, at, "computes")
        if edit is not None:
            return edit
    return None


def relation_reversed_sites(context: ErrorContext) -> list[Site]:
    asked = context.solution.question_words
    sites = []
    for index in context.free:
        equation = context.solution.equations[index]
        if len(equation.operands) == 2 and not asked.isdisjoint(_COMPARES[equation.operators[0]]):
            if context.solution.words_of(equation.step).isdisjoint(_EXPLICIT):
                sites.append((index, 0))
    return sites


def relation_reversed(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """A comparison reversed: twice for half, more for fewer, a/b for b/a.

    "His father is 40/2 = 20." (the problem says twice as old: 40*2 belongs there)
    """
    index, _ = site
    equation = context.solution.equations[index]
    old = equation.operators[0]
    if old == "/" and rng.random() < 0.25 and "half" not in context.solution.words_of(equation.step):
        edit = _swapped(context, index)
        if edit is not None:
            return edit
    verb = "takes the relation the wrong way round:"
    return with_operators(context, index, [INVERSE[old]], 0, verb, _SWAPPED)


def _swapped(context: ErrorContext, index: int) -> Edit | None:
    """b/a where a/b belongs."""
    equation = context.solution.equations[index]
    left, right = equation.operands
    value = whole(Fraction(right) / left)
    if not plausible(value, equation.result, equation.cents, wide=True):
        return None
    numbers = [context.number(equation, 1), context.number(equation, 0)]
    texts = {}
    if context.frame.shown[index]:
        first, second = equation.places
        gap = context.solution.steps[equation.step][first + 1]
        if any(map(str.isalpha, gap)) or "$" in gap:
            return None  # the units would stay behind: "5 apples / 3 friends"
        texts = {first: numbers[0], second: numbers[1]}
    return Edit(
        index,
        value,
        texts,
        ((0, right), (1, left)),
        lambda: (
            "divides the wrong way round: "
            f"{format_expression(numbers, ['/'], [0, 0], [0, 0])} where {context.expression(equation)} belongs"
        ),
    )


def grouping_lost_sites(context: ErrorContext) -> list[Site]:
    return [(index, 0) for index in context.free if any(context.solution.equations[index].opens)]


def grouping_lost(context: ErrorContext, site: Site, rng: Random) -> Edit | None:
    """Brackets are left out, so that only one term is multiplied.

    "The two together cost 3*2+4 = $10." (3*(2+4) belongs there)
    """
    index, _ = site
    equation = context.solution.equations[index]
    zeros = [0] * len(equation.operands)
    try:
        value = compute(equation.operands, equation.operators, zeros, zeros)
    except ZeroDivisionError:
        return None
    if not plausible(value, equation.result, equation.cents):
        return None
    texts = {}
    if context.frame.shown[index]:
        parts = context.frame.parts[equation.step]
        first = equation.places[0]
        for place in range(first + 1, equation.result_place, 2):
            if "(" in parts[place] or ")" in parts[place]:
                texts[place] = re.sub(r"(?<!\\)[()]", "", parts[place])
        before = parts[first - 1]
        for _ in range(equation.opens[0]):
            cut = before.rfind("(")
            if cut < 0 or before[cut - 1 : cut] == "\\":
                return None
            before = texts[first - 1] = before[:cut] + before[cut + 1 :]

    def reason() -> str:
        numbers = [context.number(equation, i) for i in range(len(zeros))]
        incorrect = format_expression(numbers, equation.operators, zeros, zeros)
        return f"loses the brackets: {incorrect} where {context.expression(equation)} belongs"

    return Edit(index, value, texts, (), reason)
