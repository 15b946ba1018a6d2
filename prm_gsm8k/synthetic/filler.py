"""What a wrong solution says more after its first error than the right one does: nothing that could be wrong.

    She sold 48*2 = 96 clips in May.                  <- the first error
    Now, we find the number of clips altogether.      <- said more: what comes next
    Natalia sold 48+96 = 144 clips altogether.
    So we have the answer.                            <- said more

Real wrong solutions (eth-lre/verify-then-generate) go on for three steps after their first error; those of GSM8K, with
an error where real ones have it, for two. What is added has no numbers, or is a sentence of the question, so nothing
has to be recomputed in it. Up to the first error a row is what it would be without this, and a PRM that sees a step and
what is before it learns from no more. Right solutions stay as they are: late steps in them teach that late is right.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import asked, facts
from prm_gsm8k.synthetic.numbers import NUMBER_WORDS
from prm_gsm8k.synthetic.style import Frame

# How often so many steps are added (none, one, ...) to a wrong solution of so many, without its conclusion: so often
# that wrong solutions have as many as real ones, and their first errors the same place (`prm-gsm8k audit`).
MORE: dict[int, tuple[int, ...]] = {
    1: (0, 0, 1, 3), 2: (0, 1, 2, 5), 3: (1, 4, 4), 4: (4, 1), 5: (8, 1, 1), 6: (6, 0, 1, 1)
}  # fmt: skip

ASKED = ("We need to find out: {}", "The question is: {}", "The question asks: {}")
ANNOUNCING = ("We need to find {}.", "Let's find {}.", "Now, let's calculate {}.", "Now, we find {}.")
GOING_ON = (
    "Now we can go on to the next part.",
    "Let's work out what comes next.",
    "Next, we use this.",
    "We can now go on.",
    "With this, we can work out the rest.",
)
ENDING = (
    "So we have the answer.",
    "This is what the question asks for.",
    "That is what we wanted to find.",
    "This is the final result.",
    "And that is our answer.",
)
_SUBJECT = re.compile(
    r"(?:(?:so|thus|then|therefore|hence|finally|now|next|first)\b,?\s+)*"
    r"((?:the|his|her|their|its)\b[a-z' -]{3,60}?) (?:is|was|are|were|will be|would be)\b",
    re.IGNORECASE,
)


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
    """Everything that can be added and does not stand there yet: facts before their use, what comes next, an ending."""
    solution, said = frame.solution, "\n".join([*frame.bodies, *bodies]).lower()
    shift = len(frame.bodies) - len(bodies)  # of a step that was left out before the error
    found = [
        More(fact.before - shift, fact.text)
        for fact in facts(solution)
        if fact.before - shift > at and fact.text.lower() not in said
    ]
    last = asked(solution.question)
    if last.lower() in said:
        last = ""
    computes = [any(map(str.isdigit, body)) for body in bodies]
    for step in range(at + 1, len(bodies)):
        text = announced(bodies[step], last if step == len(bodies) - 1 else "", which + step)
        if computes[step - 1] and computes[step] and text.lower() not in said:
            found.append(More(step, text))
    if frame.style.conclusion is not None:  # without one, nothing stands after the answer
        if last and at == len(bodies) - 1:
            found.append(More(len(bodies), ASKED[(which + 1) % len(ASKED)].format(last)))
        found.append(More(len(bodies), ENDING[which % len(ENDING)]))
    return found


def announced(step: str, question: str, which: int) -> str:
    """What is said before a step: what it is about, by its own words or by what is asked, or nothing of either.

    >>> announced("So the total cost is 3*4 = $12.", "What does he pay?", 0)
    'We need to find the total cost.'
    >>> announced("He pays 3*4 = $12.", "What does he pay?", 0), announced("He pays 3*4 = $12.", "", 0)
    ('We need to find out: What does he pay?', 'Now we can go on to the next part.')
    """
    about = _SUBJECT.match(step)
    if about and NUMBER_WORDS.keys().isdisjoint(about[1].lower().split()):
        return ANNOUNCING[which % len(ANNOUNCING)].format(about[1][0].lower() + about[1][1:])
    return ASKED[which % len(ASKED)].format(question) if question else GOING_ON[which % len(GOING_ON)]
