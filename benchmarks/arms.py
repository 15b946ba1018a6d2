"""What the small PRMs are trained on: for each arm its rows on the same problems, one right and three wrong each.

An arm is `synthetic` as it is built, with one of its choices undone, or somebody else's recipe:

    synthetic         the default
    naive             one number or operator of a gold step changed, the rest kept (`naive.py`)
    face kept         wrong steps that their face gives away are not left out
    as written        in the words of the reference solution: no other signs, labels or conclusions
    not retold        the steps of the reference solution, no fact of the question between them
    any place         first errors fall anywhere alike, not as in real solutions
    not recomputed    after the first error, the right solution goes on (steps that training leaves out by default)
    arithmetic only   every first error is a false equation

`ARM all steps` trains on the steps after a first error too, as wrong ones. `ARM contested` trains on no step but first
errors and the right steps in whose place they stand, one for one: the look of a step tells them apart hardly better
than chance (`audit.py`), so that is not what is learnt. NAME=FILE.jsonl is an arm of other rows (`prompt`,
`completions`, `labels`), as those of `model_sampled` or `prm800k`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from naive import naive_corruption

from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.splits import problems_by_split
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate

Row = dict[str, Any]
ALL_STEPS = " all steps"
CONTESTED = " contested"


@cache
def problems(split: str) -> list[Problem]:
    """Those of GSM8K train that are the split's."""
    return problems_by_split()[0][split]


def drawn(split: str, n: int, seed: int) -> list[Problem]:
    """Some of them; a larger `n` holds a smaller one's."""
    order = np.random.default_rng(seed).permutation(len(problems(split)))[:n]
    return [problems(split)[i] for i in sorted(order.tolist())]


def row(prompt: str, steps: Sequence[str], first_error: int) -> Row:
    """What training needs of a solution."""
    labels = [first_error < 0 or i < first_error for i in range(len(steps))]
    made = {"prompt": prompt, "completions": list(steps), "labels": labels, "first_error": first_error}
    return made | {"problem_id": f"asked: {prompt}"}  # by which training sets some apart, to calibrate


def _synthetic(some: Iterable[Problem], **options: Any) -> list[Row]:
    return [
        row(made["prompt"], made["completions"], made["first_error"])
        for made in generate(some, SyntheticOptions(**options))
    ]


def _naive(some: Iterable[Problem]) -> Iterator[Row]:
    for problem in some:
        right: list[str] = []
        for wrong in naive_corruption([problem]):
            right = wrong["twin"]
            yield row(problem.question, wrong["completions"], wrong["first_error"])
        if right:
            yield row(problem.question, right, -1)


def _not_recomputed(some: Iterable[Problem]) -> Iterator[Row]:
    right: dict[str, list[str]] = {}
    for made in generate(some, SyntheticOptions()):
        steps, first = made["completions"], made["first_error"]
        if first < 0:
            right[made["id"]] = steps
        elif made["error_type"] != "step_skipped":
            steps = [*steps[: first + 1], *right[made["twin_id"]][first + 1 :]]
        yield row(made["prompt"], steps, first)


def contested(rows: Iterable[Row]) -> Iterator[Row]:
    """Of each wrong row its first error, and the step that stands in its place in a right row with the same beginning.

    >>> right, wrong = row("1+1? Twice that?", ["1+1=2", "2*2=4"], -1), row("1+1? Twice that?", ["1+1=3", "3*2=6"], 0)
    >>> [(x["completions"], x["values"]) for x in contested([right, wrong])]
    [(['1+1=3'], [0.0]), (['1+1=2'], [1.0])]
    """
    by_prompt: dict[str, list[Row]] = defaultdict(list)
    for x in rows:
        by_prompt[x["prompt"]].append(x)
    for of in by_prompt.values():
        right = [x for x in of if x["first_error"] < 0]
        for wrong in of:
            end = wrong["first_error"] + 1
            before = wrong["completions"][: end - 1]
            twins = [x for x in right if len(x["completions"]) >= end and x["completions"][: end - 1] == before]
            if end and twins:
                for one, value in ((wrong, 0.0), (twins[0], 1.0)):
                    labels = [True] * (end - 1) + [value == 1.0]
                    values = [None] * (end - 1) + [value]
                    yield one | {"completions": one["completions"][:end], "labels": labels, "values": values}


ARMS: dict[str, Callable[[Iterable[Problem]], Iterable[Row]]] = {
    "synthetic": _synthetic,
    "naive": _naive,
    "face kept": partial(_synthetic, balanced=False),
    "as written": partial(_synthetic, styles=False),
    "not retold": partial(_synthetic, retold=False),
    "any place": partial(_synthetic, positions="uniform"),
    "not recomputed": _not_recomputed,
    "arithmetic only": partial(_synthetic, error_mix={"calculation_slip": 1.0}),
}


def rows_of(arm: str, split: str, n: int, seed: int) -> list[Row]:
    """The rows of an arm on drawn problems; of a file all, whatever the split."""
    name, _, file = arm.partition("=")
    if file:
        return [row(x["prompt"], x["completions"], [*x["labels"], False].index(False)) for *_, x in read_rows(file)]
    return list(ARMS[name.removesuffix(ALL_STEPS).removesuffix(CONTESTED)](drawn(split, n, seed)))
