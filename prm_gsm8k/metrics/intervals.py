"""Bootstrap intervals and paired permutation tests, clustered by problem.

Solutions to one problem are correlated, so problems are resampled with all their solutions (Efron and Tibshirani 1993,
section 8.5), within each subset of a benchmark. A resample is a weight per problem: how often it was drawn. Metrics
that are functions of sums (protocols.py) are computed for all resamples at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.metrics.protocols import Counts, Protocol, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 2_000
LEVEL = 0.95
NORMAL = NormalDist()
CHUNK = 50  # resamples whose per-step weights are in memory at once


@dataclass(frozen=True)
class Resamples:
    """Bootstrap resamples of problems.

    Attributes:
        problem: (solutions,), the index of each solution's problem.
        weights: (resamples, problems), how often each problem was drawn.
    """

    problem: NDArray[np.int64]
    weights: NDArray[np.float64]

    def sums(self, counts: Counts) -> dict[str, NDArray[np.float64]]:
        """Each column of counts summed over the solutions of each resample: name -> (resamples,)."""
        problems = self.weights.shape[1]
        table = np.stack([np.bincount(self.problem, weights=c, minlength=problems) for c in counts.values()], axis=1)
        return dict(zip(counts, (self.weights @ table).T, strict=True))


def resamples(problems: Sequence[str], subsets: Sequence[str], n: int = RESAMPLES, seed: int = 0) -> Resamples:
    """Draw problems with replacement, in each subset as many as it has.

    Args:
        problems: (solutions,), an identifier of each solution's problem.
        subsets: (solutions,); a problem in two subsets counts as one in each.
        n: number of resamples.
        seed: of the draw.
    """
    pairs = list(zip(subsets, problems, strict=True))
    names = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    subset = np.array([pair[0] for pair in names])
    random = np.random.default_rng(seed)
    weights = np.zeros((n, len(names)))
    for name in sorted(set(subsets)):
        inside = np.flatnonzero(subset == name)
        weights[:, inside] = random.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), size=n)
    return Resamples(np.array([names[pair] for pair in pairs]), weights)


def interval(
    values: NDArray[np.float64], number: float, level: float = LEVEL
) -> tuple[float, float] | tuple[None, None]:
    """The bias-corrected percentile interval (Efron 1981) of an estimate.

    Plain percentiles cover the truth too rarely where the resamples are biased, as for a share near 1 or average
    precision (benchmarks/intervals.py).

    Args:
        values: (resamples,), the estimate in each resample.
        number: the estimate on the data.
        level: coverage.

    Returns:
        The two ends; (None, None) if there are no resamples or the estimate is undefined (NaN) in one.
    """
    if not len(values) or np.isnan(values).any() or np.isnan(number):
        return None, None
    below = (np.sum(values < number) + np.sum(values == number) / 2) / len(values)
    shift = NORMAL.inv_cdf(min(max(float(below), 1 / len(values)), 1 - 1 / len(values)))
    tail = NORMAL.inv_cdf((1 - level) / 2)
    low, high = np.quantile(values, [NORMAL.cdf(2 * shift + tail), NORMAL.cdf(2 * shift - tail)])
    return float(low), float(high)


@dataclass(frozen=True)
class Estimate:
    """A value, its 95% interval (None: unknown), and the sample size."""

    value: float
    low: float | None
    high: float | None
    n: int


def estimate(value: float, resampled: NDArray[np.float64], n: int) -> Estimate:
    """`value` with the interval from its values in resamples, without those where it is undefined (NaN)."""
    low, high = interval(resampled[~np.isnan(resampled)], value)
    return Estimate(float(value), low, high, int(n))


def wilson(count: float, of: int) -> Estimate:
    """A share and its 95% score interval (Wilson 1927), which also says how little nothing of a few says.

    >>> wilson(0, 7).high > 0.35 > wilson(0, 8).high
    True
    """
    z2 = NORMAL.inv_cdf((1 + LEVEL) / 2) ** 2
    share, middle = count / max(1, of), (count + z2 / 2) / (of + z2)
    half = (z2 * (of * share * (1 - share) + z2 / 4)) ** 0.5 / (of + z2)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), of)


def chance_auc(a: int, b: int) -> float:
    """The AUC that a score without any information exceeds in one of forty samples of `a` against `b` items.

    Its variance without ties is (a + b + 1) / 12ab (Mann and Whitney 1947).
    """
    return 0.5 + NORMAL.inv_cdf((1 + LEVEL) / 2) * ((a + b + 1) / (12 * a * b)) ** 0.5 if a and b else 1.0


@dataclass(frozen=True)
class Paired:
    """The difference a - b of a metric on the same problems, its interval and two-sided p-value."""

    difference: float
    low: float | None
    high: float | None
    p: float


def paired(a: Counts, b: Counts, protocol: Protocol, metric: str, drawn: Resamples, seed: int = 0) -> Paired:
    """Compare two models on the same solutions: bootstrap interval, and p of Fisher's randomisation test.

    A permutation swaps the two models on each problem, with all its solutions, with probability 1/2. p is the share of
    permutations, the identity included, with at least the observed difference.

    Args:
        a, b: counts of the two models for the same solutions.
        protocol: computes metrics from sums.
        metric: the metric to compare.
        drawn: resamples; there are as many permutations.
        seed: of the permutations.
    """
    n, problems = drawn.weights.shape
    difference = float(protocol(_total(a))[metric] - protocol(_total(b))[metric])
    low, high = interval(protocol(drawn.sums(a))[metric] - protocol(drawn.sums(b))[metric], difference)
    kept = np.random.default_rng(seed).integers(0, 2, size=(n, problems)).astype(float)
    keep, swap = Resamples(drawn.problem, kept), Resamples(drawn.problem, 1 - kept)
    kept_a, swapped_a, kept_b, swapped_b = keep.sums(a), swap.sums(a), keep.sums(b), swap.sums(b)
    first = protocol({k: kept_a[k] + swapped_b[k] for k in a})[metric]
    second = protocol({k: swapped_a[k] + kept_b[k] for k in a})[metric]
    as_large = np.abs(first - second) >= abs(difference) - 1e-12
    return Paired(difference, low, high, float((1 + as_large.sum()) / (1 + n)))


def _total(counts: Counts) -> dict[str, Any]:
    return {name: column.sum() for name, column in counts.items()}


# ------------------------------------------------------------------------------------------------------ ranked metrics

Ranked = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]
"""A metric of ranked items: weights (resamples, items) -> values (resamples,)."""


def weighted_auc(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> Ranked:
    """AUC: the probability that a correct item scores above an incorrect one, ties counting half.

    Args:
        scores, correct: (items,).
    """
    order, starts, true = _ranking(scores, correct)

    def auc(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, order]
        yes, no = np.add.reduceat(w * true, starts, axis=1), np.add.reduceat(w * ~true, starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        pairs = yes.sum(axis=1) * no.sum(axis=1)
        return share((yes * below).sum(axis=1), pairs)

    return auc


def weighted_average_precision(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> Ranked:
    """Average precision of detecting incorrect items by low scores; arguments as `weighted_auc`."""
    order, starts, true = _ranking(scores, correct)

    def precision(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, order]
        found = np.add.reduceat(w * ~true, starts, axis=1)
        hits, named = np.cumsum(found, axis=1), np.cumsum(np.add.reduceat(w, starts, axis=1), axis=1)
        at = np.divide(hits, named, out=np.zeros_like(hits), where=named > 0)
        return share((found * at).sum(axis=1), hits[:, -1])

    return precision


def of_resamples(metric: Ranked, drawn: Resamples, solution: NDArray[np.int64]) -> NDArray[np.float64]:
    """A ranked metric in each resample, (resamples,); `solution`: (items,), the solution of each item."""
    problem = drawn.problem[solution]
    starts = range(0, len(drawn.weights), CHUNK)
    return np.concatenate([metric(drawn.weights[i : i + CHUNK][:, problem]) for i in starts])


def _ranking(
    scores: NDArray[np.float64], correct: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The order by ascending score, the start of each distinct score in it, and `correct` in that order."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return order, starts, correct[order]
