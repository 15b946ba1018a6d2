"""Best of N: of N solutions to a problem, how often is the one a PRM prefers right?

A benchmark has n solutions to each problem, of which N are drawn without replacement. What is reported is the expected
share of problems answered rightly over all such draws; equally good solutions, and equally strong answers, share the
choice. For the best-scored, a random one and the oracle the expectation is exact. A vote is taken in every draw there
is, or in `DRAWS` of them, the same for every model, where there are more than `ALL_DRAWS`: 4 of 16 are 1,820 draws, 8
are 12,870.

    random      any solution
    majority    the answer most solutions give (Wang et al. 2023, self-consistency)
    weighted    the answer whose solutions have the highest sum of scores, a solution's score being its lowest step's
    min, prod, last, mean    the solution whose steps' scores are best, made one number so (Lightman et al. 2023)
    oracle      a right one, if there is one among them

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
TIE = 1e-12  # sums of the same scores in another order are one


def powers_of_two(n: int) -> list[int]:
    """1, 2, 4, 8, … up to n, and n itself."""
    return sorted({2**k for k in range(n.bit_length()) if 2**k <= n} | {n})


def expected_best(values: Sequence[float], correct: Sequence[bool], n: int) -> float:
    """The chance that the best of n drawn solutions is right, those of equal value sharing the choice.

    >>> expected_best([0.9, 0.1, 0.5, 0.6], [True, False, False, False], 2)     # 0.9 is in three of six pairs
    0.5
    """
    ranked = sorted(zip(values, correct, strict=True), key=lambda pair: -pair[0])
    whole, below, chance, i = math.comb(len(ranked), n), len(ranked), 0.0, 0
    while i < len(ranked):
        group = [right for value, right in ranked[i:] if value == ranked[i][0]]
        # one of the group is drawn, and none above it
        best = (math.comb(below, n) - math.comb(below - len(group), n)) / whole
        chance += best * sum(group) / len(group)
        i, below = i + len(group), below - len(group)
    return chance


def expected_vote(
    answers: Sequence[str | None],
    correct: Sequence[bool],
    n: int,
    weights: Sequence[float] | None = None,
    seed: int = 0,
) -> float:
    """The chance that the answer with the highest sum of weights among n drawn solutions is right.

    Args:
        answers: of each solution, None if it has none.
        correct: whether each is right.
        n: how many are drawn.
        weights: of each vote; 1 if None.
        seed: of the draws, if not all are taken.

    >>> expected_vote(["4", "4", "5"], [False, False, True], 3)
    0.0
    """
    names = [name for name in dict.fromkeys(answers) if name is not None]
    if not names:
        return 0.0
    votes = np.array([[float(answer == name) for name in names] for answer in answers])
    right = np.array([np.mean([c for a, c in zip(answers, correct, strict=True) if a == name]) for name in names])
    drawn = _draws(len(answers), n, seed)
    given = votes if weights is None else votes * np.asarray(weights, float)[:, None]
    sums, there = given[drawn].sum(axis=1), votes[drawn].any(axis=1)
    sums = np.where(there, sums, -1.0)
    winners = there & (sums >= sums.max(axis=1, keepdims=True) - TIE)
    return float(np.mean((winners * right).sum(axis=1) / np.maximum(winners.sum(axis=1), 1)))


def expected_oracle(correct: Sequence[bool], n: int) -> float:
    """The chance that a right one is among n drawn.

    >>> expected_oracle([True, False, False, False], 2)
    0.5
    """
    wrong = len(correct) - sum(correct)
    return 1 - math.comb(wrong, n) / math.comb(len(correct), n)


def problem_counts(
    scores: Sequence[Sequence[Sequence[float]]],
    answers: Sequence[Sequence[str | None]],
    correct: Sequence[Sequence[bool]],
    ns: Sequence[int],
) -> Counts:
    """For each problem the chance of being right, as `SERIES@N`; `problems` is 1.

    Args:
        scores: of each step of each solution to each problem.
        answers, correct: of each solution to each problem.
        ns: each at most the number of solutions to a problem.
    """
    columns: dict[str, list[float]] = {f"{name}@{n}": [] for n in ns for name in SERIES}
    for number, (lines, said, right) in enumerate(zip(scores, answers, correct, strict=True)):
        values = {name: aggregated(lines, name) for name in AGGREGATES}
        for n in ns:
            chance = {name: expected_best(values[name], right, n) for name in AGGREGATES}
            chance["majority"] = _majority(tuple(said), tuple(right), n, number)
            chance["weighted"] = expected_vote(said, right, n, values["min"], seed=number)
            chance["random"] = sum(right) / len(right)
            chance["oracle"] = expected_oracle(right, n)
            for name, value in chance.items():
                columns[f"{name}@{n}"].append(value)
    counts = {name: np.array(column) for name, column in columns.items()}
    return {**counts, "problems": np.ones(len(scores))}


@lru_cache(maxsize=1 << 14)  # the same for every model: 944 problems and five N are 4,720
def _majority(answers: tuple[str | None, ...], correct: tuple[bool, ...], n: int, seed: int) -> float:
    return expected_vote(answers, correct, n, seed=seed)


def aggregated(scores: Sequence[Sequence[float]], aggregate: str) -> list[float]:
    """One number for each solution out of its steps' scores."""
    return [float(AGGREGATES[aggregate](line)) for line in scores]


def best_of_n(sums: Sums, n: int) -> dict[str, Any]:
    """With n solutions: the share of problems answered rightly for each of `SERIES`, and how much is closed of the gap
    between the majority and the oracle.
    """
    numbers = {name: share(sums[f"{name}@{n}"], sums["problems"]) for name in SERIES}
    gap = numbers["oracle"] - numbers["majority"]
    closed = {
        f"{name}_gap_closed": share(numbers[name] - numbers["majority"], gap) for name in (*AGGREGATES, "weighted")
    }
    return numbers | closed


def curves(counts: Counts, ns: Sequence[int]) -> dict[str, Any]:
    """Every series over N, as the result has it."""
    mean = {name: float(column.mean()) for name, column in counts.items()}
    return {"n": list(ns), "series": {name: [mean[f"{name}@{n}"] for n in ns] for name in SERIES}}


@lru_cache(maxsize=1 << 14)
def _draws(whole: int, n: int, seed: int) -> NDArray[np.int64]:
    """Which solutions are in each draw, (draws, n)."""
    if math.comb(whole, n) <= ALL_DRAWS:
        return np.array(list(combinations(range(whole), n)))
    keys = np.random.default_rng([seed, n]).random((DRAWS, whole))
    return np.argsort(keys, axis=1)[:, :n]
