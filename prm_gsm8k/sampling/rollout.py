"""The seam between an engine and what is asked of it: one continuation from a prefix.

The labelling search (`labels.py`) knows nothing of servers, prompts or caches. It is handed a `GoOn` and asks it to go
on from the first steps of a solution; a test or a simulation hands it a function, the pipeline one that calls vLLM.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rollout:
    """What an engine answered to one call.

    Attributes:
        text: the continuation alone, without the prefix.
        tokens: tokens that were generated for it.
        finish: why it ended, in the engine's word: `stop`, `length`, …
    """

    text: str
    tokens: int
    finish: str


GoOn = Callable[[Sequence[str], int], Awaitable[Rollout]]
"""(the first steps of a solution, attempt number from 0) -> a continuation from there.

The same two arguments name the same call: an engine that keeps what it answered can answer again without a new one.
"""
