"""How often a wrong solution still shows what its error has changed: the benchmark's measure, for anybody's rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from prm_gsm8k.synthetic.second_opinion.quantities import Quantities
from prm_gsm8k.synthetic.second_opinion.reading import STEP_PREFIX, Number, Step


def stale_values(right_steps: Sequence[str], wrong_steps: Sequence[str], first_error: int, question: str) -> list[str]:
    """The old values of changed results that a wrong solution still shows at or after its first error, as written.

    For `48/2 = 26` in place of `48/2 = 24`, followed by an unchanged `48+24 = 72`, it is `["24"]`. A value that the
    question or an unchanged earlier result explains as well is not counted. Works for any wrong solution with the right
    one's steps (one of them may be missing), also for ones that nobody verified.
    """
    known = Quantities(question).known
    right = [_read_body(step) for step in right_steps]
    shift = len(right) - len(wrong_steps)
    kept: set[Number] = set()
    for step in right[:first_error]:
        kept.update(_results(step, known, kept))
    changed: set[Number] = set()
    stale: list[str] = []
    for index in range(first_error, len(wrong_steps)):
        if not 0 <= index + shift < len(right):
            break
        twin, wrong = right[index + shift], _read_body(wrong_steps[index])
        same = len(twin.values) == len(wrong.values)
        old = _results(twin, known, kept)
        new = (
            [wrong.values[k] for k in twin.results or range(len(twin.values))] if same else _results(wrong, known, kept)
        )
        fresh = {value for value in old if value not in new}
        if index > first_error:
            for k, (value, text) in enumerate(zip(wrong.values, wrong.texts, strict=False)):
                # Where the right step has another number, the value has come out again by itself.
                left = twin.values[k] == value if same else k not in wrong.results
                if left and value in changed and value not in known and value not in kept:
                    stale.append(text)
        changed |= fresh
        kept.update(value for value in old if value in new)
        changed -= kept if index > first_error else set()
    return stale


def _read_body(step: str) -> Step:
    match = STEP_PREFIX.match(step)
    return Step(step[match.end() :] if match else step)


def _results(step: Step, known: Collection[Number], earlier: Collection[Number]) -> list[Number]:
    if step.results:
        return [step.values[k] for k in step.results]
    return [value for value in step.values if value not in known and value not in earlier]
