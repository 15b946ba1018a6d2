"""The families that ask for something else: each makes the edits that it says, and none where its guard forbids it."""

import pytest
from made_blocks import blocks_of

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.synthetic.blocks import Block
from prm_gsm8k.synthetic.edit import Family
from prm_gsm8k.synthetic.families import (
    another_one,
    difference,
    earlier,
    further,
    period,
    several,
    target,
)


def made(family: Family, question: str, *steps: str) -> list[Block]:
    """All blocks of a family; the steps are written with `=` alone, and annotated here."""
    body = "\n".join(steps)
    answer = steps[-1].rpartition("=")[2].strip(" $").split()[0].rstrip(".")
    problem = Problem("mine/0", question, f"{body}\n#### {answer}", "train", "mine.jsonl:1")
    return blocks_of(problem, (family,), most=9)


def asked(found: list[Block]) -> list[str]:
    return [block.edit.read for block in found]


LEFT = ("Jo has 30 pens. He sold 2 packs of 4 pens. ", "He sold 2*4 = 8 pens.")


@pytest.mark.parametrize(
    ("family", "question", "steps", "twin", "last"),
    [
        (
            target.FAMILY,
            LEFT[0] + "How many pens does he have left?",
            (LEFT[1], "He has 30-8 = 22 pens left."),
            "How many pens did he sell?",
            None,
        ),
        (
            target.FAMILY,
            "Jo has 30 pens. He sold 9 pens on Monday and 5 pens on Tuesday. How many pens does he have left?",
            ("He has 30 - 9 - 5 = 16 pens left.",),
            "How many pens did he sell in total?",
            "In total, he sold 9 + 5 = 14 pens.",
        ),
        (
            target.FAMILY,
            "A bike costs $90. Jo earned $5 for each of 4 lawns. How much more money does Jo need to buy the bike?",
            ("Jo has 4*$5 = $20.", "He needs $90-$20 = $70."),
            "How much money does Jo have so far?",
            None,
        ),
        (
            target.FAMILY,
            "A meal costs $50. Jo paid a tip of 20%. How much did Jo pay?",
            ("The tip was $50*0.2 = $10.", "Jo paid $50+$10 = $60."),
            "How much was the tip?",
            None,
        ),
        (
            difference.FAMILY,
            "Jo has 8 pens. Al has 4 times as many. How many pens do Jo and Al have together?",
            ("Al has 8*4 = 32 pens.", "They have 8+32 = 40 pens."),
            "How many more pens does Al have than Jo?",
            "Al has 32-8 = 24 more pens than Jo.",
        ),
        (
            difference.FAMILY,
            "Jo has 8 pens. Al has 3 times as many. How many more pens does Al have than Jo?",
            ("Al has 8 * 3 = 24 pens.", "Al has 24 - 8 = 16 more pens."),
            "How many pens do Al and Jo have",
            "Together they have 24 + 8 = 32 pens.",
        ),
        (
            another_one.FAMILY,
            "Al has 4 more pens than Bo. Bo has twice as many as Cy. If Cy has 9 pens, how many pens does Al have?",
            ("Bo has 9*2 = 18 pens.", "Al has 18+4 = 22 pens."),
            "If Cy has 9 pens, how many pens does Bo have?",
            None,
        ),
        (
            period.FAMILY,
            "Jo reads 5 pages twice a week. How many pages does he read in 3 weeks?",
            ("He reads 5*2 = 10 pages a week.", "In 3 weeks he reads 10*3 = 30 pages."),
            "How many pages does he read in a week?",
            None,
        ),
        (
            several.FAMILY,
            "9 buses take 180 people. How many people fit in 4 buses?",
            ("One bus takes 180/9 = 20 people.", "4 buses take 20*4 = 80 people."),
            "How many people fit in one bus?",
            None,
        ),
        (
            several.FAMILY,
            "Jo had 30 pens and lost 6. He gave the rest to 4 friends. How many pens did each friend get?",
            ("He had 30-6 = 24 pens.", "Each friend got 24/4 = 6 pens."),
            "How many pens did the friends get in total?",
            None,
        ),
        (
            further.FAMILY,
            "Jo walks 3 miles to work and 3 miles back. How many miles does he walk per day?",
            ("He walks 3 + 3 = 6 miles.",),
            "How many miles does he walk per week?",
            "7 * 6 = 42",
        ),
        (
            earlier.FAMILY,
            "Jo picked 3 bags of 9 pears and ate 4 pears. How many pears does he still have?",
            ("Jo picked 3*9 = 27 pears.", "He has 27-4 = 23 pears."),
            "How many pears did Jo pick?",
            None,
        ),
        (
            earlier.FAMILY,
            "Jo made $4 on each of 6 hats on Monday, and $9 on Tuesday. How much did he make?",
            ("On Monday, he made 6*$4 = $24.", "In total he made $24+$9 = $33."),
            "How much money did Jo make on Monday?",
            None,
        ),
        (
            earlier.FAMILY,
            "A cake takes 3 eggs, an egg costs $2. Al bakes 3 cakes. How much does he spend?",
            ("He needs 9 eggs for the cakes because 3 x 3 = 9", "He spends $18 because 9 x 2 = 18"),
            "How many eggs does Al need for the cakes?",
            None,
        ),
    ],
)
def test_something_else_is_asked(
    family: Family, question: str, steps: tuple[str, ...], twin: str, last: str | None
) -> None:
    """The twin asks it, and its solution ends before the last step (None), or with this last step."""
    [block] = [b for b in made(family, question, *steps) if b.edit.read.startswith(twin)]
    if last is None:
        assert block.twin_steps == block.steps[:-1]
    else:
        assert last in block.twin_steps[-1]


@pytest.mark.parametrize(
    ("family", "question", "steps"),
    [
        # two things take away: "how many did he sell" is another number
        (
            target.FAMILY,
            "Jo has 30 pens. He lost 9 pens and sold 5 pens. How many pens does he have left?",
            ("He has 30-9-5 = 16 pens left.",),
        ),
        # the question says the difference: it would be read off
        (
            difference.FAMILY,
            "Jo has 8 pens. Al has 5 more pens than Jo. How many pens do Jo and Al have together?",
            ("Al has 8+5 = 13 pens.", "They have 8+13 = 21 pens."),
        ),
        # the question says how many Bo has
        (
            another_one.FAMILY,
            "Bo has 18 pens at home and 2 with him. Al has 4 more pens than Bo. How many pens does Al have?",
            ("Bo has 18+2 = 20 pens.", "Al has 20+4 = 24 pens."),
        ),
        # "if he reads for a week", when it is said how much he reads a week
        (
            period.FAMILY,
            "Jo reads 5 pages twice a week. If he reads like this for 3 weeks, how many pages does he read?",
            ("He reads 5*2 = 10 pages a week.", "In all he reads 10*3 = 30 pages."),
        ),
        # what is divided is not what each gets
        (
            several.FAMILY,
            "Jo buys 4 boxes of 6 dollars. He shares 8 pens. How many pens does each friend get?",
            ("The boxes cost 4*6 = $24.", "Each friend gets 24/8 = 3 pens."),
        ),
        # not every day of the week counts
        (
            further.FAMILY,
            "Jo walks 3 miles and 3 miles back on school days. How many miles does he walk per day?",
            ("He walks 3+3 = 6 miles.",),
        ),
        # before or after he ate?
        (
            earlier.FAMILY,
            "Jo has 3 bags of 9 pears and eats 4 pears. How many pears are not eaten?",
            ("Jo has 3*9 = 27 pears in the bags.", "27-4 = 23 pears are not eaten."),
        ),
    ],
)
def test_nothing_else_is_asked_where_it_would_be_unclear(family: Family, question: str, steps: tuple[str, ...]) -> None:
    assert asked(made(family, question, *steps)) == []
