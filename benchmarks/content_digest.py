"""Rows per second of the content digest, beside sha256 over as many bytes.

    python benchmarks/content_digest.py FOLDER         # made by `prm-gsm8k build synthetic --out FOLDER`

The best of 7 runs each over the rows of all splits; the target is 500,000 rows a second.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from prm_gsm8k.dataset.digest import THREADS, content_digest
from prm_gsm8k.dataset.folder import read_tables
from prm_gsm8k.dataset.manifest import read_manifest


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    folder = Path(sys.argv[1])
    table = pa.concat_tables(read_tables(folder, read_manifest(folder), "synthetic").values()).combine_chunks()
    as_many = bytes(table.nbytes)
    sha256 = seconds(lambda: hashlib.sha256(as_many))
    print(f"{os.cpu_count()} cores; {table.num_rows:,} rows, {table.nbytes:,} bytes in Arrow")
    print(f"sha256 over as many bytes    {table.num_rows / sha256:12,.0f} rows/s")
    for what, threads in (("one thread", 1), ("as shipped", THREADS)):
        took = seconds(lambda threads=threads: content_digest(table, threads))  # type: ignore[misc]
        print(f"content digest, {what}   {table.num_rows / took:12,.0f} rows/s, ratio to sha256 {sha256 / took:.2f}")


if __name__ == "__main__":
    main()
