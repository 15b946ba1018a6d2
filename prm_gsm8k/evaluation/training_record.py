"""Refuses to evaluate a model on questions it was trained on.

`train_prm.py` writes `prm_training.json` beside the weights, which contains

    {"data": {"problems": ["<16 hex digits of problem_digest(question)>", …]},
     "threshold": {"value": 0.42, "chosen_on": "org/prm-gsm8k synthetic/validation"}}

Without that file, as for other people's checkpoints and for servers, the training data is unknown; the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.evaluation.benchmarks import Solution
from prm_gsm8k.exceptions import CheckpointError, ContaminationError

FILE = "prm_training.json"  # beside the weights


@dataclass(frozen=True)
class Training:
    """A checkpoint's record of its training: digests of the questions, and the threshold chosen on validation."""

    problems: frozenset[str]
    threshold: float | None = None
    chosen_on: str = ""


@dataclass(frozen=True)
class Seen:
    """How many of a benchmark's questions a model was trained on, and the place of the first one."""

    seen: int
    questions: int
    first: str


def read_training(folder: Path) -> Training | None:
    """The training record of the checkpoint in a folder; None if it has none.

    Raises:
        CheckpointError: the record is malformed.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        record = orjson.loads(path.read_bytes())
        problems = record["data"]["problems"]
        threshold = record.get("threshold") or {}
        value = threshold.get("value")
        if not all(isinstance(digest, str) and len(digest) == 16 for digest in problems):
            raise ValueError("data.problems are not digests of 16 digits")
        if value is not None and not 0 <= float(value) <= 1:
            raise ValueError(f"threshold.value is {value}, outside [0, 1]")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(f"{path} is not what train_prm.py writes: {what}") from error
    return Training(frozenset(problems), None if value is None else float(value), str(threshold.get("chosen_on", "")))


def seen_in_training(training: Training, solutions: Sequence[Solution]) -> Seen:
    """How many questions of these solutions a model was trained on."""
    places: dict[str, str] = {}
    for solution in solutions:
        places.setdefault(problem_digest(solution.problem), solution.where)
    seen = [where for digest, where in places.items() if digest in training.problems]
    return Seen(len(seen), len(places), seen[0] if seen else "")


def refuse_trained_on(model: str, seen: Seen, data: str) -> None:
    """Raises ContaminationError if a model was trained on a question of the data."""
    if seen.seen:
        raise ContaminationError(
            f"{model} was trained on {seen.seen:,} of the {seen.questions:,} questions of {data} (the first: "
            f"{seen.first}); its results there do not generalize. Remove them from the data, or pass "
            "--allow-trained-on"
        )
