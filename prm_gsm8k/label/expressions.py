r"""Read what a step computes: `Jo earns 3 * $4 = $12 and spends half` says 3 * 4 = 12.

    >>> [str(s) for s in read_step(r"So \(3 \times \$4 = \$12\) a day, and 5(12) in all").statements]
    ['3 * 4 = 12', '5 * ( 12 )']
    >>> read_step("There are 24 of them, 7 red").numbers
    (24.0, 7.0)

Unlike `arithmetic.equations`, which proves single equations exactly and fast for rows that we wrote, this reads what
any model wrote: LaTeX, units between numbers, money, number words, equations with x, expressions without a result. It
never raises. A value is a float, because a label asks whether two values are the same to the places that people write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from prm_gsm8k.arithmetic.notation import plain, without_prefix

# Ways to write a number: thousands by commas, decimals, a percent sign.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?%?|\.\d+%?"
_TOKEN = re.compile(rf"{_NUMBER}|[^\W\d_]+(?:['’][a-z]+)?|\*\*|[-+*/^=()<>.,;:?!|\n]")

# --- expressions ------------------------------------------------------------------------------------------------------

# A leaf is a number (an index into `Expression.numbers`) or a variable (a letter); a node is (operator, left, right).
Tree = int | str | tuple[str, "Tree", "Tree"]


class Expression(NamedTuple):
    """One side of an equals sign.

    Attributes:
        tree: how numbers and variables are joined.
        numbers: the numbers in it, in the order of the text; `20%` is 0.2.
        percent: whether it ends in a percent sign.
        variables: the letters in it.
        text: as written, without units.
    """

    tree: Tree
    numbers: tuple[float, ...]
    percent: bool
    variables: frozenset[str]
    text: str

    @property
    def is_number(self) -> bool:
        """Whether it is a number alone."""
        return type(self.tree) is int

    def value(self, of: Callable[[str], float] | None = None) -> float | None:
        """What it comes to, variables replaced by `of`; None if that is no number of ordinary size."""
        try:
            value = _evaluate(self.tree, self.numbers, of)
            return value if abs(value) < 1e15 else None
        except (ZeroDivisionError, OverflowError, TypeError):
            return None


def _evaluate(tree: Tree, numbers: tuple[float, ...], of: Callable[[str], float] | None) -> float:
    if type(tree) is int:
        return numbers[tree]
    if type(tree) is str:
        return of(tree)  # type: ignore[misc]
    operator, left, right = tree  # type: ignore[misc, str-unpack]
    a = numbers[left] if type(left) is int else _evaluate(left, numbers, of)
    b = numbers[right] if type(right) is int else _evaluate(right, numbers, of)
    if operator == "+":
        return a + b
    if operator == "*":
        return a * b
    if operator == "-":
        return a - b
    if operator == "/":
        return a / b
    return float(a**b) if abs(b) < 20 and abs(a) < 1e6 else _too_large()


def _too_large() -> float:
    raise OverflowError


class Statement(NamedTuple):
    """Expressions that a step says are equal; one alone is an expression without a result."""

    sides: tuple[Expression, ...]

    def __str__(self) -> str:
        return " = ".join(side.text for side in self.sides)


class ReadStep(NamedTuple):
    """What a step says in numbers.

    Attributes:
        statements: what it computes and equates, in the order of the text.
        numbers: those of the prose, outside every statement.
    """

    statements: tuple[Statement, ...]
    numbers: tuple[float, ...]


_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_OPERATOR_WORDS = {"times": "*", "plus": "+", "minus": "-", "divided": "/", "multiplied": "*"}
_VARIABLES = frozenset("xyznbcdepqrtvwXYZNBCDEPQRTVWSGFJKMLHOU")
FRACTION_WORDS = {
    "half": 1 / 2, "third": 1 / 3, "thirds": 1 / 3, "quarter": 1 / 4, "quarters": 1 / 4, "fourth": 1 / 4,
    "fourths": 1 / 4, "fifth": 1 / 5, "fifths": 1 / 5, "sixth": 1 / 6, "eighth": 1 / 8, "tenth": 1 / 10,
}  # fmt: skip
NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1000000, "dozen": 12,
    "twice": 2, "double": 2, "doubled": 2, "doubles": 2, "triple": 3, "tripled": 3, "triples": 3, "thrice": 3,
    "quadruple": 4, "pair": 2, "couple": 2, "score": 20,
}  # fmt: skip
_MEANING = frozenset((*FRACTION_WORDS, *(w.capitalize() for w in FRACTION_WORDS), *_OPERATOR_WORDS))
_MEANING |= {"by", "of", "equals", "equal", "is", "are", "gives", "makes"}
_DIGITS = frozenset("0123456789.")
_NONE: frozenset[str] = frozenset()
_LONGEST_EXPRESSION = 60  # operands; a model in a loop writes thousands, deeper than Python recurses
_LONGEST_UNIT = 5  # words between a number and the operator behind it
_LONGEST_GAP = 4  # words between an equals sign and its number: `= a total of 12`


class _Reader:
    """Builds statements from the tokens of a step, left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.out: list[Statement] = []
        self.prose: list[float] = []
        self.chain: list[Expression] = []  # the sides of the statement so far
        self.clear()

    def clear(self) -> None:
        """Begin an expression."""
        self.operands: list[Tree] = []
        self.operators: list[str] = []
        self.numbers: list[float] = []
        self.variables: list[str] = []
        self.text: list[str] = []
        self.percent = False
        self.wants_operand = True  # an operand comes next, not an operator
        self.words = 0  # that were read since the last operand or operator

    def read(self) -> ReadStep:
        """Read all tokens."""
        tokens, count = self.tokens, len(self.tokens)
        while self.at < count:
            token = tokens[self.at]
            first = token[0]
            if first in _DIGITS and (first != "." or len(token) > 1):
                self.number_token(token)
            elif first.isalpha():
                self.word(token)
            elif first in "+*/^-":
                self.sign(token)
            elif first == "=":
                if self.wants_operand:
                    self.end()
                else:
                    self.equals()
            elif first == "(":
                self.open_bracket()
            elif first == ")":
                self.close_bracket()
            elif first != "\n" or not self.wants_operand or not (self.chain or self.operators):
                self.end()  # but an equation may go on on the next line
            self.at += 1
        self.end()
        return ReadStep(tuple(self.out), tuple(self.prose))

    def next(self, ahead: int = 1) -> str:
        """The token that comes next; nothing at the end."""
        at = self.at + ahead
        return self.tokens[at] if 0 <= at < len(self.tokens) else ""

    # --- what is built ------------------------------------------------------------------------------------------------

    def reduce(self) -> None:
        right, left = self.operands.pop(), self.operands.pop()
        self.operands.append((self.operators.pop(), left, right))

    def operand(self, tree: Tree, text: str) -> None:
        self.operands.append(tree)
        self.text.append(text)
        self.wants_operand = False
        self.words = 0

    def number(self, value: float, text: str) -> None:
        self.numbers.append(value)
        self.operand(len(self.numbers) - 1, text)
        self.percent = text[-1] == "%"

    def operator(self, sign: str) -> None:
        if len(self.numbers) + len(self.variables) > _LONGEST_EXPRESSION:
            self.clear()
            return
        rank = _RANK[sign]
        while self.operators and self.operators[-1] != "(" and _RANK[self.operators[-1]] >= rank:
            self.reduce()
        self.operators.append(sign)
        self.text.append(sign)
        self.wants_operand = True
        self.words = 0

    def side(self) -> Expression | None:
        """The expression that was read; None if there is none, or it broke off."""
        expression = None
        if not self.wants_operand:
            while self.operators:
                if self.operators[-1] == "(":
                    self.operators.pop()
                else:
                    self.reduce()
            variables = frozenset(self.variables) if self.variables else _NONE
            expression = Expression(self.operands[0], tuple(self.numbers), self.percent, variables, " ".join(self.text))
        else:
            self.prose += self.numbers
        if self.text or self.words:
            self.clear()
        return expression

    def equals(self) -> None:
        """The side ends here, and another begins."""
        expression = self.side()
        if expression is None:
            self.end()
        else:
            self.chain.append(expression)

    def end(self) -> None:
        """The statement ends here."""
        expression = self.side()
        if expression is not None:
            self.chain.append(expression)
        if self.chain:
            if len(self.chain) > 1 or type(self.chain[0].tree) is tuple:
                self.out.append(Statement(tuple(self.chain)))
            else:
                self.prose += self.chain[0].numbers
            self.chain = []

    # --- tokens -------------------------------------------------------------------------------------------------------

    def number_token(self, token: str) -> None:
        value = to_number(token)
        if not self.wants_operand:
            if self.words == 0 and type(self.operands[-1]) is int and self.next() == "/":
                below = self.next(2)
                if below[:1].isdigit() and 0 < value < to_number(below):  # 1 1/2
                    self.numbers[-1] += value / to_number(below)
                    self.text[-1] += f" {token}/{below}"
                    self.at += 2
                    return
            self.end()
        self.number(value, token)

    def word(self, token: str) -> None:
        if len(token) == 1:
            if self.letter(token):
                return
        elif token in _MEANING and self.meaning(token.lower()):
            return
        self.words += 1
        if self.operands or self.operators or self.chain:
            if self.wants_operand:
                if self.operators or self.words > _LONGEST_GAP:  # `10 + tip`: no expression that we know
                    self.end()
            elif self.words > _LONGEST_UNIT:
                self.end()

    def meaning(self, word: str) -> bool:
        """Take a word for what it means in an expression; False if it is a unit or prose here."""
        following = self.next()
        if word in FRACTION_WORDS:
            if following != "of" or not self.next(2)[:1].isdigit():
                return False
            if not self.wants_operand:
                self.end()
            self.number(FRACTION_WORDS[word], word)
            return True
        if word == "by":
            return self.next(-1) in ("divided", "multiplied")
        if self.wants_operand:
            return False
        if word == "of":  # 20% of 50, 3/4 of 12
            share = self.percent or (bool(self.numbers) and 0 < self.numbers[-1] < 1) or self.ends_in_fraction()
            if self.words or not share or not following[:1].isdigit():
                return False
            self.operator("*")
        elif word in _OPERATOR_WORDS:
            if self.words > _LONGEST_UNIT or (word in ("divided", "multiplied") and following != "by"):
                return False
            if word == "times" and not _opens_operand(following):
                return False  # 4 times a week * 3
            self.operator(_OPERATOR_WORDS[word])
        elif word in ("equals", "equal"):
            self.at += following == "to"
            self.equals()
        else:  # 3 * 4 is 12
            if not self.operators or not following[:1].isdigit() or self.words > _LONGEST_UNIT:
                return False
            self.equals()
        return True

    def ends_in_fraction(self) -> bool:
        numbers = self.numbers
        return self.operators[-1:] == ["/"] and len(numbers) > 1 and abs(numbers[-2]) < abs(numbers[-1])

    def letter(self, letter: str) -> bool:
        """Take a single letter as a multiplication sign or a variable; False if it is a word or a unit."""
        following, before = self.next(), self.next(-1)
        if letter in "xX" and not self.wants_operand and _opens_operand(following):
            self.operator("*")
            return True
        if letter not in _VARIABLES and not (letter == "a" and following in ("=", "+", "*", "/", "-", ")")):
            return False
        if self.wants_operand:
            self.operand(letter, letter)
        else:
            if self.words or not (before[:1].isdigit() or before == ")"):
                return False
            if letter in "LGMHKS" and following not in ("=", "+", "-", "*", "/", ")"):
                return False
            self.operator("*")  # 12x
            self.text.pop()
            self.text[-1] += letter
            self.operands.append(letter)
            self.wants_operand = False
        self.variables.append(letter)
        self.percent = False
        return True

    def sign(self, token: str) -> None:
        following, before = self.next(), self.next(-1)
        if token == "**":  # a power, or the end of bold print
            if following[:1].isdigit() and before[:1].isdigit() and not self.wants_operand:
                self.operator("^")
        elif self.wants_operand:
            if token == "-" and following[:1].isdigit() and self.text[-1:] != ["-"]:
                self.number(-to_number(following), "-" + following)
                self.at += 1
            elif self.operands or self.operators or self.chain:
                self.end()
            elif self.words and token != "-" and before[:1].isalpha() and "=" in self.tokens[self.at :]:
                self.operand("_", before)  # loan + $10,000 = $36,000
                self.variables.append("_")
                self.operator(token)
        elif token == "/" and following[:1].isalpha() and not (len(following) == 1 and following in _VARIABLES):
            self.words += 1
            self.at += 1  # $4/bag
        elif token == "-" and following[:1].isalpha() and len(following) > 1:
            self.words += 1  # 10-year
        else:
            self.operator(token)

    def open_bracket(self) -> None:
        following = self.next()
        if not self.wants_operand:
            if self.words or not (following[:1] in _DIGITS or following in ("-", "(") or following in _VARIABLES):
                closed = self.closing()
                if closed:
                    self.at = closed  # 5 (adults) * 3
                else:
                    self.end()
                return
            self.operator("*")  # 5(3 + 4)
        self.operators.append("(")
        self.text.append("(")

    def close_bracket(self) -> None:
        if self.wants_operand:
            self.end()
        elif "(" in self.operators:
            while self.operators[-1] != "(":
                self.reduce()
            self.operators.pop()
            self.text.append(")")

    def closing(self) -> int:
        """Where the bracket ends that opens here, if there are but a few words in it; else 0."""
        for i in range(self.at + 1, min(len(self.tokens), self.at + 7)):
            if self.tokens[i] == ")":
                return i
            if not self.tokens[i][0].isalpha():
                return 0
        return 0


_RANGE = re.compile(r"(?<=\d)-(?=\d)")  # weeks 2-3


def to_number(token: str) -> float:
    """`1,200.50` is 1200.5 and `20%` is 0.2."""
    if token[-1] == "%":
        return float(token[:-1].replace(",", "")) / 100
    return float(token.replace(",", "")) if len(token) < 100 else 1e100  # a model in a loop


@lru_cache(maxsize=1 << 14)  # samples of one problem repeat each other's steps
def read_step(step: str) -> ReadStep:
    """Read the statements and the numbers of one step."""
    text = plain(step)
    if "=" not in text:
        text = _RANGE.sub(" to ", text)
    return _Reader(_TOKEN.findall(without_prefix(text))).read()


def _opens_operand(token: str) -> bool:
    return token[:1].isdigit() or token == "(" or (token[:1] == "." and len(token) > 1)
