r"""Is a solution's final answer correct? Numbers are compared as numbers, expressions by math-verify.

    >>> final_answer("So she makes 9 * $2 = $18 a day.\n#### 18"), final_answer(r"Hence \boxed{\$1{,}200}.")
    ('18', '1200')
    >>> [is_right(f"The answer is {a}.", "18") for a in ("$18", "18.00", r"\boxed{2 \times 9}", "**18** eggs", "118")]
    [True, True, True, True, False]

A grader that searches the text for the reference accepts `5` in `15`, one incorrect answer in ten; one that compares
strings rejects `$18`. Both make incorrect labels. `benchmarks/grading.py` measures this grader.
"""

from __future__ import annotations

import logging
import re
from fractions import Fraction

from prm_gsm8k.arithmetic.notation import (
    CURRENCY_SIGNS,
    TAG,
    plain_numbers,
    readings,
    uses_decimal_comma,
    with_decimal_points,
)
from prm_gsm8k.exceptions import UsageError

_THOUGHTS = re.compile(r"\A.*</think>", re.DOTALL)
# Announcements of the answer. `A:` and `Answer:` begin a line; the others may occur inside a sentence.
_ANNOUNCED = re.compile(
    r"####|\\boxed\s*(?=\{)|^\W*(?:A|Ans|Answer|ANSWER)\b\W*?[:=]"
    r"|\b(?:the|my|our|final|correct)(?: \w+){0,2}? answer\b[^\w\n.?]{0,4}(?:is|was|=|:)(?: that\b)?"
    r"|\bfinal answer\b[^\w\n.?]{0,4}(?:is|=|:)",
    re.MULTILINE | re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:[^.?!\n]|[.?!](?!\s|\Z|\*|\)|\\|\"))*(?P<end>[.?!\n]|\Z)")
_LAST_LINE = re.compile(
    r"^[ \t]*(?:####[ \t]*\W{0,3}[\d.,]+%?|\**(?:(?:So|Thus|Hence|Therefore),? )?[Tt]he (?:final )?answer is.*\d.*"
    r"|\**Final [Aa]nswer:.*\d.*)[^\w\n]*$",
    re.MULTILINE,
)
_DECORATION = re.compile(
    r"\*\*|__|\\[()\[\]]|\\(?:left|right|,|;|!|quad)|\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}|\$(?=\s*\\|\s*\Z)|`"
)
_CURRENCY = rf"\\?[{CURRENCY_SIGNS}]\s*"
_DIGITS = r"(?:\d{1,3}(?:(?:,|\{,\}| )\d{3})+(?!\d)|\d+)"
_FRACTION = r"\\[dt]?frac\s*\{?(\d+)\}?\s*\{?(\d+)\}?"
_NUMBER = re.compile(
    rf"(?<![A-Za-zÀ-ɏ\d_.,:/^\\])(?P<sign>[-−–])?(?:{_CURRENCY})?(?P<inner>[-−–])?"
    rf"(?:(?P<number>{_DIGITS}(?:\.\d+)?|\.\d+)(?:(?:\s*|\s+and\s+){_FRACTION}|(?:\s+|\s+and\s+)(\d+)/(\d+)(?![\d/]|\.\d)|\s*/\s*(?P<over>\d+)(?![\d/]|\.\d))?"
    rf"|{_FRACTION})(?P<percent>\s*(?:\\?%|percent\b))?(?!:\d|[xyz]\b)"
)
_GOES_ON = re.compile(r"\s*(?:[-+*/×÷·^]\s*[\d({\\$]|\\(?:times|cdot|div|sqrt|pi|frac))")
_MATHEMATICS = re.compile(r"(?:[\d\s.,+\-*/^(){}×÷·$]|\\(?:[dt]?frac|sqrt|times|cdot|div|pi))+\Z")
_EQUALS = re.compile(r"[=≈]|\bequals?(?: to)?\b|\bwhich is\b")
_NAMES = re.compile(r"-[A-Za-z]")
_COMES_FROM = re.compile(r"\S\s*[-+*/^]\s*[$(]*\Z")
_LONGEST_NUMBER = 200  # characters; a looping model writes thousands, more than Python parses as an int
_LARGE_POWER = re.compile(r"\^\s*\{?+\s*(?:\d{3}|[({\\])|\^.*\^")  # takes sympy minutes, or all memory


def final_answer(text: str) -> str | None:
    r"""A solution's final answer: a number without currency, commas or unit (`18.00`, `70%`), else its text.

    The last announced answer counts (`#### 18`, `\boxed{18}`, `The answer is 18`, `A: 18`); without one, the last
    number of the text, or the result of its last equation. None if there is no number.
    """
    text = plain_numbers(TAG.sub("", _THOUGHTS.sub("", text)))
    if uses_decimal_comma(text):
        text = with_decimal_points(text)
    for match in reversed(list(_ANNOUNCED.finditer(text))):
        said = _boxed(text, match.end()) if match[0].startswith("\\boxed") else _said(text, match.end())
        if said and (answer := _answer_in(said, first=True)) is not None:
            return answer
    for sentence in reversed(re.split(r"(?<=[.?!])\s|\n", text)):
        if (answer := _answer_in(sentence, first=False)) is not None:
            return answer
    return None


def through_answer(text: str) -> str:
    """The text up to the first line that only announces the answer; small models ramble on after it.

    >>> through_answer("2 + 2 = 4\\nThe answer is 4.\\n\\nProblem: Tom has 7")
    '2 + 2 = 4\\nThe answer is 4.'
    """
    match = _LAST_LINE.search(text)
    return text[: match.end()] if match else text


def is_right(text: str, reference: str) -> bool:
    """Whether the final answer of a solution, or of a continuation of one, is the reference answer.

    A percentage may be written either way (`70%` is 70 and 0.7), a fraction as a decimal; a rounded number is not it.

    Raises:
        UsageError: math-verify is not installed. Only expressions need it, but labels must not depend on what is
            installed.
    """
    try:
        from math_verify import parse, verify
    except ModuleNotFoundError as error:
        raise UsageError(f"grading needs {error.name}: pip install 'prm-gsm8k[sample]'") from error
    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its time is not limited; see below
    answer = final_answer(text)
    if answer is None:
        return False
    ours, theirs = numbers(answer), numbers(reference)
    if ours and theirs:
        return any(abs(a - b) <= abs(b) * Fraction(1, 10**9) for a in ours for b in theirs)  # 0.30000000000000004
    for side in (answer, reference):
        if not _MATHEMATICS.match(side) or _LARGE_POWER.search(side) or len(side) > _LONGEST_NUMBER:
            return False
    # Without its own time limits, which need the main thread; slow inputs were rejected above.
    read = [parse(f"${side.replace('$', '')}$", parsing_timeout=None) for side in (reference, answer)]
    return bool(read[0] and read[1] and verify(*read, timeout_seconds=None))


def numbers(text: str) -> list[Fraction]:
    """The values of a written number, none if it is not one: of `70%` 70 and 7/10, of `1.250` 5/4 and 1250."""
    values = []
    for reading in readings(plain_numbers(text.strip())) if len(text) <= _LONGEST_NUMBER else ():
        match = _NUMBER.match(reading)
        if match and match.end() == len(reading.rstrip(". ")) and (value := _value(match)) is not None:
            values += [value, value / 100] if match["percent"] else [value]
    return values


def _boxed(text: str, start: int) -> str:
    """The content of the first brace after `start`."""
    depth = 0
    for end in range(text.index("{", start), len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[text.index("{", start) + 1 : end]
    return ""


def _said(text: str, start: int) -> str:
    """The sentence after an announcement; empty if it is a question."""
    start += len(text[start:]) - len(text[start:].lstrip(" \t\n*:="))
    match = _SENTENCE.match(text, start)
    return "" if match is None or match["end"] == "?" else match[0]


def _answer_in(sentence: str, first: bool) -> str | None:
    """The answer in a sentence: the result of its last equation, else its first or its last number."""
    plain = _DECORATION.sub(lambda word: f" {word[1]} " if word[1] else " ", sentence).strip()
    right = _EQUALS.split(plain)[-1]
    found = list(_NUMBER.finditer(right))
    equals = bool(found) and right != plain
    if not found:
        right, found = plain, list(_NUMBER.finditer(plain))
    # `the 400-meter run`, `(or 1.5 dozen)`: the answer only if there is no other number.
    found = [m for m in found if not _NAMES.match(right, m.end()) and not _bracketed(right, m.start())] or found
    if not found:
        return plain.rstrip(". ") or None if first and re.search(r"\d|\\", plain) else None
    match = found[0] if first or equals else found[-1]
    whole = right.rstrip(". ")
    if first and _GOES_ON.match(right, match.end()) and _MATHEMATICS.match(whole):
        return whole  # 3 * 6
    if first and _COMES_FROM.search(right, 0, match.start()):
        return whole  # x - 4
    return _written(match)


def _bracketed(text: str, place: int) -> bool:
    return text.count("(", 0, place) > text.count(")", 0, place)


def _written(match: re.Match[str]) -> str:
    """A number as written, without currency and commas."""
    sign = "-" if match["sign"] or match["inner"] else ""
    whole = (match["number"] or "").replace("{,}", "")
    whole = re.sub("[, ]", "", whole)
    parts = [group for group in match.group(4, 5, 6, 7, 9, 10) if group]
    if match["over"]:
        whole += f"/{match['over']}"
    elif parts:
        whole += (" " if whole else "") + "/".join(parts)
    return sign + whole + ("%" if match["percent"] else "")


def _value(match: re.Match[str]) -> Fraction | None:
    whole, _, fraction = _written(match).rstrip("%").lstrip("-").rpartition(" ")
    try:
        value = Fraction(whole or 0) + Fraction(fraction)
    except ZeroDivisionError:
        return None
    return -value if match["sign"] or match["inner"] else value
