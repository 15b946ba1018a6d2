"""Where a wrong solution first goes wrong: the first step that the reference does not support, and how likely that is.

A step is suspect if what it computes is neither a quantity of the reference nor used to get to one. Each step then has
a hazard, the probability that it is the first error if none was before, from what is seen of it. The step at which an
error is most likely is the label; its probability, given that there is an error somewhere, is the confidence.

The weights stand here as `benchmarks/label.py --fit` printed them: from the teachers' marks on half A of the problems,
held near what the rule says that takes the first suspect step (`PRIOR`), because so few marks cannot carry more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from prm_gsm8k.label.trace import OTHER, SAME, Computed, Trace

FALSE = "false equation"
ALGEBRA = "equation with letters"  # that no value of the reference solves
AGAIN = "ending, says it again"
EARLIER = "prose, well before the first suspect"
PAST = "past the answer"  # it goes on after it had the answer

# What the weights are held near: an error is where something is suspect, and hardly where nothing is.
PRIOR = {
    "suspect": 1.0,
    "suspect: false equation": 0.5,
    "fine": -2.0,
    "prose": -1.8,
    "prose, asks": -4.0,
    EARLIER: -1.0,
    "ending": -2.0,
}

WEIGHTS: Mapping[str, float] = {
    "ending": -1.98,
    "fine": -2.16,
    "fine, has the answer": 0.44,
    "fine, leads to a value of the reference": -0.3,
    "fine, with letters": 0.27,
    "prose": -1.37,
    "prose, asks": -4.0,
    "prose, before the first suspect": 0.28,
    "prose, of a solution with letters": 0.25,
    "prose, well before the first suspect": -0.88,
    "suspect": 0.59,
    "suspect, before a value of the reference": -0.39,
    "suspect, its answer is made of it": -0.18,
    "suspect, the first": -0.08,
    "suspect: equation with letters": 0.14,
    "suspect: false equation": 0.42,
    "suspect: given": -0.01,
    "suspect: onward": 0.35,
    "suspect: other": 0.34,
    "suspect: part": -0.3,
    "suspect: past the answer": -0.17,
    "suspect: share": -0.4,
    "suspect: value": -0.29,
}


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def suspects(trace: Trace, count: int) -> dict[int, str]:
    """The steps that the reference does not support, and of what kind their worst value is."""
    found: dict[int, str] = {}
    for step, values in enumerate(computed_by_step(trace, count)):
        for value in values:
            if value.false:
                found[step] = FALSE
            elif not value.leads and value.kind != SAME and found.get(step) not in (FALSE, OTHER):
                if value.kind == OTHER or value is values[-1]:
                    found[step] = value.kind
        if any(fits == "no" for _, fits in trace.equations.get(step, ())):
            found.setdefault(step, ALGEBRA)
        if values and trace.reached is not None and step > trace.reached:
            found.setdefault(step, PAST)
    return found


def features(trace: Trace, steps: Sequence[str], found: Mapping[int, str]) -> list[list[str]]:
    """What is seen of each step, the suspects being `found`; its hazard is the sum of their weights, as log-odds."""
    count = len(steps)
    by_step = computed_by_step(trace, count)
    first = min(found, default=count)
    last = max((i for i in range(count) if by_step[i] or i in trace.equations), default=0)
    last_same = max((v.step for v in trace.values if v.kind == SAME and not v.claimed), default=-1)
    seen: list[list[str]] = []
    for i, values in enumerate(by_step):
        if i in found:
            names = ["suspect", f"suspect: {found[i]}"]
            if i == first:
                names.append("suspect, the first")
            if i < last_same:
                names.append("suspect, before a value of the reference")
            if any(v.final for v in values):
                names.append("suspect, its answer is made of it")
        elif values or i in trace.equations:
            names = ["fine"]
            if i in trace.equations:
                names.append("fine, with letters")
            if any(v.leads for v in values):
                names.append("fine, leads to a value of the reference")
            if i == trace.reached:
                names.append("fine, has the answer")
        else:
            names = ["ending" if i > last else "prose"]
            if i > last + 1 and _says_again(steps[i], steps[i - 1]):
                names.append(AGAIN)
            if steps[i].rstrip(" *").endswith("?"):
                names.append("prose, asks")  # what comes next; it claims nothing
            elif i + 1 == first:
                names.append("prose, before the first suspect")
            elif i < first < count:
                names.append(EARLIER)
                if trace.equations:
                    names.append("prose, of a solution with letters")
        seen.append(names)
    return seen


def _says_again(step: str, before: str) -> bool:
    """Whether a step is the number alone that the step before it concludes."""
    if any(map(str.isalpha, step)):
        return False
    own, others = ([float(n) for n in _NUMBER.findall(text.replace(",", ""))] for text in (step, before))
    return len(own) == 1 and own[0] in others


def computed_by_step(trace: Trace, count: int) -> list[list[Computed]]:
    """The values that each step computes, without those it only states."""
    by_step: list[list[Computed]] = [[] for _ in range(count)]
    for value in trace.values:
        if not value.claimed:
            by_step[value.step].append(value)
    return by_step


def probabilities(seen: Sequence[Sequence[str]], weights: Mapping[str, float] = WEIGHTS) -> list[float]:
    """Of each step, that it is the first error, given that one is."""
    logs: list[float] = []
    none_before = 0.0
    for names in seen:
        odds = sum(weights.get(name, 0.0) for name in names)
        logs.append(none_before - math.log1p(math.exp(-odds)))
        none_before -= math.log1p(math.exp(odds))
    top = max(logs)
    shares = [math.exp(value - top) for value in logs]
    for i, names in enumerate(seen):
        if AGAIN in names:  # what was concluded there is one claim, and it was made before
            shares[i - 1], shares[i] = shares[i - 1] + shares[i], 0.0
    whole = sum(shares)
    return [share / whole for share in shares]
