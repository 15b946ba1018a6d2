"""A number with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.metrics.intervals import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """A value, its 95% interval (None: unknown), and the sample size: first errors, pairs or steps."""

    value: float
    low: float | None
    high: float | None
    n: int


def estimate(value: float, resampled: NDArray[np.float64], n: int) -> Estimate:
    """`value` with the interval from its values in resamples, without those where it is undefined (NaN)."""
    low, high = interval(resampled[~np.isnan(resampled)], value)
    return Estimate(float(value), low, high, int(n))
