r"""Find false equations in the free text of a step, whoever wrote it, without a model.

    >>> [str(e) for e in false_equations("Each of the 4 bags costs $3, so 4 x $3 = $15.")]
    ['4 x $3 = $15, but it is 12']
    >>> first_false_equation(["12/3 = 4 apples each", r"So \(4 \times 5 = 21\) in all."])
    1

A true equation proves little, a false one a lot. So precision comes before recall: an equation that cannot be parsed,
or that may be meant in a way in which it is true, is not reported. `7/2 = 3` cars, `18 * 0.33 = 6`, `$50 - 20% = $40`,
`20 * 45 cents = $9` and algebra all pass. `benchmarks/arithmetic.py` lists what is reported in GSM8K's own solutions.

Equations are parsed by `equations.py`, which knows LaTeX, units, chains and rounded decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from prm_gsm8k.arithmetic.equations import Number, Pair, Shape, Step, apply, divide, evaluate
from prm_gsm8k.arithmetic.notation import CURRENCY_SIGNS, plain, readings, without_prefix


@dataclass(frozen=True)
class FalseEquation:
    """An equation that is false however it is read.

    Attributes:
        text: its text in the step, LaTeX as plain text.
        value: the value of its left side.
        stated: the value of its right side.
    """

    text: str
    value: Number
    stated: Number

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, int) else float(self.value)
        return f"{self.text}, but it is {value:.6g}" if isinstance(value, float) else f"{self.text}, but it is {value}"


def false_equations(step: str) -> list[FalseEquation]:
    """The false equations of a step, in the order of its text."""
    if _has_none(step):
        return []
    body, *others = _ways_to_read(step)
    false = _false_in(body, step)
    return [] if false and any(map(_holds, others)) else false


def unread_equations(step: str) -> list[str]:
    """The equations of a step that are neither true nor, for certain, false: `5 / 2 = 2`, of `5 / 2 = 2 r1`."""
    if _has_none(step) or any(map(_holds, _ways_to_read(step))):
        return []
    read = Step(_ways_to_read(step)[0])
    false = {equation.text for equation in false_equations(step)}
    found = [_span(read, pair.left.first, pair.right.last) for pair in read.pairs if not pair.holds]
    if not found and read.skeleton.spoiled:
        found = [" ".join(step.split())]
    return [text for text in found if text not in false]


def _has_none(step: str) -> bool:
    says = "=" in step or "≈" in step or "equal" in step or r"\approx" in step
    return not says or _ENDLESS.search(step) is not None


def _ways_to_read(step: str) -> list[str]:
    """The step in plain notation, the likeliest way to read it first."""
    text = _PERCENT_OF.sub("% * ", plain(step))
    # `80.000 - 500 = 79.500` may have no decimal point, `- 5 + 8 = 3` no bullet.
    return [*readings(without_prefix(text)), text]


def _holds(body: str) -> bool:
    pairs = Step(body).pairs
    return bool(pairs) and all(pair.holds for pair in pairs)


def _false_in(body: str, step: str) -> list[FalseEquation]:
    read = Step(body)
    false = []
    for pair in read.pairs:
        if pair.holds or pair.left.first == pair.left.last or (pair.weak and not _comes_to_a_fraction(read, pair)):
            continue
        try:
            value, stated = pair.sides(read.values, read.raws)
        except ZeroDivisionError:
            continue
        text = _span(read, pair.left.first, pair.right.last)
        if not _doubtful(read, pair, text) and not _may_be_meant(read, pair, text, step):
            false.append(FalseEquation(text, value, stated))
    return false


def first_false_equation(steps: Sequence[str]) -> int:
    """Index of the first step with a false equation, -1 if there is none (ProcessBench's convention)."""
    return next((i for i, step in enumerate(steps) if false_equations(step)), -1)


def _comes_to_a_fraction(read: Step, pair: Pair) -> bool:
    """Whether a pair is weak only because its right side is a fraction: `1/2 + 1/3 = 5/7`."""
    before = next(p for p in read.skeleton.pairs if p.left.first == pair.left.first)
    if before.weak or pair.left.shape.operators == "/":  # `1/3 of them = 66/3` is a third of something
        return False
    return pair.right.shape.operators == "/" and read.gaps[pair.right.last] == "/"


# --- the text of an equation ------------------------------------------------------------------------------------------

_ENDLESS = re.compile(r"\d{200}")  # a model in a loop; Python reads no int of more than 4,300 digits
_PERCENT_OF = re.compile(rf"(?<=\d)%\s+of\s+(?=[{CURRENCY_SIGNS}]?\d[\d,.]*\s*=)")  # 20% of $10 = $2


def _span(read: Step, first: int, last: int) -> str:
    """The text of the step from number `first` to `last`, with the currency or minus sign before."""
    between = "".join(
        read.texts[k] + (read.gaps[k + 1] if k < last else "") for k in range(first, last + 1)
    )  # fmt: skip
    opening = re.search(rf"[-(\s{CURRENCY_SIGNS}]*\Z", read.gaps[first])
    percent = read.gaps[last + 1].lstrip()[:1] == "%"
    return " ".join(((opening[0] if opening else "") + between + ("%" if percent else "")).split())


# --- what cannot be parsed with certainty -----------------------------------------------------------------------------

_SENTENCE_END = re.compile(r"[.;!?\n](?:\s|\Z)")
_UNFINISHED_LEFT = re.compile(rf"(?:[-+*/^_)]\s*[(\s.,{CURRENCY_SIGNS}]*|:|[A-Za-z_]\(*)\Z|\A\s*[,.]\s*\Z")
_UNFINISHED_RIGHT = re.compile(r"\s*(?:[+*/^:(]|-\s*(?:[\d(]|[A-Za-z]\b))|[A-Z][a-z]|[A-Za-z]\b(?<![mgLlhskKM])|[°!²³]")
_AND_MORE = re.compile(r"[^.;,]{0,24}\b(?:and|remainder|left ?over|r)\W*\Z")  # 4 hours and 40 minutes
_ALGEBRA = re.compile(
    r"(?<![A-Za-z'’\\])(?:[b-hj-wyzB-HJ-WYZ](?![A-Za-zÀ-ɏ'’.°])|[xX](?=\s*[-+=)])|(?<=[-+=(])\s*[xX](?!\s*\d))"
)
_LABEL = re.compile(r".*=[(\s]*\Z", re.DOTALL)  # `x = `: what follows stands for itself
_OTHER_KIND = re.compile(
    r"\^|:\d|(?<![\d.,])0\d|\b[ap]\.?m\b|[√!²³]|\bmod\b|\d(?:st|nd|rd|th)\b|\d-[A-Za-z]|\d[A-WYZ]|\d\(\s*[A-Za-z]"
    r"|\d[xX]\(|\d\s*[xX]\b(?!\s*[\d$(])"
)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had)\b")


def _doubtful(read: Step, pair: Pair, text: str) -> bool:
    """Whether the equation may be part of something longer or of algebra, or has clock times, powers or mixed units."""
    first, last = pair.left.first, pair.right.last
    before, after = read.gaps[first], read.gaps[last + 1]
    if first in read.skeleton.negatives:
        before = before.rpartition("-")[0]
    if _UNFINISHED_LEFT.search(before) or _UNFINISHED_RIGHT.match(after) or _AND_MORE.match(after):
        return True
    whole = before[-3:] + text + after[:3]
    if (
        _VERB.search(text)
        or _OTHER_KIND.search(whole)
        or _ALGEBRA.search(_LABEL.sub("", _SENTENCE_END.split(before)[-1]) + text)
    ):
        return True
    if _mixes_units(text + after[:12]):
        return True
    # An expression before it in its sentence, in no other equation, may be part of it: `20 + 10 to the 29 + 24 = 83`.
    inside = {k for p in read.pairs for k in range(p.left.first, p.right.last + 1)}
    for k in range(first - 1, 0, -1):
        if _SENTENCE_END.search(read.gaps[k + 1]) or k in inside:
            break
        if re.search(r"[-+*/]\s*[$(]*\Z|%\s*of", read.gaps[k]):
            return True
    return False


_LETTER = re.compile("[A-Za-z¢]")
_KINDS_OF_UNIT = [
    [re.compile(rf"(?<![A-Za-z/])(?:{unit})(?![A-Za-z])", re.IGNORECASE) for unit in units.split()]
    for units in (
        r"dollars?|\$ cents?|¢",
        "years? months? weeks? days? hours?|hrs? minutes?|mins? seconds?|secs?",
        "miles? yards? feet|foot|ft inch(?:es)?",
        "kilomet(?:er|re)s?|km met(?:er|re)s?|m centimet(?:er|re)s?|cm millimet(?:er|re)s?|mm",
        "tons? pounds?|lbs? ounces?|oz",
        "kilograms?|kilos?|kg grams?|g milligrams?|mg",
        "gallons? quarts? pints? cups? ounces?|oz",
        "lit(?:er|re)s?|l millilit(?:er|re)s?|ml",
    )
]


def _mixes_units(text: str) -> bool:
    """Whether the text has two units of one kind: `4 pounds - 6 ounces = 58 ounces`."""
    if _LETTER.search(text) is None:  # then the only unit is $
        return False
    return any(sum(unit.search(text) is not None for unit in kind) > 1 for kind in _KINDS_OF_UNIT)


# --- what it may be meant to say --------------------------------------------------------------------------------------

_ROUGHLY = re.compile(
    r"≈|~|\\approx|\b(?:about|approx|approximately|roughly|around|round\w*|nearly|almost)\b", re.IGNORECASE
)
# Factors between units -> words of the units.
_UNIT_FACTORS = {
    100: r"cent|¢|%|\bcm\b|hundred",
    1000: r"thousand|\bk|kilo|\bm[lmg]\b|liter|litre|milli",
    10**6: "million",
    60: "hour|minute|second",
    3600: "hour|second",
    24: "day|hour",
    7: "week|day",
    12: "feet|foot|inch|dozen|year|month",
    16: "pound|ounce",
    3: "yard|feet|foot",
    4: "quart|gallon|month|week",
    30: "month|day",
    52: "week|year",
    365: "year|day",
}
_FACTORS = {factor: re.compile(words) for n, words in _UNIT_FACTORS.items() for factor in (n, Fraction(1, n))}


def _may_be_meant(read: Step, pair: Pair, text: str, step: str) -> bool:
    """Whether the equation is true in some way that people may mean it."""
    shape, first, right = pair.left.shape, pair.left.first, pair.right.first
    fraction = pair.right.first != pair.right.last
    written = "" if fraction else read.texts[right]
    loose = _ROUGHLY.search(step) is not None
    for numbers in (read.values, read.raws):
        for stated in {pair.right.shape.value(read.values, right), pair.right.shape.value(read.raws, right)}:
            for value in _readings(read, pair, numbers):
                if value == stated if fraction else _is_about(value, stated, written, loose):
                    return True
                words = _FACTORS.get(divide(stated, value)) if value else None
                if words is not None and words.search(step):
                    return True
                # `8 packs of 5 bags * $4 = $160`, `10 pages on day 1 * 2 = 20`: the number before it is part of it.
                if first and not re.search(r"[.;:,!?\n]", read.gaps[first]):
                    for other in (read.values[first - 1], read.raws[first - 1]):
                        instead = _value(shape, [other, *numbers[first + 1 : pair.left.last + 1]])
                        if stated in (other * value, instead):
                            return True
    return False


def _readings(read: Step, pair: Pair, numbers: Sequence[Number]) -> Iterator[Number]:
    """The values that the left side may have, as written and as people may mean it."""
    shape, first = pair.left.shape, pair.left.first
    operators = shape.operators
    own = list(numbers[first : first + len(operators) + 1])
    texts = read.texts[first : first + len(own)]
    exact = _value(shape, own)
    if exact is not None:
        yield exact
        yield -exact  # a difference the other way round, or a minus sign that was not parsed
    # A repeating decimal, cut: 0.33 is 1/3, 5.67 is 17/3.
    repeating = [k for k, text in enumerate(texts) if "." in text and _fraction_of(own[k], text) is not None]
    if repeating:
        changed = own.copy()
        for k in repeating:
            changed[k] = _fraction_of(own[k], texts[k]) or own[k]
        if (value := _value(shape, changed)) is not None:
            yield value
    try:
        # From left to right, as on a pocket calculator: 100 - 4 / 6 = 16.
        yield _fold(own, operators)
        # A fraction written tight: 40 / 1/3 = 120.
        for k in range(1, len(operators)):
            if operators[k - 1 : k + 1] == "//":
                joined = [*own[:k], divide(own[k], own[k + 1]), *own[k + 2 :]]
                yield _fold(joined, operators[:k] + operators[k + 1 :])
        # A percentage of what stands before it: $50 - 20% = $40.
        last = pair.left.last
        if operators[-1] in "+-" and read.values[last] != read.raws[last]:
            base = _fold(own[:-1], operators[:-1])
            yield apply(operators[-1], base, base * own[-1])
        # The second equation of `2*4 = 8 + 3*5 = 15` is about the last product alone.
        if any(other.right.first == first for other in read.pairs):
            for k in range(1, len(own)):
                if operators[k - 1] in "+-":
                    yield _fold(own[k:], operators[k:])
    except ZeroDivisionError:
        return


def _value(shape: Shape, operands: Sequence[Number]) -> Number | None:
    try:
        return evaluate(shape.tree, operands) if shape.operators else operands[0]
    except ZeroDivisionError:
        return None


def _fold(operands: Sequence[Number], operators: str) -> Number:
    value = operands[0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        value = apply(operator, value, operand)
    return value


def _is_about(value: Number, stated: Number, written: str, loose: bool) -> bool:
    """Whether `stated`, written as `written`, is `value` rounded or cut at its last place.

    `7/2 = 3` and `7/2 = 4` pass (whole buses, whole days), `3/2 = 0.5` does not. So do the rounding errors of floats
    and, if `loose` (the step says `about`), up to 5%, as when rounding to two digits.
    """
    difference = abs(Fraction(value) - Fraction(stated))
    places = len(written) - written.index(".") - 1 if "." in written else 0
    return (
        difference < Fraction(1, 10**places)
        or difference <= abs(Fraction(value)) * Fraction(1, 10**9)
        or (loose and difference <= abs(Fraction(value)) * Fraction(1, 20))
    )


def _fraction_of(value: Number, text: str) -> Fraction | None:
    """The fraction over 3, 6, 7 or 9 of which a decimal of two or more places is rounded or cut, if any."""
    places = len(text) - text.index(".") - 1
    if places < 2:
        return None
    unit = Fraction(1, 10**places)
    for parts in (3, 6, 7, 9):
        for numerator in (int(value * parts), int(value * parts) + 1):
            fraction = Fraction(numerator, parts)
            if fraction != value and (abs(fraction - value) <= unit / 2 or 0 <= fraction - value < unit):
                return fraction
    return None
