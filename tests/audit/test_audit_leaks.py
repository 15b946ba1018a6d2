"""Planted leaks are found and named; data without a leak passes."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from planted import Plant, a_marker, clean_rows, decimals, more_words, row, written

from prm_gsm8k.audit.run import Audit, audit
from prm_gsm8k.audit.verdicts import Line
from prm_gsm8k.dataset.problems import shipped_problems


def audited(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Audit:
    """Compared with rows of the same kind, so that only the planted leak differs."""
    reference = written(folder / "reference.jsonl", clean_rows(seed=7))
    return audit(written(folder / "rows.jsonl", rows), reference=reference, **more)


def line(result: Audit, what: str) -> Line:
    return next(one for one in result.lines if one.what == what)


MATCHED = "first error against the correct step at the same position"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audited(tmp_path_factory.mktemp("clean"), clean_rows())


def test_data_without_a_leak_passes(clean: Audit) -> None:
    result = clean
    assert [(one.what, one.shown, one.limit) for one in result.bad] == []
    assert line(result, MATCHED).verdict == "ok"
    assert result.found["telling_pairs"] == result.found["telling_steps"] == []
    assert result.found["pairs"] == {"pairs": 240, "without_right_step": 0, "same_text": 0}
    assert abs(line(result, MATCHED).value - 0.5) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plant", "feature"),
    [(a_marker, 'word "indeed"'), (more_words, "more characters"), (decimals, "number with decimals")],
)
def test_a_cue_of_incorrect_steps_is_found_and_named(tmp_path: Path, plant: Plant, feature: str) -> None:
    result = audited(tmp_path, clean_rows(plant=plant))
    assert line(result, MATCHED).verdict == "bad"
    first = result.found["telling_pairs"][0]
    assert (first.feature, first.says, first.wrong, first.right) == (feature, "wrong", 240, 0)
    assert f"{feature} → incorrect" in line(result, MATCHED).reason
    assert line(result, "first errors predicted by surface features").verdict == "bad"


def test_a_cue_of_correct_steps_is_named_as_such(tmp_path: Path) -> None:
    result = audited(tmp_path, clean_rows(plant=lambda step, rng: step.replace(" and ", " ")))
    first = result.found["telling_pairs"][0]
    assert (first.feature, first.says, first.wrong, first.right) == ('word "and"', "right", 0, 240)


@pytest.mark.slow
def test_a_leak_of_one_error_type_is_attributed_to_it(tmp_path: Path) -> None:
    marked, plain = clean_rows(plant=a_marker), clean_rows(seed=1)
    for one in plain:
        one["prompt"] = "Later, " + one["prompt"]
        one["id"] = f"plain/{one['id']}"
    rows = [one | {"error_type": "marked"} for one in marked] + [one | {"error_type": "plain"} for one in plain]
    result = audited(tmp_path, rows)
    assert line(result, "error_type marked").verdict == "bad"
    assert line(result, "error_type plain").verdict == "ok"
    assert [one.feature for one in result.found["telling_by"]["error_type"]["plain"]] == []
    assert 'word "indeed" → incorrect' in line(result, "error_type marked").reason


@pytest.mark.slow
def test_opposite_cues_of_two_types_are_found_by_a_probe_per_type(tmp_path: Path) -> None:
    """A word that one type adds and another removes: over both it predicts nothing."""
    more = clean_rows(plant=a_marker)
    less = clean_rows(seed=1)
    for one in less:
        one["prompt"] = "Later, " + one["prompt"]
        right = one["id"].endswith("right")
        wrong = -1 if right else one["labels"].index(False)
        one["completions"] = [
            step if i == wrong else a_marker(step, Random(0)) for i, step in enumerate(one["completions"])
        ]
    rows = [one | {"error_type": "more"} for one in more] + [one | {"error_type": "less"} for one in less]
    result = audited(tmp_path, rows)
    matched = result.found["matched"]
    assert matched["overall"].value < 0.6
    assert {line(result, f"error_type {kind}").verdict for kind in ("more", "less")} == {"bad"}
    assert [matched["alone"]["error_type"][kind].value for kind in ("more", "less")] == [1.0, 1.0]


@pytest.mark.slow
def test_errors_that_always_stand_last_are_found(tmp_path: Path) -> None:
    rows = [one for one in clean_rows(400) if all(one["labels"]) or (not one["labels"][-1] and one["labels"][-2])]
    result = audited(tmp_path, rows)
    checks = ("first errors predicted by position alone", "relative position of the first error")
    assert {line(result, check).verdict for check in checks} == {"bad"}
    assert "errors later" in line(result, checks[1]).reason


@pytest.mark.slow
def test_longer_solutions_than_real_ones_are_found(tmp_path: Path) -> None:
    rows = clean_rows()
    for one in rows:
        one["completions"] = [f"{one['id']} begins.", "Listen.", *one["completions"]]
        one["labels"] = [True, True, *one["labels"]]
    steps = line(audited(tmp_path, rows), "number of steps")
    assert steps.verdict == "bad" and "longer" in steps.reason


def test_a_last_step_that_only_states_the_answer_changes_no_distance(clean: Audit, tmp_path: Path) -> None:
    rows = clean_rows()
    for n, one in enumerate(rows):
        one["completions"] = [*one["completions"], (" 4", "#### 1,200", r"So the final answer is \boxed{7}.")[n % 3]]
        one["labels"] = [*one["labels"], all(one["labels"])]
    result = audited(tmp_path, rows)
    assert result.found["distances"] == clean.found["distances"]


@pytest.mark.slow
def test_false_equations_are_counted_where_they_stand(tmp_path: Path) -> None:
    rng = Random(0)
    rows = clean_rows(plant=lambda step, _: f"{step} 2 + 2 = {rng.choice((3, 5))}")
    result = audited(tmp_path, rows)
    assert line(result, "first errors with a false equation").shown == "100.0% (98.4 to 100.0)"
    assert line(result, "first errors with a false equation").verdict == "bad"
    assert line(result, "correct steps with a false equation").value == 0
    rows[0]["completions"][0] = "2 + 2 = 5"
    assert audited(tmp_path, rows).found["false_equations"]["right_steps"].value > 0


@pytest.mark.slow
def test_a_question_of_gsm8k_test_is_found_and_named(tmp_path: Path) -> None:
    rows = clean_rows()
    question = shipped_problems("test")[4].question
    for one in rows[:3]:
        one["prompt"] = question.upper()
    found = line(audited(tmp_path, rows), "questions of GSM8K test")
    assert (found.verdict, found.shown) == ("bad", "1 of 120 (0.8%)")
    assert "gsm8k/test/4" in found.reason


def test_questions_of_a_file_are_found_exactly_but_for_numbers_and_by_words(tmp_path: Path) -> None:
    rows = clean_rows()
    long = "Once there was a very old man in a very small town who had so many cats that nobody could count them."
    rows[0]["prompt"] = rows[1]["prompt"] = rows[2]["prompt"] = long
    mine = [
        {"question": rows[3]["prompt"]},
        {"question": rows[6]["prompt"].replace(" has ", " has 1")},
        {"question": "So: " + long},
    ]
    path = written(tmp_path / "mine.jsonl", mine)
    result = audited(tmp_path, rows, against=[path])
    found = {
        what: line(result, what.format(path))
        for what in ("questions of {}", "questions of {} with other numbers", "13 consecutive words of {}")
    }
    assert [one.shown.partition(" of")[0] for one in found.values()] == ["1", "1", "1"]
    assert f"{path}:1" in found["questions of {}"].reason
    assert found["questions of {}"].verdict == "bad"


@pytest.mark.slow
def test_contradictory_labels_and_duplicates_are_found(tmp_path: Path) -> None:
    rows = clean_rows()
    again = rows[0] | {"id": "again"}
    other = row("other", rows[3]["prompt"], rows[3]["completions"], 1)
    assert all(rows[3]["labels"])
    result = audited(tmp_path, [*rows, again, other])
    contradiction = line(result, "prefixes with two labels")
    assert contradiction.verdict == "look" and "'other'" in contradiction.reason, "as teachers contradict each other"
    duplicate = line(result, "duplicate solutions")
    assert (duplicate.verdict, duplicate.shown) == ("look", "2 of 362 (0.6%)")
    assert "'again' is '0/right' again" in duplicate.reason
    assert result.found["pairs"]["same_text"] == 1, "no pair can be made of them"


@pytest.mark.slow
def test_templates_and_questions_in_two_splits_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    rows = clean_rows()
    template = [
        row(f"t{n}", f"What of the {name}s?", [f"One has {n + 10}.", f"Then {n + 20}."], 1)
        for n, name in enumerate(str(k) + "x" for k in range(60))
    ]
    written(folder / "train.jsonl", [*rows, *template])
    written(folder / "validation.jsonl", rows[:3])
    result = audit(folder)
    near = line(result, "near-duplicate solutions")
    assert near.verdict == "bad" and near.value > 50 / 423
    two = line(result, "questions in two splits")
    assert two.verdict == "bad" and "is in train and in validation" in two.reason
    assert line(audit(folder, splits=["train"]), "questions in two splits").verdict == "ok"


def test_without_correct_solutions_there_are_no_pairs(tmp_path: Path) -> None:
    rows = [one for one in clean_rows() if one["id"].endswith("wrong-0")]
    matched = line(audited(tmp_path, rows), MATCHED)
    assert (matched.verdict, matched.shown) == ("look", "–")
    assert "0 first errors have a correct step at the same position" in matched.reason


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    rows = clean_rows(50, plant=lambda step, rng: a_marker(step, rng) if rng.random() < 0.3 else step)
    first, second = (audited(tmp_path, rows).as_json() for _ in range(2))
    assert first == second
    assert audited(tmp_path, rows, seed=1).found["shortcut"] != first["shortcut"]
