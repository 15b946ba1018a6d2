"""What a family of question edits is, and what one edit says.

A family is one file in `families/` with one `FAMILY`, registered by one line in `families/__init__.py`. Its `edits`
yields every edit that it would make of a problem, likeliest first or in random order; `blocks` solves them, checks them
and keeps what stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.solve import Change


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a question.

    Attributes:
        question: the twin's; the question itself where nothing is misread.
        change: what it does to the graph.
        said, read: the words that the question says, and what they become in the twin.
        base: Q, where it is an edited question as well.
    """

    question: str
    change: Change
    said: str
    read: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A way to go wrong: in reading the question, or in working it out.

    Attributes:
        name: the `error_type` of its rows.
        stands_for: the kind of real error that it makes.
        thought: what a person was thinking who solved the twin instead of the question; `{said}` and `{read}` are the
            words of the edit.
        thought_back: the same for one who solved the question instead of the twin, with the two the other way round.
        example: the id of a problem that shows it in the gallery.
        edits: the edits of a problem.
        recognised: whether a block that was read from its text alone can be of this family.
        share: in which share of the problems that it applies to it is used; less for what people do more rarely.
        is_slip: whether its equation is false.
        misreads: whether it is another reading of the question; else it is an error under the question alone.
        concludes: whether its solutions must state their answer in a last step: one ends where the other goes on.
    """

    name: str
    stands_for: str
    thought: str
    thought_back: str
    example: str
    edits: Callable[[Graph, Random], Iterator[Edit]]
    recognised: Callable[[Difference], bool]
    concludes: bool = False
    share: float = 1.0
    misreads: bool = True
    is_slip: bool = False
