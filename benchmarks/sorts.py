"""First errors by sort of step, with or without an equation, and a PRM's scores for each sort.

    python benchmarks/sorts.py [--dev FIRST_ERROR.jsonl] [--solutions SOLUTIONS.jsonl.gz] [--arms synthetic naive ...]

First, for each sort, its share of first errors, its share of correct steps, and their ratio: 1 means that steps of this
sort are incorrect as often as any. With `--dev`, for each PRM with scores in `scores/`, the mean score of correct steps
and of first errors (mean over seeds); with `--solutions`, that of steps in correct and in incorrect solutions, the
share of these solutions with a false equation, and for each model the shares of correct solutions and of steps with an
equation. A last step that only states the answer is left out everywhere.
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
from prm_gsm8k.audit.solutions import only_states_answer
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.metrics.steps import roc_auc

SORTS = ("an equation", "no equation, a new number", "no equation, known numbers", "no number")


def sort_of(question: str, steps: list[str], index: int) -> str:
    """The sort of a step, of `SORTS`; numbers of the question and of earlier steps are known."""
    there = set(numbers(steps[index]))
    if not there:
        return "no number"
    if "=" in steps[index]:
        return "an equation"
    known = set(numbers(question)).union(*map(numbers, steps[:index]))
    return "no equation, known numbers" if there <= known else "no equation, a new number"


def content(steps: list[str]) -> int:
    """Number of steps, without a last one that only states the answer."""
    return len(steps) - (len(steps) > 1 and only_states_answer(steps[-1]))


def sorts(row: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Index and sort of the steps up to the first error, without a last one that only states the answer."""
    steps, first = row["completions"], row["first_error"]
    for index in range(content(steps) if first < 0 else min(first + 1, content(steps))):
        yield index, sort_of(row["prompt"], steps, index)


def shares(rows: Iterable[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Sort -> its shares of first errors and of correct steps."""
    errors, correct = Counter[str](), Counter[str]()
    for row in rows:
        for index, sort in sorts(row):
            (errors if index == row["first_error"] else correct)[sort] += 1
    return {sort: (errors[sort] / max(1, errors.total()), correct[sort] / max(1, correct.total())) for sort in SORTS}


def scores_of(
    rows: list[dict[str, Any]], scored: list[dict[str, Any]], marked: bool
) -> dict[str, tuple[list[float], list[float]]]:
    """Sort -> scores of correct steps and of first errors; if not `marked`, in correct and in incorrect solutions."""
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for row, of in zip(rows, scored, strict=True):
        for index, sort in sorts(row):
            incorrect = index == row["first_error"] if marked else not row["correct"]
            found[sort][incorrect].append(of["scores"][index])
    return found


def by_model(solutions: Iterable[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Model -> shares of correct solutions and of steps with an equation, the best model first."""
    correct, equations = defaultdict[str, list[bool]](list), defaultdict[str, list[bool]](list)
    for x in solutions:
        name, steps = x.get("model", "unnamed model"), x["steps"]
        correct[name].append(x["correct"])
        equations[name] += ["=" in step for step in steps[: content(steps)]]
    both = {name: (float(np.mean(correct[name])), float(np.mean(equations[name]))) for name in correct}
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
    print(f"{'share of first errors, of correct steps':38}", *(f"{name:>18}" for name in sets))
    of = {name: shares(rows) for name, rows in sets.items()}
    for sort in SORTS:
        both = [of[name][sort] for name in sets]
        cells = (f"{w:.2f} / {r:.2f} = {w / r if r else 0:.2f}" for w, r in both)
        print(f"{sort:38}", *(f"{text:>18}" for text in cells))
    if not real:
        return
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (arm, _), run in found_in(Path("build/small_prm")).items():
        runs[arm].append(run)
    print(f"\n{'score of correct steps, errors; AUC':38}", *(f"{sort:>28}" for sort in SORTS))
    for arm, some in runs.items():
        cells = []
        for sort in SORTS:
            each = [scores_of(real, run["real"], marked=True)[sort] for run in some]
            aucs = [
                roc_auc(correct + errors, [True] * len(correct) + [False] * len(errors)) for correct, errors in each
            ]
            means = [np.mean([np.mean(one[k]) for one in each]) for k in (0, 1)]
            cells.append(f"{means[0]:.2f}, {means[1]:.2f}; {np.mean([auc for auc in aucs if auc is not None]):.3f}")
        print(f"{arm:38}", *(f"{cell:>28}" for cell in cells))
    if not options.solutions:
        return
    solutions = several(options.solutions, 40)
    print(f"\n{'score in correct, in incorrect solutions':38}", *(f"{sort:>28}" for sort in SORTS))
    for arm, some in runs.items():
        with_them = [run for run in some if "best-of-n" in run]
        found = [scores_of(solutions, run["best-of-n"], marked=False) for run in with_them]
        means_of = [[np.mean([np.mean(one[sort][k]) for one in found]) for k in (0, 1)] for sort in SORTS]
        print(f"{arm:38}", *(f"{f'{correct:.2f}, {incorrect:.2f}':>28}" for correct, incorrect in means_of))
    for name, correct in (("correct", True), ("incorrect", False)):
        of_these = [x for x in solutions if x["correct"] == correct]
        false = np.mean([any(map(false_equations, x["completions"])) for x in of_these])
        print(f"a false equation stands in {false:.1%} of {len(of_these)} {name} solutions")
    print(f"\n{'solutions of':38}{'correct':>18}{'an equation in':>18}")
    for name, (correct_ones, with_equation) in by_model([row for *_, row in read_rows(options.solutions)]).items():
        print(f"{name:38}{correct_ones:>18.1%}{with_equation:>18.1%}")


if __name__ == "__main__":
    main()
