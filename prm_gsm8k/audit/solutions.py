"""Labelled solutions from any source: a folder or repository of ours, TRL's stepwise rows, or ProcessBench's.

    data = read_data("data")                        # a folder that `prm-gsm8k build` made: all splits but test
    data = read_data("math_shepherd.jsonl.gz")      # needs `prompt`, `completions`, `labels`

Labels mean prefix correctness: no step after the first error is correct. Columns that a source lacks are filled in, so
the rest of the audit sees the dataset's columns.
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
from prm_gsm8k.evaluation.benchmarks import labelled
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.hub.rows import rows_of, the_one

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = "unknown"
ALL = "all"  # the split of rows without one
_ANSWER = re.compile(
    r"\W*(?:step \d+\W+|\d+[.)]\s+)?\W*"
    r"(?:(?:(?:so|thus|hence|therefore)\W+)?(?:the )?(?:final )?answer(?: is)?|a(?=\W*[:=]))?[\s:=*$#]*"
    r"(?:\\boxed\s*\{)?[\s$£€*]*[-−]?[\d.,]*\d%?[\s.}*$]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Solution:
    """One labelled solution.

    Attributes:
        id: the row's id, or FILE:LINE.
        problem: digest of the question (`problem_digest`): equal for equal letters and digits.
        prompt: the question.
        steps: the steps.
        first_error: index of the first incorrect step, -1 if there is none.
        groups: values of the columns by which results are also broken down: `error_type`, `source`, `style`.
        reason: why the first incorrect step is wrong, as the data says it; "" if it does not.
    """

    id: str
    problem: str
    prompt: str
    steps: Sequence[str]
    first_error: int
    groups: Mapping[str, str]
    reason: str = ""

    @property
    def judged(self) -> range:
        """Indices of the steps with a known label: all up to and including the first error."""
        return range(len(self.steps) if self.first_error < 0 else self.first_error + 1)

    @property
    def content(self) -> int:
        """Number of steps, without a last one that only states the answer."""
        return len(self.steps) - (len(self.steps) > 1 and only_states_answer(self.steps[-1]))


@dataclass(frozen=True)
class Data:
    """The audited rows by split, in the dataset's columns, and notes on what was changed when they were read."""

    name: str
    tables: Mapping[str, pa.Table]
    notes: tuple[str, ...] = ()

    @cached_property
    def solutions(self) -> tuple[Solution, ...]:
        """All solutions, in the order of the rows."""
        return tuple(solution for table in self.tables.values() for solution in _solutions(table))


def only_states_answer(step: str) -> bool:
    r"""Whether a step states the answer and nothing else.

    >>> [only_states_answer(s) for s in (" 4", "#### 1,200", r"Step 3: The final answer is \boxed{624}.", "She has 4.")]
    [True, True, True, False]
    """
    return len(step) < 80 and _ANSWER.fullmatch(step) is not None


def read_data(source: str | Path, *, config: str | None = None, splits: Sequence[str] = ()) -> Data:
    """Read the data to audit.

    Args:
        source: a file (JSON, JSON Lines, Parquet; gzipped or not), a folder of such files, a folder that
            `prm-gsm8k build` made, or `ORG/NAME[@REVISION]` on the Hub.
        config: which config, if there are several.
        splits: which splits; by default all but `test`, unless there is no other.

    Raises:
        BadInputError: a row is not a labelled solution (with its FILE:LINE); there are no rows, no incorrect or no
            correct steps, or only one problem.
        UsageError: no such config or split.
        VerificationError: a built folder is damaged.
        HubError: the Hub refused or did not answer.
    """
    path = Path(source).expanduser()

    def chosen(wanted: str | None, names: list[str], where: str) -> list[str]:
        if splits:
            return [the_one(name, names, where, "split") for name in splits]
        return [name for name in names if name != "test"] or names

    if path.is_dir() and (path / "manifest.json").is_file():
        from prm_gsm8k.dataset.folder import read_tables
        from prm_gsm8k.dataset.manifest import read_manifest

        manifest = read_manifest(path)
        name = the_one(config, list(manifest.configs), str(path), "config")
        tables = read_tables(path, manifest, name)
        data = Data(f"{source} {name}", {split: tables[split] for split in chosen(None, list(tables), str(source))})
    elif path.is_file() and splits:
        data = _from_rows(str(source), rows_of(source, config, splits[0]))  # raises: a file has no splits
    else:
        data = _from_rows(str(source), rows_of(source, config, None, chosen))
    if all(solution.first_error < 0 for solution in data.solutions):
        raise BadInputError(data.name, "no row has a first error, so there is nothing to audit")
    if all(solution.first_error == 0 for solution in data.solutions):
        raise BadInputError(data.name, "no row has a correct step, so there is nothing to audit")
    if len({solution.problem for solution in data.solutions}) < 2:
        raise BadInputError(data.name, "all rows have the same problem; a probe is fitted on some and tested on others")
    return data


def _from_rows(name: str, rows: Iterator[tuple[str, str, Any]]) -> Data:
    """Rows of any supported format, in the dataset's columns."""
    import pyarrow as pa

    by_split: dict[str, list[dict[str, Any]]] = {}
    resumed = 0
    for where, split, row in rows:
        if not isinstance(row, Mapping):
            raise BadInputError(where, f"{type(row).__name__}, not an object with 'prompt', 'completions' and 'labels'")
        read = labelled(row, where, split)
        steps, first = list(read.steps), -1 if read.label is None else read.label
        correct = len(steps) if first < 0 else first
        resumed += any(bool(label) for label in (row.get("labels") or ())[correct:])
        kind = _text(row, "error_type") or _text(row, "error_category") or UNKNOWN
        by_split.setdefault(split or ALL, []).append(
            {
                "prompt": read.problem,
                "completions": steps,
                "labels": [i < correct for i in range(len(steps))],
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
    note = f"{resumed:,} rows label a step correct after an incorrect one; it is read as incorrect"
    notes = (note,) if resumed else ()
    return Data(name, tables, notes)


def _text(row: Mapping[str, Any], key: str) -> str | None:
    """The value of an optional text or number column; None if absent or empty."""
    value = row.get(key)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else None


def _solutions(table: pa.Table) -> Iterator[Solution]:
    from prm_gsm8k.dataset.parquet import iter_rows

    by_column = [name for name in ("error_type", "source", "style") if name in table.schema.names]
    digests: dict[str, str] = {}
    reason = [name for name in ("error_reason",) if name in table.schema.names]
    for row in iter_rows(table.select(["id", "prompt", "completions", "first_error", *by_column, *reason])):
        prompt = row["prompt"]
        if (problem := digests.get(prompt)) is None:
            problem = digests[prompt] = problem_digest(prompt)
        groups = {name: row[name] for name in by_column}
        why = row.get("error_reason") or ""
        yield Solution(row["id"], problem, prompt, row["completions"], row["first_error"], groups, why)
