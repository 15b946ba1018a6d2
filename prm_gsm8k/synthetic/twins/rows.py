"""Rows of the contract from blocks: a problem's own rows, and those of its twins.

    gsm8k/train/0/correct             Q,  S    correct
    gsm8k/train/0/incorrect-0         Q,  S'   first error at k
    gsm8k/train/0/twin-0/correct      Q', S'   correct
    gsm8k/train/0/twin-0/incorrect    Q', S    first error at k

A twin question is a problem of its own, `gsm8k/train/0/twin-0`, in the split of the problem it comes from. All rows of
a problem and its twins are written in one way, so that each contested text is the same, letter by letter, in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.twins.blocks import Block, blocks

SOURCE = "twin"  # of every row that is not GSM8K's own

_LABELS = ("", "", "", "", "", "", "{}. ", "Step {}: ", "- ", "**Step {}:** ")
_CONCLUSIONS = (
    None, None, "The answer is {}.", "#### {}", "Answer: {}", "Therefore, the answer is {}.",
    "So the final answer is {}.", "The final answer is \\boxed{{{}}}.", "**Answer: {}**",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Writing:
    """How the solutions of a problem and its twins are written: what steps begin with, and how they conclude."""

    label: str = ""
    conclusion: str | None = None

    def steps(self, steps: Sequence[str], answer: str) -> list[str]:
        """A solution as it stands in a row."""
        concluded = steps if self.conclusion is None else (*steps, self.conclusion.format(answer))
        return [self.label.format(number) + step for number, step in enumerate(concluded, 1)]


def draw_writing(rng: Random, concludes: bool) -> Writing:
    """One way of writing; with a conclusion if it `concludes`."""
    return Writing(rng.choice(_LABELS), rng.choice(_CONCLUSIONS[2:] if concludes else _CONCLUSIONS))


def rows(problem: Problem, seed: int = 0, most: int = 3, tally: Tally | None = None) -> Iterator[dict[str, Any]]:
    """The rows of up to `most` blocks of a problem, of as many families as there are."""
    tally = Tally() if tally is None else tally
    rng = Random(f"{seed}/{problem.id}")
    chosen = choose(list(blocks(problem, seed, most=2, tally=tally)), most, rng)
    if not chosen:
        return
    writing = draw_writing(rng, any(block.family.concludes for block in chosen))
    first = chosen[0]
    steps = writing.steps(first.steps, first.answer)
    own = f"{problem.id}/correct"
    yield _row(problem.question, problem.id, own, steps, first.answer, first.answer, source="gsm8k")
    for number, block in enumerate(chosen):
        twin_steps = writing.steps(block.twin_steps, block.twin_answer)
        k, twin = block.first_error, f"{problem.id}/twin-{number}"
        said, read = block.edit.said, block.edit.read
        tally.counts[f"blocks/{block.family.name}"] += 1
        yield _row(
            problem.question,
            problem.id,
            f"{problem.id}/incorrect-{number}",
            twin_steps,
            block.twin_answer,
            block.answer,
            first_error=k,
            error_type=block.family.name,
            error_reason=block.family.thought.format(said=said, read=read),
            twin_id=own,
        )
        yield _row(block.edit.question, twin, f"{twin}/correct", twin_steps, block.twin_answer, block.twin_answer)
        yield _row(
            block.edit.question,
            twin,
            f"{twin}/incorrect",
            steps,
            block.answer,
            block.twin_answer,
            first_error=k,
            error_type=block.family.name,
            error_reason=block.family.thought_back.format(said=read, read=said),
            twin_id=f"{twin}/correct",
        )


def choose(found: list[Block], most: int, rng: Random) -> list[Block]:
    """Up to `most` blocks, of each family in its share: first one of each, in their order, then a second of some."""
    seen: Counter[str] = Counter()
    ranked = []
    for block in found:
        if rng.random() < block.family.share:
            ranked.append((seen[block.family.name], block))
            seen[block.family.name] += 1
    return [block for _, block in sorted(ranked, key=lambda entry: entry[0])][:most]


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
    source: str = SOURCE,
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
