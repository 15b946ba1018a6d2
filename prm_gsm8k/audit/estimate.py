"""A number and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.metrics.intervals import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Number:
    """A number with its 95% interval, and on how many wrong steps (or pairs, or steps) it stands."""

    value: float
    low: float | None
    high: float | None
    n: int


def number(value: float, drawn: NDArray[np.float64], n: int) -> Number:
    """With the interval from its values in resamples; those that had nothing to count (NaN) are passed over."""
    low, high = interval(drawn[~np.isnan(drawn)], value)
    return Number(float(value), low, high, int(n))
