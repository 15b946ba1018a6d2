"""Training targets: the labels or soft values of a row as one number per step.

    >>> step_targets(4, labels=[True, True, False, False])
    [1.0, 1.0, 0.0, None]

The last step here follows an error. Labelers were not asked whether a step that follows from an incorrect one is itself
incorrect, and a PRM is used to find the first error, so by default such steps are not trained on (Lightman et al. 2023,
whose labelers stopped there). `after_error="wrong"` trains them as incorrect, as the column `labels` has them.
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
    """The P(correct) that each step should get; None for a step that is not trained on.

    Args:
        steps: number of steps.
        labels: correct (True, 1) or incorrect (False, 0), one per step; None ignores the step.
        values: soft labels in [0, 1], one per step; if given they are the targets. None or NaN ignores the step.
        after_error: what to do with steps after the first error, which is the first incorrect label; without labels,
            the first value of 0 (no solution sampled from there reached the reference answer).

    Returns:
        One target per step, or None if there are neither labels nor values.

    Raises:
        StepsError: the number of labels or values is not that of the steps, or one is out of range.

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
    first_error = targets.index(0.0) if targets is not None and 0.0 in targets else steps
    if values is not None:
        hard, targets = targets, [_number(f"values[{i}]", x) for i, x in enumerate(values)]
        if hard is None and 0.0 in targets:
            first_error = targets.index(0.0)
    assert targets is not None
    after: dict[AfterError, float | None] = {"mask": None, "wrong": 0.0}
    return [t if i <= first_error or t is None else after[after_error] for i, t in enumerate(targets)]


def _number(where: str, given: object, allowed: set[float] | None = None) -> float | None:
    """A label or value as a float; None if it is missing."""
    if given is None or (isinstance(given, float) and math.isnan(given)):
        return None
    try:
        number = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(given, str) or not 0 <= number <= 1 or (allowed and number not in allowed):
        raise StepsError(f"{where} is {given!r}, not " + ("true or false" if allowed else "a number in [0, 1]"))
    return number
