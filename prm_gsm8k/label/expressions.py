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
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

# Ways to write a number: thousands by commas, decimals, a percent sign.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?%?|\.\d+%?"
_TOKEN = re.compile(rf"{_NUMBER}|[A-Za-z]+(?:['’][a-z]+)?|\*\*|[-+*/^=()<>.,;:?!|\n]")

_GLYPHS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "–": "-", "—": ";", "≈": "=", "∕": "/", "⁄": "/",
        "[": "(", "]": ")", "{": "(", "}": ")", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
        "⅛": " 1/8", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "→": ";", "⇒": ";", "↔": ";",
    }
)  # fmt: skip
_TAG = re.compile(r"<<[^<>\n]*>>")
_BRACED = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}|\\[dt]?frac\s*(\d)\s*(\d)")
_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|textit|operatorname)\s*\{([^{}]*)\}")
_COMMAND = re.compile(
    r"\\(times|cdot|ast|div|approx|equiv|sim|implies|Rightarrow|to|quad|qquad|boxed|le|ge|neq)?(?:[A-Za-z]+|.)?"
)
_MEANS = {"times": "*", "cdot": "*", "ast": "*", "div": "/", "approx": "=", "equiv": "=", "sim": "="}
_SPACED = re.compile(r"(?<=[$£€¥])\s?\d{1,3}(?: \d{3})+(?!\d)|(?<![\d.,])\d{1,3}(?: \d{3})+(?=\s?[$£€¥])")


def plain(text: str) -> str:
    """A step without calculator tags, LaTeX and typographic signs."""
    if "<<" in text:
        text = _TAG.sub("", text)
    if "\\" in text:
        text = text.replace("{,}", ",").replace(r"\$", "$").replace(r"\%", "%")
        for _ in range(3):  # a fraction in a fraction
            text, found = _BRACED.subn(r" ((\1\3)/(\2\4)) ", text)
            if not found:
                break
        text = _WORDS.sub(r" \1 ", text)
        text = _COMMAND.sub(lambda m: _MEANS.get(m[1] or "", " ; " if m[1] in _ARROWS else " "), text)
    if not text.isascii():
        text = text.translate(_GLYPHS)
    if ("$" in text or not text.isascii()) and _SPACED.search(text):
        text = _SPACED.sub(lambda m: m[0].replace(" ", ""), text)
    return text


_ARROWS = {"implies", "Rightarrow", "to", "quad", "qquad", "le", "ge", "neq"}

# --- expressions ------------------------------------------------------------------------------------------------------

# A leaf is a number (an index into `Expression.numbers`) or a variable (a letter); a node is (operator, left, right).
Tree = int | str | tuple[str, "Tree", "Tree"]


@dataclass(frozen=True, slots=True)
class Expression:
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


@dataclass(frozen=True, slots=True)
class Statement:
    """Expressions that a step says are equal; one alone is an expression without a result."""

    sides: tuple[Expression, ...]

    def __str__(self) -> str:
        return " = ".join(side.text for side in self.sides)


class ReadStep(NamedTuple):
    """What a step says in numbers.

    Attributes:
        statements: what it computes and equates, in the order of the text.
        numbers: those of the prose, outside every statement.
        words: in lower case.
    """

    statements: tuple[Statement, ...]
    numbers: tuple[float, ...]
    words: frozenset[str]


_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_TIMES_WORDS = {"times": "*", "plus": "+", "minus": "-", "divided": "/", "multiplied": "*"}
_EQUALS_WORDS = {"equals", "equal"}
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
_LONGEST_UNIT = 5  # words between a number and the operator behind it
_LONGEST_GAP = 4  # words between an equals sign and its number: `= a total of 12`


class _Reader:
    """Builds statements from tokens, left to right."""

    __slots__ = (
        "chain",
        "leaves",
        "numbers",
        "operands",
        "operators",
        "out",
        "percent",
        "prose",
        "text",
        "variables",
        "wants_operand",
        "words",
    )

    def __init__(self) -> None:
        self.out: list[Statement] = []
        self.prose: list[float] = []
        self.chain: list[Expression] = []
        self.clear()

    def clear(self) -> None:
        self.operands: list[Tree] = []
        self.operators: list[str] = []
        self.numbers: list[float] = []
        self.variables: list[str] = []
        self.text: list[str] = []
        self.percent = False
        self.wants_operand = True  # an operand comes next, not an operator
        self.words = 0  # that were read since the last operand or operator

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
        if self.operands and not self.wants_operand:
            while self.operators:
                if self.operators[-1] == "(":
                    self.operators.pop()
                else:
                    self.reduce()
            expression = Expression(
                self.operands[0], tuple(self.numbers), self.percent, frozenset(self.variables), " ".join(self.text)
            )
        else:
            self.prose += self.numbers
        self.clear()
        return expression

    def equals(self) -> None:
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
            if len(self.chain) > 1 or not (self.chain[0].is_number or type(self.chain[0].tree) is str):
                self.out.append(Statement(tuple(self.chain)))
            else:
                self.prose += self.chain[0].numbers
            self.chain = []


_HEADING = re.compile(
    r"\s*(?:\*\*|#+\s)?\s*(?:[Ss]tep\s*\d{1,2}\s*[:.)-]|\(?\d{1,2}[.)](?=\s)|[-*•](?=\s))(?:\*\*)?:?\s*"
)


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
    match = _HEADING.match(text)
    tokens = _TOKEN.findall(text, match.end() if match else 0)
    words: set[str] = set()
    r = _Reader()
    count = len(tokens)
    i = -1
    while i + 1 < count:
        i += 1
        token = tokens[i]
        first = token[0]
        if "0" <= first <= "9" or (first == "." and len(token) > 1):
            value = to_number(token)
            if not r.wants_operand:
                if r.words == 0 and type(r.operands[-1]) is int and tokens[i + 1 : i + 2] == ["/"] and i + 2 < count:
                    below = tokens[i + 2]
                    if below[0].isdigit() and 0 < value < (d := to_number(below)):  # 1 1/2
                        r.numbers[-1] += value / d
                        r.text[-1] += f" {token}/{below}"
                        i += 2
                        continue
                r.end()
            r.number(value, token)
        elif first.isalpha():
            word = token.lower()
            words.add(word)
            if len(token) == 1 and _letter(r, token, tokens, i):
                continue
            if word in _TIMES_WORDS and not r.wants_operand and r.words <= _LONGEST_UNIT:
                following = tokens[i + 1].lower() if i + 1 < count else ""
                if word in ("divided", "multiplied") and following != "by":
                    r.words += 1
                elif word == "times" and not _opens_operand(following):
                    r.words += 1  # 4 times a week * 3
                else:
                    r.operator(_TIMES_WORDS[word])
                continue
            if word == "by" and i and tokens[i - 1].lower() in ("divided", "multiplied"):
                continue
            if word in FRACTION_WORDS and i + 2 < count and tokens[i + 1] == "of" and tokens[i + 2][0].isdigit():
                if not r.wants_operand:
                    r.end()
                r.number(FRACTION_WORDS[word], word)
                continue
            if word == "of" and not r.wants_operand and r.words == 0:
                last = r.numbers[-1] if r.numbers and type(r.operands[-1]) in (int, tuple) else 9
                following = tokens[i + 1] if i + 1 < count else ""
                if (r.percent or 0 < last < 1 or _is_fraction(r)) and following[:1].isdigit():
                    r.operator("*")  # 20% of 50, 3/4 of 12
                    continue
            if word in _EQUALS_WORDS and not r.wants_operand:
                if i + 1 < count and tokens[i + 1] == "to":
                    i += 1
                r.equals()
                continue
            if word in ("is", "are", "gives", "makes") and not r.wants_operand and len(r.operands) and r.operators:
                if i + 1 < count and tokens[i + 1][0].isdigit() and r.words <= _LONGEST_UNIT:
                    r.equals()  # 3 * 4 is 12
                    continue
            r.words += 1
            if r.operands or r.operators or r.chain:
                if r.wants_operand:
                    if r.operators or r.words > _LONGEST_GAP:  # `10 + tip`: no expression that we know
                        r.end()
                elif r.words > _LONGEST_UNIT:
                    r.end()
        elif first in "+*/^-":
            if token == "**":
                if i + 1 < count and tokens[i + 1][0].isdigit() and i and tokens[i - 1][0].isdigit():
                    r.operator("^")
                continue
            following = tokens[i + 1] if i + 1 < count else ""
            if r.wants_operand:
                if first == "-" and following[:1].isdigit() and r.text[-1:] != ["-"]:
                    r.number(-to_number(following), "-" + following)
                    i += 1
                elif r.operands or r.operators or r.chain:
                    r.end()
                elif r.words and first != "-" and i and tokens[i - 1][0].isalpha() and "=" in tokens[i:]:
                    r.operand("_", tokens[i - 1])  # loan + $10,000 = $36,000
                    r.variables.append("_")
                    r.operator(first)
                continue
            if following[:1].isalpha():
                if first == "/" and not (len(following) == 1 and following in _VARIABLES):
                    r.words += 1
                    words.add(following.lower())
                    i += 1  # $4/bag
                    continue
                if first == "-" and len(following) > 1:
                    r.words += 1  # 10-year
                    continue
            r.operator(first)
        elif first == "=":
            if r.wants_operand:
                r.end()
            else:
                r.equals()
        elif first == "(":
            if r.wants_operand:
                r.operators.append("(")
                r.text.append("(")
            elif r.words == 0 and i + 1 < count and (tokens[i + 1][0] in "-(0123456789." or len(tokens[i + 1]) == 1):
                if tokens[i + 1][0].isalpha() and tokens[i + 1] not in _VARIABLES:
                    r.end()
                else:
                    r.operator("*")  # 5(3 + 4)
                    r.operators.append("(")
                    r.text.append("(")
            else:
                closed = _closing(tokens, i)
                if closed and not any(t[0].isdigit() for t in tokens[i:closed]) and closed - i <= 6:
                    words.update(t.lower() for t in tokens[i + 1 : closed] if t[0].isalpha())
                    i = closed  # 5 (adults) * 3
                else:
                    r.end()
        elif first == ")":
            if "(" in r.operators and not r.wants_operand:
                while r.operators[-1] != "(":
                    r.reduce()
                r.operators.pop()
                r.text.append(")")
            elif r.wants_operand:
                r.end()
        elif first == "\n" and r.wants_operand and (r.chain or r.operators):
            continue  # an equation that goes on on the next line
        else:
            r.end()
    r.end()
    return ReadStep(tuple(r.out), tuple(r.prose), frozenset(words))


def _is_fraction(r: _Reader) -> bool:
    return (
        bool(r.operators) and r.operators[-1] == "/" and len(r.numbers) > 1 and abs(r.numbers[-2]) < abs(r.numbers[-1])
    )


def _opens_operand(token: str) -> bool:
    return token[:1].isdigit() or token == "(" or (token[:1] == "." and len(token) > 1)


def _closing(tokens: list[str], start: int) -> int:
    depth = 0
    for i in range(start, min(len(tokens), start + 12)):
        depth += (tokens[i] == "(") - (tokens[i] == ")")
        if not depth:
            return i
    return 0


def _letter(r: _Reader, letter: str, tokens: list[str], i: int) -> bool:
    """Take a single letter as a multiplication sign or a variable; False if it is a word or a unit."""
    following = tokens[i + 1] if i + 1 < len(tokens) else ""
    if letter in "xX" and not r.wants_operand and _opens_operand(following):
        r.operator("*")
        return True
    before = tokens[i - 1] if i else ""
    if letter not in _VARIABLES and not (letter == "a" and following in ("=", "+", "*", "/", "-", ")")):
        return False
    if not r.wants_operand:
        if r.words or before[:1].isalpha():
            return False
        if not before[:1].isdigit() and before != ")":
            return False
        if letter in "LGMHKS" and following not in ("=", "+", "-", "*", "/", ")"):
            return False
        r.operator("*")  # 12x
        r.text.pop()
        r.text[-1] += letter
        r.operands.append(letter)
        r.wants_operand = False
    else:
        r.operand(letter, letter)
    r.variables.append(letter)
    r.percent = False
    return True
