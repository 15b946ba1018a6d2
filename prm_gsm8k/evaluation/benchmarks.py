"""What PRMs are measured on, read into one plain shape: a `Solution` with what is known of it.

    data = read("processbench", "Qwen/ProcessBench")          # a file, a folder, or a Hub id
    data.solutions[0].problem, data.solutions[0].steps, data.solutions[0].label

| benchmark    | a row has                                                                                             |
|--------------|-------------------------------------------------------------------------------------------------------|
| processbench | `problem`, `steps`, `label` (first wrong step from 0, -1 if none): Zheng et al. 2024                  |
| first-error  | the same; or `prompt`, `completions`, `labels`, as the rows of this package and TRL's                 |
| mr-gsm8k     | `question`, `model_output_steps`, `model_output_solution_correctness`, `…_first_error_step` (from 1)  |
| prmbench     | `modified_question`, `modified_process`, `error_steps` (from 1), `classification`                     |
| best-of-n    | `problem`, `steps`, `answer` and `correct` or `reference_answer`; several rows a problem              |

What cannot be used is a `BadInputError` that names the row. Calculator tags (`<<48/2=24>>`) are taken out of the steps,
as they are out of every row of this package, and counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from prm_gsm8k.exceptions import BadInputError, UsageError
from prm_gsm8k.hub.rows import rows_of

_TAG = re.compile(r"<<[^<>]*=[^<>]*>>")


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
        benchmark: a name of `READERS`.
        source: a file (JSON, JSON Lines, gzipped or not, Parquet), a folder of them or of `prm-gsm8k build`, or
            `ORG/NAME[@REVISION]` on the Hub.
        config: of a built folder or a Hub dataset that has several.
        split: only this one. Of splits named train, validation and test it is test, or else validation, unless told.

    Raises:
        BadInputError: a row, by its place; or nothing to read.
        UsageError: no such benchmark, config or split.
        HubError: the Hub said no, or did not answer.
    """
    if benchmark not in READERS:
        raise UsageError(f"benchmark is {', '.join(READERS)}, not {benchmark!r}")
    solutions: list[Solution] = []
    tagged = 0
    seen: set[tuple[str, str]] = set()
    left_out: list[str] = []
    for where, subset, row in rows_of(source, config, split):
        found = READERS[benchmark](row, where, subset)
        if isinstance(found, str):
            left_out.append(f"{where}: {found}")
            continue
        if benchmark == "prmbench":  # as PRMBench's own evaluation, which counts each once
            if (key := (found.subset, found.id)) in seen:
                left_out.append(f"{where}: {found.id} again")
                continue
            seen.add(key)
        steps = tuple(_TAG.sub("", step) or step for step in found.steps)
        tagged += steps != found.steps
        solutions.append(replace(found, steps=steps))
    if not solutions:
        raise BadInputError(str(source), f"no rows in it; expected rows with {_FIELDS[benchmark]}")
    notes = []
    if tagged:
        notes.append(f"calculator tags taken out of {tagged:,} solutions")
    if left_out:
        more = f" and {len(left_out) - 3:,} more" if len(left_out) > 3 else ""
        notes.append(f"{len(left_out):,} rows left out: {'; '.join(left_out[:3])}{more}")
    return Data(str(source), tuple(solutions), tuple(notes))


# ------------------------------------------------------------------------------------------------------------ one row


def labelled(row: Mapping[str, Any], where: str, subset: str) -> Solution:
    """ProcessBench's row, or one of this package; `where` is for messages. Raises BadInputError if it is neither."""
    if "prompt" in row and "completions" in row:
        problem, steps = _text(row, "prompt", where), _steps(row, "completions", where)
        labels = _list(row, "labels", where)
        if len(labels) != len(steps):
            raise BadInputError(where, f"{len(steps)} completions but {len(labels)} labels")
        if bad := [label for label in labels if label not in (True, False)]:
            raise BadInputError(where, f"labels hold {bad[0]!r}; each is true or false")
        label = next((i for i, right in enumerate(labels) if not right), -1)
    else:
        problem, steps = _text(row, "problem", where), _steps(row, "steps", where)
        label = _label(row, "label", where, len(steps))
    return Solution(_id(row, ("id",), where), problem, steps, where, subset, label, _prefix(label, len(steps)))


def _mr_gsm8k(row: Mapping[str, Any], where: str, subset: str) -> Solution | str:
    """MR-GSM8K's row; a wrong one that does not say where its first error is is left out, as ReasonEval does."""
    problem, steps = _text(row, "question", where), _steps(row, "model_output_steps", where)
    correctness = _text(row, "model_output_solution_correctness", where).strip().lower()
    if correctness not in ("correct", "wrong"):
        raise BadInputError(
            where, f"model_output_solution_correctness is {correctness!r}; it must be 'correct' or 'wrong'"
        )
    label = -1
    if correctness == "wrong":
        key = "model_output_solution_first_error_step"
        step = row.get(key)
        if str(step).strip().upper() in ("N/A", "NONE", ""):
            return "wrong, but it does not say in which step"
        try:
            number = int(str(step).strip())
        except ValueError:
            raise BadInputError(where, f"{key} is {step!r}; it must be a number from 1, or N/A") from None
        if not 1 <= number <= len(steps):
            raise BadInputError(where, f"{key} is {number}, but there are {len(steps)} steps (the first is 1)")
        label = number - 1
    kind = row.get("question_type")
    name = kind if isinstance(kind, str) else subset
    return Solution(_id(row, ("uuid", "id"), where), problem, steps, where, name, label, _prefix(label, len(steps)))


def _prmbench(row: Mapping[str, Any], where: str, subset: str) -> Solution:
    """PRMBench's row: steps are judged each by itself, also those after an error."""
    problem, steps = _text(row, "modified_question", where), _steps(row, "modified_process", where)
    wrong = set()
    for number in _list(row, "error_steps", where):
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(steps):
            raise BadInputError(
                where, f"error_steps hold {number!r}, but there are {len(steps)} steps (the first is 1)"
            )
        wrong.add(number - 1)
    right = tuple(i not in wrong for i in range(len(steps)))
    kind = _text(row, "classification", where)
    return Solution(_id(row, ("idx", "id"), where), problem, steps, where, kind, min(wrong, default=-1), right)


def _candidate(row: Mapping[str, Any], where: str, subset: str) -> Solution:
    """One of several solutions to a problem."""
    problem = _text(row, "problem" if "problem" in row or "prompt" not in row else "prompt", where)
    steps = _steps(row, "steps" if "steps" in row or "completions" not in row else "completions", where)
    if "answer" not in row:
        raise BadInputError(where, f"no 'answer'; it has {', '.join(map(str, row)) or 'nothing'}")
    answer = answer_key(row["answer"])
    correct = row.get("correct")
    if correct is None:
        if row.get("reference_answer") is None:
            raise BadInputError(where, "neither 'correct' nor 'reference_answer'")
        correct = answer is not None and answer == answer_key(row["reference_answer"])
    elif not isinstance(correct, bool):
        raise BadInputError(where, f"correct is {correct!r}; it must be true or false")
    name = _id(row, ("id",), where)
    return Solution(name, problem, steps, where, subset, answer=answer, correct=correct)


READERS: dict[str, Callable[[Mapping[str, Any], str, str], Solution | str]] = {
    "processbench": labelled,
    "mr-gsm8k": _mr_gsm8k,
    "prmbench": _prmbench,
    "best-of-n": _candidate,
    "first-error": labelled,
}
_FIELDS = {
    "processbench": "'problem', 'steps' and 'label'",
    "mr-gsm8k": "'question', 'model_output_steps' and 'model_output_solution_correctness'",
    "prmbench": "'modified_question', 'modified_process', 'error_steps' and 'classification'",
    "best-of-n": "'problem', 'steps', 'answer' and 'correct'",
    "first-error": "'problem', 'steps' and 'label', or 'prompt', 'completions' and 'labels'",
}


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


def _prefix(label: int, steps: int) -> tuple[bool, ...]:
    """Of the steps up to the first error, it included, whether each is right."""
    return (True,) * steps if label < 0 else (True,) * label + (False,)


def _id(row: Mapping[str, Any], names: tuple[str, ...], where: str) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), where)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(
            where, _missing(row, key, "text", "is empty" if value == "" or isinstance(value, str) else "")
        )
    return value


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, (list, tuple)):
        raise BadInputError(where, _missing(row, key, "a list"))
    return list(value)


def _steps(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    steps = _list(row, key, where)
    if not steps:
        raise BadInputError(where, f"{key!r} is empty: a solution has at least one step")
    for i, step in enumerate(steps):
        if not isinstance(step, str) or not step.strip():
            what = "empty" if isinstance(step, str) else f"{type(step).__name__}, not text"
            raise BadInputError(where, f"{key}[{i}] is {what}")
    return tuple(steps)


def _label(row: Mapping[str, Any], key: str, where: str, steps: int) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInputError(where, _missing(row, key, "a whole number"))
    if not -1 <= value < steps:
        raise BadInputError(where, f"{key} is {value}, but there are {steps} steps: it is 0 to {steps - 1}, or -1")
    return value


def _missing(row: Mapping[str, Any], key: str, kind: str, what: str = "") -> str:
    if key not in row:
        return f"no {key!r}; it has {', '.join(map(str, row)) or 'nothing'}"
    return f"{key!r} {what or f'is {type(row[key]).__name__}, not {kind}'}"
