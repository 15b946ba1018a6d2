"""Each error type on a solution that can be checked by hand: the incorrect step, what follows, the reason."""

from fractions import Fraction
from random import Random

import pytest

from prm_gsm8k.synthetic.errors import TAXONOMY, Edit, ErrorContext
from prm_gsm8k.synthetic.parse import read_solution
from prm_gsm8k.synthetic.plan import Plan, Refused, plan_change
from prm_gsm8k.synthetic.propagate import IncorrectSolution, propagate
from prm_gsm8k.synthetic.style import Frame, Style


def context(question: str, answer: str, style: Style | None = None) -> ErrorContext:
    solution = read_solution(question, answer)
    plans: list[Plan | None] = []
    for index in range(len(solution.equations)):
        try:
            plans.append(plan_change(solution, index))
        except Refused:
            plans.append(None)
    frame = Frame(solution, style or Style(conclusion="The answer is {}."), Random(0))
    return ErrorContext(frame, plans, lambda place: 1.0)


def all_wrong(context: ErrorContext, name: str) -> dict[str, tuple[IncorrectSolution, str]]:
    """Every solution that an error type can make, by its first incorrect step, with the reason."""
    kind = TAXONOMY[name]
    made = {}
    for site in kind.sites(context):
        for seed in range(40):
            edit = kind.make(context, site, Random(seed))
            if edit is not None:
                try:
                    wrong = propagate(context, edit)
                except Refused:
                    continue
                made[wrong.steps[wrong.first_error]] = (wrong, edit.reason())
    return made


CLIPS = (
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?",
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n"
    "Natalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n#### 72",
)
WALLET = (
    "Betty is saving money for a new wallet which costs $100. Betty has only $50. Her parents decided to give her $15 "
    "for that purpose, and her grandparents twice as much as her parents. How much more money does Betty need?",
    "Betty's grandparents gave her 15 * 2 = $<<15*2=30>>30.\n"
    "This means, Betty needs 100 - 50 - 30 - 15 = $<<100-50-30-15=5>>5 more.\n#### 5",
)
SHOPPING = (
    "Josh has $20. He buys a hat for $10 and a pencil for $2. Then he buys 4 cookies for $1.25 each. How much is left?",
    "After the hat and the pencil, Josh has $20 - $10 - $2 = $<<20-10-2=8>>8.\n"
    "The cookies cost 4 * $1.25 = $<<4*1.25=5>>5.\n"
    "After the cookies, Josh has $8 - $5 = $<<8-5=3>>3.\n#### 3",
)
WAGE = (
    "Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of babysitting. How much did she earn?",
    "Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\n"
    "Working 50 minutes, she earned 0.2 x 50 = $<<0.2*50=10>>10.\n#### 10",
)
DISCOUNT = (
    "A coat costs $50. The shop takes 20% off. How much does John pay for 3 coats?",
    "The discount is 50*.2 = $<<50*.2=10>>10.\nA coat is then 50-10 = $<<50-10=40>>40.\n"
    "John pays 40*3 = $<<40*3=120>>120.\n#### 120",
)
BRACKETS = (
    "A pen costs $2 and a book costs $4. How much are 3 of each, if shipping is $5?",
    "The things cost 3 * (2 + 4) = $<<3*(2+4)=18>>18.\nWith shipping, that is 18 + 5 = $<<18+5=23>>23.\n#### 23",
)
PAPER = (
    "Tom prints 30 pages a day, 5 days a week, for 6 weeks. He then prints 100 pages more. How many does he print?",
    "In the weeks he prints 30 * 5 * 6 = <<30*5*6=900>>900 pages.\n"
    "That makes 900 + 100 = <<900+100=1000>>1000.\n#### 1000",
)

PENS = (
    "Ann buys 4 boxes of 6 pens and 3 boxes of 5 markers. A pen costs $2. How much does she pay for the pens?",
    "She buys 4 * 6 = <<4*6=24>>24 pens.\nShe buys 3 * 5 = <<3*5=15>>15 markers.\n"
    "The pens cost 24 * 2 = $<<24*2=48>>48.\n#### 48",
)


@pytest.mark.parametrize(
    ("name", "problem", "step", "after", "reason"),
    [
        (
            "number_flipped",
            CLIPS,
            "Natalia sold 84/2 = 42 clips in May.",
            ["Natalia sold 48+42 = 90 clips altogether in April and May.", "The answer is 90."],
            'reads 84 where the problem says 48 ("sold clips to 48 of her friends")',
        ),
        (
            "wrong_problem_number",
            PENS,
            "She buys 4 * 5 = 20 pens.",
            ["She buys 3 * 5 = 15 markers.", "The pens cost 20 * 2 = $40.", "The answer is 40."],
            'uses 5 ("3 boxes of 5 markers") where 6 ("4 boxes of 6 pens and 3") belongs',
        ),
        (
            "wrong_earlier_result",
            PENS,
            "The pens cost 15 * 2 = $30.",
            ["The answer is 30."],
            "uses 15 (the result of step 2) where 24 (the result of step 1) belongs",
        ),
        (
            "operation_changed",
            CLIPS,
            "Natalia sold 48-24 = 24 clips altogether in April and May.",
            ["The answer is 24."],
            "computes 48 - 24 where 48 + 24 belongs",
        ),
        (
            "relation_reversed",
            CLIPS,
            "Natalia sold 48*2 = 96 clips in May.",
            ["Natalia sold 48+96 = 144 clips altogether in April and May.", "The answer is 144."],
            "takes the relation the wrong way round: 48 * 2 where 48 / 2 belongs",
        ),
        (
            "grouping_lost",
            BRACKETS,
            "The things cost 3 * 2 + 4 = $10.",
            ["With shipping, that is 10 + 5 = $15.", "The answer is 15."],
            "loses the brackets: 3 * 2 + 4 where 3 * (2 + 4) belongs",
        ),
        (
            "step_skipped",
            WAGE,
            "Working 50 minutes, she earned 12 x 50 = $600.",
            ["The answer is 600."],
            "skips 12 / 60 = 0.2 and uses 12 in its place",
        ),
        (
            "term_left_out",
            WALLET,
            "This means, Betty needs 100 - 50 - 30 = $20 more.",
            ["The answer is 20."],
            "leaves out 15: 100 - 50 - 30 where 100 - 50 - 30 - 15 belongs",
        ),
        (
            "counted_twice",
            SHOPPING,
            "After the hat and the pencil, Josh has $20 - $10 - $2 - $2 = $6.",
            ["The cookies cost 4 * $1.25 = $5.", "After the cookies, Josh has $6 - $5 = $1.", "The answer is 1."],
            "counts 2 twice: 20 - 10 - 2 - 2 where 20 - 10 - 2 belongs",
        ),
        (
            "percentage_confused",
            DISCOUNT,
            "The discount is 50*.8 = $40.",
            ["A coat is then 50-40 = $10.", "John pays 10*3 = $30.", "The answer is 30."],
            "takes 80% where 20% belongs: the share of the rest",
        ),
        (
            "unit_confused",
            WAGE,
            "Weng earns 12/100 = $0.12 per minute.",
            ["Working 50 minutes, she earned 0.12 x 50 = $6.", "The answer is 6."],
            "converts with 100 where 60 belongs",
        ),
        (
            "calculation_slip",
            PAPER,
            "In the weeks he prints 30 * 5 * 6 = 910 pages.",
            ["That makes 910 + 100 = 1010.", "The answer is 1010."],
            "30 * 5 * 6 is 900, not 910",
        ),
        (
            "stopped_early",
            CLIPS,
            "The answer is 24.",
            [],
            "stops at 24 (the result of step 1): 48 + 24 = 72 is still to be computed",
        ),
        (
            "wrong_question",
            SHOPPING,
            "The answer is 8.",
            [],
            "answers with 8 (the result of step 1) where the question asks for 3",
        ),
        (
            "wrong_final_answer",
            CLIPS,
            "The answer is 27.",
            [],
            "states 27 as the answer where 72 was computed",
        ),
    ],
)  # fmt: skip
def test_an_error_and_what_follows(
    name: str, problem: tuple[str, str], step: str, after: list[str], reason: str
) -> None:
    made = all_wrong(context(*problem), name)
    assert step in made, sorted(made)
    wrong, said = made[step]
    assert wrong.steps[wrong.first_error + 1 :] == after
    assert said == reason


def test_every_error_of_the_taxonomy_is_tested() -> None:
    marks = getattr(test_an_error_and_what_follows, "pytestmark")  # noqa: B009
    tested = {values[0] for values in marks[0].args[1]}
    assert tested == set(TAXONOMY)
    assert len(TAXONOMY) == 15


def test_a_result_that_no_one_would_believe_is_not_made() -> None:
    steps = all_wrong(context(*SHOPPING), "wrong_problem_number")
    assert "After the cookies, Josh has $4 - $5 = $-1." not in steps
    assert not any("-" in step.rpartition("=")[2] for step in steps)


def test_the_prose_beside_an_equation_says_the_same_number() -> None:
    steps = all_wrong(context(*WAGE), "number_flipped")
    working = [step for step in steps if step.startswith("Working")]
    assert working
    for step in working:
        assert f"0.2 x {step.split()[1]} =" in step


def test_prose_that_states_a_result_of_the_incorrect_step_which_stands_is_not_changed() -> None:
    """Not "She has 3 hours left because 9-3=6. The share is 3/12": the 6 is correct."""
    share = context(
        "Ann has 9 hours, of which she reads 3. What share of 12 hours is left?",
        "She has 6 hours left because 9-3=<<9-3=6>>6. The share is 6/12=<<6/12=.5>>.5\n#### .5",
    )
    edit = Edit(1, Fraction(1, 4), {}, ((0, 3),), str)
    with pytest.raises(Refused, match="result that stands"):
        propagate(share, edit)
    assert not any(
        step.startswith("She has 3 hours left because 9-3=6") for step in all_wrong(share, "wrong_earlier_result")
    )


def test_prose_that_repeats_a_changed_result_follows_it() -> None:
    bike = context(
        "A bike costs $100. Zach has $65 and earns $29. How much more does he need?",
        "He will have 65 + 29 = $<<65+29=94>>94.\n"
        "The bike costs $100 and he will have $94, leaving $100 - $94 = $<<100-94=6>>6 to earn.\nSo $6 it is.\n#### 6",
    )
    wrong, _ = all_wrong(bike, "calculation_slip")["He will have 65 + 29 = $84."]
    assert wrong.steps[1:] == [
        "The bike costs $100 and he will have $84, leaving $100 - $84 = $16 to earn.",
        "So $16 it is.",
        "The answer is 16.",
    ]


def test_an_error_that_leads_to_what_no_one_would_believe_is_refused() -> None:
    shopping = context(*SHOPPING)
    edit = Edit(0, 4, {}, (), str)  # $4 are left, and the cookies cost $5
    with pytest.raises(Refused, match="not believable"):
        propagate(shopping, edit)


def test_nothing_changes_where_the_origin_of_a_number_is_in_doubt() -> None:
    doubtful = context(
        "He has 3 bags of 4 apples, 12 pears.", "He has 3 * 4 = 12.\nHe has 12 + 12 = 24.\nThat is 24.\n#### 24"
    )
    assert doubtful.plans[0] is None
    assert doubtful.plans[1] is not None


def test_a_number_word_that_would_contradict_is_left_alone() -> None:
    worded = context("He has 3 bags of 4 apples.", "He has 3 * 4 = 12.\nThe twelve apples weigh 12 * 2 = 24.\n#### 24")
    assert worded.plans[0] is None


@pytest.mark.parametrize(
    ("style", "step"),
    [
        (Style(), "Natalia sold 48*2 = 96 clips in May."),
        (Style(times="×", divide="÷", spaced=True), "Natalia sold 48 × 2 = 96 clips in May."),
        (Style(times="x", divide="/", spaced=True), "Natalia sold 48 x 2 = 96 clips in May."),
        (Style(math="\\( \\)", times="\\times", spaced=True), "Natalia sold \\(48 \\times 2 = 96\\) clips in May."),
        (Style(label="Step {}: "), "Step 1: Natalia sold 48*2 = 96 clips in May."),
        (Style(result_only=1.0), "Natalia sold 96 clips in May."),
    ],
)  # fmt: skip
def test_an_error_in_every_style(style: Style, step: str) -> None:
    assert step in all_wrong(context(*CLIPS, style), "relation_reversed")


def test_an_edit_is_never_made_where_nothing_changes() -> None:
    for name in TAXONOMY:
        for wrong, reason in all_wrong(context(*SHOPPING), name).values():
            assert wrong.steps != context(*SHOPPING).frame.steps
            assert wrong.answer != "3"
            assert reason
