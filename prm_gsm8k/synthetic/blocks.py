"""Blocks of twins: a question and its twin, the solution of each, equal up to one step.

    Q   … and half as many in May …                Q'  … and twice as many in May …
    S   Natalia sold 48/2 = 24 clips in May. …     S'  Natalia sold 48*2 = 96 clips in May. …

    under Q:   S is correct, S' is incorrect from step k on
    under Q':  S' is correct, S is incorrect from step k on

So each contested step stands as often as correct as it stands as a first error, and whoever does not read the question
cannot tell which it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.arithmetic.notation import CURRENCY, odd_number, uses_decimal_comma
from prm_gsm8k.dataset.disputed import DISPUTED
from prm_gsm8k.dataset.language import other_language
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.checker.block_checker import BlockChecker
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.graph import Graph, join
from prm_gsm8k.synthetic.held_out import is_test_question
from prm_gsm8k.synthetic.numbers import Value, write_number
from prm_gsm8k.synthetic.parse import UnreadableError, read_solution
from prm_gsm8k.synthetic.question import Kind, read_question
from prm_gsm8k.synthetic.solve import Refused, reference_steps, solve

# Let x be …, 3P = 36, x + 4: unknowns carry relations that the graph does not hold.
_ALGEBRA = re.compile(
    r"\b[Ll]et (?:us |the )?\w+(?: \w+){0,4} (?:be|represent|equal|denote)\b|\b[Ll]et(?:'s say| us say)? [a-zA-Z]\b"
    r"|(?<![A-Za-z'’])\d*[nopqwxyzNPQXYZ] ?[-+=](?!\w)|[-+=] ?\d*[npqwyzNPQXYZ](?![A-Za-z'’.])|\bequation\b"
    r"|\d[a-fnpqwxyz]\b"
)


# "a bonus if she spends more than $100"
_THRESHOLD = re.compile(
    r"\b(?:more than|over(?! the)|at least|exceed\w*|up to|less than|fewer than|under|above|below|beyond|minimum of"
    r"|maximum of|limit (?:of|is)|no more than) (?:a )?\$?\Z"
)


def has_threshold(graph: Graph) -> bool:
    """Whether the question says a number on whose two sides it is different, and the solution does not compute with it.

    On which side of it something is may change with any other number, which the graph does not know.
    """
    question = graph.question
    return any(
        _THRESHOLD.search(question.text[: quantity.mentions[0][0]])
        and quantity.kind not in (Kind.MULTIPLIER, Kind.SHARE)
        and not graph.feeds(index)
        for index, quantity in enumerate(question.quantities)
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Two questions and two solutions. What is said of `edit` and `reason` is what a person misread.

    Attributes:
        problem: the problem; its question is Q, unless the edit has a `base`.
        family: how Q was edited.
        edit: the edit; its question is Q'.
        steps, twin_steps: S and S', without a conclusion.
        first_error: k, the first step in which they differ; the length of the one that concludes where the other
            goes on.
        answer, twin_answer: what they come to.
    """

    problem: Problem
    family: Family
    edit: Edit
    steps: tuple[str, ...]
    twin_steps: tuple[str, ...]
    first_error: int
    answer: str
    twin_answer: str

    @property
    def question(self) -> str:
        """Q."""
        return self.edit.base or self.problem.question


@dataclass(frozen=True, slots=True)
class Read:
    """A problem, read once: its graph, its reference solution as it stands, and the checker of whatever differs.

    Attributes:
        source: where the steps are from: `gsm8k`, the name of another file or data set, or `renumbered`.
        currency: what stands for `$` in the rows, if anything.
    """

    problem: Problem
    graph: Graph
    steps: tuple[str, ...]
    checker: BlockChecker
    source: str
    currency: str = "$"


def read_problem(problem: Problem, tally: Tally) -> Read | None:
    """Read a problem. One that cannot be used is counted in `tally` with its reason, and None."""
    problem, currency = _in_dollars(problem)
    try:
        for text in (problem.question, problem.answer):
            if (language := other_language(text)) is not None:
                raise UnreadableError(f"not in English: it reads as {language}")
        comma = uses_decimal_comma(f"{problem.question}\n{problem.answer}")
        if (odd := odd_number(problem.question, comma)) is not None:
            raise UnreadableError(f"numbers in another notation: {odd}")
        solution = read_solution(problem.question, problem.answer)
        if problem.id in DISPUTED:
            raise UnreadableError(f"its reference solution is wrong: {DISPUTED[problem.id]}")
        graph = join(read_question(problem.question), solution)
        steps = tuple(reference_steps(graph))
        if any(map(_ALGEBRA.search, _without_labels(steps))):
            raise UnreadableError("algebra: its relations stand in what is not read")
        checker = BlockChecker(problem.question, steps, solution.answer_text)
        if (unsound := checker.unsound()) is not None:
            raise UnreadableError(f"checker: {unsound}")
    except UnreadableError as error:
        reason = str(error)
        if reason.startswith(("unreadable equation", "checker: false_equation")):
            # It is called false only if it is false however it is read.
            false = [equation for line in problem.answer.split("\n") for equation in false_equations(line)]
            reason = f"false equation: {false[0]}" if false else reason.replace("checker: false_", "unreadable ")
        tally.counts[f"problem skipped/{reason.partition(':')[0]}"] += 1
        tally.skipped.append((problem.where, reason))
        return None
    return Read(problem, graph, steps, checker, re.sub(r"(?:/(?:train|test))?/\d+\Z", "", problem.id), currency)


_SUM = re.compile(rf"{CURRENCY}\s?(?=[\d(.]|<<)")


def _in_dollars(problem: Problem) -> tuple[Problem, str]:
    """The problem with its currency written as `$`, as the families know it, and what it was."""
    text = f"{problem.question}\n{problem.answer}"
    found = set(_SUM.findall(text))
    currency = found.pop() if len(found) == 1 else "$"
    if currency in "$£€" or "$" in text.replace(currency, ""):
        return problem, "$"
    return replace(
        problem, question=problem.question.replace(currency, "$"), answer=problem.answer.replace(currency, "$")
    ), currency


_NAMED = re.compile(r"([A-Za-z]) ?= ?(?=[\d($£€.])")


def _without_labels(steps: Sequence[str]) -> Sequence[str]:
    """The steps without the letter that names a result (`x = 76 - 25 = 51`), if none of these letters is used."""
    names = [match for step in steps if (match := _NAMED.match(step))]
    bare = [_NAMED.sub("", step, count=1) if _NAMED.match(step) else step for step in steps]
    used = re.compile(rf"(?<![A-Za-z'’])[{''.join(match[1] for match in names)}](?![A-Za-z'’])") if names else None
    return steps if used is None or any(map(used.search, bare)) else bare


def blocks(
    read: Read, rng: Random, tally: Tally, families: Sequence[Family] = FAMILIES, most: int = 1
) -> Iterator[Block]:
    """The blocks of a problem: of each family that applies up to `most`, in the order of `families`.

    What is left out is counted in `tally` by reason.
    """
    problem, graph = read.problem, read.graph
    threshold = has_threshold(graph)
    for family in families:
        made = 0
        for edit in family.edits(graph, rng):
            if threshold and family.misreads and edit.change.own is None and edit.change.concludes is None:
                tally.counts[f"edit refused/{family.name}/threshold"] += 1
                continue
            try:
                solved = solve(graph, edit.change)
            except Refused as refusal:
                tally.counts[f"edit refused/{family.name}/{refusal}"] += 1
                continue
            answer = _written(solved.answer, read.checker.answer)
            block = Block(
                problem, family, edit, read.steps, tuple(solved.steps), solved.first, read.checker.answer, answer
            )
            refused = _refusal(block, read.checker)
            if refused is not None:
                tally.counts[f"block refused/{family.name}/{refused.partition(':')[0]}"] += 1
                continue
            yield block
            made += 1
            if made == most:
                break


def _refusal(block: Block, checker: BlockChecker) -> str | None:
    """Why a block does not stand, by its text alone; None if it does."""
    twin, k = block.edit.question, block.first_error
    if block.edit.base:
        checker = BlockChecker(block.edit.base, block.steps, block.answer)
    refusal = checker.refusal(twin, block.twin_steps, k, block.twin_answer, block.family.is_slip)
    if refusal is not None:
        return refusal
    if not block.family.recognised(checker.difference(twin, block.twin_steps, k)):
        return f"not recognised: {block.edit.said}"
    if not block.family.misreads:
        return None
    if block.problem.split != "test" and is_test_question(twin):
        return "test question: the twin is a question of GSM8K test"
    # and S under Q', as much as S' under Q
    turned = BlockChecker(twin, block.twin_steps, block.twin_answer)
    return turned.refusal(checker.question, block.steps, k, block.answer)


def _written(value: Value, like: str) -> str:
    text = write_number(value, like)
    return text if "," in like else text.replace(",", "")
