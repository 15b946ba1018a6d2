"""Naive corruption, for comparison: change one number or operator of a gold step, keep the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from prm_gsm8k.dataset.problems import Problem

_ANNOTATION = re.compile(r"<<[^<>]*>>")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|(?<=[\d ])[-+*/](?=[\d ])")


def naive_corruption(problems: Iterable[Problem], per_problem: int = 3, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Incorrect rows (`prompt`, `completions`, `first_error`, `twin`): nothing is recomputed, nothing checked."""
    for problem in problems:
        body = _ANNOTATION.sub("", problem.answer.rpartition("####")[0])
        steps = [line.strip() for line in body.split("\n") if line.strip()]
        rng = Random(f"{seed}/{problem.id}")
        sites = [(i, match) for i, step in enumerate(steps) for match in _TOKEN.finditer(step)]
        for _ in range(per_problem if sites else 0):
            index, match = rng.choice(sites)
            old = match[0]
            if old in "+-*/":
                new = rng.choice([operator for operator in "+-*/" if operator != old])
            else:
                new = str(round(float(old)) + rng.choice((-2, -1, 1, 2, 10)))
            incorrect = steps.copy()
            incorrect[index] = steps[index][: match.start()] + new + steps[index][match.end() :]
            yield {"prompt": problem.question, "completions": incorrect, "first_error": index, "twin": steps}
