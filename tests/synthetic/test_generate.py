"""Rows from problems: what is promised of every one of them, checked on real problems of GSM8K."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest
from stale_values import stale_values
from synthetic.conftest import Generated

from prm_gsm8k.arithmetic.equations import read_equations
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.dataset.schema import check_row
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.synthetic.checker import RowChecker
from prm_gsm8k.synthetic.errors import TAXONOMY
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate

PROBLEMS = shipped_problems("train")[:1500]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(generated: Generated) -> list[Row]:
    return generated.rows


@pytest.fixture(scope="module")
def right(rows: list[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows if row["first_error"] < 0}


@pytest.fixture(scope="module")
def wrong(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["first_error"] >= 0]


def test_every_row_keeps_the_contract(rows: list[Row]) -> None:
    assert [check_row(row, "synthetic") for row in rows if check_row(row, "synthetic")] == []
    assert len({row["id"] for row in rows}) == len(rows)


def test_nine_in_ten_solutions_yield_three_incorrect_rows(wrong: list[Row]) -> None:
    made = Counter(row["problem_id"] for row in wrong)
    assert sum(count == 3 for count in made.values()) >= 0.9 * len(PROBLEMS)


def test_an_incorrect_row_shares_its_prefix_with_its_twin_and_then_leaves_it(
    wrong: list[Row], right: dict[str, Row]
) -> None:
    for row in wrong:
        twin, first = right[row["twin_id"]], row["first_error"]
        assert twin["problem_id"] == row["problem_id"]
        skipped = row["error_type"] == "step_skipped"
        if not skipped:
            assert row["completions"][:first] == twin["completions"][:first]
        assert row["completions"][first] not in twin["completions"][first : first + 1]
        assert row["answer"] != row["reference_answer"] == twin["answer"]


def test_no_incorrect_row_shows_a_stale_value(wrong: list[Row], right: dict[str, Row]) -> None:
    for row in wrong:
        steps = right[row["twin_id"]]["completions"]
        assert stale_values(steps, row["completions"], row["first_error"], row["prompt"]) == [], row["id"]


def test_only_a_calculation_slip_states_a_false_equation(rows: list[Row]) -> None:
    for row in rows:
        for index, step in enumerate(row["completions"]):
            if any(not equation.is_true for equation in read_equations(step)):
                assert (row["error_type"], row["first_error"]) == ("calculation_slip", index), row["id"]


def test_the_checker_accepts_every_row(wrong: list[Row], right: dict[str, Row]) -> None:
    for twin_id, twin in list(right.items())[:300]:
        checker = RowChecker(twin["prompt"], twin["completions"], twin["reference_answer"])
        assert checker.refusal is None, twin_id
        for row in (row for row in wrong if row["twin_id"] == twin_id):
            claims = (row["completions"], row["first_error"], row["error_type"], row["error_reason"], row["answer"])
            assert checker.check(*claims) is None, row["id"]


def test_arithmetic_is_a_minority(wrong: list[Row]) -> None:
    slips = sum(row["error_type"] == "calculation_slip" for row in wrong)
    assert 0.05 <= slips / len(wrong) <= 0.20


def test_every_error_type_occurs_and_says_why(wrong: list[Row]) -> None:
    kinds = Counter(row["error_type"] for row in wrong)
    assert set(TAXONOMY) - set(kinds) <= {"grouping_lost"}  # 8 in all of GSM8K: few solutions use brackets
    assert all(row["error_reason"] for row in wrong)


def test_no_prefix_is_both_correct_and_incorrect_and_no_solution_stands_twice(rows: list[Row]) -> None:
    labels: dict[tuple[str, ...], bool] = {}
    for row in rows:
        for length, label in enumerate(row["labels"], 1):
            assert labels.setdefault((row["prompt"], *row["completions"][:length]), label) == label, row["id"]
    assert len({(row["prompt"], *row["completions"]) for row in rows}) == len(rows)


def test_a_step_that_is_correct_without_the_skipped_one_is_not_called_incorrect() -> None:
    """Three steps of this solution subtract 2: with one of them left out, the next can be the correct one after all."""
    randy = shipped_problems("test")[1301]
    for seed in range(30):
        options = SyntheticOptions(seed=seed, num_incorrect_per_problem=8, error_mix={"step_skipped": 1}, styles=False)
        labels: dict[tuple[str, ...], bool] = {}
        for row in generate([randy], options):
            for length, label in enumerate(row["labels"], 1):
                assert labels.setdefault(tuple(row["completions"][:length]), label) == label


def test_style_says_nothing_about_the_label(wrong: list[Row], right: dict[str, Row]) -> None:
    """An incorrect row has its twin's labels, glyphs and conclusion: only numbers, an operator or a relation differ."""
    for row in wrong:
        twin = right[row["twin_id"]]["completions"]
        assert row["completions"][0].startswith("Step 1") == twin[0].startswith("Step 1")
        assert ("\\(" in "".join(row["completions"])) <= ("\\(" in "".join(twin))
        assert ("answer" in row["completions"][-1].lower()) == ("answer" in twin[-1].lower())


def test_rows_depend_on_their_problem_alone(rows: list[Row]) -> None:
    shuffled = random.Random(0).sample(PROBLEMS[:200], 100)
    expected = defaultdict(list)
    for row in rows:
        expected[row["problem_id"]].append(row)
    for problem in shuffled:
        assert list(generate([problem], SyntheticOptions())) == expected[problem.id]


def test_the_seed_decides() -> None:
    def made(seed: int) -> list[Row]:
        return list(generate(PROBLEMS[:50], SyntheticOptions(seed=seed)))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_what_was_skipped_and_refused_is_counted(rows: list[Row], generated: Generated) -> None:
    tally = generated.tally
    counts = tally.counts
    assert counts["problems"] == len(PROBLEMS)
    assert counts["right rows"] + counts["wrong rows"] == len(rows)
    skipped = sum(count for what, count in counts.items() if what.startswith("problem skipped/"))
    assert skipped == len(tally.skipped) == counts["problems"] - counts["right rows"]


def test_more_correct_rows_come_in_other_styles() -> None:
    options = SyntheticOptions(num_correct_per_problem=3, num_incorrect_per_problem=6)
    made = [row for row in generate(PROBLEMS[:40], options) if row["problem_id"] == PROBLEMS[0].id]
    right = [row for row in made if row["first_error"] < 0]
    assert len(right) == 3
    assert len({tuple(row["completions"]) for row in right}) == 3
    assert {row["twin_id"] for row in made if row["first_error"] >= 0} == {row["id"] for row in right}


def test_one_error_type_alone() -> None:
    made = generate(PROBLEMS[:60], SyntheticOptions(error_mix={"calculation_slip": 1}))
    assert {row["error_type"] for row in made} == {"none", "calculation_slip"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_incorrect_per_problem": -1}, "must not be negative"),
        ({"num_correct_per_problem": 0}, "at least 1"),
        ({"error_mix": {"arithmetic": 1}}, "no error type 'arithmetic'"),
        ({"error_mix": {"calculation_slip": 0}}, "one above it"),
        ({"positions": "late"}, "positions must be one of"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SyntheticOptions(**options)


def test_a_problem_that_cannot_be_read_is_skipped_not_fatal() -> None:
    tally = Tally()
    bad = Problem(id="mine/0", question="How many?", answer="Twelve.\n#### 12", split="train", where="mine.jsonl:1")
    assert next(generate([bad, PROBLEMS[0]], SyntheticOptions(), tally))["problem_id"] == PROBLEMS[0].id
    assert tally.skipped == [("mine.jsonl:1", "no equation")]


@pytest.mark.parametrize("longer", [0, 1])
def test_the_longer_a_step_the_likelier_it_has_the_error(longer: int) -> None:
    question = "A farm has 30 cows, 21 goats and 45 hens, and 12 of its animals are sold. How many are left?"
    steps = ["{}30+21=<<30+21=51>>51", "{}51+45-12=<<51+45-12=84>>84"]
    words = ["", ""]
    words[longer] = "Now let us see how many there are of all of them that were named here: "
    answer = "\n".join([*(step.format(word) for step, word in zip(steps, words, strict=True)), "#### 84"])
    problem = Problem("user/0", question, answer, "train", "user:1")
    options = SyntheticOptions(num_incorrect_per_problem=1, styles=False, restructured=False, positions="uniform")
    drawn = [row for seed in range(300) for row in generate([problem], replace(options, seed=seed))]
    firsts = [row["first_error"] for row in drawn if row["first_error"] >= 0]
    assert firsts.count(longer) > 0.75 * len(firsts) > 200
