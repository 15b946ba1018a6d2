"""How well the face of a step tells a first error from a right step: two probes, and what needs no text at all.

The *shortcut probe* asks of all judged steps: which are first errors? It sees the features of a step, its index, and
its place in the solution. Beside it stand position alone and length alone. The *matched probe* sees two steps, the
first error and the right step at the same place of the same problem, and says which is which: what a problem is about,
how long its solutions are and where errors stand no longer help, so chance is 0.5 and more is a trace of the making.

Both are a logistic regression that never judges a problem it was fitted on (five folds of problems); intervals draw
problems again (evaluation/intervals.py).
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k.audit.estimate import Number, number
from prm_gsm8k.audit.features import Seen, see
from prm_gsm8k.audit.solutions import Solution
from prm_gsm8k.metrics.intervals import Resamples, of_resamples, resamples, weighted_auc
from prm_gsm8k.metrics.protocols import share as share_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

FOLDS = 5
STEPS = 60_000  # that a probe is fitted on and asked about: enough for an interval of ±0.006
RESAMPLES = 200  # of an interval
STRENGTH = 0.1  # sklearn's C: of 0.01, 0.05 and 0.2 the last tells most on our data, by 0.01
FEWEST = 20  # right and wrong steps, or pairs, of which a number is given


@dataclass(frozen=True)
class Steps:
    """Judged steps: of each, the index of its solution and its own, and whether it is the first error."""

    solution: NDArray[np.int64]
    index: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    texts: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """First errors, and for each the right step at its place: solutions, indices, and the two texts.

    `without` counts wrong rows whose problem has no right step there, `same` those whose right step is the same text.
    """

    solution: NDArray[np.int64]
    wrong: Sequence[str]
    right: Sequence[str]
    without: int
    same: int


# ------------------------------------------------------------------------------------------------- what is looked at


def some_problems(solutions: Sequence[Solution], seed: int) -> list[Solution]:
    """All solutions, or of very many those to so many problems, drawn by the seed, as have `STEPS` judged steps."""
    judged = sum(len(one.judged) for one in solutions)
    if judged <= STEPS:
        return list(solutions)
    room = STEPS / judged * 2**32
    return [one for one in solutions if zlib.crc32(f"{seed}/{one.problem}".encode()) < room]


def judged_steps(solutions: Sequence[Solution]) -> Steps:
    """Every judged step of every solution."""
    found = [(s, i, i == one.first_error, one.steps[i]) for s, one in enumerate(solutions) for i in one.judged]
    solution, index, wrong, texts = zip(*found, strict=True)
    return Steps(np.array(solution), np.array(index), np.array(wrong), texts)


def matched_pairs(solutions: Sequence[Solution]) -> Pairs:
    """Pair each first error with the right step at its place.

    Of the solutions to the problem that are right there, it is the one that has the most steps in common before it,
    a wholly right one first: with rows that were made from one another, the very step that was changed.
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
        best = max(others, key=lambda other: (_in_common(one.steps[:at], other.steps), other.first_error < 0))
        if best.steps[at] == one.steps[at]:
            same += 1
        else:
            found.append((s, one.steps[at], best.steps[at]))
    solution, wrong, right = zip(*found, strict=True) if found else ((), (), ())
    return Pairs(np.array(solution, np.int64), wrong, right, without, same)


def _in_common(steps: Sequence[str], others: Sequence[str]) -> int:
    n = 0
    for a, b in zip(steps, others, strict=False):
        if a != b:
            break
        n += 1
    return n


# --------------------------------------------------------------------------------------------------------- the probes


def shortcut_probe(
    solutions: Sequence[Solution], steps: Steps, seen: Seen, draws: Resamples, seed: int
) -> dict[str, Any]:
    """AUC of first errors against right steps: by all that can be seen, by position alone, by length alone.

    Returns:
        `surface`, `position` and `length`, and `by`: column -> value -> the surface's AUC among the solutions of that
        value. First errors of a type are told from the right steps of the problems they are of.
    """
    from scipy.sparse import csr_matrix, hstack

    position = csr_matrix(_positions(solutions, steps))
    length = csr_matrix(np.array([[np.log1p(len(text)), len(text) / 100] for text in steps.texts], np.float32))
    fold = _folds([one.problem for one in solutions], seed)[steps.solution]
    surface = _scores(hstack([seen.matrix[seen.row], position], format="csr"), steps.wrong, fold)
    by_position, by_length = _scores(position, steps.wrong, fold), _scores(length, steps.wrong, fold)
    everything = np.ones(len(steps.wrong), bool)
    return {
        "surface": auc(surface, steps, everything, draws),
        "position": auc(by_position, steps, everything, draws),
        "length": auc(by_length, steps, everything, draws),
        "by": _apart(solutions, steps, surface, draws),
    }


def matched_probe(
    solutions: Sequence[Solution], pairs: Pairs, seen: Seen, draws: Resamples, seed: int
) -> dict[str, Any]:
    """How often the probe gives the wrong step of a pair the higher score, equals counting half.

    Returns:
        `overall`, and `by`: column -> value -> the same among the pairs whose wrong step is of that value; `alone`: the
        same of a probe that was fitted on the pairs of that value and no others, which one of all pairs may not notice
        where two types tell opposite things, as a term too much and a term too few do.
    """
    n = len(pairs.solution)
    if n < FEWEST:
        return {"overall": None, "by": {}, "alone": {}}
    difference = differences(pairs, seen)
    fold = _folds([one.problem for one in solutions], seed)[pairs.solution]
    everything = np.ones(n, bool)
    won = _won(difference, fold, seed)

    def share(won: NDArray[np.float64], mask: NDArray[np.bool_]) -> Number:
        inside = Resamples(draws.problem[pairs.solution[mask]], draws.weights)
        sums = inside.sums({"won": won, "pairs": np.ones(len(won))})
        return number(won.mean(), share_of(sums["won"], sums["pairs"]), len(won))

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
    """Of each pair 1 if its wrong step has the higher score, 0 if the right one has, 0.5 if they have the same."""
    # a pair is seen from either side by lot: there is no intercept, so both sides would say the same twice
    side = np.random.default_rng(seed).integers(0, 2, difference.shape[0]).astype(bool)
    signs = np.where(side, 1.0, -1.0).astype(np.float32)
    scores = _scores(difference.multiply(signs[:, None]).tocsr(), side, fold, intercept=False)
    won: NDArray[np.float64] = np.sign(scores * signs) / 2 + 0.5
    return won


def differences(pairs: Pairs, seen: Seen) -> csr_matrix:
    """Of each pair, the wrong step's features less the right one's; `seen` is of all wrong and then all right texts."""
    n = len(pairs.wrong)
    return (seen.matrix[seen.row[:n]] - seen.matrix[seen.row[n:]]).tocsr()


def see_pairs(pairs: Pairs) -> Seen:
    """The features of the texts of pairs, all wrong ones and then all right ones."""
    return see([*pairs.wrong, *pairs.right])


def draw_problems(solutions: Sequence[Solution], seed: int, n: int = RESAMPLES) -> Resamples:
    """Resamples of the problems, for the intervals of everything."""
    return resamples([one.problem for one in solutions], [""] * len(solutions), n, seed)


def auc(scores: NDArray[np.float64], steps: Steps, mask: NDArray[np.bool_], draws: Resamples) -> Number:
    """The chance that a first error scores above a right step, with its interval."""
    ranked = weighted_auc(scores[mask], steps.wrong[mask])
    value = ranked(np.ones((1, int(mask.sum()))))[0]
    return number(value, of_resamples(ranked, draws, steps.solution[mask]), steps.wrong[mask].sum())


def _apart(
    solutions: Sequence[Solution], steps: Steps, scores: NDArray[np.float64], draws: Resamples
) -> dict[str, dict[str, Number]]:
    """The AUC by error type against the right steps of the same problems, and within each source and style."""
    problem = draws.problem[steps.solution]
    by: dict[str, dict[str, Number]] = {}
    for column, masks in _masks(solutions, steps.solution).items():
        for value, mask in masks.items():
            if column == "error_type":
                of_type = mask & steps.wrong
                mask = of_type | (~steps.wrong & np.isin(problem, problem[of_type]))
            if min(steps.wrong[mask].sum(), (~steps.wrong[mask]).sum()) >= FEWEST:
                by.setdefault(column, {})[value] = auc(scores, steps, mask, draws)
    return by


def _masks(solutions: Sequence[Solution], solution: NDArray[np.int64]) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """By column and value, which items are of it; columns with one value say nothing."""
    found: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for column in solutions[0].groups:
        values = np.array([one.groups[column] for one in solutions])[solution]
        names, counts = np.unique(values, return_counts=True)
        frequent = [str(name) for name, count in zip(names, counts, strict=True) if count >= FEWEST and name != "none"]
        if len(names) > 1:
            found[column] = {name: values == name for name in frequent}
    return found


def _positions(solutions: Sequence[Solution], steps: Steps) -> NDArray[np.float32]:
    """The index of a step (each up to 9 by itself), and how far through the solution it is."""
    length = np.array([len(one.steps) for one in solutions])[steps.solution]
    columns = np.zeros((len(steps.index), 11), np.float32)
    columns[np.arange(len(steps.index)), np.minimum(steps.index, 9)] = 1
    columns[:, 10] = steps.index / np.maximum(length - 1, 1)
    return columns


def _folds(problems: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Of each solution the fold of its problem; the folds have equally many problems."""
    names = sorted(set(problems))
    shuffled = np.random.default_rng(seed).permutation(len(names)) % min(FOLDS, len(names))
    fold = dict(zip(names, shuffled, strict=True))
    return np.array([fold[name] for name in problems])


def _scores(
    features: csr_matrix, wrong: NDArray[np.bool_], fold: NDArray[np.int64], intercept: bool = True
) -> NDArray[np.float64]:
    """Of each item the score of a regression that was fitted on the other folds; 0 where there was nothing to fit."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    scores = np.zeros(len(wrong))
    with threadpool_limits(1):  # the vectors are short: threads wait for each other, on a busy machine for minutes
        for held_out in np.unique(fold):
            inside, outside = fold != held_out, fold == held_out
            if len(np.unique(wrong[inside])) < 2:
                continue
            model = LogisticRegression(C=STRENGTH, fit_intercept=intercept, max_iter=100, tol=1e-3)
            scores[outside] = model.fit(features[inside], wrong[inside]).decision_function(features[outside])
    return scores
