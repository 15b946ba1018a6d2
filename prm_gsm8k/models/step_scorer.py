"""What can be asked of anything that scores steps: the steps of one solution, its first error, the best of n, the next.

`ProcessRewardModel` computes scores itself, `VllmRewardModel` has them computed. Both are a `StepScorer`, which needs
`score_many` and makes the rest of it. Importing this imports no torch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from prm_gsm8k.exceptions import StepsError, TokenizerError, TooLongError, UsageError
from prm_gsm8k.metrics.steps import predicted_first_error
from prm_gsm8k.models.encoder import Encoded, Encoder

Aggregate = Literal["min", "prod", "last", "mean"]
# One number for a solution out of its steps' scores: min and prod as Lightman et al. 2023, last as Snell et al. 2024.
AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "prod": math.prod,
    "last": lambda scores: scores[-1],
    "mean": fmean,
}


@dataclass(frozen=True)
class Best:
    """Which of n solutions is the best, the first of equals; and the aggregated score of each."""

    index: int
    scores: list[float]


class StepScorer(ABC):
    """Scores the steps of solutions. A subclass has `score_many`; the other methods are made of it."""

    @abstractmethod
    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """P(correct) of each step of many (problem, steps), in their order.

        Raises:
            StepsError: nothing to score, or text that is none (`Encoder.encode`); it says which solution it is.
            TooLongError: more tokens than the PRM takes.
            TokenizerError: the vocabulary cannot write the text without a control token.
        """

    def score(self, problem: str, steps: Sequence[str]) -> list[float]:
        """P(correct) of each step, in [0, 1]. One forward.

        Raises: as `score_many`.
        """
        return self.score_many([(problem, steps)])[0]

    def first_error(self, problem: str, steps: Sequence[str], threshold: float = 0.5) -> int:
        """Index of the first step that scores below the threshold, -1 if none does (ProcessBench's convention).

        Raises: as `score_many`.
        """
        return predicted_first_error(self.score(problem, steps), threshold)

    def best_of_n(self, problem: str, solutions: Sequence[Sequence[str]], aggregate: Aggregate = "min") -> Best:
        """The best of several solutions to a problem, each a list of steps.

        Args:
            aggregate: a solution's score is the least of its steps', their product, the last or their mean.

        Raises: as `score_many`; UsageError for another aggregate, or no solutions.
        """
        if aggregate not in AGGREGATES:
            raise UsageError(f"aggregate is {', '.join(AGGREGATES)}, not {aggregate!r}")
        if not solutions:
            raise UsageError("there are no solutions to choose from")
        one = AGGREGATES[aggregate]
        scores = [float(one(steps)) for steps in self.score_many([(problem, steps) for steps in solutions])]
        return Best(max(range(len(scores)), key=scores.__getitem__), scores)

    def score_next(self, problem: str, steps: Sequence[str], candidates: Sequence[str]) -> list[float]:
        """P(correct) of each candidate as the step after `steps`, which may be none: `score(…, [*steps, c])[-1]`.

        Raises: as `score_many`.
        """
        return [scores[-1] for scores in self.score_many([(problem, [*steps, c]) for c in candidates])]


def encode_each(
    encoder: Encoder, solutions: Sequence[tuple[str, Sequence[str]]], called: str = "solution"
) -> list[Encoded]:
    """The rows of (problem, steps); an error says which it is, `solution 3: …`.

    Raises: as `Encoder.encode`.
    """
    rows = []
    for n, (problem, steps) in enumerate(solutions):
        try:
            rows.append(encoder.encode(problem, steps))
        except TooLongError as error:
            raise TooLongError(f"{called} {n}: {error}", error.tokens) from error
        except (StepsError, TokenizerError) as error:
            raise type(error)(f"{called} {n}: {error}") from error
    return rows
