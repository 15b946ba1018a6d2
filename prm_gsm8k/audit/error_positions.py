"""Where first errors stand and how long wrong solutions are, and how far that is from real ones.

A step at the end that states the answer and nothing else (` 4`, `#### 4`, `The answer is 4.`) is no step of reasoning:
some sources always write one, some never. So it is not counted on either side, and an error in it stands at place 1.

    place   right steps before the first error, by all steps: 0 the first step, 1 the answer alone
    index   of the first error
    steps   of the solution
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

HALVES = 1_000  # random halvings of the reference
MEASURES = ("place", "index", "steps")

Shape = Mapping[tuple[int, int], int]
"""How many wrong solutions have (so many steps, so many right ones before the first error)."""


@dataclass(frozen=True)
class Distance:
    """How far apart two samples are.

    Attributes:
        ks: largest difference of their distribution functions (Kolmogorov and Smirnov).
        low, high: its 95% interval, drawing the problems of the data again.
        tv: half the sum of the differences of their histograms (total variation): of the place, by tenths.
        halves: the 95th percentile of `ks` between two random halves of the reference; of less data than a half,
            between as many of the reference and its rest.
        here, there: means of the data and of the reference.
    """

    ks: float
    low: float | None
    high: float | None
    tv: float
    halves: float
    here: float
    there: float


def shape_of(solutions: Iterable[Solution]) -> Shape:
    """Of the solutions that have a first error."""
    return Counter(cell_of(one) for one in solutions if one.first_error >= 0)


def cell_of(one: Solution) -> tuple[int, int]:
    """(steps, right ones before the first error) of a wrong solution, without a step that only states the answer."""
    return max(1, one.content), min(one.first_error, max(1, one.content))


def value_of(measure: str, cell: tuple[int, int]) -> float:
    """Of a cell, the place, the index or the number of steps."""
    steps, right = cell
    return {"place": right / steps, "index": right, "steps": steps}[measure]


def distances(solutions: Sequence[Solution], reference: Shape, draws: Resamples, seed: int) -> dict[str, Distance]:
    """The distance of the wrong solutions from a reference in each measure."""
    at = [s for s, one in enumerate(solutions) if one.first_error >= 0]
    cells = sorted({*reference, *(cell_of(solutions[s]) for s in at)})
    column = {cell: k for k, cell in enumerate(cells)}
    have = np.array([column[cell_of(solutions[s])] for s in at])
    by_problem = np.zeros((draws.weights.shape[1], len(cells)))
    np.add.at(by_problem, (draws.problem[at], have), 1)
    mine, drawn = by_problem.sum(axis=0), draws.weights @ by_problem
    counts = np.array([reference.get(cell, 0) for cell in cells])
    real = counts.astype(float)
    halves = (
        np.random.default_rng(seed)
        .multivariate_hypergeometric(counts, min(len(at), counts.sum() // 2), size=HALVES)
        .astype(float)
    )
    found = {}
    for measure in MEASURES:
        values = np.array([value_of(measure, cell) for cell in cells])
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


def histogram(measure: str, shape: Shape) -> dict[str, int]:
    """Counts for a picture: of the place by tenths, of the others one a number, all from 10 on together."""
    counts: Counter[int] = Counter()
    for cell, n in shape.items():
        value = value_of(measure, cell)
        counts[min(int(value * 10 + 1e-9), 10) if measure == "place" else min(int(value), 10)] += n
    return {str(key): counts[key] for key in sorted(counts)}


def _ks(values: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each row of counts of `values` in `a` from that of `b`."""
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)  # of each different value
    a, b = np.atleast_2d(a)[:, order].cumsum(axis=1), np.atleast_2d(b)[:, order].cumsum(axis=1)
    return np.asarray(np.abs(a / a[:, -1:] - b / b[:, -1:])[:, last].max(axis=1))


def _tv(bins: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    names, column = np.unique(bins, return_inverse=True)
    shares = [np.bincount(column, weights=one, minlength=len(names)) / one.sum() for one in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
