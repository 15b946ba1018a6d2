"""Best-of-N: how often is the solution that a PRM picks among N correct?

N of the solutions to each problem are drawn without replacement. The result is the expected share of problems solved,
ties being broken at random. It is exact for the best-scored, a random solution and the oracle. Votes are averaged over
all draws, or over `DRAWS` random ones, the same for every model, if there are more than `ALL_DRAWS`: 4 of 16 are 1,820
draws, 8 of 16 are 12,870.

    random      any solution
    majority    the most frequent answer (self-consistency, Wang et al. 2023)
    weighted    the answer whose solutions have the highest sum of scores; a solution's score is its lowest step score
    min, prod, last, mean    the solution with the highest score, aggregated so from its steps (Lightman et al. 2023)
    oracle      a correct solution, if there is one

A solution without an answer has no vote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.metrics.protocols import Counts, Sums, share
from prm_gsm8k.models.step_scorer import AGGREGATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SERIES = (*AGGREGATES, "majority", "weighted", "random", "oracle")
ALL_DRAWS = 2_000
DRAWS = 200
TIE = 1e-12  # sums of equal scores in different order are tied


def powers_of_two(n: int) -> list[int]:
    """The powers of two up to n, and n."""
    return sorted({2**k for k in range(n.bit_length()) if 2**k <= n} | {n})


def expected_best(values: Sequence[float], correct: Sequence[bool], n: int) -> float:
    """The probability that the best of n drawn solutions is correct, ties broken at random.

    >>> expected_best([0.9, 0.1, 0.5, 0.6], [True, False, False, False], 2)     # 0.9 is in three of six pairs
    0.5
    """
    ranked = sorted(zip(values, correct, strict=True), key=lambda pair: -pair[0])
    draws, below, probability, i = math.comb(len(ranked), n), len(ranked), 0.0, 0
    while i < len(ranked):
        group = [is_correct for value, is_correct in ranked[i:] if value == ranked[i][0]]
        # P(one of the group is drawn and none above it)
        best = (math.comb(below, n) - math.comb(below - len(group), n)) / draws
        probability += best * sum(group) / len(group)
        i, below = i + len(group), below - len(group)
    return probability


def expected_vote(
    answers: Sequence[str | None],
    correct: Sequence[bool],
    n: int,
    weights: Sequence[float] | None = None,
    seed: int = 0,
) -> float:
    """The probability that the answer with the highest sum of weights among n drawn solutions is correct.

    Args:
        answers: (solutions,), None for a solution without an answer.
        correct: (solutions,).
        n: number of solutions drawn.
        weights: (solutions,) of the votes; None for 1.
        seed: of the draws, if there are more than `ALL_DRAWS`.

    >>> expected_vote(["4", "4", "5"], [False, False, True], 3)
    0.0
    """
    names = [name for name in dict.fromkeys(answers) if name is not None]
    if not names:
        return 0.0
    votes = np.array([[float(answer == name) for name in names] for answer in answers])
    is_correct = np.array([np.mean([c for a, c in zip(answers, correct, strict=True) if a == name]) for name in names])
    drawn = _draws(len(answers), n, seed)
    weighted = votes if weights is None else votes * np.asarray(weights, float)[:, None]
    present = votes[drawn].any(axis=1)
    sums = np.where(present, weighted[drawn].sum(axis=1), -1.0)
    winners = present & (sums >= sums.max(axis=1, keepdims=True) - TIE)
    return float(np.mean((winners * is_correct).sum(axis=1) / np.maximum(winners.sum(axis=1), 1)))


def expected_oracle(correct: Sequence[bool], n: int) -> float:
    """The probability that a correct solution is among n drawn.

    >>> expected_oracle([True, False, False, False], 2)
    0.5
    """
    incorrect = len(correct) - sum(correct)
    return 1 - math.comb(incorrect, n) / math.comb(len(correct), n)


def problem_counts(
    scores: Sequence[Sequence[Sequence[float]]],
    answers: Sequence[Sequence[str | None]],
    correct: Sequence[Sequence[bool]],
    ns: Sequence[int],
) -> Counts:
    """The probability of solving each problem, as `SERIES@N`, and a column `problems` of ones.

    Args:
        scores: of each step of each solution to each problem.
        answers, correct: of each solution to each problem.
        ns: values of N, at most the number of solutions to any problem.
    """
    columns: dict[str, list[float]] = {f"{name}@{n}": [] for n in ns for name in SERIES}
    for seed, (lines, given, is_correct) in enumerate(zip(scores, answers, correct, strict=True)):
        values = {name: aggregated(lines, name) for name in AGGREGATES}
        for n in ns:
            solved = {name: expected_best(values[name], is_correct, n) for name in AGGREGATES}
            solved["majority"] = _majority(tuple(given), tuple(is_correct), n, seed)
            solved["weighted"] = expected_vote(given, is_correct, n, values["min"], seed=seed)
            solved["random"] = sum(is_correct) / len(is_correct)
            solved["oracle"] = expected_oracle(is_correct, n)
            for name, value in solved.items():
                columns[f"{name}@{n}"].append(value)
    counts = {name: np.array(column) for name, column in columns.items()}
    return {**counts, "problems": np.ones(len(scores))}


@lru_cache(maxsize=1 << 14)  # the same for every model: 944 problems and five N are 4,720
def _majority(answers: tuple[str | None, ...], correct: tuple[bool, ...], n: int, seed: int) -> float:
    return expected_vote(answers, correct, n, seed=seed)


def aggregated(scores: Sequence[Sequence[float]], aggregate: str) -> list[float]:
    """One score for each solution from those of its steps."""
    return [float(AGGREGATES[aggregate](line)) for line in scores]


def best_of_n(sums: Sums, n: int) -> dict[str, Any]:
    """The share of problems solved with n solutions, for each of `SERIES`, and how much of the gap between majority and
    oracle is closed.
    """
    numbers = {name: share(sums[f"{name}@{n}"], sums["problems"]) for name in SERIES}
    gap = numbers["oracle"] - numbers["majority"]
    closed = {
        f"{name}_gap_closed": share(numbers[name] - numbers["majority"], gap) for name in (*AGGREGATES, "weighted")
    }
    return numbers | closed


def curves(counts: Counts, ns: Sequence[int]) -> dict[str, Any]:
    """Every series by N, as in the result."""
    mean = {name: float(column.mean()) for name, column in counts.items()}
    return {"n": list(ns), "series": {name: [mean[f"{name}@{n}"] for n in ns] for name in SERIES}}


@lru_cache(maxsize=1 << 14)
def _draws(whole: int, n: int, seed: int) -> NDArray[np.int64]:
    """(draws, n), indices of the solutions in each draw."""
    if math.comb(whole, n) <= ALL_DRAWS:
        return np.array(list(combinations(range(whole), n)))
    keys = np.random.default_rng([seed, n]).random((DRAWS, whole))
    return np.argsort(keys, axis=1)[:, :n]
