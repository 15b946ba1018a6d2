"""Check that training, scoring and serving see the same ids, on every row of `synthetic`, for five kinds of tokenizers.

    python benchmarks/encoder_parity.py data        # a folder with the config; exit code 1 if a row differs

For each row and tokenizer it compares the ids and label positions of training (`Encoder.encode_rows`, with labels),
those of scoring (`Encoder.encode` with a tokenizer and a `prm_encoder.json` that were saved and loaded), and the ids of
the row as one string, which is what vLLM computes from posted text (tests/models/test_vllm_reward_model.py asks a real
server's `/tokenize`). Label positions must be exactly the positions of the tag's id.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a process for each tokenizer instead

from real_tokenizers import NAMES, tokenizer
from transformers import AutoTokenizer

from prm_gsm8k.models.encoder import Counts, Encoder, EncoderConfig
from prm_gsm8k.models.score_file import read_solutions

BLOCK = 1000


@dataclass
class Found:
    """Counts and differences of one tokenizer."""

    name: str
    tag: str
    rows: int = 0
    steps: int = 0
    tokens: int = 0
    scoring: int = 0
    whole_text: int = 0
    positions: int = 0
    first: str = ""
    seconds: float = 0.0

    def differs(self, kind: str, row: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.first = self.first or f"{kind}: {row}"


def compare(name: str, data: str) -> Found:
    """Compare all rows with one tokenizer."""
    began = time.monotonic()
    trained = tokenizer(name)
    training = Encoder.for_tokenizer(trained)
    with tempfile.TemporaryDirectory() as folder:
        trained.save_pretrained(folder)
        training.config.save(folder)
        loaded = AutoTokenizer.from_pretrained(folder)
        scoring = Encoder(loaded, EncoderConfig.load(folder))
    config, found = training.config, Found(name, training.config.step_tag)
    rows = [row.columns for row in read_solutions(data, config="synthetic")]
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        texts = []
        for row in block:
            tagged = config.between_steps.join(step.strip() + config.step_tag for step in row["completions"])
            texts.append(config.before_prompt + row["prompt"].strip() + config.after_prompt + tagged)
        served = loaded(texts, add_special_tokens=False)["input_ids"]
        for row, whole, encoded in zip(block, served, training.encode_rows(block, Counts()), strict=True):
            scored = scoring.encode(row["prompt"], row["completions"])
            if (encoded.input_ids, encoded.tag_positions) != (scored.input_ids, scored.tag_positions):
                found.differs("scoring", row["id"])
            if encoded.input_ids != whole:
                found.differs("whole_text", row["id"])
            tags = [n for n, i in enumerate(whole) if i == config.step_tag_id]
            if tags != encoded.tag_positions or not len(tags) == len(row["labels"]) == len(encoded.targets or []):
                found.differs("positions", row["id"])
            found.rows += 1
            found.steps += len(tags)
            found.tokens += len(whole)
    found.seconds = time.monotonic() - began
    return found


def main() -> None:
    data = sys.argv[1] if len(sys.argv) > 1 else "data"
    cores = os.cpu_count() or 1
    began = time.monotonic()
    print(f"every row of synthetic in {data}; {cores} cores")
    print(
        f"{'tokenizer':10}{'step tag':32}{'rows':>8}{'steps':>9}{'tokens':>12}   differ: scoring  whole text  positions"
    )
    results = []
    with ProcessPoolExecutor(min(cores, len(NAMES))) as pool:
        for f in pool.map(compare, NAMES, [data] * len(NAMES)):
            results.append(f)
            print(
                f"{f.name:10}{f.tag:32}{f.rows:8,}{f.steps:9,}{f.tokens:12,}{f.scoring:18,}{f.whole_text:12,}"
                f"{f.positions:11,}   {f.seconds:.0f} s  {f.first}",
                flush=True,
            )
    mismatches = sum(f.scoring + f.whole_text + f.positions for f in results)
    print(f"{sum(f.rows for f in results):,} comparisons, {mismatches:,} mismatches, {time.monotonic() - began:.0f} s")
    sys.exit(mismatches > 0 or not all(f.rows for f in results))


if __name__ == "__main__":
    main()
