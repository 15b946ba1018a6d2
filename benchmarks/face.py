"""Can a first error be told by its face, kind by kind, and what does leaving some of them out change?

    python benchmarks/face.py             # prints; three wrong rows a problem, all of GSM8K train
    python benchmarks/face.py --write     # fits prm_gsm8k/synthetic/surface.json anew

The reader (prm_gsm8k/synthetic/surface.py) is fitted on the pairs of half of the problems, a first error and the right
step at its place, and asked about the other half; 0.5 is chance. That is done for rows of which none was left out by
its face, and for the default ones. Fitting the weights takes some rounds: where a draw is refused another one is made,
so what is then still told is added to them. Kinds without weights cannot be balanced: a solution that stops early shows
its conclusion where the right one computes.
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
from prm_gsm8k.synthetic import surface as face
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate

ROUNDS = 2
STRENGTH = 0.1  # sklearn's C
LEFT_OUT = {"stopped_early"}  # shows its conclusion where the right one computes: nothing to balance
FEWEST = 100  # pairs of a kind, to be fitted and shown
FEWEST_DIFFER = 10  # in so many pairs a word must stand in one step alone
Looks = list[tuple[dict[str, float], dict[str, float]]]


def pairs_of(balanced: bool) -> tuple[dict[str, Looks], dict[str, list[int]]]:
    """By kind: the looks of wrong and right steps, and the problem of each."""
    right: dict[str, list[str]] = {}
    problems: dict[str, int] = {}
    looks: dict[str, Looks] = defaultdict(list)
    of: dict[str, list[int]] = defaultdict(list)
    for row in generate(shipped_problems("train"), SyntheticOptions(balanced=balanced)):
        if row["first_error"] < 0:
            right[row["id"]] = row["completions"]
            continue
        at, twin = row["first_error"], right[row["twin_id"]]
        if at < len(twin) and row["completions"][at] != twin[at]:
            kind = face.TOGETHER.get(row["error_type"], row["error_type"])
            looks[kind].append((face.look(row["completions"][at]), face.look(twin[at])))
            of[kind].append(problems.setdefault(row["problem_id"], len(problems)))
    return looks, of


def fit(looks: Looks) -> dict[str, float]:
    """The reader's weights: a logistic regression on differences, each seen from both sides."""
    differ = Counter(name for w, r in looks for name in {*w, *r} if w.get(name) != r.get(name))
    names = sorted(name for name, n in differ.items() if n >= FEWEST_DIFFER)
    if not names:
        return {}
    x = np.array([[w.get(name, 0.0) - r.get(name, 0.0) for name in names] for w, r in looks])
    y = np.r_[np.ones(len(x)), np.zeros(len(x))]
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=1000).fit(np.r_[x, -x], y)
    return dict(zip(names, map(float, model.coef_[0]), strict=True))


def write() -> None:
    """Fit the weights, and write them."""
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for number in range(ROUNDS):
        looks, _ = pairs_of(balanced=number > 0)
        for kind, pairs in looks.items():
            if kind not in LEFT_OUT and len(pairs) >= FEWEST:
                for name, weight in fit(pairs).items():
                    weights[kind][name] += weight
        rounded = {
            kind: {name: round(w, 2) for name, w in sorted(of_kind.items()) if abs(w) >= 0.03}
            for kind, of_kind in sorted(weights.items())
        }
        with as_file(files("prm_gsm8k.synthetic").joinpath(face.FILE)) as path:
            path.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        face.face_weights.cache_clear()


def auc(looks: Looks, of: Sequence[int]) -> float:
    """The share of pairs on which a reader, fitted on the other half of the problems, bets right."""
    won = []
    for half in (0, 1):
        weights = fit([pair for pair, problem in zip(looks, of, strict=True) if problem % 2 != half])
        bets = [face.bet(weights, *pair) for pair, problem in zip(looks, of, strict=True) if problem % 2 == half]
        won += [(s > 0) + 0.5 * (s == 0) for s in bets]
    return float(np.mean(won))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    if options.write:
        write()
    weights = face.face_weights()
    (before, before_of), (after, after_of) = pairs_of(balanced=False), pairs_of(balanced=True)
    print(f"{'kind':22} {'pairs':>7} {'AUC':>6}   {'default':>7} {'AUC':>6}   what tells most")
    for kind, pairs in sorted(before.items()):
        if len(pairs) >= FEWEST and len(after[kind]) >= FEWEST:
            most = sorted(weights.get(kind, {}).items(), key=lambda item: -abs(item[1]))[:4]
            print(
                f"{kind:22} {len(pairs):>7,} {auc(pairs, before_of[kind]):>6.3f}   {len(after[kind]):>7,} "
                f"{auc(after[kind], after_of[kind]):>6.3f}   " + ", ".join(f"{name!r} {w:+.1f}" for name, w in most)
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
