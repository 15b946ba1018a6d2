"""Read a built folder again and believe nothing: bytes, digests, contract, counts, card, labels, and the row checker.

`verify(folder)` returns what it checked and what it found. It reads the folder only; it does not trust a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.card_lint import lint
from prm_gsm8k.dataset.contamination import count_overlaps
from prm_gsm8k.dataset.digest import combined_digest, content_digest
from prm_gsm8k.dataset.folder import check_splits, read_tables
from prm_gsm8k.dataset.manifest import MANIFEST, Config, Manifest, read_manifest, version_of
from prm_gsm8k.dataset.parquet import file_sha256, iter_rows
from prm_gsm8k.dataset.schema import check_table
from prm_gsm8k.dataset.stats import count
from prm_gsm8k.exceptions import VerificationError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 20  # findings of one kind; a file of the wrong rows has thousands


@dataclass
class Verdict:
    """What was checked (rows by config, then every kind of check that was made) and what was found wrong."""

    folder: str
    rows: dict[str, int] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings

    def check(self, what: str, findings: Iterator[str]) -> bool:
        """Note that a check was made and what it found; a kind that finds very much is cut short."""
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


def verify(folder: str | Path) -> Verdict:
    """Check everything a built folder claims.

    Raises:
        VerificationError: it is not a folder that a build made, so there is nothing to check.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    verdict = Verdict(str(folder))
    verdict.check("card", lint(folder))
    verdict.check("files", _strangers(folder, manifest))
    for name, config in manifest.configs.items():
        verdict.rows[name] = config.stats.rows
        if not verdict.check("files", damaged_files(folder, config)):
            continue  # rows of other bytes would be called wrong a second time
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
            for what, own_check in _OWN_CHECKS.get(name, {}).items():
                verdict.check(what, own_check(tables, config))
    return verdict


def damaged_files(folder: Path, config: Config) -> Iterator[str]:
    """What is wrong with the bytes of a config's files, each finding beginning with the file."""
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


def _strangers(folder: Path, manifest: Manifest) -> Iterator[str]:
    """A Parquet file that the manifest does not know, in the folder of a config it does."""
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
    """No (problem, steps 0..i) may be called right in one row and wrong in another.

    Every prefix is a node of a tree; a node is found by its parent and its last step, so no prefix is ever copied.
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
    """No solution may stand twice."""
    first: dict[tuple[str, ...], str] = {}
    for table in tables.values():
        for row in iter_rows(table.select(["prompt", "completions", "id"])):
            same = first.setdefault((row["prompt"], *row["completions"]), row["id"])
            if same != row["id"]:
                yield f"{row['id']!r} is {same!r} again"


def _twins(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """A wrong row names a right row of the same problem with which it shares every step before its error.

    Where the error is a skipped step, steps that do not need it may stand between; the row checker compares those.
    """
    from prm_gsm8k.synthetic.checker.relations import STEP_SKIPPED

    wanted = ["id", "problem_id", "completions", "first_error", "error_type", "twin_id"]
    for table in tables.values():
        twins = {row["id"]: row for row in iter_rows(table.select(wanted)) if row["first_error"] == -1}
        for row in iter_rows(table.select(wanted)):
            if row["first_error"] == -1:
                continue
            twin = twins.get(row["twin_id"])
            if twin is None or twin["problem_id"] != row["problem_id"]:
                yield f"{row['id']!r}: its twin {row['twin_id']!r} is not a right row of its problem"
            elif (
                row["error_type"] != STEP_SKIPPED
                and twin["completions"][: row["first_error"]] != row["completions"][: row["first_error"]]
            ):
                yield f"{row['id']!r}: steps before its error are not those of its twin {row['twin_id']!r}"


def _check_rows(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """Independent code reads every row again, as text: right rows by themselves, wrong ones against their twin."""
    from prm_gsm8k.synthetic.checker import RowChecker

    for table in tables.values():
        checkers: dict[str, RowChecker] = {}
        wrong: list[dict[str, Any]] = []
        for row in iter_rows(table):
            if row["first_error"] >= 0:
                wrong.append(row)
                continue
            checkers[row["id"]] = checker = RowChecker(row["prompt"], row["completions"], row["reference_answer"])
            if checker.refusal is not None:
                yield f"{row['id']!r}: {checker.refusal}"
        for row in wrong:
            if (twin := checkers.get(row["twin_id"])) is None:
                continue  # `twins` has said so
            refusal = twin.check(
                row["completions"], row["first_error"], row["error_type"], row["error_reason"], row["answer"]
            )
            if refusal is not None:
                yield f"{row['id']!r}: {refusal}"


def _ratings(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """Labels are what the labelers' ratings make of them, under the choice about neutral ones that the build notes."""
    right = {1, 0, None} if config.options.get("neutral") == "positive" else {1, None}
    for table in tables.values():
        for row in iter_rows(table.select(["id", "labels", "ratings"])):
            so_far = True
            for i, (label, rating) in enumerate(zip(row["labels"], row["ratings"], strict=True)):
                if rating not in (-1, 0, 1, None):
                    yield f"{row['id']!r}: step {i} is rated {rating}"
                so_far = so_far and rating in right
                if label != so_far:
                    yield f"{row['id']!r}: step {i} is labelled {label}, but the ratings up to it are {row['ratings']}"
                    break


def _rollouts(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """Labels are what the continuations make of them, where there were any; behind the first error there are none."""
    hard, threshold = config.options.get("labels") == "hard", float(config.options.get("threshold", 0))
    for table in tables.values():
        for row in iter_rows(table.select(["id", "first_error", "successes", "trials", "tokens"])):
            counts = zip(row["successes"], row["trials"], row["tokens"], strict=True)
            for i, (successes, trials, tokens) in enumerate(counts):
                enough = threshold * (config.options.get("rollouts", 8) if hard else trials)
                if not 0 <= successes <= trials or tokens < 0 or (tokens and not trials):
                    yield f"{row['id']!r}: step {i} has {successes} successes in {trials} trials of {tokens} tokens"
                elif trials and 0 <= row["first_error"] < i:
                    yield f"{row['id']!r}: step {i} has trials, but the first error is step {row['first_error']}"
                elif trials and (successes > enough) != (i != row["first_error"]):
                    said = "wrong" if i == row["first_error"] else "right"
                    yield f"{row['id']!r}: step {i} is labelled {said}, but {successes} of {trials} trials succeeded"


# What only the rows of one config can be asked.
_OWN_CHECKS: dict[str, dict[str, Callable[[Mapping[str, pa.Table], Config], Iterator[str]]]] = {
    "synthetic": {"twins": _twins, "row checker": _check_rows},
    "prm800k": {"labels follow ratings": _ratings},
    "model_sampled": {"labels follow trials": _rollouts},
}
