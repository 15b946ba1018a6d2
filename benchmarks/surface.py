"""Do surface features predict the first error, for each error type, and how much less after some are rejected?

    python benchmarks/surface.py             # prints; three incorrect rows per problem, all of GSM8K train
    python benchmarks/surface.py --write     # fits prm_gsm8k/synthetic/surface.json anew

A logistic regression (prm_gsm8k/synthetic/surface.py) is fitted on pairs of a first error and the correct step at its
place, from half of the problems, and measured on the other half; an AUC of 0.5 means that features predict nothing.
That is done for rows without rejection and for the default ones. Weights are fitted in rounds: what still predicts the
first error in the rows that the weights so far leave is added to them. Error types without weights cannot be balanced:
a solution that stops early shows its conclusion where the correct one computes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np
from sklearn.linear_model import LogisticRegression

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic import surface
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate

ROUNDS = 2
STRENGTH = 0.1  # sklearn's C
WITHOUT_WEIGHTS = {"stopped_early"}
FEWEST = 100  # pairs of an error type, to be fitted and shown
FEWEST_DIFFER = 10  # pairs in which a feature differs, to be fitted
Features = list[tuple[dict[str, float], dict[str, float]]]


def pairs_of(balanced: bool) -> tuple[dict[str, Features], dict[str, list[int]]]:
    """By error type: pairs of the features of first errors and correct steps, and the problem of each."""
    correct: dict[str, list[str]] = {}
    problems: dict[str, int] = {}
    features: dict[str, Features] = defaultdict(list)
    of: dict[str, list[int]] = defaultdict(list)
    for row in generate(shipped_problems("train"), SyntheticOptions(balanced=balanced)):
        if row["first_error"] < 0:
            correct[row["id"]] = row["completions"]
            continue
        at, twin = row["first_error"], correct[row["twin_id"]]
        if at < len(twin) and row["completions"][at] != twin[at]:
            error_type = surface.BALANCED_TOGETHER.get(row["error_type"], row["error_type"])
            features[error_type].append((surface.features(row["completions"][at]), surface.features(twin[at])))
            of[error_type].append(problems.setdefault(row["problem_id"], len(problems)))
    return features, of


def fit(features: Features) -> dict[str, float]:
    """The weights of a logistic regression on feature differences, each taken in both directions."""
    differ = Counter(name for w, r in features for name in {*w, *r} if w.get(name) != r.get(name))
    names = sorted(name for name, n in differ.items() if n >= FEWEST_DIFFER)
    if not names:
        return {}
    x = np.array([[w.get(name, 0.0) - r.get(name, 0.0) for name in names] for w, r in features])
    y = np.r_[np.ones(len(x)), np.zeros(len(x))]
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=1000).fit(np.r_[x, -x], y)
    return dict(zip(names, map(float, model.coef_[0]), strict=True))


def write() -> None:
    """Fit the weights, and write them."""
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for number in range(ROUNDS):
        features, _ = pairs_of(balanced=number > 0)
        for error_type, pairs in features.items():
            if error_type not in WITHOUT_WEIGHTS and len(pairs) >= FEWEST:
                for name, weight in fit(pairs).items():
                    weights[error_type][name] += weight
        rounded = {
            error_type: {name: round(w, 2) for name, w in sorted(of_type.items()) if abs(w) >= 0.03}
            for error_type, of_type in sorted(weights.items())
        }
        with as_file(files("prm_gsm8k.synthetic").joinpath(surface.FILE)) as path:
            path.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        surface.surface_weights.cache_clear()


def auc(features: Features, of: Sequence[int]) -> float:
    """The share of pairs in which the regression, fitted on the other half of the problems, finds the first error."""
    won = []
    for half in (0, 1):
        weights = fit([pair for pair, problem in zip(features, of, strict=True) if problem % 2 != half])
        scores = [
            surface.log_odds(weights, *pair) for pair, problem in zip(features, of, strict=True) if problem % 2 == half
        ]
        won += [(s > 0) + 0.5 * (s == 0) for s in scores]
    return float(np.mean(won))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    if options.write:
        write()
    weights = surface.surface_weights()
    (before, before_of), (after, after_of) = pairs_of(balanced=False), pairs_of(balanced=True)
    print(f"{'error type':22} {'pairs':>7} {'AUC':>6}   {'default':>7} {'AUC':>6}   largest weights")
    for error_type, pairs in sorted(before.items()):
        if len(pairs) >= FEWEST and len(after[error_type]) >= FEWEST:
            most = sorted(weights.get(error_type, {}).items(), key=lambda item: -abs(item[1]))[:4]
            print(
                f"{error_type:22} {len(pairs):>7,} {auc(pairs, before_of[error_type]):>6.3f}   "
                f"{len(after[error_type]):>7,} {auc(after[error_type], after_of[error_type]):>6.3f}   "
                + ", ".join(f"{name!r} {w:+.1f}" for name, w in most)
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
