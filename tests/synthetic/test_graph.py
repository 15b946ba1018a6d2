"""Which number of a solution is which of its question; what may be two of them is open, and is never changed."""

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.graph import UNKNOWN, WORLD, Graph, join, quantity_source
from prm_gsm8k.synthetic.parse import read_solution
from prm_gsm8k.synthetic.question import read_question

NATALIA = shipped_problems("train")[0]


def graph(question: str, answer: str) -> Graph:
    return join(read_question(question), read_solution(question, answer))


def test_the_running_example() -> None:
    read = graph(NATALIA.question, NATALIA.answer)
    clips, half = quantity_source(0), quantity_source(1)
    assert read.sources == [[(clips,), (half,)], [(clips,), (0,)]]
    assert read.feeds(0) == [(0, 0), (1, 0)]


def test_a_constant_of_the_world_needs_a_word_for_it() -> None:
    answer = "3*7 = <<3*7=21>>21\n#### 21"
    assert graph("Jo eats 3 pears a day. How many a week?", answer).sources[0][1] == (WORLD,)
    assert graph("Jo eats 3 pears. How many?", answer).sources[0][1] == (UNKNOWN,)


def test_a_number_that_the_world_may_say_too_is_open() -> None:
    read = graph("Jo eats 7 pears a day. How many a week?", "7*7 = <<7*7=49>>49\n#### 49")
    assert read.is_open(quantity_source(0))
    assert read.feeds(0) == []


def test_a_percentage_is_known_in_every_form() -> None:
    for form, result in (("0.2", 10), ("20/100", 10), ("1.2", 60), ("0.8", 40)):
        answer = f"50*{form} = <<50*{form}={result}>>{result}\n#### {result}"
        read = graph("It costs 50 dollars, and 20% is taken. How much?", answer)
        assert read.feeds(1), form


def test_a_fraction_is_one_quantity_above_and_below_its_line() -> None:
    read = graph("Jo has 12 pens and gives 3/4 of them. How many?", "12*3/4 = <<12*3/4=9>>9\n#### 9")
    assert read.sources[0][1] == read.sources[0][2] == (quantity_source(1),)


def test_of_two_equal_numbers_the_one_that_the_step_speaks_of() -> None:
    question = "Amy picked 4 baskets of apples. Ben picked 4 crates of pears. Each basket holds 5 apples. How many?"
    answer = "Amy picked baskets of apples 4*5 = <<4*5=20>>20\n#### 20"
    assert graph(question, answer).sources[0][0] == (quantity_source(0),)


def test_of_two_equal_numbers_the_one_that_nothing_else_uses() -> None:
    question = "Amy picked 4 baskets of apples. Ben picked 4 crates of pears. Each basket holds 5 apples. How many?"
    first = "Amy picked baskets of apples 4*5 = <<4*5=20>>20\n"
    read = graph(question, first + "20+4 = <<20+4=24>>24\n#### 24")
    assert read.sources[1][1] == (quantity_source(1),)
    assert not read.is_open(quantity_source(0))
    twice = graph(question, first + "20+4 = <<20+4=24>>24\n24-4 = <<24-4=20>>20\n#### 20")
    assert len(twice.sources[1][1]) == len(twice.sources[2][1]) == 2  # it may be either
    either = graph("Amy picked 4 apples. Ben picked 4 pears. How many?", "4+0 = <<4+0=4>>4\n#### 4")
    assert len(either.sources[0][0]) == 2
