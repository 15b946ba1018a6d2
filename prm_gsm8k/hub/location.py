"""From what a person types to a built folder: `data`, or `org/prm-gsm8k@v1.0.0` on the Hub."""

from __future__ import annotations

import re
from pathlib import Path

from prm_gsm8k.dataset.jsonl import means_a_file
from prm_gsm8k.dataset.manifest import BuiltFolder, read_manifest
from prm_gsm8k.exceptions import VerificationError

_ON_THE_HUB = re.compile(r"(?P<repo_id>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[^@\s]+))?")


def place(where: str | Path) -> BuiltFolder:
    """Find a built folder; what is on the Hub is fetched (all configs) unless it is in the cache.

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
        return BuiltFolder(str(folder), folder, manifest)
    from prm_gsm8k.hub.snapshot import snapshot

    here = snapshot(match["repo_id"], match["revision"])
    return BuiltFolder(str(here), here.folder, here.manifest)
