"""Times of operations that should feel instant: import, help, a check of all rows, the best threshold of a PRM.

    python benchmarks/small_waits.py [data]

The fastest of five, each beside a known operation in the same run.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_curve

from prm_gsm8k.dataset.schema import check_table
from prm_gsm8k.metrics.steps import best_threshold, judged_steps

CONFIG = "synthetic"
SOLUTIONS = 30_000


def seconds(call: Callable[[], object]) -> float:
    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(once() for _ in range(5))


def python(*arguments: str) -> Callable[[], object]:
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("data"), help="a built folder with `synthetic`")
    options = parser.parse_args()

    def line(what: str, took: float, beside: str, other: float) -> None:
        print(f"{what}: {took:.3f} s; {beside}: {other:.3f} s; {took / other:.2f} times as long")

    nothing = seconds(python("-c", "pass"))
    line("import prm_gsm8k", seconds(python("-c", "import prm_gsm8k")), "starting Python", nothing)
    shown = seconds(python("-m", "prm_gsm8k.cli", "--help"))
    line("prm-gsm8k --help", shown, "starting Python", nothing)

    table = pa.concat_tables(map(pq.read_table, sorted((options.data / CONFIG).glob("*.parquet"))))
    checked = seconds(lambda: check_table(table, CONFIG))
    written = seconds(lambda: pq.write_table(table, io.BytesIO()))
    line(f"check of {table.num_rows:,} rows", checked, "writing them as Parquet", written)

    random = np.random.default_rng(0)
    scores = [random.random(n).tolist() for n in random.integers(2, 9, SOLUTIONS)]
    labels = [int(random.integers(-1, len(line))) for line in scores]
    steps, correct = judged_steps(scores, labels)
    found = seconds(lambda: best_threshold(scores, labels))
    curve = seconds(lambda: roc_curve(correct, steps))
    line(f"best threshold on {SOLUTIONS:,} solutions", found, "scikit-learn's ROC curve of their steps", curve)


if __name__ == "__main__":
    main()
