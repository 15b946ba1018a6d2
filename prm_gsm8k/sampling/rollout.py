"""The interface between the labelling search and an engine: one continuation from a prefix.

The search (`labels.py`) knows nothing of servers, prompts or caches. It calls a `GoOn`, which is a plain function in a
test or a simulation, and a call to vLLM in the pipeline.

Only a finished answer is evidence. `Rollout.unfinished` says why one is not: the model was cut off, thought to no end,
gave no number, or the server ended it. `until_finished` asks for it again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from prm_gsm8k.arithmetic.grading import final_answer, through_answer
from prm_gsm8k.dataset.steps import split_steps, unended_thoughts, without_thoughts
from prm_gsm8k.exceptions import PrmGsm8kError

TRIES = 4  # times that an answer is asked for in a run until it is finished

# Why an answer is not finished; a server's own reason is named as it gives it, "finish reason abort".
CUT_OFF = "cut off at max tokens"
THINKS = "thoughts that do not end"
EMPTY = "no steps in it"
NO_ANSWER = "no answer in it"
REFUSED = "request refused"
ANEW = "begins anew instead of going on"
OF_THE_MODEL = (CUT_OFF, THINKS, NO_ANSWER)  # after `TRIES` of them another run need not ask again

# After which a text is no longer the answer: a token that ends a turn; the next question.
_ENDS = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end_of_text|endoftext|end|return|user|im_start)\|>|</s>|<eos>|<end_of_turn>"
    r"|(?<=[^\s])\s*\n[\s#*]*(?:Question|Problem|Q|User|Human|Instruction)[\s*]*:",
)
_OPEN = re.compile(r"(?:[+/×÷=(,]|####|\banswer is)[\s$]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Rollout:
    """An engine's answer to one call.

    Attributes:
        text: the continuation alone, without the prefix.
        tokens: number of generated tokens.
        finish: why it ended, as the engine says: `stop`, `length`, …; `unstated` if it does not say, `refused` if it
            does not answer this request, though it answers others.
        reasoning: what a server's reasoning parser took out of the text.
        tries: times it was asked for, if it is still not finished.
    """

    text: str
    tokens: int
    finish: str
    reasoning: str = ""
    tries: int = 1

    @cached_property
    def said(self) -> str:
        """The text without thoughts, up to the end of the model's turn, to the next question, or to the line that gives
        the answer.
        """
        return through_answer(_ENDS.split(without_thoughts(self.text).removeprefix("<s>"), maxsplit=1)[0])

    @cached_property
    def unfinished(self) -> str | None:
        """Why this is no evidence of what the model reaches from here; None if it is.

        >>> [Rollout(*a).unfinished for a in (("So 7.", 3, "stop"), ("So 7 + 2", 5, "length"), ("7.", 2, "abort"))]
        [None, 'cut off at max tokens', 'finish reason abort']
        >>> Rollout("The answer is 7.\\n\\nProblem: Tom", 9, "length").unfinished  # cut off after its answer
        """
        if unended_thoughts(self.text):
            return THINKS
        if self.finish == "refused":
            return REFUSED
        complete = self.said.strip() != without_thoughts(self.text).strip()  # goes on after its answer
        if self.finish != "stop" and not (self.finish == "length" and complete):
            return CUT_OFF if self.finish == "length" else f"finish reason {self.finish}"
        if not self.said.strip():
            return EMPTY
        _, _, boxed = self.said.rpartition("\\boxed")
        if _OPEN.search(self.said) or boxed.count("{") > boxed.count("}"):
            return CUT_OFF
        return NO_ANSWER if final_answer(self.said) is None else None

    @property
    def settled(self) -> bool:
        """Whether it need not be asked for again: finished, or never within `TRIES` tries by the model's own doing."""
        return self.unfinished is None or (self.tries >= TRIES and self.unfinished in OF_THE_MODEL)

    def begins_anew(self, prefix: Sequence[str]) -> bool:
        """Whether this solves the problem anew instead of going on from these steps: its first step is the first of
        them, but not all of them follow.

        >>> given = ["48 / 2 = 24 in May.", "48 - 24 = 26 in all."]
        >>> said = [f"48 / 2 = 24 clips.\\n{second}" for second in ("48 + 24 = 72.", "48 - 24 = 26.")]
        >>> [Rollout(text, 9, "stop").begins_anew(given) for text in said]
        [True, False]
        """
        begun = [gist(step) for step in prefix]
        said = [gist(step) for step in split_steps(self.said)[: len(begun)]]
        return len(begun) > 1 and said[:1] == begun[:1] and said != begun

    def or_again(self, later: Rollout) -> Rollout:
        """Which of two answers to the same call counts: the first that is finished, else the later one."""
        return self if self.unfinished is None else replace(later, tries=self.tries + 1)


def gist(step: str) -> str | list[str]:
    """By which a step is known: its numbers, if it has more than one, else its text."""
    numbers = re.findall(r"\d+", step)
    return numbers if len(numbers) > 1 else step


class UnfinishedError(PrmGsm8kError):
    """A label needs an answer that was not finished, however often it was asked for; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a rollout was not finished: {reason}")
        self.reason = reason


class CannotTellError(PrmGsm8kError):
    """The reference solution does not say where the first error is, and nothing else was to be asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the reference cannot tell: {reason}")
        self.reason = reason


class MissingCall(PrmGsm8kError):
    """The evidence lacks a call that the labels need."""


GoOn = Callable[[Sequence[str], int], Awaitable[Rollout]]
"""(first steps of a solution, attempt number from 0) -> a continuation from there.

Equal arguments are the same call, so its answer may come from a cache.
"""


async def until_finished(known: Rollout | None, ask: Callable[[], Awaitable[Rollout]]) -> Rollout:
    """What is known of a call if that settles it, else its answer, asked for until it is finished, `TRIES` times at
    most, or until it is refused; `ask` keeps every answer.
    """
    for _ in range(TRIES):
        if known is not None and known.settled:
            break
        answer = await ask()
        known = answer if known is None else known.or_again(answer)
        if known.finish == "refused":
            break
    assert known is not None
    return known
