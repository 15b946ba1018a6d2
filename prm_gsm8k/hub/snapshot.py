"""A published data set as a folder of this machine: the very revision that was asked for.

    here = snapshot("org/prm-gsm8k", "v1.0.0", config="synthetic")
    here.folder, here.commit, here.online

`load_dataset` ignores `revision` when it is offline and answers with whatever it downloaded last. Here a revision is
that revision or an error, online or not.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.dataset.card import CARD
from prm_gsm8k.dataset.card_figures import pictures_of
from prm_gsm8k.dataset.manifest import MANIFEST, Manifest, read_manifest
from prm_gsm8k.exceptions import HubUnreachable, PrmGsm8kError, UsageError, VerificationError
from prm_gsm8k.hub.client import REPO_TYPE, ask, bars_on_a_terminal_only, check_repo_id, trouble_of

MAIN = "main"
ETAG_TIMEOUT = 10.0  # seconds; the default of huggingface_hub


@dataclass(frozen=True)
class Snapshot:
    """A published revision in the Hub cache. `online` is false if the Hub could not be asked what it names now."""

    repo_id: str
    revision: str
    commit: str
    folder: Path
    manifest: Manifest
    online: bool

    def __str__(self) -> str:
        named = "" if self.revision == self.commit else f"{self.revision}, "
        return f"{self.repo_id} at {named}commit {self.commit[:8]}"


def snapshot(
    repo_id: str, revision: str | None = None, *, config: str | None = None, token: str | None = None
) -> Snapshot:
    """Fetch a revision, or find it in the cache: with one request if it is there, with none if it is named by commit.

    Args:
        repo_id: `ORG/NAME`.
        revision: branch, tag or commit; None for `main`.
        config: fetch this config's rows only; None for every file.
        token: instead of the one of `hf auth login` or HF_TOKEN.

    Raises:
        UsageError: it has no such config.
        HubUnreachable: the Hub does not answer and the revision is not in the cache.
        HubError: there is no such repository or revision, or it may not be read.
        VerificationError: it is no data set that `prm-gsm8k publish` made. (Rows are not looked at here.)
        PrmGsm8kError: the disk is full or may not be written.
    """
    check_repo_id(repo_id)
    revision = revision or MAIN
    commit, online = _resolve(repo_id, revision, token)
    if commit is not None and _cached_commit(repo_id, revision) == commit:
        found = _complete(repo_id, commit, config)
        if found is not None:
            return Snapshot(repo_id, revision, commit, *found, online)
    if not online:
        what = f"all of {config} at " if config else ""
        raise HubUnreachable(
            f"{repo_id}: {what}revision {revision!r} is not in the cache, and the Hub cannot be asked; "
            "load it once online"
        )
    folder = _download(repo_id, revision, config, token)
    found = _complete(repo_id, folder.name, config)
    if found is None:
        raise VerificationError(
            f"{repo_id} at {folder.name[:8]}: no {MANIFEST} and all the files it names, so `prm-gsm8k publish` did not "
            "make it; load_dataset reads it, unverified"
        )
    return Snapshot(repo_id, revision, folder.name, *found, True)


def _resolve(repo_id: str, revision: str, token: str | None) -> tuple[str | None, bool]:
    """The commit a revision names, by the Hub or (False) by the cache, which may not know it (None)."""
    from huggingface_hub import HfApi, constants

    cached = _cached_commit(repo_id, revision)
    if revision == cached:
        return cached, True  # a commit is what it is, whatever the Hub would say
    if constants.HF_HUB_OFFLINE:
        return cached, False
    api = HfApi(token=token, library_name="prm-gsm8k")

    def look() -> str:
        sha = api.repo_info(repo_id, repo_type=REPO_TYPE, revision=revision, timeout=ETAG_TIMEOUT).sha
        assert sha is not None
        return sha

    doing = f"{repo_id}: revision {revision!r} cannot be read"
    if cached is None:
        return ask(look, doing), True
    try:
        return look(), True
    except Exception as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        if trouble.will_pass:
            return cached, False
        return ask(look, doing), True  # it will not pass: say so in words


def _cached_commit(repo_id: str, revision: str) -> str | None:
    """The commit a revision named when it was fetched last; None if it never was."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo_id, MANIFEST, revision=revision, repo_type=REPO_TYPE)
    return Path(path).parent.name if isinstance(path, str) else None


def _complete(repo_id: str, commit: str, config: str | None) -> tuple[Path, Manifest] | None:
    """The cached folder of a commit and its manifest; None if a file of the config (None: of any) is missing."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo_id, MANIFEST, revision=commit, repo_type=REPO_TYPE)
    if not isinstance(path, str):
        return None
    folder = Path(path).parent
    manifest = read_manifest(folder)
    if config is not None and config not in manifest.configs:
        raise UsageError(f"{repo_id} at {commit[:8]} has no config {config!r}; it has {', '.join(manifest.configs)}")
    names = [config] if config else list(manifest.configs)
    files = [CARD, *(file.path for name in names for file in manifest.configs[name].files)]
    if config is None:
        files += [p.path for name, entry in manifest.configs.items() for p in pictures_of(name, entry).values()]
    return (folder, manifest) if all((folder / file).is_file() for file in files) else None


def _download(repo_id: str, revision: str, config: str | None, token: str | None) -> Path:
    from huggingface_hub import snapshot_download

    patterns = [CARD, MANIFEST, f"{config}/*"] if config else None
    with _disk(), bars_on_a_terminal_only():
        return Path(
            ask(
                lambda: snapshot_download(
                    repo_id, repo_type=REPO_TYPE, revision=revision, allow_patterns=patterns, token=token
                ),
                f"{repo_id}: revision {revision!r} cannot be fetched",
            )
        )


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        from huggingface_hub import constants

        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
            raise
        raise PrmGsm8kError(
            f"{constants.HF_HUB_CACHE}: the Hub cache cannot be written: {error.strerror}; free some space, or set "
            "HF_HOME to a folder on another disk. What is complete there is kept"
        ) from error
