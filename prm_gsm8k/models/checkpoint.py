"""Where a PRM lies, a folder or a model repository of the Hub, and whether it is one. Nothing here needs torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

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

    if (path := Path(path_or_id)).is_dir():
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


def check_config(folder: Path) -> None:
    """Refuse what is not a token-classification model of two labels, in safetensors, whose code is transformers' own.

    Raises:
        CheckpointError: what it is instead.
    """
    if (folder / "adapter_config.json").exists():
        raise CheckpointError(
            f"{folder} holds a LoRA adapter; merge it into its base model (merge_and_unload) and save that"
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kinds = config.get("architectures") or ["nothing"]
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder} has no config.json that can be read: {error}") from error
    if not kinds[0].endswith("ForTokenClassification"):
        raise CheckpointError(f"{folder} holds a {kinds[0]}; a PRM of this package is a …ForTokenClassification")
    if "auto_map" in config:
        raise CheckpointError(f"{folder} asks for code of its own (auto_map), which is not run")
    if (labels := len(config.get("id2label", ("wrong", "right")))) != 2:
        raise CheckpointError(f"{folder} has {labels} labels; a PRM has two, wrong and right")
    if not list(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} has no weights in safetensors; other formats can run code and are not read")
