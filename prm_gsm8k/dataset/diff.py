"""What changed between two built folders: rows added, removed and changed by `id`, config by config, split by split.

difference = diff(locate("org/prm-gsm8k@v1.0.0"), locate("data"))      # hub/location.py
difference.configs["synthetic"]["train"].changed        # {"gsm8k/train/17/wrong-0": ["completions", "labels"]}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.folder import read_tables
from prm_gsm8k.dataset.manifest import BuiltFolder
from prm_gsm8k.dataset.schema import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class SplitDiff:
    """Ids of the rows that only B has, that only A has, and that both have with other content (in which columns).

    `moved` is true if both hold the same rows in another order.
    """

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)
    same: int = 0
    moved: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether both hold the same rows in the same order."""
        return not (self.added or self.removed or self.changed or self.moved)


@dataclass(frozen=True)
class Diff:
    """Differences by config and split, of every config and split that A or B has."""

    a: str
    b: str
    configs: dict[str, dict[str, SplitDiff]]

    @property
    def is_empty(self) -> bool:
        """Whether A and B hold the same rows."""
        return all(part.is_empty for splits in self.configs.values() for part in splits.values())


def diff(a: BuiltFolder, b: BuiltFolder) -> Diff:
    """Compare two folders row by row. A config whose content digests are equal is not read.

    Raises:
        VerificationError: a file of one of them is missing or cannot be read.
    """
    configs: dict[str, dict[str, SplitDiff]] = {}
    for name in [*a.manifest.configs, *(n for n in b.manifest.configs if n not in a.manifest.configs)]:
        have = [built.manifest.configs.get(name) for built in (a, b)]
        if have[0] and have[1] and have[0].content_digest == have[1].content_digest:
            configs[name] = {split: SplitDiff(same=stats.rows) for split, stats in have[0].splits.items()}
            continue
        tables = [read_tables(p.folder, p.manifest, name) if c else {} for p, c in zip((a, b), have, strict=True)]
        empty = arrow_schema(name).empty_table()
        splits = [*tables[0], *(split for split in tables[1] if split not in tables[0])]
        configs[name] = {s: _diff_tables(tables[0].get(s, empty), tables[1].get(s, empty)) for s in splits}
    return Diff(a.name, b.name, configs)


def _diff_tables(a: pa.Table, b: pa.Table) -> SplitDiff:
    import pyarrow.compute as pc

    in_b = pc.index_in(a["id"], value_set=b["id"].combine_chunks())
    in_a = pc.index_in(b["id"], value_set=a["id"].combine_chunks())
    both = pc.is_valid(in_b)
    ours, theirs = a.filter(both), b.take(in_b.filter(both))
    changed: dict[str, list[str]] = {}
    for start in range(0, ours.num_rows, ROWS_AT_A_TIME):
        left, right = ours.slice(start, ROWS_AT_A_TIME), theirs.slice(start, ROWS_AT_A_TIME)
        for column in left.column_names:
            if left[column].equals(right[column]):
                continue
            pairs = zip(left["id"].to_pylist(), left[column].to_pylist(), right[column].to_pylist(), strict=True)
            for row, one, other in pairs:
                if one != other:
                    changed.setdefault(row, []).append(column)
    order = in_b.filter(both).combine_chunks()
    return SplitDiff(
        added=b["id"].filter(pc.is_null(in_a)).to_pylist(),
        removed=a["id"].filter(pc.is_null(in_b)).to_pylist(),
        changed=changed,
        same=ours.num_rows - len(changed),
        moved=len(order) > 1 and not pc.all(pc.greater(order[1:], order[:-1])).as_py(),
    )
