"""Where a PRM lies, a folder or a model repository of the Hub. Nothing here needs torch."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.hub.client import ask, check_repo_id

FILES = ["*.json", "*.safetensors", "*.jinja"]  # nothing that can be run
WITHOUT_WEIGHTS = ["*.json", "*.jinja"]  # what the encoder needs


def checkpoint_folder(path_or_id: str | Path, revision: str | None = None, files: Sequence[str] = FILES) -> Path:
    """The folder itself, or the Hub's copy of a repository; only files that hold data.

    Raises:
        CheckpointError: there is no such folder and no such repository.
        UsageError: a folder has no revisions.
        HubError: the Hub said no, or did not answer.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    if (path := Path(path_or_id).expanduser()).is_dir():
        if revision is not None:
            raise UsageError(f"{path} is a folder, which has no revision {revision!r}")
        return path
    if isinstance(path_or_id, Path) or str(path_or_id).count("/") != 1 or str(path_or_id).startswith((".", "/", "~")):
        raise CheckpointError(f"{path_or_id}: there is no such folder")
    repo = check_repo_id(str(path_or_id))

    def download() -> Path:
        try:
            return Path(snapshot_download(repo, revision=revision, allow_patterns=list(files)))
        except RepositoryNotFoundError:
            what = "there is no such folder, and no such model on the Hub, or this token may not see it"
            raise CheckpointError(f"{repo}: {what}") from None

    return ask(download, f"loading {repo}")


def check_weights(folder: Path, name: str | None = None) -> None:
    """Refuse a checkpoint without weights in safetensors.

    Raises:
        CheckpointError: it has none; `name` is what to call it.
    """
    if not list(folder.glob("*.safetensors")):
        raise CheckpointError(
            f"{name or folder} has no weights in safetensors; other formats can run code and are not read. The Hub "
            "converts a repository at https://huggingface.co/spaces/safetensors/convert, into a pull request: "
            "--revision refs/pr/N"
        )


def write_both_forms(folder: Path) -> None:
    """Make what transformers 5 saved readable by transformers 4 too, and by what is built on it.

    That takes what it does not find for a default, without a word: a `rope_theta` of 10,000, and so other scores. Each
    version reads its own names and passes over the other's.
    """
    for name, rewrite in (("config.json", _config_of_4), ("tokenizer_config.json", _tokenizer_of_4)):
        path = folder / name
        if path.is_file():
            content = json.loads(path.read_bytes())
            if (both := rewrite(content)) != content:
                path.write_text(json.dumps(both, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _config_of_4(config: dict[str, Any]) -> dict[str, Any]:
    """With `rope_theta` and its kin beside `rope_parameters`."""
    config = {name: _config_of_4(value) if name.endswith("_config") else value for name, value in config.items()}
    rope = config.get("rope_parameters") or {}
    own: dict[str, Any] = {}
    if "full_attention" in rope:  # two kinds of layers, as in Gemma 3
        if (local := rope.get("sliding_attention", {}).get("rope_theta")) is not None:
            own["rope_local_base_freq"] = local
        rope = rope["full_attention"]
    own |= {name: rope[name] for name in ("rope_theta", "partial_rotary_factor") if name in rope}
    scaling = {name: value for name, value in rope.items() if name not in own}
    kind, original = scaling.get("rope_type", "default"), scaling.get("original_max_position_embeddings")
    if kind == "longrope" and original:
        # 4 looks for this beside `rope_scaling`, and takes the factor from it whatever `factor` says
        own["original_max_position_embeddings"] = original
        if config.get("model_type") == "phi3" and not {"factor", "attention_factor"} & scaling.keys():
            scaling = {"type": "longrope"} | {name: scaling[name] for name in ("short_factor", "long_factor")}
        elif factor := scaling.get("factor"):
            attention = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
            scaling.setdefault("attention_factor", attention)
    if kind != "default":
        own["rope_scaling"] = scaling
    if "num_local_experts" in config:
        own["num_experts"] = config["num_local_experts"]  # of Qwen3-MoE
    if "dtype" in config:
        own["torch_dtype"] = config["dtype"]  # before 4.56
    return config | own


def _tokenizer_of_4(config: dict[str, Any]) -> dict[str, Any]:
    """With the class that both know, and special tokens under the name of the older one."""
    config = dict(config)
    if config.get("tokenizer_class") == "TokenizersBackend":
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(extra := config.get("extra_special_tokens"), list):
        del config["extra_special_tokens"]
        config["additional_special_tokens"] = extra
    return config
