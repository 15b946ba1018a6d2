"""How a solution is written down: operator glyphs, equations spelled out or not, step labels, the conclusion.

A style is drawn once for a right solution and all the wrong ones made from it, so it says nothing about the labels.
Every choice preserves the meaning; which numbers are in which parts never changes, so an error edits any style alike.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from prm_gsm8k.synthetic.parse import Equation, Solution, read_gap

# How solutions end, by model and data set; `{}` is the answer. None: with the last computing step.
CONCLUSIONS: tuple[str | None, ...] = (
    None,
    "The answer is {}.",
    "#### {}",
    "Answer: {}",
    "Therefore, the answer is {}.",
    "So the final answer is {}.",
    "The final answer is \\boxed{{{}}}.",
    "**Answer: {}**",
    "A: {}",
)
_CONCLUSION_WEIGHTS = (20, 20, 12, 10, 14, 10, 12, 5, 5)

# (multiplication, division, always spaced); None keeps what the solution's author wrote.
_GLYPHS: tuple[tuple[str | None, str | None], ...] = ((None, None), ("*", "/"), ("×", "÷"), ("x", "/"), ("×", "/"))
_GLYPH_WEIGHTS = (40, 20, 12, 16, 12)


@dataclass(frozen=True, slots=True)
class Style:
    """One way of writing.

    Attributes:
        times, divide: the glyphs, or None for the author's own.
        spaced: blanks around operators: True, False, or None for the author's own.
        math: `""` for plain text, or the pair of LaTeX delimiters around an equation, such as `"\\( \\)"`.
        label: `""`, `"1. "`, `"Step 1: "`, `"- "`: what each step starts with.
        conclusion: the last step, `{}` for the answer; None for none.
        bare: the share of equations whose left side is left out ("sold 24 clips").
    """

    times: str | None = None
    divide: str | None = None
    spaced: bool | None = None
    math: str = ""
    label: str = ""
    conclusion: str | None = None
    bare: float = 0.0


PLAIN = Style()


def _chooser(weights: tuple[int, ...]) -> tuple[list[int], int]:
    total = list(accumulate(weights))
    return total, total[-1]


_glyph_total, _conclusion_total = _chooser(_GLYPH_WEIGHTS), _chooser(_CONCLUSION_WEIGHTS)


def draw_style(rng: Random) -> Style:
    """A style, with four draws from `rng`."""
    glyph = rng.random()
    times, divide = _GLYPHS[bisect(_glyph_total[0], glyph * _glyph_total[1])]
    conclusion = CONCLUSIONS[bisect(_conclusion_total[0], rng.random() * _conclusion_total[1])]
    form = rng.random()
    math = ""
    if form < 0.12:
        math, times, divide = "\\( \\)", "\\times", "\\div" if form < 0.05 else "/"
    label = ""
    mark = rng.random()
    if mark < 0.12:
        label = "{}. "
    elif mark < 0.24:
        label = "Step {}: "
    elif mark < 0.28:
        label = "- "
    elif mark < 0.32:
        label = "**Step {}:** "
    spaced = None if times is None else (form > 0.4 or times in ("x", "\\times"))
    return Style(times, divide, spaced, math, label, conclusion, bare=0.5 if mark > 0.4 else 0.0)


_styled: dict[tuple[str, str | None, str | None, bool | None, bool], str] = {}


def styled_gap(text: str, style: Style) -> str:
    """The text between two numbers of an equation, in the style."""
    latex = bool(style.math)
    key = (text, style.times, style.divide, style.spaced, latex)
    out = _styled.get(key)
    if out is None:
        gap = read_gap(text)
        assert gap is not None
        left, glyph, right = gap.left, gap.glyph, gap.right
        if gap.operator == "*" and style.times and (not glyph.isalpha() or glyph in "xX"):
            glyph = style.times
        elif gap.operator == "/" and style.divide and not glyph.isalpha():
            glyph = style.divide
        if style.spaced or (style.spaced is not None and (not gap.symbolic or glyph.isalpha())):
            left, right = left.rstrip() + " ", " " + right.lstrip()
        elif style.spaced is False:
            left, right = left.rstrip(), right.lstrip()
        out = left + glyph + right
        if latex:
            out = out.replace("$", "\\$").replace("%", "\\%")
        if len(_styled) < 200_000:
            _styled[key] = out
    return out


_TIMES = {
    "x": re.compile(r"[0-9%)] ?x ?[$(]?[0-9]"), "×": re.compile("×"), "*": re.compile(r"\*(?!\*)(?<!\*\*)"),
    "\\times": re.compile(r"\\times"),
}  # fmt: skip
_OVER = {"/": re.compile("/"), "÷": re.compile("÷"), "\\div": re.compile(r"\\div")}


def glyph_for(operator: str, style: Style, solution: str) -> str:
    """The glyph that writes `operator` in a solution: the style's, or, where that is not found in it, what is."""
    if operator not in "*/":
        return operator
    glyphs, wanted = (_TIMES, style.times) if operator == "*" else (_OVER, style.divide)
    if wanted and glyphs[wanted].search(solution):
        return wanted
    return next((glyph for glyph, written in glyphs.items() if written.search(solution)), wanted or operator)


# Words after which a number reads well on its own: "she sold 24 clips", not "because 24".
_BEFORE_A_NUMBER = frozenset(
    (
        "is are was were be of to has have had a total sold bought cost costs spent spends earned earns makes made "
        "pays paid gets got receives received needs needed takes took gives gave for there uses used eats ate sells "
        "buys worth saves saved leaves left with"
    ).split()
)
_OPENING = re.compile(r"[($£€\s]*\Z")


class Frame:
    """A solution in a style: its parts as they are written, and which equations show their left side.

    Attributes:
        parts: for each step, the parts in the style (numbers at the odd places).
        shown: for each equation, whether its left side can be edited in the text.
        steps: the finished right solution, the conclusion included.
        written: all of it but labels and conclusion, as one text.
    """

    __slots__ = ("bodies", "parts", "shown", "solution", "steps", "style", "written")

    def __init__(self, solution: Solution, style: Style, rng: Random) -> None:
        self.solution = solution
        self.style = style
        self.parts = [list(step) for step in solution.steps] if style is not PLAIN else solution.steps
        self.shown = []
        changed = style.times is not None or style.divide is not None or bool(style.math)
        for equation in solution.equations:
            shown = bool(equation.places) and not equation.frozen
            if shown:
                if style.bare and rng.random() < style.bare and self._bare(equation):
                    shown = False
                elif changed:
                    self._write(equation)
            self.shown.append(shown)
        self.bodies = ["".join(parts) for parts in self.parts]
        self.written = "\n".join(self.bodies)
        self.steps: list[str] = []
        self.steps = self.finish(self.bodies, solution.answer_text, 0)

    def finish(self, bodies: list[str], answer: str, kept: int) -> list[str]:
        """Steps as they stand in a row: labels before, the conclusion after. The first `kept` are the right ones."""
        style = self.style
        if style.conclusion is not None:
            bodies = [*bodies, style.conclusion.format(answer)]
        if not style.label:
            return bodies
        label = style.label.format
        return self.steps[:kept] + [label(index + 1) + bodies[index] for index in range(kept, len(bodies))]

    def _write(self, equation: Equation) -> None:
        parts, style = self.parts[equation.step], self.style
        first, result = equation.places[0], equation.result_place
        if style.math and not all((gap := read_gap(parts[p])) and gap.symbolic for p in range(first + 1, result, 2)):
            return
        for place in range(first + 1, result, 2):
            parts[place] = styled_gap(parts[place], style)
        if style.math:
            begin, end = style.math.split(" ")
            before = parts[first - 1]
            cut = _OPENING.search(before)
            assert cut is not None
            at = cut.start() + (len(cut[0]) - len(cut[0].lstrip()))
            parts[first - 1] = before[:at] + begin + before[at:].replace("$", "\\$")
            parts[result + 1] = end + parts[result + 1]

    def _bare(self, equation: Equation) -> bool:
        """Leave the left side out, where the sentence stands without it."""
        parts = self.parts[equation.step]
        first, tail = equation.places[0], equation.tail
        before = parts[first - 1]
        words = before.rstrip("$£€").rsplit(None, 2)
        if len(words) < 2 or words[-1].lower() not in _BEFORE_A_NUMBER or before.rstrip("$£€")[-1:] != " ":
            return False
        if len(equation.operands) != 2:  # more is not done in the head
            return False
        if any((gap := read_gap(parts[p])) is None or not gap.symbolic for p in range(first + 1, tail + 1, 2)):
            return False
        if any(other is not equation and other.step == equation.step for other in self.solution.equations):
            return False
        gap = read_gap(parts[tail])
        assert gap is not None
        parts[first - 1] = before.rstrip("$£€") + gap.right.strip()
        for place in range(first, tail + 1):
            parts[place] = ""
        return True
