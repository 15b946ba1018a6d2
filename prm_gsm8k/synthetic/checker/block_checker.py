"""Judge a block of twins from its text alone: two questions, two solutions, and the step at which they part.

A block stands if S' is a correct solution of Q' by what can be read in it (every equation is true, every number stands
in Q', is an earlier result or is known to everybody), if both are equal before step k, and if the two steps k cannot
both be right: they come to different numbers, and so do the solutions. Nothing here knows how the block was made.

>>> question = "Jo has 48 clips. Al has half as many. How many have they together?"
>>> twin = "Jo has 48 clips. Al has twice as many. How many have they together?"
>>> checker = BlockChecker(question, ["Al has 48/2 = 24 clips.", "They have 48+24 = 72 clips."], "72")
>>> checker.refusal(twin, ["Al has 48*2 = 96 clips.", "They have 48+96 = 144 clips."], 0, "144")
>>> checker.refusal(twin, ["Al has 48*2 = 96 clips.", "They have 48+24 = 72 clips."], 0, "72")
'same_answer: 72'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from prm_gsm8k.arithmetic.equations import VALUES, Number, Step, read_step
from prm_gsm8k.synthetic.checker.quantities import Quantities, spelled_values

# Why a block is refused. What follows a colon is detail for a person.
BAD_SHAPE = "bad_shape"  # the solutions are not equal before k and different at k
FALSE_EQUATION = "false_equation"  # an equation of the twin solution is false
UNEXPLAINED = "unexplained_number"  # a number of the twin solution that its question does not say and no step computes
SAME_ANSWER = "same_answer"  # both come to the same
ANSWER = "answer"  # the twin solution does not come to the answer it states
SAME_RESULT = "same_result"  # step k comes to nothing that the other solution does not come to as well
REFUSALS = (BAD_SHAPE, FALSE_EQUATION, UNEXPLAINED, SAME_ANSWER, ANSWER, SAME_RESULT)

_EVERYBODY: frozenset[Number] = frozenset((0, 1, 100))
_WORD = re.compile(r"[A-Za-z]+|\d(?:[\d,]*\d)?(?:\.\d+)?|[%$/]")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a reader sees of a block: how Q' differs from Q, and step k of S' from that of S.

    Attributes:
        gone, new: words and numbers that only Q, and only Q', says, with how often more.
        operators, twin_operators: of the equations of the two steps k.
        steps: how many steps more S' has than S.
        ends: whether one of S and S' concludes where the other goes on.
        concludes: whether S' is S but for its conclusion.
        is_false: whether an equation of step k of S' is false.
    """

    gone: Counter[str]
    new: Counter[str]
    operators: str
    twin_operators: str
    steps: int
    ends: bool
    concludes: bool
    is_false: bool

    def turned(self) -> Difference:
        """The same block, seen from its twin."""
        return Difference(
            gone=self.new,
            new=self.gone,
            operators=self.twin_operators,
            twin_operators=self.operators,
            steps=-self.steps,
            ends=self.ends,
            concludes=self.concludes,
            is_false=self.is_false,
        )


class _Read:
    """A solution: what each step shows, and all that its steps come to."""

    def __init__(self, question: str, steps: Sequence[str]) -> None:
        self.quantities = Quantities(question)
        self.steps = [read_step(step) for step in steps]
        self.results: set[Number] = set()
        for step in self.steps:
            self.results.update(results_of(step))


def results_of(step: Step) -> list[Number]:
    """What the equations of a step end in; 25% counts as 25 and as 1/4."""
    found = [step.values[i] for i in step.results]
    return found if step.values is step.raws else found + [step.raws[i] for i in step.results]


class BlockChecker:
    """Reads a question and its solution once; then judges any number of their twins."""

    def __init__(self, question: str, steps: Sequence[str], answer: str) -> None:
        self.question = question
        self.texts = list(steps)
        self.answer = answer
        self.read = _Read(question, steps)
        self.words = _words(question)
        # What the reference itself shows without saying where it comes from is taken from it in the twin too.
        known = self.read.quantities.known | self.read.results | _EVERYBODY
        self.own = [{v for v in (*s.values, *s.raws) if v not in known} for s in self.read.steps]

    def unsound(self) -> str | None:
        """Why S is no correct solution of Q by what can be read in it; None if it is one."""
        for step, text in zip(self.read.steps, self.texts, strict=True):
            if _false(step):
                return f"{FALSE_EQUATION}: {text}"
        last = next((results for step in reversed(self.read.steps) if (results := results_of(step))), [])
        return None if VALUES[self.answer] in last else f"{ANSWER}: {self.answer} is not what the last step comes to"

    def refusal(
        self, twin: str | None, steps: Sequence[str], first: int, answer: str, is_slip: bool = False
    ) -> str | None:
        """Why the block does not stand; None if it does.

        Args:
            twin: Q'; None if it is not known.
            steps: S', without its conclusion.
            first: k; `len(steps)` if S' concludes otherwise, or where S goes on.
            answer: of S'.
            is_slip: whether an equation of step k must be false, as no other may be.
        """
        texts = self.texts
        if not 0 <= first <= len(texts) or first > len(steps) or list(steps[:first]) != texts[:first]:
            return f"{BAD_SHAPE}: the solutions do not part at step {first}"
        if first < min(len(steps), len(texts)) and steps[first] == texts[first]:
            return f"{BAD_SHAPE}: step {first} is the same in both"
        if VALUES[answer] == VALUES[self.answer]:
            return f"{SAME_ANSWER}: {answer}"
        if first == len(texts) == len(steps):
            return None if VALUES[answer] in self.read.results else f"{ANSWER}: {answer} is no result"
        quantities = self.read.quantities if twin in (None, self.question) else Quantities(twin)
        known: set[Number] = quantities.known | _EVERYBODY
        excused: set[Number] = set().union(*self.own)
        last: list[Number] = []
        for index in range(len(steps)):
            step = self.read.steps[index] if index < first else read_step(steps[index])
            if _false(step) != (is_slip and index == first):
                return f"{FALSE_EQUATION}: {steps[index]}"
            results = results_of(step)
            if is_slip and index == first:
                results += [step.values[pair.right.last] for pair in step.pairs if not pair.holds]
            shown = dict(zip(step.raws, step.values, strict=True))
            own = known.union(results)
            for raw, value in shown.items():
                if twin is not None and own.isdisjoint((raw, value)) and excused.isdisjoint((raw, value)):
                    return f"{UNEXPLAINED}: {raw} in step {index}"
            for value in spelled_values(steps[index]):
                if value not in own and value in self.read.quantities.stated:
                    return f"{UNEXPLAINED}: {value} in words in step {index}"
            if index == first and results and self.read.results.issuperset(results):
                return f"{SAME_RESULT}: {steps[index]}"
            known.update(results)
            last = results or last
        if VALUES[answer] not in last:
            return f"{ANSWER}: {answer} is not what the last step comes to"
        return None

    def difference(self, twin: str, steps: Sequence[str], first: int) -> Difference:
        """How a twin and its solution differ, at step `first`.

        >>> read = BlockChecker("She has 7 more than Al.", ["8+7=15"], "15")
        >>> found = read.difference("She has 7 fewer than Al.", ["8-7=1"], 0)
        >>> list(found.gone), list(found.new), found.operators, found.twin_operators
        (['more'], ['fewer'], '+', '-')
        """
        says = self.words if twin == self.question else _words(twin)
        here = read_step(steps[first]) if first < len(steps) else None
        return Difference(
            self.words - says,
            says - self.words,
            _operators(self.read.steps[first]) if first < len(self.texts) else "",
            _operators(here) if here else "",
            len(steps) - len(self.texts),
            ends=len(steps) != len(self.texts) and first == min(len(steps), len(self.texts)),
            concludes=first == len(steps) == len(self.texts),
            is_false=here is not None and _false(here),
        )


def _words(question: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(question))


def _false(step: Step) -> bool:
    return any(not pair.holds and not pair.weak for pair in step.pairs)


def _operators(step: Step) -> str:
    return "".join(pair.left.shape.operators for pair in step.pairs)
