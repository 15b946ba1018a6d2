"""A built folder: Parquet files of one or more configs, a dataset card and a manifest, ready to load and to publish.

    OUT/
      README.md                                        the card; its YAML head tells load_dataset what is where
      manifest.json                                    digests, counts, how it was made
      synthetic/train-1f0c9d2e-00000-of-00001.parquet

Writing is atomic: a new folder grows beside OUT under a hidden name and replaces it in one rename. The next build
removes what a killed one left behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.card import CARD, edits_of, render_card
from prm_gsm8k.dataset.contamination import count_overlaps
from prm_gsm8k.dataset.digest import combined_digest, content_digest
from prm_gsm8k.dataset.files import replacing
from prm_gsm8k.dataset.manifest import MANIFEST, Config, DataFile, Manifest, read_manifest, version_of
from prm_gsm8k.dataset.parquet import arrow_bytes, file_sha256, read_parquet, write_parquet
from prm_gsm8k.dataset.schema import SPLITS, arrow_schema, check_table
from prm_gsm8k.dataset.splits import MADE
from prm_gsm8k.dataset.stats import count
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError, VerificationError

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_FOLDER = Path("data")


def check_out(out: Path) -> None:
    """Refuse an `--out` that cannot or must not be replaced, before any work is done.

    Raises:
        UsageError: it holds something that no build made, or is not a folder that can be replaced.
        PrmGsm8kError: it may not be written.
    """
    out = out.resolve()
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file; name a folder")
    if out.is_dir() and (held := sorted(path.name for path in out.iterdir())):
        try:
            read_manifest(out)
        except VerificationError as error:
            shown = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")
            what = str(error) if MANIFEST in held else f"holds something else ({shown})"
            raise UsageError(f"--out {out}: {what}; name a new folder, or one an earlier build made") from None
    if os.path.ismount(out) or Path.cwd().is_relative_to(out):
        what = "is a mount point" if os.path.ismount(out) else "is the folder you are in, or holds it"
        raise UsageError(f"--out {out}: {what}, so it cannot be replaced in one step; name a folder inside it")
    parent = next(path for path in out.parents if path.exists())
    if not parent.is_dir():
        raise UsageError(f"--out {out}: {parent} is a file; name a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PrmGsm8kError(f"--out {out}: {parent} may not be written; name a folder you own")


def write_config(out: Path, name: str, tables: Mapping[str, pa.Table], made_from: Mapping[str, Any]) -> Manifest:
    """Write or replace one config of a folder; everything else in the folder is kept.

    Args:
        out: the folder; need not exist.
        name: of the config.
        tables: rows by split; a split without rows is left out. They may be memory-mapped: at most a row group is
            copied at a time.
        made_from: the fields of `manifest.Config` about the origin of the rows.

    Returns:
        The folder's manifest.

    Raises:
        VerificationError: a row breaks the contract; nothing is written.
        PrmGsm8kError: the folder cannot be written; it is unchanged.
    """
    check_out(out)
    tables = {split: tables[split] for split in SPLITS if split in tables and tables[split].num_rows}
    if not tables:
        raise PrmGsm8kError(f"config {name!r}: no row at all, so there is nothing to write")
    with replacing(out) as new:
        old = read_manifest(out) if out.is_dir() and any(out.iterdir()) else Manifest()
        _keep_the_rest(out, new, {name, CARD, MANIFEST})
        (new / name).mkdir()
        with ThreadPoolExecutor(4) as pool:  # Arrow works outside the interpreter lock
            checks = {s: pool.submit(check_table, t, name) for s, t in tables.items()}
            files = {s: pool.submit(write_parquet, t, new / name, s, "new") for s, t in tables.items()}
            digests = {s: pool.submit(content_digest, t) for s, t in tables.items()}
            stats = {s: pool.submit(count, t) for s, t in tables.items()}
            overlaps = pool.submit(count_overlaps, tables)
        for split in tables:
            if wrong := checks[split].result():
                raise VerificationError(f"config {name!r}, split {split!r}: {wrong}")
        check_splits(tables)
        split_digests = {split: digest.result() for split, digest in digests.items()}
        entry = Config(
            version=version_of(combined_digest(split_digests)),
            content_digest=combined_digest(split_digests),
            split_digests=split_digests,
            num_bytes={split: arrow_bytes(table) for split, table in tables.items()},
            splits={split: stat.result() for split, stat in stats.items()},
            files=[
                _named(path, new, split, split_digests[split][:8]) for split in tables for path in files[split].result()
            ],
            overlaps=overlaps.result(),
            **made_from,
        )
        manifest = Manifest.of({**old.configs, name: entry})
        (new / MANIFEST).write_bytes(manifest.to_json())
        edits = [(edits_of(out / CARD, str(out / CARD), old), old)]
        (new / CARD).write_text(render_card(manifest, edits=edits), encoding="utf-8")
    return manifest


def read_tables(folder: Path, manifest: Manifest, name: str) -> dict[str, pa.Table]:
    """The rows of a config of a folder, by split.

    Raises:
        VerificationError: a file is missing or not readable as the config's rows.
    """
    files: dict[str, list[Path]] = {split: [] for split in manifest.configs[name].splits}
    for file in manifest.configs[name].files:
        files[file.split].append(folder / file.path)
    return {split: read_parquet(paths, arrow_schema(name)) for split, paths in files.items()}


def check_splits(tables: Mapping[str, pa.Table]) -> None:
    """Check that no id is in two splits, and no problem or what is made of it; VerificationError names the first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in ("problem_id", "id"):
        unique = [pc.unique(table[column]) for table in tables.values()]
        if column == "problem_id":
            unique = [pc.unique(pc.replace_substring_regex(names, MADE, "")) for names in unique]
        twice = pc.value_counts(pa.concat_arrays(unique))
        twice = twice.filter(pc.greater(twice.field("counts"), 1))
        if len(twice):
            raise VerificationError(f"{column} {twice[0]['values'].as_py()!r} occurs in more than one split")


def _named(path: Path, root: Path, split: str, mark: str) -> DataFile:
    import pyarrow.parquet as pq

    path = path.rename(path.with_name(path.name.replace(f"{split}-new-", f"{split}-{mark}-", 1)))
    relative = path.relative_to(root).as_posix()
    return DataFile(relative, split, file_sha256(path), path.stat().st_size, pq.read_metadata(path).num_rows)


def _keep_the_rest(out: Path, new: Path, replaced: set[str]) -> None:
    """Other configs, and whatever a user put beside them (`.git`, say), move along as hard links."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(source, target, follow_symlinks=False)

    for path in out.iterdir() if out.is_dir() else ():
        if path.name in replaced:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True, copy_function=link)
        else:
            link(str(path), str(new / path.name))
