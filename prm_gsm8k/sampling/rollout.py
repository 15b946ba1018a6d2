"""The interface between the labelling search and an engine: one continuation from a prefix.

The search (`labels.py`) knows nothing of servers, prompts or caches. It calls a `GoOn`, which is a plain function in a
test or a simulation, and a call to vLLM in the pipeline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rollout:
    """An engine's answer to one call.

    Attributes:
        text: the continuation alone, without the prefix.
        tokens: number of generated tokens.
        finish: why it ended, as the engine says: `stop`, `length`, …
    """

    text: str
    tokens: int
    finish: str


GoOn = Callable[[Sequence[str], int], Awaitable[Rollout]]
"""(first steps of a solution, attempt number from 0) -> a continuation from there.

Equal arguments are the same call, so its answer may come from a cache.
"""
