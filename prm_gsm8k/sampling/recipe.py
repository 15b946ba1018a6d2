"""The recipe of `model_sampled`: which model was asked what, and how rows are made of what it answered.

It asks nothing itself: it replays the labelling over the evidence, so a build is repeatable, offline and without a GPU.
`run.py` fills the evidence before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from prm_gsm8k.dataset.recipe import Inputs, Progress, Recipe, Tally
from prm_gsm8k.exceptions import BadInputError, UsageError

if TYPE_CHECKING:
    from prm_gsm8k.dataset.problems import Problem
    from prm_gsm8k.sampling.evidence import Calls
    from prm_gsm8k.sampling.labels import LabelOptions
    from prm_gsm8k.sampling.settings import Settings
    from prm_gsm8k.sampling.solve import SolutionOptions

PROBLEMS_PER_BATCH = 16  # a unit of work a process takes
TWICE = "solution left out/same steps as another"
DISAGREES = "solution left out/its label of shared steps contradicts another's"


@dataclass
class ModelSampledRecipe(Recipe):
    """What decides the rows of the `model_sampled` config: solutions a language model sampled, labelled by rollouts.

    Attributes:
        model: as it is named in the evidence: a Hub id, or the name of a folder.
        revision: which version of it: a commit of the Hub, or a digest of the folder.
        prompt: the style of asking, one of `prompts.STYLES`.
        temperature, top_p, max_tokens: of sampling.
        num_solutions: solutions a problem.
        num_wrong: go on until so many of them are wrong; None to leave it at `num_solutions`.
        max_solutions: and then stop.
        labels, rollouts, threshold, width, right_answers, false_equations: how they are labelled, see `LabelOptions`.
        problems: a JSONL file or a Hub id to read problems from; None for GSM8K as shipped.
        max_problems: so many of them, the same share of each split, drawn by `seed`; None for all.
        seed: draws them.
        evidence: the folder in which answers are kept.
    """

    config: ClassVar[str] = "model_sampled"
    sources: ClassVar[tuple[str, ...]] = (
        "sampling",
        "arithmetic",
        "dataset/schema.py",
        "dataset/recipe.py",
        "dataset/problems.py",
        "dataset/splits.py",
        "dataset/steps.py",
    )
    note: ClassVar[str] = "The solutions are output of the model named in column `source`; its own terms apply to them."

    model: str | None = None
    revision: str | None = None
    prompt: str = "chat"
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    num_solutions: int = 3
    num_wrong: int | None = None
    max_solutions: int = 16
    labels: str = "hard"
    rollouts: int = 8
    threshold: float = 0.0
    width: float = 0.35
    right_answers: str = "right"
    false_equations: bool = True
    problems: str | None = None
    max_problems: int | None = None
    seed: int = 0
    evidence: str = "evidence"

    def __post_init__(self) -> None:
        _ = self._settings(self.model or "-"), self.sampling, self.labelling  # raise for what they would refuse
        if self.max_problems is not None and self.max_problems < 1:
            raise UsageError(f"max_problems must be at least 1, not {self.max_problems}")

    @property
    def settings(self) -> Settings:
        """What an answer depends on.

        Raises:
            UsageError: no model is named, or a number is out of range.
        """
        if not self.model:
            raise UsageError("say which model: --model, a Hub id or a folder")
        return self._settings(self.model)

    def _settings(self, model: str) -> Settings:
        from prm_gsm8k.sampling.models import UNSTATED
        from prm_gsm8k.sampling.settings import Settings

        revision = self.revision or UNSTATED
        return Settings(model, revision, self.prompt, self.temperature, self.top_p, self.max_tokens)

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
        """Where the answers under these settings are kept."""
        return Path(self.evidence) / self.settings.folder

    def choices(self) -> dict[str, Any]:
        """Every field but the place of the evidence. A path is reduced to its file name."""
        chosen = {name: value for name, value in super().choices().items() if name != "evidence"}
        if self.problems is not None and Path(self.problems).exists():
            chosen["problems"] = Path(self.problems).name
        return chosen

    def read_problems(self) -> tuple[dict[str, list[Problem]], str]:
        """The problems that `max_problems` leaves, by split, and the digest of all that were read.

        Raises:
            BadInputError: a file, line or problem is not what it must be, or asks a question of a test set.
        """
        from prm_gsm8k.dataset.splits import problems_by_split

        return problems_by_split(self.problems, self.max_problems, self.seed)

    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """The chosen problems with all that was answered about them, in batches of JSON.

        Raises:
            BadInputError: the evidence is not there or damaged, or the problems are.
        """
        from prm_gsm8k.sampling.evidence import question_digest, read_calls

        by_split, digest = self.read_problems()
        if not self.folder.is_dir():
            raise BadInputError(
                str(self.folder), f"no answers of {self.settings.source} under these settings are kept there"
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
        return Inputs(batches, sum(map(len, by_split.values())), whole.hexdigest(), about)

    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of a batch of problems, labelled anew from what was answered."""
        from prm_gsm8k.dataset.problems import Problem
        from prm_gsm8k.sampling.rollout import Rollout
        from prm_gsm8k.sampling.rows import rows_of, solved

        for entry, calls in orjson.loads(batch):
            problem = Problem(**entry)
            known = {(tuple(prefix), attempt): Rollout(*answer) for prefix, attempt, *answer in calls}
            solutions = solved(problem, known, self.sampling, self.labelling)
            yield from rows_of(problem, solutions, self.settings.source, tally)


def _sorted(calls: Calls) -> list[tuple[Any, ...]]:
    """The calls of one question in an order that does not depend on which came in first."""
    return sorted((prefix, attempt, a.text, a.tokens, a.finish) for (prefix, attempt), a in calls.items())
