"""Labelled solutions of a problem as rows of the schema."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import DISAGREES, TWICE, Prefixes, Tally
from prm_gsm8k.sampling.evidence import Calls
from prm_gsm8k.sampling.labels import LabelOptions
from prm_gsm8k.sampling.solve import Solution, SolutionOptions, from_evidence, reference_answer, solve

T = TypeVar("T")
UNKNOWN = "solution left out/its first steps are those of one without labels"


def solved(problem: Problem, calls: Calls, sampling: SolutionOptions, labelling: LabelOptions) -> list[Solution]:
    """The labelled solutions of a problem, from saved calls; those that lack a call have `left_out` MISSING."""
    return wait_for(solve(problem, from_evidence(calls), sampling, labelling))


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also in a notebook, where an event loop is already running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def rows_of(problem: Problem, solutions: Sequence[Solution], source: str, tally: Tally) -> Iterator[dict[str, Any]]:
    """A row for each labelled solution, in the order of sampling; what is left out is counted with its reason.

    Duplicates are left out, and so are solutions that label a prefix differently from an earlier row: a rollout may
    succeed from the steps of a whole solution that ends there with an incorrect answer. An earlier solution that got
    no label might have been such a row, so what begins as it does is left out too.
    """
    seen: set[tuple[str, ...]] = set()
    unlabelled: set[str] = set()  # first steps
    prefixes = Prefixes()
    tally.counts["problems"] += 1
    for solution in solutions:
        tally.counts["solutions"] += 1
        steps, labelled = tuple(solution.steps), solution.labelled
        left_out = solution.left_out or (TWICE if steps in seen else None)
        if left_out is None and steps[0] in unlabelled:
            left_out = UNKNOWN
        if left_out is not None or labelled is None:
            tally.counts[str(left_out)] += 1
            if labelled is None:
                unlabelled.update(steps[:1])
            continue
        if (labels := prefixes.labels(steps, labelled.first_error)) is None:
            tally.counts[DISAGREES] += 1
            continue
        seen.add(steps)
        yield {
            "prompt": problem.question,
            "completions": list(steps),
            "labels": labels,
            "id": f"{problem.id}/{solution.number}",
            "problem_id": problem.id,
            "first_error": labelled.first_error,
            "error_type": "none" if labelled.first_error < 0 else "unknown",
            "answer": solution.answer,
            "reference_answer": reference_answer(problem),
            "values": labelled.values,
            "source": source,
            "successes": labelled.successes,
            "trials": labelled.trials,
            "tokens": labelled.tokens,
            "error_reason": labelled.reason,
        }
