"""The style of a solution: operator signs, equations or results only, step labels, the conclusion.

A style is drawn once for a correct solution and the incorrect ones made from it, so it does not predict the labels. It
never changes the meaning or which part holds which number, so errors are made in any style alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from prm_gsm8k.synthetic.parse import Equation, Solution, read_gap

# Conclusions as models and datasets write them, `{}` for the answer. None: the last computing step is the last.
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

# (multiplication, division); None keeps what the solution's author wrote.
_GLYPHS: tuple[tuple[str | None, str | None], ...] = ((None, None), ("*", "/"), ("×", "÷"), ("x", "/"), ("×", "/"))
_GLYPH_WEIGHTS = (40, 20, 12, 16, 12)


@dataclass(frozen=True, slots=True)
class Style:
    """One way of writing a solution.

    Attributes:
        times, divide: signs of multiplication and division; None keeps the author's.
        spaced: spaces around operators; None keeps the author's.
        math: LaTeX delimiters around equations, such as `"\\( \\)"`; `""` for plain text.
        label: what each step starts with, `{}` for its number: `""`, `"{}. "`, `"Step {}: "`, `"- "`.
        conclusion: the last step, `{}` for the answer; None for no conclusion.
        result_only: share of the equations that are written without their left side ("sold 24 clips").
    """

    times: str | None = None
    divide: str | None = None
    spaced: bool | None = None
    math: str = ""
    label: str = ""
    conclusion: str | None = None
    result_only: float = 0.0


PLAIN = Style()


def draw_style(rng: Random) -> Style:
    """A random style."""
    [(times, divide)] = rng.choices(_GLYPHS, _GLYPH_WEIGHTS)
    [conclusion] = rng.choices(CONCLUSIONS, _CONCLUSION_WEIGHTS)
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
    return Style(times, divide, spaced, math, label, conclusion, result_only=0.5 if mark > 0.4 else 0.0)


_styled: dict[tuple[str, str | None, str | None, bool | None, bool], str] = {}


def styled_gap(text: str, style: Style) -> str:
    """The text between two numbers of an equation, rewritten in the style."""
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
    """The sign for `operator` in the text of a solution: the style's, unless the text uses another one."""
    if operator not in "*/":
        return operator
    glyphs, wanted = (_TIMES, style.times) if operator == "*" else (_OVER, style.divide)
    if wanted and glyphs[wanted].search(solution):
        return wanted
    return next((glyph for glyph, written in glyphs.items() if written.search(solution)), wanted or operator)


# Words after which a result reads well on its own: "she sold 24 clips", not "because 24".
_BEFORE_A_NUMBER = frozenset(
    (
        "is are was were be of to has have had a total sold bought cost costs spent spends earned earns makes made "
        "pays paid gets got receives received needs needed takes took gives gave for there uses used eats ate sells "
        "buys worth saves saved leaves left with"
    ).split()
)
_OPENING = re.compile(r"[($£€\s]*\Z")


class Frame:
    """A correct solution in a style.

    Attributes:
        parts: the parts of each step in the style (numbers at odd places).
        shown: for each equation, whether its left side is in the text and can be edited.
        bodies: the steps without labels and conclusion.
        written: the bodies as one text.
        steps: the steps as in a row, with labels and conclusion.
    """

    def __init__(self, solution: Solution, style: Style, rng: Random) -> None:
        self.solution = solution
        self.style = style
        self.parts = [list(step) for step in solution.steps] if style is not PLAIN else solution.steps
        self.shown = []
        changed = style.times is not None or style.divide is not None or bool(style.math)
        for equation in solution.equations:
            shown = bool(equation.places) and not equation.frozen
            if shown:
                if style.result_only and rng.random() < style.result_only and self._drop_left_side(equation):
                    shown = False
                elif changed:
                    self._write(equation)
            self.shown.append(shown)
        self.bodies = ["".join(parts) for parts in self.parts]
        self.written = "\n".join(self.bodies)
        self.steps: list[str] = []
        self.steps = self.finish(self.bodies, solution.answer_text, 0)

    def finish(self, bodies: list[str], answer: str, kept: int) -> list[str]:
        """Add labels and the conclusion to `bodies`, of which the first `kept` are those of this solution."""
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

    def _drop_left_side(self, equation: Equation) -> bool:
        """Drop the left side of an equation; returns False if the sentence would not read well without it."""
        parts = self.parts[equation.step]
        first, tail = equation.places[0], equation.tail
        before = parts[first - 1]
        words = before.rstrip("$£€").rsplit(None, 2)
        if len(words) < 2 or words[-1].lower() not in _BEFORE_A_NUMBER or before.rstrip("$£€")[-1:] != " ":
            return False
        if len(equation.operands) != 2:  # nobody does more in the head
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
