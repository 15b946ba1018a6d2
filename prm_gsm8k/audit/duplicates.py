"""Duplicates, contradictory labels, and contamination: questions shared between splits or with a test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.audit.features import mask_digits
from prm_gsm8k.audit.solutions import Data, Solution
from prm_gsm8k.dataset.contamination import Questions, different_prompts, find_overlaps, gsm8k_test
from prm_gsm8k.dataset.verify import contradictions, duplicates
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.hub.rows import rows_of

EXAMPLES = 3  # shown of a finding
QUESTION = ("question", "problem", "prompt", "modified_question")  # columns that may hold a question


@dataclass(frozen=True)
class Finding:
    """How many of how many items have a defect, and the first few in words."""

    count: int
    of: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.count / max(1, self.of)


def find_duplicates(data: Data) -> dict[str, Finding]:
    """Duplicates, near-duplicates, prefixes with contradictory labels, and questions in two splits.

    A near-duplicate is equal to a solution of another question in all but digits (a template), unless that question is
    an edited form of its own.
    """
    solutions = data.solutions
    prefixes = {(one.prompt, *one.steps[: i + 1]) for one in solutions for i in range(len(one.steps))}
    return {
        "duplicates": _counted(duplicates(data.tables), len(solutions)),
        "near_duplicates": _counted(_templates(solutions), len(solutions)),
        "contradictions": _counted(contradictions(data.tables), len(prefixes)),
        "in_two_splits": _counted(_in_two_splits(data), len({solution.problem for solution in solutions})),
    }


def overlaps(data: Data, against: Sequence[str | Path] = ()) -> dict[str, dict[str, Finding]]:
    """Prompts that match a question of GSM8K test or of a file: hold it, but for numbers, or in 13 consecutive words.

    Returns:
        name of the test set -> kind of match -> finding.

    Raises:
        BadInputError: a file cannot be read, has no rows, or a row has no question.
    """
    prompts = different_prompts(data.tables)
    texts = prompts.to_pylist()
    found = {}
    for name, questions in {"GSM8K test": gsm8k_test(), **{str(path): _questions(path) for path in against}}.items():
        matches = find_overlaps(prompts, questions)
        exact = [f"{texts[i][:80]!r} is {matches.exact[i]}" for i in matches.exact]
        masked_alone = [f"{texts[i][:80]!r}" for i in matches.masked if i not in matches.exact]
        run_alone = [f"{texts[i][:80]!r}" for i in matches.run if i not in matches.exact]
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
    return Questions(questions)


def _counted(findings: Iterable[str], of: int) -> Finding:
    n, some = 0, []
    for finding in findings:
        n += 1
        if n <= EXAMPLES:
            some.append(finding)
    return Finding(n, of, tuple(some))


def _templates(solutions: Sequence[Solution]) -> Iterable[str]:
    first: dict[tuple[str, ...], Solution] = {}
    for solution in solutions:
        same = first.setdefault(tuple(map(mask_digits, solution.steps)), solution)
        if same.problem != solution.problem and not _edited(same.prompt, solution.prompt):
            yield f"{solution.id!r} equals {same.id!r} but for numbers, and answers another question"


def _edited(question: str, other: str) -> bool:
    """Whether a question is another one, edited: six in ten of their words are the same. Its solution is too, then.

    >>> _edited("Jo has 48 pens and half as many books. How many books?", "Jo has 48 pens and 5 books. How many pens?")
    True
    """
    words, others = set(question.lower().split()), set(other.lower().split())
    least = min(len(words), len(others))
    return least >= 8 and 10 * len(words & others) >= 6 * least


def _in_two_splits(data: Data) -> Iterable[str]:
    split_of: dict[str, str] = {}
    rows = iter(data.solutions)
    for split, table in data.tables.items():
        reported: set[str] = set()
        for _ in range(table.num_rows):
            solution = next(rows)
            if split_of.setdefault(solution.problem, split) != split and solution.problem not in reported:
                reported.add(solution.problem)
                yield f"{solution.prompt[:80]!r} is in {split_of[solution.problem]} and in {split}"
