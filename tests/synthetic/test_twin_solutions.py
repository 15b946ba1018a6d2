"""The solution of an edited question: everything is computed anew; what cannot be followed is refused."""

from fractions import Fraction

import pytest

from prm_gsm8k.synthetic.graph import Graph, join, quantity_source
from prm_gsm8k.synthetic.parse import read_solution
from prm_gsm8k.synthetic.question import read_question
from prm_gsm8k.synthetic.solve import Change, Refused, Solved, solve

CLIPS = join(
    read_question("Jo sold 48 clips in April and half as many in May. How many?"),
    read_solution(
        "Jo sold 48 clips in April and half as many in May. How many?",
        "Jo sold 48/2 = <<48/2=24>>24 clips in May.\nOf 48 and 24 clips, Jo sold 48+24 = <<48+24=72>>72.\n#### 72",
    ),
)
SHOPPING = (
    "Jo has $50. She buys a hat for $20, a scarf for $12 and 2 pens for $3 each. How much is left?",
    "The pens cost 2 * $3 = $<<2*3=6>>6.\nIn total $20 + $12 + $6 = $<<20+12+6=38>>38.\n"
    "So $50 - $38 = $<<50-38=12>>12 is left.\n#### 12",
)


def graph(question: str, answer: str) -> Graph:
    return join(read_question(question), read_solution(question, answer))


def refused(graph: Graph, change: Change) -> str:
    with pytest.raises(Refused) as refusal:
        solve(graph, change)
    return str(refusal.value)


def test_a_number_changes_everywhere_and_so_does_what_follows() -> None:
    assert solve(CLIPS, Change(quantities={0: 60})) == Solved(
        ["Jo sold 60/2 = 30 clips in May.", "Of 60 and 30 clips, Jo sold 60+30 = 90."], 0, 90
    )


def test_an_operator_changes_in_the_glyph_of_the_solution() -> None:
    assert solve(CLIPS, Change(operators={(0, 0): "*"})).steps[0] == "Jo sold 48*2 = 96 clips in May."


def test_a_term_is_left_out_with_its_unit() -> None:
    change = Change(dropped=frozenset({(1, 1)}))
    assert solve(graph(*SHOPPING), change).steps[1] == "In total $20 + $6 = $26."


def test_a_step_that_is_gone_hands_on_an_operand() -> None:
    solved = solve(graph(*SHOPPING), Change(gone={0: 1}))
    assert solved.steps == ["In total $20 + $12 + $3 = $35.", "So $50 - $35 = $15 is left."]
    assert solved.first == 0


def test_a_factor_is_left_out_of_a_sum_of_products() -> None:
    read = graph("8 at 3 and 4 at 5?", "8*3 + 4*5 = <<8*3+4*5=44>>44\n44*2 = <<44*2=88>>88 for both\n#### 88")
    assert solve(read, Change(dropped=frozenset({(0, 2)}))).steps[0] == "8*3 + 5 = 29"


def test_an_operand_comes_from_elsewhere() -> None:
    change = Change(sources={(2, 1): quantity_source(1)})  # of the hat alone, for all that was bought
    assert solve(graph(*SHOPPING), change).steps[2] == "So $50 - $20 = $30 is left."


def test_what_is_taken_away_stands_behind() -> None:
    read = graph("Al has 7 more than the 12 of Jo.", "Al has 7+12 = <<7+12=19>>19 pens.\n#### 19")
    change = Change(operators={(0, 0): "-"}, swapped=frozenset({0}))
    assert solve(read, change).steps[0] == "Al has 12-7 = 5 pens."


def test_money_has_no_cents_or_two_digits_of_them() -> None:
    assert solve(graph(*SHOPPING), Change(quantities={2: Fraction(25, 2)})).steps[1] == (
        "In total $20 + $12.50 + $6 = $38.50."
    )


def test_a_twin_may_have_a_last_step_of_its_own() -> None:
    own = ("Jo sold 48-24 = 24 more.", 24)
    assert solve(CLIPS, Change(last=0, own=own)) == Solved(["Jo sold 48/2 = 24 clips in May.", own[0]], 1, 24)
    assert solve(CLIPS, Change(last=-1, own=own)) == Solved([own[0]], 0, 24)
    assert solve(CLIPS, Change(own=own)).first == 2  # a further step


def test_a_number_word_follows() -> None:
    question, answer = "Jo has three bags of 4 pens.", "In three bags are 3*4 = <<3*4=12>>12 pens.\n#### 12"
    assert solve(graph(question, answer), Change(quantities={0: 5})).steps == ["In five bags are 5*4 = 20 pens."]


def test_a_mention_before_the_first_equation_that_changes_follows_too() -> None:
    read = graph(
        "She paid $480 at 20% off. What was the price?",
        "She paid $480, and 100-20 = <<100-20=80>>80 percent is left.\n480/0.8 = <<480/0.8=600>>600\n#### 600",
    )
    assert refused(read, Change(quantities={0: 840})) == "first difference has the same result"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(quantities={0: 49}), "not believable"),  # half a clip
        (Change(quantities={0: 4800}), "not believable"),  # a hundred times as many
        (Change(gone={0: -1}), "needs what is gone"),
    ],
)
def test_what_makes_no_sense_is_refused(change: Change, why: str) -> None:
    assert refused(CLIPS, change) == why


def test_the_same_answer_is_refused() -> None:
    read = graph("Jo has 5 pens and 3 pens. How many?", "Jo has 5+3 = <<5+3=8>>8 pens.\n#### 8")
    assert refused(read, Change(quantities={0: 3, 1: 5})) == "same answer"


def test_a_number_that_may_be_another_is_refused() -> None:
    read = graph("Jo has 4 pens in 4 boxes. How many?", "4*4 = <<4*4=16>>16 pens\n16*2=<<16*2=32>>32 for both\n#### 32")
    assert refused(read, Change(quantities={0: 6})) == "ambiguous operand"


def test_a_step_that_points_back_to_what_is_gone_is_refused() -> None:
    question, answer = SHOPPING
    read = graph(question, answer.replace("In total", "Adding that amount,"))
    assert refused(read, Change(gone={0: 1})) == "points back"


def test_a_step_says_what_is_not_computed_any_more() -> None:
    solved = solve(graph(*SHOPPING), Change(restated={0: 1}))
    assert solved.steps[:2] == ["The pens cost $3.", "In total $20 + $12 + $3 = $35."]


def test_a_bare_equation_is_not_restated() -> None:
    question, answer = SHOPPING
    read = graph(question, answer.replace("The pens cost", "Pens:"))
    assert refused(read, Change(restated={0: 1})) == "not to be restated"
