"""Error types for steps that state a result without its expression: `Natalia sold 24 clips in May.`

Such a step is explained by search: which operations on known numbers give 24, and does one of them give what the
incorrect step states, after the claimed error or with the new values of an earlier error?
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from prm_gsm8k.arithmetic.equations import Number, Tree, apply, divide, evaluate
from prm_gsm8k.synthetic.checker.relations import (
    CALCULATION_SLIP,
    CONSTANTS,
    COUNTED_TWICE,
    GROUPING_LOST,
    INVERSE,
    NUMBER_FLIPPED,
    OPERATION_CHANGED,
    PERCENTAGE_CONFUSED,
    RELATION_REVERSED,
    STEP_SKIPPED,
    TERM_LEFT_OUT,
    UNIT_CONFUSED,
    WRONG_EARLIER_RESULT,
    WRONG_PROBLEM_NUMBER,
    Given,
)

# (operands, operators in order, tree of positions): an expression that comes to a number
Explanation = tuple[tuple[Number, ...], str, Tree]

_OPERATORS = "+-*/"


def explanations(target: Number, known: Collection[Number], deep: bool = True) -> list[Explanation]:
    """Expressions of two known numbers that come to `target` or, if there are none and `deep`, of three."""
    found: list[Explanation] = [((a, b), operator, _binary(operator)) for a, operator, b in _pairs(target, known)]
    if found or not deep:
        return found
    numbers = list(known)[:24]  # beyond that the search costs more than the row is worth
    known = set(known)
    for i, a in enumerate(numbers):
        for b in numbers[i:]:
            for operator in _OPERATORS:
                for x, y in ((a, b), (b, a)) if operator in "-/" else ((a, b),):
                    if operator == "/" and not y:
                        continue
                    inner = apply(operator, x, y)
                    for left, outer, right in _pairs_with(inner, target):
                        other = right if left is inner else left
                        if other in known:
                            if left is inner:
                                found.append(((x, y, other), operator + outer, (outer, (operator, 0, 1), 2)))
                            else:
                                found.append(((other, x, y), outer + operator, (outer, 0, (operator, 1, 2))))
    return found


def _binary(operator: str) -> Tree:
    return (operator, 0, 1)


def _pairs(target: Number, known: Collection[Number]) -> Iterator[tuple[Number, str, Number]]:
    """(a, operator, b) equal to `target` with both known, sums and products in one order."""
    for a in known:
        b = target - a
        if b in known and a <= b:
            yield a, "+", b
        if (b := a - target) in known:
            yield a, "-", b
        if a:
            b = divide(target, a)
            if b in known and a <= b:
                yield a, "*", b
            if target and (b := divide(a, target)) in known and b:
                yield a, "/", b


def _pairs_with(inner: Number, target: Number) -> Iterator[tuple[Number, str, Number]]:
    """(a, operator, b) equal to `target` with `inner` as one of the two."""
    yield inner, "+", target - inner
    yield inner, "-", inner - target
    yield target + inner, "-", inner
    if inner:
        yield inner, "*", divide(target, inner)
        if target:
            yield inner, "/", divide(inner, target)
            yield target * inner, "/", inner


def result_only_relation(
    error_type: str, target: Number, incorrect: Number, ways: list[Explanation], given: Given, named: Collection[Number]
) -> bool:
    """Whether some expression for the correct result comes to the incorrect one after an error of this type.

    Args:
        target, incorrect: the correct and the incorrect result.
        ways: expressions for `target`.
        given: what is known before the step.
        named: the numbers of the reason, among which a misread number must be, since the text does not show it.
    """
    if error_type == CALCULATION_SLIP:
        return True
    for values, operators, tree in ways:
        for numbers, changed in _errors(error_type, values, operators, tree, given, named):
            try:
                if evaluate(changed, numbers) == incorrect:
                    return True
            except ZeroDivisionError:
                continue
    return False


def misread_relation(error_type: str, old: Number, new: Number, given: Given, named: Collection[Number]) -> bool:
    """Whether a restated fact that has `new` for `old` is an error of this type."""
    return old in given.stated and new in _substitutes(error_type, old, given, named)


def shown_relation(
    error_type: str, old: Number, new: Number, incorrect: Number, ways: list[Explanation], given: Given
) -> bool:
    """Whether an error of this type replaces the operand `old` by `new`, both shown, and so comes to `incorrect`."""
    if new not in _substitutes(error_type, old, given, (new,)):
        return False
    for values, _, tree in ways:
        for i, value in enumerate(values):
            if value == old and new and evaluate(tree, (*values[:i], new, *values[i + 1 :])) == incorrect:
                return True
    return False


def _errors(
    error_type: str, values: tuple[Number, ...], operators: str, tree: Tree, given: Given, named: Collection[Number]
) -> Iterator[tuple[tuple[Number, ...], Tree]]:
    if error_type in (OPERATION_CHANGED, RELATION_REVERSED, UNIT_CONFUSED):
        for changed in _reoperated(tree, only_inverse=error_type != OPERATION_CHANGED):
            yield values, changed
    if error_type == GROUPING_LOST and len(values) == 3:
        first, second = operators[0], operators[1]
        yield values, (second, (first, 0, 1), 2)
        yield values, (first, 0, (second, 1, 2))
    if error_type == TERM_LEFT_OUT and len(values) == 3:
        for keep, operator in (
            ((0, 1), operators[0]),
            ((1, 2), operators[1]),
            ((0, 2), operators[0]),
            ((0, 2), operators[1]),
        ):
            yield tuple(values[i] for i in keep), _binary(operator)
    if error_type == COUNTED_TWICE:
        for value in values:
            for operator in set(operators) | {"+", "-"}:
                yield (*values, value), (operator, tree, len(values))
    if error_type == PERCENTAGE_CONFUSED:
        percents = given.percents
        if not any(form in percents for v in values for form in (v, v * 100, 100 - v, 100 - v * 100)):
            return
    for i, value in enumerate(values):
        for other in _substitutes(error_type, value, given, named):
            if other != value:
                yield (*values[:i], other, *values[i + 1 :]), tree
                if error_type == PERCENTAGE_CONFUSED:
                    for operator in _OPERATORS:
                        yield (*values[:i], other, *values[i + 1 :])[:2], _binary(operator)


def _substitutes(error_type: str, value: Number, given: Given, named: Collection[Number]) -> Collection[Number]:
    if error_type == NUMBER_FLIPPED and value in given.stated:
        return [x for x in named if x not in given.stated and x not in given.earlier]
    if error_type == WRONG_PROBLEM_NUMBER:
        return given.stated
    if error_type == WRONG_EARLIER_RESULT:
        return given.earlier
    if error_type == STEP_SKIPPED and value in given.skipped_result:
        return given.skipped_inputs
    if error_type == UNIT_CONFUSED and value not in given.stated and value not in given.earlier:
        return CONSTANTS
    if error_type == PERCENTAGE_CONFUSED:
        if value * 100 in given.percents:
            return {1 - value, value * 100, 1 + value}
        if value in given.percents:
            return {100 - value, divide(value, 100), 1 - divide(value, 100)}
        return {*given.stated, *given.earlier}
    return ()


def _reoperated(tree: Tree, only_inverse: bool) -> Iterator[Tree]:
    """The tree with one operator changed, or the operands of one difference or quotient swapped."""
    if isinstance(tree, int):
        return
    operator, left, right = tree
    for other in [INVERSE[operator]] if only_inverse else list(_OPERATORS):
        if other != operator:
            yield (other, left, right)
    if only_inverse:
        yield (operator, right, left)
        yield (INVERSE[operator], right, left)
    elif operator in "+*":  # `_pairs` has sums and products in one order only
        yield ("-", right, left)
        yield ("/", right, left)
    for changed in _reoperated(left, only_inverse):
        yield (operator, changed, right)
    for changed in _reoperated(right, only_inverse):
        yield (operator, left, changed)
