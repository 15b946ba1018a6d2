"""A tiny random Llama with SmolLM2's real tokenizer, and a few labelled rows: what a training run needs, in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from real_tokenizers import tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from prm_gsm8k import build_synthetic
from prm_gsm8k.dataset.problems import shipped_problems


def tiny_model(folder: Path) -> Path:
    """A language model's folder: config, weights, tokenizer."""
    a_tokenizer = tokenizer("smollm2")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(a_tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    a_tokenizer.save_pretrained(folder)
    return folder


def rows_file(file: Path, problems: int = 40, **changes: object) -> Path:
    """Rows of `synthetic` on the first problems of GSM8K train, as JSONL."""
    chosen = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:problems]]
    rows = build_synthetic(chosen, seed=0)
    file.write_text("".join(json.dumps({**row, **changes}) + "\n" for row in rows))
    return file


QUICK = (
    "--max_steps 6 --rows_per_step 4 --batching padded --learning_rate 1e-2 --eval_steps 2 "
    "--logging_steps 1 --bf16 false --report_to none"
).split()


def common(place: Path) -> list[str]:
    """A quick run of the tiny model on its rows, but for --output_dir."""
    return ["--dataset", str(place / "rows.jsonl"), "--model", str(place / "model"), *QUICK]
