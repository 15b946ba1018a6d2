"""What a checkpoint is, by what its config says. Nothing here needs torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from prm_gsm8k.exceptions import CheckpointError
from prm_gsm8k.models.encoder import FILE
from prm_gsm8k.models.formats.formats import FORMATS

QWEN = "Qwen2ForProcessRewardModel"
Kind = Literal["ours", "qwen2-prm", "language model", "trl"]
KINDS = (
    f"a PRM of this package (…ForTokenClassification with {FILE}), a token classifier of two labels that trl trained, "
    f"{QWEN}, or a language model (…ForCausalLM) that answers each step with one of two words "
    f"(step format {', '.join(name for name, format in FORMATS.items() if format.is_language_model)} or a JSON file)"
)


def kind_of(folder: Path) -> Kind:
    """What a checkpoint is, by its `config.json` and whether an encoder's config lies beside it.

    Raises:
        CheckpointError: nothing that can score steps; the message names what can.
    """
    if (folder / "adapter_config.json").exists():
        raise CheckpointError(
            f"{folder} holds a LoRA adapter; merge it into its base model (merge_and_unload) and save that"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architecture = str((config.get("architectures") or ["nothing"])[0])
        model_type = config.get("model_type")
        labels = len(config.get("id2label") or ("wrong", "right"))
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder} has no config.json that can be read: {error}") from error
    if architecture == QWEN:
        return "qwen2-prm"
    from transformers import CONFIG_MAPPING

    if "auto_map" in config and model_type not in CONFIG_MAPPING:
        raise CheckpointError(f"{folder} asks for code of its own (auto_map), which is not run")
    if architecture.endswith("ForTokenClassification"):
        if labels == 2:
            return "ours" if (folder / FILE).exists() else "trl"
        architecture += f" of {labels} labels"
    elif architecture.endswith("ForCausalLM"):
        return "language model"
    raise CheckpointError(f"{folder} holds a {architecture}; what can score steps is {KINDS}")
