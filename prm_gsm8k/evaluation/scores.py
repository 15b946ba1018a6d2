"""Scores of a model for all solutions, kept as they come: a run that was killed goes on where it was.

    OUT/scores/3f1c….jsonl       one line a solution: {"n": 17, "scores": [0.98, 0.41]}

The name is a digest of the model's files, the data, the number format and the kind of device; so nothing is ever taken
for the scores of another checkpoint or of other data. Of a model that cannot be digested, one behind a server, nothing
is kept.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from prm_gsm8k.dataset.jsonl import BadLineError, parse_line, write_rows
from prm_gsm8k.evaluation.benchmarks import Solution
from prm_gsm8k.evaluation.training_record import FILE as TRAINING
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, StepsError
from prm_gsm8k.models.step_scorer import StepScorer

Progress = Callable[[str, int, int], None]

CHUNK = 128  # solutions scored between two writes: two forwards on a GPU, seconds of a small model on a CPU


def checkpoint_digest(folder: Path) -> str:
    """32 hexadecimal digits of all files of a checkpoint that decide its scores: weights, tokenizer, configs."""
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".json", ".jinja", ".model", ".txt") and path.name != TRAINING:
            with path.open("rb") as file:
                part = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32))
            whole.update(f"{path.relative_to(folder)}\0{part.hexdigest()}\n".encode())
    return whole.hexdigest()


def score(
    name: str,
    scorer: StepScorer,
    solutions: Sequence[Solution],
    kept: Path | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> list[list[float]]:
    """P(correct) of each step of each solution, in their order.

    Those to one problem go to the scorer together, and of these those of like length. The longest come first: what does
    not fit fails at once.

    Args:
        name: of the model, for errors.
        scorer: what scores.
        solutions: what is scored.
        kept: the file of scores that are there already, which grows; None to keep nothing.
        progress: called after each chunk.
        announce: told how many were scored, and how fast.

    Raises:
        BadInputError: a solution that cannot be scored, another number of scores than steps, or a score that is none;
            by the place of its row.
    """
    scores: dict[int, list[float]] = dict(_read(kept, solutions)) if kept is not None else {}
    left = [n for n in _by_length(solutions) if n not in scores]
    done, began = len(scores), time.monotonic()
    for start in range(0, len(left), CHUNK):
        chunk = left[start : start + CHUNK]
        if progress is not None:
            progress(f"scoring {name}", done + start, len(solutions))
        new = dict(zip(chunk, _checked(name, scorer, [solutions[n] for n in chunk]), strict=True))
        if kept is not None:
            _append(kept, new)
        scores |= new
    if progress is not None:
        progress(f"scoring {name}", len(solutions), len(solutions))
    seconds = time.monotonic() - began
    took = f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.1f} seconds"
    speed = f"{len(left):,} solutions scored in {took} ({len(left) / max(seconds, 1e-9):,.1f} solutions/s)"
    before = f"{done:,} scores were there already" if done else ""
    announce(f"{name}: {', '.join(filter(None, [speed if left else '', before]))}")
    return [scores[n] for n in range(len(solutions))]


def _by_length(solutions: Sequence[Solution]) -> list[int]:
    length = [len(s.problem) + sum(map(len, s.steps)) for s in solutions]
    longest: dict[str, int] = {}
    for s, n in zip(solutions, length, strict=True):
        longest[s.problem] = max(n, longest.get(s.problem, 0))
    return sorted(
        range(len(solutions)), key=lambda n: (-longest[solutions[n].problem], solutions[n].problem, -length[n])
    )


def _checked(name: str, scorer: StepScorer, chunk: Sequence[Solution]) -> list[list[float]]:
    """Scores of a chunk, one a step of each, all of them probabilities."""
    try:
        found = scorer.score_many([(s.problem, s.steps) for s in chunk])
    except StepsError:
        for solution in chunk:  # which of them it is
            try:
                scorer.score_many([(solution.problem, solution.steps)])
            except StepsError as error:
                said = str(error).removeprefix("solution 0: ")
                raise BadInputError(solution.where, f"{name} cannot score it: {said}") from error
        raise
    if len(found) != len(chunk):
        raise PrmGsm8kError(f"{name} scored {len(found)} solutions of {len(chunk)}; the first is {chunk[0].where}")
    for solution, line in zip(chunk, found, strict=True):
        if len(line) != len(solution.steps):
            raise BadInputError(solution.where, f"{name} gave {len(line)} scores for its {len(solution.steps)} steps")
        for i, score in enumerate(line):
            if not (isinstance(score, (int, float)) and 0 <= score <= 1):
                what = "nan" if isinstance(score, float) and math.isnan(score) else repr(score)
                raise BadInputError(solution.where, f"{name} scored step {i} {what}, which is no probability")
    return [[float(score) for score in line] for line in found]


def _read(path: Path, solutions: Sequence[Solution]) -> Iterator[tuple[int, list[float]]]:
    """What is kept already. A line that a kill cut short is no line."""
    if not path.is_file():
        return
    whole, _, cut = path.read_bytes().rpartition(b"\n")
    if cut:
        with path.open("r+b") as file:
            file.truncate(len(whole) + 1 if whole else 0)
    for i, line in enumerate(whole.splitlines(), 1):
        try:
            row = parse_line(line)
            n, scores = row["n"], row["scores"]
            fits = len(scores) == len(solutions[n].steps)
        except (BadLineError, KeyError, TypeError, IndexError):
            fits = False
        if not fits:
            raise BadInputError(f"{path}:{i}", "not scores that were kept here; delete the file to score anew")
        yield n, scores


def _append(path: Path, new: dict[int, list[float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        write_rows(file, ({"n": n, "scores": line} for n, line in new.items()))
        file.flush()
        os.fsync(file.fileno())
