"""Publish a built folder: one commit, read back and compared, then the tag.

    plan = publish("data", "org/prm-gsm8k", plan_only=True)     # what would be added, deleted, left the same
    done = publish("data", "org/prm-gsm8k", tag="v1.0.0")

`main` is wholly the old or wholly the new data set at every moment, however a publish ends, because all that changes
goes into a single commit on top of the very commit that was read. Running it again after it was cut sends what is
missing and nothing else; running it again after it ended makes no commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from prm_gsm8k.card import CARD, render_card
from prm_gsm8k.drawing import Picture, png
from prm_gsm8k.exceptions import HubError, UsageError, VerificationError
from prm_gsm8k.figures import FIGURES, pictures_of
from prm_gsm8k.hub.talk import REPO_TYPE, ask, bars_on_a_terminal_only, check_repo_id
from prm_gsm8k.manifest import MANIFEST, Manifest, read_manifest
from prm_gsm8k.parquet import file_sha256
from prm_gsm8k.verify import verify

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What has to happen to a repo, path by path with its bytes, on top of the commit that was read.

    `head` is that commit; None if the repo does not exist yet.
    """

    head: str | None
    add: dict[str, int]
    delete: dict[str, int]
    same: dict[str, int]

    @property
    def is_done(self) -> bool:
        """Whether the repo holds all of it and nothing else already."""
        return not self.add and not self.delete


@dataclass(frozen=True)
class Published:
    """What a publish did, or (`commit` is None) would do.

    `committed` is false if everything was there already; `plan` is what was still to do when it began. `manifest` is of
    the published tree, the configs that were there before included.
    """

    repo_id: str
    manifest: Manifest
    plan: Plan
    commit: str | None = None
    committed: bool = False
    tag: str | None = None

    @property
    def load_line(self) -> str:
        """What people who want these rows will type."""
        config = next(iter(self.manifest.configs))
        revision = f', revision="{self.tag}"' if self.tag else ""
        return f'load_dataset("{self.repo_id}", "{config}"{revision})'


@dataclass(frozen=True)
class _File:
    """A file the published tree shall hold: its bytes (or where they lie), or, if it is there already, its sha256."""

    source: Path | bytes | None
    kept: RepoFile | None = None

    @cached_property
    def data(self) -> bytes:
        assert self.source is not None
        return self.source.read_bytes() if isinstance(self.source, Path) else self.source

    @cached_property
    def sha256(self) -> str:
        return file_sha256(self.source) if isinstance(self.source, Path) else hashlib.sha256(self.data).hexdigest()

    @property
    def size(self) -> int:
        if self.kept is not None:
            return self.kept.size
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.data)

    def is_in(self, remote: RepoFile | None) -> bool:
        """Whether the Hub holds these bytes under this name."""
        if remote is None or remote.size != self.size:
            return False
        if self.kept is not None:
            return remote.blob_id == self.kept.blob_id
        if remote.lfs is not None:
            return bool(remote.lfs.sha256 == self.sha256)
        return bool(remote.blob_id == hashlib.sha1(b"blob %d\0" % self.size + self.data).hexdigest())


@dataclass(frozen=True)
class _Remote:
    """A repo as it was read at one commit."""

    head: str | None = None
    files: dict[str, RepoFile] = field(default_factory=dict)
    manifest: Manifest = field(default_factory=Manifest)
    private: bool | None = None


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    tag: str | None = None,
    configs: list[str] | None = None,
    private: bool = False,
    plan_only: bool = False,
    token: str | None = None,
    announce: Announce = lambda _: None,
) -> Published:
    """Make a Hub dataset hold what a built folder holds, and keep the configs that are there and not in the folder.

    Args:
        folder: one that `prm-gsm8k build` made. It is verified first.
        repo_id: `ORG/NAME`; made if it does not exist.
        tag: name the commit so, once everything is there. A tag that exists is never moved.
        configs: of the folder; None for all.
        private: a repo that is made is private.
        plan_only: send nothing, only tell what would be done.
        token: instead of the one of `hf auth login` or HF_TOKEN.
        announce: told what is about to be done, a line at a time.

    Raises:
        UsageError: the folder has no such config, or `repo_id` is of another kind.
        VerificationError: the folder is not what its manifest says; nothing was sent. Or the repo is not what was sent.
        HubError: the Hub said no or did not answer, or the tag names another commit. `main` is wholly old or wholly
            new; run it again.
    """
    from huggingface_hub import HfApi, get_token

    folder, api = Path(folder), HfApi(token=token, library_name="prm-gsm8k")
    check_repo_id(repo_id)
    local = _chosen(read_manifest(folder), configs, folder)
    if not plan_only and not (token or get_token()):
        raise HubError(f"{repo_id}: not logged in; run `hf auth login`, or set HF_TOKEN")
    announce(f"verifying {folder}")
    _check_folder(folder)
    remote = _read(api, repo_id)
    if remote.head is None:
        _check_name_is_free(api, repo_id)
    elif private and not remote.private:
        raise UsageError(f"{repo_id} exists and is public; --private is for a repo that is made: change it on its page")
    merged, wanted = _wanted(folder, local, remote, repo_id)
    plan = _plan(wanted, remote)
    if tag is not None and remote.head is not None:
        _check_tag(api, repo_id, tag, remote.head if plan.is_done else None)
    if plan_only:
        return Published(repo_id, merged, plan, tag=tag)
    if remote.head is None:
        announce(f"making {repo_id}")
        ask(
            lambda: api.create_repo(repo_id, repo_type=REPO_TYPE, private=private, exist_ok=True),
            f"{repo_id}: cannot be made",
        )

    def send() -> tuple[Manifest, dict[str, _File], str, bool]:
        # Read each time: what is there may be our own commit, whose reply was lost, or someone else's.
        remote = _read(api, repo_id)
        merged, wanted = _wanted(folder, local, remote, repo_id)
        todo = _plan(wanted, remote)
        if todo.is_done:
            assert remote.head is not None
            return merged, wanted, remote.head, False
        announce(f"sending {len(todo.add)} files, {sum(todo.add.values()):,} bytes, and {len(todo.delete)} deletions")
        with bars_on_a_terminal_only():
            return merged, wanted, _commit(api, repo_id, wanted, todo, merged), True

    doing = f"{repo_id}: cannot be published; it is as it was or wholly new, run it again"
    merged, wanted, commit, committed = ask(send, doing, conflicts=True)
    announce(f"reading {repo_id} back at {commit[:8]}")
    _check_published(wanted, _tree(api, repo_id, commit), repo_id, commit)
    if tag is not None:
        _tag(api, repo_id, tag, commit)
    return Published(repo_id, merged, plan, commit, committed, tag)


def _chosen(manifest: Manifest, configs: list[str] | None, folder: Path) -> Manifest:
    names = configs or list(manifest.configs)
    if unknown := [name for name in names if name not in manifest.configs]:
        raise UsageError(f"{folder} has no config {unknown[0]!r}; it has {', '.join(manifest.configs) or 'none'}")
    if not names:
        raise VerificationError(f"{folder}: holds no config")
    return Manifest({name: config for name, config in manifest.configs.items() if name in names})


def _check_folder(folder: Path) -> None:
    verdict = verify(folder)
    if not verdict.ok:
        more = f" (and {len(verdict.findings) - 1} more)" if len(verdict.findings) > 1 else ""
        raise VerificationError(
            f"{folder}: not published, because it fails `prm-gsm8k verify`: {verdict.findings[0]}{more}"
        )


def _read(api: HfApi, repo_id: str) -> _Remote:
    """The repo at the head of `main`. All that follows is thought out on top of this one commit."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    def info() -> _Remote:
        try:
            found = api.repo_info(repo_id, repo_type=REPO_TYPE)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            return _Remote()
        return _Remote(found.sha, private=found.private)

    remote = ask(info, f"{repo_id}: cannot be read")
    if remote.head is None:
        return remote
    head, files = remote.head, _tree(api, repo_id, remote.head)
    manifest = Manifest()
    if MANIFEST in files:
        path = ask(
            lambda: hf_hub_download(repo_id, MANIFEST, repo_type=REPO_TYPE, revision=head, token=api.token),
            f"{repo_id}: {MANIFEST} cannot be read",
        )
        manifest = read_manifest(Path(path).parent)
    return _Remote(head, files, manifest, remote.private)


def _tree(api: HfApi, repo_id: str, commit: str) -> dict[str, RepoFile]:
    from huggingface_hub.hf_api import RepoFile

    def walk() -> dict[str, RepoFile]:
        entries = api.list_repo_tree(repo_id, recursive=True, revision=commit, repo_type=REPO_TYPE)
        return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

    return ask(walk, f"{repo_id} at {commit[:8]}: its files cannot be listed")


def _wanted(folder: Path, local: Manifest, remote: _Remote, repo_id: str) -> tuple[Manifest, dict[str, _File]]:
    """The tree to publish: the local configs, what was there and is not replaced, and a card and manifest of both."""
    kept = {name: config for name, config in remote.manifest.configs.items() if name not in local.configs}
    merged = Manifest.of({**kept, **local.configs})
    wanted = {file.path: _File(folder / file.path) for config in local.configs.values() for file in config.files}
    for name, config in kept.items():
        for file in config.files:
            there = remote.files.get(file.path)
            if there is None or there.size != file.bytes or (there.lfs is not None and there.lfs.sha256 != file.sha256):
                raise VerificationError(
                    f"{repo_id} at {(remote.head or '')[:8]}: {file.path} is not what its {MANIFEST} says, so its "
                    f"config {name!r} cannot be kept; publish a folder that holds {name!r} too"
                )
            wanted[file.path] = _File(None, kept=there)
    for name, config in merged.configs.items():
        for picture in pictures_of(name, config).values():
            # its name tells the numbers it shows; another matplotlib's pixels are no reason for a commit
            there = remote.files.get(picture.path)
            wanted[picture.path] = _File(None, kept=there) if there else _File(_drawn(picture))
    wanted[MANIFEST] = _File(merged.to_json())
    wanted[CARD] = _File(render_card(merged, repo_id=repo_id, with_figures=True).encode())
    return merged, wanted


_pngs: dict[str, bytes] = {}  # by path: what is planned again is not drawn again


def _drawn(picture: Picture) -> bytes:
    if picture.path not in _pngs:
        _pngs[picture.path] = png(picture)
    return _pngs[picture.path]


def _plan(wanted: Mapping[str, _File], remote: _Remote) -> Plan:
    """Files that are ours by their place and are not wanted go; whatever else a repo holds stays."""
    ours = {FIGURES, *remote.manifest.configs}
    is_in = {path: file.is_in(remote.files.get(path)) for path, file in wanted.items()}
    return Plan(
        head=remote.head,
        add={path: wanted[path].size for path in sorted(wanted) if not is_in[path]},
        delete={
            path: file.size
            for path, file in sorted(remote.files.items())
            if path not in wanted and "/" in path and path.partition("/")[0] in ours
        }
        if remote.manifest.configs
        else {},
        same={path: wanted[path].size for path in sorted(wanted) if is_in[path]},
    )


def _commit(api: HfApi, repo_id: str, wanted: Mapping[str, _File], plan: Plan, manifest: Manifest) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    adds = [CommitOperationAdd(path, _source(wanted[path])) for path in plan.add]
    deletes = [CommitOperationDelete(path) for path in plan.delete]
    versions = ", ".join(f"{name} {config.version}" for name, config in manifest.configs.items())
    digests = [f"{name}: content sha256 {config.content_digest}" for name, config in manifest.configs.items()]
    done = api.create_commit(
        repo_id,
        [*adds, *deletes],
        commit_message=f"Publish {versions}",
        commit_description="\n".join(digests),
        repo_type=REPO_TYPE,
        revision="main",
        parent_commit=plan.head,
    )
    return done.oid


def _source(file: _File) -> str | bytes:
    return str(file.source) if isinstance(file.source, Path) else file.data


def _check_published(wanted: Mapping[str, _File], there: Mapping[str, RepoFile], repo_id: str, commit: str) -> None:
    """The Hub's word that it took something is not enough: every hash is compared with what was meant."""
    wrong = [path for path, file in wanted.items() if not file.is_in(there.get(path))]
    if wrong:
        missing = [path for path in wrong if path not in there]
        what = f"{missing[0]} is missing" if missing else f"{wrong[0]} has other bytes"
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        ignored = "; a .gitignore in the repo may name it" if missing and ".gitignore" in there else ""
        raise VerificationError(f"{repo_id} at {commit}: not what was published: {what}{more}{ignored}; no tag is made")


def _check_name_is_free(api: HfApi, repo_id: str) -> None:
    """A dataset beside a model of the same name is legal, and almost always a slip."""
    for kind in ("model", "space"):
        if ask(lambda kind=kind: api.repo_exists(repo_id, repo_type=kind), f"{repo_id}: cannot be read"):  # type: ignore[misc]
            raise UsageError(f"{repo_id} is a {kind}, and there is no dataset of that name; give the dataset's name")


def _check_tag(api: HfApi, repo_id: str, tag: str, commit: str | None) -> bool:
    """Whether the tag is there already and names this commit.

    Raises:
        HubError: the name is taken by another commit (None: one that is still to be made), or by a branch.
    """

    def refs() -> tuple[dict[str, str], dict[str, str]]:
        found = api.list_repo_refs(repo_id, repo_type=REPO_TYPE)
        tags, branches = ({ref.name: ref.target_commit for ref in kind} for kind in (found.tags, found.branches))
        return tags, branches

    tags, branches = ask(refs, f"{repo_id}: its tags cannot be listed")
    if tag in branches:
        raise HubError(f"{repo_id}: {tag!r} is a branch; name another tag")
    if tag not in tags:
        return False
    if tags[tag] == commit:
        return True
    raise HubError(
        f"{repo_id}: tag {tag} names commit {tags[tag][:8]}, which holds something else; a tag "
        "never moves: name another"
    )


def _tag(api: HfApi, repo_id: str, tag: str, commit: str) -> None:
    """Make the tag, unless it names this commit already (the reply to an earlier request may have been lost)."""

    def make() -> None:
        if not _check_tag(api, repo_id, tag, commit):
            api.create_tag(repo_id, tag=tag, revision=commit, repo_type=REPO_TYPE)

    doing = f"{repo_id} is published as commit {commit}, but tag {tag} cannot be made; run it again"
    ask(make, doing, conflicts=True)
