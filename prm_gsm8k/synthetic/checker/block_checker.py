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

from prm_gsm8k.arithmetic.equations import VALUES, Number, Step
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
        ends: whether one of S and S' concludes where the other goes on.
    """

    gone: Counter[str]
    new: Counter[str]
    operators: str
    twin_operators: str
    ends: bool


class _Read:
    """A solution: what each step shows, and all that its steps come to."""

    def __init__(self, question: str, steps: Sequence[str]) -> None:
        self.quantities = Quantities(question)
        self.steps = [Step(step) for step in steps]
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

    def refusal(self, twin: str, steps: Sequence[str], first: int, answer: str) -> str | None:
        """Why the block does not stand; None if it does.

        twin: Q'; steps: S', without its conclusion; first: k, the length of S or of S' if it ends where the other
        goes on; answer: of S'.
        """
        texts = self.texts
        if not 0 <= first < max(len(texts), len(steps)) or list(steps[:first]) != texts[:first]:
            return f"{BAD_SHAPE}: the solutions do not part at step {first}"
        if first < min(len(texts), len(steps)) and steps[first] == texts[first]:
            return f"{BAD_SHAPE}: step {first} is the same in both"
        if VALUES[answer] == VALUES[self.answer]:
            return f"{SAME_ANSWER}: {answer}"
        quantities = Quantities(twin)
        known: set[Number] = quantities.known | _EVERYBODY
        excused: set[Number] = set().union(*self.own)
        for index in range(first):
            known.update(results_of(self.read.steps[index]))
        last: list[Number] = results_of(self.read.steps[first - 1]) if first else []
        for index in range(first, len(steps)):
            step = Step(steps[index])
            for pair in step.pairs:
                if not pair.holds and not pair.weak:
                    return f"{FALSE_EQUATION}: {steps[index]}"
            results = results_of(step)
            shown = dict(zip(step.raws, step.values, strict=True))
            own = known.union(results)
            for raw, value in shown.items():
                if raw not in own and value not in own and raw not in excused and value not in excused:
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

    def difference(self, twin: str, first: int, twin_step: str | None) -> Difference:
        """How a twin differs at step `first`; no `twin_step` where S' concludes there.

        >>> read = BlockChecker("She has 7 more than Al.", ["8+7=15"], "15")
        >>> found = read.difference("She has 7 fewer than Al.", 0, "8-7=1")
        >>> list(found.gone), list(found.new), found.operators, found.twin_operators
        (['more'], ['fewer'], '+', '-')
        """
        says = _words(twin)
        own = "" if first == len(self.texts) else _operators(self.read.steps[first])
        operators = "" if twin_step is None else _operators(Step(twin_step))
        return Difference(
            self.words - says, says - self.words, own, operators, twin_step is None or first == len(self.texts)
        )


def _words(question: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(question))


def _operators(step: Step) -> str:
    return "".join(pair.left.shape.operators for pair in step.pairs)
