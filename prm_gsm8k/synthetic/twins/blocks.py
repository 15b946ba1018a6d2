"""Blocks of twins: a question and its twin, the solution of each, equal up to one step.

    Q   … and half as many in May …                Q'  … and twice as many in May …
    S   Natalia sold 48/2 = 24 clips in May. …     S'  Natalia sold 48*2 = 96 clips in May. …

    under Q:   S is correct, S' is wrong from step k on
    under Q':  S' is correct, S is wrong from step k on

So each contested text stands as often as correct as it stands as a first error, and who does not read the question
cannot tell which it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.numbers import Value, write_number
from prm_gsm8k.synthetic.parse import UnreadableError, read_solution
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.families import FAMILIES
from prm_gsm8k.synthetic.twins.graph import join
from prm_gsm8k.synthetic.twins.question import read_question
from prm_gsm8k.synthetic.twins.solve import Refused, Solved, reference_steps, solve

CONCLUSION = "The answer is {}."


@dataclass(frozen=True, slots=True)
class Block:
    """Two questions and two solutions.

    Attributes:
        problem: the problem that the question is of.
        family: by what it was edited.
        edit: how.
        steps, twin_steps: S and S'.
        first_error: k, the first step in which they differ.
        answer, twin_answer: what they conclude.
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
    problem: Problem, seed: int = 0, families: tuple[Family, ...] = FAMILIES, per_family: int = 1, counts: Counter[str] | None = None
) -> Iterator[Block]:
    """The blocks of a problem: up to `per_family` of each family that applies."""
    counts = Counter() if counts is None else counts
    try:
        solution = read_solution(problem.question, problem.answer)
    except UnreadableError as error:
        counts[f"unreadable/{error}"] += 1
        return
    graph = join(read_question(problem.question), solution)
    reference = reference_steps(graph)
    rng = Random(f"{seed}/{problem.id}")
    for family in families:
        made = 0
        for edit in family.edits(graph, rng):
            try:
                solved = solve(graph, edit.change)
            except Refused as refusal:
                counts[f"refused/{family.name}/{refusal}"] += 1
                continue
            yield Block(problem, family, edit, *_both(reference, solved, solution.answer_text))
            made += 1
            if made == per_family:
                break


def _both(reference: list[str], solved: Solved, answer: str) -> tuple[tuple[str, ...], tuple[str, ...], int, str, str]:
    twin_answer = _written(solved.answer, answer)
    return (
        (*reference, CONCLUSION.format(answer)),
        (*solved.steps, CONCLUSION.format(twin_answer)),
        solved.first,
        answer,
        twin_answer,
    )


def _written(value: Value, like: str) -> str:
    try:
        return write_number(value, like)
    except ValueError:
        return str(value)
