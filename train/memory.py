"""What a GPU needs to train a model, by arithmetic, before the model is loaded.

    python -m prm_gsm8k.train.memory        # the table of train/README.md

What is counted, a GPU (W: weights, T: those of them that are trained, N: GPUs that share them under FSDP, else 1):

    weights      4 bytes each in fp32; 2 in bf16 for those that LoRA does not train; of these, the matrices
                 of the layers 0.52 each in 4 bits (QLoRA: 4 bits and, for 64 of them, a scale of 8 bits) / N
    gradients    4 T                                                                       / N
    Adam         8 T, two averages in fp32                                                 / N
    activations  what backward needs. With checkpointing the input of each layer, and all of one layer: 2 bytes of each
                 number between its matrices, and half as much again for their gradients; without it all of each layer.
    gathers      FSDP: two units (a layer, or the embedding) in bf16, and the gradient of one, in bf16 and in fp32.
                 DDP: the buckets that gradients are averaged in, 4 T. Without FSDP the weights in bf16, 2 T; in 4 bits
                 one layer in bf16.
    CUDA         2 GB: kernels, NCCL, what is lost between blocks.

The gradient of the embedding comes last in the backward pass, when activations are gone: only the greater of the two
counts. Parameters are counted in a model without memory (torch's `meta` device), made from its config.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from prm_gsm8k.exceptions import UsageError

GB = 1e9
NF4 = 0.516  # bytes a weight: Dettmers et al. 2023, 4 bits + 8/64 + 32/(64 * 256)
CUDA = 2e9
SPARE = 0.1  # of the memory: less free than this is "tight"

# config.json of the models in train/README.md: what their sizes follow from
_QWEN3 = {"model_type": "qwen3", "head_dim": 128, "num_key_value_heads": 8, "vocab_size": 151_936}
CONFIGS: dict[str, dict[str, Any]] = {
    "Qwen/Qwen2.5-1.5B": {
        "model_type": "qwen2",
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
    },
    "Qwen/Qwen3-4B": _QWEN3
    | {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32},
    "Qwen/Qwen3-8B": _QWEN3
    | {"hidden_size": 4096, "intermediate_size": 12_288, "num_hidden_layers": 36, "num_attention_heads": 32},
    "Qwen/Qwen3-32B": _QWEN3
    | {"hidden_size": 5120, "intermediate_size": 25_600, "num_hidden_layers": 64, "num_attention_heads": 64},
}


@dataclass(frozen=True)
class Shape:
    """Sizes of a model with a head; `matrices` are the weights of all linear layers, which LoRA adapts, and `linear`
    their inputs + outputs."""

    name: str
    weights: int
    embedding: int
    layers: int
    layer_weights: int
    hidden: int
    layer_numbers: int
    linear: int
    matrices: int


@dataclass(frozen=True)
class Plan:
    """How to train: `fsdp` shares all between the GPUs; `rows` of at most `max_length` tokens are computed at once."""

    gpus: int = 2
    fsdp: bool = True
    lora_r: int = 0
    in_4bit: bool = False
    rows: int = 8
    max_length: int = 1024
    checkpointing: bool = True
    bf16: bool = True


@dataclass(frozen=True)
class Need:
    """Bytes a GPU."""

    weights: float
    gradients: float
    adam: float
    activations: float
    gathers: float
    cuda: float = CUDA

    @property
    def state(self) -> float:
        """What is there whatever the batch."""
        return self.weights + self.gradients + self.adam + self.cuda

    @property
    def total(self) -> float:
        return self.state + self.activations + self.gathers

    def __str__(self) -> str:
        parts = [("weights", self.weights), ("gradients", self.gradients), ("Adam", self.adam)]
        parts += [("activations", self.activations), ("gathers", self.gathers), ("CUDA", self.cuda)]
        return ", ".join(f"{name} {value / GB:.1f}" for name, value in parts)


def config_of(name: str, revision: str | None = None) -> Any:
    """The config of a model; of those in the table without asking the Hub."""
    from transformers import AutoConfig

    if name in CONFIGS and revision is None:
        return AutoConfig.for_model(**CONFIGS[name])
    return AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)


def shape_of(name: str, config: Any) -> Shape:
    """Count a model's parameters, without memory for them."""
    from transformers import AutoModelForTokenClassification

    config = config.get_text_config()
    with torch.device("meta"):
        model = AutoModelForTokenClassification.from_config(config, trust_remote_code=False)
    kinds = set(getattr(model, "_no_split_modules", None) or [])
    layers = [module for module in model.modules() if type(module).__name__ in kinds]
    if not layers:
        raise UsageError(f"{name}: a {config.model_type} does not say what its layers are, so its memory is not known")
    linear = [m for layer in layers for m in layer.modules() if isinstance(m, torch.nn.Linear)]
    first = [m for m in layers[0].modules() if isinstance(m, torch.nn.Linear)]
    hidden = config.hidden_size
    # a layer keeps what comes out of each of its matrices, once more as rotated, normed or activated, and its residuals
    # and norms, which are in fp32: Llama's and Qwen's come to 50 bytes a token and hidden unit in bf16
    numbers = 2 * sum(m.out_features for m in first) + 6 * hidden
    return Shape(
        name=name,
        weights=sum(p.numel() for p in model.parameters()),
        embedding=sum(p.numel() for p in model.get_input_embeddings().parameters()),
        layers=len(layers),
        layer_weights=max(sum(p.numel() for p in layer.parameters()) for layer in layers),
        hidden=hidden,
        layer_numbers=numbers,
        linear=sum(m.in_features + m.out_features for m in linear),
        matrices=sum(m.weight.numel() for m in linear),
    )


def need(shape: Shape, plan: Plan) -> Need:
    """What one GPU needs."""
    shards = plan.gpus if plan.fsdp else 1
    computed = 2 if plan.bf16 else 4  # bytes of a number in the computation
    trained = plan.lora_r * shape.linear + 2 * shape.hidden if plan.lora_r else shape.weights
    weights: float = computed * shape.weights + 4 * trained if plan.lora_r else 4 * shape.weights
    if plan.in_4bit:
        weights -= (computed - NF4) * shape.matrices
    tokens = plan.rows * plan.max_length
    layer = tokens * shape.layer_numbers * computed
    if plan.checkpointing:
        activations = shape.layers * tokens * shape.hidden * computed + 1.5 * layer
    else:
        activations = (shape.layers + 0.5) * layer
    if plan.fsdp:
        gradient = 0 if plan.lora_r else computed + 4
        gathers: float = (2 * computed + gradient) * shape.layer_weights
        last = (computed + gradient) * shape.embedding  # when the activations are gone
        gathers = max(gathers, last - activations)
    else:
        gathers = (4.0 * trained if plan.gpus > 1 else 0) + (2 * trained if plan.bf16 and not plan.lora_r else 0)
        gathers += computed * shape.layer_weights if plan.in_4bit else 0
    return Need(weights / shards, 4 * trained / shards, 8 * trained / shards, activations, gathers)


def parse_gpus(text: str) -> tuple[int, float]:
    """
    >>> parse_gpus("2x24"), parse_gpus("80")
    ((2, 24000000000.0), (1, 80000000000.0))
    """
    found = re.fullmatch(r"(?:(\d+)x)?(\d+(?:\.\d+)?)", text.strip().lower())
    if not found or not int(found[1] or 1) or not float(found[2]):
        raise UsageError(f"--gpus {text}: give how many and their GB, as 2x80")
    return int(found[1] or 1), float(found[2]) * GB


def command(model: str, plan: Plan) -> str:
    """How it is launched."""
    words = ["accelerate launch --config_file"]
    if plan.gpus == 1:
        words.append("train/configs/one_gpu.yaml")
    else:
        words.append("accelerate_config.yaml" if plan.fsdp else "train/configs/ddp.yaml")
        words += [f"--num_processes {plan.gpus}"] if plan.gpus != 2 else []
    words.append(f"train/train_prm.py --model {model}")
    words += ["--gradient_checkpointing"] if plan.checkpointing and not plan.fsdp else []
    words += [f"--lora_r {plan.lora_r} --learning_rate 1e-4"] if plan.lora_r else []
    words += ["--load_in_4bit"] if plan.in_4bit else []
    words += [f"--per_device_train_batch_size {plan.rows}"] if plan.rows != Plan.rows else []
    words += [f"--max_length {plan.max_length}"] if plan.max_length != Plan.max_length else []
    return " ".join([*words, "..."])


def candidates(plan: Plan) -> list[Plan]:
    """The plan, and what to try if it does not fit, what changes least first."""
    smaller = [replace(plan, rows=rows) for rows in (plan.rows, 4, 2, 1) if rows <= plan.rows]
    checked = [replace(p, checkpointing=True) for p in smaller]
    shared = [replace(p, fsdp=True) for p in checked] if plan.gpus > 1 else []
    lora = [replace(p, lora_r=plan.lora_r or 16) for p in shared or checked]
    quantized = [replace(p, fsdp=False, in_4bit=True) for p in lora]
    found: list[Plan] = []
    for one in [plan, *checked, *([] if plan.in_4bit else [*shared, *lora]), *quantized]:
        if one not in found:
            found.append(one)
    return found


def says(shape: Shape, plan: Plan, free: float) -> tuple[bool, list[str]]:
    """Whether a plan fits into so many bytes a GPU with a tenth to spare; what it needs and what fits, two lines."""
    asked = need(shape, plan)
    how = f"{'QLoRA' if plan.in_4bit else 'LoRA'} rank {plan.lora_r}" if plan.lora_r else "all weights"
    where = "one GPU" if plan.gpus == 1 else f"{plan.gpus} GPUs, {'FSDP2' if plan.fsdp else 'DDP'}"
    left = 1 - asked.total / free
    said = f"{left:.0%} free" if left >= 0 else "does not fit"
    lines = [
        f"{shape.name}, {how}, {where}, {plan.rows} rows of at most {plan.max_length:,} tokens at once: "
        f"{asked.total / GB:.1f} of {free / GB:.1f} GB a GPU, {said} ({asked})"
    ]
    fitting = next((p for p in candidates(plan) if need(shape, p).total <= (1 - SPARE) * free), None)
    if fitting == plan:
        lines.append(f"fits: {command(shape.name, plan)}")
    elif fitting:
        lines.append(f"what fits: {command(shape.name, fitting)} ({need(shape, fitting).total / GB:.1f} GB)")
    else:
        lines.append(f"nothing fits on {plan.gpus} x {free / GB:.0f} GB; more GPUs, or a smaller model or --max_length")
    return fitting == plan, lines


# you have → what to train: the rows of the table
TABLE: Sequence[tuple[str, str, Plan]] = (
    ("1x24", "Qwen/Qwen2.5-1.5B", Plan(1, False, 16)),
    ("1x80", "Qwen/Qwen2.5-1.5B", Plan(1, False)),
    ("2x24", "Qwen/Qwen2.5-1.5B", Plan(2, True)),
    ("1x24", "Qwen/Qwen3-4B", Plan(1, False, 16)),
    ("1x24", "Qwen/Qwen3-8B", Plan(1, False, 16, True)),
    ("2x80", "Qwen/Qwen3-4B", Plan(2, True)),
    ("2x24", "Qwen/Qwen3-8B", Plan(2, True, 16)),
    ("2x80", "Qwen/Qwen3-8B", Plan(2, True)),
    ("2x80", "Qwen/Qwen3-32B", Plan(2, True, 16)),
    ("1x80", "Qwen/Qwen3-32B", Plan(1, False, 16, True)),
    ("8x80", "Qwen/Qwen3-32B", Plan(8, True, rows=1)),
)


def table() -> str:
    """What fits where, as a markdown table."""
    from prm_gsm8k.train.arguments import ROWS_PER_STEP

    lines = ["| you have | model | command | GB a GPU | rows a step |", "|---|---|---|---|---|"]
    shapes = {name: shape_of(name, config_of(name)) for name in CONFIGS}
    for gpus, model, plan in TABLE:
        _, free = parse_gpus(gpus)
        how = ("QLoRA" if plan.in_4bit else "LoRA") if plan.lora_r else "all weights"
        asked = need(shapes[model], plan).total
        lines.append(
            f"| {gpus.replace('x', ' × ')} GB | {model}, {how} | "
            f"`{command(model, plan)}` | {asked / GB:.0f}, {1 - asked / free:.0%} free | {ROWS_PER_STEP} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
