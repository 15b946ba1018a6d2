"""Error types as relations between a correct and an incorrect expression, independent of how errors are made.

`48 / 2 -> 84 / 2` is `number_flipped` if the question states 48, and neither it nor an earlier step has 84.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from prm_gsm8k.arithmetic.equations import Number, Shape, Tree, divide, shape_of

NUMBER_FLIPPED = "number_flipped"
OPERATION_CHANGED = "operation_changed"
CALCULATION_SLIP = "calculation_slip"
WRONG_FINAL_ANSWER = "wrong_final_answer"
WRONG_PROBLEM_NUMBER = "wrong_problem_number"
WRONG_EARLIER_RESULT = "wrong_earlier_result"
RELATION_REVERSED = "relation_reversed"
STEP_SKIPPED = "step_skipped"
TERM_LEFT_OUT = "term_left_out"
COUNTED_TWICE = "counted_twice"
PERCENTAGE_CONFUSED = "percentage_confused"
UNIT_CONFUSED = "unit_confused"
GROUPING_LOST = "grouping_lost"
STOPPED_EARLY = "stopped_early"
WRONG_QUESTION = "wrong_question"

# What a solver may know without being told: how many of one unit make another, in calendars, measures and money.
CONSTANTS: frozenset[Number] = frozenset(
    int(number)
    for number in (
        "2 3 4 5 6 7 8 10 12 16 20 24 25 28 29 30 31 32 36 40 48 50 52 60 64 90 100 120 128 144 168 180 200 250 300 "
        "350 360 365 366 500 600 720 1000 1440 1760 2000 3600 5280 10000 86400 100000 1000000"
    ).split()
) | frozenset(Fraction(1, parts) for parts in (2, 4, 10, 20, 100, 1000))

INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}


class Expression(NamedTuple):
    """An expression with its numbers: 20% is 1/5 in `values` and 20 in `raws`."""

    values: tuple[Number, ...]
    raws: tuple[Number, ...]
    shape: Shape

    @property
    def operators(self) -> str:
        return self.shape.operators


@dataclass(slots=True)
class Given:
    """What is known before a step.

    Attributes:
        stated: numbers of the question.
        percents: its percentages, as written.
        earlier: results of earlier steps.
        skipped_result, skipped_inputs: what a skipped step computes, and from what.
    """

    stated: Collection[Number]
    percents: Collection[Number]
    earlier: Collection[Number]
    skipped_result: Collection[Number] = ()
    skipped_inputs: Collection[Number] = ()


def one_difference(correct: Expression, incorrect: Expression) -> tuple[int, Number, Number] | None:
    """(position, correct number, incorrect number) if exactly one operand differs and nothing else does."""
    if correct.shape is not incorrect.shape:
        return None
    found = None
    for i, (a, b) in enumerate(zip(correct.values, incorrect.values, strict=False)):
        if a != b:
            if found is not None:
                return None
            found = (i, a, b)
    return found


def _one_operator(correct: Expression, incorrect: Expression) -> int | None:
    """The position of the only operator that differs, if nothing else does but parentheses."""
    if correct.values != incorrect.values:
        return None
    found = None
    for i, (a, b) in enumerate(zip(correct.operators, incorrect.operators, strict=False)):
        if a != b:
            if found is not None:
                return None
            found = i
    return found


def _number_flipped(correct: Expression, incorrect: Expression, given: Given) -> bool:
    if (change := one_difference(correct, incorrect)) is None:
        return False
    i, a, b = change
    known = a in given.stated or correct.raws[i] in given.stated
    return known and b not in given.stated and b not in given.earlier and incorrect.raws[i] not in given.stated


def _operation_changed(correct: Expression, incorrect: Expression, given: Given) -> bool:
    return _one_operator(correct, incorrect) is not None


def _calculation_slip(correct: Expression, incorrect: Expression, given: Given) -> bool:
    return correct.shape is incorrect.shape and correct.values == incorrect.values


def _wrong_problem_number(correct: Expression, incorrect: Expression, given: Given) -> bool:
    change = one_difference(correct, incorrect)
    return change is not None and (change[2] in given.stated or incorrect.raws[change[0]] in given.stated)


def _wrong_earlier_result(correct: Expression, incorrect: Expression, given: Given) -> bool:
    change = one_difference(correct, incorrect)
    return change is not None and change[2] in given.earlier


def _relation_reversed(correct: Expression, incorrect: Expression, given: Given) -> bool:
    i = _one_operator(correct, incorrect)
    if i is not None:
        return incorrect.operators[i] == INVERSE[correct.operators[i]]
    if sorted(map(hash, correct.values)) != sorted(map(hash, incorrect.values)):
        return False
    target = _filled(incorrect.shape.tree, incorrect.values)
    return any(swapped == target for swapped in _swaps(_filled(correct.shape.tree, correct.values)))


Filled = Number | tuple[str, "Filled", "Filled"]


def _filled(tree: Tree, values: tuple[Number, ...]) -> Filled:
    if isinstance(tree, int):
        return values[tree]
    return (tree[0], _filled(tree[1], values), _filled(tree[2], values))


def _swaps(tree: Filled) -> Iterator[Filled]:
    """The tree with the operands of one minus or one division swapped."""
    if not isinstance(tree, tuple):
        return
    operator, left, right = tree
    if operator in "-/":
        yield (operator, right, left)
    for swapped in _swaps(left):
        yield (operator, swapped, right)
    for swapped in _swaps(right):
        yield (operator, left, swapped)


def _step_skipped(correct: Expression, incorrect: Expression, given: Given) -> bool:
    change = one_difference(correct, incorrect)
    return change is not None and change[1] in given.skipped_result and change[2] in given.skipped_inputs


def _runs(longer: Expression, shorter: Expression) -> Iterator[tuple[int, int]]:
    """(start, size) of runs of operands that can be cut from `longer`, with as many operators, to leave `shorter`."""
    a, b = longer.values, shorter.values
    size = len(a) - len(b)
    if size <= 0 or len(b) < 2:
        return
    for start in range(len(b) + 1):
        if a[:start] == b[:start] and a[start + size :] == b[start:]:
            # The operators before the run go with it or, at the front, those after it. In the middle of a difference
            # it may be either: 9 - (3 - 2) without 3 is 9 - 2.
            for first in {max(0, start - 1), start}:
                if longer.operators[:first] + longer.operators[first + size :] == shorter.operators:
                    yield start, size
                    break


def _term_left_out(correct: Expression, incorrect: Expression, given: Given) -> bool:
    return any(True for _ in _runs(correct, incorrect))


def _counted_twice(correct: Expression, incorrect: Expression, given: Given) -> bool:
    values = correct.values
    for start, size in _runs(incorrect, correct):
        again = incorrect.values[start : start + size]
        if any(values[i : i + size] == again for i in range(len(values) - size + 1)):
            return True
    return False


def _percent_forms(expression: Expression, percents: Collection[Number]) -> Iterator[tuple[int, Number]]:
    """(position, p) of every operand that is a percentage: p%, p/100, or a decimal for it or its complement."""
    for i, (value, raw) in enumerate(zip(expression.values, expression.raws, strict=False)):
        if value != raw:
            yield i, raw
        elif value * 100 in percents or (1 - value) * 100 in percents or (value - 1) * 100 in percents:
            yield i, value * 100
        elif (
            (expression.operators[i : i + 1] == "/" and expression.values[i + 1] == 100)
            or value in percents
            or 100 - value in percents
            or value - 100 in percents
        ):
            yield i, value


def _percentage_confused(correct: Expression, incorrect: Expression, given: Given) -> bool:
    forms = dict(_percent_forms(correct, given.percents))
    if not forms:
        return False
    variants: set[Number] = {1, 100}
    for p in forms.values():
        share = divide(p, 100)
        variants |= {p, share, 100 - p, 1 - share, 100 + p, 1 + share, p - 100, share - 1, 200 - p, 2 - share}
    if (change := one_difference(correct, incorrect)) is not None:
        i, a, b = change
        if b in variants and (i in forms or a in variants):
            return True
        return i not in forms and a != 100 and (b in given.stated or b in given.earlier)  # another base
    # The percentage taken as an amount, or its complement: the other operands stay the same.
    allowed = variants | set(correct.values)
    return correct.values != incorrect.values and all(value in allowed for value in incorrect.values)


def _unit_confused(correct: Expression, incorrect: Expression, given: Given) -> bool:
    def is_conversion(value: Number) -> bool:
        if value in given.stated or value in given.earlier:
            return False
        return value in CONSTANTS or (value != 0 and divide(1, value) in CONSTANTS)

    if (change := one_difference(correct, incorrect)) is not None:
        a, b = change[1], change[2]
        return is_conversion(a) and (b in CONSTANTS or (b != 0 and divide(1, b) in CONSTANTS))
    i = _one_operator(correct, incorrect)
    if i is not None and correct.operators[i] in "*/":
        return incorrect.operators[i] == INVERSE[correct.operators[i]] and any(
            map(is_conversion, correct.values[i : i + 2])
        )
    swapped = correct.shape is incorrect.shape and correct.operators == "/" and correct.values == incorrect.values[::-1]
    return swapped and any(map(is_conversion, correct.values))


def _grouping_lost(correct: Expression, incorrect: Expression, given: Given) -> bool:
    same = correct.values == incorrect.values and correct.operators == incorrect.operators
    return same and correct.shape.tree != correct.shape.flat_tree and correct.shape.tree != incorrect.shape.tree


RELATIONS: dict[str, Callable[[Expression, Expression, Given], bool]] = {
    NUMBER_FLIPPED: _number_flipped,
    OPERATION_CHANGED: _operation_changed,
    CALCULATION_SLIP: _calculation_slip,
    WRONG_PROBLEM_NUMBER: _wrong_problem_number,
    WRONG_EARLIER_RESULT: _wrong_earlier_result,
    RELATION_REVERSED: _relation_reversed,
    STEP_SKIPPED: _step_skipped,
    TERM_LEFT_OUT: _term_left_out,
    COUNTED_TWICE: _counted_twice,
    PERCENTAGE_CONFUSED: _percentage_confused,
    UNIT_CONFUSED: _unit_confused,
    GROUPING_LOST: _grouping_lost,
}
CONCLUSION_ERRORS = frozenset({WRONG_FINAL_ANSWER, STOPPED_EARLY, WRONG_QUESTION})
ERROR_TYPES = frozenset(RELATIONS) | CONCLUSION_ERRORS
# Errors that replace one number by another: the reason has to name at least one of the two.
SUBSTITUTIONS = frozenset({NUMBER_FLIPPED, WRONG_PROBLEM_NUMBER, WRONG_EARLIER_RESULT, STEP_SKIPPED})


def is_of_type(error_type: str, correct: Expression, incorrect: Expression, given: Given) -> bool:
    """Whether `incorrect` is `correct` after an error of that type; fractions like 3/4 may count as one operand."""
    relation = RELATIONS[error_type]
    if relation(correct, incorrect, given):
        return True
    if "/" not in correct.operators and "/" not in incorrect.operators:
        return False
    folded_correct, folded_incorrect = fold(correct), fold(incorrect)
    if folded_correct is correct and folded_incorrect is incorrect:
        return False
    return relation(folded_correct, folded_incorrect, given)


def fold(expression: Expression) -> Expression:
    """The expression with every fraction a/b of whole numbers a < b as one operand: `3/4 * 400` has two."""
    values, raws, operators = list(expression.values), list(expression.raws), list(expression.operators)
    tree, i = expression.shape.tree, 0
    nodes = set(_leaf_divisions(tree))
    shift = 0
    while i < len(operators):
        a, b = values[i], values[i + 1]
        if operators[i] == "/" and i + shift in nodes and type(a) is int and type(b) is int and 0 < a < b:
            values[i : i + 2] = [divide(a, b)]
            raws[i : i + 2] = [divide(a, b)]
            del operators[i]
            shift += 1
        else:
            i += 1
    if not shift or not operators:
        return expression
    flat = shape_of("".join(operators))
    return Expression(tuple(values), tuple(raws), flat)


def _leaf_divisions(tree: Tree) -> Iterator[int]:
    """Positions of numerators whose division is between two plain operands."""
    if isinstance(tree, int):
        return
    operator, left, right = tree
    if operator == "/" and isinstance(left, int) and isinstance(right, int):
        yield left
    yield from _leaf_divisions(left)
    yield from _leaf_divisions(right)
