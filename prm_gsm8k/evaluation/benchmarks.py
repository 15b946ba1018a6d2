"""What PRMs are measured on, read into one plain shape: a `Solution` with what is known of it.

    data = read("processbench", "Qwen/ProcessBench")          # a file, a folder, or a Hub id
    data.solutions[0].problem, data.solutions[0].steps, data.solutions[0].label

| benchmark                 | a row                                                                                   |
|---------------------------|-----------------------------------------------------------------------------------------|
| processbench, first-error | of any format with labels (`dataset/formats.py`), of which the first error counts       |
| mr-gsm8k, prmbench        | as they are published                                                                   |
| best-of-n                 | a question and steps, `answer`, and `correct` or `reference_answer`; several a question |

What cannot be used is a `BadInputError` that names the row; what is changed or left out is counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from prm_gsm8k.dataset.formats import Found, Notes, read_all
from prm_gsm8k.exceptions import BadInputError, UsageError
from prm_gsm8k.hub.rows import rows_of

BENCHMARKS = ("processbench", "mr-gsm8k", "prmbench", "best-of-n", "first-error")


@dataclass(frozen=True, slots=True)
class Solution:
    """Steps to a problem, and what is known of them.

    Attributes:
        id: of the row, or its place.
        problem: the question as text.
        steps: as they are scored.
        where: for messages: `FILE:LINE`, `FILE[i]` or `ORG/NAME SPLIT[i]`.
        subset: a part of the benchmark that has its own number; empty if it has none.
        label: index of the first wrong step, -1 if there is none, None if nobody knows.
        right: whether each step is right, from the first on; those after `right` are nobody's.
        answer: what it concludes, in a form that can be compared; None if nothing.
        correct: whether that is the right answer; None if nobody knows.
    """

    id: str
    problem: str
    steps: tuple[str, ...]
    where: str
    subset: str = ""
    label: int | None = None
    right: tuple[bool, ...] = ()
    answer: str | None = None
    correct: bool | None = None


@dataclass(frozen=True)
class Data:
    """What was read: solutions, a digest of all that counts in them, and what was changed or left out and why."""

    name: str
    solutions: tuple[Solution, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """32 hexadecimal digits of what is scored and what it is compared with. Not of ids, or of where it was read."""
        content = [(s.problem, s.steps, s.subset, s.label, s.right, s.answer, s.correct) for s in self.solutions]
        return hashlib.blake2b(orjson.dumps(content), digest_size=16).hexdigest()


def read(benchmark: str, source: str | Path, *, config: str | None = None, split: str | None = None) -> Data:
    """Read a benchmark.

    Args:
        benchmark: a name of `BENCHMARKS`.
        source: a file (JSON, JSON Lines, gzipped or not, Parquet), a folder of them or of `prm-gsm8k build`, or
            `ORG/NAME[@REVISION]` on the Hub.
        config: of a built folder or a Hub dataset that has several.
        split: only this one. Of splits named train, validation and test it is test, or else validation, unless told.

    Raises:
        BadInputError: a row, by its place; or nothing to read.
        UsageError: no such benchmark, config or split.
        HubError: the Hub said no, or did not answer.
    """
    if benchmark not in BENCHMARKS:
        raise UsageError(f"benchmark is {', '.join(BENCHMARKS)}, not {benchmark!r}")
    solutions: list[Solution] = []
    notes = Notes()
    seen: set[tuple[str, str]] = set()
    name = benchmark if benchmark in ("mr-gsm8k", "prmbench") else None
    labels = benchmark not in ("best-of-n", "prmbench")  # PRMBench's are of steps: one may be wrong that is not there
    for found in read_all(rows_of(source, config, split), notes, name=name, labels=labels):
        solution = _candidate(found) if benchmark == "best-of-n" else _labelled(found, benchmark)
        if benchmark == "prmbench":  # as PRMBench's own evaluation, which counts each once
            if (key := (solution.subset, solution.id)) in seen:
                notes.left_out.append(f"{found.where}: {solution.id} again")
                continue
            seen.add(key)
        solutions.append(solution)
    if not solutions:
        raise BadInputError(str(source), "; ".join(("no rows that can be used", *notes.lines())))
    return Data(str(source), tuple(solutions), notes.lines())


# ------------------------------------------------------------------------------------------------------------ one row


def _labelled(found: Found, benchmark: str) -> Solution:
    """A solution with labels: each step's own in PRMBench, else those up to the first error."""
    sample, key = found.sample, {"mr-gsm8k": "question_type", "prmbench": "classification"}.get(benchmark, "")
    kind = found.record.get(key, found.subset)
    if not isinstance(kind, str):
        raise BadInputError(found.where, f"{key!r} is {type(kind).__name__}, not text")
    if benchmark == "prmbench":
        label, right = [*sample.labels, False].index(False), sample.labels
        label = label if label < len(right) else -1
    else:
        label = -1 if sample.first_error is None else sample.first_error
        right = (True,) * len(sample.steps) if label < 0 else (True,) * label + (False,)
    return Solution(found.id, found.problem, sample.steps, found.where, kind, label, right)


def _candidate(found: Found) -> Solution:
    """One of several solutions to a problem."""
    row: Mapping[str, Any] = found.record
    if "answer" not in row:
        raise BadInputError(found.where, f"no 'answer'; it has {', '.join(map(str, row)) or 'nothing'}")
    answer = answer_key(row["answer"])
    correct = row.get("correct")
    if correct is None:
        if row.get("reference_answer") is None:
            raise BadInputError(found.where, "neither 'correct' nor 'reference_answer'")
        correct = answer is not None and answer == answer_key(row["reference_answer"])
    elif not isinstance(correct, bool):
        raise BadInputError(found.where, f"correct is {correct!r}; it must be true or false")
    steps = found.sample.steps
    return Solution(found.id, found.problem, steps, found.where, found.subset, answer=answer, correct=correct)


def answer_key(answer: object) -> str | None:
    """What makes two answers one: 18, 18.0, "18." and "$1,800" / "1800"; None for no answer.

    >>> answer_key("$1,800.00") == answer_key(1800), answer_key(" "), answer_key("x + 1")
    (True, None, 'x + 1')
    """
    if answer is None or isinstance(answer, bool):
        return None
    text = str(answer).strip().lower()
    number = re.sub(r"[$£€,\s]", "", text).rstrip(".%")
    try:
        value = float(number)
    except ValueError:
        return text or None
    return f"{round(value, 6) + 0.0:.15g}" if abs(value) < 1e15 else text  # also nan and inf are only what they say
