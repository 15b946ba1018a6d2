"""`manifest.json`: what is in a built folder, how it was made, and the digests that prove it.

It has no date and no path of the machine, so equal builds have equal manifests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from prm_gsm8k.dataset.jsonl import NO_SUCH_FILE
from prm_gsm8k.dataset.stats import Stats, total
from prm_gsm8k.exceptions import VerificationError

MANIFEST = "manifest.json"
FORMAT = 1
MADE_BY = "prm-gsm8k"


@dataclass(frozen=True)
class DataFile:
    """One Parquet file; `path` is relative to the folder, with `/`."""

    path: str
    split: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class Config:
    """One config: its rows (digests and counts by split), its files, and what they were made from.

    Attributes:
        version: `1.X.Y` from the content digest; `datasets` reloads when it changes.
        content_digest: over the content digests of the splits; the same for the same rows, whatever files hold them.
        options: every option that decided the rows, the seed included.
        code_version, code_digest: of the package that made them.
        inputs_digest: of the problems, or the released files, that were read.
        drops: counts of what was skipped or rejected, by reason.
        num_bytes: Arrow bytes by split, as `dataset_info` of the card wants them.
        overlaps: prompts to train on that are like questions to measure on; see `contamination.count_overlaps`.
    """

    version: str
    content_digest: str
    split_digests: dict[str, str]
    options: dict[str, Any]
    code_version: str
    code_digest: str
    inputs_digest: str
    drops: dict[str, int]
    num_bytes: dict[str, int]
    splits: dict[str, Stats]
    files: list[DataFile]
    overlaps: dict[str, int] = field(default_factory=dict)

    @property
    def stats(self) -> Stats:
        """All splits together."""
        return total(self.splits.values())

    @property
    def download_size(self) -> int:
        """Bytes of the Parquet files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Manifest:
    """All configs of a folder."""

    configs: dict[str, Config] = field(default_factory=dict)

    @classmethod
    def of(cls, configs: Mapping[str, Config]) -> Manifest:
        """A manifest of these configs, `synthetic` first, because the first is the default."""
        return cls(dict(sorted(configs.items(), key=lambda item: (item[0] != "synthetic", item[0]))))

    def to_json(self) -> bytes:
        """The file's bytes: keys in a fixed order, readable."""
        content = {"made_by": MADE_BY, "format": FORMAT, "configs": {k: asdict(v) for k, v in self.configs.items()}}
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True)
class BuiltFolder:
    """A folder that holds configs, and what to call it in messages: its path, or `org/name@revision`."""

    name: str
    folder: Path
    manifest: Manifest


def version_of(content_digest: str) -> str:
    """A dataset version that is a function of the rows: 48 bits of their digest."""
    return f"{FORMAT}.{int(content_digest[:6], 16)}.{int(content_digest[6:12], 16)}"


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises:
        VerificationError: there is none, it is not ours, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        content = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        what = f"no {MANIFEST}, so this is not a folder that `prm-gsm8k build` made"
        if folder.is_file():
            what = "a file; give a folder that `prm-gsm8k build` made"
        raise VerificationError(f"{folder}: {what if folder.exists() else NO_SUCH_FILE}") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise VerificationError(f"{path}: cannot be read: {error}") from None
    if not isinstance(content, dict) or content.get("made_by") != MADE_BY:
        raise VerificationError(f"{path}: not a manifest that `prm-gsm8k build` made")
    if content.get("format") != FORMAT:
        raise VerificationError(
            f"{path}: format {content.get('format')}; this version reads {FORMAT}: use the one that made it"
        )
    try:
        return Manifest({name: _config(entry) for name, entry in content["configs"].items()})
    except (AttributeError, KeyError, TypeError) as error:
        raise VerificationError(f"{path}: damaged: {error!r}") from None


def _config(entry: dict[str, Any]) -> Config:
    config = Config(
        **{
            **entry,
            "splits": {split: Stats(**stats) for split, stats in entry["splits"].items()},
            "files": [DataFile(**file) for file in entry["files"]],
        }
    )
    for file in config.files:  # a manifest may come from elsewhere: it names files inside its folder only
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise KeyError(f"file {file.path!r} lies outside the folder")
    return config
