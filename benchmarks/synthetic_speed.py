"""Speed of generating checked rows on one core, beside naive corruption, which checks nothing.

    python benchmarks/synthetic_speed.py [--problems 7473]

Prints incorrect rows per second at 3 and at 8 per problem over the first problems of GSM8K train, all by default
(loading them is not counted), where the time goes, the ratio to naive corruption in the same run, and peak memory.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
import time
import timeit

from naive import naive_corruption

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.parse import UnreadableError, read_solution


def timed(work: object) -> tuple[float, int, int]:
    """CPU seconds, and numbers of correct and incorrect rows, of a stream of rows that is thrown away."""
    start = time.process_time()
    correct = incorrect = 0
    for row in work:  # type: ignore[attr-defined]
        if row["first_error"] < 0:
            correct += 1
        else:
            incorrect += 1
    return time.process_time() - start, correct, incorrect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int)
    problems = shipped_problems("train")[: parser.parse_args().problems]
    nothing = min(timeit.repeat("for i in range(1000): x = i + 1", number=200, repeat=5)) / 200 / 1000 * 1e9
    print(
        f"{len(problems)} problems, Python {sys.version.split()[0]}, {os.cpu_count()} cores, one used, on which a loop "
        f"that does nothing takes {nothing:.0f} ns a turn; CPU seconds"
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, _, incorrect = timed(generate(problems, SyntheticOptions()))  # also fills the caches
    print(f"first run    3 a problem: {seconds:6.2f} s, {incorrect:6d} rows, {incorrect / seconds:8,.0f} rows/s")
    naive_seconds, _, naive_incorrect = timed(naive_corruption(problems))
    naive_rate = naive_incorrect / naive_seconds
    print(f"naive        3 a problem: {naive_seconds:6.2f} s, {naive_incorrect:6d} rows, {naive_rate:8,.0f} rows/s")
    for per_problem in (3, 8):
        seconds, correct, incorrect = timed(generate(problems, SyntheticOptions(num_incorrect_per_problem=per_problem)))
        rate = incorrect / seconds
        print(
            f"verified {per_problem:5d} a problem: {seconds:6.2f} s, {incorrect:6d} rows, {rate:8,.0f} rows/s "
            f"({correct} correct rows not counted); ratio to naive {rate / naive_rate:.2f}"
        )
    start = time.process_time()
    for problem in problems:
        with contextlib.suppress(UnreadableError):
            read_solution(problem.question, problem.answer)
    reading = time.process_time() - start
    none, _, _ = timed(generate(problems, SyntheticOptions(num_incorrect_per_problem=0)))
    print(
        f"where it goes: {reading / len(problems) * 1e6:.0f} us a problem to read it, "
        f"{(none - reading) / len(problems) * 1e6:.0f} us to write and re-read the correct row, "
        f"{(seconds - none) / max(1, incorrect) * 1e6:.0f} us for each incorrect row"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:.0f} MB, {(peak - memory) / 1024:.0f} MB above the problems alone")


if __name__ == "__main__":
    main()
