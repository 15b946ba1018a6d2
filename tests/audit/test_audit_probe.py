"""Probes, distances and verdicts: what the probes may learn, and values checked against scipy and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from planted import a_marker, clean_rows, row, written
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from prm_gsm8k.audit import probe
from prm_gsm8k.audit.error_positions import distances, error_positions, value_of
from prm_gsm8k.audit.features import extract_features
from prm_gsm8k.audit.reference import shortcut
from prm_gsm8k.audit.solutions import Solution, read_data
from prm_gsm8k.audit.surface_cues import cues_in_pairs
from prm_gsm8k.audit.verdicts import at_most
from prm_gsm8k.metrics.intervals import Estimate

NAMES = "abcdefghijklmnopqrstuvwxyz"


def solution(problem: str, steps: str, first_error: int = -1, kind: str = "none") -> Solution:
    """Steps are words, one each."""
    return Solution(f"{problem}/{steps}", problem, problem, steps.split(), first_error, {"error_type": kind})


def test_a_first_error_is_paired_with_the_correct_step_after_the_longest_common_prefix() -> None:
    solutions = [
        solution("p", "a b e"),
        solution("p", "a x c d"),
        solution("p", "a x BAD", 2),  # of the two right ones the second has both steps before it
        solution("p", "BAD b", 0),  # the first of equals
        solution("p", "a b BAD2", 2),
        solution("q", "a BAD", 1),  # nobody is right in q at place 1
        solution("q", "BAD", 0),  # the other wrong row is right there
        solution("r", "a b"),
        solution("r", "c b", 1),  # the very text that is right elsewhere
        solution("s", "a BAD", 1),
        solution("s", "a WORSE", 1),  # as wrong as the other
    ]
    pairs = probe.matched_pairs(solutions)
    assert list(zip(pairs.solution.tolist(), pairs.incorrect, pairs.correct, strict=True)) == [
        (2, "BAD", "c"),
        (3, "BAD", "a"),
        (4, "BAD2", "e"),
        (6, "BAD", "a"),
    ]
    assert (pairs.without, pairs.same) == (3, 1)


def test_only_steps_up_to_the_first_error_have_a_label() -> None:
    steps = probe.judged_steps([solution("p", "a b c", 1), solution("q", "d e")])
    assert (steps.texts, steps.is_error.tolist(), steps.index.tolist()) == (
        ("a", "b", "d", "e"),
        [False, True, False, False],
        [0, 1, 0, 1],
    )


def test_a_probe_is_never_tested_on_a_problem_it_was_fitted_on() -> None:
    """Each problem has its own word in all incorrect steps, which predicts nothing in another problem."""
    rng = Random(0)

    def word() -> str:
        return "".join(rng.choices(NAMES, k=9))

    solutions = []
    for p in range(60):
        right, wrong = word(), word()
        solutions += [
            Solution(f"{p}", f"{p}", "", [f"so {word()} {right}"], -1, {"error_type": "none"}) for _ in range(4)
        ]
        solutions += [
            Solution(f"{p}", f"{p}", "", [f"so {word()} {wrong}"], 0, {"error_type": "odd"}) for _ in range(4)
        ]
    pairs = probe.matched_pairs(solutions)
    assert len(pairs.incorrect) == 240
    draws = probe.resample_problems(solutions, 0)
    matched = probe.matched_probe(solutions, pairs, probe.pair_features(pairs), draws, 0)["overall"]
    assert matched.low < 0.5 < matched.high or abs(matched.value - 0.5) < 0.08
    assert abs(shortcut(solutions, 0)["surface"].value - 0.5) < 0.1


def test_the_auc_is_scikit_learns_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    solutions = [solution(f"p{i // 3}", "a b", 1) for i in range(150)]
    steps = probe.judged_steps(solutions)
    scores = rng.normal(size=300) + steps.is_error
    found = probe.auc(scores, steps, np.ones(300, bool), probe.resample_problems(solutions, 0))
    assert found.value == pytest.approx(roc_auc_score(steps.is_error, scores))
    assert found.n == 150 and found.value - 0.08 < found.low < found.value < found.high < found.value + 0.08


def test_large_data_is_sampled_by_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solutions = read_data(written(tmp_path / "rows.jsonl", clean_rows())).solutions
    assert probe.sample_problems(solutions, 0) == list(solutions)
    monkeypatch.setattr(probe, "STEPS", 400)
    some = probe.sample_problems(solutions, 0)
    kept = {one.problem for one in some}
    assert 200 < sum(len(one.judged) for one in some) < 700
    assert [one for one in solutions if one.problem in kept] == some
    assert probe.sample_problems(solutions, 1) != some


def test_cues_in_the_same_steps_are_listed_once() -> None:
    wrong, right = ["so very well done"] * 40, ["so done"] * 40
    texts = [f"{text} {NAMES[n % 26]}{NAMES[n // 26]}" for n, text in enumerate([*wrong, *right])]
    features = extract_features(texts)
    cues = cues_in_pairs(features.of_texts[:40], features.of_texts[40:], features)
    assert [(one.feature, one.says, one.wrong, one.right) for one in cues] == [('word "very"', "wrong", 40, 0)]
    assert cues[0].errors == pytest.approx(40**0.5)
    assert str(cues[0]) == 'word "very" → incorrect: in 100.0% of incorrect steps, 0.0% of correct'


def test_distances_are_scipys(tmp_path: Path) -> None:
    here = read_data(written(tmp_path / "a.jsonl", clean_rows(60))).solutions
    late = [row(f"{n}", f"{n}?", ["One.", "Two.", "Three.", "Four."], 1 + n % 3) for n in range(90)]
    there = error_positions(read_data(written(tmp_path / "b.jsonl", late)).solutions)
    found = distances(here, there, probe.resample_problems(here, 0), 0)
    for measure, distance in found.items():
        samples = [
            [value_of(measure, cell) for cell, n in shape.items() for _ in range(n)]
            for shape in (error_positions(here), there)
        ]
        assert distance.ks == pytest.approx(ks_2samp(*samples).statistic), measure
        assert distance.low is not None and distance.high is not None and distance.low < distance.ks < distance.high
        assert (distance.here, distance.there) == pytest.approx(tuple(map(np.mean, samples)))
        assert distance.ks <= distance.tv + 1e-9 or measure == "place", "which is by tenths"
    assert 0.05 < found["index"].halves < 0.3
    few = distances(here[:12], there, probe.resample_problems(here[:12], 0), 0)
    assert few["index"].halves > 1.5 * found["index"].halves, "so few of real ones are as far off"
    itself = distances(here, error_positions(here), probe.resample_problems(here, 0), 0)
    assert {distance.ks for distance in itself.values()} == {distance.tv for distance in itself.values()} == {0.0}


def test_an_estimate_is_bad_when_its_whole_interval_is_beyond_what_people_show() -> None:
    assert [at_most(Estimate(0.6, low, 0.7, 9), 0.58, 0.58) for low in (0.5, 0.59, None)] == ["look", "bad", "look"]
    assert at_most(Estimate(0.6, 0.59, 0.7, 9), 0.58, 0.59) == "look"
    assert at_most(Estimate(0.58, 0.5, 0.7, 9), 0.58, 0.58) == "ok"


def test_a_rare_leak_is_listed_as_a_cue(tmp_path: Path) -> None:
    """Although the AUC passes it."""
    few = clean_rows(300, plant=lambda step, rng: a_marker(step, rng) if rng.random() < 0.05 else step)
    solutions = read_data(written(tmp_path / "rows.jsonl", few)).solutions
    pairs = probe.matched_pairs(solutions)
    features = probe.pair_features(pairs)
    n = len(pairs.incorrect)
    matched = probe.matched_probe(solutions, pairs, features, probe.resample_problems(solutions, 0), 0)["overall"]
    assert matched.value < 0.55
    cues = cues_in_pairs(features.of_texts[:n], features.of_texts[n:], features)
    assert [one.feature for one in cues] == ['word "indeed"']
