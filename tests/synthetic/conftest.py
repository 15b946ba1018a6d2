"""The rows of 1,000 problems, made once for all tests that look at rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate


@dataclass
class Generated:
    """Problems, their rows, and what was counted on the way."""

    problems: Sequence[Problem]
    rows: list[dict[str, Any]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


@pytest.fixture(scope="session")
def generated() -> Generated:
    made = Generated(shipped_problems("train")[:1000])
    made.rows.extend(generate(made.problems, SyntheticOptions(), made.tally))
    return made
