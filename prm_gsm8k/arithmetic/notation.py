r"""How people write steps and numbers, told once for every reader of them: LaTeX, bullets, currencies, `1.234,56`.

>>> plain(r"So \(3 \times Rs. 1,00,000 = ₹3,00,000\)")
'So  3 * 100000 = ₹300000 '
>>> without_prefix("**Step 2:** (76-25) = 51"), without_prefix("- 76-25 = 51"), without_prefix("1) 2 + 3 = 5")
('(76-25) = 51', '76-25 = 51', '2 + 3 = 5')
>>> uses_decimal_comma("80.000 + 1,50"), with_decimal_points("80.000 + 1,50")
(True, '80000 + 1.50')
"""

from __future__ import annotations

import re

CURRENCY_SIGNS = "$£€¥₹₩₽₺₫₱₪₦₴₸₡฿"
_DOLLARS = ("US$", "AU$", "CA$", "NZ$", "HK$", "SG$", "NT$", "MX$", "A$", "C$", "R$", "S$")
_CODES = (
    *("Rs.", "Rs", "INR", "PKR", "Rp", "IDR", "RM", "CHF", "Fr.", "USD", "EUR", "GBP", "JPY", "CNY", "RMB", "KRW"),
    *("RUB", "SEK", "NOK", "DKK", "kr.", "kr", "Kr", "PLN", "zł", "BRL", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"),
    *("ZAR", "NGN", "KES", "THB", "TRY", "PHP", "VND"),
)
# Before a number. Behind it a currency is a unit like any other.
CURRENCY = (
    rf"(?:(?<![A-Za-z])(?:{'|'.join(map(re.escape, _DOLLARS))}|(?:{'|'.join(map(re.escape, _CODES))})(?=\s?[\d(]))"
    rf"|\\?[{CURRENCY_SIGNS}])"
)
# Much faster, above all as it begins with a set of characters.
_MAY_BE_CURRENCY = re.compile(
    r"[A-Zkz](?:(?<=[A-Z])(?:\$|[A-Z]\s?\d)|(?:(?<=[RK])[spr]|(?<=[kF])r|(?<=z)ł)\.?\s?[\d(])"
)
_CURRENCY = re.compile(rf"{CURRENCY}\s?")

# What stands before a step: a quotation mark, a heading, its number or bullet, an arrow.
STEP_PREFIX = re.compile(
    r"\s*(?:>\s+)?(?:#+\s+)?(?:\*\*|__)?\s*"
    r"(?:[Ss]tep\s*\d{1,2}\s*[:.)-]|\(?(?:\d{1,2}|[a-h]|[ivx]{1,4})[.)](?=\s)|[-*•‣◦](?=\s)|[-=]>|[→⇒∴])?"
    r"\s*(?:\*\*|__)?:?\s*"
)


def without_prefix(step: str) -> str:
    """The step without its heading, number or bullet."""
    match = STEP_PREFIX.match(step)
    return step[match.end() :] if match else step


# --- signs and LaTeX --------------------------------------------------------------------------------------------------

_GLYPHS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∗": "*", "∙": "*", "✕": "*", "⨯": "*", "÷": "/", "∕": "/", "⁄": "/", "−": "-",
        "–": "-", "—": ";", "≈": "=", "{": "(", "}": ")", "→": ";", "⇒": ";", "↔": ";",
    }
)  # fmt: skip
TAG = re.compile(r"<<[^<>\n]*>>")  # GSM8K's calculator annotations: models trained on it write them
BOLD = re.compile(r"(?<![\d)])(?<![\d)] )\*\*|\*\*(?! ?\d)")  # 2**3 is a power
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}|\\[dt]?frac\s*(\d)\s*(\d)")
_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|textit|operatorname)\s*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+|[^A-Za-z]|\Z)")
_MEANS = {
    **{"times": "*", "cdot": "*", "ast": "*", "div": "/", "approx": "=", "equiv": "=", "sim": "="},
    **dict.fromkeys("implies Rightarrow rightarrow to quad qquad le leq ge geq neq ne therefore".split(), " ; "),
    **dict.fromkeys("left right because big Big displaystyle boxed begin end underline bf rm text hline".split(), " "),
}


def plain(text: str) -> str:
    """A step without calculator tags, bold print, LaTeX, typographic signs, currencies in letters, `1 234` and `½`.

    Numbers that may be written in two ways (`80.000`, `0,5`) stay: see `with_decimal_points`.
    """
    if "<<" in text:
        text = TAG.sub("", text)
    if "\\" in text:
        text = text.replace("{,}", ",").replace(r"\$", "$").replace(r"\%", "%")
        for _ in range(3):  # a fraction in a fraction
            text, found = _FRACTION.subn(r" ((\1\3)/(\2\4)) ", text)
            if not found:
                break
        text = _WORDS.sub(r" \1 ", text)
        text = _COMMAND.sub(lambda m: _MEANS.get(m[1], "√" if m[1].isalpha() else " "), text)  # √: not read
    if "**" in text:
        text = BOLD.sub("", text)
    text = plain_numbers(text.replace("[", "(").replace("]", ")") if "[" in text else text)
    return text if text.isascii() else text.translate(_GLYPHS)


# --- numbers ----------------------------------------------------------------------------------------------------------

_NUMBER_SIGNS = str.maketrans(
    {
        "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8",
        "⅞": " 7/8", "⅕": " 1/5", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    }
)  # fmt: skip
_SEPARATED = re.compile(r"\d[.,'’ \u00a0\u202f\u2009]\d\d")  # what follows is slow, and has nothing to do without
_DIVIDED = re.compile(r"\d[.,'’ \u00a0\u202f\u2009]\d")
_GROUPED = re.compile(  # 1,00,000 and 1'000 and 1 000 with a space that does not break
    r"(?<![\d.,])(?:\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:['’\u00a0\u202f\u2009]\d{3})+)(?!\d|,\d{3})"
)
# 1.234,56 and 1.234.567
_EUROPEAN = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})(?!\d|[.,]\d)")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d|-[A-Za-z])")
_SPACED_FOR_SURE = re.compile(
    rf"[{CURRENCY_SIGNS}]\s?\d{{1,3}} \d{{3}}(?!\d)|\d \d{{3}}(?:\s?[{CURRENCY_SIGNS}]|,\d\b)"
    r"|(?<![\d.,])\d{1,3} 000(?!\d)"
)
_COMMA = re.compile(rf"{_EUROPEAN.pattern}|(?<![\d.,])(?:\d+,\d{{1,2}}|0,\d+|[1-9]\d{{0,2}}\.000)(?!\d|[.,]\d)")
_POINT = re.compile(r"\d\.\d{1,2}(?!\d)|\d\.\d{4}|(?<!\d)0?\.\d|\d,\d{3}(?!\d)")
_MARKED = re.compile(r"[.,]\d")  # of which there is one in whatever the patterns above find
_WITH_COMMA = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+)(?!\d|[.,]\d)")


def plain_numbers(text: str) -> str:
    """A text without currencies in letters, its numbers as `1234.5` but for those that may be written in two ways."""
    if _MAY_BE_CURRENCY.search(text):
        text = _CURRENCY.sub(lambda m: m[0] if m[0][0] in CURRENCY_SIGNS else "", text)
    if _SEPARATED.search(text):
        text = _GROUPED.sub(lambda m: re.sub(r"\D", "", m[0]), text)
        text = _EUROPEAN.sub(lambda m: _with_point(m[0]), text)
        if _SPACED_FOR_SURE.search(text):
            text = _SPACED.sub(lambda m: m[0].replace(" ", ""), text)
    return text if text.isascii() else text.translate(_NUMBER_SIGNS)


def uses_decimal_comma(text: str) -> bool:
    """Whether a text (better a whole solution than a step) writes `1.234,5` for what English writes `1,234.5`.

    Three digits behind a point or comma say nothing, but for `80.000`: nobody writes zeros to the thousandth.
    """
    return _MARKED.search(text) is not None and _COMMA.search(text) is not None and _POINT.search(text) is None


def with_decimal_points(text: str) -> str:
    """A text that uses the decimal comma, with its numbers as English writes them."""
    return _WITH_COMMA.sub(lambda m: _with_point(m[0]), plain_numbers(text))


def readings(text: str) -> list[str]:
    """A text with its numbers as English writes them, in each way that they may be meant, the likeliest first."""
    if _MARKED.search(text) is None:
        other = plain_numbers(text)
        return [text] if other == text else [text, other]
    other = text if _POINT.search(text) else with_decimal_points(text)
    return [text] if other == text else [other, text] if _COMMA.search(text) else [text, other]


def _with_point(number: str) -> str:
    return number.replace(".", "").replace(",", ".")


def odd_number(text: str, decimal_comma: bool = False) -> str | None:
    """The first number of a text that is not written as `1,234.5`; None if there is none."""
    if not _DIVIDED.search(text):
        return None
    patterns = [_GROUPED, _EUROPEAN]
    if decimal_comma or uses_decimal_comma(text):
        patterns.append(_WITH_COMMA)
    if _SPACED_FOR_SURE.search(text):
        patterns.append(_SPACED)
    return next((match[0] for pattern in patterns if (match := pattern.search(text))), None)
