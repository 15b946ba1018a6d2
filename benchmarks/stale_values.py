"""Stale values: what an incorrect solution still shows although its error has changed it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from prm_gsm8k.arithmetic.equations import Number, Step, read_step
from prm_gsm8k.synthetic.checker.quantities import Quantities


def stale_values(
    correct_steps: Sequence[str], incorrect_steps: Sequence[str], first_error: int, question: str
) -> list[str]:
    """The old values of changed results that an incorrect solution shows after its first error, as written.

    For `48/2 = 26` in place of `48/2 = 24`, followed by an unchanged `48+24 = 72`, it is `["24"]`. A value that the
    question or an unchanged earlier result explains is not stale. Any incorrect solution will do, whoever made it, if
    its steps are edited ones of the correct solution; one may be missing, and others may be added.
    """
    known = Quantities(question).known
    correct = [read_step(step) for step in correct_steps]
    incorrect = [read_step(step) for step in incorrect_steps]
    kept: set[Number] = set()
    for step in correct[:first_error]:
        kept.update(_results(step, known, kept))
    changed: set[Number] = set()
    stale: list[str] = []
    for here, twin in zip(incorrect[first_error:], _twins(correct, incorrect, first_error), strict=True):
        same = twin is not None and len(twin.values) == len(here.values)
        old = [] if twin is None else _results(twin, known, kept)
        new = [here.values[k] for k in twin.results or range(len(twin.values))] if twin is not None and same else []
        new = new or _results(here, known, kept)
        fresh = {value for value in old if value not in new}
        if here is not incorrect[first_error]:
            for k, (value, text) in enumerate(zip(here.values, here.texts, strict=False)):
                # If the correct step has another number here, the value was computed anew.
                left = twin.values[k] == value if twin is not None and same else k not in here.results
                if left and value in changed and value not in known and value not in kept:
                    stale.append(text)
        changed |= fresh
        kept.update(value for value in old if value in new)
        if here is not incorrect[first_error]:
            changed -= kept
    return stale


def _twins(correct: Sequence[Step], incorrect: Sequence[Step], first_error: int) -> list[Step | None]:
    """For each incorrect step from the first error on, the correct step with the same words; None if there is none."""
    at = first_error
    if [step.gaps for step in correct[at : at + 2]][1:] == [incorrect[at].gaps] != [correct[at].gaps]:
        at += 1  # a step was skipped
    found: list[Step | None] = [correct[at] if at < len(correct) else None]
    for step in incorrect[first_error + 1 :]:
        later = next((k for k in range(at + 1, len(correct)) if correct[k].gaps == step.gaps), None)
        found.append(None if later is None else correct[later])
        at = at if later is None else later
    return found


def _results(step: Step, known: Collection[Number], earlier: Collection[Number]) -> list[Number]:
    if step.results:
        return [step.values[k] for k in step.results]
    return [value for value in step.values if value not in known and value not in earlier]
