"""Verify a built folder from its bytes: files, digests, contract, counts, card, labels, and the checks of each config.

`verify(folder, RECIPES)` returns what was checked and what was found. It never reads a cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.card_lint import lint
from prm_gsm8k.dataset.contamination import count_overlaps
from prm_gsm8k.dataset.digest import combined_digest, content_digest
from prm_gsm8k.dataset.folder import check_splits, read_tables
from prm_gsm8k.dataset.manifest import MANIFEST, Config, Manifest, read_manifest, version_of
from prm_gsm8k.dataset.parquet import file_sha256, iter_rows
from prm_gsm8k.dataset.recipe import Recipe
from prm_gsm8k.dataset.schema import check_table
from prm_gsm8k.dataset.stats import count
from prm_gsm8k.exceptions import VerificationError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 20  # findings of one kind; a file of the incorrect rows has thousands


@dataclass
class Verdict:
    """Rows by config, the names of the checks that were made, and their findings."""

    folder: str
    rows: dict[str, int] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there are no findings."""
        return not self.findings

    def check(self, what: str, findings: Iterator[str]) -> bool:
        """Record a check and its findings, at most `SHOWN` of them; returns whether there are none."""
        if what not in self.checks:
            self.checks.append(what)
        found = 0
        for finding in findings:
            found += 1
            if found <= SHOWN:
                self.findings.append(f"{what}: {finding}")
        if found > SHOWN:
            self.findings.append(f"{what}: and {found - SHOWN} more")
        return not found


def verify(folder: str | Path, recipes: Mapping[str, type[Recipe]]) -> Verdict:
    """Check everything a built folder claims.

    Args:
        folder: one that `prm-gsm8k build` made.
        recipes: by config, whose `row_checks` are made too: `build.registry.RECIPES`.

    Raises:
        VerificationError: it is not a folder that a build made, so there is nothing to check.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    verdict = Verdict(str(folder))
    verdict.check("card", lint(folder))
    verdict.check("files", _unknown_files(folder, manifest))
    for name, config in manifest.configs.items():
        verdict.rows[name] = config.stats.rows
        if not verdict.check("files", damaged_files(folder, config)):
            continue  # its rows would only give the same finding again
        try:
            tables = read_tables(folder, manifest, name)
        except VerificationError as error:
            verdict.check("files", iter([str(error)]))
            continue
        if verdict.check("contract", _contract(tables, name)):
            verdict.check("counts", _counts(tables, config))
            verdict.check("overlaps", _overlaps(tables, config))
            verdict.check("content digest", _digests(tables, config))
            verdict.check("one label a prefix", contradictions(tables))
            verdict.check("no solution twice", duplicates(tables))
            for what, row_check in recipes[name].row_checks().items() if name in recipes else ():
                verdict.check(what, row_check(tables, config))
    return verdict


def verify_rows(name: str, tables: Mapping[str, pa.Table], *, labelled: bool) -> Verdict:
    """Check rows that somebody else made and that could be read, which have no manifest to compare them with."""
    verdict = Verdict(name, {name: sum(table.num_rows for table in tables.values())})
    verdict.check("every row can be read", iter(()))
    if labelled:
        verdict.check("one label a prefix", contradictions(tables))
        verdict.check("no solution twice", duplicates(tables))
    return verdict


def damaged_files(folder: Path, config: Config) -> Iterator[str]:
    """What is wrong with the files of a config, each finding beginning with the path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in config.files:
        path = folder / file.path
        if not path.is_file():
            yield f"{file.path} is missing"
        elif path.stat().st_size != file.bytes:
            yield f"{file.path} has {path.stat().st_size} bytes, not {file.bytes}"
        elif (sha256 := file_sha256(path)) != file.sha256:
            yield f"{file.path} has sha256 {sha256}, not {file.sha256}"
        else:
            try:
                rows = pq.read_metadata(path).num_rows
            except (pa.ArrowInvalid, OSError) as error:
                yield f"{file.path}: {error}"
            else:
                if rows != file.rows:
                    yield f"{file.path} has {rows} rows by its footer, not {file.rows}"


def _unknown_files(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Files in the folder of a config that the manifest does not list."""
    known = {file.path for config in manifest.configs.values() for file in config.files}
    for name in manifest.configs:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and path.relative_to(folder).as_posix() not in known:
                yield f"{path.relative_to(folder).as_posix()} is not in {MANIFEST}"


def _contract(tables: Mapping[str, pa.Table], name: str) -> Iterator[str]:
    for split, table in tables.items():
        if wrong := check_table(table, name):
            yield f"{split}: {wrong}"
    try:
        check_splits(tables)
    except VerificationError as error:
        yield str(error)


def _counts(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    for split, table in tables.items():
        have, want = asdict(count(table)), asdict(config.splits[split])
        for key in have:
            if have[key] != want[key]:
                yield f"{split}: {key} is {have[key]}, not {want[key]}"


def _overlaps(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    have = count_overlaps(tables)
    for what in {**have, **config.overlaps}:
        if have.get(what) != config.overlaps.get(what):
            yield f"{what} is {have.get(what)}, not {config.overlaps.get(what)}"


def _digests(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    digests = {split: content_digest(table) for split, table in tables.items()}
    for split, digest in digests.items():
        if digest != config.split_digests.get(split):
            yield f"{split} has {digest}, not {config.split_digests.get(split)}"
    if combined_digest(digests) != config.content_digest or version_of(config.content_digest) != config.version:
        yield f"all splits have {combined_digest(digests)}, not {config.content_digest} (version {config.version})"


def contradictions(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """Prefixes (problem, steps 0..i) that are labelled true in one row and false in another.

    Each prefix is a node of a tree, found by its parent and its last step, so that no prefix is copied.
    """
    node: dict[tuple[int, str], int] = {}
    seen: list[tuple[bool, str]] = []
    for table in tables.values():
        for row in iter_rows(table.select(["prompt", "completions", "labels", "id"])):
            at = -1
            for i, (step, label) in enumerate(
                zip([row["prompt"], *row["completions"]], [True, *row["labels"]], strict=True)
            ):
                at = node.setdefault((at, step), len(node))
                if at == len(seen):
                    seen.append((label, row["id"]))
                elif seen[at][0] != label:
                    yield f"steps 0 to {i - 1} are {label} in {row['id']!r} and {seen[at][0]} in {seen[at][1]!r}"


def duplicates(tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """Solutions that occur twice."""
    first: dict[tuple[str, ...], str] = {}
    for table in tables.values():
        for row in iter_rows(table.select(["prompt", "completions", "id"])):
            same = first.setdefault((row["prompt"], *row["completions"]), row["id"])
            if same != row["id"]:
                yield f"{row['id']!r} is {same!r} again"
