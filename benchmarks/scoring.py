"""Tokens per second of `score_many`, compared with the bare forward of the same model, on solutions of GSM8K's lengths.

    python benchmarks/scoring.py [PRM] [--solutions 64] [--dtype fp32] [--rounds 3] [--batch-tokens 16384 4096 1024]

Without a checkpoint the model is SmolLM2-135M with a new head (`python -m prm_gsm8k.train.small_model`). The bare
forward has the same number of tokens, 4,096 at a time, in rows of the mean length, without a tokenizer; `score_many`
adds encoding, padding and varying lengths. `one by one` scores one solution per forward, as most public evaluators do
(many take a forward per step).

Figures are medians over rounds that alternate between the ways, so that other load on the machine affects all alike.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.train.small_model import small_model

BARE = 4096  # tokens of a bare forward


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prm", nargs="?")
    parser.add_argument("--solutions", type=int, default=64)
    parser.add_argument("--dtype", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-tokens", type=int, nargs="+", default=[16_384, 4096, 1024])
    arguments = parser.parse_args()
    prm = a_prm(arguments.prm, arguments.dtype)
    problems = random.Random(0).sample(shipped_problems("train"), arguments.solutions)
    solutions = [(p.question, [s for s in p.answer.split("\n####")[0].split("\n") if s.strip()]) for p in problems]
    lengths = [len(prm.encoder.encode(*solution).input_ids) for solution in solutions]
    tokens, mean = sum(lengths), round(statistics.fmean(lengths))

    @torch.inference_mode()
    def bare() -> None:
        left = tokens
        while left > 0:
            rows = max(1, min(BARE, left) // mean)
            prm.model(input_ids=torch.randint(5, 1000, (rows, mean), device=prm.model.device), use_cache=False)
            left -= rows * mean

    def many(max_batch_tokens: int) -> Callable[[], object]:
        def score() -> None:
            prm.max_batch_tokens = max_batch_tokens
            prm.score_many(solutions)

        return score

    ways: dict[str, Callable[[], object]] = {"bare forward": bare}
    ways |= {f"score_many, batches of {n:,}": many(n) for n in arguments.batch_tokens}
    ways |= {"one by one": lambda: [prm.score(*solution) for solution in solutions]}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    bare()  # warm
    for _ in range(arguments.rounds):
        for way, work in ways.items():
            start = time.perf_counter()
            work()
            if prm.model.device.type == "cuda":
                torch.cuda.synchronize()
            seconds[way].append(time.perf_counter() - start)
    where = prm.model.device.type
    print(
        f"{len(solutions):,} solutions, {tokens:,} tokens, {min(lengths)} to {max(lengths)} each; "
        f"{type(prm.model).__name__}, {prm.model.num_parameters() / 1e6:.0f}M, {prm.model.dtype}, {where}; "
        f"{os.cpu_count()} cores, {torch.get_num_threads()} threads; {arguments.rounds} rounds"
    )
    base = statistics.median(seconds["bare forward"])
    for way, took in seconds.items():
        median = statistics.median(took)
        print(f"{way:32}{tokens / median:12,.0f} tokens/s{base / median:8.2f} of the bare forward")


def a_prm(path: str | None, dtype: str) -> ProcessRewardModel:
    if path:
        return ProcessRewardModel.from_pretrained(path, dtype=dtype)  # type: ignore[arg-type]
    base = small_model(Path("build", "smollm2"))
    kind = torch.float32 if dtype == "fp32" else torch.bfloat16
    model = AutoModelForTokenClassification.from_pretrained(base, dtype=kind, num_labels=2)
    tokenizer = AutoTokenizer.from_pretrained(base)
    return ProcessRewardModel(model, tokenizer, Encoder.for_tokenizer(tokenizer))


if __name__ == "__main__":
    main()
