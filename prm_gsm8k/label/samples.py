"""Solutions as people have them: the shapes of a JSON line that are understood, and what each holds.

| shape | what it holds |
|---|---|
| `prompt`, `completions` or `problem`, `steps` | one solution, already cut into steps |
| `problem`, `question` or `prompt`, with one of `TEXTS` | one text, or a list of texts: several samples |
| the same with one of `SEVERAL` | several samples |
| `doc` with `question`, and `resps` | a sample log of lm-evaluation-harness |
| `question`, and models with a `solution` each | `example_model_solutions` of openai/grade-school-math |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

QUESTIONS = ("problem", "question", "prompt")
TEXTS = ("solution", "response", "output", "completion", "generated_text")
SEVERAL = ("solutions", "responses", "outputs", "samples", "generations")
EXPECTED = (
    "expected a question (problem, question or prompt) with steps or completions (a list: the steps of one solution), "
    "solution, response or output (a text), or solutions (a list of texts); or a sample log of lm-evaluation-harness"
)


class ShapeError(ValueError):
    """A record is of no shape that is understood; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One solution: its steps, or its text to be cut into steps; who wrote it, where the record says."""

    steps: list[str] | None
    text: str
    source: str | None


def read_record(record: object) -> tuple[str, list[Sample]]:
    """The question of a record, and its solutions.

    Raises:
        ShapeError: it has none of the shapes above.
    """
    if not isinstance(record, Mapping):
        raise ShapeError(f"a JSON {type(record).__name__}, not an object; {EXPECTED}")
    if isinstance(doc := record.get("doc"), Mapping):
        return _question(doc), _harness(record)
    question = _question(record)
    source = next((record[name] for name in ("source", "model") if isinstance(record.get(name), str)), None)
    for name in ("completions", "steps"):
        if isinstance(steps := record.get(name), list):
            if not all(isinstance(step, str) for step in steps):
                raise ShapeError(f"{name} holds something that is no text; {EXPECTED}")
            return question, [Sample(steps, "", source)]
    for name in (*TEXTS, *SEVERAL):
        value = record.get(name)
        if isinstance(value, str):
            return question, [Sample(None, value, source)]
        if isinstance(value, list):
            if not all(isinstance(text, str) for text in value):
                raise ShapeError(f"{name} holds something that is no text; {EXPECTED}")
            return question, [Sample(None, text, source) for text in value]
    models = [
        Sample(None, value["solution"], name)
        for name, value in record.items()
        if isinstance(value, Mapping) and isinstance(value.get("solution"), str)
    ]
    if not models:
        raise ShapeError(f"no solution in it, only {', '.join(map(repr, record)) or 'nothing'}; {EXPECTED}")
    return question, models


def _question(record: Mapping[str, Any]) -> str:
    for name in QUESTIONS:
        if isinstance(record.get(name), str) and record[name].strip():
            return str(record[name])
    raise ShapeError(f"no question in it; {EXPECTED}")


def _harness(record: Mapping[str, Any]) -> list[Sample]:
    found: list[Sample] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            found.append(Sample(None, value, None))
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(record.get("resps"))
    if not found:
        raise ShapeError("no resps in it: log samples of a generation task with lm_eval --log_samples")
    return found
