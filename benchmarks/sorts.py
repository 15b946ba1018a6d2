"""Of which sort first errors are, with an equation or without one, and what a PRM makes of each sort of step.

    python benchmarks/sorts.py [--dev FIRST_ERROR.jsonl] [--solutions SOLUTIONS.jsonl.gz] [--arms synthetic naive ...]

First, of each sort, its share of the first errors, its share of the right steps, and how much larger the one is: 1 says
that a step of this sort is as often wrong as any. Then, with `--dev`, for each PRM whose scores are in `scores/`, the
mean score of right steps and of first errors, and with `--solutions` of steps in right and in wrong solutions, the mean
over its seeds; how many of these solutions have a false equation; and of each model whose solutions they are, how many
are right and how many of its steps have an equation. A last step that only states the answer is left out everywhere.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from arms import ARMS, rows_of
from cues import numbers
from quality import found_in
from small_prm import real_errors, several

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.audit.data import is_answer_alone
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.metrics.steps import roc_auc

SORTS = ("an equation", "no equation, a new number", "no equation, known numbers", "no number")


def sort_of(question: str, steps: list[str], index: int) -> str:
    """Which of `SORTS` a step is: what stands in the question or in an earlier step is known."""
    there = set(numbers(steps[index]))
    if not there:
        return "no number"
    if "=" in steps[index]:
        return "an equation"
    known = set(numbers(question)).union(*map(numbers, steps[:index]))
    return "no equation, known numbers" if there <= known else "no equation, a new number"


def content(steps: list[str]) -> int:
    """How many steps there are, without a last one that only states the answer."""
    return len(steps) - (len(steps) > 1 and is_answer_alone(steps[-1]))


def sorts(row: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The steps up to the first error and their sorts, without a last one that only states the answer."""
    steps, first = row["completions"], row["first_error"]
    for index in range(content(steps) if first < 0 else min(first + 1, content(steps))):
        yield index, sort_of(row["prompt"], steps, index)


def shares(rows: Iterable[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Of each sort its shares of first errors and of right steps."""
    wrong, right = Counter[str](), Counter[str]()
    for row in rows:
        for index, sort in sorts(row):
            (wrong if index == row["first_error"] else right)[sort] += 1
    return {sort: (wrong[sort] / max(1, wrong.total()), right[sort] / max(1, right.total())) for sort in SORTS}


def scores_of(
    rows: list[dict[str, Any]], scored: list[dict[str, Any]], marked: bool
) -> dict[str, tuple[list[float], list[float]]]:
    """Of each sort the scores of right steps and of first errors or, if not `marked`, of right and wrong solutions."""
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for row, of in zip(rows, scored, strict=True):
        for index, sort in sorts(row):
            wrong = index == row["first_error"] if marked else not row["correct"]
            found[sort][wrong].append(of["scores"][index])
    return found


def by_model(solutions: Iterable[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Of each model its share of right solutions and its share of steps with an equation, the best model first."""
    right, equations = defaultdict[str, list[bool]](list), defaultdict[str, list[bool]](list)
    for x in solutions:
        name, steps = x.get("model", "a model that is not named"), x["steps"]
        right[name].append(x["correct"])
        equations[name] += ["=" in step for step in steps[: content(steps)]]
    both = {name: (float(np.mean(right[name])), float(np.mean(equations[name]))) for name in right}
    return dict(sorted(both.items(), key=lambda item: -item[1][0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--solutions", type=Path)
    parser.add_argument("--arms", nargs="+", default=["synthetic", "naive"], help=f"of {', '.join(ARMS)}; or NAME=FILE")
    parser.add_argument("--problems", type=int, default=1200)
    options = parser.parse_args()
    real = real_errors(options.dev) if options.dev else []
    sets = {"real": real} if real else {}
    sets |= {arm.partition("=")[0]: rows_of(arm, "train", options.problems, 0) for arm in options.arms}
    print(f"{'share of first errors, of right steps':38}", *(f"{name:>18}" for name in sets))
    of = {name: shares(rows) for name, rows in sets.items()}
    for sort in SORTS:
        both = [of[name][sort] for name in sets]
        said = (f"{w:.2f} / {r:.2f} = {w / r if r else 0:.2f}" for w, r in both)
        print(f"{sort:38}", *(f"{text:>18}" for text in said))
    if not real:
        return
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (arm, _), run in found_in(Path("build/small_prm")).items():
        runs[arm].append(run)
    print(f"\n{'score of right steps, first errors; AUC':38}", *(f"{sort:>28}" for sort in SORTS))
    for arm, some in runs.items():
        cells = []
        for sort in SORTS:
            each = [scores_of(real, run["real"], marked=True)[sort] for run in some]
            aucs = [roc_auc(right + wrong, [True] * len(right) + [False] * len(wrong)) for right, wrong in each]
            means = [np.mean([np.mean(one[wrong]) for one in each]) for wrong in (0, 1)]
            cells.append(f"{means[0]:.2f}, {means[1]:.2f}; {np.mean([auc for auc in aucs if auc is not None]):.3f}")
        print(f"{arm:38}", *(f"{cell:>28}" for cell in cells))
    if not options.solutions:
        return
    solutions = several(options.solutions, 40)
    print(f"\n{'score in right solutions, in wrong ones':38}", *(f"{sort:>28}" for sort in SORTS))
    for arm, some in runs.items():
        with_them = [run for run in some if "best-of-n" in run]
        found = [scores_of(solutions, run["best-of-n"], marked=False) for run in with_them]
        means_of = [[np.mean([np.mean(one[sort][wrong]) for one in found]) for wrong in (0, 1)] for sort in SORTS]
        print(f"{arm:38}", *(f"{f'{right:.2f}, {wrong:.2f}':>28}" for right, wrong in means_of))
    for name, correct in (("right", True), ("wrong", False)):
        of_these = [x for x in solutions if x["correct"] == correct]
        false = np.mean([any(map(false_equations, x["completions"])) for x in of_these])
        print(f"a false equation stands in {false:.1%} of {len(of_these)} {name} solutions")
    print(f"\n{'solutions of':38}{'right':>18}{'an equation in':>18}")
    for name, (correct_ones, with_equation) in by_model([row for *_, row in read_rows(options.solutions)]).items():
        print(f"{name:38}{correct_ones:>18.1%}{with_equation:>18.1%}")


if __name__ == "__main__":
    main()
