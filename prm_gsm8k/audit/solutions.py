"""Labelled solutions from any source: a folder or repository of ours, or rows of any format with labels.

    data = read_data("data")                        # a folder that `prm-gsm8k build` made: all splits but test
    data = read_data("math_shepherd.jsonl.gz")      # any of `dataset/formats.py`

Labels mean prefix correctness: no step after the first error is correct. Columns that a source lacks are filled in, so
the rest of the audit sees the dataset's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.dataset.formats import Notes, read_all
from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.schema import columns_of
from prm_gsm8k.dataset.stats import count
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.hub.rows import all_of, rows_of, the_one

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = "unknown"
UNLABELLED = "unlabelled"
REASONS = ("error_reason", "error_description", "reason", "model_output_solution_first_error_reason")
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

    @property
    def labelled(self) -> bool:
        """Whether the rows have labels: all of them have, or none."""
        return not any(table["first_error"].null_count for table in self.tables.values())

    def as_config(self) -> Config:
        """Their counts, where a config of a manifest is expected; it has no version or digests."""
        splits = {name: count(table) for name, table in self.tables.items()}
        return Config("", "", {}, {}, "", "", "", {}, {}, splits, [])

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


def read_data(
    source: str | Path, *, config: str | None = None, splits: Sequence[str] = (), format: str | None = None
) -> Data:
    """Read the data to audit.

    Args:
        source: a file (JSON, JSON Lines, Parquet; gzipped or not), a folder of such files, a folder that
            `prm-gsm8k build` made, or `ORG/NAME[@REVISION]` on the Hub.
        config: which config, if there are several.
        splits: which splits; by default all but `test`, unless there is no other.
        format: of the rows; found by itself if None.

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
        data = from_rows(str(source), rows_of(source, config, splits[0]))  # raises: a file has no splits
    else:
        data = from_rows(str(source), rows_of(source, config, None, chosen), format=format)
    if all(solution.first_error < 0 for solution in data.solutions):
        raise BadInputError(data.name, "no row has a first error, so there is nothing to audit")
    if all(solution.first_error == 0 for solution in data.solutions):
        raise BadInputError(data.name, "no row has a correct step, so there is nothing to audit")
    if len({solution.problem for solution in data.solutions}) < 2:
        raise BadInputError(data.name, "all rows have the same problem; a probe is fitted on some and tested on others")
    return data


def read_rows(
    source: str | Path, *, config: str | None = None, split: str | None = None, format: str | None = None
) -> Data:
    """Somebody else's rows, with labels or without, to look at; all splits if None.

    Raises: as `from_rows` and `rows_of`.
    """
    return from_rows(str(source), rows_of(source, config, split, all_of), format=format, labels=None)


def from_rows(
    name: str,
    rows: Iterable[tuple[str, str, object]],
    *,
    format: str | None = None,
    labels: bool | None = True,
) -> Data:
    """Rows of any format in the dataset's columns; without `labels`, these and `first_error` are null.

    Args:
        name: what they are from, for messages.
        rows: as `hub.rows.rows_of` gives them.
        format, labels: as in `read_all`.

    Raises:
        BadInputError: there are none, or one cannot be read.
    """
    import pyarrow as pa

    by_split: dict[str, list[dict[str, Any]]] = {}
    notes = Notes()
    for found in read_all(rows, notes, name=format, labels=labels):
        row, steps, first = found.record, found.sample.steps, found.sample.first_error
        correct = len(steps) if first == -1 else first or 0
        if any(found.sample.labels[correct:]):
            notes.changed["a step is labelled correct after an incorrect one; it is read as incorrect"] += 1
        answer = _text(row, "answer")
        kind = _text(row, "error_type", "error_category", "classification") or UNKNOWN
        by_split.setdefault(found.subset or ALL, []).append(
            {
                "prompt": found.problem,
                "completions": list(steps),
                "labels": None if first is None else [i < correct for i in range(len(steps))],
                "id": found.id,
                "problem_id": problem_digest(found.problem),
                "first_error": first,
                "error_type": UNLABELLED if first is None else "none" if first < 0 else kind,
                "answer": answer,
                "reference_answer": None if answer is None else _text(row, "reference_answer", "target"),
                "values": None,
                "source": found.sample.source or UNKNOWN,
                "error_reason": _text(row, *REASONS) or "",
                "twin_id": _text(row, "twin_id") or "",
                "style": _text(row, "style") or UNKNOWN,
            }
        )
    if not by_split:
        raise BadInputError(name, "; ".join(("no rows that can be used", *notes.lines())))
    arrow = {"string": pa.string(), "list<string>": pa.list_(pa.string()), "list<bool>": pa.list_(pa.bool_())}
    arrow |= {"int32": pa.int32(), "list<float32>": pa.list_(pa.float32())}
    fields = [(c.name, arrow[c.type]) for c in columns_of("synthetic")] + [("style", pa.string())]
    tables = {split: pa.Table.from_pylist(some, schema=pa.schema(fields)) for split, some in by_split.items()}
    return Data(name, tables, notes.lines())


def _text(row: Mapping[str, Any], *keys: str) -> str | None:
    """The value of the first of these columns that holds a text or a number; None if none does."""
    values = (row.get(key) for key in keys)
    return next(
        (str(v) for v in values if isinstance(v, str | int | float) and v != "" and not isinstance(v, bool)), None
    )


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
