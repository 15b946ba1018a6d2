"""Which model is asked, so surely that its answers can be kept: a name, and which version of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.exceptions import EngineError

UNSTATED = "unstated"  # the revision of a model behind an endpoint, which tells none
HUB_PATIENCE = 10.0  # seconds until an unreachable Hub is called so
_ENDS = 1 << 16  # bytes at either end of a large file that are read; weights that differ do so there too


@dataclass(frozen=True)
class Model:
    """`name` and `revision` for the rows, `weights` for vLLM: a folder or, if `on_hub`, a Hub id."""

    name: str
    revision: str
    weights: str = ""
    on_hub: bool = False

    def vllm_arguments(self, more: Sequence[str] = ()) -> list[str]:
        """What vLLM is told so that it serves this very revision under this name."""
        revision = ["--revision", self.revision] if self.on_hub and self.revision != UNSTATED else []
        return ["--served-model-name", self.name, *revision, *more]


def find_model(model: str, revision: str | None = None) -> Model:
    """A folder by a digest of its files, a Hub id by the commit that `revision` is now, online or in the cache.

    Raises:
        EngineError: it is neither, or the Hub cannot be asked and its cache has nothing.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise EngineError(f"--model {model}: a folder without config.json holds no model")
        return Model(path.resolve().name, revision or _digest(path), str(path.resolve()), False)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise EngineError(f"--model {model}: no such folder; give one that holds a model, or an id of the Hub")
    return Model(model, _commit(model, revision), model, True)


def _digest(folder: Path) -> str:
    """12 hexadecimal digits over the files: each by its name, size, and its content, of large ones both ends."""
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
    except Exception as error:  # whatever the HTTP library of the day raises: refused, no name, time-out, offline
        cached = try_to_load_from_cache(model, "config.json", revision=revision)
        if isinstance(cached, str):
            return Path(cached).parent.name
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        what = f"no such folder, the Hub cannot be reached ({reason}), and its cache does not hold it"
        raise EngineError(f"--model {model}: {what}") from error
    return commit or UNSTATED
