"""Identify a model by name and revision, under which its answers are saved."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.exceptions import EngineError

UNSTATED = "unstated"  # the revision of a model behind an endpoint, which does not report one
HUB_PATIENCE = 10.0  # seconds until the Hub counts as unreachable
_ENDS = 1 << 16  # bytes hashed at either end of a large file; different weights differ there too


@dataclass(frozen=True)
class Model:
    """`name` and `revision` for the rows, `weights` for vLLM: a folder or, if `on_hub`, a Hub id."""

    name: str
    revision: str
    weights: str = ""
    on_hub: bool = False

    def vllm_arguments(self, more: Sequence[str] = ()) -> list[str]:
        """Arguments with which vLLM serves this revision under this name."""
        revision = ["--revision", self.revision] if self.on_hub and self.revision != UNSTATED else []
        return ["--served-model-name", self.name, *revision, *more]


def find_model(model: str, revision: str | None = None) -> Model:
    """Resolve a folder, whose revision is a digest of its files, or a Hub id, whose revision is the current commit.

    Raises:
        EngineError: no such folder or model, or the Hub cannot be reached and its cache does not have it.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise EngineError(f"--model {model}: this folder has no config.json, so it holds no model")
        return Model(path.resolve().name, revision or _digest(path), str(path.resolve()), False)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise EngineError(f"--model {model}: no such folder; give a model folder or a Hub id")
    return Model(model, _commit(model, revision), model, True)


def _digest(folder: Path) -> str:
    """12 hexadecimal digits over the name, size and content of each file; of large files only both ends are read."""
    whole = hashlib.sha256()
    for path in sorted(
        p for p in folder.iterdir() if p.suffix in (".json", ".jinja", ".safetensors", ".model", ".bin")
    ):
        size = path.stat().st_size
        whole.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as file:
            whole.update(file.read(_ENDS))
            if size > _ENDS:
                file.seek(max(_ENDS, size - _ENDS))
                whole.update(file.read(_ENDS))
    return whole.hexdigest()[:12]


def _commit(model: str, revision: str | None) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        commit = HfApi().model_info(model, revision=revision, timeout=HUB_PATIENCE).sha
    except GatedRepoError as error:
        raise EngineError(
            f"--model {model}: gated; ask for access on its page on the Hub, then hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise EngineError(f"--model {model}: has no revision {revision!r} on the Hub") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        what = "no such folder, and no such model on the Hub (a private one needs hf auth login)"
        raise EngineError(f"--model {model}: {what}") from error
    except Exception as error:  # any HTTP library's error: refused, no such host, timeout, offline
        cached = try_to_load_from_cache(model, "config.json", revision=revision)
        if isinstance(cached, str):
            return Path(cached).parent.name
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        what = f"no such folder, the Hub cannot be reached ({reason}), and its cache does not hold it"
        raise EngineError(f"--model {model}: {what}") from error
    return commit or UNSTATED
