"""What gives a label away by itself: sentences and shapes of steps that only incorrect solutions have.

A shape is a step or a sentence of it without its digits. One that stands often enough, and never in a correct step, is
a marker: whoever sees it knows the label without reading the problem. Also reasons that name numbers the row lacks.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from prm_gsm8k.audit.duplicates import Finding
from prm_gsm8k.audit.solutions import Solution

LEAST = 30  # occurrences of a marker: fewer may have one label by chance
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"(?<=[.:!?])\s+")
_QUOTED = re.compile(r'"[^"]*"|\b[Ss]teps? \d+')


def find_markers(solutions: Sequence[Solution]) -> dict[str, Finding]:
    """Incorrect solutions with a marker: among the steps `up_to_error`, and `anywhere` in them.

    A last step that only states the answer is left out. `anywhere` is missing where too few solutions are correct: all
    that follows an error is then said in incorrect solutions alone.
    """
    found = {"up_to_error": _marked(solutions, [one.judged for one in solutions])}
    if sum(one.first_error < 0 for one in solutions) >= LEAST:
        found["anywhere"] = _marked(solutions, [range(one.content) for one in solutions])
    return found


def _marked(solutions: Sequence[Solution], steps: Sequence[range]) -> Finding:
    seen: dict[str, Counter[bool]] = defaultdict(Counter)
    shapes: list[set[str]] = []
    for one, which in zip(solutions, steps, strict=True):
        own = set()
        for i in which:
            correct = one.first_error < 0 or i < one.first_error
            for shape in shapes_of(one.steps[i]):
                seen[shape][correct] += 1
                own.add(shape)
        shapes.append(own if one.first_error >= 0 else set())
    markers = {shape: n[False] for shape, n in seen.items() if n[False] >= LEAST and not n[True]}
    marked = sum(not own.isdisjoint(markers) for own in shapes)
    strongest = sorted(markers, key=lambda shape: -markers[shape])[:3]
    examples = tuple(f"{shape!r} ({markers[shape]} times)" for shape in strongest)
    return Finding(marked, sum(one.first_error >= 0 for one in solutions), examples)


def shapes_of(step: str) -> set[str]:
    """A step and its sentences, without their digits.

    >>> sorted(shapes_of("She has 4+3 = 7. And that is our answer."))
    ['And that is our answer.', 'She has 0+0 = 0.', 'She has 0+0 = 0. And that is our answer.']
    """
    return {_DIGITS.sub("0", step), *(_DIGITS.sub("0", part) for part in _SENTENCE.split(step))}


def unseen_reasons(solutions: Sequence[Solution]) -> Finding:
    """Incorrect solutions whose reason names a number that neither the question nor the solution says."""
    unseen = [one.id for one in solutions if one.reason and _unseen(one)]
    return Finding(len(unseen), sum(bool(one.reason) for one in solutions), tuple(unseen[:3]))


def _unseen(one: Solution) -> bool:
    return not _numbers(_QUOTED.sub("", one.reason)) <= _numbers("\n".join((one.prompt, *one.steps)))


def _numbers(text: str) -> set[float]:
    return {float(number.replace(",", "")) for number in _DIGITS.findall(text) if number.count(".") < 2}
