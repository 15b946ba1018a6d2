"""How often a wrong solution still shows what its error has changed: the benchmark's measure, for anybody's rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from prm_gsm8k.arithmetic.equations import STEP_PREFIX, Number, Step
from prm_gsm8k.synthetic.checker.quantities import Quantities


def stale_values(right_steps: Sequence[str], wrong_steps: Sequence[str], first_error: int, question: str) -> list[str]:
    """The old values of changed results that a wrong solution still shows at or after its first error, as written.

    For `48/2 = 26` in place of `48/2 = 24`, followed by an unchanged `48+24 = 72`, it is `["24"]`. A value that the
    question or an unchanged earlier result explains as well is not counted. Works for any wrong solution with the right
    one's steps (one of them may be missing, and others may stand between them), also for ones that nobody verified.
    """
    known = Quantities(question).known
    right = [_read_body(step) for step in right_steps]
    wrong = [_read_body(step) for step in wrong_steps]
    kept: set[Number] = set()
    for step in right[:first_error]:
        kept.update(_results(step, known, kept))
    changed: set[Number] = set()
    stale: list[str] = []
    for here, twin in zip(wrong[first_error:], _twins(right, wrong, first_error), strict=True):
        same = twin is not None and len(twin.values) == len(here.values)
        old = [] if twin is None else _results(twin, known, kept)
        new = [here.values[k] for k in twin.results or range(len(twin.values))] if twin is not None and same else []
        new = new or _results(here, known, kept)
        fresh = {value for value in old if value not in new}
        if here is not wrong[first_error]:
            for k, (value, text) in enumerate(zip(here.values, here.texts, strict=False)):
                # Where the right step has another number, the value has come out again by itself.
                left = twin.values[k] == value if twin is not None and same else k not in here.results
                if left and value in changed and value not in known and value not in kept:
                    stale.append(text)
        changed |= fresh
        kept.update(value for value in old if value in new)
        if here is not wrong[first_error]:
            changed -= kept
    return stale


def _twins(right: Sequence[Step], wrong: Sequence[Step], first_error: int) -> list[Step | None]:
    """Of each wrong step from the first error on, the right step whose words it has; None if there is none."""
    at = first_error
    if [step.gaps for step in right[at : at + 2]][1:] == [wrong[at].gaps] != [right[at].gaps]:
        at += 1  # a step is missing
    found: list[Step | None] = [right[at] if at < len(right) else None]
    for step in wrong[first_error + 1 :]:
        later = next((k for k in range(at + 1, len(right)) if right[k].gaps == step.gaps), None)
        found.append(None if later is None else right[later])
        at = at if later is None else later
    return found


def _read_body(step: str) -> Step:
    match = STEP_PREFIX.match(step)
    return Step(step[match.end() :] if match else step)


def _results(step: Step, known: Collection[Number], earlier: Collection[Number]) -> list[Number]:
    if step.results:
        return [step.values[k] for k in step.results]
    return [value for value in step.values if value not in known and value not in earlier]
