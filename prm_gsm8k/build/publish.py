"""Publish a built folder to a Hub dataset: one commit, read back and compared, then the tag.

    plan = publish("data", "org/prm-gsm8k", plan_only=True)     # what would be added, deleted, kept
    done = publish("data", "org/prm-gsm8k", tag="v1.0.0")

All changes go into a single commit on top of the commit that was read, so `main` is at every moment entirely the old or
entirely the new dataset. A repeated publish sends only what is missing, and makes no commit if nothing is.
"""

from __future__ import annotations

from pathlib import Path

from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.card import CARD, edits_of, render_card
from prm_gsm8k.dataset.card_edits import Edits
from prm_gsm8k.dataset.card_figures import FIGURES, pictures_of
from prm_gsm8k.dataset.manifest import MANIFEST, Manifest, read_manifest
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import UsageError, VerificationError
from prm_gsm8k.hub.repository import Announce, File, Published, Remote, Repository, Wanted
from prm_gsm8k.reports.charts import Picture, png


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    tag: str | None = None,
    configs: list[str] | None = None,
    private: bool = False,
    plan_only: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | None = None,
    announce: Announce = lambda _: None,
) -> Published:
    """Publish a built folder to a Hub dataset; configs that are only there, and what people wrote into its card, stay.

    Args:
        folder: a folder that `prm-gsm8k build` made; it is verified first.
        repo_id: `ORG/NAME`; created if it does not exist.
        tag: for the published commit. An existing tag is never moved.
        configs: of the folder; None for all.
        private: create the repository as private.
        plan_only: send nothing, only return the plan.
        revision: the branch to publish to; made from `main` if it is missing.
        create_pr: open a pull request against `main` instead, which needs no write access.
        token: instead of that of `hf auth login` or HF_TOKEN.
        announce: called with a line before each stage.

    Raises:
        UsageError: the folder has no such config, or `repo_id` is not a dataset.
        VerificationError: the folder does not match its manifest and nothing was sent, or the repository does not hold
            what was sent.
        HubError: the Hub refused or did not answer, or the tag names another commit. `main` is entirely old or
            entirely new.
    """
    folder = Path(folder)
    repo = Repository(repo_id, "dataset", token, revision, create_pr)
    local = _chosen(read_manifest(folder), configs, folder)
    if not plan_only:
        repo.check_login()
    announce(f"verifying {folder}")
    if findings := verify(folder, RECIPES).findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise VerificationError(f"{folder}: not published, because it fails `prm-gsm8k verify`: {findings[0]}{more}")

    def wanted_on(remote: Remote) -> Wanted:
        there = _manifest_of(repo, remote)
        return _wanted(folder, local, remote, there, _edits_of(repo, remote, there, local), repo_id)

    return repo.publish(wanted_on, tag=tag, private=private, plan_only=plan_only, announce=announce)


def _chosen(manifest: Manifest, configs: list[str] | None, folder: Path) -> Manifest:
    names = configs or list(manifest.configs)
    if unknown := [name for name in names if name not in manifest.configs]:
        raise UsageError(f"{folder} has no config {unknown[0]!r}; it has {', '.join(manifest.configs) or 'none'}")
    if not names:
        raise VerificationError(f"{folder}: holds no config")
    return Manifest({name: config for name, config in manifest.configs.items() if name in names})


def _manifest_of(repo: Repository, remote: Remote) -> Manifest:
    """The repository's manifest at the commit that was read; an empty one without that file."""
    if remote.head is None or MANIFEST not in remote.files:
        return Manifest()
    return read_manifest(repo.download(MANIFEST, remote.head).parent)


def _edits_of(repo: Repository, remote: Remote, there: Manifest, local: Manifest) -> Edits:
    """What people wrote into the repository's card.

    Raises:
        VerificationError: it cannot be kept: among others, a config of theirs has the name of one of ours.
    """
    if remote.head is None or CARD not in remote.files:
        return Edits()
    name = f"{repo.id} at {remote.head[:8]}: {CARD}"
    edits = edits_of(repo.download(CARD, remote.head), name, there, repo.id)
    theirs = {entry.get("config_name") for entry in edits.head.get("configs") or () if isinstance(entry, dict)}
    if taken := sorted(local.configs.keys() & (theirs - there.configs.keys())):
        raise VerificationError(
            f"{name}: has a config {taken[0]!r} that `prm-gsm8k publish` did not make; publish to another repository, "
            "or take it out of the card"
        )
    return edits


def _wanted(folder: Path, local: Manifest, remote: Remote, there: Manifest, card_there: Edits, repo_id: str) -> Wanted:
    """The tree to publish: local configs, remote configs that are not replaced, and the card and manifest of both.

    Other files in the folders of configs and figures are deleted; everything else in the repository stays.
    """
    kept = {name: config for name, config in there.configs.items() if name not in local.configs}
    merged = Manifest.of({**kept, **local.configs})
    wanted = {file.path: File(folder / file.path) for config in local.configs.values() for file in config.files}
    for name, config in kept.items():
        for file in config.files:
            found = remote.files.get(file.path)
            if found is None or found.size != file.bytes or (found.lfs is not None and found.lfs.sha256 != file.sha256):
                raise VerificationError(
                    f"{repo_id} at {(remote.head or '')[:8]}: {file.path} is not what its {MANIFEST} says, so its "
                    f"config {name!r} cannot be kept; publish a folder that holds {name!r} too"
                )
            wanted[file.path] = File(None, kept=found)
    for name, config in merged.configs.items():
        for picture in pictures_of(name, config).values():
            # the name holds a digest of the numbers: another matplotlib's pixels are no reason for a commit
            found = remote.files.get(picture.path)
            wanted[picture.path] = File(None, kept=found) if found else File(_drawn(picture))
    wanted[MANIFEST] = File(merged.to_json())
    here = read_manifest(folder)
    edits = [(card_there, there), (edits_of(folder / CARD, str(folder / CARD), here), here)]
    wanted[CARD] = File(render_card(merged, repo_id, with_figures=True, edits=edits).encode())
    ours = {FIGURES, *there.configs} if there.configs else set()
    delete = {
        path: file.size
        for path, file in sorted(remote.files.items())
        if path not in wanted and "/" in path and path.partition("/")[0] in ours
    }
    versions = ", ".join(f"{name} {config.version}" for name, config in merged.configs.items())
    digests = [f"{name}: content sha256 {config.content_digest}" for name, config in merged.configs.items()]
    load = f'load_dataset("{repo_id}", "{next(iter(merged.configs))}"{{revision}})'
    return Wanted(wanted, delete, f"Publish {versions}", load, "\n".join(digests))


_pngs: dict[str, bytes] = {}  # by path, for repeated plans


def _drawn(picture: Picture) -> bytes:
    if picture.path not in _pngs:
        _pngs[picture.path] = png(picture)
    return _pngs[picture.path]
