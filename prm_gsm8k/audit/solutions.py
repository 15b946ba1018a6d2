"""Labelled solutions of any source in one shape: a folder or repository of ours, TRL's rows, or ProcessBench's.

    data = read_data("data")                        # a folder that `prm-gsm8k build` made: all splits but test
    data = read_data("math_shepherd.jsonl.gz")      # `prompt`, `completions`, `labels`, nothing else needed

Labels are read as the contract means them: right up to the first false one, and never again. Columns that other people
do not have are filled in, so that everything after this, the page included, sees the columns of the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.dataset.schema import columns_of
from prm_gsm8k.evaluation.benchmarks import labelled, rows_of, the_one
from prm_gsm8k.exceptions import BadInputError

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = "unknown"
ALL = "all"  # the split of rows that have none, or only one
# a step that says what the answer is and nothing else, as ` 4`, `#### 4`, `So the final answer is \boxed{4}.`
_ANSWER_ALONE = re.compile(
    r"\W*(?:step \d+\W+|\d+[.)]\s+)?\W*"
    r"(?:(?:(?:so|thus|hence|therefore)\W+)?(?:the )?(?:final )?answer(?: is)?|a(?=\W*[:=]))?[\s:=*$#]*"
    r"(?:\\boxed\s*\{)?[\s$£€*]*[-−]?[\d.,]*\d%?[\s.}*$]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Solution:
    """One labelled solution.

    Attributes:
        id: of the row, or where it stands.
        problem: which question it answers; the same for the same letters and digits (`overlap.problem_digest`).
        prompt: the question.
        steps: of the solution.
        first_error: index of the first wrong step, -1 if there is none.
        groups: what it is of each column by which numbers are also given apart: `error_type`, `source`, `style`.
    """

    id: str
    problem: str
    prompt: str
    steps: Sequence[str]
    first_error: int
    groups: Mapping[str, str]

    @property
    def judged(self) -> range:
        """Indices of the steps a label says something of: up to the first error, which is among them."""
        return range(len(self.steps) if self.first_error < 0 else self.first_error + 1)

    @property
    def content(self) -> int:
        """Number of steps without one at the end that states the answer and nothing else."""
        return len(self.steps) - (len(self.steps) > 1 and is_answer_alone(self.steps[-1]))


@dataclass(frozen=True)
class Data:
    """What is audited: rows by split in the columns of the contract, and what was changed in reading them."""

    name: str
    tables: Mapping[str, pa.Table]
    notes: tuple[str, ...] = ()

    @cached_property
    def solutions(self) -> tuple[Solution, ...]:
        """All of them, in their order."""
        return tuple(one for table in self.tables.values() for one in _solutions(table))


def is_answer_alone(step: str) -> bool:
    r"""Whether a step says what the answer is and nothing else.

    >>> [is_answer_alone(s) for s in (" 4", "#### 1,200", r"Step 3: The final answer is \boxed{624}.", "She has 4.")]
    [True, True, True, False]
    """
    return len(step) < 80 and _ANSWER_ALONE.fullmatch(step) is not None


def read_data(source: str | Path, *, config: str | None = None, splits: Sequence[str] = ()) -> Data:
    """Read what is to be audited.

    Args:
        source: a file (JSON, JSON Lines, gzipped or not, Parquet), a folder of them or of `prm-gsm8k build`, or
            `ORG/NAME[@REVISION]` on the Hub.
        config: of a folder or repository that has several.
        splits: which of them; unless told, all but `test`, which nobody trains on, if there are others.

    Raises:
        BadInputError: a row that is no labelled solution, by its place; no rows; nothing wrong, or nothing right.
        UsageError: no such config or split.
        VerificationError: a folder of ours is damaged.
        HubError: the Hub said no, or did not answer.
    """
    path = Path(source).expanduser()
    chosen = (lambda wanted, names, where: _chosen(splits, names, where)) if splits else _all_but_test
    if path.is_dir() and (path / "manifest.json").is_file():
        from prm_gsm8k.dataset.folder import read_tables
        from prm_gsm8k.dataset.manifest import read_manifest

        manifest = read_manifest(path)
        name = the_one(config, list(manifest.configs), str(path), "config")
        tables = read_tables(path, manifest, name)
        data = Data(f"{source} {name}", {split: tables[split] for split in chosen(None, list(tables), str(source))})
    elif path.is_file() and splits:
        rows_of_file = rows_of(source, config, splits[0])  # which says that a file has none
        data = _from_rows(str(source), rows_of_file)
    else:
        data = _from_rows(str(source), rows_of(source, config, None, chosen))
    wrong = sum(one.first_error >= 0 for one in data.solutions)
    if not wrong:
        raise BadInputError(data.name, "no row has a first error, so there is nothing to tell right steps from")
    if not any(one.first_error for one in data.solutions):
        raise BadInputError(data.name, "no row has a right step, so there is nothing to tell first errors from")
    if len({one.problem for one in data.solutions}) < 2:
        raise BadInputError(data.name, "all rows are of one problem; what is learnt on one must be tried on another")
    return data


def _chosen(wanted: Sequence[str], names: list[str], where: str) -> list[str]:
    return [the_one(name, names, where, "split") for name in wanted]


def _all_but_test(wanted: str | None, names: list[str], where: str) -> list[str]:
    return [name for name in names if name != "test"] or names


def _from_rows(name: str, rows: Iterator[tuple[str, str, Any]]) -> Data:
    """Rows as others write them, in our columns."""
    import pyarrow as pa

    by_split: dict[str, list[dict[str, Any]]] = {}
    resumed = 0
    for where, split, row in rows:
        if not isinstance(row, Mapping):
            raise BadInputError(where, f"{type(row).__name__}, not an object with 'prompt', 'completions' and 'labels'")
        read = labelled(row, where, split)
        steps, first = list(read.steps), -1 if read.label is None else read.label
        right = len(steps) if first < 0 else first
        resumed += any(bool(label) for label in (row.get("labels") or ())[right:])
        kind = _text(row, "error_type") or _text(row, "error_category") or UNKNOWN
        by_split.setdefault(split or ALL, []).append(
            {
                "prompt": read.problem,
                "completions": steps,
                "labels": [i < right for i in range(len(steps))],
                "id": read.id,
                "problem_id": problem_digest(read.problem),
                "first_error": first,
                "error_type": "none" if first < 0 else kind,
                "answer": _text(row, "answer"),
                "reference_answer": _text(row, "reference_answer"),
                "values": None,
                "source": _text(row, "source") or UNKNOWN,
                "error_reason": _text(row, "error_reason") or _text(row, "error_description") or "",
                "twin_id": _text(row, "twin_id") or "",
                "style": _text(row, "style") or UNKNOWN,
            }
        )
    if not by_split:
        raise BadInputError(name, "no rows in it; expected rows with 'prompt', 'completions' and 'labels'")
    arrow = {"string": pa.string(), "list<string>": pa.list_(pa.string()), "list<bool>": pa.list_(pa.bool_())}
    arrow |= {"int32": pa.int32(), "list<float32>": pa.list_(pa.float32())}
    fields = [(c.name, arrow[c.type]) for c in columns_of("synthetic")] + [("style", pa.string())]
    tables = {split: pa.Table.from_pylist(some, schema=pa.schema(fields)) for split, some in by_split.items()}
    notes = (f"{resumed:,} rows call a step right after a wrong one; here it is not",) if resumed else ()
    return Data(name, tables, notes)


def _text(row: Mapping[str, Any], key: str) -> str | None:
    """A column that is there or not; a number is as good as text."""
    value = row.get(key)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else None


def _solutions(table: pa.Table) -> Iterator[Solution]:
    from prm_gsm8k.dataset.parquet import iter_rows

    by_column = [name for name in ("error_type", "source", "style") if name in table.schema.names]
    digests: dict[str, str] = {}
    for row in iter_rows(table.select(["id", "prompt", "completions", "first_error", *by_column])):
        prompt = row["prompt"]
        if (problem := digests.get(prompt)) is None:
            problem = digests[prompt] = problem_digest(prompt)
        groups = {name: row[name] for name in by_column}
        yield Solution(row["id"], problem, prompt, row["completions"], row["first_error"], groups)
