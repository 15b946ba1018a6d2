"""Precision and recall of `false_equations`, on steps that are known to be correct or incorrect.

    python benchmarks/arithmetic.py [FIRST_ERROR] [SOLUTIONS]

In GSM8K's own train solutions it lists every false equation it finds; those are slips of GSM8K. Then each annotated
result is changed by 1: the share that is found is the recall. FIRST_ERROR is a file of solutions with the first error
that a person marked: a false equation before it would make an incorrect label. SOLUTIONS is a file of model solutions
with `correct`. For comparison, `read_equations`, the plain parser of the row checker, is measured too.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from grading import rows_of

from prm_gsm8k.arithmetic.equations import read_equations
from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.dataset.problems import shipped_problems

_TAG = re.compile(r"<<[^<>]*>>")
_RESULT = re.compile(r"<<[^<>]*=(\d+)>>\1(?![\d.,])")


def plain_parser(step: str) -> bool:
    return any(not equation.is_true for equation in read_equations(_TAG.sub("", step)))


def ours(step: str) -> bool:
    return bool(false_equations(step))


CHECKERS: dict[str, Callable[[str], bool]] = {"ours": ours, "the plain parser": plain_parser}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first_error", type=Path, metavar="FIRST_ERROR", nargs="?")
    parser.add_argument("solutions", type=Path, metavar="SOLUTIONS", nargs="?")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, one is used")
    steps = [step for problem in shipped_problems("train") for step in problem.answer.split("\n")]
    changed = [_RESULT.sub(lambda m: str(int(m[1]) + 1), step, count=1) for step in steps if _RESULT.search(step)]
    for name, check in CHECKERS.items():
        begin = time.perf_counter()
        false = sum(map(check, steps))
        rate = len(steps) / (time.perf_counter() - begin)
        found = sum(map(check, changed)) / len(changed)
        print(
            f"GSM8K train, {name}: {false} of {len(steps):,} steps false; of {len(changed):,} changed by 1 {found:.1%}"
        )
        print(f"  {rate:,.0f} steps/s")
    for step in steps:
        for equation in false_equations(step):
            print(f"  {equation}: {_TAG.sub('', step)}")
    if arguments.first_error:
        for name, check in CHECKERS.items():
            early = at = late = 0
            for row in rows_of(arguments.first_error):
                first = next((i for i, step in enumerate(row["steps"]) if check(step)), None)
                if first is not None:
                    early += first < row["label"]
                    at += first == row["label"]
                    late += first > row["label"]
            print(
                f"{arguments.first_error.name}, {name}: first false equation before the first error {early}, ", end=""
            )
            print(f"in it {at}, after it {late}")
    if arguments.solutions:
        rows = rows_of(arguments.solutions)
        for name, check in CHECKERS.items():
            for correct in (True, False):
                chosen = [row for row in rows if row["correct"] == correct]
                false = sum(any(map(check, row["steps"])) for row in chosen)
                kind = "correct" if correct else "incorrect"
                print(f"{arguments.solutions.name}, {name}: {false:,} of {len(chosen):,} with a {kind} answer have one")


if __name__ == "__main__":
    main()
