"""What a line of PRM800K must be, and which lines belong to which problem: one pass, of which only positions are kept.

The labelled solutions of a problem lie scattered over the files. So the files are read twice: here, to check every
line and to note where it lies (21 bytes a line in memory, whatever its length), and when rows are made, problem by
problem, in any process, from the positions alone. That is why lines are counted in bytes here, and not read by
`dataset.jsonl.read_rows`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from prm_gsm8k.dataset.jsonl import EXPECTED, BadLineError, parse_line, refuse_other_formats
from prm_gsm8k.dataset.recipe import Progress
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError

BYTES_PER_BATCH = 1 << 16  # some hundredths of a second of work, and at most 0.5 MB of rows
NAMED = 3  # how many of the bad lines a message names
FORMAT = "one labelled solution of PRM800K a line, as OpenAI released them"


class Line(NamedTuple):
    """A line that can be used: its number in the file, from 1, where it lies, and what it says."""

    number: int
    offset: int
    length: int
    solution: Mapping[str, Any]


@dataclass
class Positions:
    """Where lines lie, and what is needed to choose among them: one entry a line in each array.

    `file`, `offset` and `length` find a line; `problem` is the number of its problem; `rows` are at most as
    many rows as it can make.
    """

    file: array[int] = field(default_factory=lambda: array("B"))
    offset: array[int] = field(default_factory=lambda: array("q"))
    length: array[int] = field(default_factory=lambda: array("i"))
    problem: array[int] = field(default_factory=lambda: array("i"))
    rows: array[int] = field(default_factory=lambda: array("i"))

    def add(self, file: int, line: Line, problem: int) -> None:
        """Note where a line lies."""
        self.file.append(file)
        self.offset.append(line.offset)
        self.length.append(line.length)
        self.problem.append(problem)
        self.rows.append(most_rows(line.solution))

    def by_problem(self) -> dict[int, list[int]]:
        """The lines of each problem; problems in the order in which they were met, lines in that of the files."""
        groups: dict[int, list[int]] = {}
        for i, problem in enumerate(self.problem):
            groups.setdefault(problem, []).append(i)
        return dict(sorted(groups.items()))

    def batches(self, groups: list[list[int]], files: list[tuple[str, str]]) -> list[bytes]:
        """Groups of lines in batches of some 64 kB: `{"files": …, "problems": [[[file, offset, length], …], …]}`."""
        batches: list[bytes] = []
        problems: list[list[tuple[int, int, int]]] = []
        size = 0
        for group in groups:
            problems.append([(self.file[i], self.offset[i], self.length[i]) for i in group])
            size += sum(self.length[i] for i in group)
            if size >= BYTES_PER_BATCH:
                batches.append(orjson.dumps({"files": files, "problems": problems}))
                problems, size = [], 0
        if problems:
            batches.append(orjson.dumps({"files": files, "problems": problems}))
        return batches


def read_batch(batch: bytes) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """The lines of each problem of a batch, one at a time: the phase of its file, and its content.

    They were checked before. Take those of a problem before the next problem.
    """
    content = orjson.loads(batch)
    with ExitStack() as stack:
        files = [stack.enter_context(open(path, "rb", buffering=0)) for path, _ in content["files"]]

        def lines(places: list[list[int]]) -> Iterator[tuple[str, dict[str, Any]]]:
            for file, offset, length in places:
                path, phase = content["files"][file]
                files[file].seek(offset)
                try:
                    yield phase, parse_line(files[file].read(length))
                except BadLineError as error:
                    raise PrmGsm8kError(f"{path}: changed while it was read; build again") from error

        for places in content["problems"]:
            yield lines(places)


@dataclass
class BadLines:
    """The lines of one file that cannot be used: `FILE:LINE` and what is wrong."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self) -> None:
        """Raises BadInputError if there is one."""
        if not self.found:
            return
        (where, what), *others = self.found
        named = ", ".join(place for place, _ in others[: NAMED - 1])
        more = f" and {len(others) - (NAMED - 1)} more" if len(others) > NAMED - 1 else ""
        also = f"; {len(others)} more bad line{'s' if len(others) > 1 else ''}: {named}{more}" if others else ""
        raise BadInputError(where, f"{what}{also}. --skip-bad-lines leaves such lines out and counts them")


def read_lines(path: Path, shown: str, bad: BadLines, progress: Progress | None = None) -> Iterator[Line]:
    """The good lines of a file; bad ones go to `bad`.

    Raises BadInputError at once for a file that is no JSONL at all.
    """
    size = path.stat().st_size
    told = 0
    with path.open("rb", buffering=1 << 20) as file:
        start = file.read(1 << 10)
        file.seek(0)
        if not size or not start.strip():
            raise BadInputError(shown, f"empty; {EXPECTED}")
        refuse_other_formats(start, shown)
        offset = 0
        for number, line in enumerate(file, 1):
            if not line.isspace():
                try:
                    yield Line(number, offset, len(line), parsed(line))
                except BadLineError as error:
                    bad.found.append((f"{shown}:{number}", str(error)))
            offset += len(line)
            if progress and offset - told > 1 << 23:
                told = offset
                progress(f"reading {path.name}", offset, size)


def parsed(line: bytes) -> dict[str, Any]:
    """The content of a line. Raises BadLineError for one that is not as released."""
    solution = parse_line(line)
    if wrong := fault_of(solution):
        raise BadLineError(f"{wrong}; expected {FORMAT}")
    return solution


def fault_of(solution: dict[str, Any]) -> str | None:
    """What is missing or unexpected in a labelled solution, in one line; None if nothing is.

    >>> fault_of({"question": {"problem": "1+1?"}, "label": {"steps": [{"completions": [{"text": "2", "rating": 5}],
    ...           "human_completion": None, "chosen_completion": 0}]}})
    'steps[0].completions[0].rating is 5, not -1, 0, 1 or null'
    """
    for group, key in (("question", "problem"), ("label", "steps")):
        if group not in solution:
            return f"no {group!r}"
        if not isinstance(solution[group], dict) or key not in solution[group]:
            return f"no '{group}.{key}'"
    problem, steps = solution["question"]["problem"], solution["label"]["steps"]
    if not isinstance(problem, str) or not problem.strip():
        return f"question.problem is {'empty' if isinstance(problem, str) else type(problem).__name__}, not text"
    if not isinstance(steps, list):
        return f"label.steps is {type(steps).__name__}, not a list"
    for i, step in enumerate(steps):
        if not isinstance(step, dict):
            return f"steps[{i}] is {type(step).__name__}, not an object"
        for key in ("completions", "human_completion", "chosen_completion"):
            if key not in step:
                return f"no 'steps[{i}].{key}'"
        completions, human, chosen = step["completions"], step["human_completion"], step["chosen_completion"]
        if completions is None:
            completions = []
        if not isinstance(completions, list):
            return f"steps[{i}].completions is {type(completions).__name__}, not a list"
        for j, completion in enumerate(completions):
            if wrong := _fault_of_completion(completion):
                return f"steps[{i}].completions[{j}]{wrong}"
        if human is not None and (wrong := _fault_of_completion(human, written=True)):
            return f"steps[{i}].human_completion{wrong}"
        if chosen is not None and (type(chosen) is not int or not 0 <= chosen < len(completions)):
            return f"steps[{i}].chosen_completion is {chosen!r} of {len(completions)} completions"
    return None


def _fault_of_completion(completion: Any, written: bool = False) -> str | None:
    if not isinstance(completion, dict):
        return f" is {type(completion).__name__}, not an object"
    for key in ("text",) if written else ("text", "rating"):
        if key not in completion:
            return f" has no {key!r}"
    text, rating = completion["text"], completion.get("rating")
    if text is not None and type(text) is not str:
        return f".text is {type(text).__name__}, not text"
    if rating is not None and (type(rating) is not int or not -1 <= rating <= 1):
        return f".rating is {orjson.dumps(rating).decode()}, not -1, 0, 1 or null"
    return None


def most_rows(solution: Mapping[str, Any]) -> int:
    """No solution makes more rows than this: one for its path, and one for each completion beside it."""
    return 1 + sum(
        len(step["completions"] or ()) - (step["chosen_completion"] is not None) for step in solution["label"]["steps"]
    )
