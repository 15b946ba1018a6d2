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
            "Jo has $30. He spent $9 on Monday and $5 on Tuesday. How much money does he have left?",
            ("He has $30 - $9 - $5 = $16 left.",),
            "How much money did he spend in total?",
            "In total, he spent $9 + $5 = $14.",
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
            "How many pages does he read in each of the 3 weeks?",
            None,
        ),
        (
            several.FAMILY,
            "9 buses take 180 people. How many people fit in 4 buses?",
            ("One bus takes 180/9 = 20 people.", "4 buses take 20*4 = 80 people."),
            "How many people fit in one of 4 buses?",
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
            "Jo walks 3 miles to the lake and 3 miles back. How many miles does he walk per day?",
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
        # boats that are eaten, and boats that are shot
        (
            target.FAMILY,
            "Jo has 30 boats. 9 are eaten by fish, and he shoots 5 boats. How many boats are left?",
            ("30 - 9 - 5 = 16 boats are left.",),
        ),
        # what is sold when?
        (
            target.FAMILY,
            "Jo has 30 pens. He sold 9 packs of 2 pens. How many pens are left by the time he is done?",
            ("He sold 9*2 = 18 pens.", "30-18 = 12 pens are left."),
        ),
        # two discounts
        (
            target.FAMILY,
            "A coat costs $100. Jo gets a 10% discount, and a discount of 20% on that. How much does he pay?",
            ("The price is $100*0.9 = $90.", "The second discount is $90*0.2 = $18.", "He pays $90-$18 = $72."),
        ),
        # part of what he needs has been taken off
        (
            target.FAMILY,
            "Jo must sell 20 pens. He sold 12. Then he sold 4 pens. How many more pens does he need to sell?",
            ("Jo still needs to sell 20-12 = 8 pens.", "Then he needs to sell 8-4 = 4 pens."),
        ),
        # two can have read the same books
        (
            difference.FAMILY,
            "Jo read 4 books twice. Al read 3 of the books. How many more of the books did Jo read than Al?",
            ("Jo read 4*2 = 8 books.", "Jo read 8-3 = 5 more books."),
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
        # the car has no gallons on it
        (
            another_one.FAMILY,
            "Jo's car had 1700 miles. He used 20 gallons twice, for 30 miles each. How many miles does it have now?",
            ("He used 20*2 = 40 gallons.", "He drove 40*30 = 1200 miles.", "It has 1700+1200 = 2900 miles."),
        ),
        # "if he swings each minute" is still all of them
        (
            period.FAMILY,
            "A monkey swings 2 meters a second. How many meters is that if it swings for 3 minutes?",
            ("It swings 2*60 = 120 meters a minute.", "It swings 120*3 = 360 meters."),
        ),
        # whoever goes on would use 101 bears that nobody told of
        (
            earlier.FAMILY,
            "The first bear costs $4, all others 50 cents less. How much do 101 bears cost Al and Jo?",
            ("An additional bear costs $4-$0.5 = $3.5.", "Of these there are 101-1 = 100.", "100*$3.5+$4 = $354."),
        ),
        # of this month, or of the next?
        (
            earlier.FAMILY,
            "Jo sold 8 paintings for $60 each. If he sells twice as many next month, how much does he earn then?",
            ("Jo earns 8*$60 = $480 for the paintings.", "He earns 2*$480 = $960 then."),
        ),
        # those who joined
        (
            another_one.FAMILY,
            "Of 18 students, 8 were boys. 8 girls joined the trip. How many girls were not able to join the trip?",
            ("8 + 8 = 16 students joined the trip.", "So 18 - 16 = 2 girls were not able to join the trip."),
        ),
        # half of Bo's are not Bo's
        (
            another_one.FAMILY,
            "Cy fell 10 times. Al fell 2 less than half the number of times that Cy fell. How many times did Al fall?",
            ("Half the number of times that Cy fell is 10/2 = 5 times.", "Al fell 5-2 = 3 times."),
        ),
        # feet, divided by the months of a year
        (
            period.FAMILY,
            "A tree grew from 20 to 80 feet in a year. How much did it grow each month in feet?",
            ("It grew 80-20 = 60 feet.", "A year has 12 months, so it grew 60/12 = 5 feet."),
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
        # a foot is no inch
        (
            several.FAMILY,
            "A tree of 52 feet grew 8 feet. How tall is it in inches, assuming 1 foot is 12 inches?",
            ("It is 52+8 = 60 feet tall.", "It is 60*12 = 720 inches tall."),
        ),
        # the breaks of a minute are not those of an hour
        (
            further.FAMILY,
            "Jo does 3 jumps in 5 seconds. How many jumps does he do in a minute if he takes two 5-second breaks?",
            ("He jumps for 60-10 = 50 seconds.", "He does 50/5*3 = 30 jumps."),
        ),
        # 365 days are more than 52 weeks
        (
            further.FAMILY,
            "Jo walks 3 miles to the lake daily. How many miles does he walk per week?",
            ("He walks 3*7 = 21 miles.",),
        ),
        # four weeks of work are not 28 days of work
        (
            further.FAMILY,
            "Jo earns $40 a week. How many weeks must he work to get $120?",
            ("He must work $120/$40 = 3 weeks.",),
        ),
        # Bo got nine pens and ate none
        (
            further.FAMILY,
            "Al has 9 pears. Bo got twice as many. Al ate 3 more than Bo got. How many pears did Al eat?",
            ("Bo got 9*2 = 18 pears.", "Al ate 18+3 = 21 pears."),
        ),
        # not every day of the week counts
        (
            further.FAMILY,
            "Jo walks 3 miles and 3 miles back on school days. How many miles does he walk per day?",
            ("He walks 3+3 = 6 miles.",),
        ),
        # Adam's donation is more than this part of it
        (
            earlier.FAMILY,
            "Jo donates 4 suits, each a coat and a skirt, and 20 hats. How many things are donated with 9 of Al's?",
            ("There are 4*2 = 8 things from Jo's donation.", "Jo is donating 8+20 = 28 things.", "28+9 = 37 things."),
        ),
        # how many did Al plant: before noon, or all?
        (
            earlier.FAMILY,
            "Al planted 2 rows of 50 seeds, and 20 of 2 seeds in the afternoon. Jo planted 9. How many did they plant?",
            ("Al planted 2*50 = 100 seeds.", "Al planted 20*2 = 40 seeds in the afternoon.", "100+40+9 = 149 seeds."),
        ),
        # two prices of ten bales
        (
            earlier.FAMILY,
            "Jo wants 10 bales of hay. Old ones cost $5, new ones $6. How much more does he pay for the new ones?",
            ("Jo pays 10*$5 = $50 for the bales.", "Jo pays 10*$6 = $60 for the bales.", "He pays $60-$50 = $10 more."),
        ),
        # the pills of one day are not all he takes
        (
            earlier.FAMILY,
            "Jo has 50 pills. He takes 2 pills three times a day, for 2 days. How many pills are left?",
            (
                "Jo takes 2*3 = 6 pills in total.",
                "Jo takes 2*6 = 12 pills over the days.",
                "50-12 = 38 pills are left.",
            ),
        ),
        # all paws, or those of half of the dogs?
        (
            earlier.FAMILY,
            "Of 12 dogs, half stand on 2 legs. The others stand on 4. How many dog paws are on the ground?",
            ("There are 6*2 = 12 paws on the ground.", "The others have 6*4 = 24.", "12+24 = 36 dog paws are on it."),
        ),
        # until she got a raise, or now?
        (
            earlier.FAMILY,
            "Al makes $300 a week and got a 10% raise. Jo makes $40 a week less. How much does Jo make then?",
            ("Al now makes $300*1.1 = $330 a week.", "Jo makes $330-$40 = $290."),
        ),
        # a ticket, or all of them?
        (
            earlier.FAMILY,
            "Tickets for children cost $4, for adults $3 more. How much do 2 tickets for adults cost Jo?",
            ("The adult tickets cost 4+3 = $7.", "Jo pays 7*2 = $14."),
        ),
        # before he gave a third of them
        (
            earlier.FAMILY,
            "Jo has 2 boxes of 18 pens. He gives 1/3 of them to Al. How many pens does Al get?",
            ("Jo has 2*18 = 36 pens.", "Al gets 36/3 = 12 pens."),
        ),
        # $20 of what it costs are there
        (
            earlier.FAMILY,
            "A bike costs $80. Jo has $20 and gets $30 a week. How many weeks does he have to wait?",
            ("Jo needs $80-$20 = $60 for the bike.", "He has to wait 60/30 = 2 weeks."),
        ),
        # a fee a week is not the fee
        (
            earlier.FAMILY,
            "Jo rents a camera of $500 for 4 weeks at 10% of its value a week. How much does he pay?",
            ("The rental fee is $500*0.1 = $50 per week.", "Jo pays 50*4 = $200."),
        ),
        # in a week
        (
            earlier.FAMILY,
            "A panda eats 138 pounds a day. A cub eats 50 pounds a day. How many pounds do they eat in a week?",
            (
                "A panda will eat 138 pounds * 7 days = 966 pounds.",
                "A cub eats 50*7 = 350 pounds.",
                "966+350 = 1316 pounds",
            ),
        ),
        # what it was until it was raised
        (
            earlier.FAMILY,
            "Pears used to cost $2 a pound. The price rose by 50%. How much do 4 pounds cost?",
            ("A pound of pears cost $2*1.5 = $3.", "4 pounds cost $3*4 = $12."),
        ),
        # an equation that only converts
        (
            earlier.FAMILY,
            "Jo buys 8 eggs. He sees 3 dozen brown eggs, and then 9 brown eggs. How many eggs does he have now?",
            ("3 dozen brown eggs make 3 x 12 = 36 brown eggs.", "In total, he has 8 + 36 + 9 = 53 eggs."),
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


def test_what_the_world_alone_says_is_not_asked() -> None:
    boxes = "There are 12 pens in 3 boxes. A pen costs $5. How much does a box cost?"
    steps = ("There are 12/3 = 4 pens in a box.", "A box costs 4*5 = $20.")
    assert asked(made(earlier.FAMILY, boxes, *steps)) == ["How many pens are there in a box?"]
    counter = "A device counts every 5 seconds for one hour. How many times does it count?"
    steps = ("There are 60*60 = 3600 seconds in an hour.", "It counts 3600/5 = 720 times.")
    assert not made(earlier.FAMILY, counter, *steps)
