"""Positions of first errors and lengths of incorrect solutions, compared with real ones.

A last step that only states the answer (` 4`, `#### 4`, `The answer is 4.`) is not counted, since some sources always
have one and some never; an error in it has place 1.

    place   correct steps before the first error / number of steps: 0 for the first step
    index   of the first error
    steps   number of steps
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.metrics.intervals import Resamples, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALVES = 1_000  # random splits of the reference
MEASURES = ("place", "index", "steps")

Positions = Mapping[tuple[int, int], int]
"""(number of steps, correct steps before the first error) -> number of incorrect solutions."""


@dataclass(frozen=True)
class Distance:
    """Distance of the data from the reference in one measure.

    Attributes:
        ks: Kolmogorov-Smirnov statistic, in [0, 1].
        low, high: its 95% interval, from resampling the data's problems.
        tv: total variation distance of the histograms, in [0, 1]; places are binned by tenths.
        halves: 95th percentile of `ks` between two random halves of the reference, or between a random sample of it
            as large as the data and the rest if that is smaller. The limit for `ks`.
        here, there: means of the data and of the reference.
    """

    ks: float
    low: float | None
    high: float | None
    tv: float
    halves: float
    here: float
    there: float


def error_positions(solutions: Iterable[Solution]) -> Positions:
    """Counts over the incorrect solutions."""
    return Counter(position_of(solution) for solution in solutions if solution.first_error >= 0)


def position_of(solution: Solution) -> tuple[int, int]:
    """(number of steps, correct steps before the first error) of an incorrect solution."""
    return max(1, solution.content), min(solution.first_error, max(1, solution.content))


def value_of(measure: str, position: tuple[int, int]) -> float:
    """The value of a measure (`MEASURES`) at a position."""
    steps, correct = position
    return {"place": correct / steps, "index": correct, "steps": steps}[measure]


def distances(
    solutions: Sequence[Solution], reference: Positions, resampled: Resamples, seed: int
) -> dict[str, Distance]:
    """The distance of the incorrect solutions from a reference, by measure."""
    incorrect = [s for s, solution in enumerate(solutions) if solution.first_error >= 0]
    positions = sorted({*reference, *(position_of(solutions[s]) for s in incorrect)})
    column = {position: k for k, position in enumerate(positions)}
    columns = np.array([column[position_of(solutions[s])] for s in incorrect])
    by_problem = np.zeros((resampled.weights.shape[1], len(positions)))
    np.add.at(by_problem, (resampled.problem[incorrect], columns), 1)
    mine, drawn = by_problem.sum(axis=0), resampled.weights @ by_problem
    drawn = drawn[drawn.any(axis=1)]  # of a few problems, those drawn may have no incorrect solution
    counts = np.array([reference.get(position, 0) for position in positions])
    real = counts.astype(float)
    halves = (
        np.random.default_rng(seed)
        .multivariate_hypergeometric(counts, min(len(incorrect), counts.sum() // 2), size=HALVES)
        .astype(float)
    )
    found = {}
    for measure in MEASURES:
        values = np.array([value_of(measure, position) for position in positions])
        ks = float(_ks(values, mine[None], real)[0])
        low, high = interval(_ks(values, drawn, real), ks)
        between = _ks(values, halves, real - halves)
        bins = np.floor(values * 10 + 1e-9) if measure == "place" else values
        found[measure] = Distance(
            ks,
            low,
            high,
            tv=_tv(bins, mine, real),
            halves=float(np.quantile(between, 0.95)),
            here=float(values @ mine / mine.sum()),
            there=float(values @ real / real.sum()),
        )
    return found


def histogram(measure: str, positions: Positions) -> dict[str, int]:
    """Counts for a chart: places by tenths, other measures by value, 10 and above together."""
    counts: Counter[int] = Counter()
    for position, n in positions.items():
        value = value_of(measure, position)
        counts[min(int(value * 10 + 1e-9), 10) if measure == "place" else min(int(value), 10)] += n
    return {str(key): counts[key] for key in sorted(counts)}


def _ks(values: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The KS statistic of counts `a` and `b`, (…, values), for each row."""
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)  # the last column of each distinct value
    a, b = np.atleast_2d(a)[:, order].cumsum(axis=1), np.atleast_2d(b)[:, order].cumsum(axis=1)
    return np.asarray(np.abs(a / a[:, -1:] - b / b[:, -1:])[:, last].max(axis=1))


def _tv(bins: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    names, column = np.unique(bins, return_inverse=True)
    shares = [np.bincount(column, weights=one, minlength=len(names)) / one.sum() for one in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
