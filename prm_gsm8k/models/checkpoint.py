"""Where a PRM lies, a folder or a model repository of the Hub. Nothing here needs torch."""

from __future__ import annotations

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
