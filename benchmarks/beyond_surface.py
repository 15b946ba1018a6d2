"""What small PRMs know of real first errors beyond the surface of a step.

    python benchmarks/beyond_surface.py FIRST_ERROR.jsonl [--kept build/small_prm]

A logistic regression on the cues of `cues.py`, which need neither arithmetic nor a model, is the *surface reader*. For
each arm with stored scores (`quality.py`), on the real solutions in which teachers marked the first error:

    alone      same place, by the PRM's scores
    added      what same place gains when the reader gets the score as one more cue
    left       same place, by what a linear regression on the cues leaves of the score
    hits       first errors found as the step with the lowest score

`same place` is the probability that a correct step scores above a first error at the same position of another
solution. Reader and regressions are fitted across five folds of problems, so no solution is judged by a fit that saw
its problem. The last line gives the reader what the reference solution says of each step (`prm_gsm8k.label`). Intervals
are 95%, from resampled problems, paired; of an arm, the mean over its seeds.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cues import cues
from label import references
from numpy.typing import NDArray
from quality import Values, compact, drawn, found_in, same_place, shown, table
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_prm import real_errors

from prm_gsm8k.dataset.problems import question_key
from prm_gsm8k.label.solution import label_solution

FOLDS = 5
Column = NDArray[np.float64]
"""(steps,): a number for each step of each solution."""


class Real:
    """The marked solutions, every step of them, and the surface reader fitted across folds of problems."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows = rows
        problem, self.weights = drawn([row["prompt"] for row in rows])
        self.solution = np.repeat(np.arange(len(rows)), [len(row["completions"]) for row in rows])
        self.at = np.concatenate([np.arange(len(row["completions"])) for row in rows])
        first = np.array([row["first_error"] for row in rows])
        self.correct = self.at != first[self.solution]
        self.judged = self.at <= first[self.solution]
        self.of, self.first = problem, first
        self.fold = np.random.default_rng(0).permutation(problem.max() + 1)[problem[self.solution]] % FOLDS
        places = zip(self.solution.tolist(), self.at.tolist(), strict=True)
        seen = [cues(rows[n]["prompt"], rows[n]["completions"], i) for n, i in places]
        self.cues = np.array([list(one.values()) for one in seen])
        self.reader = self.read()

    def read(self, *more: Column) -> Column:
        """The reader's score of each step, with further columns as cues."""
        return self._across(LogisticRegression(C=0.1, max_iter=1000), "decision_function", self.correct, *more)

    def left(self, score: Column) -> Column:
        """What the cues do not say of a score."""
        return score - self._across(RidgeCV(np.logspace(-1, 4, 11)), "predict", score)

    def _across(self, model: Any, says: str, target: NDArray[Any], *more: Column) -> Column:
        cues = np.column_stack((self.cues, *more))
        found = np.empty(len(cues))
        for fold in range(FOLDS):
            held = self.fold == fold
            fitted = make_pipeline(StandardScaler(), model).fit(cues[self.judged & ~held], target[self.judged & ~held])
            found[held] = getattr(fitted, says)(cues[held])
        return found

    def place(self, score: Column) -> Values:
        judged = self.judged
        weights = self.weights[:, self.of[self.solution[judged]]]
        return same_place(score[judged], self.correct[judged], self.at[judged], weights)

    def hits(self, score: Column) -> Values:
        lowest = np.array([score[self.solution == n].argmin() for n in range(len(self.rows))])
        weights = self.weights[:, self.of]
        return (weights * (lowest == self.first)).sum(axis=1) / weights.sum(axis=1)

    def scores_of(self, run: dict[str, Any]) -> Column:
        """The logits of a run's scores; raises ValueError if they are of other solutions."""
        mine = compact({"real": [row | {"scores": []} for row in self.rows]})["real"]
        if [(x["prompt"], x["first_error"]) for x in mine] != [(x["prompt"], x["first_error"]) for x in run["real"]]:
            raise ValueError(f"{run['arm']}, seed {run['seed']}: scores of other solutions than these")
        score = np.concatenate([x["scores"] for x in run["real"]]).clip(1e-4, 1 - 1e-4)
        return np.log(score / (1 - score))

    def said_by_references(self) -> list[Column]:
        """Whether the reference solution contradicts a step, and how surely."""
        answers = references()
        contradicted, surely = np.zeros(len(self.solution)), np.zeros(len(self.solution))
        for n, row in enumerate(self.rows):
            label = label_solution(row["prompt"], answers[question_key(row["prompt"])], row["completions"])
            if label.first_error is not None and label.first_error >= 0:
                step = np.flatnonzero(self.solution == n)[label.first_error]
                contradicted[step], surely[step] = 1, label.confidence
        return [contradicted, surely]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dev", type=Path, help="solutions with a teacher's mark: problem, steps, label")
    parser.add_argument("--kept", type=Path, default=Path("build/small_prm"))
    options = parser.parse_args()
    real = Real(real_errors(options.dev))
    surface = real.place(real.reader)
    rows = [["", "seeds", "alone", "added", "left", "hits"]]
    rows.append(["the surface reader", "", shown(surface), "", "", shown(real.hits(real.reader))])
    arms: dict[str, list[dict[str, Values]]] = defaultdict(list)
    for (arm, _), run in found_in(options.kept).items():
        score = real.scores_of(run)
        added = real.place(real.read(score)) - surface
        left = real.place(real.left(score))
        arms[arm].append({"alone": real.place(score), "added": added, "left": left, "hits": real.hits(score)})
    means = {arm: {key: np.mean([x[key] for x in of], axis=0) for key in of[0]} for arm, of in arms.items()}
    for arm in sorted(means, key=lambda arm: (arm not in ("synthetic", "naive"), arm)):
        cells = [shown(value, key == "added") for key, value in means[arm].items()]
        rows.append([arm, str(len(arms[arm])), *cells])
    told = real.read(*real.said_by_references())
    rows.append(["the reader told by references", "", shown(real.place(told)), "", "", shown(real.hits(told))])
    print(
        f"{len(real.rows)} real solutions, {real.judged.sum():,} steps up to the first error of each\n\n{table(rows)}\n"
    )
    if {"synthetic", "naive"} <= set(means):
        print("synthetic minus naive:")
        for key, value in means["synthetic"].items():
            print(f"    {key:6} {shown(value - means['naive'][key], True)}")


if __name__ == "__main__":
    main()
