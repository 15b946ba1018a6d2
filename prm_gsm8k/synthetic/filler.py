"""Filler: steps that compute nothing, added to an incorrect solution after its first error.

    She sold 48*2 = 96 clips in May.                  <- the first error
    Now, we find the number of clips altogether.      <- filler: announces the next step
    Natalia sold 48+96 = 144 clips altogether.
    So we have the answer.                            <- filler

Real incorrect solutions (eth-lre/verify-then-generate) have three steps after their first error; those of GSM8K, with
an error at the place where real ones have it, two. Filler has no numbers or is a sentence of the question, so there is
nothing to recompute. Steps up to the first error, on which a PRM is trained by default, stay the same. Correct
solutions get no filler: more late steps in them would teach that late steps are correct.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.facts import facts, final_question
from prm_gsm8k.synthetic.numbers import NUMBER_WORDS
from prm_gsm8k.synthetic.style import Frame

# Steps of an incorrect solution, without its conclusion -> weights of adding 0, 1, 2, ... steps. Chosen so that numbers
# of steps and places of first errors are those of real solutions (`prm-gsm8k audit`).
ADDED_STEPS: dict[int, tuple[int, ...]] = {
    1: (0, 0, 1, 3), 2: (0, 1, 2, 5), 3: (1, 4, 4), 4: (4, 1), 5: (8, 1, 1), 6: (6, 0, 1, 1)
}  # fmt: skip

QUESTION_PHRASES = ("We need to find out: {}", "The question is: {}", "The question asks: {}")
ANNOUNCEMENTS = ("We need to find {}.", "Let's find {}.", "Now, let's calculate {}.", "Now, we find {}.")
TRANSITIONS = (
    "Now we can go on to the next part.",
    "Let's work out what comes next.",
    "Next, we use this.",
    "We can now go on.",
    "With this, we can work out the rest.",
)
ENDINGS = (
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


class Filler(NamedTuple):
    """A step that can be added: the index of the step it comes before, and its text."""

    before: int
    text: str


def add_filler(bodies: list[str], at: int, frame: Frame, rng: Random) -> list[str]:
    """The steps of an incorrect solution, with filler added after its first error.

    Args:
        bodies: its steps, without labels and conclusion.
        at: the index of the first error.
        frame: the correct solution.
        rng: decides how many steps are added, and which.
    """
    weights = ADDED_STEPS.get(len(bodies))
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


def _possible(bodies: list[str], at: int, frame: Frame, which: int) -> list[Filler]:
    """All filler that fits and is not there yet: facts before their use, announcements of steps, an ending."""
    solution, text = frame.solution, "\n".join([*frame.bodies, *bodies]).lower()
    shift = len(frame.bodies) - len(bodies)  # 1 if a step was skipped
    found = [
        Filler(fact.before - shift, fact.text)
        for fact in facts(solution)
        if fact.before - shift > at and fact.text.lower() not in text
    ]
    last = final_question(solution.question)
    if last.lower() in text:
        last = ""
    computes = [any(map(str.isdigit, body)) for body in bodies]
    for step in range(at + 1, len(bodies)):
        announced = announcement(bodies[step], last if step == len(bodies) - 1 else "", which + step)
        if computes[step - 1] and computes[step] and announced.lower() not in text:
            found.append(Filler(step, announced))
    if frame.style.conclusion is not None:  # without one, the answer comes last
        if last and at == len(bodies) - 1:
            found.append(Filler(len(bodies), QUESTION_PHRASES[(which + 1) % len(QUESTION_PHRASES)].format(last)))
        found.append(Filler(len(bodies), ENDINGS[which % len(ENDINGS)]))
    return found


def announcement(step: str, question: str, which: int) -> str:
    """A sentence that announces a step: by its subject, by the question if there is one, or in general.

    >>> announcement("So the total cost is 3*4 = $12.", "What does he pay?", 0)
    'We need to find the total cost.'
    >>> announcement("He pays 3*4 = $12.", "What does he pay?", 0), announcement("He pays 3*4 = $12.", "", 0)
    ('We need to find out: What does he pay?', 'Now we can go on to the next part.')
    """
    subject = _SUBJECT.match(step)
    if subject and NUMBER_WORDS.keys().isdisjoint(subject[1].lower().split()):
        return ANNOUNCEMENTS[which % len(ANNOUNCEMENTS)].format(subject[1][0].lower() + subject[1][1:])
    if question:
        return QUESTION_PHRASES[which % len(QUESTION_PHRASES)].format(question)
    return TRANSITIONS[which % len(TRANSITIONS)]
