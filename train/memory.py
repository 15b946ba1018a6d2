"""What fits where: memory a GPU needs, by arithmetic, for each way to train.

    python -m prm_gsm8k.train.memory

All weights: 4 bytes a weight in fp32, 4 for its gradient and 8 for Adam's two averages: 16. LoRA: 2 bytes a weight in
bf16, which gets no gradient, and 16 for each weight of the adapters. FSDP divides both by the number of GPUs. To that
comes what is kept for the backward pass. With gradient checkpointing that is the input of each layer, and one layer at
work, in bf16; without it, about 17 times the input of each layer (Korthikanti et al. 2022, section 4.1, with
FlashAttention: 34 bytes a token and hidden unit). The table counts 8,192 tokens a GPU and micro-batch, with
checkpointing.
"""

from __future__ import annotations

from dataclasses import dataclass

TOKENS = 8192
GB = 1e9
LORA_RANK = 16


@dataclass(frozen=True)
class Shape:
    """A model without its language-model head: its weights, and the sizes its activations and adapters follow from."""

    name: str
    weights: float
    layers: int
    hidden: int
    intermediate: int

    @property
    def lora_weights(self) -> float:
        """Weights of rank-16 adapters on every linear layer, keys and values taken as wide as the rest."""
        attention, mlp = 4 * 2 * self.hidden, 3 * (self.hidden + self.intermediate)
        return LORA_RANK * self.layers * (attention + mlp)


# from the models' config.json; weights without lm_head where it is not tied
SHAPES = (
    Shape("Qwen2.5-1.5B", 1.54e9, 28, 1536, 8960),
    Shape("Qwen3-4B", 4.02e9, 36, 2560, 9728),
    Shape("Qwen3-8B", 7.57e9, 36, 4096, 12288),
    Shape("Qwen3-32B", 31.98e9, 64, 5120, 25600),
)


def activations(shape: Shape, tokens: int = TOKENS, checkpointing: bool = True) -> float:
    """Bytes kept for the backward pass of a micro-batch."""
    layer_input, whole_layer = 2 * tokens * shape.hidden, 34 * tokens * shape.hidden
    return shape.layers * layer_input + whole_layer if checkpointing else shape.layers * whole_layer


def bytes_a_gpu(shape: Shape, *, lora: bool, shards: int) -> float:
    """Bytes one GPU needs: `shards` is the number of GPUs that divide the model (1 for DDP)."""
    state = 2 * shape.weights + 16 * shape.lora_weights if lora else 16 * shape.weights
    return state / shards + activations(shape)


def table() -> str:
    """GB a GPU as a markdown table."""
    ways = (
        ("one GPU, or DDP", False, 1),
        ("FSDP2 on 2", False, 2),
        ("LoRA on one, or DDP", True, 1),
        ("FSDP2 + LoRA on 2", True, 2),
    )
    lines = ["| GB a GPU | " + " | ".join(name for name, _, _ in ways) + " |", "|---" * (len(ways) + 1) + "|"]
    for shape in SHAPES:
        cells = [f"{bytes_a_gpu(shape, lora=lora, shards=shards) / GB:.0f}" for _, lora, shards in ways]
        lines.append(f"| {shape.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
