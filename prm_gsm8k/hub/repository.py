"""Publish files to a Hub repository in one commit, and read them back. Shared by datasets and models.

The commit's parent is the commit that was read, so concurrent commits are never lost and an interrupted publish can be
run again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prm_gsm8k.dataset.parquet import file_sha256
from prm_gsm8k.exceptions import HubError, UsageError, VerificationError
from prm_gsm8k.hub.client import ask, bars_on_a_terminal_only, check_repo_id

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

Announce = Callable[[str], None]
Kind = Literal["dataset", "model", "space"]
MAIN = "main"
WRITE_ACCESS = "use one with write access"
KINDS: tuple[Kind, ...] = ("dataset", "model", "space")


@dataclass(frozen=True)
class Plan:
    """Changes to a repository, path -> bytes, on top of the commit `head` (None: it does not exist yet).

    `overwritten` are those of `add` that are there with other content.
    """

    head: str | None
    add: dict[str, int]
    delete: dict[str, int]
    same: dict[str, int]
    overwritten: frozenset[str] = frozenset()

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be changed."""
        return not self.add and not self.delete


@dataclass(frozen=True)
class File:
    """A file of the tree to publish: its content or local path, or (`kept`) the file that is already on the Hub."""

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
        """Whether `remote` has this content."""
        if remote is None or remote.size != self.size:
            return False
        if self.kept is not None:
            return remote.blob_id == self.kept.blob_id
        if remote.lfs is not None:
            return bool(remote.lfs.sha256 == self.sha256)
        return bool(remote.blob_id == hashlib.sha1(b"blob %d\0" % self.size + self.data).hexdigest())


@dataclass(frozen=True)
class Remote:
    """A repository at one commit."""

    head: str | None = None
    files: dict[str, RepoFile] = field(default_factory=dict)
    private: bool | None = None


@dataclass(frozen=True)
class Wanted:
    """The tree to publish: files, deletions (path -> bytes), commit title and description; code that loads it."""

    files: dict[str, File]
    delete: dict[str, int]
    title: str
    load: str  # with "{revision}" where one is named
    description: str = ""

    def plan(self, remote: Remote) -> Plan:
        """The changes that turn `remote` into this tree."""
        is_in = {path: file.is_in(remote.files.get(path)) for path, file in self.files.items()}
        return Plan(
            head=remote.head,
            add={path: self.files[path].size for path in sorted(self.files) if not is_in[path]},
            delete=self.delete,
            same={path: self.files[path].size for path in sorted(self.files) if is_in[path]},
            overwritten=frozenset(path for path in self.files if not is_in[path] and path in remote.files),
        )


@dataclass(frozen=True)
class Published:
    """What a publish did, or would do if `commit` is None.

    `committed` is false if everything was there already; `plan` is what was to be done at the start; `pull_request` is
    the address of one.
    """

    repo_id: str
    tag: str | None
    wanted: Wanted
    plan: Plan
    commit: str | None = None
    committed: bool = False
    revision: str = MAIN
    pull_request: str | None = None

    @property
    def load_line(self) -> str:
        """The line with which users load it."""
        named = self.tag or (self.revision if self.revision != MAIN else None)
        return self.wanted.load.format(revision=f', revision="{named}"' if named else "")


class Repository:
    """A repository of the Hub to publish to.

    Args:
        repo_id: `ORG/NAME`.
        kind: dataset or model.
        token: instead of that of `hf auth login` or HF_TOKEN.
        revision: the branch to publish to; made from `main` if it is missing.
        create_pr: open a pull request instead, which needs no write access.
    """

    def __init__(
        self,
        repo_id: str,
        kind: Literal["dataset", "model"],
        token: str | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> None:
        from huggingface_hub import HfApi

        self.id = check_repo_id(repo_id)
        self.kind: Kind = kind
        if create_pr and revision is not None:
            raise UsageError("a pull request is opened against main; leave the revision out")
        self.revision = MAIN if revision is None else check_name("--revision", revision)
        self.create_pr = create_pr
        self.api = HfApi(token=token, library_name="prm-gsm8k")

    def check_login(self) -> None:
        """Raises HubError without a token."""
        from huggingface_hub import get_token

        if not (self.api.token or get_token()):
            raise HubError(f"{self.id}: not logged in; run `hf auth login`, or set HF_TOKEN")

    def publish(
        self,
        wanted_on: Callable[[Remote], Wanted],
        *,
        tag: str | None,
        private: bool,
        plan_only: bool,
        announce: Announce,
    ) -> Published:
        """Publish the wanted tree.

        Args:
            wanted_on: computes the tree from the repository's state; called again after a conflict.
            tag, private, plan_only, announce: see `publish.publish`.

        Raises: as `publish.publish`.
        """
        if tag is not None:
            check_name("--tag", tag)
            if self.create_pr:
                raise UsageError("a pull request cannot be tagged; tag its commit once it is merged")
            if tag in (MAIN, self.revision):
                raise UsageError(f"--tag {tag}: is the branch {tag}; name another tag")
        remote = self.read()
        if remote.head is None:
            self.check_name_is_free()
            if self.create_pr:
                raise HubError(
                    f"{self.id}: there is no such {self.kind} to open a pull request in, or this token may not see it; "
                    "leave --create-pr out to make it"
                )
        elif private and not remote.private:
            what = f"{self.id} exists and is public; --private only applies to a new repository. Change it on its page"
            raise UsageError(what)
        wanted = wanted_on(remote)
        plan = wanted.plan(remote)
        if tag is not None and remote.head is not None:
            self.check_tag(tag, remote.head if plan.is_done else None)
        branches: dict[str, str] = {}
        if remote.head is not None and self.revision != MAIN:
            tags, branches = self.refs()
            if self.revision in tags:
                raise UsageError(f"--revision {self.revision}: is a tag of {self.id}; name a branch")
        if plan_only:
            return Published(self.id, tag, wanted, plan)
        if remote.head is None:
            announce(f"making {self.id}")
            ask(
                lambda: self.api.create_repo(self.id, repo_type=self.kind, private=private, exist_ok=True),
                f"{self.id}: cannot be made",
                if_denied=f"{WRITE_ACCESS} to {self.id.split('/')[0]}, or name an ORG of yours",
            )

        if self.revision != MAIN:
            doing = f"{self.id}: branch {self.revision} cannot be made"
            ask(
                lambda: self.api.create_branch(self.id, branch=self.revision, repo_type=self.kind, exist_ok=True),
                doing,
                if_denied=WRITE_ACCESS,
            )

        def send() -> tuple[Wanted, str, bool, str | None]:
            # read each time: the head may be our own commit, whose reply was lost, or somebody else's
            remote = self.read()
            wanted = wanted_on(remote)
            todo = wanted.plan(remote)
            if todo.is_done:
                assert remote.head is not None
                return wanted, remote.head, False, None
            if self.create_pr and (proposed := self.proposed(wanted)):
                return wanted, proposed[0], False, proposed[1]
            sizes = f"{len(todo.add)} files, {sum(todo.add.values()):,} bytes, and {len(todo.delete)} deletions"
            announce(f"sending {sizes}")
            with bars_on_a_terminal_only():
                commit, pull_request = self.commit(wanted, todo)
                return wanted, commit, True, pull_request

        new = self.revision not in (MAIN, *branches)
        but = f", but for branch {self.revision}, which was made and holds what {MAIN} does" if new else ""
        doing = f"{self.id}: cannot be published; it is as it was{but} or wholly new"
        cure = "" if self.create_pr else f"{WRITE_ACCESS}, or propose it (--create-pr)"
        wanted, commit, committed, pull_request = ask(send, doing, conflicts=True, if_denied=cure)
        announce(f"reading {self.id} back at {commit[:8]}")
        self.check_published(wanted, commit)
        if tag is not None:
            self.tag(tag, commit)
        return Published(self.id, tag, wanted, plan, commit, committed, self.revision, pull_request)

    def read(self) -> Remote:
        """The repository at the head of its branch, or of `main` if there is no such branch yet."""
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        def info() -> Remote:
            try:
                try:
                    found = self.api.repo_info(self.id, repo_type=self.kind, revision=self.revision)
                except RevisionNotFoundError:
                    found = self.api.repo_info(self.id, repo_type=self.kind)
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                return Remote()
            return Remote(found.sha, private=found.private)

        remote = ask(info, f"{self.id}: cannot be read")
        if remote.head is None:
            return remote
        return Remote(remote.head, self.tree(remote.head), remote.private)

    def tree(self, commit: str) -> dict[str, RepoFile]:
        """The files of a commit by their paths."""
        from huggingface_hub.hf_api import RepoFile

        def walk() -> dict[str, RepoFile]:
            entries = self.api.list_repo_tree(self.id, recursive=True, revision=commit, repo_type=self.kind)
            return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

        return ask(walk, f"{self.id} at {commit[:8]}: its files cannot be listed")

    def download(self, path: str, commit: str) -> Path:
        """Download a small file of a commit to the cache."""
        from huggingface_hub import hf_hub_download

        def get() -> Path:
            return Path(hf_hub_download(self.id, path, repo_type=self.kind, revision=commit, token=self.api.token))

        return ask(get, f"{self.id}: {path} cannot be read")

    def proposed(self, wanted: Wanted) -> tuple[str, str] | None:
        """The commit and address of an open pull request that has this tree: the reply to it may have been lost."""
        for request in self.api.get_repo_discussions(
            self.id, repo_type=self.kind, discussion_type="pull_request", discussion_status="open"
        ):
            if request.title == wanted.title:
                reference = f"refs/pr/{request.num}"
                head = self.api.repo_info(self.id, repo_type=self.kind, revision=reference).sha
                if head is not None and wanted.plan(Remote(head, self.tree(head))).add == {}:
                    return head, request.url
        return None

    def commit(self, wanted: Wanted, plan: Plan) -> tuple[str, str | None]:
        """Make the commit; returns its id, and the address of the pull request if it is one."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        adds = [CommitOperationAdd(path, _source(wanted.files[path])) for path in plan.add]
        deletes = [CommitOperationDelete(path) for path in plan.delete]
        done = self.api.create_commit(
            self.id,
            [*adds, *deletes],
            commit_message=wanted.title,
            commit_description=wanted.description,
            repo_type=self.kind,
            revision=self.revision,
            parent_commit=plan.head,
            create_pr=self.create_pr,
        )
        return done.oid, done.pr_url

    def check_published(self, wanted: Wanted, commit: str) -> None:
        """Compare every file of the commit with what was to be published, whatever the Hub replied.

        Raises:
            VerificationError: a file is missing or differs.
        """
        there = self.tree(commit)
        different = [path for path, file in wanted.files.items() if not file.is_in(there.get(path))]
        if different:
            missing = [path for path in different if path not in there]
            what = f"{missing[0]} is missing" if missing else f"{different[0]} has other bytes"
            more = f", and {len(different) - 1} more" if len(different) > 1 else ""
            ignored = "; a .gitignore in the repo may name it" if missing and ".gitignore" in there else ""
            message = f"{self.id} at {commit}: not what was published: {what}{more}{ignored}; no tag is made"
            raise VerificationError(message)

    def check_name_is_free(self) -> None:
        """Raises UsageError if the name belongs to a repository of another kind: legal, but almost always a mistake."""
        for kind in KINDS:
            if kind != self.kind and self._is_a(kind):
                what = f"{self.id} is a {kind}, and there is no {self.kind} of that name; give the {self.kind}'s name"
                raise UsageError(what)

    def _is_a(self, kind: Kind) -> bool:
        return ask(lambda: self.api.repo_exists(self.id, repo_type=kind), f"{self.id}: cannot be read")

    def refs(self) -> tuple[dict[str, str], dict[str, str]]:
        """The commits of the tags, and of the branches."""

        def listed() -> tuple[dict[str, str], dict[str, str]]:
            found = self.api.list_repo_refs(self.id, repo_type=self.kind)
            tags, branches = ({ref.name: ref.target_commit for ref in kind} for kind in (found.tags, found.branches))
            return tags, branches

        return ask(listed, f"{self.id}: its tags cannot be listed")

    def check_tag(self, tag: str, commit: str | None) -> bool:
        """Whether the tag exists and names this commit (None: one that is still to be made).

        Raises:
            HubError: the tag names another commit, or the name is a branch.
        """
        tags, branches = self.refs()
        if tag in branches:
            raise HubError(f"{self.id}: {tag!r} is a branch; name another tag")
        if tag not in tags:
            return False
        if tags[tag] == commit:
            return True
        raise HubError(
            f"{self.id}: tag {tag} names commit {tags[tag][:8]}, which holds something else; a tag "
            "never moves: name another"
        )

    def tag(self, tag: str, commit: str) -> None:
        """Create the tag, unless it already names this commit (the reply to an earlier request may have been lost)."""

        def make() -> None:
            if not self.check_tag(tag, commit):
                self.api.create_tag(self.id, tag=tag, revision=commit, repo_type=self.kind)

        doing = f"{self.id} is published as commit {commit}, but tag {tag} cannot be made"
        ask(make, doing, conflicts=True, if_denied=WRITE_ACCESS)


def check_name(option: str, name: str) -> str:
    """A legal name of a tag or branch; raises UsageError otherwise."""
    if re.fullmatch("[0-9a-f]{40}|HEAD|@|refs/.*", name):
        raise UsageError(f"{option} {name}: names something else to git; give a name such as v1.0.0, without refs/")
    if not re.fullmatch(r"(?![-./])(?!.*(?:\.\.|//|@\{|\.lock\Z|[./]\Z))[^\s~^:?*\[\\]{1,200}", name):
        raise UsageError(f"{option} {name!r}: no name that git takes; give one such as v1.0.0")
    return name


def _source(file: File) -> str | bytes:
    return str(file.source) if isinstance(file.source, Path) else file.data
