"""One real block a family, as a page: what the data holds, seen in a minute.

`prm-gsm8k show --gallery` prints it; `benchmarks/gallery.md` is what it prints.
"""

from __future__ import annotations

from random import Random

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Block, blocks, read_problem
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import FAMILIES

_HEAD = """\
# Gallery: one block a family

A block is a question Q and its twin Q', which differs in one reading, with the solution of each. Both solutions are
equal up to step k. Under Q, S is correct and S' is incorrect from step k on; under Q', it is the other way round. Twin
questions are edited; their solutions are GSM8K's, carried over. Errors that are no other reading of the question have
no twin: they come last. Written by `prm-gsm8k show --gallery`.
"""


def example_of(family: Family) -> Block:
    """The block that shows a family. Raises `LookupError` if its problem has none."""
    number = int(family.example.rpartition("/")[2])
    read = read_problem(shipped_problems("train")[number], tally := Tally())
    for block in blocks(read, Random(family.example), tally, (family,)) if read else ():
        return block
    raise LookupError(f"{family.name}: {family.example} has no block; choose another example")


def gallery() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *(section(example_of(family)) for family in FAMILIES)])


def section(block: Block) -> str:
    """One family and its block."""
    family, k = block.family, block.first_error
    reason = family.thought.format(said=block.edit.said, read=block.edit.read)
    lines = [
        f"## {family.name}",
        "",
        f"Stands for: {family.stands_for}. From {block.problem.id}.",
        "",
        f"**Q** {block.problem.question}",
        "",
        *((f"**Q'** {block.edit.question}", "") if family.misreads else ()),
        *_steps(block.steps, block.answer, 0),
        "",
        f"S' from step {k + 1}, under Q incorrect because it {reason}:",
        "",
        *_steps(block.twin_steps[k:], block.twin_answer, k),
        "",
    ]
    return "\n".join(lines)


def _steps(steps: tuple[str, ...], answer: str, start: int) -> list[str]:
    shown = [f"{number}. {_escaped(step)}" for number, step in enumerate(steps, start + 1)]
    return [*shown, f"{start + len(steps) + 1}. The answer is {answer}."]


def _escaped(step: str) -> str:
    return step.replace("*", "\\*").replace("$", "\\$")
