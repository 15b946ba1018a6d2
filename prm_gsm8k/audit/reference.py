"""Statistics of real solutions to compare with: shipped ones, or those of the user's file.

`measure.py` made the shipped ones, from 797 incorrect solutions of language models to GSM8K train questions whose first
error a teacher marked (eth-lre/verify-then-generate, Daheim et al. 2024, CC BY 4.0). They contain no text. `people` is
what the audit measures on those and on PRM800K's phase 1 test (MIT), by the names of its lines: what people labelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from prm_gsm8k.audit.arithmetic import false_equation_shares
from prm_gsm8k.audit.error_positions import Positions, error_positions
from prm_gsm8k.audit.features import extract_features
from prm_gsm8k.audit.probe import judged_steps, resample_problems, sample_problems, shortcut_probe
from prm_gsm8k.audit.solutions import Solution, read_data
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.metrics.intervals import Estimate

SHIPPED = "real_solutions.json"
NAMES = ("teachers' marks", "PRM800K")  # of what people labelled
People = Mapping[str, Mapping[str, Estimate]]
"""Name of the data -> what of a line of the audit -> what it shows there."""


@dataclass(frozen=True)
class Reference:
    """Statistics of real solutions; the names are those of the JSON.

    Attributes:
        name: their source.
        wrong, right: number of incorrect and of correct solutions.
        shape: positions of the first errors.
        false_equations: share of first errors that state a false equation.
        surface, position: the shortcut probe's AUC on all solutions, None without correct ones.
        surface_of_wrong, position_of_wrong: the same on incorrect solutions alone.
        people: what data that people labelled show; empty for a reference of the user's, which then is the measure.
    """

    name: str
    wrong: int
    right: int
    shape: Positions
    false_equations: Estimate
    surface: Estimate | None
    position: Estimate | None
    surface_of_wrong: Estimate
    position_of_wrong: Estimate
    people: People = field(default_factory=dict)


def reference_of(name: str, solutions: Sequence[Solution], seed: int = 0) -> Reference:
    """Measure real solutions as the audit measures data."""
    incorrect = [solution for solution in solutions if solution.first_error >= 0]
    false = false_equation_shares(solutions, resample_problems(solutions, seed))["first_errors"]
    assert false is not None  # read_data requires a first error
    alone = shortcut(incorrect, seed)
    both = shortcut(solutions, seed) if len(incorrect) < len(solutions) else {"surface": None, "position": None}
    return Reference(
        name=name,
        wrong=len(incorrect),
        right=len(solutions) - len(incorrect),
        shape=error_positions(solutions),
        false_equations=false,
        surface=both["surface"],
        position=both["position"],
        surface_of_wrong=alone["surface"],
        position_of_wrong=alone["position"],
    )


def shortcut(solutions: Sequence[Solution], seed: int) -> dict[str, Any]:
    """The shortcut probe on (a sample of) the solutions."""
    sample = sample_problems(solutions, seed)
    steps = judged_steps(sample)
    return shortcut_probe(sample, steps, extract_features(steps.texts), resample_problems(sample, seed), seed)


@cache
def shipped_reference() -> Reference:
    """The statistics in real_solutions.json."""
    stored = orjson.loads(files("prm_gsm8k.audit").joinpath(SHIPPED).read_bytes())
    numbers: dict[str, Any] = {
        name: None if stored[name] is None else Estimate(**stored[name])
        for name in ("false_equations", "surface", "position", "surface_of_wrong", "position_of_wrong")
    }
    shape = {(steps, correct): n for steps, correct, n in stored["shape"]}
    people = {
        name: {what: Estimate(value, low, high, 0) for what, (value, low, high) in found.items()}
        for name, found in stored["people"].items()
    }
    return Reference(stored["name"], stored["wrong"], stored["right"], shape, people=people, **numbers)


def read_reference(path: str | Path, seed: int = 0) -> Reference:
    """Measure a file of real solutions: `problem`, `steps`, `label`, or any rows that the audit reads.

    Raises:
        BadInputError: a row is malformed, or fewer than 40 solutions are incorrect.
    """
    data = read_data(path)
    incorrect = sum(solution.first_error >= 0 for solution in data.solutions)
    if incorrect < 40:
        raise BadInputError(
            str(path), f"{incorrect} incorrect solutions; a reference needs 40, so that its halves can be compared"
        )
    return reference_of(Path(path).name, data.solutions, seed)


def as_json(reference: Reference) -> dict[str, Any]:
    """As in real_solutions.json."""
    shape = [[*position, n] for position, n in sorted(reference.shape.items())]
    people = {
        name: {what: [number.value, number.low, number.high] for what, number in found.items()}
        for name, found in reference.people.items()
    }
    return {**asdict(reference), "shape": shape, "people": people}
