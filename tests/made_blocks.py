"""The blocks of one problem, for the tests of families."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Block, blocks, read_problem
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import FAMILIES

MISREADINGS = tuple(family for family in FAMILIES if family.misreads)


def blocks_of(
    problem: Problem,
    families: Sequence[Family] = MISREADINGS,
    *,
    seed: int = 0,
    most: int = 1,
    tally: Tally | None = None,
) -> list[Block]:
    """Up to `most` blocks of each family."""
    tally = tally or Tally()
    read = read_problem(problem, tally)
    return [] if read is None else list(blocks(read, Random(f"{seed}/{problem.id}"), tally, families, most))
