"""Parse a reference solution: its steps and their equations.

A step is split at its numbers into *parts*: text at even places, numbers at odd ones. Equations refer to parts by
place, so an error is written by replacing the text of a few parts and joining them.

    Natalia sold 48+24 = <<48+24=72>>72 clips.
    parts     ["Natalia sold ", "48", "+", "24", " = ", "72", " clips."]
    equation  operands 48 and 24, operator "+", result 72 in part 5

Every equation is computed to check it. One whose left side cannot be parsed from the text but has a calculator
annotation is *frozen*: its value is known, its text is never changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from prm_gsm8k.arithmetic.notation import BOLD, CURRENCY_SIGNS, without_prefix
from prm_gsm8k.synthetic.numbers import Value, operate, read_number

# Digits with thousands commas, decimals, a percent sign. It begins with a character class, which `re` finds fast.
_DIGITS = r"[0-9.](?:(?<=[0-9])[0-9]*(?:,[0-9]{3})*(?:\.[0-9]+)?|(?<=\.)[0-9]+)%?"
NUMBER = re.compile(f"({_DIGITS})")
ANNOTATION = re.compile(r"<<([^<>]*)>>")
_LETTERS = re.compile("[a-z]+")
_MARK = "\0"  # stands in a step's text where an annotation was


class Gap(NamedTuple):
    """The text between two numbers of an expression: `left` (units, closing brackets), the operator, `right`."""

    left: str
    glyph: str
    right: str
    operator: str  # one of + - * / =
    closes: int
    opens: int
    symbolic: bool  # has no words, so it can only be arithmetic


_JOIN = re.compile(
    r"([-+*/=×÷·∙–−—]|(?<![A-Za-z])[xX](?![A-Za-z])"
    r"|\b(?:times|plus|minus|divided by|multiplied by|of|equals|is|gives you)\b)"
    rf"(\s*[$£€]?\s*{_MARK}?(\(*)\s*[$£€]?\s*{_MARK}?)\Z"
)
_UNITS = re.compile(rf"[A-Za-zÀ-ɏ'’./() {CURRENCY_SIGNS}-]*")  # "minutes/smoothie", "sq. ft.", "half-days)"
_STRAY = re.compile(r"(?<!\A)(?<![A-Za-z])[-/]|\A-|[-/](?![A-Za-z])|\.\s+\S|\b[xX]\b")
_OPERATOR = {
    "+": "+", "plus": "+", "-": "-", "–": "-", "−": "-", "—": "-", "minus": "-", "*": "*", "×": "*", "·": "*",
    "∙": "*", "x": "*", "X": "*", "times": "*", "of": "*", "multiplied by": "*", "/": "/", "÷": "/",
    "divided by": "/", "=": "=", "equals": "=", "is": "=", "gives you": "=",
}  # fmt: skip
_BEHIND_OPERATOR = f" $£€({_MARK}"
_OPERATOR_ENDS = frozenset(glyph[-1] for glyph in _OPERATOR)


def read_gap(text: str) -> Gap | None:
    """Parse the text between two numbers; None if it does not join them into an expression or an equation."""
    # Most gaps are prose that is seen once. One that joins two numbers ends in an operator or a word that means one.
    if len(text) > 60 or text.rstrip(_BEHIND_OPERATOR)[-1:] not in _OPERATOR_ENDS:
        return None
    return _read_gap(text)


@lru_cache(maxsize=100_000)
def _read_gap(text: str) -> Gap | None:
    match = _JOIN.search(text)
    if match is None:
        return None
    glyph, right, opens = match.groups()
    left = text[: match.start()]
    if not _UNITS.fullmatch(left) or _STRAY.search(left) or left.count(" ") > 7:
        return None
    # "is", "equals" and the like are an equals sign only if an annotation follows.
    if _OPERATOR[glyph] == "=" and glyph != "=" and _MARK not in right:
        return None
    worded = any(map(str.isalpha, left))
    if worded and glyph.isalpha():
        # "5 apples x 3": yes. "2 times giving a total of 3": no; "of" follows its number at once.
        if (glyph not in "xX" and _MARK not in right) or not left[-1].isspace():
            return None
    return Gap(
        left,
        glyph,
        right,
        _OPERATOR[glyph],
        left.count(")") - left.count("("),
        len(opens),
        symbolic=not worded and (not glyph.isalpha() or glyph in "xX"),
    )


@dataclass(slots=True)
class Equation:
    """A node of the graph: operands joined by operators, and the result."""

    step: int
    operands: list[Value]
    operators: list[str]  # one fewer than operands
    opens: list[int]  # brackets opened before each operand
    closes: list[int]  # brackets closed after each operand
    places: list[int]  # place of each operand; empty if the text has no left side
    result: Value
    result_place: int
    frozen: bool  # the text has a left side that could not be parsed
    cents: bool  # the result is money, and some number of the solution has decimals
    tail: int = -1  # place of the text with the equals sign


class Mention(NamedTuple):
    """A number in the prose of a step: neither operand nor result of an equation."""

    step: int
    place: int
    value: Value
    tangled: bool  # may belong to an equation that was not read
    operands: tuple[tuple[int, int], ...]  # (equation, operand) of the same step with this value


@dataclass(slots=True)
class Solution:
    """A reference solution as a graph. `steps[i]` are the parts of step i."""

    question: str
    steps: list[list[str]]
    equations: list[Equation]
    mentions: list[Mention]
    final: int  # the equation whose result is the answer
    answer: Value
    answer_text: str
    comparisons: frozenset[int]  # steps with a comparison: "200 < 220"
    question_words: frozenset[str]  # of the question, in lower case
    words: dict[int, frozenset[str]] = field(default_factory=dict)

    def words_of(self, step: int) -> frozenset[str]:
        """The words in a step's prose, in lower case."""
        words = self.words.get(step)
        if words is None:
            words = self.words[step] = frozenset(_LETTERS.findall("  ".join(self.steps[step][0::2]).lower()))
        return words


class UnreadableError(ValueError):
    """The solution cannot be parsed. The message is one of a few fixed reasons."""


def compute(operands: list[Value], operators: list[str], opens: list[int], closes: list[int]) -> Value:
    """The exact value of an expression: operands, the operators between them, brackets opened and closed at each.

    Raises:
        ZeroDivisionError, IndexError: it divides by zero; its brackets do not match.
    """
    if len(operands) == 2:
        return operate(operators[0], operands[0], operands[1])
    if len(operands) == 1:
        return operands[0]
    # Operator precedence with two stacks; an open bracket stops the reduction.
    values: list[Value] = []
    pending: list[str] = []

    def reduce(strong: bool) -> None:
        while pending and pending[-1] != "(" and (not strong or pending[-1] in "*/"):
            right = values.pop()
            values[-1] = operate(pending.pop(), values[-1], right)

    last = len(operators)
    for i, operand in enumerate(operands):
        pending.extend("(" * opens[i])
        values.append(operand)
        for _ in range(closes[i]):
            reduce(False)
            pending.pop()
        if i < last:
            reduce(operators[i] in "*/")
            pending.append(operators[i])
    reduce(False)
    return values[0]


_COMPARISON = re.compile(r"[<>≤≥≠]")
_ORDINAL = frozenset(("st", "nd", "rd", "th"))
_MONEY = re.compile(rf"[$£€]\s*{_MARK}?\Z")
_ANNOTATION_TOKEN = re.compile(r"\d+(?:\.\d*)?%?|\.\d+%?|[-+*/()]")


def read_expression(text: str) -> tuple[list[Value], list[str], list[int], list[int]] | None:
    """Parse a calculator expression such as `(3+4)*2` into the arguments of `compute`; None if it is anything else."""
    if "," in text:
        text = text.replace(",", "")
    operands: list[Value] = []
    operators: list[str] = []
    opens: list[int] = []
    closes: list[int] = []
    depth = opening = position = 0
    want_operand = True
    for match in _ANNOTATION_TOKEN.finditer(text):
        if match.start() != position and text[position : match.start()].strip():
            return None
        position = match.end()
        token = match[0]
        if want_operand:
            if token == "(":
                opening += 1
                depth += 1
            elif token in "+-*/)":
                return None
            else:
                operands.append(read_number(token if token[-1] != "." else token[:-1]))
                opens.append(opening)
                closes.append(0)
                opening, want_operand = 0, False
        elif token == ")":
            depth -= 1
            if depth < 0:
                return None
            closes[-1] += 1
        elif token in "+-*/":
            operators.append(token)
            want_operand = True
        else:
            return None
    if want_operand or depth or text[position:].strip():
        return None
    return operands, operators, opens, closes


_UNFINISHED = re.compile(r"[-+*/×÷·(]\s*\w*\s*\)?\s*\Z")


def _continues(before: str) -> bool:
    """Whether the text before an expression is part of it: "x + 3*4", "2x - 3*4", "5(3*4", "= 3*4"."""
    head = before.rstrip(" $£€")
    if not head:
        return False
    last = head[-1]
    if last in "-+*/×÷·":
        return True
    if last == "(":
        return head[-2:-1].isalnum() or head[-2:-1] == ")"
    if last == "=":  # "Vail = 20 - 5" names a quantity; "2x + 3 = 20 - 5" does not
        return _UNFINISHED.search(head[:-1]) is not None
    if last.isalpha() and last not in "aAI" and not head[-2:-1].isalnum():
        return head[-2:-1] not in ("'", "’")  # a variable; not the end of "that's"
    return False


def read_solution(question: str, answer: str) -> Solution:
    """Parse a GSM8K answer: steps on lines, `<<48/2=24>>` annotations, and a last line `#### 72`.

    Raises:
        UnreadableError: `no final answer`, `answer is not a number`, `no step`, `no equation`,
            `unreadable equation: ` with the equation, or `answer is no result`.
    """
    body, hashes, stated = answer.rpartition("####")
    if not hashes:
        raise UnreadableError("no final answer")
    answer_text = stated.strip().lstrip("$").replace(" ", "")
    try:
        answer_value = read_number(answer_text)
    except (ValueError, ZeroDivisionError):
        raise UnreadableError("answer is not a number") from None
    steps: list[list[str]] = []
    equations: list[Equation] = []
    loose: list[tuple[int, int, Value, bool]] = []  # (step, place, value, whether it may belong to an unread equation)
    for line in body.split("\n"):
        line = _written_plainly(line.strip())
        if line:
            _read_step(line, len(steps), steps, equations, loose)
    if not steps:
        raise UnreadableError("no step")
    if not equations:
        raise UnreadableError("no equation")
    if all(type(value) is int for equation in equations for value in (*equation.operands, equation.result)):
        for equation in equations:
            equation.cents = False
    final = max((i for i, equation in enumerate(equations) if equation.result == answer_value), default=-1)
    if final < 0:
        raise UnreadableError("answer is no result")
    comparisons: frozenset[int] = frozenset()
    if _COMPARISON.search(ANNOTATION.sub("", body)):
        comparisons = frozenset(i for i, parts in enumerate(steps) if any(map(_COMPARISON.search, parts[0::2])))
    mentions = [
        Mention(step, place, value, tangled, _beside(step, value, equations)) for step, place, value, tangled in loose
    ]
    return Solution(
        question,
        steps,
        equations,
        mentions,
        final,
        answer_value,
        answer_text,
        comparisons,
        frozenset(_LETTERS.findall(question.lower())),
    )


def _written_plainly(line: str) -> str:
    """A step without bullet, heading and bold print; rows get those that their style has."""
    if not line[:1].isdigit():  # `12. He` may end a sentence
        line = without_prefix(line)
    return BOLD.sub("", line) if "**" in line else line


def _read_step(
    line: str, step: int, steps: list[list[str]], equations: list[Equation], loose: list[tuple[int, int, Value, bool]]
) -> None:
    annotations: list[str] = []
    if "<<" in line:
        cut = ANNOTATION.split(line)
        annotations = cut[1::2]
        line = _MARK.join(cut[0::2])
    parts = NUMBER.split(line)
    count = len(parts)
    gaps = [read_gap(text) for text in parts[2 : count - 1 : 2]]  # gaps[i] joins numbers i and i+1
    in_equation: set[int] = set()
    marks = parts[0].count(_MARK)
    for i, gap in enumerate(gaps):
        place = 2 * i + 2  # of the gap; the result follows it
        marked = parts[place].count(_MARK)
        marks += marked
        if (gap is None or gap.operator != "=") and not marked:
            continue
        annotation = annotations[marks - 1] if marked else None
        equation = _read_equation(parts, gaps, i, step, annotation)
        if equation is None:
            continue
        in_equation.update(equation.places)
        in_equation.add(equation.result_place)
        equations.append(equation)
    if annotations and parts[0].count(_MARK) and count > 1:  # the step opens with its result: "<<3*4=12>>12 apples"
        equation = _annotated(annotations[0], parts, 1, step, frozen="=" in parts[0])
        if equation is not None:
            equations.append(equation)
            in_equation.add(1)
    for place in range(1, count, 2):
        if place not in in_equation:
            if parts[place + 1][:2] in _ORDINAL or parts[place - 1][-1:].isalpha():
                continue  # 1st, 22nd, B2 are not quantities
            at = place // 2
            tangled = (at > 0 and gaps[at - 1] is not None) or (at < len(gaps) and gaps[at] is not None)
            loose.append((step, place, read_number(parts[place]), tangled))
    if annotations:
        for place in range(0, count, 2):
            if _MARK in parts[place]:
                parts[place] = parts[place].replace(_MARK, "")
    steps.append(parts)


def _read_equation(
    parts: list[str], gaps: list[Gap | None], at: int, step: int, annotation: str | None
) -> Equation | None:
    """The equation whose equals sign is in gap `at`; None if there is none, or none that is true."""
    result_place = 2 * at + 3
    equals = gaps[at]
    first = at
    while first > 0:
        gap = gaps[first - 1]
        if gap is None or gap.operator == "=":
            break
        first -= 1
    after = gaps[at + 1] if at + 1 < len(gaps) else None
    plain = after is None or after.operator == "=" or not after.symbolic
    if equals is not None and first < at and plain:
        before = parts[2 * first]
        opens = [0] * (at - first + 1)
        closes = [0] * (at - first + 1)
        head = before.rstrip("$£€ ")
        opens[0] = len(head) - len(head.rstrip("("))
        operators = []
        symbolic = equals.symbolic
        for i in range(first, at):
            gap = gaps[i]
            assert gap is not None
            operators.append(gap.operator)
            closes[i - first] = gap.closes
            opens[i - first + 1] = gap.opens
            symbolic = symbolic and gap.symbolic
        closes[-1] = equals.closes
        opens[0] -= max(0, sum(opens) - sum(closes))  # a bracket of the prose around it
        if opens[0] >= 0 and sum(opens) == sum(closes):
            operands = [read_number(parts[2 * i + 1]) for i in range(first, at + 1)]
            result = read_number(parts[result_place])
            try:
                value = compute(operands, operators, opens, closes)
            except (ZeroDivisionError, IndexError):
                value = None
            text = parts[result_place]
            if value != result and text[-1] == "%" and value == read_number(text[:-1]):
                parts[result_place], parts[result_place + 1] = (
                    text[:-1],
                    "%" + parts[result_place + 1],
                )  # 100 - 15 = 85%
                result = value
            frozen = (
                equals.glyph != "="
                or parts[result_place + 1][:2] in _ORDINAL
                or (first > 0 and gaps[first - 1] is not None)
                or (not opens[0] and _continues(before))
            )
            if value == result:
                places = [2 * i + 1 for i in range(first, at + 1)]
                return Equation(
                    step,
                    operands,
                    operators,
                    opens,
                    closes,
                    places,
                    result,
                    result_place,
                    frozen,
                    cents=_MONEY.search(parts[result_place - 1]) is not None,
                    tail=2 * at + 2,
                )
            if annotation is None:
                if symbolic and not frozen:
                    raise _unreadable(parts)
                return None
    if annotation is None:
        return None
    return _annotated(annotation, parts, result_place, step, frozen="=" in parts[2 * at + 2])


def _unreadable(parts: list[str]) -> UnreadableError:
    return UnreadableError(f"unreadable equation: {''.join(parts).replace(_MARK, '')}")


def _annotated(annotation: str, parts: list[str], result_place: int, step: int, frozen: bool) -> Equation | None:
    """The equation that only the calculator annotation states; no part of the text is its left side."""
    left = annotation.rpartition("=")[0]
    read = read_expression(left)
    if read is None or len(read[0]) < 2:
        return None
    operands, operators, opens, closes = read
    result = read_number(parts[result_place])
    try:
        is_true = compute(operands, operators, opens, closes) == result
    except ZeroDivisionError:
        is_true = False
    if not is_true:
        raise _unreadable(parts)
    cents = _MONEY.search(parts[result_place - 1]) is not None
    return Equation(step, operands, operators, opens, closes, [], result, result_place, frozen, cents)


def _beside(step: int, value: Value, equations: list[Equation]) -> tuple[tuple[int, int], ...]:
    """The (equation, operand) of a step that have a value."""
    return tuple(
        (index, operand)
        for index, equation in enumerate(equations)
        if equation.step == step
        for operand, other in enumerate(equation.operands)
        if other == value
    )
