"""The recipe of `synthetic`: which problems, and which rows to make from each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
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
    """The options of the `synthetic` config: GSM8K solutions, correct and with one reasoning error, and their twins.

    Attributes:
        num_incorrect_per_problem: maximum of incorrect solutions per problem; fewer if no other error can be made.
        num_correct_per_problem: correct solutions per problem, each in its own style.
        max_examples: maximum of rows in all splits together; None for no limit. Whole problems are kept, with their
            twins, the same share of each split, drawn by `seed`.
        seed: rows depend on it and on their problem, never on the number of processes.
        error_mix: weight of each error type; None for the default mix.
        styles: whether to vary the style.
        twins: whether the edited questions have rows, too.
        variants: so many times each problem is made again with other numbers.
        problems: a JSONL file or a Hub id to read problems from; None for GSM8K as shipped.
        drop_test_questions: skip and count problems that hold a question of GSM8K test instead of failing.
    """

    config: ClassVar[str] = "synthetic"

    num_incorrect_per_problem: int = 3
    num_correct_per_problem: int = 1
    max_examples: int | None = None
    seed: int = 0
    error_mix: Mapping[str, float] | None = None
    styles: bool = True
    twins: bool = True
    variants: int = 0
    problems: str | None = None
    drop_test_questions: bool = False

    def __post_init__(self) -> None:
        _ = self.options  # raises UsageError if the generator would
        if self.max_examples is not None and self.max_examples < self.rows_per_problem:
            raise UsageError(
                f"max_examples is {self.max_examples}, less than the {self.rows_per_problem} rows that one problem may "
                "have; whole problems are kept, so there might be none"
            )

    @property
    def rows_per_problem(self) -> int:
        """Rows that one problem may have, with its twins and variants."""
        own = self.num_correct_per_problem + self.num_incorrect_per_problem * (3 if self.twins else 1)
        return own * (1 + self.variants)

    @property
    def options(self) -> SyntheticOptions:
        """The options of the generator."""
        from prm_gsm8k.synthetic.generate import SyntheticOptions

        return SyntheticOptions(**{f.name: getattr(self, f.name) for f in fields(SyntheticOptions)})

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

        return {"twins": row_checks.twins, "block checker": row_checks.blocks}

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """The chosen problems in batches of JSON.

        Raises:
            BadInputError: a file, line or problem is invalid, or a question is from a test set.
        """
        by_split, digest = self.read_problems(tally := Tally())
        batches = {}
        for split, problems in by_split.items():
            starts = range(0, len(problems), PROBLEMS_PER_BATCH)
            batches[split] = [orjson.dumps(problems[start : start + PROBLEMS_PER_BATCH]) for start in starts]
        return Inputs(batches, sum(map(len, by_split.values())), digest, tally=tally)

    def read_problems(self, tally: Tally | None = None) -> tuple[dict[str, list[Problem]], str]:
        """The problems that `max_examples` leaves, by split, and the digest of all problems that were read."""
        from prm_gsm8k.dataset.splits import problems_by_split

        counted = (tally or Tally()) if self.drop_test_questions else None
        by_split, digest = problems_by_split(self.problems, tally=counted)
        return self.kept(by_split), digest

    def kept(self, by_split: Mapping[str, list[Problem]]) -> dict[str, list[Problem]]:
        """As many of the problems as `max_examples` rows hold.

        How many rows a problem has is known once they are made, so those of the problems that are kept are made twice.
        """
        from prm_gsm8k.dataset.splits import keep_share
        from prm_gsm8k.synthetic.generate import generate

        if self.max_examples is None:
            return dict(by_split)
        rows: dict[str, int] = {}
        keep, total = 0, sum(map(len, by_split.values()))
        room = self.max_examples
        while keep < total and room >= self.rows_per_problem:
            keep = min(total, keep + room // self.rows_per_problem)
            room = self.max_examples
            chosen = keep_share(by_split, keep, self.seed)
            for problem in itertools.chain(*chosen.values()):
                if problem.id not in rows:
                    rows[problem.id] = sum(1 for _ in generate([problem], self.options))
                room -= rows[problem.id]
        while room < 0:  # a larger share is not quite a superset of a smaller one
            keep -= 1
            chosen = keep_share(by_split, keep, self.seed)
            room = self.max_examples - sum(rows[p.id] for p in itertools.chain(*chosen.values()))
        return {split: problems for split, problems in chosen.items() if problems}

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of one batch of problems."""
        from prm_gsm8k.dataset.problems import Problem
        from prm_gsm8k.synthetic.generate import generate

        yield from generate([Problem(**values) for values in orjson.loads(batch)], self.options, tally)
