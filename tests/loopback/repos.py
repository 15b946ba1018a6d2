"""What a Hub keeps: repositories of commits of files, without any HTTP."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# No two commits of a session have the same id, even if they say the same: nothing cached in one test fits the next.
_serial = itertools.count()

DATE = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Blob:
    """A file of a commit; `lfs` says that git holds a pointer to it."""

    data: bytes
    lfs: bool = False
    xet_hash: str | None = None

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()

    @cached_property
    def git_oid(self) -> str:
        data = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    @property
    def etag(self) -> str:
        """What names the content to a client: sha256 of an LFS file, git's id of any other."""
        return self.sha256 if self.lfs else self.git_oid

    def entry(self, path: str) -> dict[str, Any]:
        """As `tree` and `paths-info` tell it."""
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(self.data), "oid": self.git_oid}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": len(self.pointer)}
        if self.xet_hash:
            entry["xetHash"] = self.xet_hash
        return entry


@dataclass(frozen=True)
class Commit:
    """One commit: all its files, and the commit it stands on."""

    oid: str
    parent: str | None
    title: str
    description: str
    files: Mapping[str, Blob]


@dataclass
class Repo:
    """A repository. `kind` is `datasets`, `models` or `spaces`; `lfs` holds what was uploaded, committed or not."""

    kind: str
    id: str
    private: bool = False
    gated: bool = False  # its files are for members only
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pull_requests: dict[int, str] = field(default_factory=dict)  # the commit of each
    lfs: dict[str, Blob] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _damaged: dict[str, bytes] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.id.partition("/")[0]

    @property
    def head(self) -> str:
        """The commit that `main` names."""
        return self.branches["main"]

    def find(self, revision: str = "main") -> Commit | None:
        """The commit of a branch, a tag or an id (or the beginning of one)."""
        number = revision.removeprefix("refs/pr/")
        pull_request = self.pull_requests.get(int(number)) if number != revision else None
        if oid := self.branches.get(revision) or self.tags.get(revision) or pull_request:
            return self.commits[oid]
        found = [oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)]
        return self.commits[found[0]] if len(found) == 1 else None

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Path to content at a revision, without the `.gitattributes` every repository begins with."""
        commit = self.find(revision)
        assert commit is not None, f"{self.id} has no revision {revision}"
        return {path: blob.data for path, blob in sorted(commit.files.items()) if path != ".gitattributes"}

    def history(self, revision: str = "main") -> Iterator[Commit]:
        """The commits under a revision, newest first."""
        commit = self.find(revision)
        while commit:
            yield commit
            commit = self.commits[commit.parent] if commit.parent else None

    def commit(self, branch: str, files: Mapping[str, Blob], title: str, description: str = "") -> Commit:
        """Make these files the new tip of a branch."""
        oid = hashlib.sha1(f"{self.kind}/{self.id}/{next(_serial)}".encode()).hexdigest()
        commit = Commit(oid, self.branches.get(branch), title, description, dict(files))
        self.commits[oid] = commit
        self.branches[branch] = oid
        return commit

    def put(self, files: Mapping[str, bytes], delete: Iterable[str] = (), title: str = "by somebody else") -> Commit:
        """Commit to `main` directly, as somebody else would between two of our requests."""
        with self.lock:
            tip = self.find()
            kept = {path: blob for path, blob in (tip.files if tip else {}).items() if path not in set(delete)}
            new = {path: Blob(data, lfs=is_lfs(path, len(data), data[:512])) for path, data in files.items()}
            self.lfs |= {blob.sha256: blob for blob in new.values() if blob.lfs}
            return self.commit("main", kept | new, title)

    def flip_byte(self, path: str, at: int = -1, revision: str = "main") -> None:
        """Serve a file with one byte changed from now on. Size, ETag and tree stay as they are."""
        commit = self.find(revision)
        assert commit is not None, f"{self.id} has no revision {revision}"
        data = bytearray(self.content(commit.files[path]))
        data[at] ^= 0xFF
        self._damaged[commit.files[path].etag] = bytes(data)

    def content(self, blob: Blob) -> bytes:
        """The bytes that are served for a file."""
        return self._damaged.get(blob.etag, blob.data)


def is_lfs(path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub keeps a file in LFS: by its name, its size, or because it is not text."""
    named = path.endswith((".arrow", ".bin", ".gz", ".jpg", ".parquet", ".png", ".safetensors", ".tar", ".zip", ".zst"))
    return size > 0 and (named or size > 10 * 1024 * 1024 or b"\0" in sample)
