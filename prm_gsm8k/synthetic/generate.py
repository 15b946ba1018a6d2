"""The rows of a problem: its correct solution, its incorrect ones, and the same two of each twin.

    gsm8k/train/0/right-0             Q,  S    correct
    gsm8k/train/0/wrong-0             Q,  S'   first error at k
    gsm8k/train/0/twin-0/right-0      Q', S'   correct
    gsm8k/train/0/twin-0/wrong-0      Q', S    first error at k

Where an edit makes two questions of one, Q is that of `gsm8k/train/0/base-0`, and so are its rows.

A twin question is a problem of its own, `gsm8k/train/0/twin-0`, in the split of the problem it comes from. All draws
for a problem come from one generator, seeded with the seed and the problem's id: a row depends on its problem, the
options and this code, not on the order of problems or the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally as Tally
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.synthetic.blocks import Block, Read, blocks, read_problem
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.renumber import renumbered
from prm_gsm8k.synthetic.style import Style, draw_style

TWIN = "twin"  # `source` of the rows of an edited question
CORRUPTION = "corruption"  # and of incorrect solutions


@dataclass(frozen=True)
class SyntheticOptions:
    """What to generate from each problem.

    Attributes:
        num_incorrect_per_problem: maximum of distinct incorrect solutions.
        num_correct_per_problem: correct solutions, each in its own style.
        seed: seed of every random draw.
        error_mix: weights of error types; one that is missing is never made. None for the default.
        styles: whether to vary the style; False keeps the author's.
        twins: whether the twins of a problem have rows too. Without them all incorrect solutions are to the problem.
        variants: so many times each problem is made again with other numbers.
    """

    num_incorrect_per_problem: int = 3
    num_correct_per_problem: int = 1
    seed: int = 0
    error_mix: Mapping[str, float] | None = None
    styles: bool = True
    twins: bool = True
    variants: int = 0

    def __post_init__(self) -> None:
        for name in ("num_incorrect_per_problem", "variants"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative")
        if self.num_correct_per_problem < 1:
            raise UsageError("num_correct_per_problem must be at least 1: an incorrect row is made from a correct one")
        mix = {} if self.error_mix is None else self.error_mix
        unknown = sorted(set(mix) - {family.name for family in FAMILIES})
        if unknown:
            raise UsageError(f"no error type {unknown[0]!r}; there are {', '.join(f.name for f in FAMILIES)}")
        if self.error_mix is not None and (
            any(not 0 <= w < float("inf") for w in mix.values()) or not sum(mix.values()) > 0
        ):
            raise UsageError("error_mix must hold weights of at least 0, and one above it")

    @property
    def shares(self) -> dict[str, float]:
        """For each error type, in which share of the problems that it can be made in it is made."""
        if self.error_mix is None:
            return {family.name: family.share for family in FAMILIES}
        most = max(self.error_mix.values())
        return {name: weight / most for name, weight in self.error_mix.items()}


def generate(
    problems: Iterable[Problem], options: SyntheticOptions | None = None, tally: Tally | None = None
) -> Iterator[dict[str, Any]]:
    """Rows with the columns of `synthetic` (`dataset/schema.py`).

    What is skipped or refused is counted in `tally`, with the reason.
    """
    options = options or SyntheticOptions()
    tally = Tally() if tally is None else tally
    for problem in problems:
        tally.counts["problems"] += 1
        read = read_problem(problem, tally)
        if read is None:
            continue
        variants = (renumbered(read, number, options.seed, tally) for number in range(1, options.variants + 1))
        for made in (read, *variants):
            if made is not None:
                yield from (_in_currency(row, made.currency) for row in _rows(made, options, tally))


def _in_currency(row: dict[str, Any], currency: str) -> dict[str, Any]:
    if currency != "$":
        for column in ("prompt", "error_reason"):
            row[column] = row[column].replace("$", currency)
        row["completions"] = [step.replace("$", currency) for step in row["completions"]]
    return row


def _rows(read: Read, options: SyntheticOptions, tally: Tally) -> Iterator[dict[str, Any]]:
    problem, answer = read.problem, read.checker.answer
    rng = Random(f"{options.seed}/{problem.id}")
    chosen = choose(read, options, rng, tally)
    concludes = any(block.family.concludes for block in chosen)
    written = set()
    for number in range(options.num_correct_per_problem):
        style = draw_style(rng, concludes and not number) if options.styles else Style()
        if not options.styles and concludes:
            style = Style(conclusion="The answer is {}.")
        steps = style.write(read.steps, answer)
        if number == 0:
            first, right = style, steps
        elif tuple(steps) in written:
            continue
        written.add(tuple(steps))
        tally.counts["right rows"] += 1
        yield _row(
            problem.question, problem.id, f"{problem.id}/right-{number}", steps, answer, answer, source=read.source
        )  # fmt: skip
    for number, block in enumerate(chosen):
        twin_steps = first.write(block.twin_steps, block.twin_answer)
        family, k, said, read_as = block.family, block.first_error, block.edit.said, block.edit.read
        base, wrong = problem.id, f"{problem.id}/wrong-{number}"
        if block.edit.base:
            base = f"{problem.id}/base-{number}"
            wrong = f"{base}/wrong-0"
            yield _row(block.question, base, f"{base}/right-0", right, answer, answer)
        tally.counts["wrong rows"] += 1
        yield _row(
            block.question, base, wrong, twin_steps, block.twin_answer, answer,
            first_error=k, error_type=family.name, twin_id=f"{base}/right-0", source=CORRUPTION,
            error_reason=family.thought.format(said=said, read=read_as),
        )  # fmt: skip
        if not family.misreads or not options.twins:
            continue
        tally.counts["blocks"] += 1
        twin = f"{problem.id}/twin-{number}"
        yield _row(block.edit.question, twin, f"{twin}/right-0", twin_steps, block.twin_answer, block.twin_answer)
        yield _row(
            block.edit.question, twin, f"{twin}/wrong-0", right, answer, block.twin_answer,
            first_error=k, error_type=family.name, twin_id=f"{twin}/right-0", source=CORRUPTION,
            error_reason=family.thought_back.format(said=read_as, read=said),
        )  # fmt: skip
    if len(chosen) < options.num_incorrect_per_problem:
        tally.counts["problems with fewer wrong rows than asked"] += 1


def choose(read: Read, options: SyntheticOptions, rng: Random, tally: Tally) -> list[Block]:
    """Distinct blocks of a problem, of as many families as there are, each family in its share.

    Without twins a problem is filled up with what its families make beyond their share.
    """
    most, shares = options.num_incorrect_per_problem, options.shares
    families = [family for family in FAMILIES if shares.get(family.name, 0) > 0]
    wanted = {family.name: rng.random() < shares[family.name] for family in families}
    if options.twins:
        families = [family for family in families if wanted[family.name]]
    seen: Counter[str] = Counter()
    ranked: list[tuple[bool, int, int, Block]] = []
    for block in blocks(read, rng, tally, families, most=2):
        name = block.family.name
        ranked.append((not wanted[name], seen[name], len(ranked), block))
        seen[name] += 1
    chosen: list[Block] = []
    questions, solutions = {read.problem.question}, set()
    for *_, block in sorted(ranked):
        if len(chosen) == most:
            break
        twin = (block.question, *block.twin_steps, block.twin_answer)
        if twin in solutions or (block.family.misreads and block.edit.question in questions):
            continue
        if block.edit.base and not options.twins:
            continue
        solutions.add(twin)
        questions.add(block.edit.question)
        chosen.append(block)
    return chosen


def _row(
    prompt: str,
    problem_id: str,
    row_id: str,
    steps: list[str],
    answer: str,
    reference_answer: str,
    *,
    first_error: int = -1,
    error_type: str = "none",
    error_reason: str = "",
    twin_id: str = "",
    source: str = TWIN,
) -> dict[str, Any]:
    correct = len(steps) if first_error < 0 else first_error
    return {
        "prompt": prompt,
        "completions": steps,
        "labels": [True] * correct + [False] * (len(steps) - correct),
        "id": row_id,
        "problem_id": problem_id,
        "first_error": first_error,
        "error_type": error_type,
        "answer": answer,
        "reference_answer": reference_answer,
        "values": None,
        "source": source,
        "error_reason": error_reason,
        "twin_id": twin_id,
    }
