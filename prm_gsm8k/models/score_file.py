"""Scores of many solutions in a file: a JSON line for each, in their order, added as they come.

    rows = read_solutions("solutions.jsonl")
    prm = load_scorer("org/prm")
    score_rows(prm, rows, Path("scores.jsonl"), scored_by=identity(prm, "org/prm"))

A line is the row as it was, with `steps` if it had no list of them, and after it

    scores                  P(correct) of each step
    score                   one number out of them, as `--aggregate` says
    predicted_first_error   index of the first step below the threshold, -1 if there is none
    scored_by               digest of the checkpoint, and its precision

so that it says itself where its numbers are from. Killed, the file has the lines that were done and perhaps half of one
more. The next run cuts that off, sees that each line there is the row of its place, scored by the same model, and goes
on behind it.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from prm_gsm8k.dataset.files import lock
from prm_gsm8k.dataset.formats import STEPS, ShapeError, read_record
from prm_gsm8k.dataset.jsonl import BadLineError, parse_line, to_line
from prm_gsm8k.dataset.jsonl import rows_of as lines_of
from prm_gsm8k.dataset.manifest import BuiltFolder
from prm_gsm8k.exceptions import BadInputError, StepsError, TokenizerError, UsageError
from prm_gsm8k.hub.rows import a_build, all_of, rows_of
from prm_gsm8k.metrics.steps import predicted_first_error
from prm_gsm8k.models.checkpoint import FILES, checkpoint_folder
from prm_gsm8k.models.step_scorer import AGGREGATES, Aggregate, StepScorer

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Progress

FEWEST, MOST = 64, 4096  # solutions scored between two writes: enough for batches of like length
SECONDS = 10.0  # a write should come this often, and no more is lost when the run is killed


@dataclass(frozen=True)
class Row:
    """A solution to score: all its columns, where it is from, `FILE:LINE` or a row's id, and why it cannot be read."""

    where: str
    columns: Mapping[str, Any]
    problem: str
    steps: Sequence[str]
    error: str | None = None


@dataclass
class Scored:
    """What was done. `kept` were there from an earlier run, `skipped` could not be scored; both are among `rows`."""

    scored_by: str
    rows: int = 0
    kept: int = 0
    skipped: int = 0
    steps: int = 0
    with_error: int = 0
    score_mean: float | None = None
    seconds: float = 0.0


def read_solutions(
    source: str | Path,
    *,
    config: str | None = None,
    split: str | None = None,
    format: str | None = None,
    skip_bad: bool = False,
) -> list[Row]:
    """Solutions of a file of any format (`-` is stdin), of a folder, or of `ORG/NAME[@REVISION]` on the Hub.

    Args:
        source: its other columns come along; where it has no list of the steps, `steps` is added.
        config, split: of a folder or repository; the first config and all its splits if None.
        format: of the rows; found by itself if None.
        skip_bad: a row that cannot be read is a `Row` with an `error`.

    Raises:
        BadInputError: no such file, or a line is no such thing; it says which.
        UsageError: no such config or split.
    """
    if str(source) == "-":
        rows: Iterable[tuple[str, Any]] = ((where, row) for _, where, row in lines_of(sys.stdin.buffer, "stdin"))
    elif (built := a_build(source)) is not None:
        return list(_of_a_build(built, config, split))
    else:
        rows = ((where, row) for where, _, row in rows_of(source, config, split, all_of))
    return [solution for where, row in rows for solution in _solutions(where, row, format, skip_bad)]


def _of_a_build(here: BuiltFolder, config: str | None, split: str | None) -> Iterator[Row]:
    from prm_gsm8k.dataset.folder import read_tables

    name = config or next(iter(here.manifest.configs))
    if name not in here.manifest.configs:
        raise UsageError(f"{here.name} has no config {name!r}; it has {', '.join(here.manifest.configs)}")
    tables = read_tables(here.folder, here.manifest, name)
    if split is not None and split not in tables:
        raise UsageError(f"{name} has no split {split!r}; it has {', '.join(tables)}")
    for table in [tables[split]] if split else tables.values():
        for batch in table.to_batches():
            for row in batch.to_pylist():
                yield Row(f"{here.name}: row {row['id']}", row, row["prompt"], row["completions"])


def _solutions(where: str, record: Mapping[str, Any], format: str | None, skip_bad: bool) -> Iterator[Row]:
    try:
        problem, samples = read_record(record, format, labels=False)
    except ShapeError as error:
        if not skip_bad:
            raise BadInputError(where, str(error)) from error
        yield Row(where, record, "", (), str(error))
        return
    for sample in samples:
        there = any(isinstance(record.get(key), list) and len(record[key]) == len(sample.steps) for key in STEPS)
        yield Row(where, record if there else {**record, "steps": sample.steps}, problem, sample.steps)


def identity(scorer: StepScorer, model: str | Path, revision: str | None = None) -> str:
    """What `scored_by` says: a digest of all that decides a checkpoint's scores, and its precision; a server's model.

    Args:
        scorer: what `load_scorer` made of `model`.
        model, revision: as there.
    """
    if str(model).startswith(("http://", "https://")):
        return f"vllm {getattr(scorer, 'model', '')}"
    folder = checkpoint_folder(model, revision)
    digest = hashlib.sha256()
    for path in sorted(path for kind in FILES for path in folder.glob(kind)):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    dtype = str(getattr(getattr(scorer, "model", None), "dtype", "")).removeprefix("torch.")
    return f"{digest.hexdigest()[:16]} {dtype}".rstrip()


def score_rows(
    scorer: StepScorer,
    rows: Sequence[Row],
    out: Path | None,
    *,
    scored_by: str,
    aggregate: Aggregate = "min",
    threshold: float = 0.5,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Scored:
    """Score rows into a file of JSON lines, behind what an earlier run of the same left there.

    Args:
        out: the file; stdout if None, and then nothing is kept.
        skip_bad: a row that cannot be scored gets null `scores` and the reason as `error`, instead of ending all.
        progress: called as `progress("scoring", done, all)`.

    Raises:
        BadInputError: a row cannot be scored, or a line of `out` is damaged.
        UsageError: `out` holds scores of other rows, by another model, or with other options.
        EngineError: a server gave up. What was scored so far is in the file.
    """
    if aggregate not in AGGREGATES:
        raise UsageError(f"aggregate is {', '.join(AGGREGATES)}, not {aggregate!r}")
    began = time.monotonic()
    done = Scored(scored_by)
    total = 0.0

    def line(row: Row, scores: Sequence[float] | None, error: str | None = None) -> bytes:
        nonlocal total
        done.rows += 1
        added: dict[str, Any] = {"scores": scores, "score": None, "predicted_first_error": None}
        if scores is None:
            done.skipped += 1
            added["error"] = error
        else:
            added["score"] = float(AGGREGATES[aggregate](scores))
            added["predicted_first_error"] = predicted_first_error(scores, threshold)
            done.steps += len(scores)
            done.with_error += added["predicted_first_error"] >= 0
            total += added["score"]
        return to_line({**row.columns, **added, "scored_by": scored_by})

    def check(row: Row, where: str, there: bytes) -> None:
        """That a line of an earlier run is what this one would write, but for the computing."""
        known = parse_line(there)
        if known.get("scored_by") != scored_by:
            raise UsageError(f"{where}: scored by {known.get('scored_by')}, not {scored_by}; name another --out")
        scores = known.get("scores")
        if scores is not None and len(scores) != len(row.steps):
            raise BadInputError(where, f"{len(scores)} scores for the {len(row.steps)} steps of {row.where}")
        if line(row, scores, known.get("error")) != there:
            raise UsageError(
                f"{where}: not what {row.where} gives with --aggregate {aggregate} --threshold {threshold:g}; it is of "
                "other solutions or options: name another --out"
            )

    with _writing(out) as (file, earlier):
        for there in earlier:
            where = f"{out}:{done.rows + 1}"
            if done.rows == len(rows):
                raise UsageError(f"{where}: there are only {len(rows):,} solutions to score; name another --out")
            try:
                check(rows[done.rows], where, there)
            except (BadLineError, TypeError) as error:
                raise BadInputError(where, f"not a line of scores ({error}); delete the file, or repair it") from error
        done.kept = done.rows
        if not skip_bad:
            _check_all(scorer, rows[done.rows :])
        at_once = FEWEST
        while done.rows < len(rows):
            if progress:
                progress("scoring", done.rows, len(rows))
            chunk = rows[done.rows : done.rows + at_once]
            start = time.monotonic()
            written = [line(row, *result) for row, result in zip(chunk, _score(scorer, chunk, skip_bad), strict=True)]
            file.write(b"".join(written))
            file.flush()
            took = time.monotonic() - start
            if took < SECONDS / 2:
                at_once = min(MOST, at_once * 2)
            elif took > 2 * SECONDS:
                at_once = max(FEWEST, at_once // 2)
    if progress:
        progress("scoring", done.rows, len(rows))
    done.seconds = time.monotonic() - began
    scored = done.rows - done.skipped
    done.score_mean = total / scored if scored else None
    return done


def _check_all(scorer: StepScorer, rows: Sequence[Row]) -> None:
    """See before anything is computed whether every row can be: thousands a second."""
    if (encoder := getattr(scorer, "encoder", None)) is None:
        return
    for row in rows:
        try:
            encoder.encode(row.problem, row.steps)
        except (StepsError, TokenizerError) as error:
            raise BadInputError(row.where, str(error)) from error


def _score(scorer: StepScorer, rows: Sequence[Row], skip_bad: bool) -> list[tuple[list[float] | None, str | None]]:
    """Scores of each row, or None and why not."""
    try:
        return [(scores, None) for scores in scorer.score_many([(row.problem, row.steps) for row in rows])]
    except (StepsError, TokenizerError) as error:
        if len(rows) == 1:
            if skip_bad:
                return [(None, rows[0].error or str(error).partition(": ")[2])]
            raise BadInputError(rows[0].where, str(error).partition(": ")[2]) from error
    half = len(rows) // 2  # where is it?
    return _score(scorer, rows[:half], skip_bad) + _score(scorer, rows[half:], skip_bad)


@contextmanager
def _writing(out: Path | None) -> Iterator[tuple[IO[bytes], Iterator[bytes]]]:
    """The file to add lines to, and the whole lines that it has; half a line at its end is cut off."""
    if out is None:
        yield sys.stdout.buffer, iter(())
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        file = out.open("a+b")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    with file:
        if lock(file.fileno()) is False:
            raise UsageError(f"{out} is being written by another run")
        file.seek(0)
        end, last = 0, b""
        for line in file:
            end, last = end + len(line), line
        if last and not _is_whole(last):
            file.truncate(end := end - len(last))
        file.seek(0)
        yield file, iter(lambda: file.readline() if file.tell() < end else b"", b"")


def _is_whole(line: bytes) -> bool:
    try:
        parse_line(line)
    except BadLineError:
        return False
    return line.endswith(b"\n")
