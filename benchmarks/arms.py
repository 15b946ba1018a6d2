"""Arms of the small-PRM ablation: training rows on the same problems.

An arm is `synthetic` by default, with one option changed, or another recipe:

    synthetic         the default
    naive             one number or operator of a reference step changed, the rest kept (`naive.py`)
    no twins          the problems alone, without the edited questions
    as written        in the style of the reference solution: its operators, labels and conclusions
    arithmetic only   every first error is a false equation

`ARM all steps` also trains on the steps after a first error, as incorrect. `ARM contested` trains on first errors and,
one for one, the correct steps at the same position, which surface cues distinguish hardly better than chance
(`audit.py`). NAME=FILE.jsonl is an arm of other rows (`prompt`, `completions`, `labels`), such as `model_sampled`.
"""

from __future__ import annotations

import re
import zlib
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
from prm_gsm8k.synthetic.row_checks import counterparts

Row = dict[str, Any]
ALL_STEPS = " all steps"
CONTESTED = " contested"


@cache
def problems(split: str) -> list[Problem]:
    """The problems of GSM8K in a split of ours: `train`, `validation`, or `test`, to measure with alone."""
    return problems_by_split()[0][split]


def drawn(split: str, n: int, seed: int) -> list[Problem]:
    """A sample of `n` problems; a larger sample contains a smaller one."""
    order = np.random.default_rng(seed).permutation(len(problems(split)))[:n]
    return [problems(split)[i] for i in sorted(order.tolist())]


def row(prompt: str, steps: Sequence[str], first_error: int) -> Row:
    """A solution with the columns that training needs."""
    labels = [first_error < 0 or i < first_error for i in range(len(steps))]
    made = {"prompt": prompt, "completions": list(steps), "labels": labels, "first_error": first_error}
    return made | {"problem_id": f"asked: {prompt}"}  # training holds out some problems for calibration


def _synthetic(some: Iterable[Problem], **options: Any) -> list[Row]:
    return [
        row(made["prompt"], made["completions"], made["first_error"])
        for made in generate(some, SyntheticOptions(**options))
    ]


def _naive(some: Iterable[Problem]) -> Iterator[Row]:
    for problem in some:
        correct: list[str] = []
        for corrupted in naive_corruption([problem]):
            correct = corrupted["twin"]
            yield row(problem.question, corrupted["completions"], corrupted["first_error"])
        if correct:
            yield row(problem.question, correct, -1)


def contested(rows: Iterable[Row]) -> Iterator[Row]:
    """For each incorrect row its first error, and the step in its place in a correct row with the same prefix.

    >>> rows = [row("1+1? Twice that?", ["1+1=2", "2*2=4"], -1), row("1+1? Twice that?", ["1+1=3", "3*2=6"], 0)]
    >>> [(x["completions"], x["values"]) for x in contested(rows)]
    [(['1+1=3'], [0.0]), (['1+1=2'], [1.0])]
    """
    by_prompt: dict[str, list[Row]] = defaultdict(list)
    for x in rows:
        by_prompt[x["prompt"]].append(x)
    for of in by_prompt.values():
        correct = [x for x in of if x["first_error"] < 0]
        for incorrect in of:
            end = incorrect["first_error"] + 1
            before = incorrect["completions"][: end - 1]
            twins = [x for x in correct if len(x["completions"]) >= end and x["completions"][: end - 1] == before]
            if end and twins:
                for one, value in ((incorrect, 0.0), (twins[0], 1.0)):
                    labels = [True] * (end - 1) + [value == 1.0]
                    values = [None] * (end - 1) + [value]
                    yield one | {"completions": one["completions"][:end], "labels": labels, "values": values}


def held_out_pairs(n: int) -> list[Row]:
    """Contested steps of blocks that no arm trains on, of validation and test problems: correct one, first error.

    Rows 2i and 2i + 1 are two solutions to one question, equal up to their last step, with the `family` of the edit.
    Who does not see the question ranks the correct one higher in exactly half of a block's pairs.
    """
    some = sorted(problems("validation") + problems("test"), key=lambda problem: zlib.crc32(problem.id.encode()))
    rows: list[Row] = []
    for problem in some:
        if len(rows) >= 2 * n:
            break
        made = {x["id"]: x for x in generate([problem])}
        for x in made.values():
            if x["first_error"] >= 0 and any(name in made for name in counterparts(x["id"])):
                end = x["first_error"] + 1
                for one in (made[x["twin_id"]], x):
                    first = min(one["first_error"], end - 1)
                    rows.append(row(one["prompt"], one["completions"][:end], first) | {"family": x["error_type"]})
    return rows


def exchanged(n: int) -> list[Row]:
    """Correct solutions to test problems: row 2i under its own question, row 2i + 1 under another of the same shape.

    The other question has as many numbers, and its solution as many steps.
    """
    alike: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for problem in problems("test"):
        right = next((x for x in generate([problem], SyntheticOptions(styles=False)) if x["first_error"] < 0), None)
        if right is not None:
            shape = len(re.findall(r"\d[\d,.]*", problem.question)), len(right["completions"])
            alike[shape].append(row(problem.question, right["completions"], -1))
    rows = [
        pair
        for some in alike.values()
        for one, other in zip(some, some[1:] + some[:1], strict=True)
        if one["prompt"] != other["prompt"]
        for pair in (one, one | {"prompt": other["prompt"]})
    ]
    return rows[: 2 * n]


ARMS: dict[str, Callable[[Iterable[Problem]], Iterable[Row]]] = {
    "synthetic": _synthetic,
    "naive": _naive,
    "no twins": partial(_synthetic, twins=False),
    "as written": partial(_synthetic, styles=False),
    "arithmetic only": partial(_synthetic, error_mix={"calculation_slip": 1.0}),
}


def rows_of(arm: str, split: str, n: int, seed: int) -> list[Row]:
    """The rows of an arm on `n` sampled problems of the split; of a file, all rows."""
    name, _, file = arm.partition("=")
    if file:
        return [row(x["prompt"], x["completions"], [*x["labels"], False].index(False)) for *_, x in read_rows(file)]
    return list(ARMS[name.removesuffix(ALL_STEPS).removesuffix(CONTESTED)](drawn(split, n, seed)))
