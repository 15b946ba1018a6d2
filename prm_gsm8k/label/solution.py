"""`label_solution`: the first error of a solution by the reference solution of its problem, in microseconds.

    >>> reference = "He has 48/2 = <<48/2=24>>24 left.\\nEach costs $3, so 24*3 = $<<24*3=72>>72.\\n#### 72"
    >>> question = "Jo has 48 pens, gives half away and sells the rest for $3 each. How much does he get?"
    >>> label = label_solution(question, reference, ["Half of 48 is 48 / 2 = 24.", "So 48 * 3 = $144.", "#### 144"])
    >>> label.first_error, label.reason
    (1, 'computes 48 * 3 = 144, where the reference has 24 * 3 = 72: 48 instead of 24')

No model is asked. A solution that comes to the answer of the reference is right, unless an equation in it is false
however it is read. One that does not is searched for the first step that the reference does not support (`trace.py`,
`locate.py`). What cannot be told is not guessed: `first_error` is then None, and `reason` says why.
`benchmarks/label.md` says what this cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.arithmetic.grading import final_answer, numbers
from prm_gsm8k.arithmetic.notation import uses_decimal_comma, with_decimal_points
from prm_gsm8k.dataset.language import other_language
from prm_gsm8k.label.locate import ALGEBRA, EARLIER, FALSE, PAST, features, probabilities, suspects
from prm_gsm8k.label.reference import Node, Reference, key
from prm_gsm8k.label.trace import GIVEN, ONWARD, OTHER, PART, SAME, SHARE, VALUE, Computed, Trace, follow

RIGHT_CONFIDENCE = 0.965  # of GSM8K solutions with the right answer that people checked, so many had no error
FALSE_CONFIDENCE = 0.9  # an equation that is false however it is read, in a solution with the right answer


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value of a solution beside the reference.

    Attributes:
        step: index of the step.
        said: the equation or number in it.
        relation: what it is to the reference: one of the kinds in `trace.py`, or what is wrong with it.
        reference: the equation of the reference it was matched to; empty if none.
    """

    step: int
    said: str
    relation: str
    reference: str


@dataclass(frozen=True, slots=True)
class Label:
    """What the reference has to say of a solution.

    Attributes:
        first_error: index of the first wrong step, -1 if there is none, None if it cannot be told.
        reason: one sentence: why this step, or why nothing can be told.
        kind: the reason in a word or two, to count by.
        confidence: the probability that a teacher marks this step, given that some step is wrong (or, for -1, that
            none is); measured, see `locate.py`. 0 if nothing can be told.
        answer: what the solution concludes; None if it concludes nothing, or was not read.
        evidence: every value that was read, and what it was matched to.
        chances: of each step, the probability that it is the first error, of a solution with a wrong answer; empty if
            nothing can be told.
    """

    first_error: int | None
    reason: str
    kind: str
    confidence: float
    answer: str | None = None
    evidence: tuple[Evidence, ...] = ()
    chances: tuple[float, ...] = ()


def label_solution(problem: str, reference: str | Reference, steps: Sequence[str]) -> Label:
    """The first error in `steps`.

    Args:
        problem: the question.
        reference: its solution as GSM8K writes it, ending in `#### NUMBER`; or a `Reference`, made once for all
            solutions of a problem.
        steps: of one solution.
    """
    if isinstance(reference, str):
        reference = Reference(problem, reference)
    if (reason := cannot_label(reference, steps)) is not None:
        return Label(None, *reason, 0.0)
    answer = _concluded(steps)
    if answer is None:
        return Label(None, "it concludes no number", "no answer", 0.0)
    whole = answer.isdecimal() and answer.isascii() and len(answer) < 16  # as most are; a Fraction is slow to make
    values = [float(answer)] if whole else [float(value) for value in numbers(answer)]
    if not values:
        return Label(None, f"its answer is no number: {answer[:60]!r}", "no answer", 0.0, answer)
    theirs = reference.answer
    assert theirs is not None
    if any(_equal(value, theirs) for value in values):
        return _label_right(steps, answer)
    if any(_equal(value * factor, theirs) for value in values for factor in _UNITS):
        return Label(None, f"its answer {answer} may be {theirs:.10g} in another unit", "another unit", 0.0, answer)
    return _label_wrong(reference, steps, answer)


def _concluded(steps: Sequence[str]) -> str | None:
    """The answer of a solution: that of its last step where this announces one, which is all there is to read then."""
    last = steps[-1].lstrip()
    if last.startswith(("####", "A: ", "The answer is ")) and (answer := final_answer(last)) is not None:
        return answer
    return final_answer("\n".join(steps))


_UNITS = (1000, 0.001)  # kg and g, l and ml, km and m


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= abs(b) * 1e-9


# --- what is not labelled ---------------------------------------------------------------------------------------------

_EQUATION_OR_END = re.compile(r"\d\s*=\s*\$?\d[^\n]*[.\n]|[.!?]\s[^.!?\n]*[.!?\n]")
_CONCLUDES = re.compile(
    r"####\s*\S|\\boxed|\b[Tt]he (?:final )?answer is\b|(?:^|[.!?]\s+)\**(?:Final )?Answer:"
    r"|^A: |^\*\*\W*\d[\d.,]*\W*\*\*\W*$",
    re.MULTILINE,
)
_BARE_NUMBER = re.compile(r"\W*\d[\d.,]*\W*")


def cannot_label(reference: Reference, steps: Sequence[str]) -> tuple[str, str] | None:
    """Why no label is given, as a sentence and in a word; None if one can be."""
    if not steps or all(not step.strip() for step in steps):
        return "there are no steps", "no steps"
    if reference.answer is None:
        return "the reference has no final number (a last line #### NUMBER)", "no number in the reference"
    whole = sum(map(_is_whole, steps))
    if len(steps) > 1 and all(map(_BARE_NUMBER.fullmatch, steps)):
        whole = len(steps)
    if whole > 1:
        return (
            f"{whole} of the {len(steps)} steps are whole solutions: give several as `solutions`, the steps of one as "
            "`steps`",
            "candidates",
        )
    return None


def _is_whole(step: str) -> bool:
    """Whether a step is a solution of its own: an answer is announced in it, after something else was said."""
    if not any(word in step for word in ("nswer", "####", "boxed", "A: ", "**")):  # faster than what comes next
        return False
    conclusion = _CONCLUDES.search(step)
    return conclusion is not None and _EQUATION_OR_END.search(step, 0, conclusion.start()) is not None


# --- labels -----------------------------------------------------------------------------------------------------------


def _label_right(steps: Sequence[str], answer: str) -> Label:
    for index, step in enumerate(steps):
        if false := false_equations(step):
            return Label(
                index,
                f"states {false[0]}",
                FALSE,
                FALSE_CONFIDENCE,
                answer,
                (Evidence(index, false[0].text, FALSE, ""),),
            )
    return Label(-1, "comes to the answer of the reference", "right answer", RIGHT_CONFIDENCE, answer)


def _label_wrong(reference: Reference, steps: Sequence[str], answer: str) -> Label:
    prose = "\n".join(step for step in steps if not _CONCLUDES.search(step))  # the announcement tells nothing
    if (language := reference.language or other_language(prose)) is not None:
        reason = f"it is not in English but in {language}: units and number words cannot be read"
        return Label(None, reason, "another language", 0.0, answer)
    if uses_decimal_comma("\n".join(steps)):
        steps = [with_decimal_points(step) for step in steps]
    trace = follow(reference, steps)
    if not trace.values and not trace.equations:
        return Label(None, "no equation in it can be read", "nothing to read", 0.0, answer, _evidence(trace))
    found = suspects(trace, len(steps))
    seen = features(trace, steps, found)
    chances = probabilities(seen)
    # Nothing speaks for one of many sentences before the first suspect, so none of them is named.
    step = max((i for i in range(len(steps)) if EARLIER not in seen[i]), key=chances.__getitem__)
    kind, reason = _reason(reference, trace, found, step, answer)
    return Label(step, reason, kind, round(chances[step], 4), answer, _evidence(trace), tuple(chances))


def _evidence(trace: Trace) -> tuple[Evidence, ...]:
    found = [Evidence(v.step, v.text, FALSE if v.false else _SAID[v.kind], v.match) for v in trace.values]
    for step, equations in trace.equations.items():
        found += [Evidence(step, text, _FITS[fits], "") for text, fits in equations]
    return tuple(sorted(found, key=lambda e: e.step))


_SAID = {
    SAME: "the same quantity as",
    PART: "some of the terms of",
    SHARE: "some of the factors of",
    VALUE: "equal to, but from other numbers than",
    ONWARD: "one operation away from",
    GIVEN: "a number it had already",
    OTHER: "nothing of the reference",
}
_FITS = {
    "always": "true for any value",
    "yes": "solved by a value of the reference",
    "no": "solved by no value of the reference",
    "unknown": "has too many letters",
}


def _reason(reference: Reference, trace: Trace, found: Mapping[int, str], step: int, answer: str) -> tuple[str, str]:
    """Why this step, in a word and in a sentence."""
    values = [value for value in trace.values if value.step == step and not value.claimed]
    kind = found.get(step)
    if kind == FALSE:
        value = next(v for v in values if v.false)
        return kind, f"states {value.text}, but it comes to {value.exact:.10g}"
    if kind == ALGEBRA:
        text = next(text for text, fits in trace.equations[step] if fits == "no")
        return kind, f"sets up {text}, which no value of the reference solves"
    if kind == PAST:
        return kind, f"goes on with {values[-1].text} after step {trace.reached} had the answer {reference.answer:.10g}"
    if kind is not None:
        value = next((v for v in values if v.kind == kind and not v.leads), values[-1])
        return _SHORT[value.kind], _unsupported(reference, value)
    if trace.reached is not None and step >= trace.reached:
        return "conclusion", f"had the answer {reference.answer:.10g}, and concludes {answer}"
    if not found:
        return (
            "conclusion",
            f"no value before it contradicts the reference; it concludes {answer} instead of {reference.answer:.10g}",
        )
    if not values and step not in trace.equations:
        return "prose", "leads to what the reference does not support, without computing anything itself"
    return "step before", "computes what the reference has, and what comes next is not supported by it"


_SHORT = {
    PART: "leaves a term out",
    SHARE: "leaves a factor out",
    VALUE: "equal by chance",
    ONWARD: "one operation off",
    GIVEN: "back at a number it had",
    OTHER: "not in the reference",
}


def _unsupported(reference: Reference, value: Computed) -> str:
    near = _nearest(reference, value)
    if near is not None and len(near[1]) == len(near[2]) == 1 and value.kind != VALUE:
        instead = f"{near[1][0]:.10g} instead of {near[2][0]:.10g}"
        return f"computes {value.text}, where the reference has {near[0].text}: {instead}"
    if value.kind == PART:
        return f"computes {value.text}, only some of the terms of {value.match}"
    if value.kind == SHARE:
        return f"computes {value.text}, only some of the factors of {value.match}"
    if value.kind == VALUE:
        return f"computes {value.text}, equal to {value.match} of the reference, but from other numbers"
    if value.kind == GIVEN:
        return f"computes {value.text}, a number it had already, and does not get on with it"
    if value.kind == OTHER and near is not None:
        return f"computes {value.text}, where the reference has {near[0].text}"
    return f"computes {value.text}, which is not in the reference and does not lead to anything in it"


def _nearest(reference: Reference, value: Computed) -> tuple[Node, list[float], list[float]] | None:
    """The equation of the reference that shares most numbers with this one, and the numbers that differ."""
    best: tuple[Node, list[float], list[float]] | None = None
    most = 0.0
    operators = {sign for sign in "+-*/" if f" {sign} " in value.text}
    for node in reference.nodes:
        left = list(node.operands)
        wrong = []
        for operand in value.operands:
            match = next((n for n in left if key(n) == key(operand)), None)
            if match is None:
                wrong.append(operand)
            else:
                left.remove(match)
        shared = len(node.operands) - len(left)
        same_operator = any(f" {sign} " in node.text for sign in operators)
        alike = shared + 0.5 * same_operator - 0.1 * len(wrong + left)
        if shared and alike > most:
            best, most = (node, wrong, left), alike
    return best


def explain(problem: str, reference: str | Reference, steps: Sequence[str], label: Label | None = None) -> str:
    """One solution beside the reference, with what was matched to what: to argue with."""
    if isinstance(reference, str):
        reference = Reference(problem, reference)
    if label is None:
        label = label_solution(problem, reference, steps)
    evidence = label.evidence
    if not evidence and label.first_error is not None:
        evidence = _evidence(follow(reference, steps))
    out = [f"question   {problem}", "reference"]
    out += [f"  {line}" for line in reference.lines]
    out.append(f"  answer {reference.answer:.10g}" if reference.answer is not None else "  no final number")
    out.append("solution")
    for index, step in enumerate(steps):
        mark = ">>" if index == label.first_error else "  "
        out.append(f"{mark}{index:3} {' '.join(step.split())}")
        for item in evidence:
            if item.step == index:
                out.append(f"        {item.said}: {item.relation}{' ' + item.reference if item.reference else ''}")
    where = {None: "cannot tell", -1: "no error"}.get(label.first_error, f"first error: step {label.first_error}")
    out.append(f"{where} (confidence {label.confidence:.2f}): {label.reason}")
    return "\n".join(out)
