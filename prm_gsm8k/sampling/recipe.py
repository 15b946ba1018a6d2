"""The recipe of `model_sampled`: whose saved answers are read, and how rows are made from them.

A build calls no model: it replays the labelling over the evidence, so it is repeatable, offline and needs no GPU.
`run.py` collects the evidence first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from prm_gsm8k.dataset.recipe import Inputs, Progress, Recipe, RowCheck, Tally
from prm_gsm8k.exceptions import BadInputError, UsageError

if TYPE_CHECKING:
    from prm_gsm8k.dataset.problems import Problem
    from prm_gsm8k.sampling.evidence import Calls
    from prm_gsm8k.sampling.labels import LabelOptions
    from prm_gsm8k.sampling.settings import Settings
    from prm_gsm8k.sampling.solve import SolutionOptions

PROBLEMS_PER_BATCH = 16  # unit of work of a process


@dataclass
class ModelSampledRecipe(Recipe):
    """Options of the `model_sampled` config: solutions of a language model, labelled by the reference and by rollouts.

    Attributes:
        model: its name in the evidence: a Hub id, or the name of a folder.
        revision: of the model: a commit of the Hub, or a digest of the folder.
        prompt: prompt style, one of `prompts.STYLES`.
        temperature, top_p, max_tokens: of sampling.
        extra_body, omit: fields of a request, see `Settings`.
        num_solutions, num_wrong, max_solutions: see `SolutionOptions`.
        labels, rollouts, threshold, width, right_answers, false_equations: see `LabelOptions`.
        problems: a JSONL file or a Hub id to read problems from; None for GSM8K as shipped.
        drop_test_questions: skip and count problems that hold a question of GSM8K test instead of failing.
        max_problems: number of problems to draw, the same share of each split; None for all.
        seed: of that draw.
        evidence: folder in which answers are saved.
    """

    config: ClassVar[str] = "model_sampled"
    note: ClassVar[str] = "The solutions are output of the model named in column `source`; its own terms apply to them."

    model: str | None = None
    revision: str | None = None
    prompt: str = "chat"
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    extra_body: str = ""
    omit: str = ""
    num_solutions: int = 3
    num_wrong: int | None = None
    max_solutions: int = 16
    labels: str = "auto"
    rollouts: int = 8
    threshold: float = 0.0
    width: float = 0.35
    right_answers: str = "right"
    false_equations: bool = True
    problems: str | None = None
    drop_test_questions: bool = False
    max_problems: int | None = None
    seed: int = 0
    evidence: str = "evidence"

    def __post_init__(self) -> None:
        settings = self._settings(self.model or "-")
        self.extra_body, self.omit = settings.extra_body, settings.omit  # in one form
        _ = self.sampling, self.labelling  # raise UsageError for bad options
        if self.max_problems is not None and self.max_problems < 1:
            raise UsageError(f"max_problems must be at least 1, not {self.max_problems}")

    @property
    def settings(self) -> Settings:
        """The options that an answer depends on.

        Raises:
            UsageError: no model is named, or a number is out of range.
        """
        if not self.model:
            raise UsageError("name the model: --model, a Hub id or a folder")
        return self._settings(self.model)

    def _settings(self, model: str) -> Settings:
        from prm_gsm8k.sampling.models import UNSTATED
        from prm_gsm8k.sampling.settings import Settings

        revision = self.revision or UNSTATED
        numbers = self.temperature, self.top_p, self.max_tokens
        return Settings(model, revision, self.prompt, *numbers, self.extra_body, self.omit)

    @property
    def sampling(self) -> SolutionOptions:
        """How many solutions are sampled."""
        from prm_gsm8k.sampling.solve import SolutionOptions

        return SolutionOptions(self.num_solutions, self.num_wrong, self.max_solutions)

    @property
    def labelling(self) -> LabelOptions:
        """How they are labelled."""
        from prm_gsm8k.sampling.labels import LabelOptions

        return LabelOptions(**{field.name: getattr(self, field.name) for field in fields(LabelOptions)})

    @property
    def folder(self) -> Path:
        """The folder of the answers under these settings."""
        return Path(self.evidence) / self.settings.folder

    def choices(self) -> dict[str, Any]:
        """Every option except the place of the evidence, with paths reduced to file names."""
        chosen = {name: value for name, value in super().choices().items() if name != "evidence"}
        if self.problems is not None and Path(self.problems).exists():
            chosen["problems"] = Path(self.problems).name
        return chosen

    def read_problems(self, tally: Tally | None = None) -> tuple[dict[str, list[Problem]], str]:
        """The chosen problems by split but for those whose answer is disputed, and the digest of all that were read.

        Raises:
            BadInputError: a file, line or problem is malformed, or asks a question of a test set.
        """
        from prm_gsm8k.dataset.disputed import ANSWERS
        from prm_gsm8k.dataset.splits import problems_by_split

        tally = tally or Tally()
        counted = tally if self.drop_test_questions else None
        by_split, digest = problems_by_split(self.problems, self.max_problems, self.seed, counted)
        wrong = [problem for chosen in by_split.values() for problem in chosen if problem.id in ANSWERS]
        if wrong:
            tally.counts["problem skipped/its answer is wrong or disputed"] += len(wrong)
            tally.skipped += [(problem.where, f"its reference solution {ANSWERS[problem.id]}") for problem in wrong]
        kept = {split: [p for p in chosen if p.id not in ANSWERS] for split, chosen in by_split.items()}
        return {split: chosen for split, chosen in kept.items() if chosen}, digest

    @classmethod
    def row_checks(cls) -> Mapping[str, RowCheck]:
        """Checks of `verify` that only these rows have, by name."""
        from prm_gsm8k.sampling import row_checks

        return {"labels follow trials": row_checks.rollouts}

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """The chosen problems with their saved answers, in batches of JSON.

        Raises:
            BadInputError: the evidence is missing or damaged, or a problem is malformed.
        """
        from prm_gsm8k.sampling.evidence import question_digest, read_calls

        by_split, digest = self.read_problems(tally := Tally())
        if not self.folder.is_dir():
            raise BadInputError(
                str(self.folder), f"no answers of {self.settings.source} under these settings are saved there"
            )
        kept = read_calls(self.folder, {question_digest(p.question) for chosen in by_split.values() for p in chosen})
        batches: dict[str, list[bytes]] = {}
        whole = hashlib.sha256(digest.encode())
        for split, problems in by_split.items():
            entries = [(problem, _sorted(kept.get(question_digest(problem.question), {}))) for problem in problems]
            starts = range(0, len(entries), PROBLEMS_PER_BATCH)
            batches[split] = [orjson.dumps(entries[start : start + PROBLEMS_PER_BATCH]) for start in starts]
            for batch in batches[split]:
                whole.update(hashlib.sha256(batch).digest())
        about = {"evidence": self.settings.folder}
        return Inputs(batches, sum(map(len, by_split.values())), whole.hexdigest(), about, tally)

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of a batch of problems, labelled from the saved answers."""
        from prm_gsm8k.dataset.problems import Problem
        from prm_gsm8k.sampling.rollout import Rollout
        from prm_gsm8k.sampling.rows import rows_of, solved

        for entry, calls in orjson.loads(batch):
            problem = Problem(**entry)
            known = {(tuple(prefix), attempt): Rollout(*answer) for prefix, attempt, *answer in calls}
            solutions = solved(problem, known, self.sampling, self.labelling)
            yield from rows_of(problem, solutions, self.settings.source, tally)


def _sorted(calls: Calls) -> list[tuple[Any, ...]]:
    """The calls of one question in an order that does not depend on when they were answered."""
    return sorted((prefix, attempt, a.text, a.tokens, a.finish) for (prefix, attempt), a in calls.items())
