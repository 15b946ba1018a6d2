"""`prm-gsm8k audit` on `synthetic`, naive corruption and real solutions, side by side, and its run time.

    python benchmarks/audit.py data
    python benchmarks/audit.py data --real first_error.jsonl

DIR is a folder that `prm-gsm8k build synthetic` made. Naive corruption uses the same problems, each with its correct
solution. FILE has solutions of a model: `problem`, `steps` and `label` (index of the first error, or -1). All are
compared with the shipped reference. The run time is that of DIR, beside `prm-gsm8k verify`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from naive import naive_corruption

from prm_gsm8k.audit.run import Audit, audit
from prm_gsm8k.audit.verdicts import shown
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.jsonl import write_rows
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.metrics.intervals import Estimate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--real", metavar="FILE", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        naive = write_naive(Path(temporary) / "naive.jsonl")
        start = time.perf_counter()
        audits = {"synthetic": audit(chosen.folder)}
        seconds = time.perf_counter() - start
        audits["naive"] = audit(naive)
    if chosen.real is not None:
        audits["real"] = audit(chosen.real)
    print_table([["", *audits], *rows_of(audits)])
    for name, result in audits.items():
        print(f"\nsurface cues in {name}, first errors against correct steps at the same position:")
        for one in result.found["telling_pairs"]:
            print(f"    {one}")
        for kind, some in result.found["telling_by"].get("error_type", {}).items():
            print(f"  {kind}: " + ("; ".join(map(str, some)) or "nothing"))
    print_times(chosen.folder, audits["synthetic"].found["rows"], seconds)


def write_naive(path: Path) -> Path:
    """Write naive corruption of GSM8K train, each problem after its correct solution."""
    problem, lines = "", []
    for row in naive_corruption(shipped_problems("train")):
        if row["prompt"] != problem:
            problem = row["prompt"]
            lines.append({"prompt": problem, "completions": row["twin"], "labels": [True] * len(row["twin"])})
        labels = [i < row["first_error"] for i in range(len(row["completions"]))]
        lines.append({"prompt": problem, "completions": row["completions"], "labels": labels})
    with path.open("wb") as file:
        write_rows(file, lines)
    return path


def rows_of(audits: Mapping[str, Audit]) -> list[list[str]]:
    found = {name: result.found for name, result in audits.items()}
    real = next(iter(audits.values())).reference
    rows = [["solutions, of which incorrect", *(f"{f['rows']:,}, {f['wrong_rows']:,}" for f in found.values())]]
    for kind in ("surface", "position", "length"):
        rows.append([f"first errors predicted by {kind}, AUC", *(said(f["shortcut"][kind]) for f in found.values())])
    for kind in ("surface", "position"):
        rows.append(
            [f"  in incorrect solutions only, by {kind}", *(said(f["shortcut_of_wrong"][kind]) for f in found.values())]
        )
    rows.append(["matched, AUC (chance 0.5)", *(said(f["matched"]["overall"]) for f in found.values())])
    kinds = sorted({kind for f in found.values() for kind in f["matched"]["by"].get("error_type", {})})
    for kind in kinds:
        for part, how in (("by", ""), ("alone", ", fitted on it only")):
            by = [f["matched"][part].get("error_type", {}).get(kind) for f in found.values()]
            rows.append([f"  {kind}{how}", *map(said, by)])
    for kind, what in (("first_errors", "first errors"), ("right_steps", "correct steps")):
        rows.append(
            [f"{what} with a false equation", *(said(f["false_equations"][kind], True) for f in found.values())]
        )
    for measure, distance in found["synthetic"]["distances"].items():
        title = f"{measure}: KS from {real.wrong} real ones (halves: {distance.halves:.3f})"
        rows.append(
            [
                title,
                *(f"{f['distances'][measure].ks:.3f}, mean {f['distances'][measure].here:.2f}" for f in found.values()),
            ]
        )
    for kind in ("duplicates", "near_duplicates", "contradictions"):
        rows.append([kind.replace("_", "-"), *(f"{f['repeats'][kind].count:,}" for f in found.values())])
    rows.append(["bad verdicts", *(str(len(result.bad)) for result in audits.values())])
    return rows


def said(number: Estimate | None, share: bool = False) -> str:
    return "–" if number is None else shown(number, share)


def print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        print(
            "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]).rstrip()
        )


def print_times(folder: Path, rows: int, seconds: float) -> None:
    start = time.perf_counter()
    verify(folder, RECIPES)
    beside = time.perf_counter() - start
    times = f"audit of {rows:,} rows {seconds:.1f} s (target 60 s); verify of all splits {beside:.1f} s"
    print(f"\n{os.cpu_count()} cores: {times}; ratio {seconds / beside:.1f}")


if __name__ == "__main__":
    main()
