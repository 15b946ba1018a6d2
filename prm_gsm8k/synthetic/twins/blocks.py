"""Blocks of twins: a question and its twin, the solution of each, equal up to one step.

    Q   … and half as many in May …                Q'  … and twice as many in May …
    S   Natalia sold 48/2 = 24 clips in May. …     S'  Natalia sold 48*2 = 96 clips in May. …

    under Q:   S is correct, S' is incorrect from step k on
    under Q':  S' is correct, S is incorrect from step k on

So each contested step stands as often as correct as it stands as a first error, and whoever does not read the question
cannot tell which it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.checker.block_checker import BlockChecker
from prm_gsm8k.synthetic.numbers import Value, write_number
from prm_gsm8k.synthetic.parse import UnreadableError, read_solution
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.families import FAMILIES
from prm_gsm8k.synthetic.twins.graph import join
from prm_gsm8k.synthetic.twins.held_out import is_test_question
from prm_gsm8k.synthetic.twins.question import read_question
from prm_gsm8k.synthetic.twins.reviewed import LEFT_OUT
from prm_gsm8k.synthetic.twins.solve import Refused, Solved, reference_steps, solve

# Let x be …, 3P = 36, x + 4: unknowns carry relations that the graph does not hold.
_ALGEBRA = re.compile(
    r"\b[Ll]et (?:us |the )?\w+(?: \w+){0,4} (?:be|represent|equal|denote)\b|\b[Ll]et(?:'s say| us say)? [a-zA-Z]\b"
    r"|(?<![A-Za-z'’])\d*[nopqwxyzNPQXYZ] ?[-+=](?!\w)|[-+=] ?\d*[npqwyzNPQXYZ](?![A-Za-z'’.])|\bequation\b"
    r"|\d[a-fnpqwxyz]\b"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Two questions and two solutions. What is said of `edit` and `reason` is what a person misread.

    Attributes:
        problem: the problem; its question is Q.
        family: how Q was edited.
        edit: the edit; its question is Q'.
        steps, twin_steps: S and S', without a conclusion.
        first_error: k, the first step in which they differ; the length of the one that concludes where the other
            goes on.
        answer, twin_answer: what they come to.
    """

    problem: Problem
    family: Family
    edit: Edit
    steps: tuple[str, ...]
    twin_steps: tuple[str, ...]
    first_error: int
    answer: str
    twin_answer: str


def blocks(
    problem: Problem,
    seed: int = 0,
    families: Sequence[Family] = FAMILIES,
    most: int = 1,
    tally: Tally | None = None,
) -> Iterator[Block]:
    """The blocks of a problem: of each family that applies up to `most`, in the order of `families`.

    A block depends on its problem, the seed and the families alone. What is left out is counted in `tally` by reason.
    """
    tally = Tally() if tally is None else tally
    if problem.id in LEFT_OUT:
        tally.counts["problem skipped/its reference solution is wrong"] += 1
        tally.skipped.append((problem.where, LEFT_OUT[problem.id]))
        return
    try:
        solution = read_solution(problem.question, problem.answer)
    except UnreadableError as error:
        tally.counts[f"problem skipped/{error}"] += 1
        tally.skipped.append((problem.where, str(error)))
        return
    graph = join(read_question(problem.question), solution)
    reference = tuple(reference_steps(graph))
    if any(map(_ALGEBRA.search, reference)):
        tally.counts["problem skipped/algebra"] += 1
        tally.skipped.append((problem.where, "algebra: its relations stand in what is not read"))
        return
    checker: BlockChecker | None = None
    rng = Random(f"{seed}/{problem.id}")
    for family in families:
        made = 0
        for edit in family.edits(graph, rng):
            try:
                solved = solve(graph, edit.change)
            except Refused as refusal:
                tally.counts[f"edit refused/{family.name}/{refusal}"] += 1
                continue
            block = _block(problem, family, edit, reference, solved, solution.answer_text)
            checker = checker or BlockChecker(problem.question, reference, solution.answer_text)
            refused = _refusal(block, checker)
            if refused is not None:
                tally.counts[f"block refused/{family.name}/{refused.partition(':')[0]}"] += 1
                tally.skipped.append((f"{problem.where} ({family.name})", refused))
                continue
            yield block
            made += 1
            if made == most:
                break


def _block(
    problem: Problem, family: Family, edit: Edit, reference: tuple[str, ...], solved: Solved, answer: str
) -> Block:
    return Block(
        problem,
        family,
        edit,
        reference,
        tuple(solved.steps),
        solved.first,
        answer,
        _written(solved.answer, answer),
    )


def _refusal(block: Block, checker: BlockChecker) -> str | None:
    """Why a block does not stand, by its text alone; None if it does."""
    twin, k = block.edit.question, block.first_error
    refusal = checker.refusal(twin, block.twin_steps, k, block.twin_answer)
    if refusal is not None:
        return refusal
    step = block.twin_steps[k] if k < len(block.twin_steps) else None
    if not block.family.recognised(checker.difference(twin, k, step)):
        return f"not recognised: {block.edit.said}"
    return "test question: the twin is a question of GSM8K test" if is_test_question(twin) else None


def _written(value: Value, like: str) -> str:
    text = write_number(value, like)
    return text if "," in like else text.replace(",", "")
