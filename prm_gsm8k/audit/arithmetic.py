"""The shares of first errors and of correct steps that state a false equation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.arithmetic.false_equations import false_equations, unread_equations
from prm_gsm8k.audit.probe import FEWEST
from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.metrics.intervals import Estimate, Resamples, estimate, wilson
from prm_gsm8k.metrics.protocols import share

if TYPE_CHECKING:
    from numpy.typing import NDArray


def false_equation_shares(solutions: Sequence[Solution], resampled: Resamples) -> dict[str, Any]:
    """Shares of steps with a false equation (`prm_gsm8k.arithmetic.false_equations`), with intervals by problem.

    Returns:
        `first_errors` and `right_steps`, an Estimate each (None without such steps); `by_type`: error type -> share of
        its first errors, if there are several types; `unread`: how many steps have an equation that cannot be read.
    """

    @cache
    def is_false(step: str) -> bool:
        return bool(false_equations(step))

    counts = np.zeros((len(solutions), 4))  # first errors: false, all; correct steps: false, all
    for s, solution in enumerate(solutions):
        for i in solution.judged:
            column = 0 if i == solution.first_error else 2
            counts[s, column] += is_false(solution.steps[i])
            counts[s, column + 1] += 1
    sums = resampled.sums(dict(zip("abcd", counts.T, strict=True)))
    types = Counter(solution.groups.get("error_type", "") for solution in solutions if solution.first_error >= 0)
    by_type = {}
    for name, n in types.items():
        if n >= FEWEST and len(types) > 1:
            of_type = [s for s, solution in enumerate(solutions) if solution.groups["error_type"] == name]
            by_type[name] = float(counts[of_type, 0].sum() / n)
    return {
        "first_errors": _share(counts[:, 0].sum(), counts[:, 1].sum(), share(sums["a"], sums["b"])),
        "right_steps": _share(counts[:, 2].sum(), counts[:, 3].sum(), share(sums["c"], sums["d"])),
        "by_type": by_type,
        "unread": sum(bool(unread_equations(solution.steps[i])) for solution in solutions for i in solution.judged),
    }


def quoted_equations(solutions: Sequence[Solution]) -> Iterator[tuple[str, str, str]]:
    """(place, `false` or `cannot be read`, the equation) of each equation in them that is not seen to be true."""
    for what, equations in (("false", false_equations), ("cannot be read", unread_equations)):
        for solution in solutions:
            for i in solution.judged:
                for equation in equations(solution.steps[i]):
                    yield f"{solution.id}, step {i}", what, str(equation)


def _share(false: float, total: float, resampled: NDArray[np.float64]) -> Estimate | None:
    if false in (0, total):  # in every resample too, however few there are
        return wilson(int(false), int(total)) if total else None
    return estimate(false / total, resampled, int(total))
