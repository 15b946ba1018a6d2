"""Publish a trained PRM: one commit, read back and compared, then the tag. As `publish` does it for a data set.

    plan = publish_model("output/prm", "org/prm", plan_only=True)
    done = publish_model("output/prm", "org/prm", tag="v1.0.0")

What goes is what `ProcessRewardModel.from_pretrained` reads, the record of its making, its pictures and a card: JSON,
safetensors, chat templates. Nothing that can be run, no state of an optimizer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.hub.repository import Announce, File, Plan, Remote, Repository, Wanted
from prm_gsm8k.models.card import PICTURES, model_card, pictures
from prm_gsm8k.models.checkpoint import FILES
from prm_gsm8k.models.encoder import FILE, EncoderConfig
from prm_gsm8k.models.formats.kinds import QWEN, Kind, kind_of

CARD = "README.md"
STATE = ("prm_run.json", "trainer_state.json")  # of a run, not of what came of it
INDEX = "model.safetensors.index.json"
TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{30,}")  # an access token of the Hub


@dataclass(frozen=True)
class PublishedModel:
    """What a publish of a model did, or (`commit` is None) would do; see `prm_gsm8k.build.publish.Published`."""

    repo_id: str
    kind: Kind
    plan: Plan
    commit: str | None = None
    committed: bool = False
    tag: str | None = None

    @property
    def load_line(self) -> str:
        """What people who want this PRM will type."""
        revision = f', revision="{self.tag}"' if self.tag else ""
        opened = "ProcessRewardModel.from_pretrained" if self.kind == "ours" else "load_scorer"
        return f'{opened}("{self.repo_id}"{revision})'


def publish_model(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    tag: str | None = None,
    plan_only: bool = False,
    token: str | None = None,
    announce: Announce = lambda _: None,
) -> PublishedModel:
    """Make a model repository of the Hub hold the PRM of a folder.

    A README.md in the folder that somebody changed goes as it is; otherwise the card is written for `repo_id`. Weights
    and JSON files of an earlier PRM that this one does not have are deleted in the same commit; whatever else the
    repository holds stays.

    Args:
        folder: what `train_prm.py`, `ProcessRewardModel.save_pretrained` or `prm-gsm8k export` wrote.
        repo_id, private, tag, plan_only, token, announce: as of `prm_gsm8k.build.publish.publish`.

    Raises:
        CheckpointError: the folder holds no PRM of this package, or not all of it; nothing was sent.
        UsageError: the repository holds another kind of model, or a file holds an access token.
        VerificationError: the repository is not what was sent.
        HubError: the Hub said no or did not answer, or the tag names another commit. `main` is wholly old or wholly
            new; run it again.
    """
    folder = Path(folder)
    repo = Repository(repo_id, "model", token)
    if not plan_only:
        repo.check_login()
    announce(f"looking at {folder}")
    kind = check_model(folder)
    files = files_of(folder)
    files[CARD] = File(_card(folder, repo_id).encode())

    def wanted_on(remote: Remote) -> Wanted:
        return _wanted(files, remote, repo_id, folder.resolve().name)

    done = repo.publish(wanted_on, tag=tag, private=private, plan_only=plan_only, announce=announce)
    return PublishedModel(repo_id, kind, done.plan, done.commit, done.committed, tag)


def is_model(folder: str | Path) -> bool:
    """Whether a folder is a PRM's, by the encoder's config in it."""
    return Path(folder, FILE).is_file()


def check_model(folder: Path) -> Kind:
    """What kind of PRM it is; refuse what could not be loaded, or what must not be seen by others.

    Raises:
        CheckpointError: no PRM of this package; weights that are missing, cut or not in safetensors.
        UsageError: a JSON file holds what looks like an access token.
    """
    EncoderConfig.load(folder)
    if (kind := kind_of(folder)) not in ("ours", "qwen2-prm"):
        raise CheckpointError(f"{folder} holds a {kind}, and neither a PRM of this package nor a {QWEN} made from one")
    weights = {path.name for path in folder.glob("*.safetensors")}
    if (folder / INDEX).exists():
        try:
            needed = set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{folder / INDEX} cannot be read: {error}") from error
    else:
        needed = {"model.safetensors"}
    if missing := sorted(needed - weights):
        raise CheckpointError(f"{folder} has no {missing[0]}; other formats can run code and are not read")
    for name in sorted(needed):
        _check_whole(folder / name)
    for path in sorted(folder.glob("*.json")):
        if TOKEN.search(path.read_text(encoding="utf-8", errors="replace")):
            raise UsageError(f"{path} holds what looks like an access token of the Hub; take it out and revoke it")
    return kind


def files_of(folder: Path) -> dict[str, File]:
    """What of a folder is published, but the card, by its path in the repository."""
    weights = {path.name for path in folder.glob("*.safetensors")}
    if "model.safetensors" in weights and not (folder / INDEX).exists():
        weights = {"model.safetensors"}  # no other is read
    found = [path for pattern in FILES for path in folder.glob(pattern) if path.is_file()]
    found = [p for p in found if p.name not in STATE and (p.suffix != ".safetensors" or p.name in weights)]
    return {path.relative_to(folder).as_posix(): File(path) for path in [*found, *pictures(folder)]}


def _check_whole(path: Path) -> None:
    """A file of safetensors says at its beginning how long it is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(length, size)))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CheckpointError(f"{path} is no safetensors file") from None
    if (whole := 8 + length + max(ends, default=0)) != size:
        raise CheckpointError(f"{path} is not whole: it has {size:,} bytes of {whole:,}")


def _card(folder: Path, repo_id: str) -> str:
    """The folder's own README.md, if it is not what `model_card` writes of itself; else a card for the repository."""
    own = folder / CARD
    if own.is_file() and (text := own.read_text(encoding="utf-8")) != model_card(folder):
        return text
    return model_card(folder, repo_id)


def _wanted(files: dict[str, File], remote: Remote, repo_id: str, name: str) -> Wanted:
    """These files, and of those that are there the ones that a PRM of this package had and this one has not."""
    top = [path for path in remote.files if "/" not in path]
    models = [path for path in top if path == "config.json" or path.endswith((".safetensors", ".bin"))]
    if models and FILE not in remote.files:
        raise UsageError(f"{repo_id} holds a model that is no PRM of this package ({models[0]}); name another")
    suffixes = tuple(pattern.removeprefix("*") for pattern in FILES)
    folders = {path.rpartition("/")[0] for path in files if "/" in path}

    def is_ours(path: str) -> bool:
        place, _, _ = path.rpartition("/")
        return path.endswith(suffixes) if not place else place in folders and path.lower().endswith(PICTURES)

    gone = sorted(path for path in remote.files if path not in files and is_ours(path)) if models else []
    return Wanted(files, {path: remote.files[path].size for path in gone}, f"Publish {name}")
