"""A block: four labelled solutions, of which each contested step is once correct and once a first error."""

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.disputed import DISPUTED
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.gallery import example_of
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.held_out import is_test_question
from prm_gsm8k.synthetic.solve import Change

SOME = shipped_problems("train")[:300]


@pytest.fixture(scope="module")
def made() -> list[Block]:
    return [block for problem in SOME for block in blocks_of(problem)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_has_an_example(family: Family) -> None:
    block = example_of(family)
    assert (block.edit.question != block.problem.question) == family.misreads
    assert block.steps[: block.first_error] == block.twin_steps[: block.first_error]
    assert family.concludes == (block.first_error in (len(block.steps), len(block.twin_steps)))
    reason = family.thought.format(said=block.edit.said, read=block.edit.read)
    assert block.edit.said in reason


def test_blocks_depend_on_their_problem_and_the_seed_alone(made: list[Block]) -> None:
    assert blocks_of(SOME[7], seed=3) == blocks_of(SOME[7], seed=3)
    backwards = [block for problem in reversed(SOME[:100]) for block in blocks_of(problem)]
    assert sorted(backwards, key=str) == sorted((b for b in made if b.problem in SOME[:100]), key=str)


def test_no_twin_is_a_question_of_the_test_set(made: list[Block]) -> None:
    assert is_test_question(re.sub(r"\d", "7", shipped_problems("test")[5].question))
    assert [block for block in made if is_test_question(block.edit.question)] == []


def test_a_problem_whose_reference_is_wrong_is_left_out_with_its_reason() -> None:
    name = next(iter(DISPUTED))
    tally = Tally()
    assert blocks_of(shipped_problems("train")[int(name.rpartition("/")[2])], tally=tally) == []
    assert tally.skipped[0][1] == f"its reference solution is wrong: {DISPUTED[name]}"


def test_what_cannot_be_read_is_counted() -> None:
    tally = Tally()
    assert blocks_of(Problem("mine/0", "How many?", "Many.\n#### 5", "train", "mine.jsonl:1"), tally=tally) == []
    assert tally.skipped == [("mine.jsonl:1", "no equation")]


def test_a_family_is_one_file_and_one_line() -> None:
    """A toy: whatever is bought for $20 is bought for $30."""

    def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
        for index, quantity in enumerate(graph.question.quantities):
            if quantity.value == 20 and graph.feeds(index):
                twin = graph.question.edited(dict.fromkeys(quantity.mentions, "30"))
                yield Edit(twin, Change(quantities={index: 30}), "$20", "$30")

    def recognised(read: Difference) -> bool:
        return dict(read.gone) == {"20": 1} and dict(read.new) == {"30": 1}

    toy = Family("toy", "nothing", "{said} {read}", "{said} {read}", "", edits, recognised)
    question = "Jo has $50 and buys a hat for $20. How much is left?"
    problem = Problem("mine/0", question, "Jo has 50-20 = $<<50-20=30>>30 left.\n#### 30", "train", "mine.jsonl:1")
    [block] = blocks_of(problem, families=(toy,))
    assert block.edit.question == question.replace("20", "30")
    assert block.twin_steps == ("Jo has 50-30 = $20 left.",)


def test_a_block_that_its_family_does_not_recognise_is_left_out() -> None:
    blind = [replace(family, recognised=lambda read: False) for family in FAMILIES]
    tally = Tally()
    assert [block for problem in SOME[:50] for block in blocks_of(problem, families=blind, tally=tally)] == []
    assert any(why.endswith("/not recognised") for why in tally.counts)


def stale(block: Block) -> list[str]:
    """Numbers of S' that only Q says: by a check that shares nothing with the code that makes or checks blocks."""
    number = re.compile(r"\d[\d,]*(?:\.\d+)?")
    values = [*enumerate("two three four five six seven eight nine ten".split(), 2)]
    values += [
        (2, "twice"),
        (2, "half"),
        (3, "third"),
        (4, "fourth"),
        (5, "fifth"),
        (15, "fifteen"),
        (16, "sixteen"),
        (20, "twenty"),
    ]
    value = {word: number for number, word in values}
    words = "|".join(value)

    def numbers(text: str) -> set[float]:
        spelled = {float(value[found]) for found in re.findall(rf"\b(?:{words})(?=s?\b)", text.lower())}
        return spelled | {float(found.replace(",", "")) for found in number.findall(text)}

    gone = numbers(block.problem.question) - numbers(block.edit.question)
    results = {float(x.replace(",", "")) for step in block.twin_steps for x in re.findall(r"= *\$?([\d,.]*\d)", step)}
    return [step for step in block.twin_steps if (numbers(step) & gone) - results]


def test_no_number_that_the_twin_does_not_say_is_left_in_its_solution(made: list[Block]) -> None:
    assert [(block.problem.id, stale(block)) for block in made if stale(block)] == []
