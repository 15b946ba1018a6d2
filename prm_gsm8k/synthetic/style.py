"""How solutions are written: the sign of multiplication, what steps begin with, and the conclusion.

A style is drawn once for a problem. All its solutions and those of its twins have it, so each contested step is the
same, letter by letter, where it is correct and where it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

# Conclusions as models and datasets write them, `{}` for the answer. None: the last computing step is the last.
CONCLUSIONS: tuple[str | None, ...] = (
    None,
    None,
    "The answer is {}.",
    "#### {}",
    "Answer: {}",
    "Therefore, the answer is {}.",
    "So the final answer is {}.",
    "The final answer is \\boxed{{{}}}.",
    "**Answer: {}**",
)
LABELS = ("", "", "", "", "", "", "{}. ", "Step {}: ", "- ", "**Step {}:** ")
TIMES = ("*", "*", "*", "×", "x")
_STAR = re.compile(r"(?<!\*)\*(?!\*)")
_BETWEEN_NUMBERS = re.compile(r"(?<=[\d%)]) ?\* ?(?=[($]*[\d.])")


@dataclass(frozen=True, slots=True)
class Style:
    """One way of writing a solution.

    Attributes:
        label: what each step begins with, `{}` for its number.
        conclusion: the last step, `{}` for the answer; None for no conclusion.
        times: the sign where the author wrote `*`.
    """

    label: str = ""
    conclusion: str | None = None
    times: str = "*"

    def write(self, steps: Sequence[str], answer: str) -> list[str]:
        """A solution as it stands in a row.

        >>> Style("{}. ", "The answer is {}.", "×").write(["3*4=12 apples."], "12")
        ['1. 3×4=12 apples.', '2. The answer is 12.']
        """
        if self.times == "×":
            steps = [_STAR.sub("×", step) for step in steps]
        elif self.times == "x":
            steps = [_BETWEEN_NUMBERS.sub(" x ", step) for step in steps]
        if self.conclusion is not None:
            steps = [*steps, self.conclusion.format(answer)]
        return [self.label.format(number) + step for number, step in enumerate(steps, 1)] if self.label else list(steps)


def draw_style(rng: Random, concludes: bool = False) -> Style:
    """A random style; with a conclusion if it `concludes`."""
    conclusions = [c for c in CONCLUSIONS if c is not None] if concludes else CONCLUSIONS
    return Style(rng.choice(LABELS), rng.choice(conclusions), rng.choice(TIMES))


_LABEL = re.compile(r"\d+\. |- |\*\*Step \d+:\*\* |Step \d+: ")
_CONCLUSION = re.compile(
    "|".join(
        re.escape(form).replace(re.escape("{}"), "(.+)").replace(r"\{\{(.+)\}\}", r"\{(.+)\}")
        for form in CONCLUSIONS
        if form
    )
)


def without_style(steps: Sequence[str]) -> list[str]:
    """The steps of a row without labels and conclusion.

    >>> without_style(["1. 3*4=12 apples.", "2. The answer is 12."])
    ['3*4=12 apples.']
    """
    bodies = [_LABEL.sub("", step, count=1) if _LABEL.match(step) else step for step in steps]
    return bodies[:-1] if len(bodies) > 1 and _CONCLUSION.fullmatch(bodies[-1]) else bodies
