"""What real solutions are like: numbers that are shipped, or of a file of the user's.

    python -m prm_gsm8k.audit.reference first_error.jsonl > prm_gsm8k/audit/real_solutions.json

made the numbers that are shipped, from 797 wrong solutions of language models to GSM8K train questions whose first
error a teacher marked (eth-lre/verify-then-generate, Daheim et al. 2024, CC BY 4.0). No text of theirs is in it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from prm_gsm8k.audit.arithmetic import false_equation_shares
from prm_gsm8k.audit.error_positions import Shape, shape_of
from prm_gsm8k.audit.estimate import Number
from prm_gsm8k.audit.features import see
from prm_gsm8k.audit.probe import draw_problems, judged_steps, shortcut_probe, some_problems
from prm_gsm8k.audit.solutions import Solution, read_data
from prm_gsm8k.exceptions import BadInputError

SHIPPED = "real_solutions.json"


@dataclass(frozen=True)
class Reference:
    """Real solutions as numbers.

    Attributes:
        name: where they are from.
        wrong, right: how many solutions.
        shape: of the wrong ones.
        false_equations: share of first errors that state a false equation.
        surface, position: the shortcut probe on wrong and right solutions, None if there are no right ones.
        surface_of_wrong, position_of_wrong: the same on wrong solutions alone.
    """

    name: str
    wrong: int
    right: int
    shape: Shape
    false_equations: Number
    surface: Number | None
    position: Number | None
    surface_of_wrong: Number
    position_of_wrong: Number


def reference_of(name: str, solutions: Sequence[Solution], seed: int = 0) -> Reference:
    """Measure real solutions as the audit measures data."""
    draws = draw_problems(solutions, seed)
    wrong = [one for one in solutions if one.first_error >= 0]
    false = false_equation_shares(solutions, draws)["first_errors"]
    assert false is not None  # read_data sees to it that some are wrong
    alone = shortcut(wrong, seed)
    both = shortcut(solutions, seed) if len(wrong) < len(solutions) else {"surface": None, "position": None}
    return Reference(
        name=name,
        wrong=len(wrong),
        right=len(solutions) - len(wrong),
        shape=shape_of(solutions),
        false_equations=false,
        surface=both["surface"],
        position=both["position"],
        surface_of_wrong=alone["surface"],
        position_of_wrong=alone["position"],
    )


def shortcut(solutions: Sequence[Solution], seed: int) -> dict[str, Any]:
    """The shortcut probe on solutions, or on those to some of the problems if there are very many."""
    some = some_problems(solutions, seed)
    steps = judged_steps(some)
    return shortcut_probe(some, steps, see(steps.texts), draw_problems(some, seed), seed)


def shipped_reference() -> Reference:
    """The numbers that lie beside this module."""
    stored = orjson.loads(files("prm_gsm8k.audit").joinpath(SHIPPED).read_bytes())
    numbers: dict[str, Any] = {
        name: None if stored[name] is None else Number(**stored[name])
        for name in ("false_equations", "surface", "position", "surface_of_wrong", "position_of_wrong")
    }
    shape = {(steps, right): n for steps, right, n in stored["shape"]}
    return Reference(stored["name"], stored["wrong"], stored["right"], shape, **numbers)


def read_reference(path: str | Path, seed: int = 0) -> Reference:
    """Measure a file of real solutions: `problem`, `steps`, `label`, or rows as the audit reads them.

    Raises:
        BadInputError: a row is not what it must be, or fewer than 40 solutions are wrong, too few to compare.
    """
    data = read_data(path)
    wrong = sum(one.first_error >= 0 for one in data.solutions)
    if wrong < 40:
        raise BadInputError(
            str(path), f"{wrong} wrong solutions; a reference needs 40, so that its halves can be compared"
        )
    return reference_of(Path(path).name, data.solutions, seed)


def as_json(reference: Reference) -> dict[str, Any]:
    """All of it, as it is shipped."""
    shape = [[*cell, n] for cell, n in sorted(reference.shape.items())]
    return {**asdict(reference), "shape": shape}


if __name__ == "__main__":
    measured = as_json(read_reference(sys.argv[1])) | {
        "name": "eth-lre/verify-then-generate, 797 solutions to GSM8K train questions marked by teachers (CC BY 4.0)"
    }
    sys.stdout.buffer.write(orjson.dumps(measured, option=orjson.OPT_APPEND_NEWLINE))
