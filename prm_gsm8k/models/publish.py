"""Publish a trained PRM: one commit, read back and compared, then the tag, as `publish` does for a dataset.

    plan = publish_model("output/prm", "org/prm", plan_only=True)
    done = publish_model("output/prm", "org/prm", tag="v1.0.0")

Sent are the files that `ProcessRewardModel.from_pretrained` reads, the record of the training, its figures and a card:
JSON, safetensors, chat templates and images. No code and no optimizer state.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from prm_gsm8k.dataset.card import CARD
from prm_gsm8k.dataset.card_edits import Edits, read_edits, with_edits
from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.hub.repository import Announce, File, Published, Remote, Repository, Wanted
from prm_gsm8k.models.card import PICTURES, TRAINING, card_parts, pictures
from prm_gsm8k.models.checkpoint import FILES
from prm_gsm8k.models.encoder import FILE, EncoderConfig
from prm_gsm8k.models.formats.kinds import QWEN, Kind, kind_of

STATE = ("prm_run.json", "trainer_state.json")  # state of the training run, not part of the model
INDEX = "model.safetensors.index.json"
TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{30,}")  # an access token of the Hub


def publish_model(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    tag: str | None = None,
    plan_only: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | None = None,
    announce: Announce = lambda _: None,
) -> Published:
    """Upload the PRM of a folder to a model repository of the Hub.

    The card is written for `repo_id`, unless the folder has another README.md: its text is sent then. What people wrote
    into the repository's card stays. Files of an earlier PRM that this one lacks are deleted in the same commit;
    everything else in the repository stays.

    Args:
        folder: what `train_prm.py`, `ProcessRewardModel.save_pretrained` or `prm-gsm8k export` wrote.
        repo_id, private, tag, plan_only, revision, create_pr, token, announce: as for `build.publish.publish`.

    Raises:
        CheckpointError: the folder holds no complete PRM of this package; nothing was sent.
        UsageError: the repository holds another kind of model, or a file holds an access token.
        VerificationError: the repository's card cannot be kept and nothing was sent, or the repository differs from
            what was sent.
        HubError: the Hub refused or did not answer, or the tag names another commit. `main` is entirely old or
            entirely new.
    """
    folder = Path(folder)
    repo = Repository(repo_id, "model", token, revision, create_pr)
    if not plan_only:
        repo.check_login()
    announce(f"checking {folder}")
    kind = check_model(folder)
    files = files_of(folder)

    def wanted_on(remote: Remote) -> Wanted:
        load = "ProcessRewardModel.from_pretrained" if kind == "ours" else "load_scorer"
        card = {CARD: File(_card(folder, repo, remote).encode())}
        return _wanted(files | card, remote, repo_id, folder.resolve().name, f'{load}("{repo_id}"{{revision}})')

    return repo.publish(wanted_on, tag=tag, private=private, plan_only=plan_only, announce=announce)


def is_model(folder: str | Path) -> bool:
    """Whether a folder holds a PRM of this package, by its encoder config."""
    return Path(folder, FILE).is_file()


def check_model(folder: Path) -> Kind:
    """The kind of PRM in a folder, which must be loadable and safe to publish.

    Raises:
        CheckpointError: no PRM of this package; weights that are missing, truncated or not in safetensors.
        UsageError: a JSON file holds what looks like an access token.
    """
    EncoderConfig.load(folder)
    if (kind := kind_of(folder)) not in ("ours", "qwen2-prm"):
        raise CheckpointError(f"{folder} holds a {kind}, not a PRM of this package or a {QWEN} made from one")
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
    """The files of a folder that are published, without the card, by their path in the repository."""
    weights = {path.name for path in folder.glob("*.safetensors")}
    if "model.safetensors" in weights and not (folder / INDEX).exists():
        weights = {"model.safetensors"}  # loading reads no other
    found = [path for pattern in FILES for path in folder.glob(pattern) if path.is_file()]
    found = [p for p in found if p.name not in STATE and (p.suffix != ".safetensors" or p.name in weights)]
    return {path: File(folder / path) for path in [*(path.name for path in found), *pictures(folder)]}


def _check_whole(path: Path) -> None:
    """Refuse a truncated safetensors file: its header says how long it must be."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(length, size)))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CheckpointError(f"{path} is not a safetensors file") from None
    if (whole := 8 + length + max(ends, default=0)) != size:
        raise CheckpointError(f"{path} is truncated: it has {size:,} of {whole:,} bytes")


def _card(folder: Path, repo: Repository, remote: Remote) -> str:
    """The card, with what people wrote into the repository's and into the folder's README.md."""
    head, body = card_parts(folder)
    edits: list[tuple[Edits, dict[str, Any] | None]] = []
    if remote.head is not None and CARD in remote.files:
        read = [path for path in (CARD, FILE, TRAINING, "config.json") if path in remote.files]
        there, *_ = [repo.download(path, remote.head) for path in read]
        old: tuple[dict[str, Any], str] | tuple[None, None] = None, None
        with suppress(CheckpointError):  # there is no PRM, or none that can be read
            old = card_parts(there.parent, repo.id, remote.files)
        edits.append((read_edits(there, old[1], f"{repo.id} at {remote.head[:8]}: {CARD}"), old[0]))
    edits.append((read_edits(folder / CARD, body, str(folder / CARD), own=True), head))
    return with_edits(*card_parts(folder, repo.id), edits)


def _wanted(files: dict[str, File], remote: Remote, repo_id: str, name: str, load: str) -> Wanted:
    """The files to send, and those of an earlier PRM in the repository to delete."""
    top = [path for path in remote.files if "/" not in path]
    models = [path for path in top if path == "config.json" or path.endswith((".safetensors", ".bin"))]
    if models and FILE not in remote.files:
        raise UsageError(f"{repo_id} holds a model that is not a PRM of this package ({models[0]}); name another")
    suffixes = tuple(pattern.removeprefix("*") for pattern in FILES)
    folders = {path.rpartition("/")[0] for path in files if "/" in path}

    def is_ours(path: str) -> bool:
        place, _, _ = path.rpartition("/")
        return path.endswith(suffixes) if not place else place in folders and path.lower().endswith(PICTURES)

    gone = sorted(path for path in remote.files if path not in files and is_ours(path)) if models else []
    return Wanted(files, {path: remote.files[path].size for path in gone}, f"Publish {name}", load)
