"""Do surface cues predict the labels? Two probes, and two baselines.

The *shortcut probe* classifies every step with a known label as first error or correct, from the features of its text,
its index and its relative position. Position alone and length alone are the baselines. The *matched probe* sees a first
error and the correct step at the same position of the same problem and says which is which: topic, length and position
no longer help, so an AUC above 0.5 is a trace of how the errors were made.

Both are logistic regressions, cross-validated over five folds of problems. Intervals resample problems
(metrics/intervals.py).
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.audit.features import TextFeatures, extract_features
from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.metrics.intervals import Estimate, Resamples, estimate, of_resamples, resamples, weighted_auc
from prm_gsm8k.metrics.protocols import share as share_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

FOLDS = 5
STEPS = 60_000  # sampled for a probe: enough for an interval of ±0.006
RESAMPLES = 200  # of an interval
STRENGTH = 0.1  # sklearn's C: of 0.01, 0.05 and 0.2 the last gives the highest AUC on our data, by 0.01
# incorrect steps, correct steps or pairs that a result needs: of 20 against 20, chance alone reaches 0.68, as much as
# surface features do among real incorrect solutions
FEWEST = 20


@dataclass(frozen=True)
class Steps:
    """Steps with a known label, each array (steps,): index of the solution, index in it, first error or not, text."""

    solution: NDArray[np.int64]
    index: NDArray[np.int64]
    is_error: NDArray[np.bool_]
    texts: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """First errors matched with correct steps.

    Attributes:
        solution: (pairs,) index of the incorrect solution.
        incorrect, correct: the two texts of each pair.
        without: first errors whose problem has no correct step at that position.
        same: first errors whose correct step is the same text.
    """

    solution: NDArray[np.int64]
    incorrect: Sequence[str]
    correct: Sequence[str]
    without: int
    same: int


# -------------------------------------------------------------------------------------------------------------- samples


def sample_problems(solutions: Sequence[Solution], seed: int) -> list[Solution]:
    """The solutions to randomly sampled problems, with about `STEPS` steps in all; all solutions if there are fewer."""
    judged = sum(len(solution.judged) for solution in solutions)
    if judged <= STEPS:
        return list(solutions)
    limit = STEPS / judged * 2**32
    return [solution for solution in solutions if zlib.crc32(f"{seed}/{solution.problem}".encode()) < limit]


def judged_steps(solutions: Sequence[Solution]) -> Steps:
    """Every step with a known label."""
    found = [(s, i, i == one.first_error, one.steps[i]) for s, one in enumerate(solutions) for i in one.judged]
    solution, index, is_error, texts = zip(*found, strict=True)
    return Steps(np.array(solution), np.array(index), np.array(is_error), texts)


def matched_pairs(solutions: Sequence[Solution]) -> Pairs:
    """Match each first error with the correct step at its position.

    It is taken from the solution to the same problem with the longest common prefix, from a fully correct one if there
    is a choice: for rows that were made from one another, the very step that was changed.
    """
    by_problem: dict[str, list[Solution]] = defaultdict(list)
    for one in solutions:
        by_problem[one.problem].append(one)
    found: list[tuple[int, str, str]] = []
    without = same = 0
    for s, one in enumerate(solutions):
        at = one.first_error
        if at < 0:
            continue
        others = [
            other for other in by_problem[one.problem] if len(other.steps) > at and not 0 <= other.first_error <= at
        ]
        if not others:
            without += 1
            continue
        best = max(others, key=lambda other: (_common_prefix(one.steps[:at], other.steps), other.first_error < 0))
        if best.steps[at] == one.steps[at]:
            same += 1
        else:
            found.append((s, one.steps[at], best.steps[at]))
    solution, incorrect, correct = zip(*found, strict=True) if found else ((), (), ())
    return Pairs(np.array(solution, np.int64), incorrect, correct, without, same)


def _common_prefix(a: Sequence[str], b: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


# --------------------------------------------------------------------------------------------------------------- probes


def shortcut_probe(
    solutions: Sequence[Solution], steps: Steps, features: TextFeatures, resampled: Resamples, seed: int
) -> dict[str, Any]:
    """AUC of first errors against correct steps: by all surface features, by position alone, by length alone.

    Returns:
        `surface`, `position` and `length`, and `by`: column -> value -> the surface AUC among the solutions with that
        value. First errors of an error type are compared with the correct steps of the same problems.
    """
    from scipy.sparse import csr_matrix, hstack

    position = csr_matrix(_positions(solutions, steps))
    length = csr_matrix(np.array([[np.log1p(len(text)), len(text) / 100] for text in steps.texts], np.float32))
    fold = _folds([one.problem for one in solutions], seed)[steps.solution]
    surface = _scores(hstack([features.of_texts, position], format="csr"), steps.is_error, fold)
    by_position, by_length = _scores(position, steps.is_error, fold), _scores(length, steps.is_error, fold)
    everything = np.ones(len(steps.is_error), bool)
    return {
        "surface": auc(surface, steps, everything, resampled),
        "position": auc(by_position, steps, everything, resampled),
        "length": auc(by_length, steps, everything, resampled),
        "by": _by_group(solutions, steps, surface, resampled),
    }


def matched_probe(
    solutions: Sequence[Solution], pairs: Pairs, features: TextFeatures, resampled: Resamples, seed: int
) -> dict[str, Any]:
    """How often the probe scores the incorrect step of a pair above the correct one, ties counting half.

    Returns:
        `overall`; `by`: column -> value -> the same among the pairs whose incorrect step has that value; `alone`: the
        same for a probe fitted on those pairs only. A probe of all pairs may miss two types with opposite cues, such as
        a term too many and a term too few.
    """
    n = len(pairs.solution)
    if n < FEWEST:
        return {"overall": None, "by": {}, "alone": {}}
    difference = differences(pairs, features)
    fold = _folds([one.problem for one in solutions], seed)[pairs.solution]
    everything = np.ones(n, bool)
    won = _won(difference, fold, seed)

    def share(won: NDArray[np.float64], mask: NDArray[np.bool_]) -> Estimate:
        inside = Resamples(resampled.problem[pairs.solution[mask]], resampled.weights)
        sums = inside.sums({"won": won, "pairs": np.ones(len(won))})
        return estimate(won.mean(), share_of(sums["won"], sums["pairs"]), len(won))

    masks = _masks(solutions, pairs.solution)
    return {
        "overall": share(won, everything),
        "by": {
            column: {value: share(won[mask], mask) for value, mask in values.items()}
            for column, values in masks.items()
        },
        "alone": {
            column: {value: share(_won(difference[mask], fold[mask], seed), mask) for value, mask in values.items()}
            for column, values in masks.items()
        },
    }


def _won(difference: csr_matrix, fold: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """For each pair 1 if the incorrect step scores higher, 0 if the correct one does, 0.5 for a tie."""
    # each pair has a random sign: without an intercept, the negated copy of a pair would add nothing
    side = np.random.default_rng(seed).integers(0, 2, difference.shape[0]).astype(bool)
    signs = np.where(side, 1.0, -1.0).astype(np.float32)
    scores = _scores(difference.multiply(signs[:, None]).tocsr(), side, fold, intercept=False)
    won: NDArray[np.float64] = np.sign(scores * signs) / 2 + 0.5
    return won


def pair_features(pairs: Pairs) -> TextFeatures:
    """Features of all incorrect texts, then of all correct ones."""
    return extract_features([*pairs.incorrect, *pairs.correct])


def differences(pairs: Pairs, features: TextFeatures) -> csr_matrix:
    """(pairs, features): the incorrect step's features minus the correct one's; `features` as of `pair_features`."""
    rows, n = features.of_texts, len(pairs.incorrect)
    return (rows[:n] - rows[n:]).tocsr()


def resample_problems(solutions: Sequence[Solution], seed: int, n: int = RESAMPLES) -> Resamples:
    """Resamples of the problems, for all intervals."""
    return resamples([one.problem for one in solutions], [""] * len(solutions), n, seed)


def auc(scores: NDArray[np.float64], steps: Steps, mask: NDArray[np.bool_], resampled: Resamples) -> Estimate:
    """The probability that a first error scores above a correct step, with its interval."""
    ranked = weighted_auc(scores[mask], steps.is_error[mask])
    value = ranked(np.ones((1, int(mask.sum()))))[0]
    return estimate(value, of_resamples(ranked, resampled, steps.solution[mask]), steps.is_error[mask].sum())


def _by_group(
    solutions: Sequence[Solution], steps: Steps, scores: NDArray[np.float64], resampled: Resamples
) -> dict[str, dict[str, Estimate]]:
    """The AUC by error type against the correct steps of the same problems, and within each source and style."""
    problem = resampled.problem[steps.solution]
    by: dict[str, dict[str, Estimate]] = {}
    for column, masks in _masks(solutions, steps.solution).items():
        for value, mask in masks.items():
            if column == "error_type":
                of_type = mask & steps.is_error
                mask = of_type | (~steps.is_error & np.isin(problem, problem[of_type]))
            if min(steps.is_error[mask].sum(), (~steps.is_error[mask]).sum()) >= FEWEST:
                by.setdefault(column, {})[value] = auc(scores, steps, mask, resampled)
    return by


def _masks(solutions: Sequence[Solution], solution: NDArray[np.int64]) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """By column and value, which items have the value; columns with a single value are left out."""
    found: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for column in solutions[0].groups:
        values = np.array([one.groups[column] for one in solutions])[solution]
        names, counts = np.unique(values, return_counts=True)
        frequent = [str(name) for name, count in zip(names, counts, strict=True) if count >= FEWEST and name != "none"]
        if len(names) > 1:
            found[column] = {name: values == name for name in frequent}
    return found


def _positions(solutions: Sequence[Solution], steps: Steps) -> NDArray[np.float32]:
    """(steps, 11): the index of a step one-hot, 9 and above together, and its relative position in [0, 1]."""
    length = np.array([len(one.steps) for one in solutions])[steps.solution]
    columns = np.zeros((len(steps.index), 11), np.float32)
    columns[np.arange(len(steps.index)), np.minimum(steps.index, 9)] = 1
    columns[:, 10] = steps.index / np.maximum(length - 1, 1)
    return columns


def _folds(problems: Sequence[str], seed: int) -> NDArray[np.int64]:
    """The fold of each solution's problem; folds have equally many problems."""
    names = sorted(set(problems))
    shuffled = np.random.default_rng(seed).permutation(len(names)) % min(FOLDS, len(names))
    fold = dict(zip(names, shuffled, strict=True))
    return np.array([fold[name] for name in problems])


def _scores(
    features: csr_matrix, is_error: NDArray[np.bool_], fold: NDArray[np.int64], intercept: bool = True
) -> NDArray[np.float64]:
    """Each item's score by a regression fitted on the other folds; 0 where those have one class only."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    scores = np.zeros(len(is_error))
    with threadpool_limits(1):  # the vectors are short: on a busy machine threads wait for each other for minutes
        for held_out in np.unique(fold):
            inside, outside = fold != held_out, fold == held_out
            if len(np.unique(is_error[inside])) < 2:
                continue
            model = LogisticRegression(C=STRENGTH, fit_intercept=intercept, max_iter=100, tol=1e-3)
            scores[outside] = model.fit(features[inside], is_error[inside]).decision_function(features[outside])
    return scores
