"""A published dataset as a local folder, at exactly the requested revision.

    here = snapshot("org/prm-gsm8k", "v1.0.0", config="synthetic")
    here.folder, here.commit, here.online

Offline, `load_dataset` ignores `revision` and returns whatever it downloaded last. `snapshot` returns the requested
revision or raises.
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
    """A published revision in the Hub cache. `online`: whether the Hub confirmed the commit that the revision names."""

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
    """Download a revision, or find it in the cache: with one request, or none if the revision is a commit.

    Args:
        repo_id: `ORG/NAME`.
        revision: branch, tag or commit; None for `main`.
        config: download only this config's rows; None for every file.
        token: instead of that of `hf auth login` or HF_TOKEN.

    Raises:
        UsageError: there is no such config.
        HubUnreachable: the Hub does not answer and the revision is not in the cache.
        HubError: there is no such repository or revision, or no access to it.
        VerificationError: `prm-gsm8k publish` did not make it. Rows are not checked here.
        PrmGsm8kError: the disk is full or not writable.
    """
    check_repo_id(repo_id)
    revision = MAIN if revision is None else revision
    if not revision.strip():
        raise UsageError(f"revision {revision!r} is no name; leave it out for {MAIN}")
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
    """The commit of a revision, None if unknown, and whether the Hub said so (else the cache)."""
    from huggingface_hub import HfApi, constants

    cached = _cached_commit(repo_id, revision)
    if revision == cached:
        return cached, True  # a commit never changes
    if constants.HF_HUB_OFFLINE:
        return cached, False
    api = HfApi(token=token, library_name="prm-gsm8k")

    def resolve() -> str:
        sha = api.repo_info(repo_id, repo_type=REPO_TYPE, revision=revision, timeout=ETAG_TIMEOUT).sha
        assert sha is not None
        return sha

    doing = f"{repo_id}: revision {revision!r} cannot be read"
    if cached is None:
        return ask(resolve, doing), True
    try:
        return resolve(), True
    except Exception as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        if trouble.is_transient:
            return cached, False
        return ask(resolve, doing), True  # raises HubError


def _cached_commit(repo_id: str, revision: str) -> str | None:
    """The commit of a revision when it was last downloaded; None if it never was."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo_id, MANIFEST, revision=revision, repo_type=REPO_TYPE)
    return Path(path).parent.name if isinstance(path, str) else None


def _complete(repo_id: str, commit: str, config: str | None) -> tuple[Path, Manifest] | None:
    """The cached folder and manifest of a commit; None if a file of the config (None: of any config) is missing."""
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
            "HF_HOME to a folder on another disk. Complete files are kept"
        ) from error
