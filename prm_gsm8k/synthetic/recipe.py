"""The recipe of `synthetic`: which problems, and which rows to make from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from prm_gsm8k.dataset.recipe import Inputs, Progress, Recipe, RowCheck, Tally
from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from prm_gsm8k.dataset.problems import Problem
    from prm_gsm8k.synthetic.generate import SyntheticOptions

PROBLEMS_PER_BATCH = 32  # some hundredths of a second of work


@dataclass
class SyntheticRecipe(Recipe):
    """The options of the `synthetic` config: GSM8K solutions with one reasoning error each.

    Attributes:
        num_incorrect_per_problem: maximum of incorrect solutions per problem; fewer if no other error passes the check.
        num_correct_per_problem: correct solutions per problem, each in its own style.
        max_examples: maximum of rows in all splits together; None for no limit. Whole problems are kept, the same share
            of each split, drawn by `seed`.
        seed: rows depend on it and on their problem, never on the number of processes.
        error_mix: weight of each error type; None for the default mix.
        positions: where first errors are: `real` (as in solutions marked by people) or `uniform`.
        styles: whether to vary the style.
        problems: a JSONL file or a Hub id to read problems from; None for GSM8K as shipped.
    """

    config: ClassVar[str] = "synthetic"

    num_incorrect_per_problem: int = 3
    num_correct_per_problem: int = 1
    max_examples: int | None = None
    seed: int = 0
    error_mix: Mapping[str, float] | None = None
    positions: str = "real"
    styles: bool = True
    problems: str | None = None

    def __post_init__(self) -> None:
        _ = self.options  # raises UsageError if the generator would
        if self.max_examples is not None and self.max_examples < self.rows_per_problem:
            raise UsageError(
                f"max_examples is {self.max_examples}, less than the {self.rows_per_problem} rows of one problem; "
                "whole problems are kept, so no row would be"
            )

    @property
    def rows_per_problem(self) -> int:
        """Rows per problem, if none is dropped."""
        return self.num_incorrect_per_problem + self.num_correct_per_problem

    @property
    def options(self) -> SyntheticOptions:
        """The options of the generator."""
        from prm_gsm8k.synthetic.generate import SyntheticOptions

        return SyntheticOptions(
            num_incorrect_per_problem=self.num_incorrect_per_problem,
            num_correct_per_problem=self.num_correct_per_problem,
            seed=self.seed,
            error_mix=self.error_mix,
            positions=self.positions,
            styles=self.styles,
        )

    def choices(self) -> dict[str, Any]:
        """Every field. A path is reduced to its file name."""
        chosen = super().choices()
        if self.problems is not None and Path(self.problems).exists():
            chosen["problems"] = Path(self.problems).name
        return chosen

    @classmethod
    def row_checks(cls) -> Mapping[str, RowCheck]:
        """What `verify` asks of these rows beyond the contract."""
        from prm_gsm8k.synthetic import row_checks

        return {"twins": row_checks.twins, "row checker": row_checks.row_checker}

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """The chosen problems in batches of JSON.

        Raises:
            BadInputError: a file, line or problem is invalid, or a question is from a test set.
        """
        by_split, digest = self.read_problems()
        batches = {}
        for split, problems in by_split.items():
            starts = range(0, len(problems), PROBLEMS_PER_BATCH)
            batches[split] = [orjson.dumps(problems[start : start + PROBLEMS_PER_BATCH]) for start in starts]
        return Inputs(batches, sum(map(len, by_split.values())), digest)

    def read_problems(self) -> tuple[dict[str, list[Problem]], str]:
        """The problems that `max_examples` leaves, by split, and the digest of all problems that were read."""
        from prm_gsm8k.dataset.splits import problems_by_split

        most = None if self.max_examples is None else self.max_examples // self.rows_per_problem
        return problems_by_split(self.problems, most, self.seed)

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of one batch of problems."""
        from prm_gsm8k.dataset.problems import Problem
        from prm_gsm8k.synthetic.generate import generate

        yield from generate([Problem(**fields) for fields in orjson.loads(batch)], self.options, tally)
