"""What stands in the data more than once, under two labels, or where models are measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.audit.features import masked
from prm_gsm8k.audit.solutions import Data, Solution
from prm_gsm8k.dataset.contamination import Questions, different_prompts, find_overlaps, gsm8k_test, prepared
from prm_gsm8k.dataset.verify import contradictions, duplicates
from prm_gsm8k.evaluation.benchmarks import rows_of
from prm_gsm8k.exceptions import BadInputError

NAMED = 3  # examples of a finding
QUESTION = ("question", "problem", "prompt", "modified_question")  # columns a question may stand in


@dataclass(frozen=True)
class Repeats:
    """A count, of how many, and the first few in words."""

    count: int
    of: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.count / max(1, self.of)


def repeats(data: Data) -> dict[str, Repeats]:
    """Duplicates, near-duplicates, prefixes under two labels, and problems in two splits.

    A near-duplicate is a solution to another question that is the same but for its digits: a template. That a wrong
    solution differs from a right one to the same question in a number alone is not one, but what it is there for.
    """
    solutions = data.solutions
    prefixes = {(one.prompt, *one.steps[: i + 1]) for one in solutions for i in range(len(one.steps))}
    return {
        "duplicates": _counted(duplicates(data.tables), len(solutions)),
        "near_duplicates": _counted(_templates(solutions), len(solutions)),
        "contradictions": _counted(contradictions(data.tables), len(prefixes)),
        "in_two_splits": _counted(_in_two_splits(data), len({one.problem for one in solutions})),
    }


def overlaps(data: Data, against: Sequence[str | Path] = ()) -> dict[str, dict[str, Repeats]]:
    """Prompts that are like a question of GSM8K test or of a file: the same, but for numbers, or by 13 words in a row.

    Raises:
        BadInputError: a file cannot be read, or a row of it has no question.
    """
    prompts = different_prompts(data.tables)
    texts = prompts.to_pylist()
    found = {}
    for name, questions in {"GSM8K test": gsm8k_test(), **{str(path): _questions(path) for path in against}}.items():
        like = find_overlaps(prompts, questions)
        exact = [f"{texts[i][:80]!r} is {like.exact[i]}" for i in like.exact]
        masked_alone = [f"{texts[i][:80]!r}" for i in like.masked if i not in like.exact]
        run_alone = [f"{texts[i][:80]!r}" for i in like.run if i not in like.exact]
        found[name] = {
            "exact": _counted(exact, len(texts)),
            "but_for_numbers": _counted(masked_alone, len(texts)),
            "run_of_words": _counted(run_alone, len(texts)),
        }
    return found


def _questions(path: str | Path) -> Questions:
    questions: dict[str, str] = {}
    for where, _, row in rows_of(path, None, None):
        text = next((row[key] for key in QUESTION if row.get(key)), None) if isinstance(row, Mapping) else None
        if not isinstance(text, str):
            raise BadInputError(where, f"no question; expected a column {', '.join(QUESTION[:-1])}")
        questions[where] = text
    if not questions:
        raise BadInputError(str(path), f"no rows in it; expected rows with a column {', '.join(QUESTION[:-1])}")
    return prepared(questions)


def _counted(findings: Iterable[str], of: int) -> Repeats:
    n, some = 0, []
    for finding in findings:
        n += 1
        if n <= NAMED:
            some.append(finding)
    return Repeats(n, of, tuple(some))


def _templates(solutions: Sequence[Solution]) -> Iterable[str]:
    first: dict[tuple[str, ...], Solution] = {}
    for one in solutions:
        same = first.setdefault(tuple(map(masked, one.steps)), one)
        if same.problem != one.problem:
            yield f"{one.id!r} is {same.id!r} but for its numbers, and answers another question"


def _in_two_splits(data: Data) -> Iterable[str]:
    split_of: dict[str, str] = {}
    rows = iter(data.solutions)
    for split, table in data.tables.items():
        told: set[str] = set()
        for _ in range(table.num_rows):
            one = next(rows)
            if split_of.setdefault(one.problem, split) != split and one.problem not in told:
                told.add(one.problem)
                yield f"{one.prompt[:80]!r} is in {split_of[one.problem]} and in {split}"
