"""Where rows lie, as a person writes it: a folder, or `org/prm-gsm8k@v1.0.0` on the Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.dataset.jsonl import means_a_file
from prm_gsm8k.dataset.manifest import Manifest, read_manifest
from prm_gsm8k.exceptions import VerificationError

_ON_THE_HUB = re.compile(r"(?P<repo_id>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[^@\s]+))?")


@dataclass(frozen=True)
class Place:
    """A folder that holds configs, and what to call it."""

    name: str
    folder: Path
    manifest: Manifest


def place(where: str | Path) -> Place:
    """Find a place; what is on the Hub is fetched (all configs) unless it is in the cache.

    A folder goes before a repository of the same name; `./org/name` is always a folder.

    Raises:
        VerificationError: it is neither a folder that a build made nor a data set that was published.
        HubError: the Hub does not answer, or there is no such repository or revision.
    """
    text = str(where)
    match = _ON_THE_HUB.fullmatch(text)
    if isinstance(where, Path) or match is None or means_a_file(text) or Path(text).exists():
        folder = Path(where)
        manifest = read_manifest(folder)
        if not manifest.configs:
            raise VerificationError(f"{folder}: holds no config")
        return Place(str(folder), folder, manifest)
    from prm_gsm8k.hub.snapshot import snapshot

    here = snapshot(match["repo_id"], match["revision"])
    return Place(str(here), here.folder, here.manifest)
