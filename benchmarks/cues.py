"""Cues of first errors against correct steps at the same position, in real solutions and in training rows.

    python benchmarks/cues.py --dev FIRST_ERROR.jsonl [--solutions SOLUTIONS.jsonl.gz] [--arms synthetic naive ...]

For each cue (words, numbers, an equation, an unexplained number, ...) the probability that a correct step has more of
it than a first error at the same position of another solution: 0.5 is chance, less means that first errors have more.
Then the same for a logistic regression on all cues, fitted on each set and tested on each, which shows in seconds what
an arm teaches about real solutions; a PRM (`small_prm.py`) takes half an hour. With `--solutions` also how often the
best of all solutions to a problem by that regression is correct.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import quality
from arms import ARMS, rows_of
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from small_prm import real_errors, several

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_LETTERS = re.compile(r"[a-z]+")
_KNOWN = frozenset((1.0, 2.0, 7.0, 12.0, 24.0, 60.0, 100.0))
_SIGNS = {
    "+": r"\d[^=]*\+",
    "-": r"\d\s*-\s*[\d$]",
    "times": r"[*×x]\s*\$?\d|\\times",
    "over": r"/\s*\d|÷|\\div|\\frac",
}
CHOICES = ("random", "lowest step", "last step", "mean step")
_WORDS = "total each per left more less than half twice if so therefore because since then first need would".split()


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in _NUMBER.findall(text)]


def cues(question: str, steps: list[str], index: int) -> dict[str, float]:
    """Cues of a step that need no arithmetic, but the question and the steps before it: name -> value."""
    step, before = steps[index], steps[:index]
    there = numbers(step)
    operands, last = there[:-1], there[-1] if there else 0.0
    asked = set(numbers(question))
    last_result = numbers(before[-1])[-1:] if before else []
    results = {numbers(s)[-1] for s in before if "=" in s and numbers(s)}
    used = {n for s in before for n in numbers(s)}
    words = _LETTERS.findall(step.lower())
    of_question = set(_LETTERS.findall(question.lower()))
    found = {
        "words": math.log1p(len(step.split())),
        "numbers": float(len(there)),
        "no number": float(not there),
        "an equation": float("=" in step),
        "result is new": float(bool(there) and last not in asked | results),
        "last number is the question's": float(bool(there) and last in asked),
        "operands of the question": float(sum(n in asked for n in operands)),
        "operands that are results": float(sum(n in results - asked for n in operands)),
        "operands that nothing explains": float(sum(n not in asked | results | _KNOWN for n in operands)),
        "operands of the question used before": float(sum(n in asked & used for n in operands)),
        "uses the last result": float(any(n in operands for n in last_result)),
        "numbers of the question not used": sum(n not in used | set(there) for n in asked) / max(1, len(asked)),
        "digits": math.log10(1 + max(there, default=0.0)),
        "result over operands": math.log10((1 + last) / (1 + max(operands, default=last))),
        "words of the question": float(np.mean([w in of_question for w in words])) if words else 0.0,
        "percent": float("%" in step),
    }
    found |= {f"sign {name}": float(bool(re.search(form, step))) for name, form in _SIGNS.items()}
    return found | {f'"{word}"': float(word in words) for word in _WORDS}


class Steps:
    """The labelled steps of some rows: `cues` (steps, cues), whether each is correct, and its index."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        seen, correct, at = [], [], []
        for row in rows:
            first = row["first_error"]
            for index in range(len(row["completions"]) if first < 0 else first + 1):
                seen.append(cues(row["prompt"], row["completions"], index))
                correct.append(index != first)
                at.append(index)
        self.names = list(seen[0])
        self.cues = np.array([[one[name] for name in self.names] for one in seen])
        self.correct, self.at = np.array(correct), np.array(at)


def same_place(score: NDArray[np.float64], steps: Steps) -> float:
    """The probability that a correct step scores above a first error at the same position."""
    return float(quality.same_place(score, steps.correct, steps.at, np.ones((1, len(score))))[0])


def fitted(steps: Steps) -> Pipeline:
    """A logistic regression of step correctness on all cues."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(steps.cues, steps.correct)


def scored(solutions: list[dict[str, Any]], probe: Pipeline) -> list[dict[str, Any]]:
    """The solutions with `scores`, one per step."""
    seen = [
        [list(cues(x["prompt"], x["completions"], i).values()) for i in range(len(x["completions"]))] for x in solutions
    ]
    return [
        x | {"scores": probe.decision_function(np.array(steps)).tolist()}
        for x, steps in zip(solutions, seen, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--arms", nargs="+", default=["synthetic", "naive"], help=f"of {', '.join(ARMS)}; or NAME=FILE")
    parser.add_argument("--problems", type=int, default=1200)
    parser.add_argument("--solutions", type=Path)
    parser.add_argument("--of-problems", type=int, default=400, help="of --solutions (default 400)")
    options = parser.parse_args()
    sets = {"real": Steps(real_errors(options.dev))} if options.dev else {}
    sets |= {arm.partition("=")[0]: Steps(rows_of(arm, "train", options.problems, 0)) for arm in options.arms}
    print(f"{'P(correct step has more)':38}", *(f"{name:>14}" for name in sets))
    for n, name in enumerate(next(iter(sets.values())).names):
        print(f"{name:38}", *(f"{same_place(steps.cues[:, n], steps):14.3f}" for steps in sets.values()))
    print(f"\n{'all cues, fitted on':38}", *(f"{name:>14}" for name in sets))
    probes = {name: fitted(steps) for name, steps in sets.items()}
    for name, probe in probes.items():
        asked = (same_place(probe.decision_function(other.cues), other) for other in sets.values())
        print(f"{name:38}", *(f"{value:14.3f}" for value in asked))
    if options.solutions:
        solutions = several(options.solutions, options.of_problems)
        print(f"\n{'the best of all solutions is correct, by':38}", *(f"{name:>14}" for name in CHOICES))
        for name, probe in probes.items():
            found = quality.on_several(scored(solutions, probe))
            print(f"{name:38}", *(f"{float(found[choice][0]):14.3f}" for choice in CHOICES))


if __name__ == "__main__":
    main()
