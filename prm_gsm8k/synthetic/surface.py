"""Surface features of steps, and the rejection of incorrect steps that these features give away.

An error can show without any arithmetic: a product in place of a sum has more digits, a number taken from elsewhere
fewer, a step that comes too early says "therefore". For each error type a logistic regression (`surface.json`, fitted
by `benchmarks/surface.py`) guesses from feature differences which step is incorrect, this one or the correct one at its
place; s is its log-odds for the truth. A step with s > 0 is kept with probability exp(-s), as in Metropolis et al.
(1953), so that a difference and its opposite are equally frequent in the rows. One draw in three is rejected, and
another one is drawn.

    >>> 0 < keep_probability("operation_changed", "She sold 48*24 = 1152 clips.", "She sold 48+24 = 72 clips.") < 1
    True
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from math import exp

FILE = "surface.json"
# Error types with opposite features, which share their weights: one makes an expression longer, one shorter.
BALANCED_TOGETHER = {"counted_twice": "longer or shorter", "term_left_out": "longer or shorter"}
_TOKEN = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|\\times|\\div|[a-z]+|(?<![a-z])[-−](?![a-z])|[+*/×÷=$%()]")
_SIGNS = frozenset(("+", "-", "−", "*", "x", "×", "\\times", "/", "÷", "\\div", "="))


def features(step: str) -> dict[str, float]:
    """The surface features of a step: words, signs, numbers of digits, pairs with a sign, and some counts.

    A number is a "0" for each digit, so that its value is no feature.

    >>> [name for name in features("9 + 12 = 21") if "characters" not in name]
    ['0', '+', '0 +', '00', '+ 00', '=', '00 =', '= 00', 'ends in 00', 'numbers', 'count of +', 'count of =']
    """
    found = {"characters": len(step) / 20}
    before = last = ""
    numbers = 0
    signs: list[str] = []
    for token in _TOKEN.findall(step.lower()):
        if token[0] in "0123456789.":
            whole, _, decimals = token.replace(",", "").partition(".")
            token = last = "00000"[: len(whole)] + (".0" if len(decimals) == 1 else ".00" if decimals else "")
            if token != "0" and not decimals and whole[-1] == "0":
                found["round"] = 1.0
            numbers += 1
        found[token] = 1.0
        if token in _SIGNS:
            signs.append(token)
            if before:
                found[f"{before} {token}"] = 1.0
        elif before in _SIGNS:
            found[f"{before} {token}"] = 1.0
        before = token
    if last:
        found[f"ends in {last}"] = 1.0
    found["numbers"] = float(numbers)
    for sign in signs:
        name = f"count of {sign}"
        found[name] = found.get(name, 0.0) + 1
    return found


_correct_features = lru_cache(maxsize=1000)(features)  # a correct step is compared with many incorrect ones


def log_odds(weights: Mapping[str, float], first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The log-odds that, of two steps with these features, the first is the incorrect one."""
    weight = weights.get
    return sum(weight(name, 0.0) * n for name, n in first.items()) - sum(
        weight(name, 0.0) * n for name, n in second.items()
    )


def keep_probability(error_type: str, incorrect: str, correct: str) -> float:
    """The probability in (0, 1] with which an incorrect step is kept, given the correct step at its place."""
    weights = surface_weights().get(BALANCED_TOGETHER.get(error_type, error_type))
    if weights is None or incorrect == correct:
        return 1.0
    return exp(-max(0.0, log_odds(weights, features(incorrect), _correct_features(correct))))


@cache
def surface_weights() -> dict[str, dict[str, float]]:
    """The weights of the regression: error type -> feature -> weight."""
    weights: dict[str, dict[str, float]] = json.loads(files("prm_gsm8k.synthetic").joinpath(FILE).read_text("utf-8"))
    return weights
