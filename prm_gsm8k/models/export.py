"""Export a PRM of this package as a `Qwen2ForProcessRewardModel`, for tools that read only that architecture.

It is the architecture of Qwen2.5-Math-PRM: a head of Linear(h, h) · ReLU · Linear(h, 2) where ours is one Linear(h, 2).
Such a head can compute any linear map exactly: each logit l is relu(l) - relu(-l), so four of the h hidden units hold l
and -l of the two labels, the others are 0, and the second layer subtracts. Even the rounding is the same: a logit is
rounded once, when it is computed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prm_gsm8k.exceptions import CheckpointError, UsageError

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = ("config.json", "model.safetensors.index.json")  # written by the export; every other JSON file is copied


def export_qwen2_prm(model: str | Path, out: str | Path, *, revision: str | None = None) -> Path:
    """Write a PRM of this package on a Qwen2 base as a `Qwen2ForProcessRewardModel`, with the same scores.

    Args:
        model: a folder, or a repository of the Hub.
        out: a folder that does not exist, or is empty.
        revision: branch, tag or commit of the repository.

    Returns:
        `out`, as a path. `load_scorer` reads it, and vLLM serves it as that architecture.

    Raises:
        CheckpointError: it is not such a PRM, or its base is not Qwen2.
        UsageError: `out` is not empty.
    """
    from prm_gsm8k.models.checkpoint import checkpoint_folder, write_both_forms
    from prm_gsm8k.models.formats.kinds import kind_of

    folder, out = checkpoint_folder(model, revision), Path(out)
    if (kind := kind_of(folder)) != "ours":
        raise CheckpointError(f"{model} is a {kind}, not a PRM of this package, and cannot be exported")
    base = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if base != "qwen2":
        raise CheckpointError(
            f"{model} has a base of type {base}; only a PRM on Qwen2, Qwen2.5 or Qwen2.5-Math can be a "
            "Qwen2ForProcessRewardModel (vLLM serves any PRM of this package as it is)"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a folder that does not exist")

    from transformers import AutoModelForTokenClassification

    from prm_gsm8k.models.formats.qwen2 import Qwen2ForProcessRewardModel

    ours = AutoModelForTokenClassification.from_pretrained(
        folder, dtype="auto", use_safetensors=True, trust_remote_code=False, local_files_only=True
    )
    theirs = Qwen2ForProcessRewardModel(ours.config).to(ours.dtype)
    theirs.model = ours.model
    copy_head(ours.score, theirs.score)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        made = Path(temporary, "made")
        theirs.save_pretrained(made)
        for path in [*folder.glob("*.json"), *folder.glob("*.jinja")]:
            if path.name not in WEIGHTS:
                shutil.copy(path, made)
        write_both_forms(made)
        made.replace(out)
    return out


def copy_head(linear: nn.Linear, head: nn.Sequential) -> None:
    """Make `head`, Linear(h, h) · ReLU · Linear(h, 2), compute what `linear`, Linear(h, 2), does; see the module."""
    import torch

    first, _, second = head
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        for label in (0, 1):
            for n, sign in enumerate((1, -1)):
                unit = 2 * label + n
                first.weight[unit] = sign * linear.weight[label]
                first.bias[unit] = sign * linear.bias[label] if linear.bias is not None else 0
                second.weight[label, unit] = sign
