"""What each step should score: labels or soft values of a row as one number a step.

    >>> step_targets(4, labels=[True, True, False, False])
    [1.0, 1.0, 0.0, None]

The last step follows an error. Whether what follows from a wrong step is itself wrong is not what a labeler was asked,
and a PRM is used to find the first error, so by default it is not trained on (as in Lightman et al. 2023, whose
labelers stopped there). `after_error="wrong"` calls it wrong, which is what the contract's `labels` say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from prm_gsm8k.exceptions import StepsError

AfterError = Literal["mask", "wrong"]
CORRECT = 1  # index of the label `right` in the head's two


def step_targets(
    steps: int,
    labels: Sequence[bool | int | None] | None = None,
    values: Sequence[float | None] | None = None,
    after_error: AfterError = "mask",
) -> list[float | None] | None:
    """The probability of being right that each step should get; None for a step that is not to be trained on.

    Args:
        steps: how many steps there are.
        labels: right (True, 1) or wrong (False, 0), one a step; None ignores the step.
        values: soft labels in [0, 1], one a step; the targets if they are given. None or NaN ignores the step.
        after_error: what to do with steps after the first error, which is the first wrong label; without labels, the
            first value of 0 (of the solutions sampled from there, none came to the right answer).

    Returns:
        One target a step, or None if there are neither labels nor values.

    Raises:
        StepsError: another number of labels or values than steps, or one that is no such number.

    >>> step_targets(3, values=[0.875, 0.0, 0.25])
    [0.875, 0.0, None]
    >>> step_targets(3, labels=[True, False, True], after_error="wrong")
    [1.0, 0.0, 0.0]
    """
    if after_error not in ("mask", "wrong"):
        raise ValueError(f"after_error is 'mask' or 'wrong', not {after_error!r}")
    if labels is None and values is None:
        return None
    for name, given in (("labels", labels), ("values", values)):
        if given is not None and len(given) != steps:
            raise StepsError(f"{steps} steps but {len(given)} {name}")
    targets = [_number(f"labels[{i}]", x, {0.0, 1.0}) for i, x in enumerate(labels)] if labels is not None else None
    wrong = 0.0 in targets if targets is not None else False
    first_error = targets.index(0.0) if targets is not None and wrong else steps
    if values is not None:
        hard, targets = targets, [_number(f"values[{i}]", x) for i, x in enumerate(values)]
        if hard is None and 0.0 in targets:
            first_error = targets.index(0.0)
    assert targets is not None
    after: dict[AfterError, float | None] = {"mask": None, "wrong": 0.0}
    return [t if i <= first_error or t is None else after[after_error] for i, t in enumerate(targets)]


def _number(where: str, given: object, allowed: set[float] | None = None) -> float | None:
    """A label as a float; None for one that says nothing."""
    if given is None or (isinstance(given, float) and math.isnan(given)):
        return None
    try:
        number = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(given, str) or not 0 <= number <= 1 or (allowed and number not in allowed):
        raise StepsError(f"{where} is {given!r}, not " + ("true or false" if allowed else "a number in [0, 1]"))
    return number
