"""How fast a run is: tokens a second, and on a GPU the share of its arithmetic that is used (MFU).

MFU as PaLM defines it (Chowdhery et al. 2022, appendix B): a token costs 6 operations a weight, forward and backward
together, and 12 · layers · hidden size · length of its row in attention; what gradient checkpointing computes again
does not count. With LoRA the weights themselves get no gradient: 4 operations a weight instead of 6.
"""

from __future__ import annotations

import math
from typing import Any

import torch

# dense bf16 operations a second, from NVIDIA's data sheets (without sparsity), by a part of the name torch gives
PEAK = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "GH200": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "A800": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165e12,
    "RTX 5090": 209e12,
    "RTX 3090": 71e12,
}


def peak_of(name: str) -> float | None:
    """Operations a second of a GPU; None for one that is not in the table."""
    return next((peak for part, peak in PEAK.items() if part in name), None)


def flops_per_token(model: torch.nn.Module, row_length: float) -> float:
    """Floating-point operations that training on one token takes, in rows of this mean length."""
    config: Any = model.config.get_text_config()
    embedding = {id(p) for p in model.get_input_embeddings().parameters()}
    weights = sum(math.prod(_shape(p)) for p in model.parameters() if id(p) not in embedding)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) not in embedding)
    attention = 12 * config.num_hidden_layers * config.hidden_size * row_length / 2  # causal: half the pairs
    return float(4 * weights + 2 * trained + attention)


def _shape(weights: torch.nn.Parameter) -> torch.Size:
    """Of those in 4 bits, two of which share a byte, the shape that they have in the computation."""
    shape: torch.Size = getattr(getattr(weights, "quant_state", None), "shape", weights.shape)
    return shape


class Throughput:
    """Counts tokens between two lines of the log."""

    def __init__(self, model: torch.nn.Module, row_length: float, devices: int) -> None:
        self.flops = flops_per_token(model, row_length)
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
        peak = peak_of(name)
        self.peak = peak * devices if peak else None

    def of(self, tokens: float, seconds: float) -> dict[str, float]:
        """What the log should say of so many tokens, of all devices, in so many seconds."""
        speed = tokens / max(seconds, 1e-9)
        return {"tokens_per_second": round(speed, 1)} | (
            {"mfu": round(speed * self.flops / self.peak, 4)} if self.peak else {}
        )
