"""What a wrong solution says more after its first error than the right one does: nothing that could be wrong.

    She sold 48*2 = 96 clips in May.                  <- the first error
    Now, we find the number of clips altogether.      <- said more: what comes next
    Natalia sold 48+96 = 144 clips altogether.
    So we have the answer.                            <- said more

Real wrong solutions (eth-lre/verify-then-generate) go on for three steps after their first error; those of GSM8K, with
an error where real ones have it, for two. What is added has no numbers, or is a sentence of the question, so nothing
has to be recomputed in it, and right solutions say the same (`telling.py`). Up to the first error nothing changes:
neither what a PRM that sees a step and what is before it can learn, nor how its errors look beside the right step.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts
from prm_gsm8k.synthetic.style import Frame
from prm_gsm8k.synthetic.telling import ENDING, announced

# How often so many steps are added (none, one, ...) to a wrong solution of so many, without its conclusion: so often
# that wrong solutions have as many as real ones, and their first errors the same place (`prm-gsm8k audit`).
MORE: dict[int, tuple[int, ...]] = {1: (0, 0, 1, 3), 2: (0, 2, 2, 4), 3: (2, 5, 2)}


class More(NamedTuple):
    """A step that can be added: what it stands before, and its text."""

    before: int
    text: str


def go_on(bodies: list[str], at: int, frame: Frame, rng: Random) -> list[str]:
    """The steps of a wrong solution, with some added after its first error `at`.

    Args:
        bodies: the steps as they are written, without labels and conclusion.
        frame: the right solution as it is told.
    """
    weights = MORE.get(len(bodies))
    if weights is None:
        return bodies
    [wanted] = rng.choices(range(len(weights)), weights)
    possible = _possible(bodies, at, frame, int(rng.random() * 60))
    chosen = sorted(rng.sample(range(len(possible)), min(wanted, len(possible))))
    out = bodies[: at + 1]
    for step in range(at + 1, len(bodies) + 1):
        out += [possible[n].text for n in chosen if possible[n].before == step]
        out += bodies[step : step + 1]
    return out


def _possible(bodies: list[str], at: int, frame: Frame, which: int) -> list[More]:
    """Everything that can be added and does not stand there yet."""
    solution, said = frame.solution, "\n".join(frame.bodies).lower()
    found = []
    shift = len(frame.bodies) - len(bodies)  # of a step that was left out before the error
    for fact in facts(solution):
        if fact.before - shift > at and fact.text.lower() not in said:
            found.append(More(fact.before - shift, fact.text))
    computes = [any(map(str.isdigit, body)) for body in bodies]
    for step in range(at + 1, len(bodies)):
        text = announced(bodies[step], solution.question if step == len(bodies) - 1 else "", which + step)
        if computes[step - 1] and computes[step] and text.lower() not in said:
            found.append(More(step, text))
    ending = ENDING[which % len(ENDING)]
    if frame.style.conclusion is not None and not any(end.lower() in said for end in ENDING):
        found.append(More(len(bodies), ending))
    return found
