"""Rows from problems: what is promised of every one of them, checked on real problems of GSM8K."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from synthetic.conftest import Generated

from prm_gsm8k.arithmetic.equations import read_equations
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.dataset.schema import check_row
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate
from prm_gsm8k.synthetic.row_checks import counterparts

PROBLEMS = shipped_problems("train")[:1000]
MISREADINGS = {family.name for family in FAMILIES if family.misreads}
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
    for row in rows:
        assert row["id"].startswith(row["problem_id"] + "/")
        assert re.match(r"gsm8k/train/\d+(?:/(?:twin|base)-\d)?\Z", row["problem_id"])
        own = row["id"] == f"{row['problem_id']}/right-0"
        correct = "gsm8k" if row["problem_id"].count("/") == 2 else "twin"
        assert row["source"] == ("corruption" if row["first_error"] >= 0 else correct)
        assert own == (row["first_error"] < 0)


def test_an_incorrect_row_shares_its_prefix_with_its_twin_and_then_leaves_it(
    wrong: list[Row], right: dict[str, Row]
) -> None:
    for row in wrong:
        twin, first = right[row["twin_id"]], row["first_error"]
        assert twin["problem_id"] == row["problem_id"]
        assert row["completions"][:first] == twin["completions"][:first]
        assert row["completions"][first] not in twin["completions"][first : first + 1]
        assert row["answer"] != row["reference_answer"] == twin["answer"]
        assert row["error_reason"]


def in_blocks(wrong: list[Row]) -> list[Row]:
    return [row for row in wrong if row["error_type"] in MISREADINGS]


def test_every_contested_text_is_once_correct_and_once_a_first_error(wrong: list[Row], right: dict[str, Row]) -> None:
    for row in in_blocks(wrong):
        other = next(right[name] for name in counterparts(row["id"]) if name in right)
        assert other["completions"] == row["completions"]
        assert other["prompt"] != row["prompt"]


def pairs(wrong: list[Row], right: dict[str, Row]) -> Iterator[tuple[str, str]]:
    """The contested steps of each pair in a block, with those before: the correct one, and the incorrect one."""
    for row in in_blocks(wrong):
        upto = row["first_error"] + 1
        yield "\n".join(right[row["twin_id"]]["completions"][:upto]), "\n".join(row["completions"][:upto])


def test_a_reader_that_does_not_see_the_question_is_right_in_exactly_half_of_the_pairs(
    wrong: list[Row], right: dict[str, Row]
) -> None:
    """Whatever number it gives a step, taken from nothing but the steps up to there."""
    for score in (len, str, lambda text: sum(map(ord, text)), lambda text: text.count("+") - text.count("=")):
        wins = ties = total = 0
        for correct, incorrect in pairs(wrong, right):
            a, b = score(correct), score(incorrect)
            wins, ties, total = wins + (a > b), ties + (a == b), total + 1
        assert total > 500
        assert wins + ties / 2 == total / 2


def test_most_incorrect_rows_are_in_blocks(wrong: list[Row]) -> None:
    assert len(in_blocks(wrong)) >= 0.8 * len(wrong)


def test_only_a_calculation_slip_states_a_false_equation(rows: list[Row]) -> None:
    for row in rows:
        for index, step in enumerate(row["completions"]):
            if any(not equation.is_true for equation in read_equations(step)):
                assert (row["error_type"], row["first_error"]) == ("calculation_slip", index), row["id"]


def test_every_error_type_occurs_that_people_make(wrong: list[Row]) -> None:
    kinds = Counter(row["error_type"] for row in wrong)
    assert {family.name for family in FAMILIES if family.share} - set(kinds) == set()
    assert {"operation_changed", "wrong_final_answer"}.isdisjoint(kinds)


def test_no_prefix_is_both_correct_and_incorrect_and_no_solution_stands_twice(rows: list[Row]) -> None:
    labels: dict[tuple[str, ...], bool] = {}
    for row in rows:
        for length, label in enumerate(row["labels"], 1):
            assert labels.setdefault((row["prompt"], *row["completions"][:length]), label) == label, row["id"]
    assert len({(row["prompt"], *row["completions"]) for row in rows}) == len(rows)


def test_no_sentence_and_no_shape_of_a_step_has_one_label_only(rows: list[Row]) -> None:
    """Up to the first error; a shape is a step without its digits."""
    seen: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows:
        end = row["first_error"] + 1 or len(row["completions"])
        for step, label in zip(row["completions"][:end], row["labels"][:end], strict=True):
            for shape in {re.sub(r"\d+", "0", step), *re.split(r"(?<=[.:!?]) ", re.sub(r"\d[\d.,]*", "0", step))}:
                seen[shape][label] += 1
    assert [(shape, n) for shape, n in seen.items() if n[False] >= 30 and not n[True]] == []


def test_rows_depend_on_their_problem_alone(rows: list[Row]) -> None:
    expected = defaultdict(list)
    for row in rows:
        expected["/".join(row["problem_id"].split("/")[:3])].append(row)
    for problem in random.Random(0).sample(PROBLEMS[:200], 100):
        assert list(generate([problem], SyntheticOptions())) == expected[problem.id]


def test_the_seed_decides() -> None:
    def made(seed: int) -> list[Row]:
        return list(generate(PROBLEMS[:50], SyntheticOptions(seed=seed)))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_what_was_skipped_and_refused_is_counted(rows: list[Row], generated: Generated) -> None:
    counts, skipped = generated.tally.counts, generated.tally.skipped
    assert counts["problems"] == len(PROBLEMS)
    bases = sum("/base-" in row["id"] and row["first_error"] < 0 for row in rows)
    assert counts["right rows"] + counts["wrong rows"] + 2 * counts["blocks"] + bases == len(rows)
    assert sum(n for what, n in counts.items() if what.startswith("problem skipped/")) == len(skipped)
    assert len(skipped) == counts["problems"] - counts["right rows"]


def test_more_correct_rows_come_in_other_styles() -> None:
    made = [
        row
        for row in generate(PROBLEMS[:40], SyntheticOptions(num_correct_per_problem=3))
        if row["problem_id"] == PROBLEMS[0].id and row["first_error"] < 0
    ]
    assert len({tuple(row["completions"]) for row in made}) == len(made) == 3


def test_without_twins_all_rows_are_of_the_problem_and_there_are_more_of_them(rows: list[Row]) -> None:
    made = list(generate(PROBLEMS[:300], SyntheticOptions(twins=False)))
    assert {row["problem_id"] for row in made} <= {problem.id for problem in PROBLEMS[:300]}
    here = sum(row["first_error"] >= 0 and row["problem_id"] in {p.id for p in PROBLEMS[:300]} for row in rows)
    assert sum(row["first_error"] >= 0 for row in made) > 1.2 * here


@pytest.mark.parametrize("name", ["number_flipped", "operation_changed", "calculation_slip", "wrong_final_answer"])
def test_one_error_type_alone(name: str) -> None:
    made = generate(PROBLEMS[:60], SyntheticOptions(error_mix={name: 1}))
    assert {row["error_type"] for row in made} == {"none", name}


def test_a_variant_asks_the_same_with_other_numbers_and_has_blocks_of_its_own() -> None:
    tally = Tally()
    made = list(generate(PROBLEMS[:60], SyntheticOptions(variants=2), tally))
    assert list(generate(PROBLEMS[:60])) == [row for row in made if "/variant-" not in row["id"]]
    questions = {problem.id: problem.question for problem in PROBLEMS}
    variants = [row for row in made if re.match(r"gsm8k/train/\d+/variant-[12]/right-0\Z", row["id"])]
    assert len(variants) > 30
    assert any("/variant-1/twin-" in row["id"] for row in made)
    words = re.compile(r"\d[\d,.]*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen)\b", re.I)
    for row in variants:
        origin = questions[row["id"].partition("/variant-")[0]]
        assert row["prompt"] != origin
        assert words.sub("0", row["prompt"]) == words.sub("0", origin)
        assert row["source"] == "renumbered"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_incorrect_per_problem": -1}, "must not be negative"),
        ({"variants": -1}, "must not be negative"),
        ({"num_correct_per_problem": 0}, "at least 1"),
        ({"error_mix": {"arithmetic": 1}}, "no error type 'arithmetic'"),
        ({"error_mix": {"calculation_slip": 0}}, "one above it"),
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
