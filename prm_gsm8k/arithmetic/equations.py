"""Parse the numbers and equations of a step from its text: `Jo has 3 bags * $4/bag = $12.` has 3 * 4 = 12.

A step is split into numbers and the gaps between them. What a gap means (an operator, an equals sign, prose that ends
an expression) is decided once and cached by its text: GSM8K repeats a few thousand gaps. Steps with the same gaps have
the same structure, so the numbers of an incorrect step can be put into the structure of the correct one, unparsed.

Arithmetic is exact: `int` if whole, else `Fraction`, never a float.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from prm_gsm8k.arithmetic.notation import CURRENCY_SIGNS, plain, without_prefix

Number = int | Fraction

# `1,250.50`, `.5` and `5.00` are numbers, `4th` is not. Signs, currencies and percent signs are in the gaps.
# Beginning with a character class instead of the two alternatives makes `re` twice as fast on prose.
NUMBER = re.compile(r"([0-9.](?:(?<=[0-9])[0-9]*(?:,[0-9]{3})*(?:\.[0-9]+)?|(?<=\.)[0-9]+))(?![0-9]|(?:st|nd|rd|th)\b)")

CACHE_SIZE = 200_000  # entries before a cache is cleared: limits the memory of a long build, not reached by GSM8K

BREAK, OPERATOR, EQUALS = range(3)


def to_number(text: str) -> Number:
    """The value of a decimal, as in `"1,250.50"` -> Fraction(2501, 2).

    Raises:
        ValueError: the text is anything else.
    """
    text = text.replace(",", "")
    if "." not in text:
        return int(text)
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value


class _Values(dict[str, Number]):
    """Text of a number -> its value; a cache of `to_number`."""

    def __missing__(self, text: str) -> Number:
        if len(self) > CACHE_SIZE:
            self.clear()
        value = self[text] = to_number(text)
        return value


VALUES = _Values()


def divide(a: Number, b: Number) -> Number:
    """The exact quotient.

    Raises:
        ZeroDivisionError: `b` is 0.
    """
    if type(a) is int and type(b) is int:
        quotient, rest = divmod(a, b)
        return Fraction(a, b) if rest else quotient
    value = Fraction(a) / b
    return value.numerator if value.denominator == 1 else value


def apply(operator: str, a: Number, b: Number) -> Number:
    """`a operator b`, exactly.

    Raises:
        ZeroDivisionError: a division by 0.
    """
    if operator == "+":
        return a + b
    if operator == "-":
        return a - b
    if operator == "*":
        return a * b
    return divide(a, b)


# --- gaps -------------------------------------------------------------------------------------------------------------


class Gap(NamedTuple):
    """The meaning of the text between two numbers. `closes` and `opens` count parentheses around the operator."""

    kind: int
    operator: str = ""
    closes: int = 0
    opens: int = 0
    negative: bool = False  # the next number has a minus sign
    percent: bool = False  # the number before has a percent sign
    weak: bool = False  # may mean something else: never a reason to call a correct solution incorrect
    spoils_left: bool = False  # the expression before continues with something that is no number (`10*p`)
    spoils_right: bool = False  # the expression after begins with something that is no number (`x + 30`)
    tight: bool = False  # a slash without spaces, maybe that of a fraction
    unread: bool = False  # has operators in a form that is not parsed


_PERCENT = re.compile(r"\s*(?:%|percent\b|per cent\b)")
_MARKS = re.compile(r"[-+*/=(){}√]|(?<![A-Za-z])[xX](?![A-Za-z])|\b(?:plus|minus|times|divided|multipl|equal)")
_SIGNS = str.maketrans({"{": "(", "}": ")"} | dict.fromkeys(CURRENCY_SIGNS, " "))
_WORD_OPERATORS = re.compile(
    r"\b(?:(plus|added to)|(minus)|(times|multiplied by)|(divided by)|((?:which |that |is )?(?:equals|equal to)))\b"
)
_WORD_EQUALS = re.compile(r"\bequal")
NUMBER_WORD = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen)\b",
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(rf"{NUMBER_WORD.pattern}|\b(?:because|since)\b", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?:sq|ft|oz|lbs?|hrs?|mins?|secs?|yds?|gal|Rs|[Kk]r)\.|[A-Za-zÀ-ɏ'’°²³_%]+(?:[-/.][A-Za-z'’]+)*|[-+*/=()]|[^\s]"
)
_RUNS_OF_WORDS = re.compile(r"W+")
_UNIT_SLASH = re.compile(r"/W")
_ASIDE = re.compile(r"\(W?\)")
_IS_OPERATOR = re.compile(r"(\)*)W?(\)*)([-+*/])(\(*)(-?)(\(*)")
_IS_EQUALS = re.compile(r"(\)*)W?(\)*)=(W?)(\(*)(-?)(\(*)")
_IS_PLUS_WORDS = re.compile(r"(\)*)W?(\)*)\+W(\(*)")
_IS_JUXTAPOSED = re.compile(r"(\)*)(\(+)")
_TAIL = re.compile(r"([-+*/v]?)(\(*)(-?)(\(*)$")
_OF = {"of", "of the", "of his", "of her", "of their", "of those", "of this", "of that", "of all"}
_REMAINDER = re.compile(r"[\s,;(]*(?:and |with )?(?:an? )?(?:[rR]|rem|remainder)\b")
_GLUE = {"", "and", "and a", "&"}
_VARIABLE = re.compile(r"[-+*/]\s*[A-Za-z](?![A-Za-z])|.*[A-Za-z]{2,} [A-Za-z]\s*=", re.DOTALL)  # 10*p, we get x =
_UNIT_LETTERS = set("mgLlhskKM")
_GLYPH = re.compile(r"[-+*/=]")
_TIMES = re.compile(r"\btimes\b")  # a unit if there is another operator: 4 times/minute * 10 minutes
_APPROXIMATELY = re.compile(r"=\s*(?:about|approximately|roughly|around|only|a total of|to)\b")
# The words, or their beginnings, that the patterns above look for.
_MEANT = re.compile(
    rf"(?:{NUMBER_WORD.pattern}|of|the|his|her|their|those|this|that|all|is|and|which|added|to|by|per|cent|about"
    r"|approximately|roughly|around|only|total|sq|ft|oz|lbs?|hrs?|mins?|secs?|yds?|gal|rs|kr|rem|remainder|an?|with"
    r"|because|since)$|percent|plus|minus|times|divided|multipl|equal",
    re.IGNORECASE,
)


def _classify(gap: str, edge: str) -> Gap:
    percent = False
    if match := _PERCENT.match(gap):
        percent, gap = True, gap[match.end() :]
    if not _MARKS.search(gap):
        words = gap.strip().strip("$£€").strip().lower()
        if not edge:
            if words in _OF:
                return Gap(OPERATOR, "*", percent=percent, weak=True)
            if words == "is":
                return Gap(EQUALS, percent=percent, weak=True)
            if words in _GLUE:  # 1 1/2, 3 400, 1 and 1/3 may be one number
                return Gap(BREAK, percent=percent, weak=True)
        if gap.startswith("...") or _REMAINDER.match(gap):  # 8.333..., 5 / 2 = 2 r1
            return Gap(BREAK, percent=percent, weak=True)
        letter = gap[:1].isalpha() and not gap[1:2].isalpha() and gap[0] not in _UNIT_LETTERS
        return Gap(BREAK, percent=percent, spoils_left=letter)
    text = gap.translate(_SIGNS)
    letter = text[:1].isalpha() and not text[1:2].isalpha()
    if text[:1] == "-" and text[1:2].isalpha():  # 10-minute
        text = " " + text[1:]
    if "times" in text and _GLYPH.search(text):
        text = _TIMES.sub(" uses ", text)
    text = _APPROXIMATELY.sub("=", _WORD_OPERATORS.sub(lambda m: "+-*/="[(m.lastindex or 1) - 1], text))
    signs = "".join(
        "x"
        if token in ("x", "X")
        else "W"
        if token[0].isalnum() or token[0] in "'’°_¢"
        else token
        if token in "+-*/=()"
        else "P"
        for token in _TOKEN.findall(text)
    )
    signs = _RUNS_OF_WORDS.sub("W", _UNIT_SLASH.sub("W", _RUNS_OF_WORDS.sub("W", signs)))
    signs = _RUNS_OF_WORDS.sub("W", _ASIDE.sub("W", signs))
    if "x" in signs:
        # x is `times` only if there is no other operator: `3x + 2` is algebra.
        alone = signs.count("x") == 1 and not any(sign in signs for sign in "+-*/=")
        signs = signs.replace("x", "*" if alone else "v")
        letter = letter and not alone
    if edge == "first":
        return _prose(signs, percent, spoils_left=False)
    weak = _WORD_EQUALS.search(gap) is not None
    if letter and gap[0] in _UNIT_LETTERS:
        weak = True
    elif letter or _VARIABLE.match(text):
        return _prose(signs, percent, spoils_left=True)
    if "W" in signs and not edge and _OTHER_WORD.search(gap):  # an operand in words is not parsed
        return _prose(signs, percent, spoils_left=signs[-1] != "W")
    if match := _IS_OPERATOR.fullmatch(signs):
        closes = len(match[1]) + len(match[2])
        opens = len(match[4]) + len(match[6])
        return Gap(OPERATOR, match[3], closes, opens, bool(match[5]), percent, weak, tight=gap == "/")
    if match := _IS_EQUALS.fullmatch(signs):
        closes = len(match[1]) + len(match[2])
        opens = len(match[4]) + len(match[6])
        return Gap(EQUALS, "=", closes, opens, bool(match[5]), percent, weak or bool(match[3]), False, bool(match[3]))
    if (match := _IS_JUXTAPOSED.fullmatch(signs)) and not gap[:1].isspace():
        return Gap(OPERATOR, "*", len(match[1]), len(match[2]), percent=percent)
    if match := _IS_PLUS_WORDS.fullmatch(signs):
        return Gap(OPERATOR, "+", len(match[1]) + len(match[2]), len(match[3]), percent=percent, weak=True)
    return _prose(signs, percent, spoils_left=signs[:1] in ("+", "*", "/", "v") and "times" not in gap)


def _prose(signs: str, percent: bool, spoils_left: bool) -> Gap:
    closes = len(signs) - len(signs.lstrip(")"))
    tail = _TAIL.search(signs)
    assert tail is not None
    operator, negative = tail[1], bool(tail[3])
    before = signs[: tail.start()]
    if operator == "-" and (not before or before[-1] in "=P("):
        operator, negative = "", True
    return Gap(
        BREAK,
        closes=closes,
        opens=len(tail[2]) + len(tail[4]),
        negative=negative,
        percent=percent,
        spoils_left=spoils_left,
        spoils_right=operator != "" and before[-1:] in ("W", "v", ")", ""),
    )


class _Words(dict[str, str]):
    """Word -> itself if `_classify` looks for it, else `ww`: ` apples = ` and ` pears = ` mean the same."""

    def __missing__(self, word: str) -> str:
        if len(self) > CACHE_SIZE:
            self.clear()
        kept = self[word] = word if _MEANT.match(word) else "ww"
        return kept


_WORDS = _Words()
_WORD = re.compile(r"[A-Za-z]{2,}")


class _Gaps(dict[str, int]):
    """Text of a gap -> index into `KINDS_OF_GAP`; the indices of a step's gaps are the key of its structure."""

    def __init__(self, edge: str = "") -> None:
        super().__init__()
        self.edge = edge

    def __missing__(self, text: str) -> int:
        if len(self) > CACHE_SIZE:
            self.clear()
        long = self.edge or len(text) > _LONGEST_GLUE
        if (self.edge == "first" or (long and text[:1] in _PROSE_STARTS)) and not _SUSPECT.search(text):
            if not any(word in text for word in _SUSPECT_WORDS):
                if len(text) <= _LONGEST_KEPT:
                    self[text] = 0
                return 0
        plain = _WORD.sub(lambda word: _WORDS[word[0]], text)
        if plain != text:
            index = self[text] = self[plain]
            return index
        gap = _classify(text, self.edge)
        if not self.edge and gap.kind == BREAK and _UNREAD.search(text):
            gap = gap._replace(unread=True)
        if self.edge == "first":  # before an operator here is something that is no number
            gap = Gap(BREAK, opens=gap.opens, negative=gap.negative, spoils_right=gap.spoils_right)
        elif self.edge == "last":
            gap = Gap(BREAK, closes=gap.closes, percent=gap.percent, weak=gap.weak, spoils_left=gap.spoils_left)
        index = self[text] = _GAP_INDEX.setdefault(gap, len(KINDS_OF_GAP))
        if index == len(KINDS_OF_GAP):
            KINDS_OF_GAP.append(gap)
        return index


KINDS_OF_GAP: list[Gap] = [Gap(BREAK)]
_GAP_INDEX: dict[Gap, int] = {KINDS_OF_GAP[0]: 0}
# A label (`apples. Mary = `) does not count.
_UNREAD = re.compile(r"^[^.,;:]*(?:[+*=]| / )|[+*]| / |(?<![A-Za-z])[xX](?![A-Za-z])")
_LONGEST_GLUE = 12  # a longer text is neither in _OF nor in _GLUE
_LONGEST_KEPT = 24  # longer prose is hardly ever repeated, so it is not cached
_PROSE_STARTS = {"", " ", ",", ";", ":"}
_SUSPECT = re.compile(r"[-+*/=(){}√%\nxX](?:(?<![xX])|(?<![A-Za-z].)(?![A-Za-z]))")
_SUSPECT_WORDS = ("plus", "minus", "times", "divided", "multipl", "equal", "percent", "per cent", "remainder")
# Of the prose before the first number and after the last, only so many characters next to the number matter.
_NEAR = 8
_INNER, _FIRST, _LAST = _Gaps(), _Gaps("first"), _Gaps("last")


# --- expressions ------------------------------------------------------------------------------------------------------

# A tree of operand positions: ("*", 0, ("+", 1, 2)) is a * (b + c).
Tree = int | tuple[str, "Tree", "Tree"]

_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An expression without its numbers. Those with the same operators and parentheses share one, compared by `is`."""

    operators: str
    tree: Tree
    flat_tree: Tree  # the same without parentheses

    def value(self, numbers: Sequence[Number], first: int = 0) -> Number:
        """The value with `numbers[first:]` as operands.

        Raises:
            ZeroDivisionError: a division by 0.
        """
        operators = self.operators
        if len(operators) == 1:
            a, b = numbers[first], numbers[first + 1]
            if operators == "+":
                return a + b
            if operators == "*":
                return a * b
            if operators == "-":
                return a - b
            return divide(a, b)
        return evaluate(self.tree, numbers, first) if operators else numbers[first]


def evaluate(tree: Tree, numbers: Sequence[Number], first: int = 0) -> Number:
    """The value of a tree with `numbers[first:]` as operands.

    Raises:
        ZeroDivisionError: a division by 0.
    """
    if type(tree) is int:
        return numbers[first + tree]
    operator, left, right = tree  # type: ignore[misc]
    a = numbers[first + left] if type(left) is int else evaluate(left, numbers, first)
    b = numbers[first + right] if type(right) is int else evaluate(right, numbers, first)
    return apply(operator, a, b)


def _tree(tokens: Sequence[str]) -> Tree | None:
    """Parse tokens `n ( ) + - * /` by operator precedence; None if parentheses do not match."""
    operands: list[Tree] = []
    waiting: list[str] = []
    count = 0

    def reduce() -> None:
        right, left = operands.pop(), operands.pop()
        operands.append((waiting.pop(), left, right))

    for token in tokens:
        if token == "n":
            operands.append(count)
            count += 1
        elif token == "(":
            waiting.append(token)
        elif token == ")":
            while waiting and waiting[-1] != "(":
                reduce()
            if not waiting:
                return None
            waiting.pop()
        else:
            while waiting and waiting[-1] != "(" and _RANK[waiting[-1]] >= _RANK[token]:
                reduce()
            waiting.append(token)
    while waiting:
        if waiting[-1] == "(":
            return None
        reduce()
    return operands[0]


_LONGEST_EXPRESSION = 200  # a model in a loop writes thousands of terms, deeper than Python recurses
_SHAPES: dict[tuple[tuple[int, int, str], ...], Shape | None] = {}


def _shape(joints: tuple[tuple[int, int, str], ...]) -> Shape | None:
    """The shape of an expression, from (closing, opening parentheses, operator) at its start, joints and end.

    Parentheses around more than the expression (`(3 * 4 = 12)`) are dropped. None if the others do not match.
    """
    if len(joints) > _LONGEST_EXPRESSION:
        return None
    try:
        return _SHAPES[joints]
    except KeyError:
        pass
    depth, lowest = 0, 0
    for closes, opens, _ in joints[1:-1]:
        depth -= closes
        lowest = min(lowest, depth)
        depth += opens
    lead = min(joints[0][1], max(0, -lowest) + max(0, joints[-1][0] - depth - max(0, -lowest)))
    trail = depth + lead
    shape = None
    if lead >= -lowest and 0 <= trail <= joints[-1][0]:
        tokens = ["("] * lead + ["n"]
        for closes, opens, operator in joints[1:-1]:
            tokens += [")"] * closes + [operator] + ["("] * opens + ["n"]
        tree = _tree(tokens + [")"] * trail)
        flat = _tree([token for token in tokens if token not in "()"])
        if tree is not None and flat is not None:
            shape = Shape("".join(joint[2] for joint in joints[1:-1]), tree, flat)
    _SHAPES[joints] = shape
    return shape


def shape_of(operators: str) -> Shape:
    """The shape of an expression without parentheses."""
    shape = _shape(((0, 0, ""), *((0, 0, operator) for operator in operators), (0, 0, "")))
    assert shape is not None
    return shape


# --- steps ------------------------------------------------------------------------------------------------------------

# What percent signs mean: factors of 1/100 (`20% * 50 = 10`), the unit of the result (`12/48 * 100 = 25%`), or both
# (`100% * 0.25 = 25%`: factor on the left, unit on the right).
SCALED, UNIT, RESULT_UNIT = range(3)


class Segment(NamedTuple):
    """One side of an equation: numbers `first` to `last` of the step."""

    first: int
    last: int
    shape: Shape
    weak: bool


class Pair(NamedTuple):
    """An equation of a step, two neighbouring sides of a chain, and how it is to be read."""

    left: Segment
    right: Segment
    weak: bool
    holds: bool = True
    reading: int = SCALED
    whole_right: bool = True  # False for `3 + 4 = 7 * 2 = 14`: only the first number of the right side counts
    rounded: bool = False
    plain: tuple[str, int, int] | None = None  # (operator, first operand, result) if that is all

    def sides(self, values: Sequence[Number], raws: Sequence[Number]) -> tuple[Number, Number]:
        """The values of both sides.

        Raises:
            ZeroDivisionError: a division by 0.
        """
        reading, right = self.reading, self.right
        a = self.left.shape.value(raws if reading == UNIT else values, self.left.first)
        numbers = values if reading == SCALED else raws
        return a, (right.shape.value(numbers, right.first) if self.whole_right else numbers[right.first])

    def check(self, values: Sequence[Number], raws: Sequence[Number], texts: Sequence[str]) -> bool:
        """Whether the equation is true with these numbers."""
        if self.plain is not None:  # most equations: one operation, one result
            operator, i, k = self.plain
            a, b, c = values[i], values[i + 1], values[k]
            if operator == "+":
                return a + b == c
            if operator == "*":
                return a * b == c
            if operator == "-":
                return a - b == c
            return b != 0 and a == b * c
        try:
            a, b = self.sides(values, raws)
        except ZeroDivisionError:
            return False
        return a == b or (self.rounded and is_rounding(a, b, texts[self.right.first], raws[self.right.first] != b))

    def settled(self, values: Sequence[Number], raws: Sequence[Number], texts: Sequence[str]) -> Pair:
        """The pair with the first reading under which it is true; `holds` is False if there is none."""
        single = self.right.first == self.right.last
        for rounded in (False, True):
            for whole_right in (True,) if single else (True, False):
                for reading in (SCALED,) if values is raws else (SCALED, UNIT, RESULT_UNIT):
                    pair = self._replace(reading=reading, whole_right=whole_right, rounded=rounded, plain=None)
                    if pair.check(values, raws, texts):
                        return pair._replace(plain=pair.one_operation())
        return self._replace(holds=False)

    def one_operation(self) -> tuple[str, int, int] | None:
        """The value of `plain`."""
        left, right = self.left, self.right
        if len(left.shape.operators) != 1 or right.first != right.last or self.rounded or self.reading != SCALED:
            return None
        return left.shape.operators, left.first, right.first


def is_rounding(exact: Number, stated: Number, text: str, scaled: bool = False) -> bool:
    """Whether `stated`, written as `text`, is `exact` rounded or cut at its last decimal: 100/3 = 33.33.

    A whole number is never a rounding: 7/2 = 3 is false.
    """
    if "." not in text:
        return False
    places = len(text) - text.index(".") - 1
    unit = Fraction(1, 10**places * (100 if scaled else 1))
    exact, stated = Fraction(exact), Fraction(stated)
    return abs(exact - stated) <= unit / 2 or (0 <= abs(exact) - abs(stated) < unit and exact * stated >= 0)


class Skeleton:
    """The structure of a step, shared by all steps whose gaps mean the same."""

    def __init__(self, infos: Sequence[Gap]) -> None:
        count = max(0, len(infos) - 1)
        self.percents = [i for i in range(count) if infos[i + 1].percent]
        self.negatives = [i for i in range(count) if infos[i].negative]
        self.signs = bool(self.percents or self.negatives)
        self.spoiled = False  # an expression has a variable, or parentheses that do not match
        self.doubtful: set[int] = set()
        self.chains: list[list[Segment]] = []
        if any(info.kind == EQUALS for info in infos[1:-1]):
            self._find_chains(infos, count)
        self.pairs = [
            Pair(left, right, left.weak or right.weak or left.first == left.last)
            for chain in self.chains
            for left, right in itertools.pairwise(chain)
        ]
        # A step with operators that were not parsed is not one without an expression.
        self.spoiled = self.spoiled or (not self.pairs and any(info.unread for info in infos[1:-1]))
        inside = {k for chain in self.chains for k in range(chain[0].first, chain[-1].last + 1)}
        self.prose = frozenset(range(count)) - inside
        self.pairs = [pair._replace(plain=pair.one_operation()) for pair in self.pairs]
        self.plain = all(pair.left.first < pair.left.last and not pair.weak for pair in self.pairs)
        self.results, self.checked = outcome(self.pairs, count)
        self.has_expression = bool(self.results) or any(pair.left.first < pair.left.last for pair in self.pairs)

    def _find_chains(self, infos: Sequence[Gap], count: int) -> None:
        chain: list[Segment] = []
        start = 0
        for i in range(1, count + 1):
            kind = infos[i].kind if i < count else BREAK
            if kind == OPERATOR:
                continue
            segment = self._segment(infos, start, i - 1)
            # Only an expression next to an equals sign is a claim.
            claims = bool(chain) or kind == EQUALS
            self.spoiled = self.spoiled or (claims and start in self.doubtful)
            start = i
            if segment is not None:
                chain.append(segment)
            if segment is None or kind == BREAK:
                if len(chain) > 1:
                    self.chains.append(chain)
                chain = []

    def _segment(self, infos: Sequence[Gap], first: int, last: int) -> Segment | None:
        inner = infos[first + 1 : last + 1]
        ends = (infos[first].opens, infos[last + 1].closes) if inner else (0, 0)
        joints = [(info.closes, info.opens, info.operator) for info in inner]
        shape = _shape(((0, ends[0], ""), *joints, (ends[1], 0, "")))
        spoiled = infos[first].spoils_right or infos[last + 1].spoils_left
        if spoiled or shape is None:
            self.doubtful.add(first)
        if shape is None:
            return None
        # In 2 / 1/5 it is not clear what is divided by what.
        mixed = len({info.tight for info in inner if info.operator == "/"}) > 1
        weak = (
            spoiled
            or mixed
            or (infos[first].weak and infos[first].kind == BREAK)
            or any(info.weak for info in infos[first + 1 : last + 2])
        )
        return Segment(first, last, shape, weak)


def outcome(pairs: Sequence[Pair], count: int) -> tuple[list[int], list[int]]:
    """(positions of results, positions of numbers that are not computed by an equation) among `count` numbers."""
    results: list[int] = []
    computed: set[int] = set()
    for pair in pairs:
        right = pair.right
        if pair.left.first < pair.left.last:
            computed.update(range(right.first, right.last + 1 if pair.whole_right else right.first + 1))
            if right.first == right.last or not pair.whole_right:
                results.append(right.first)
    return results, [i for i in range(count) if i not in computed]


_SKELETONS: dict[tuple[int, ...], Skeleton] = {}


class Step:
    """A step as numbers, gaps and equations.

    Attributes:
        gaps, texts: the text between numbers, and the numbers as written.
        raws, values: the numbers; a percentage is 20 in `raws` and 1/5 in `values`.
        pairs: the equations, of which `holds` says whether they are true.
        results: positions of the numbers that equations end in.
        checked: positions of the numbers that no equation computes, so their values have to be checked.
        has_expression: whether any equation has an operator.
        ambiguous: algebra, or a false equation: the meaning of the numbers is not certain.
        skeleton: the structure.
    """

    __slots__ = (
        "ambiguous",
        "checked",
        "gaps",
        "has_expression",
        "pairs",
        "raws",
        "results",
        "skeleton",
        "texts",
        "values",
    )

    def __init__(self, body: str, parts: list[str] | None = None) -> None:
        """`parts` is `NUMBER.split(body)`, if the caller has it."""
        parts = NUMBER.split(body) if parts is None else parts
        self.gaps = gaps = parts[::2]
        self.texts = texts = parts[1::2]
        key: tuple[int, ...] = ()
        if texts:
            key = (_FIRST[gaps[0][-_NEAR:]], *[_INNER[gap] for gap in gaps[1:-1]], _LAST[gaps[-1][:_NEAR]])
        skeleton = _SKELETONS.get(key)
        if skeleton is None:
            if len(_SKELETONS) > CACHE_SIZE:
                _SKELETONS.clear()
            skeleton = _SKELETONS[key] = Skeleton([KINDS_OF_GAP[i] for i in key])
        self.skeleton = skeleton
        if skeleton.signs:
            self.raws, self.values = self.numbers(texts)
        else:
            self.raws = self.values = [VALUES[text] for text in texts]
        # In most steps every equation is plain and true, and the structure is the skeleton's.
        self.ambiguous = skeleton.spoiled
        self.pairs = pairs = skeleton.pairs
        self.results = skeleton.results
        self.checked = skeleton.checked
        self.has_expression = skeleton.has_expression
        if pairs:
            if skeleton.plain:
                for pair in pairs:
                    if not pair.check(self.values, self.raws, texts):
                        break
                else:
                    return
            self._settle()

    def _settle(self) -> None:
        """Find the reading of each equation, and drop what only looks like one."""
        values, pairs = self.values, []
        for pair in self.skeleton.pairs:
            left, right = pair.left, pair.right
            if left.first == left.last and right.first == right.last and values[left.first] != values[right.first]:
                continue  # 1 hour = 60 minutes
            pair = pair.settled(values, self.raws, self.texts)
            if not pair.holds:
                if left.first == left.last:
                    continue  # a label: 6 dozen = 6 * 12
                # 2/3 = 16 may be two thirds of something, 4 * 5 = 3 * 6 an equation to solve.
                fraction = left.shape.operators == "/" and values[left.first] < values[left.first + 1]
                if fraction or right.first != right.last:
                    pair = pair._replace(weak=True)
                self.ambiguous = True
            pairs.append(pair)
        self.pairs = pairs
        holding = [pair for pair in pairs if pair.holds]
        self.results, self.checked = outcome(holding, len(values))
        self.has_expression = any(pair.left.first < pair.left.last for pair in holding)

    def numbers(self, texts: list[str]) -> tuple[list[Number], list[Number]]:
        """(raws, values) of numbers put into this step's gaps; the same list twice if there is no percent sign."""
        raws = [VALUES[text] for text in texts]
        skeleton = self.skeleton
        for i in skeleton.negatives:
            raws[i] = -raws[i]
        if not skeleton.percents:
            return raws, raws
        values = raws.copy()
        for i in skeleton.percents:
            values[i] = divide(raws[i], 100)
        return raws, values


def read_step(step: str) -> Step:
    """Parse a step, without its numbering or bullet."""
    return Step(without_prefix(plain(step)))


@dataclass(frozen=True)
class Equation:
    """An equation of a step. Percentages are fractions: the operands of `20% * 50 = 10` are 1/5 and 50."""

    operands: tuple[Number, ...]
    operators: tuple[str, ...]
    result: Number
    is_true: bool


def read_equations(step: str) -> list[Equation]:
    """The equations of a step: expressions with at least one operator, and the numbers that they are said to be.

    >>> read_equations("Jo sold 48/2 = 24 clips.")
    [Equation(operands=(48, 2), operators=('/',), result=24, is_true=True)]

    A chain (`2*5 + 3 = 10 + 3 = 13`) has one for each expression. Algebra (`2x + 30 = 160`) and whatever else cannot be
    parsed with certainty is left out. A result that is correctly rounded at the decimals it shows is true.
    """
    read = read_step(step)
    equations = []
    for pair in read.pairs:
        if pair.left.first == pair.left.last or (pair.weak and not pair.holds):
            continue
        try:
            _, result = pair.sides(read.values, read.raws)
        except ZeroDivisionError:
            continue
        values = read.raws if pair.reading == UNIT else read.values
        operands = tuple(values[pair.left.first : pair.left.last + 1])
        equations.append(Equation(operands, tuple(pair.left.shape.operators), result, pair.holds))
    return equations
