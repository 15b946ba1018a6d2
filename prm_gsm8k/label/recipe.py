"""The recipe of `labelled`: solutions in a file, labelled by the reference solution of their problem.

The file is read once to see which question each line asks, and again, a batch at a time, by whoever labels it: what is
held in memory is where the lines of each problem are, not the solutions.
"""

from __future__ import annotations

import atexit
import gzip
import hashlib
import shutil
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

import orjson

from prm_gsm8k.dataset.contamination import gsm8k_test
from prm_gsm8k.dataset.disputed import DISPUTED
from prm_gsm8k.dataset.formats import LeftOut, Sample, ShapeError, read_record
from prm_gsm8k.dataset.jsonl import (
    EXPECTED,
    GZIP,
    BadLineError,
    damaged_gzip,
    no_such_file,
    parse_line,
    read_rows,
    refuse_other_formats,
    write_rows,
)
from prm_gsm8k.dataset.problems import Problem, question_key, read_problems, shipped_problems
from prm_gsm8k.dataset.recipe import DISAGREES, TWICE, Inputs, Prefixes, Progress, Recipe, Tally
from prm_gsm8k.dataset.splits import split_of
from prm_gsm8k.exceptions import BadInputError, UsageError

BOM = b"\xef\xbb\xbf"
LINES_PER_BATCH = 64  # a unit of work a process takes: some 25 ms; 100 KB of rows
MOST_NAMED = 1000
LEAST_CONFIDENCE = 0.3  # below it, one label in ten is the teacher's (benchmarks/label.md)
UNSURE = "confidence too low"
CANNOT_TELL = "solution left out/cannot tell: "
BAD_REFERENCE = "solution left out/its reference solution is wrong or disputed"
NO_REFERENCE = "solution left out/no problem asks its question, or several do with different answers"
TEST_QUESTION = "solution left out/a question of GSM8K test (--test-questions labels it for evaluation)"


@dataclass
class LabelledRecipe(Recipe):
    """What decides the rows of the `labelled` config.

    Attributes:
        file: JSON lines or an array (or .gz) with questions and solutions, in a format of `dataset/formats.py`.
        format: of its records; found by itself if None.
        problems: a JSONL file or a Hub id with the reference solutions; None for GSM8K as shipped.
        test_questions: also label solutions to questions of GSM8K test, into split `test`; else they are left out.
        min_confidence: a wrong solution whose first error is less sure than this is left out.
    """

    config: ClassVar[str] = "labelled"
    skips: ClassVar[str] = "solutions"
    resumes: ClassVar[bool] = True
    note: ClassVar[str] = (
        "The solutions are output of the model in column `source`, if one wrote them; its terms apply to them."
    )

    file: str = ""
    format: str | None = None
    problems: str | None = None
    test_questions: bool = False
    min_confidence: float = LEAST_CONFIDENCE

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 1:
            raise UsageError(f"min_confidence must be between 0 and 1, not {self.min_confidence}")

    def choices(self) -> dict[str, Any]:
        """Every field; a path is reduced to its file name."""
        chosen = super().choices()
        for name in ("file", "problems"):
            if chosen[name] and Path(chosen[name]).exists():
                chosen[name] = Path(chosen[name]).name
        return chosen

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """Where the solutions to each problem are.

        Raises:
            BadInputError: a line is not JSON, or holds no question or no solution.
        """
        path, is_array = _readable(Path(self.file).expanduser(), self.file)
        problems = self._problems()
        by_key = {question_key(problem.question): problem for problem in problems}
        test = gsm8k_test()
        places: dict[str, array[int]] = {}  # by problem: offset, length, line and number of the first solution
        numbers: dict[str, int] = {}
        tally = Tally()
        whole = hashlib.sha256()
        size, offset = path.stat().st_size, 0
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                whole.update(line)
                if line.removeprefix(BOM).strip():
                    where = _where(self.file, number, is_array)
                    try:
                        question, samples = self._parsed(line, where)
                    except LeftOut as error:
                        tally.counts["solutions"] += 1
                        tally.counts[f"solution left out/{error}"] += 1
                        _skip(tally, where, str(error))
                        offset += len(line)
                        continue
                    key = question_key(question)
                    tally.counts["solutions"] += len(samples)
                    problem = by_key.get(key)
                    if test.inside(question) and not self.test_questions:
                        tally.counts[TEST_QUESTION] += len(samples)
                    elif problem is not None and problem.id in DISPUTED:
                        tally.counts[BAD_REFERENCE] += len(samples)
                        _skip(tally, where, f"its reference solution {DISPUTED[problem.id]}")
                    elif problem is None:
                        tally.counts[NO_REFERENCE] += len(samples)
                        _skip(tally, where, NO_REFERENCE.partition("/")[2])
                    else:
                        first = numbers.get(problem.id, 0)
                        places.setdefault(problem.id, array("q")).extend((offset, len(line), number, first))
                        numbers[problem.id] = first + len(samples)
                offset += len(line)
                if progress and number % 5000 == 0:
                    progress("reading", offset, size)
        if not tally.counts["solutions"]:
            raise BadInputError(self.file, "no solutions in it")
        chosen = [problem for problem in problems if problem.id in places]
        whole.update(orjson.dumps([(p.id, p.question, p.answer, p.split) for p in chosen]))
        batches: dict[str, list[bytes]] = {}
        for split in ("train", "validation", "test"):
            own = [p for p in chosen if _split(p) == split]
            if own:
                batches[split] = list(_batches(own, places))
        if not batches:
            raise BadInputError(self.file, f"none of its solutions can be labelled: {tally.counted()}")
        return Inputs(batches, len(chosen), whole.hexdigest(), {}, tally)

    def explain(self, line: int) -> Iterator[str]:
        """The solutions of one line of the file, each beside the reference with what was matched to what.

        Raises:
            BadInputError: there is no such line, it cannot be read, or no problem asks its question.
        """
        from prm_gsm8k.label.solution import explain

        path, is_array = _readable(Path(self.file).expanduser(), self.file)
        where = _where(self.file, line, is_array)
        with path.open("rb") as file:
            text = next(islice(file, line - 1, line), b"")
        if not text.strip():
            raise BadInputError(where, "no such line, or an empty one")
        try:
            question, samples = self._parsed(text, where)
        except LeftOut as error:
            raise BadInputError(where, str(error)) from error
        key = question_key(question)
        problem = next((p for p in self._problems() if question_key(p.question) == key), None)
        if problem is None:
            raise BadInputError(where, NO_REFERENCE.partition("/")[2] + "; --problems FILE, or --test-questions")
        for sample in samples:
            yield explain(problem.question, problem.answer, [step for step in sample.steps if step]) + "\n"

    def _parsed(self, line: bytes, where: str) -> tuple[str, list[Sample]]:
        try:
            return read_record(parse_line(line.removeprefix(BOM)), self.format, labels=False)
        except LeftOut:
            raise
        except (BadLineError, ShapeError) as error:
            raise BadInputError(where, str(error)) from error

    def _samples(self, file: IO[bytes], places: list[int], is_array: bool) -> Iterator[tuple[str, int, Sample]]:
        """FILE:LINE, the number among the solutions of the problem, and the solution."""
        for at in range(0, len(places), 4):
            offset, length, line, first = places[at : at + 4]
            file.seek(offset)
            where = _where(self.file, line, is_array)
            _, samples = self._parsed(file.read(length), where)
            for number, sample in enumerate(samples, first):
                yield where, number, sample

    def _problems(self) -> list[Problem]:
        if self.problems is not None:
            return read_problems(self.problems)
        return [*shipped_problems("train"), *(shipped_problems("test") if self.test_questions else [])]

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of some problems, in the order in which their solutions stand in the file."""
        from prm_gsm8k.label.reference import Reference

        path, is_array = _readable(Path(self.file).expanduser(), self.file)
        with path.open("rb") as file:
            for entry in orjson.loads(batch):
                problem = Problem(**entry["problem"])
                reference = Reference(problem.question, problem.answer)
                samples = self._samples(file, entry["places"], is_array)
                yield from self._rows_of(problem, reference, samples, tally)

    def _rows_of(self, problem: Problem, reference: Any, samples: Any, tally: Tally) -> Iterator[dict[str, Any]]:
        from prm_gsm8k.label.solution import label_solution

        seen: set[tuple[str, ...]] = set()
        prefixes = Prefixes()
        for where, number, sample in samples:
            steps = tuple(step for step in sample.steps if step)
            if steps in seen:
                tally.counts[TWICE] += 1
                continue
            seen.add(steps)
            label = label_solution(problem.question, reference, steps)
            if label.first_error is None:
                tally.counts[CANNOT_TELL + label.kind] += 1
                _skip(tally, where, label.reason)
                continue
            if label.first_error >= 0 and label.confidence < self.min_confidence:
                tally.counts[CANNOT_TELL + UNSURE] += 1
                continue
            if (labels := prefixes.labels(steps, label.first_error)) is None:
                tally.counts[DISAGREES] += 1
                continue
            evidence: list[list[str]] = [[] for _ in steps]
            for item in label.evidence:
                evidence[item.step].append(f"{item.said}: {item.relation} {item.reference}".rstrip())
            yield {
                "prompt": problem.question,
                "completions": list(steps),
                "labels": labels,
                "id": f"{problem.id}/{number}",
                "problem_id": problem.id,
                "first_error": label.first_error,
                "error_type": "none" if label.first_error < 0 else "unknown",
                "answer": label.answer,
                "reference_answer": problem.answer.rpartition("####")[2].strip() or None,
                "values": None,
                "source": sample.source or Path(self.file).name.partition(".")[0] or "unknown",
                "error_kind": label.kind,
                "error_reason": label.reason if label.first_error >= 0 else "",
                "confidence": label.confidence,
                "evidence": ["; ".join(said) for said in evidence],
            }


def _split(problem: Problem) -> str:
    return "test" if gsm8k_test().inside(problem.question) else split_of(problem)


def _skip(tally: Tally, where: str, reason: str) -> None:
    """Name what was left out; of millions, the first are enough."""
    if len(tally.skipped) < MOST_NAMED:
        tally.skipped.append((where, reason))


# --- the file ---------------------------------------------------------------------------------------------------------


def _where(shown: str, number: int, is_array: bool) -> str:
    return f"{shown}[{number - 1}]" if is_array else f"{shown}:{number}"


def _readable(path: Path, shown: str) -> tuple[Path, bool]:
    """The path of a file of plain JSON lines, and whether they were an array.

    An array, or what is gzipped, is written as lines among the temporary files of this process.
    """
    if path.is_dir():
        raise BadInputError(shown, "a folder; give one file of JSON lines")
    try:
        with path.open("rb") as file:
            head = file.read(64).removeprefix(BOM).lstrip()
    except FileNotFoundError:
        raise no_such_file(shown) from None
    except OSError as error:
        raise BadInputError(shown, f"cannot be read: {error.strerror}") from error
    if head.startswith((GZIP, b"[")):
        about = path.stat()
        return _plain(path, shown, about.st_size, about.st_mtime_ns)
    if not head:
        raise BadInputError(shown, f"empty; {EXPECTED}")
    refuse_other_formats(head, shown)
    return path, False


@lru_cache(maxsize=4)  # forked processes that label find it written
def _plain(path: Path, shown: str, size: int, changed: int) -> tuple[Path, bool]:
    folder = Path(tempfile.mkdtemp(prefix="prm-gsm8k-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    if packed:
        plain, is_array = _readable(_unpacked(path, shown, folder), shown)
    else:
        plain, is_array = folder / "of_array.jsonl", True
        with plain.open("wb") as lines:
            write_rows(lines, (row for _, _, row in read_rows(path, shown)))
    return plain, is_array


def _unpacked(path: Path, shown: str, folder: Path) -> Path:
    try:
        with gzip.open(path) as packed, (folder / "lines.jsonl").open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_gzip(shown, error) from error
    except OSError as error:
        raise BadInputError(shown, f"cannot be unpacked into {folder}: {error.strerror}") from error
    return folder / "lines.jsonl"


def _batches(problems: list[Problem], places: dict[str, array[int]]) -> Iterator[bytes]:
    entries: list[dict[str, Any]] = []
    count = 0
    for problem in problems:
        own = places[problem.id].tolist()
        entries.append({"problem": problem, "places": own})
        count += len(own) // 4
        if count >= LINES_PER_BATCH:
            yield orjson.dumps(entries)
            entries, count = [], 0
    if entries:
        yield orjson.dumps(entries)
