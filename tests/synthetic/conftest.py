"""The rows of 1,500 problems, made once for all tests that look at rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # of which stale_values is used here, too


@dataclass
class Generated:
    """Problems, their rows, and what was counted on the way."""

    problems: Sequence[Problem]
    rows: list[dict[str, Any]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


@pytest.fixture(scope="session")
def generated() -> Generated:
    made = Generated(shipped_problems("train")[:1500])
    made.rows.extend(generate(made.problems, SyntheticOptions(), made.tally))
    return made
