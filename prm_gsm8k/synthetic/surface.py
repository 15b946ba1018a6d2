"""The face of a wrong step, and the chance with which it is kept so that its face says nothing.

A kind of error can leave traces that need no arithmetic to be read: a product where a sum belongs has more digits, a
number taken from elsewhere has fewer, a step that comes too early says "therefore". A reader of faces sees two steps,
the wrong one and the right one at its place, and bets by a weighted sum s of how they differ (`surface.json`, a set of
weights a kind; `benchmarks/face.py` fits them by logistic regression). s is the log of how much likelier that
difference is to be found than its opposite; a wrong step with s > 0 is kept with probability exp(-s), so both are left
equally often, and the bet is even (the rule of Metropolis et al. 1953). What this costs is draws, not rows: one draw in
three is refused, and another one is made.

    >>> 0 < chance("operation_changed", "She sold 48*24 = 1152 clips.", "She sold 48+24 = 72 clips.") < 1
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
# Kinds that are balanced together, for each is the other's opposite: one makes an expression longer, one shorter.
TOGETHER = {"counted_twice": "longer or shorter", "term_left_out": "longer or shorter"}
_TOKEN = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|\\times|\\div|[a-z]+|(?<![a-z])[-−](?![a-z])|[+*/×÷=$%()]")
_SIGNS = frozenset(("+", "-", "−", "*", "x", "×", "\\times", "/", "÷", "\\div", "="))


def look(step: str) -> dict[str, float]:
    """What is seen of a step: words, signs, numbers as their digits, pairs with a sign in them; and some counts.

    >>> [name for name in look("9 + 12 = 21") if "characters" not in name]
    ['0', '+', '0 +', '00', '+ 00', '=', '00 =', '= 00', 'ends in 00', 'numbers', 'count of +', 'count of =']
    """
    seen = {"characters": len(step) / 20}
    before = last = ""
    numbers = 0
    signs: list[str] = []
    for token in _TOKEN.findall(step.lower()):
        if token[0] in "0123456789.":
            whole, _, decimals = token.replace(",", "").partition(".")
            token = last = "00000"[: len(whole)] + (".0" if len(decimals) == 1 else ".00" if decimals else "")
            if token != "0" and not decimals and whole[-1] == "0":
                seen["round"] = 1.0
            numbers += 1
        seen[token] = 1.0
        if token in _SIGNS:
            signs.append(token)
            if before:
                seen[f"{before} {token}"] = 1.0
        elif before in _SIGNS:
            seen[f"{before} {token}"] = 1.0
        before = token
    if last:
        seen[f"ends in {last}"] = 1.0
    seen["numbers"] = float(numbers)
    for sign in signs:
        name = f"count of {sign}"
        seen[name] = seen.get(name, 0.0) + 1
    return seen


_look_at_right = lru_cache(maxsize=1000)(look)  # which is asked about for each wrong step made beside it


def bet(weights: Mapping[str, float], wrong: Mapping[str, float], right: Mapping[str, float]) -> float:
    """The weighted sum of how two looks differ: above 0, the first looks like the wrong one."""
    weight = weights.get
    return sum(weight(name, 0.0) * n for name, n in wrong.items()) - sum(
        weight(name, 0.0) * n for name, n in right.items()
    )


def chance(kind: str, wrong: str, right: str) -> float:
    """The chance in (0, 1] with which a wrong step of a kind is kept beside the right step at its place."""
    weights = face_weights().get(TOGETHER.get(kind, kind))
    if weights is None or wrong == right:
        return 1.0
    return exp(-max(0.0, bet(weights, look(wrong), _look_at_right(right))))


@cache
def face_weights() -> dict[str, dict[str, float]]:
    """The weights of the reader, by kind of error and what is seen."""
    weights: dict[str, dict[str, float]] = json.loads(files("prm_gsm8k.synthetic").joinpath(FILE).read_text("utf-8"))
    return weights
