"""Baselines: scorers without a model. Like a PRM they return P(correct) for each step.

all right        1 for every step
random           uniform in [0, 1), equal for equal steps
position         falls with the position: 1 - i/(n+1) for step i of n, counted from 1
arithmetic       1 until a step states a false equation, then 0 (prm_gsm8k/arithmetic/false_equations.py)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from prm_gsm8k.arithmetic.false_equations import first_false_equation


def all_right(problem: str, steps: Sequence[str]) -> list[float]:
    """1 for every step."""
    return [1.0] * len(steps)


def random(problem: str, steps: Sequence[str]) -> list[float]:
    """Uniform in [0, 1), from a hash of the problem and the steps up to each."""
    scores = []
    state = hashlib.blake2b(problem.encode(), digest_size=8)
    for step in steps:
        state.update(b"\0" + step.encode())
        scores.append(int.from_bytes(state.digest()) / 2**64)
    return scores


def position(problem: str, steps: Sequence[str]) -> list[float]:
    """From n/(n+1) down to 1/(n+1) over n steps."""
    return [1 - i / (len(steps) + 1) for i in range(1, len(steps) + 1)]


def arithmetic(problem: str, steps: Sequence[str]) -> list[float]:
    """1 before the first false equation, 0 from there on."""
    first = first_false_equation(steps)
    return [float(first < 0 or i < first) for i in range(len(steps))]


BASELINES: dict[str, Callable[[str, Sequence[str]], list[float]]] = {
    "all right": all_right,
    "random": random,
    "position": position,
    "arithmetic": arithmetic,
}
