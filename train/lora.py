"""LoRA through peft: small adapters are trained, and merged into the model in the end.

What is saved as the PRM is the merged model, which loads anywhere; the adapters lie beside it in `adapter/`. With
QLoRA (Dettmers et al. 2023) they are trained on the model in 4 bits, and merged into it as it was before.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from prm_gsm8k.train.arguments import PrmArguments


def with_adapters(model: PreTrainedModel, options: PrmArguments) -> Any:
    """The model with adapters to train, and its head, which is new and so trained whole. Both in fp32."""
    from peft import LoraConfig, TaskType, get_peft_model

    targets = options.lora_target_modules
    config = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=options.lora_r,
        lora_alpha=options.lora_alpha or 2 * options.lora_r,
        lora_dropout=options.lora_dropout,
        target_modules=targets if targets == "all-linear" else targets.split(","),
        modules_to_save=["score"],
    )
    wrapped = get_peft_model(model, config)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    wrapped.enable_input_require_grads()  # gradient checkpointing starts from inputs, which would need none
    return wrapped


def in_4bit(dtype: torch.dtype) -> dict[str, Any]:
    """How `from_pretrained` loads the model in NF4, to compute in `dtype`; not its head, which is trained."""
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=["score"],
        )
    }


def merged(base: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """The base model, fresh and on the CPU, with the adapters of a folder in its weights."""
    from peft import PeftModel

    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")  # or the model would be merged with less
        made: PreTrainedModel = PeftModel.from_pretrained(base, str(adapter), use_safetensors=True).merge_and_unload()
    return made
