"""A reference solution as a graph, and everything that can rightly be said on the way to its answer.

Two values are *the same quantity* if they come from the numbers of the question in the same way, not only if they are
equal: `4 * 2 = 8` people is another 8 than `16 / 2 = 8` weeks. To ask this cheaply, every number of the question gets a
random residue modulo a prime, and an expression is worked out on the residues as well: equal residues mean equal
expressions (Schwartz and Zippel; a chance match has probability below 2^-55), whatever the order of the operations.

    48 clips in April, half as many in May, how many in all?     48/2 = 24, 48 + 24 = 72
    A student's 24 * 3 = 72 has the value; a student's 48/2 + 48 = 72 has the value and the residue.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache

from prm_gsm8k.arithmetic.grading import final_answer, numbers
from prm_gsm8k.arithmetic.notation import plain, uses_decimal_comma, with_decimal_points
from prm_gsm8k.dataset.language import other_language
from prm_gsm8k.label.expressions import FRACTION_WORDS, NUMBER_WORDS, Statement, Tree, read_step, to_number

PRIME = (1 << 61) - 1
_MOST_TERMS = 6  # of a sum whose partial sums are all listed
_ANNOTATION = re.compile(r"<<([^<>\n]*)>>")
_FINAL = re.compile(r"####\s*(.*)\Z", re.DOTALL)
_IN_QUESTION = re.compile(
    r"(\d+)\s+(\d+)/(\d+)|(\d+)/(\d+)|((?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)\s*(%|percent)?|([A-Za-z]+)"
)

# These stand for themselves; a small number that is more than a factor of units would make too much equal by chance.
EXACT = frozenset((0, 1, 100, 1000))
Residue = int
Monomial = tuple[int, tuple[Residue, ...]]  # a sign and factors


ONE_PERCENT: Residue = pow(100, -1, PRIME)


@dataclass(frozen=True, slots=True)
class Node:
    """A value that the reference computes.

    Attributes:
        value: the number.
        residue: what quantity it is.
        text: the equation, as the reference writes it.
        operands: the numbers on its left side.
        depth: its place among the equations.
    """

    value: float
    residue: Residue
    text: str
    operands: tuple[float, ...]
    depth: int


@lru_cache(maxsize=1 << 16)
def _random(value: float) -> Residue:
    return int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=8).digest()) % PRIME


@lru_cache(maxsize=1 << 16)
def _inverse(residue: Residue) -> Residue:
    return pow(residue, -1, PRIME)


def key(value: float) -> float:
    """By which values are looked up: to six places."""
    return round(value, 6)


class Reference:
    """What a problem's reference solution says; made once a problem, for all of its solutions.

    Attributes:
        answer: the number after `####`; None if there is none.
        nodes: what it computes, in order.
        stated: the numbers of the question, in digits or words; `20%` as 20 and as 0.2.
    """

    def __init__(self, question: str, solution: str) -> None:
        if uses_decimal_comma(f"{question}\n{solution}"):
            question, solution = with_decimal_points(question), with_decimal_points(solution)
        self.question, self.solution = question, solution
        body, _, _ = solution.partition("####")
        self.answer = _final_number(solution)
        self.lines = [line.strip() for line in body.split("\n") if line.strip()]
        self.leaves: dict[float, Residue] = {}
        self.stated: set[float] = set()
        self._read_question(question)
        self.nodes: list[Node] = []
        self.by_value: dict[float, Node] = {}
        self.by_residue: dict[Residue, str] = {}
        self.shares: dict[Residue, str] = {}  # some of the factors of one of its terms
        self.parts: dict[Residue, str] = {}  # some of the terms of one of its values
        self.monomials: dict[Residue, list[Monomial]] = {}
        self._known: dict[float, Residue] = {}
        self._unused: dict[
            float, Residue
        ] = {}  # results that nothing was made of yet, equal to a number of the question
        for line in self.lines:
            self._read_line(line)
        if self.answer is not None and key(self.answer) not in self.by_value:
            self._add_node(self.answer, _random(self.answer + 0.123), "the answer", ())
        self._list_parts()
        self.given = {self.residue_of(v) for v in self.stated}
        self.computed = {k: node.residue for k, node in self.by_value.items() if k not in self.stated}
        self.hand = {self.residue_of(v) for v in (*self.stated, 2.0, 7.0, 12.0, 60.0, 100.0) if v}
        self.hand.update(node.residue for node in self.nodes)

    @cached_property
    def language(self) -> str | None:
        """Of its question; None for English."""
        return other_language(self.question)

    # --- the question -------------------------------------------------------------------------------------------------

    def _read_question(self, question: str) -> None:
        for whole, over, under, top, bottom, number, percent, word in _IN_QUESTION.findall(plain(question)):
            if word:
                value = NUMBER_WORDS.get(word.lower()) or FRACTION_WORDS.get(word.lower())
                if value is None:
                    continue
                self.stated.add(key(value))
                if value < 1:
                    self.stated.add(key(round(1 / value)))
                continue
            if under or bottom:
                below = int(under or bottom)
                if below:
                    self.stated.add(key(int(whole or 0) + int(over or top) / below))
                    self.stated.update((key(int(over or top)), key(below)))
                    if whole:
                        self.stated.add(key(int(whole)))
                continue
            value = to_number(number)
            self.stated.add(key(value))
            if percent:
                share = key(value / 100)
                self.stated.add(share)
                self.leaves[share] = _random(key(value)) * _inverse(100) % PRIME
                # 20% off is 80%, 20% more is 120%
                self.leaves[key(1 - value / 100)] = (1 - self.leaves[share]) % PRIME
                self.leaves[key(1 + value / 100)] = (1 + self.leaves[share]) % PRIME
                self.leaves[key(100 - value)] = (100 - _random(key(value))) % PRIME
                self.leaves[key(100 + value)] = (100 + _random(key(value))) % PRIME

    def residue_of(self, value: float) -> Residue:
        """Of a number that is taken from the question, or from general knowledge."""
        k = key(value)
        residue = self.leaves.get(k)
        if residue is None:
            if k in EXACT:
                residue = int(k)
            elif k < 0:
                residue = PRIME - self.residue_of(-k)
            elif k == int(k) or (k in self.stated and k > 1 and abs(k * 2 - round(k * 2)) > 1e-9):
                residue = _random(k)  # $1.25 is a number of its own, 1.5 is three halves
            else:
                for below in (2, 3, 4, 5, 6, 8, 10, 100):
                    top = k * below
                    if abs(top - round(top)) < 2e-5 * below:
                        residue = self.residue_of(round(top)) * _inverse(self.residue_of(below)) % PRIME
                        break
                else:
                    residue = _random(k)
            self.leaves[k] = residue
        return residue

    def evaluate(self, tree: Tree, numbers: tuple[float, ...], known: dict[float, Residue]) -> Residue:
        """The residue of an expression whose numbers are results so far (`known`) or given.

        Raises:
            ValueError, ZeroDivisionError: it has none.
        """
        if type(tree) is int:
            value = numbers[tree]
            found = known.get(key(value))
            return self.residue_of(value) if found is None else found
        if type(tree) is str:
            raise ValueError(tree)
        operator, left, right = tree  # type: ignore[misc, str-unpack]
        a, b = self.evaluate(left, numbers, known), self.evaluate(right, numbers, known)
        if operator == "+":
            return (a + b) % PRIME
        if operator == "*":
            return a * b % PRIME
        if operator == "-":
            return (a - b) % PRIME
        if operator == "/":
            return a * _inverse(b) % PRIME
        raise ValueError(operator)

    def complement(self, residue: Residue, numbers: tuple[float, ...]) -> str | None:
        """The value of the reference that an expression is if two thirds of something are all but one third."""
        small = [n for n in numbers if n == int(n) and 1 <= n <= 12]
        for a in small:
            for b in small:
                if a < b:
                    whole = residue * self.residue_of(b) * _inverse(self.residue_of(a)) % PRIME
                    rest = (1 - self.residue_of(b - a) * _inverse(self.residue_of(b))) % PRIME
                    if (found := self.by_residue.get(whole * rest % PRIME)) is not None:
                        return found
        return None

    # --- the solution -------------------------------------------------------------------------------------------------

    def _read_line(self, line: str) -> None:
        statements: list[Statement] = []
        if "<<" in line:
            for annotation in _ANNOTATION.findall(line):
                statements += read_step(annotation).statements
        # What no annotation repeats: `(1000-500)/2=250`.
        own = read_step(line).statements if line.count("=") > 2 * line.count("<<") else ()
        if statements:
            results = {key(v) for s in statements if (v := s.sides[-1].value()) is not None}
            own = tuple(
                s
                for s in own
                if len(s.sides) > 1 and s.sides[-1].is_number and key(s.sides[-1].numbers[0]) not in results
            )
        for statement in (*statements, *own):
            stated = statement.sides[-1].value() if len(statement.sides) > 1 else None
            for side in statement.sides[:-1]:
                if side.variables or side.is_number:
                    continue
                value = side.value() if stated is None or not statement.sides[-1].is_number else stated
                if value is None:
                    continue
                try:
                    residue = self.evaluate(side.tree, side.numbers, self._known | self._unused)
                except (ValueError, ZeroDivisionError):
                    continue
                with suppress(ValueError):
                    self.monomials.setdefault(residue, self._expand(side.tree, side.numbers))
                for operand in side.numbers:
                    self._unused.pop(key(operand), None)
                self._add_node(value, residue, str(statement), side.numbers)

    def _add_node(self, value: float, residue: Residue, text: str, operands: tuple[float, ...]) -> None:
        node = Node(value, residue, text, operands, len(self.nodes))
        self.nodes.append(node)
        self.by_value[key(value)] = node
        self.by_residue[residue] = text
        # A result is there to be used: what equals it next is it, even where the question has the same number.
        (self._unused if key(value) in self.stated else self._known)[key(value)] = residue

    # --- what may be said on other ways to the same answer ------------------------------------------------------------

    def _expand(self, tree: Tree, numbers: tuple[float, ...]) -> list[Monomial]:
        """A tree as a sum of products of given numbers: `3 * (4 + x)` is 3*4 + 3*x.

        Raises:
            ValueError: it is too long, or no sum of products.
        """
        if type(tree) is int:
            value = numbers[tree]
            residue = self._known.get(key(value), self._unused.get(key(value)))
            known = self.monomials.get(residue) if residue is not None else None
            if known is not None:
                return known
            residue = self.residue_of(value) if residue is None else residue
            return [(1, (residue,))] if residue != 1 else [(1, ())]
        if type(tree) is str:
            raise ValueError(tree)
        operator, left, right = tree  # type: ignore[misc, str-unpack]
        a, b = self._expand(left, numbers), self._expand(right, numbers)
        if operator == "/":
            if len(b) > 1:
                b = [(1, (self._sum(b),))]
            sign, factors = b[0]
            b = [(sign, tuple(_inverse(f) for f in factors))]
        if operator in "+-":
            result = a + (b if operator == "+" else [(-sign, factors) for sign, factors in b])
        elif operator in "*/":
            result = [(s * t, _reduced(f + g)) for s, f in a for t, g in b]
        else:
            raise ValueError(operator)
        if len(result) > _MOST_TERMS:
            raise ValueError("too long")
        return result

    @staticmethod
    def _product(factors: Iterable[Residue]) -> Residue:
        whole = 1
        for factor in factors:
            whole = whole * factor % PRIME
        return whole

    def _sum(self, monomials: Iterable[Monomial]) -> Residue:
        return sum(sign * self._product(factors) for sign, factors in monomials) % PRIME

    def _list_parts(self) -> None:
        """Some of the terms of a value, some of the factors of a term, and terms without a factor they share."""
        for node in self.nodes:
            monomials = self.monomials.get(node.residue)
            if monomials is None:
                continue
            terms = [(sign * self._product(factors), factors) for sign, factors in monomials]
            for size in range(2, len(terms) + 1):
                for chosen in itertools.combinations(terms, size):
                    whole = sum(term for term, _ in chosen) % PRIME
                    self.parts.setdefault(whole, node.text)
                    self.parts.setdefault(-whole % PRIME, node.text)
                    common = set(chosen[0][1]).intersection(*(factors for _, factors in chosen[1:]))
                    for factor in common:
                        self.shares.setdefault(whole * _inverse(factor) % PRIME, node.text)
                        if len(common) == 2:
                            self.shares.setdefault(whole * _inverse(self._product(common)) % PRIME, node.text)
            for _, factors in monomials:
                for size in range(2 if len(monomials) == 1 else 1, len(factors) + 1):
                    for some in itertools.combinations(factors, size):
                        product = self._product(some)
                        if product:
                            self.shares.setdefault(product, node.text)
                            self.shares.setdefault(_inverse(product), node.text)

    def onward(self, residue: Residue, reached: set[Residue]) -> Node | None:
        """A value of the reference, none of those `reached`, that one operation with a number at hand makes of this."""
        if not residue:
            return None
        for node in self.nodes:
            v = node.residue
            if v in reached or not v:
                continue
            for other in (
                (v - residue) % PRIME,
                (residue - v) % PRIME,
                (v + residue) % PRIME,
                v * _inverse(residue) % PRIME,
                residue * _inverse(v) % PRIME,
                v * residue % PRIME,
            ):
                if other in self.hand and other != v:
                    return node
        return None


def _reduced(factors: tuple[Residue, ...]) -> tuple[Residue, ...]:
    """Without what is multiplied and divided by."""
    left: list[Residue] = []
    for factor in factors:
        inverse = _inverse(factor) if factor else 0
        if inverse in left:
            left.remove(inverse)
        else:
            left.append(factor)
    return tuple(left)


def _final_number(solution: str) -> float | None:
    match = _FINAL.search(solution)
    found = numbers(final_answer(f"#### {match[1]}") or "") if match else []
    return float(found[0]) if found else None
