"""A correct solution, parsed once: its steps, what each computes, and where it states the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prm_gsm8k.arithmetic.equations import NUMBER, STEP_PREFIX, VALUES, Number, Step
from prm_gsm8k.synthetic.checker.quantities import NUMBER_WORDS, Quantities, spelled_values
from prm_gsm8k.synthetic.checker.relations import Given
from prm_gsm8k.synthetic.checker.result_only import Explanation, explanations

# Why a correct solution is refused.
FALSE_EQUATION = "false_equation"  # an equation in it is false; the detail shows the step
OTHER_ANSWER = "other_answer"  # its last step does not state the reference answer
EMPTY = "empty"  # no steps, or an empty one

CONCLUSION = re.compile(
    r"(?:\*\*)?(?:####|\W*(?:the |so |thus|therefore|hence|final|answer|in (?:total|all|conclusion)))", re.IGNORECASE
)
_PREFIX_STARTS = frozenset(("", *"0123456789*-•"))
_SAYS = re.compile(r"\A|\bthat\s+")
_QUOTES = re.compile(r"\A|: ")
_WORD = re.compile(r"[a-z]+")
_ANSWER_SIGNS = str.maketrans("", "", "$£€%\\, ")


def answer_number(text: str) -> Number | None:
    """The value of an answer, with or without currency and percent sign; None if it is not a number."""
    try:
        return VALUES[text]
    except ValueError:
        text = text.translate(_ANSWER_SIGNS).replace("−", "-").rstrip(".")
    try:
        return -VALUES[text[1:]] if text.startswith("-") else VALUES[text]
    except ValueError:
        return None


class CorrectSolution:
    """A correct solution.

    Attributes:
        steps: its steps as text; `bodies` without numbering, `read` parsed.
        quantities: the numbers of the question.
        prefixes: the numbering or bullet of each step, None if it has none.
        reference: the reference answer.
        answer_positions: positions of the answer among the numbers of the last step.
        refusal: why the solution is refused, None if it is not.
    """

    def __init__(self, question: str, steps: Sequence[str], reference_answer: str) -> None:
        self.steps = list(steps)
        self.quantities = Quantities(question)
        self.prefixes = [
            _prefix(step, i) if step[:1] in _PREFIX_STARTS or step[1:4] == "tep" else None
            for i, step in enumerate(self.steps)
        ]
        self.has_prefixes = any(self.prefixes)
        self.bodies = self.steps
        if self.has_prefixes:
            self.bodies = [self.body(step, i, i) or "" for i, step in enumerate(self.steps)]
        self.read = [Step(body) for body in self.bodies]
        reference = answer_number(reference_answer)
        self.reference: Number = 0 if reference is None else reference
        self.answer_positions: list[int] = []
        self._question = question.lower()
        self._results: list[list[Number]] = []
        self._before: list[frozenset[Number]] = [frozenset()]
        self._given: dict[int, Given] = {}
        self._spelled: dict[int, set[Number]] = {}
        self._ways: dict[tuple[int, Number], list[Explanation]] = {}
        self._conclusion: int | None = -1
        self.refusal = self._check(reference)

    def _check(self, reference: Number | None) -> str | None:
        if not self.read or not all(self.bodies):
            return EMPTY
        for i, step in enumerate(self.read):
            if step.pairs is not step.skeleton.pairs:
                for pair in step.pairs:
                    if not pair.holds and not pair.weak:
                        return f"{FALSE_EQUATION}: step {i}: {self.steps[i]}"
        if reference is None:
            return f"{OTHER_ANSWER}: the reference answer is no number"
        last = self.read[-1]
        for i in reversed(last.results):
            if reference == last.raws[i] or reference == last.values[i]:
                self.answer_positions = [i]
                return None
        self.answer_positions = [i for i in range(len(last.raws)) if reference in (last.raws[i], last.values[i])]
        return None if self.answer_positions else f"{OTHER_ANSWER}: the last step does not state {reference}"

    def body(self, step: str, twin_index: int, index: int) -> str | None:
        """A step without its numbering; None if it is not numbered in the format of step `twin_index` of this one."""
        prefix = self.prefixes[twin_index]
        if prefix is None:
            return step
        head = _label(prefix, index)
        return step[len(head) :] if step.startswith(head) else None

    def conclusion(self) -> int | None:
        """The index of the last step if it only repeats an answer that an earlier step computed, else None."""
        if self._conclusion == -1:
            self._conclusion = self._find_conclusion()
        return self._conclusion

    def _find_conclusion(self) -> int | None:
        last = len(self.read) - 1
        if last <= 0 or self.read[last].pairs or self.read[last].ambiguous:
            return None
        before = self.read[last - 1]
        if CONCLUSION.match(self.bodies[last]) and self.reference in (*before.raws, *before.values):
            return last
        return last if self.reference in self.results_before(last) else None

    def restates(self, index: int) -> bool:
        """Whether a step repeats part of the question word for word, perhaps after "we know that"."""
        body = self.bodies[index].lower()
        said = [body[match.end() :] for match in _SAYS.finditer(body)]
        return any(len(words) > 9 and words in self._question for words in said)

    def without_filler(self, steps: Sequence[str], first_error: int, twin_index: int) -> list[str]:
        """An incorrect solution without filler: steps after its first error that state nothing new.

        The step `first_error` is step `twin_index` of this solution. Later steps are renumbered as if there were no
        filler; one that is numbered incorrectly stays as it is.
        """
        kept = list(steps[: first_error + 1])
        label = self.prefixes[0] if len(set(self.prefixes)) == 1 else None
        for index in range(first_error + 1, len(steps)):
            step = body = steps[index]
            if label is not None:
                head = _label(label, index)
                if step.startswith(head):
                    body = step[len(head) :]
                    step = _label(label, len(kept)) + body
            follows = twin_index + 1 < len(self.read) and NUMBER.split(body)[::2] == self.read[twin_index + 1].gaps
            if follows or not self.states_nothing_new(body):
                twin_index += 1
                kept.append(step)
        return kept

    def states_nothing_new(self, body: str) -> bool:
        """Whether a step has no numbers, in digits or words, but in what it quotes from the question."""
        body = body.lower()
        for match in _QUOTES.finditer(body):
            said = body[match.end() :]
            if len(said) > 9 and said in self._question:
                body = body[: match.end()]
                break
        return "=" not in body and not NUMBER.search(body) and NUMBER_WORDS.keys().isdisjoint(_WORD.findall(body))

    def results_of(self, index: int) -> list[Number]:
        """What a step computes: the results of its equations or, if it has none, the numbers that are new in it."""
        while len(self._results) <= index:
            i = len(self._results)
            step, before = self.read[i], self._before[i]
            if step.results and not step.ambiguous:
                results = [step.values[k] for k in step.results]
                if step.values is not step.raws:
                    results += [step.raws[k] for k in step.results]
            else:
                seen = self.quantities.known
                results = [v for v in step.values if v not in seen and v not in before]
                if step.values is not step.raws:
                    results += [v for v in step.raws if v not in seen and v not in before]
            self._results.append(results)
            self._before.append(before.union(results))
        return self._results[index]

    def results_before(self, index: int) -> frozenset[Number]:
        """All results of the steps before `index`."""
        if index:
            self.results_of(index - 1)
        return self._before[index]

    def given(self, index: int) -> Given:
        """What is known before step `index`."""
        given = self._given.get(index)
        if given is None:
            given = Given(self.quantities.stated, self.quantities.percents, self.results_before(index))
            self._given[index] = given
        return given

    def given_without(self, skipped: int, index: int) -> Given:
        """What is known before step `index` if step `skipped` is left out."""
        step = self.read[skipped]
        results = self.results_of(skipped) or [step.values[k] for k in step.results]
        inputs = {v for pair in step.pairs if pair.holds for v in step.values[pair.left.first : pair.left.last + 1]}
        if not inputs:
            for result in results:
                for operands, _, _ in self.ways_to(skipped, result):
                    inputs.update(operands)
        given = self.given(index)
        return Given(given.stated, given.percents, given.earlier, results, inputs)

    def spelled(self, index: int) -> set[Number]:
        """The values of numbers in words in step `index`."""
        words = self._spelled.get(index)
        if words is None:
            words = self._spelled[index] = spelled_values(self.bodies[index])
        return words

    def ways_to(self, index: int, target: Number) -> list[Explanation]:
        """The expressions from which step `index` may have its number `target`, if it shows none."""
        key = (index, target)
        if key not in self._ways:
            before = self.results_before(index)
            near = self.quantities.stated | before
            near.update(value for value in self.read[index].values if value != target)
            # Constants that the question implies (days in a month) explain too much by accident, so they come last.
            ways = explanations(target, near, deep=False)
            ways = ways or explanations(target, near | self.quantities.known | {1, 100}, deep=False)
            self._ways[key] = ways or explanations(target, near)
        return self._ways[key]


def _prefix(step: str, index: int) -> tuple[str, str] | None:
    """A numbering or bullet in front of a step, as the text before and after its number."""
    match = STEP_PREFIX.match(step)
    if match is None:
        return None
    group = match.lastindex
    if group is None:
        return match[0], ""
    if int(match[group]) != index + 1:
        return None
    return match[0][: match.start(group)], match[0][match.end(group) :]


def _label(prefix: tuple[str, str], index: int) -> str:
    """The numbering or bullet of step `index`, in the form of `prefix`."""
    before, after = prefix
    return f"{before}{index + 1}{after}" if after else before


def numbers_named(reason: str) -> list[Number]:
    """The numbers in an error reason, but for step numbers (`step 2`) and quotations from the problem."""
    if '"' in reason:
        reason = _QUOTED.sub("", reason)
    if "tep" in reason:
        reason = _STEP_NUMBER.sub("", reason)
    return [VALUES[text] for text in NUMBER.findall(reason)]


_QUOTED = re.compile(r'"[^"]*"')
_STEP_NUMBER = re.compile(r"\b[Ss]teps? [0-9]+")
