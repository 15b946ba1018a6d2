"""Labelled solutions become true prefixes: every branch of PRM800K's schema, by hand, and in general."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prm800k.samples import PROBLEM, original_lines, said, solution, step

from prm_gsm8k.dataset.schema import check_row
from prm_gsm8k.prm800k import tree
from prm_gsm8k.prm800k.tree import NEUTRAL, problem_id, rating_of, rows_of

Row = dict[str, Any]


def rows_and_counts(*solutions: Row, neutral: str = "positive") -> tuple[list[Row], Counter[str]]:
    counts: Counter[str] = Counter()
    rows = list(rows_of([("1", s) for s in solutions], neutral, counts))
    assert [check_row(row, "prm800k") for row in rows] == [None] * len(rows)
    ends = [counts.pop(what) for what in list(counts) if what.startswith("solutions that end with")]
    assert sum(ends) == len(solutions)
    return rows, +counts


def made(*solutions: Row, neutral: str = "positive") -> list[tuple[str, str, list[int | None]]]:
    """Rows in short: steps, labels as `+-`, ratings."""
    rows, _ = rows_and_counts(*solutions, neutral=neutral)
    short = {True: "+", False: "-"}
    return [(" ".join(r["completions"]), "".join(short[label] for label in r["labels"]), r["ratings"]) for r in rows]


def counted(*solutions: Row, neutral: str = "positive") -> dict[str, int]:
    return dict(rows_and_counts(*solutions, neutral=neutral)[1])


# --------------------------------------------------------------------------------------------- a branch of the schema


def test_a_row_is_the_chosen_path_and_every_alternative_behind_what_was_chosen() -> None:
    one = solution(step(said("a")), step(said("b", -1), said("c"), chosen=1), step(said("d")))
    assert made(one) == [("a b", "+-", [1, -1]), ("a c d", "+++", [1, 1, 1])]


def test_alternatives_of_two_steps_never_meet() -> None:
    one = solution(step(said("a"), said("b")), step(said("c"), said("d")))
    assert [steps for steps, *_ in made(one)] == ["b", "a c", "a d"], "b c and b d were seen by nobody"


def test_a_row_says_everything_else_the_contract_asks() -> None:
    (right, wrong), _ = rows_and_counts(
        solution(step(said("Add them.")), step(said("It is 5.\n\n# Answer\n\n5"), said("It is 6.", -1)))
    )
    assert right == {
        "prompt": PROBLEM,
        "completions": ["Add them.", "It is 5.\n\n# Answer\n\n5"],
        "labels": [True, True],
        "id": right["id"],
        "problem_id": problem_id(PROBLEM),
        "first_error": -1,
        "error_type": "none",
        "answer": "5",
        "reference_answer": "5",
        "values": None,
        "source": "openai/prm800k phase1",
        "ratings": [1, 1],
    }
    assert (wrong["first_error"], wrong["error_type"], wrong["answer"]) == (1, "unknown", None)


def test_a_step_a_labeler_wrote_is_right_and_has_no_rating() -> None:
    one = solution(step(said("a", -1), said("b", -1), chosen=None, human="c"), step(said("d")))
    assert made(one) == [("a", "-", [-1]), ("b", "-", [-1]), ("c d", "++", [None, 1])]
    assert counted(one) == {"steps written by a labeler": 1}


def test_a_rating_counts_for_more_than_who_wrote_the_step() -> None:
    written, rated = solution(step(chosen=None, human="a")), solution(step(said("a", -1)))
    assert made(written, rated) == made(rated, written) == [("a", "-", [-1])]


def test_a_written_step_that_was_rated_afterwards_has_that_rating() -> None:
    one = solution(step(chosen=None, human="a"), step(said("b")))
    one["label"]["steps"][0]["human_completion"]["corrected_rating"] = -1
    assert made(one) == [("a b", "--", [-1, 1])]


def test_what_a_labeler_began_to_write_and_did_not_use_is_left_out() -> None:
    one = solution(step(said("a"), human="Now divide the "), step(said("b")))
    assert made(one) == [("a b", "++", [1, 1])]
    assert counted(one) == {tree.DRAFT: 1}


def test_a_solution_ends_where_nothing_was_chosen() -> None:
    found_error = solution(step(said("a")), step(said("b", -1), said("c"), chosen=None), finish="found_error")
    assert made(found_error) == [("a b", "+-", [1, -1]), ("a c", "++", [1, 1])]


def test_a_solution_ends_where_there_are_no_completions() -> None:
    given_up = solution(step(said("a")), {**step(chosen=None), "completions": None}, finish="give_up")
    assert made(given_up) == [("a", "+", [1])]
    assert made(solution({**step(chosen=None), "completions": None})) == []


def test_an_alternative_without_a_rating_is_left_out() -> None:
    one = solution(step(said("a"), said("b", None)))
    assert made(one) == [("a", "+", [1])]
    assert counted(one) == {tree.UNRATED: 1}


def test_a_flagged_alternative_is_left_out() -> None:
    one = solution(step(said("a"), said("b", -1, flagged=True)))
    assert made(one) == [("a", "+", [1])]
    assert counted(one) == {tree.FLAGGED: 1}


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (said("x", None), tree.UNRATED),
        (said("x", 1, flagged=True), tree.FLAGGED),
        (said(" \n"), tree.EMPTY),
        ({"text": None, "rating": 1}, tree.EMPTY),
        (said("3*4=<<3*4=12>>12"), tree.TAGGED),
    ],
)
def test_a_path_ends_before_a_chosen_step_that_is_left_out(chosen: Row, why: str) -> None:
    one = solution(step(said("a")), step(said("b", -1), chosen, chosen=1), step(said("c"), said("d")))
    assert made(one) == [("a b", "+-", [1, -1])]
    assert counted(one) == {why: 1, tree.BEHIND: 2}


def test_what_follows_a_chosen_wrong_step_is_kept_and_never_right() -> None:
    one = solution(step(said("a", -1)), step(said("b", 1)))
    assert made(one) == [("a b", "--", [-1, 1])]
    assert counted(one) == {"chosen steps rated -1": 1}


def test_a_trailing_newline_is_no_other_step() -> None:
    assert made(solution(step(said("a\n"))), solution(step(said("a")))) == [("a", "+", [1])]


def test_other_spaces_of_a_step_are_kept() -> None:
    assert rows_and_counts(solution(step(said("  a \n\n"))))[0][0]["completions"] == ["  a "]


def test_a_null_ground_truth_is_no_reference_answer() -> None:
    rows, _ = rows_and_counts(solution(step(said("a")), question={"problem": PROBLEM}))
    assert rows[0]["reference_answer"] is None


# ------------------------------------------------------------------------------------------------------ neutral ratings

NEUTRAL_IN_THE_MIDDLE = solution(step(said("a")), step(said("b", 0)), step(said("c"), said("d", -1)))


@pytest.mark.parametrize(
    ("neutral", "rows"),
    [
        ("positive", [("a b c", "+++", [1, 0, 1]), ("a b d", "++-", [1, 0, -1])]),
        ("negative", [("a b c", "+--", [1, 0, 1]), ("a b d", "+--", [1, 0, -1])]),
        ("drop", [("a", "+", [1])]),
    ],
)
def test_a_neutral_step_is_right_or_wrong_or_the_end(neutral: str, rows: list[Any]) -> None:
    assert made(NEUTRAL_IN_THE_MIDDLE, neutral=neutral) == rows


def test_what_neutral_drops_is_counted() -> None:
    assert counted(NEUTRAL_IN_THE_MIDDLE, neutral="drop") == {tree.NEUTRAL_DROPPED: 1, tree.BEHIND: 2}


# ------------------------------------------------------------------------------------------- several labelled solutions


def test_the_same_solution_twice_is_one_row() -> None:
    one = solution(step(said("a")), step(said("b")))
    assert made(one, one) == [("a b", "++", [1, 1])]
    assert counted(one, one) == {tree.AGAIN: 2}


def test_a_solution_that_another_one_continues_is_no_row_of_its_own() -> None:
    assert made(solution(step(said("a"))), solution(step(said("a")), step(said("b", -1)))) == [("a b", "+-", [1, -1])]


def test_the_majority_of_labelers_decides() -> None:
    wrong, right = solution(step(said("a", -1))), solution(step(said("a")))
    assert made(wrong, right, right) == [("a", "+", [1])]
    assert made(wrong, wrong, right) == [("a", "-", [-1])]


def test_where_as_many_say_right_as_wrong_the_path_ends_before() -> None:
    one = solution(step(said("a")), step(said("b", 1)), step(said("c")))
    other = solution(step(said("a")), step(said("b", -1)))
    assert made(one, other) == [("a", "+", [1])]
    assert counted(one, other) == {
        tree.AGAIN: 2,
        tree.DISAGREE: 2,
        tree.BEHIND: 1,
        "chosen steps rated -1": 1,
    }


@pytest.mark.parametrize(
    ("votes", "rating"),
    [
        ([0, 0, 0], 1),
        ([1, 0, 0], -1),
        ([0, 1, 0], 0),
        ([0, 1, 1], 0),
        ([0, 1, 2], 1),
        ([1, 1, 0], None),
        ([2, 1, 1], None),
        ([2, 1, 0], -1),
        ([1, 1, 1], 0),
    ],
)
def test_one_rating_of_many(votes: list[int], rating: int | None) -> None:
    assert rating_of(votes) == rating


def test_an_id_is_that_of_the_steps_not_of_the_place() -> None:
    one, other = solution(step(said("a")), step(said("b"))), solution(step(said("c")))
    first, second = rows_and_counts(one, other)[0], rows_and_counts(other, one)[0]
    assert {r["id"]: r["completions"] for r in first} == {r["id"]: r["completions"] for r in second}


def test_a_row_names_the_phase_that_labelled_its_end() -> None:
    short, long = solution(step(said("a"))), solution(step(said("a")), step(said("b")))
    rows = rows_of([("1", short), ("2", long)], "positive", Counter())
    assert [row["source"] for row in rows] == ["openai/prm800k phase2"]


# ---------------------------------------------------------------------------------------------------------- real lines


@pytest.mark.parametrize(
    ("line", "rows", "why"),
    [
        (0, 10, "5 wrong beside the step a labeler wrote, 4 beside the last, and the chosen path"),
        (1, 4, "found_error: 4 completions of the last step, none chosen"),
        (2, 5, "7 completions of the last step, of which 2 are there twice"),
        (3, 7, "6 beside the step before the last, and the chosen path"),
        (4, 7, "give_up: 6 wrong beside the step a labeler wrote, and the path up to that step"),
        (5, 1, "a path without alternatives"),
    ],
)
def test_real_lines_make_these_rows(line: int, rows: int, why: str) -> None:
    assert len(made(original_lines()[line])) == rows, why


def test_the_real_path_that_a_labeler_helped_along() -> None:
    rows, _ = rows_and_counts(original_lines()[0])
    chosen = next(row for row in rows if row["completions"][-1].startswith("That means a pencil costs"))
    assert chosen["ratings"] == [1, None, 1, 1, 1, 1]
    assert chosen["completions"][1] == "We have $3p+e=1.24$ and $5p+e=1.82$."
    assert chosen["answer"] == "29"


# ----------------------------------------------------------------------------------------------------------- in general

completions = st.builds(
    said,
    st.sampled_from(["a", "b", "c", "a\n", " "]),
    st.sampled_from([-1, 0, 1, 1, 1, None]),
    st.sampled_from([False, False, False, None, True]),
)


@st.composite
def steps(draw: st.DrawFn) -> Row:
    found = draw(st.lists(completions, max_size=3))
    chosen = draw(st.sampled_from([*range(len(found)), None]))
    human = draw(st.sampled_from([None, None, "a", "h"]))
    made_step = step(*found, chosen=chosen, human=human)
    return made_step if found or draw(st.booleans()) else {**made_step, "completions": None}


solutions = st.lists(st.lists(steps(), max_size=4).map(lambda some: solution(*some)), min_size=1, max_size=4)


def seen(lines: list[Row]) -> dict[tuple[str, ...], Counter[int]]:
    """Every prefix that a labeler rated or wrote, and the ratings it got: the definition, without a tree."""
    votes: dict[tuple[str, ...], Counter[int]] = {}
    for line in lines:
        path: tuple[str, ...] = ()
        for one in line["label"]["steps"]:
            ends = []
            for c in one["completions"] or []:
                usable = c["rating"] is not None and not c["flagged"] and c["text"].strip()
                ends.append((*path, c["text"].rstrip("\n")) if usable else None)
                if usable:
                    votes.setdefault(ends[-1], Counter())[c["rating"]] += 1
            if one["chosen_completion"] is not None:
                after = ends[one["chosen_completion"]]
            elif one["human_completion"]:
                after = (*path, one["human_completion"]["text"])
                votes.setdefault(after, Counter())
            else:
                after = None
            if after is None:
                break
            path = after
    return votes


@given(solutions, st.sampled_from(NEUTRAL))
def test_rows_are_the_longest_paths_that_labelers_saw_and_agreed_on(lines: list[Row], neutral: str) -> None:
    votes = seen(lines)

    def ends(path: tuple[str, ...]) -> bool:
        """Whether a path may not go through this prefix."""
        wrong, other = votes[path][-1], votes[path][0] + votes[path][1]
        is_neutral = wrong < other and 0 < votes[path][0] >= votes[path][1]
        return (wrong == other > 0) or (neutral == "drop" and is_neutral)

    kept = {path for path in votes if not any(ends(path[:i]) for i in range(1, len(path) + 1))}
    longest = {path for path in kept if not any(other[:-1] == path for other in kept)}
    rows, _ = rows_and_counts(*lines, neutral=neutral)
    paths = [tuple(row["completions"]) for row in rows]
    assert sorted(paths) == sorted(longest), "every path once, and no other"


@pytest.mark.slow
@given(solutions, st.sampled_from(NEUTRAL))
def test_no_prefix_is_labelled_both_ways_and_labels_follow_the_votes(lines: list[Row], neutral: str) -> None:
    votes, label_of = seen(lines), {}
    for row in rows_and_counts(*lines, neutral=neutral)[0]:
        so_far = True
        for i, label in enumerate(row["labels"]):
            prefix = tuple(row["completions"][: i + 1])
            ballot = votes[prefix]
            right = not ballot or ballot[-1] < ballot[0] + ballot[1]
            if neutral == "negative":
                right = right and (not ballot or ballot[1] > ballot[0])
            so_far = so_far and right
            assert label == so_far == label_of.setdefault(prefix, label)


@given(solutions, st.sampled_from(NEUTRAL), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_row(lines: list[Row], neutral: str, random: Any) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    one, other = rows_and_counts(*lines, neutral=neutral)[0], rows_and_counts(*shuffled, neutral=neutral)[0]
    assert sorted(one, key=lambda r: r["id"]) == sorted(other, key=lambda r: r["id"])
