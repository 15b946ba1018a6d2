"""Best of N against counting every draw there is, one by one."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import pytest

from prm_gsm8k.evaluation.best_of_n import (
    best_of_n,
    curves,
    expected_best,
    expected_oracle,
    expected_vote,
    powers_of_two,
    problem_counts,
)


def one_problem(seed: int, n: int = 7) -> tuple[list[float], list[str | None], list[bool]]:
    """Scores with ties, answers of which some are missing, and the correct one is `4`."""
    draw = random.Random(seed)
    answers = [draw.choice(["4", "4", "5", "6", None]) for _ in range(n)]
    return [draw.randint(0, 3) / 4 for _ in range(n)], answers, [answer == "4" for answer in answers]


def counted(values: list[float], correct: list[bool], n: int) -> float:
    """The best of each draw, equals sharing."""
    shares = []
    for drawn in combinations(range(len(values)), n):
        best = [i for i in drawn if values[i] == max(values[j] for j in drawn)]
        shares.append(sum(correct[i] for i in best) / len(best))
    return sum(shares) / len(shares)


def voted(answers: list[str | None], weights: list[float], n: int) -> float:
    """The strongest answer of each draw, ties broken at random; `4` is correct."""
    shares = []
    for drawn in combinations(range(len(answers)), n):
        votes: Counter[str] = Counter()
        for i in drawn:
            if (answer := answers[i]) is not None:
                votes[answer] += weights[i]  # type: ignore[assignment]
        best = [answer for answer, sum_ in votes.items() if sum_ == max(votes.values())]
        shares.append(best.count("4") / len(best) if best else 0.0)
    return sum(shares) / len(shares)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_every_expectation_is_the_mean_over_all_draws(seed: int, n: int) -> None:
    values, answers, correct = one_problem(seed)
    assert expected_best(values, correct, n) == pytest.approx(counted(values, correct, n))
    assert expected_vote(answers, correct, n) == pytest.approx(voted(answers, [1.0] * 7, n))
    assert expected_vote(answers, correct, n, values) == pytest.approx(voted(answers, values, n))
    oracle = [any(correct[i] for i in drawn) for drawn in combinations(range(7), n)]
    assert expected_oracle(correct, n) == pytest.approx(sum(oracle) / len(oracle))


def test_a_sample_of_many_draws_is_close() -> None:
    draw = random.Random(0)
    answers: list[str | None] = ["4"] * 7 + ["5"] * 5 + ["6"] * 4
    draw.shuffle(answers)
    correct = [answer == "4" for answer in answers]
    assert expected_vote(answers, correct, 8) == pytest.approx(voted(answers, [1.0] * 16, 8), abs=0.1)
    assert expected_vote(answers, correct, 8) == expected_vote(answers, correct, 8), "the same draws every time"


def test_a_solution_without_an_answer_has_no_vote() -> None:
    assert expected_vote([None, None, "4"], [False, False, True], 3) == 1
    assert expected_vote([None, None], [False, False], 2) == 0


def test_an_answer_of_weight_zero_may_still_win() -> None:
    assert expected_vote(["4", None], [True, False], 2, [0.0, 0.9]) == 1


def test_n_doubles_up_to_all() -> None:
    assert powers_of_two(16) == [1, 2, 4, 8, 16] and powers_of_two(5) == [1, 2, 4, 5] and powers_of_two(2) == [1, 2]


def test_series_meet_where_they_must_and_the_gap_is_closed_by_a_perfect_model() -> None:
    made = [one_problem(seed) for seed in range(20)]
    ns = powers_of_two(7)
    scores = [[[1.0, float(value)] for value in correct] for _, _, correct in made]
    counts = problem_counts(scores, [answers for _, answers, _ in made], [correct for *_, correct in made], ns)
    numbers = best_of_n({key: column.sum() for key, column in counts.items()}, 7)
    assert numbers["min"] == numbers["oracle"] > numbers["majority"] > numbers["random"] > 0
    assert numbers["min_gap_closed"] == 1
    drawn = curves(counts, ns)
    assert drawn["n"] == ns
    for name in ("min", "prod", "last", "mean", "oracle"):
        assert drawn["series"][name][0] == pytest.approx(drawn["series"]["random"][0]), "best of 1 is any"
    assert drawn["series"]["random"] == pytest.approx([drawn["series"]["random"][0]] * len(ns))


def test_aggregates() -> None:
    """The first solution has the better worst step, the second the better last one."""
    scores = [[[0.5, 0.5, 0.6], [0.4, 1.0, 0.9]]]
    counts = problem_counts(scores, [["4", "5"]], [[True, False]], [2])
    chosen = {name: counts[f"{name}@2"][0] for name in ("min", "prod", "last", "mean")}
    assert chosen == {"min": 1, "prod": 0, "last": 0, "mean": 0}
