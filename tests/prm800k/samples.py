"""Lines of PRM800K: made by hand, and real ones (MIT, tests/data/prm800k)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "prm800k"

PROBLEM = "What is $2+3$?"


def said(text: str, rating: int | None = 1, flagged: bool | None = False) -> dict[str, Any]:
    """A completion and what the labeler thought of it."""
    return {"text": text, "rating": rating, "flagged": flagged}


def step(*completions: dict[str, Any], chosen: int | None = 0, human: str | None = None) -> dict[str, Any]:
    """A step: alternatives, which of them was chosen, and what the labeler wrote."""
    written = None if human is None else {"text": human, "rating": None, "source": "human", "flagged": False}
    return {"completions": list(completions), "human_completion": written, "chosen_completion": chosen}


def solution(*steps: dict[str, Any], problem: str = PROBLEM, finish: str = "solution", **fields: Any) -> dict[str, Any]:
    """A line as OpenAI released them."""
    return {
        "labeler": "e90a38f3-3135-4465-87af-3e6322e3d772",
        "timestamp": "2022-07-30T23:23:32.118856",
        "generation": None,
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {"problem": problem, "ground_truth_answer": "5"},
        "label": {"steps": list(steps), "total_time": 1, "finish_reason": finish},
        **fields,
    }


def right_then_wrong(problem: str) -> dict[str, Any]:
    """A line that makes two rows."""
    return solution(
        step(said("Add them.")), step(said("It is 5.\n\n# Answer\n\n5"), said("It is 6.", -1)), problem=problem
    )


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """A file of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def original_lines() -> list[dict[str, Any]]:
    """Six untouched lines: four of phase 1, two of phase 2, of which the last is a screening question."""
    return [json.loads(line) for line in (DATA / "original_lines.jsonl").read_text().splitlines()]


def phase1_test() -> list[dict[str, Any]]:
    """All 106 solutions of phase 1 test (labelers, times and flags are lost)."""
    with gzip.open(DATA / "phase1_test_rebuilt.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]
