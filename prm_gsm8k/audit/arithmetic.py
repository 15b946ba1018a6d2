"""How many first errors, and how many right steps, state a false equation (`prm_gsm8k.arithmetic.false_equations`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.audit.estimate import Number, number
from prm_gsm8k.audit.probe import FEWEST
from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.metrics.intervals import Resamples
from prm_gsm8k.metrics.protocols import share

if TYPE_CHECKING:
    from numpy.typing import NDArray


def false_equation_shares(solutions: Sequence[Solution], draws: Resamples) -> dict[str, Any]:
    """Shares of steps with a false equation, with intervals by problem.

    Returns:
        `first_errors` and `right_steps`, a Number each (None if there is no such step), and `by_type` of first errors.
    """
    known: dict[str, bool] = {}

    def is_false(step: str) -> bool:
        if (answer := known.get(step)) is None:
            answer = known[step] = bool(false_equations(step))
        return answer

    counts = np.zeros((len(solutions), 4))  # false first errors, first errors, false right steps, right steps
    for s, one in enumerate(solutions):
        for i in one.judged:
            at = 0 if i == one.first_error else 2
            counts[s, at] += is_false(one.steps[i])
            counts[s, at + 1] += 1
    sums = draws.sums(dict(zip("abcd", counts.T, strict=True)))
    kinds = Counter(one.groups.get("error_type", "") for one in solutions if one.first_error >= 0)
    by_type = {}
    for kind, n in kinds.items():
        if n >= FEWEST and len(kinds) > 1:
            of_kind = [s for s, one in enumerate(solutions) if one.groups["error_type"] == kind]
            by_type[kind] = float(counts[of_kind, 0].sum() / n)
    return {
        "first_errors": _share(counts[:, 0].sum(), counts[:, 1].sum(), share(sums["a"], sums["b"])),
        "right_steps": _share(counts[:, 2].sum(), counts[:, 3].sum(), share(sums["c"], sums["d"])),
        "by_type": by_type,
    }


def _share(false: float, of: float, drawn: NDArray[np.float64]) -> Number | None:
    return number(false / of, drawn, int(of)) if of else None
