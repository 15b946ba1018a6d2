"""A result computed incorrectly by a slip of the written procedure: 48 + 24 = 62, the carry lost.

The only error whose equation is false. Nobody slips on what is known by heart, so small sums and products are spared.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import Value, decimals, format_number, whole
from prm_gsm8k.synthetic.solve import Change

_BY_HEART = 12  # the table of multiplication


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    solution = graph.solution
    for index in rng.sample(range(len(solution.equations)), len(solution.equations)):
        equation = solution.equations[index]
        if len(equation.operands) != 2 or not equation.places:
            continue
        a, b = equation.operands
        operator = equation.operators[0]
        found = slips(operator, a, b)
        if found:
            shown = f"{format_number(a)} {operator} {format_number(b)}"
            wrong, how = rng.choice(found)
            change = Change(results={index: wrong})
            yield Edit(
                graph.question.text,
                change,
                shown,
                f"{format_number(wrong)} ({how})",
            )


def slips(operator: str, a: Value, b: Value) -> list[tuple[Value, str]]:
    """What the written procedure comes to with one slip, and which slip it is.

    >>> slips("+", 48, 24), slips("-", 62, 38), slips("*", 47, 6)
    ([(62, 'a carry is lost')], [(34, 'a borrow is forgotten')], [(242, 'a carry is lost')])
    >>> slips("+", 5, 8), slips("*", 7, 8), slips("*", Fraction(11, 4), 14)
    ([], [], [(385, 'the decimal point is misplaced')])
    """
    if operator == "*" and not (type(a) is int and type(b) is int):
        return _misplaced(a, b)
    places = max(decimals(a, 2) or 0, decimals(b, 2) or 0)
    scale = 10**places
    x, y = whole(Fraction(a) * scale), whole(Fraction(b) * scale)
    if type(x) is not int or type(y) is not int or min(x, y) < 0:
        return []
    wrong: list[Value] = []
    low, high = (max(x, y), x + y) if operator == "+" else (0, x) if operator == "-" else (max(x, y), x * y)
    if operator == "+" and min(x, y) > _BY_HEART:
        wrong = [x + y - 10 ** (i + 1) for i in _carries(x, y)]
    elif operator == "-" and min(x, y) > _BY_HEART:
        wrong = [x - y + 10 ** (i + 1) for i in _carries(x - y, y)]
    elif operator == "*" and min(x, y) < 10 and max(x, y) > _BY_HEART:
        factor, number = min(x, y), max(x, y)
        wrong = [number * factor - carry * 10 ** (i + 1) for i, carry in _column_carries(number, factor)]
    how = "a borrow is forgotten" if operator == "-" else "a carry is lost"
    return [(whole(Fraction(value) / scale), how) for value in wrong if low < value < high]


def _carries(a: int, b: int) -> list[int]:
    """The columns of a + b that carry into a column in which both still have digits or the sum has one."""
    found, carry, column = [], 0, 0
    while 10**column <= max(a, b):
        carry = (a // 10**column % 10 + b // 10**column % 10 + carry) // 10
        if carry and 10 ** (column + 1) <= max(a, b):
            found.append(column)
        column += 1
    return found


def _column_carries(number: int, factor: int) -> list[tuple[int, int]]:
    """(column, carry) of a product with one digit, but for the carry that becomes a digit of its own."""
    found, carry, column = [], 0, 0
    while 10 ** (column + 1) <= number:
        carry = (number // 10**column % 10 * factor + carry) // 10
        if carry:
            found.append((column, carry))
        column += 1
    return found


def _misplaced(a: Value, b: Value) -> list[tuple[Value, str]]:
    """A product of decimals with its point one place off, where the decimals are worth writing a product down."""
    point = [value for value in (a, b) if type(value) is not int]
    if any(Fraction(value).numerator < 10 and (decimals(value, 2) or 0) < 2 for value in point):
        return []
    result = Fraction(a) * b
    return [
        (whole(value), "the decimal point is misplaced")
        for value in (result * 10, result / 10)
        if decimals(whole(value), 2) is not None
    ][:1]


def recognised(read: Difference) -> bool:
    """The equation of step k is false, and shows the same operation."""
    return read.is_false and read.operators == read.twin_operators


FAMILY = Family(
    name="calculation_slip",
    stands_for="a calculation slip",
    thought="computes {said} as {read}",
    thought_back="",
    example="gsm8k/train/0",
    edits=edits,
    recognised=recognised,
    misreads=False,
    is_slip=True,
    share=0.05,
)
