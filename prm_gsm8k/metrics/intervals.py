"""How sure a number is: bootstrap intervals and paired tests, by problem.

Solutions to one problem are alike, so what is drawn again is problems, with all their solutions (Efron and Tibshirani
1993, section 8.5; a benchmark's subsets keep their sizes). A resample is a weight for each problem: how often it was
drawn. Numbers that are functions of sums (protocols.py) are computed for all resamples at once.
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
CHUNK = 50  # resamples whose weights for every step are in memory at once


@dataclass(frozen=True)
class Resamples:
    """Problems drawn again.

    Attributes:
        problem: of each solution, the index of its problem.
        weights: how often each problem was drawn, (resamples, problems).
    """

    problem: NDArray[np.int64]
    weights: NDArray[np.float64]

    def sums(self, counts: Counts) -> dict[str, NDArray[np.float64]]:
        """Sums of counts in each resample, one column a name, each of shape (resamples,)."""
        problems = self.weights.shape[1]
        table = np.stack([np.bincount(self.problem, weights=c, minlength=problems) for c in counts.values()], axis=1)
        return dict(zip(counts, (self.weights @ table).T, strict=True))


def resamples(problems: Sequence[str], subsets: Sequence[str], n: int = RESAMPLES, seed: int = 0) -> Resamples:
    """Draw problems with replacement, within each subset as many as it has.

    Args:
        problems: of each solution, what names its problem.
        subsets: of each solution. A problem that is in two of them is one problem in each.
        n: how many resamples.
        seed: another one draws others.
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
    """The bias-corrected percentile interval (Efron 1981) of a number from its values in resamples.

    The plain percentiles of a number whose resamples lie to one side of it, as those of a share near 1 or of an average
    precision do, cover the truth too seldom (benchmarks/intervals.py). (None, None) if it could not be said in some.
    """
    if not len(values) or np.isnan(values).any() or np.isnan(number):
        return None, None
    below = (np.sum(values < number) + np.sum(values == number) / 2) / len(values)
    shift = NORMAL.inv_cdf(min(max(float(below), 1 / len(values)), 1 - 1 / len(values)))
    tail = NORMAL.inv_cdf((1 - level) / 2)
    low, high = np.quantile(values, [NORMAL.cdf(2 * shift + tail), NORMAL.cdf(2 * shift - tail)])
    return float(low), float(high)


@dataclass(frozen=True)
class Paired:
    """The difference a - b of a number on the same problems; `p` is two-sided."""

    difference: float
    low: float | None
    high: float | None
    p: float


def paired(a: Counts, b: Counts, protocol: Protocol, metric: str, drawn: Resamples, seed: int = 0) -> Paired:
    """Compare two models on the same solutions.

    The interval is the bootstrap's. p comes from permutations: if the models were alike, which of the two judged a
    problem would make no difference, so it is drawn by lot for each problem with all its solutions (Fisher's
    randomisation test), and p is the share of lots with a difference as large as the one seen, that one counted.

    Args:
        a, b: counts of the two, for the same solutions.
        protocol: turns sums into numbers.
        metric: which of them.
        drawn: as many permutations are made as there are resamples.
        seed: another one draws other lots.
    """
    n, problems = drawn.weights.shape
    seen = float(protocol(_whole(a))[metric] - protocol(_whole(b))[metric])
    low, high = interval(protocol(drawn.sums(a))[metric] - protocol(drawn.sums(b))[metric], seen)
    lots = np.random.default_rng(seed).integers(0, 2, size=(n, problems)).astype(float)
    mine, other = Resamples(drawn.problem, lots), Resamples(drawn.problem, 1 - lots)
    mine_a, other_a, mine_b, other_b = mine.sums(a), other.sums(a), mine.sums(b), other.sums(b)
    first = protocol({k: mine_a[k] + other_b[k] for k in a})[metric]
    second = protocol({k: other_a[k] + mine_b[k] for k in a})[metric]
    as_large = np.abs(first - second) >= abs(seen) - 1e-12
    return Paired(seen, low, high, float((1 + as_large.sum()) / (1 + n)))


def _whole(counts: Counts) -> dict[str, Any]:
    return {name: column.sum() for name, column in counts.items()}


# ------------------------------------------------------------------------------------ numbers that are not made of sums

Ranked = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]
"""From weights, (resamples, items), to a number for each resample."""


def weighted_auc(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> Ranked:
    """The chance that a right item scores above a wrong one, equals counting half. The ranking is made once."""
    order, starts, true = _ranking(scores, right)

    def auc(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, order]
        yes, no = np.add.reduceat(w * true, starts, axis=1), np.add.reduceat(w * ~true, starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        pairs = yes.sum(axis=1) * no.sum(axis=1)
        return share((yes * below).sum(axis=1), pairs)

    return auc


def weighted_average_precision(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> Ranked:
    """Average precision of finding wrong items, the lowest score first."""
    order, starts, true = _ranking(scores, right)

    def precision(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, order]
        found = np.add.reduceat(w * ~true, starts, axis=1)
        hits, named = np.cumsum(found, axis=1), np.cumsum(np.add.reduceat(w, starts, axis=1), axis=1)
        at = np.divide(hits, named, out=np.zeros_like(hits), where=named > 0)
        return share((found * at).sum(axis=1), hits[:, -1])

    return precision


def of_resamples(number: Ranked, drawn: Resamples, solution: NDArray[np.int64]) -> NDArray[np.float64]:
    """A ranked number in each resample; `solution` is that of each item."""
    problem = drawn.problem[solution]
    starts = range(0, len(drawn.weights), CHUNK)
    return np.concatenate([number(drawn.weights[i : i + CHUNK][:, problem]) for i in starts])


def _ranking(
    scores: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The order from the lowest score up, where each different score begins in it, and what is right in that order."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return order, starts, right[order]
