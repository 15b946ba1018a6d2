"""The recipe of `prm800k`: its files, what a rating means, and what is left out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from prm_gsm8k.dataset.recipe import Inputs, Progress, Recipe, RowCheck, Tally
from prm_gsm8k.dataset.schema import SPLITS
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.prm800k.tree import NEUTRAL, rows_of

if TYPE_CHECKING:
    from prm_gsm8k.prm800k.lines import Positions
    from prm_gsm8k.prm800k.questions import Questions

PHASES = {"1": "1", "2": "2", "both": "12"}

# Reasons why a whole solution is left out; keys of the tally.
SCREENING = "solution left out/initial screening"
QUALITY_CONTROL = "solution left out/quality control"
BAD_PROBLEM = "solution left out/labeler called the problem bad"
HELD_OUT = "solution left out/problem of the test split"
BAD_LINE = "line left out/cannot be read"


@dataclass
class Prm800kRecipe(Recipe):
    """Options of the `prm800k` config: OpenAI's human-labelled solutions to MATH problems.

    Attributes:
        neutral: meaning of the rating 0. `positive`, the default: correct, because a step rated 0 is not incorrect; it
            only makes no progress. The authors of PRM800K do the same (Lightman et al., "Let's Verify Step by Step",
            arXiv:2305.20050, appendix F.2: best-of-1860 solves 78.2%, and 77.4% with neutral as incorrect).
            `negative`: incorrect. `drop`: a path ends before a neutral step.
        phase: `1`, `2` or `both`.
        source: a clone of openai/prm800k, a folder with its files, or one of them; None to download them.
        include_screening: keep the 30 solutions that every labeler rated to be admitted.
        include_quality_control: keep the solutions served to every labeler as a check.
        skip_bad_lines: skip and count unreadable lines instead of failing.
        drop_test_questions: skip and count problems that hold a question of GSM8K test instead of failing.
        max_examples: most rows in all splits together; whole problems are kept, drawn by a hash.
    """

    config: ClassVar[str] = "prm800k"
    skips: ClassVar[str] = "lines"
    note: ClassVar[str] = "These are problems of MATH (competition mathematics), not of GSM8K."

    neutral: str = "positive"
    phase: str = "both"
    source: str | None = None
    include_screening: bool = False
    include_quality_control: bool = False
    skip_bad_lines: bool = False
    drop_test_questions: bool = False
    max_examples: int | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (("neutral", self.neutral, NEUTRAL), ("phase", self.phase, tuple(PHASES))):
            if value not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        if self.max_examples is not None and self.max_examples < 1:
            raise UsageError(f"max_examples must be at least 1, not {self.max_examples}")

    def choices(self) -> dict[str, Any]:
        """Every option except the source's path: the digest of the inputs identifies its content."""
        return {name: value for name, value in super().choices().items() if name != "source"}

    def config_id(self) -> str:
        """As for any recipe, with `-local` for a local source: the bare name is for OpenAI's release."""
        return super().config_id() + ("-local" if self.source is not None else "")

    @classmethod
    def row_checks(cls) -> Mapping[str, RowCheck]:
        """Checks of `verify` that only these rows have, by name."""
        from prm_gsm8k.prm800k import row_checks

        return {"labels follow ratings": row_checks.ratings}

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """Check every line, choose among them, and index the lines of each problem.

        Raises:
            BadInputError: a file or a line is malformed, or asks a question of a test set.
        """
        from prm_gsm8k.prm800k.lines import BadLines, Positions, read_lines
        from prm_gsm8k.prm800k.questions import Questions
        from prm_gsm8k.prm800k.release import downloaded, found_in

        phases = PHASES[self.phase]
        if self.source is None:
            release = downloaded(phases, cache_dir, progress)
        else:
            release = found_in(self.source, phases, cache_dir)
        positions, tally = Positions(), Tally()
        questions = Questions(release.held_out, tally if self.drop_test_questions else None)
        for number, file in enumerate(release.files):
            bad = BadLines()
            for line in read_lines(file.path, file.shown, bad, progress):
                tally.counts["solutions"] += 1
                text, where = line.solution["question"]["problem"], f"{file.shown}:{line.number}"
                # before any `continue`: a problem of a test file is held out even if its line is left out
                problem = questions.number(text, file.split, where)
                if why := self._left_out(line.solution):
                    tally.counts[why] += 1
                elif problem is None:
                    tally.counts[HELD_OUT] += 1
                else:
                    positions.add(number, line, problem)
            if not self.skip_bad_lines:
                bad.refuse()
            tally.skipped += bad.found
            tally.counts[BAD_LINE] += len(bad.found)
        chosen = positions.by_problem()
        if self.max_examples is not None:
            chosen = self._at_most(chosen, positions, questions)
        by_split: dict[str, list[list[int]]] = {split: [] for split in SPLITS}
        for problem, lines in chosen.items():
            by_split[questions.split(problem)].append(lines)
        files = [(str(file.path), file.phase) for file in release.files]
        batches = {split: positions.batches(groups, files) for split, groups in by_split.items() if groups}
        about = {"source": release.named(), "held_out": release.held_out_named()}
        if release.held_out is None:
            warnings.warn(f"{self.source}: no math_splits/test.jsonl, so held out is {about['held_out']}", stacklevel=2)
        tally.counts = +tally.counts
        return Inputs(batches, len(chosen), release.digest, about, tally)

    def _left_out(self, solution: Mapping[str, Any]) -> str | None:
        """Why a solution makes no row, as a key of the tally."""
        if solution.get("is_initial_screening_question") and not self.include_screening:
            return SCREENING
        if solution.get("is_quality_control_question") and not self.include_quality_control:
            return QUALITY_CONTROL
        return BAD_PROBLEM if solution["label"].get("finish_reason") == "bad_problem" else None

    def _at_most(
        self, groups: dict[int, list[int]], positions: Positions, questions: Questions
    ) -> dict[int, list[int]]:
        """Problems, in the order of a hash of their text, that make at most `max_examples` rows."""
        room = self.max_examples or 0
        rows = {problem: sum(positions.rows[i] for i in lines) for problem, lines in groups.items()}
        kept = set()
        for problem in sorted(groups, key=questions.draw):
            if rows[problem] <= room:
                room -= rows[problem]
                kept.add(problem)
        if groups and not kept:
            raise UsageError(
                f"max_examples is {self.max_examples}, less than the {min(rows.values())} rows any problem may make; "
                "whole problems are kept, so no row would be left"
            )
        return {problem: lines for problem, lines in groups.items() if problem in kept}

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of a batch of problems, whose lines are read again from their files."""
        from prm_gsm8k.prm800k.lines import read_batch

        for lines in read_batch(batch):
            tally.counts["problems"] += 1
            yield from rows_of(lines, self.neutral, tally.counts)
