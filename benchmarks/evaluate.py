"""Scoring in `prm-gsm8k evaluate`: speed beside the raw forward pass, recovery from a kill, an independent check.

    python benchmarks/evaluate.py CHECKPOINT SOLUTIONS [--problems 20] [--dtype bf16]

CHECKPOINT is a PRM of this package; SOLUTIONS are rows of `evaluate --benchmark best-of-n`, several per problem. On the
first problems:

    raw forward     the model alone, on encoded rows in the same batches, without reading out scores
    evaluate        the whole: encoding, batching, scores saved to disk; one row per solution
    shared prompt   the same, with the common prefix of a problem's solutions computed once
    killed          the command line, killed with SIGKILL half-way and run again: every solution is scored once

and on the whole file the majority vote and the oracle, recomputed by independent code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.jsonl import read_rows, write_rows
from prm_gsm8k.evaluation.benchmarks import Solution, read
from prm_gsm8k.evaluation.run import evaluate
from prm_gsm8k.evaluation.scores import CHUNK, score
from prm_gsm8k.models import reward_model
from prm_gsm8k.models.reward_model import _batches

REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("solutions")
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--dtype", choices=["auto", "bf16", "fp32"], default="auto")
    chosen = parser.parse_args()

    data = read("best-of-n", chosen.solutions)
    wanted = list(dict.fromkeys(s.problem for s in data.solutions))[: chosen.problems]
    some = [s for s in data.solutions if s.problem in wanted]
    prm = ProcessRewardModel.from_pretrained(chosen.checkpoint, dtype=chosen.dtype)
    print(
        f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {prm.model.device}, {prm.model.dtype}, "
        f"{prm.max_batch_tokens} tokens a forward; {len(some)} solutions to {len(wanted)} problems"
    )
    _speed(prm, some)
    _killed(chosen.checkpoint, chosen.dtype, some)
    _counted(chosen.solutions, len(data.solutions))


def _speed(prm: ProcessRewardModel, some: list[Solution]) -> None:
    rows = [prm.encoder.encode(s.problem, s.steps).input_ids for s in some]
    tokens = sum(map(len, rows))
    batches = []
    for batch in _batches([len(ids) for ids in rows], prm.max_batch_tokens):
        ids = torch.zeros((len(batch), max(len(rows[n]) for n in batch)), dtype=torch.int64)
        for i, n in enumerate(batch):
            ids[i, : len(rows[n])] = torch.tensor(rows[n])
        batches.append(ids.to(prm.model.device))

    def raw() -> None:
        with torch.inference_mode():
            for ids in batches:
                prm.model(input_ids=ids, use_cache=False)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            score("prm", prm, some, Path(folder, "scores.jsonl"))

    counted: list[int] = []
    prm.model.register_forward_pre_hook(
        lambda _, args, kwargs: counted.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    shared = reward_model.SHARED
    reward_model.SHARED = len(some) + 1
    raw()  # warm
    raw_seconds, raw_cpu = _seconds(raw)
    print(f"raw forward    {_rates(tokens, some, raw_seconds, raw_cpu)}")
    counted.clear()
    seconds, cpu = _seconds(ours)
    rows_forward = sum(counted) // REPEATS
    print(f"evaluate       {_rates(tokens, some, seconds, cpu)}  {raw_cpu / cpu:.0%} of the raw forward's")
    reward_model.SHARED = shared
    before = prm.tokens_computed
    seconds, cpu = _seconds(ours)
    computed = (prm.tokens_computed - before) / REPEATS / tokens
    print(f"shared prompt  {_rates(tokens, some, seconds, cpu)}  {raw_cpu / cpu:.0%}; {computed:.0%} of them computed")
    print(f"{rows_forward} rows went forward for {len(some)} solutions")


def _seconds(call: Any) -> tuple[float, float]:
    """Minimum wall and CPU seconds of some runs; CPU time is more reliable on a shared machine."""
    wall, cpu = [], []
    for _ in range(REPEATS):
        start, busy = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
    return min(wall), min(cpu)


def _rates(tokens: int, some: list[Solution], wall: float, cpu: float) -> str:
    clock = f"{tokens / wall:8,.0f} tokens/s {len(some) / wall:6.2f} solutions/s"
    return f"{clock} (wall)  {tokens / cpu:8,.0f} tokens per CPU second"


def _killed(checkpoint: str, dtype: str, some: list[Solution]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "some.jsonl"), Path(folder, "out")
        rows = [{"problem": s.problem, "steps": s.steps, "answer": s.answer, "correct": s.correct} for s in some]
        # repeated with different problems, so that there are several chunks to kill between
        many = [row | {"problem": f"{row['problem']} ({n})"} for n in range(1 + 3 * CHUNK // len(rows)) for row in rows]
        with file.open("wb") as whole:
            write_rows(whole, many)
        command = [sys.executable, "-m", "prm_gsm8k.cli", "evaluate", checkpoint, "--benchmark", "best-of-n"]
        command += ["--data", str(file), "--out", str(out), "--dtype", dtype, "--resamples", "100"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (kept := list(out.glob("scores/*.jsonl"))):
            time.sleep(0.05)
        child.kill()
        child.wait()
        before = kept[0].read_bytes().count(b"\n")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        places = [row["n"] for *_, row in read_rows(kept[0])]
    again = len(places) - len(set(places))
    print(
        f"killed         {before} of {len(many)} solutions scored; after resuming {len(places)}, {again} of them twice"
    )


def _counted(path: str, solutions: int) -> None:
    """Majority vote and oracle over all solutions, in exact fractions."""
    by_problem: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for *_, row in read_rows(path):
        by_problem[row["problem"]].append(row)
    majority, oracle = Fraction(0), 0
    for rows in by_problem.values():
        votes = Counter(row["answer"] for row in rows if row["answer"] is not None)
        best = [answer for answer, n in votes.items() if n == max(votes.values())]
        correct = {row["answer"] for row in rows if row["correct"]}
        majority += Fraction(len(correct & set(best)), len(best))
        oracle += bool(correct)
    metrics = evaluate([], "best-of-n", read("best-of-n", path), draws=100)["models"][0]["metrics"]
    n = len(by_problem)
    print(f"{solutions} solutions to {n} problems: majority vote and oracle, recomputed and by evaluate:")
    print(f"  majority {float(majority / n):.6f} {metrics['majority']['value']:.6f}")
    print(f"  oracle   {oracle / n:.6f} {metrics['oracle']['value']:.6f}")
    assert abs(majority / n - metrics["majority"]["value"]) < 1e-9
    assert abs(oracle / n - metrics["oracle"]["value"]) < 1e-9


if __name__ == "__main__":
    main()
