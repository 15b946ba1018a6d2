"""Small random PRMs with real tokenizers; their weights are large, so that scores differ."""

from __future__ import annotations

import torch
from real_tokenizers import tokenizer
from transformers import (
    LlamaConfig,
    LlamaForTokenClassification,
    MistralConfig,
    MistralForTokenClassification,
    Qwen3Config,
    Qwen3ForTokenClassification,
    Qwen3NextConfig,
    Qwen3NextForTokenClassification,
)

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.models.encoder import Encoder

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
    "num_labels": 2,
    "classifier_dropout": 0.5,  # to see that it is off
}
KINDS = {
    "llama, chat": (LlamaConfig, LlamaForTokenClassification, "smollm2", {}),
    "qwen3, chat": (Qwen3Config, Qwen3ForTokenClassification, "qwen", {}),
    "mistral with a window of 16, plain": (
        MistralConfig,
        MistralForTokenClassification,
        "llama2",
        {"sliding_window": 16},
    ),
    "qwen3-next, a state beside attention, chat": (
        Qwen3NextConfig,
        Qwen3NextForTokenClassification,
        "qwen",
        {
            "layer_types": ["linear_attention", "linear_attention", "full_attention"],
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
            "shared_expert_intermediate_size": 16,
        },
    ),
    "llama, plain, nothing before the prompt": (LlamaConfig, LlamaForTokenClassification, "unigram", {}),
}


def make(kind: str, **options: int) -> ProcessRewardModel:
    config, model, name, more = KINDS[kind]
    a_tokenizer = tokenizer(name)
    torch.manual_seed(1)
    made = model(config(vocab_size=len(a_tokenizer), **SMALL, **more))
    return ProcessRewardModel(made, a_tokenizer, Encoder.for_tokenizer(a_tokenizer), **options)


def solutions(n: int) -> list[tuple[str, list[str]]]:
    rows = [(p.question, p.answer.split("\n####")[0]) for p in shipped_problems("train")[:n]]
    return [(prompt, [line for line in answer.split("\n") if line.strip()]) for prompt, answer in rows]
