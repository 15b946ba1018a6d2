"""Baseline: does a language model's likelihood of a step predict its label, without training?

    python benchmarks/likelihood.py --dev FIRST_ERROR.jsonl [--model build/smollm2]

The score of a step is the geometric mean of its token probabilities, given the question and the steps before it. The
model is the one from which `small_prm.py` trains; the metrics are those of `quality.py` on incorrect solutions with a
human label.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from quality import on_real, shown
from small_prm import real_errors
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from prm_gsm8k.train.small_model import small_model

MEASURES = {"auc": "step AUC", "place": "same place", "lowest": "hit, lowest"}


class Likelihood:
    """A language model with the interface of a PRM."""

    def __init__(self, model: Path) -> None:
        folder = small_model(model)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def score(self, prompt: str, steps: Sequence[str]) -> list[float]:
        """The score of each step, in (0, 1)."""
        ids: list[int] = self.tokenizer(f"Question: {prompt.strip()}\nAnswer:").input_ids
        ends = [len(ids)]
        for step in steps:
            ids += self.tokenizer(f"\n{step.strip()}", add_special_tokens=False).input_ids
            ends.append(len(ids))
        log_p = self.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        of_next = log_p[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]  # of token i + 1 at i
        return [float(of_next[a - 1 : b - 1].mean().exp()) for a, b in pairwise(ends)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("build/smollm2"))
    options = parser.parse_args()
    model = Likelihood(options.model)
    rows = real_errors(options.dev)
    scored = [x | {"scores": model.score(x["prompt"], x["completions"])} for x in tqdm(rows, unit="solution")]
    found = on_real(scored, 0.0)
    for key, name in MEASURES.items():
        print(f"{name}: {shown(found[key])}")


if __name__ == "__main__":
    main()
