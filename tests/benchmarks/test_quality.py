"""The metrics of benchmarks/FINDINGS.md against counts by hand."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

NUMBER = re.compile(r"[-+]?\d+\.\d+")
FILE = Path(__file__).parents[2] / "benchmarks" / "quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    spec = importlib.util.spec_from_file_location("quality", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(seed: int, informed: float = 0.0, n: int = 60) -> list[dict[str, Any]]:
    """Solutions with a first error, some problems twice; the higher `informed`, the lower the first error scores."""
    random = Random(seed)
    rows = []
    for i in range(n):
        steps = random.randint(2, 6)
        first = random.randrange(steps)
        scores = [random.random() - informed * (step == first) for step in range(steps)]
        rows.append({"prompt": f"problem {i % 45}", "first_error": first, "scores": scores})
    return rows


def by_hand(rows: list[dict[str, Any]], same_place: bool) -> float:
    right = [(i, s) for x in rows for i, s in enumerate(x["scores"][: x["first_error"]])]
    wrong = [(x["first_error"], x["scores"][x["first_error"]]) for x in rows]
    won = [(good > bad) + 0.5 * (good == bad) for i, good in right for j, bad in wrong if i == j or not same_place]
    return sum(won) / len(won)


@pytest.mark.parametrize("informed", [0.0, 0.3])
def test_each_metric_equals_a_count_by_hand(quality: ModuleType, informed: float) -> None:
    rows = scored(1, informed)
    found = quality.on_real(rows, 0.4)
    assert found["auc"][0] == pytest.approx(by_hand(rows, same_place=False))
    assert found["place"][0] == pytest.approx(by_hand(rows, same_place=True))
    below = [next((i for i, s in enumerate(x["scores"]) if s < 0.4), -1) for x in rows]
    assert found["threshold"][0] == pytest.approx(
        np.mean([a == x["first_error"] for a, x in zip(below, rows, strict=True)])
    )
    lowest = [x["scores"].index(min(x["scores"])) for x in rows]
    assert found["lowest"][0] == pytest.approx(
        np.mean([a == x["first_error"] for a, x in zip(lowest, rows, strict=True)])
    )


def test_a_resample_is_the_metric_on_the_problems_drawn(quality: ModuleType) -> None:
    rows = scored(2)
    problem, weights = quality.drawn([x["prompt"] for x in rows])
    assert weights[0].tolist() == [1.0] * 45 and weights[1:].sum(axis=1).tolist() == [45.0] * quality.DRAWS
    again = [x for n, x in enumerate(rows) for _ in range(int(weights[7][problem[n]]))]
    found = quality.on_real(rows, 0.4)
    assert found["place"][7] == pytest.approx(by_hand(again, same_place=True))
    assert found["auc"][7] == pytest.approx(by_hand(again, same_place=False))


def test_position_alone_is_at_chance_at_the_same_position(quality: ModuleType) -> None:
    rows = [x | {"scores": [-float(i) for i in range(len(x["scores"]))]} for x in scored(3, n=300)]
    found = quality.on_real(rows, 0.0)
    assert found["place"][0] == 0.5 and found["auc"][0] > 0.6


def keep(folder: Path, arm: str, seed: int, real: list[dict[str, Any]]) -> None:
    (folder / f"{arm}-{seed}").mkdir(parents=True)
    run = {"arm": arm, "seed": seed, "problems": 600, "rows": 2000, "tokens": 190_000, "own": scored(9), "real": real}
    several = [
        {
            "prompt": f"p{n % 5}",
            "first_error": -1,
            "answer": str(n % 3),
            "correct": n % 3 == 0,
            "scores": [0.1 + n % 3 / 10],
        }
        for n in range(30)
    ]
    (folder / f"{arm}-{seed}" / "scores.json").write_text(json.dumps(run | {"best-of-n": several}))


def test_tables_have_means_over_seeds_and_paired_differences(quality: ModuleType, tmp_path: Path) -> None:
    for seed in (0, 1):
        keep(tmp_path, "naive", seed, scored(seed))
        keep(tmp_path, "synthetic", seed, scored(seed, 0.4))
        keep(tmp_path, "another naive", seed, scored(seed))
    lines = [
        line.strip("| ").split(" | ")
        for line in quality.tables(quality.found_in(tmp_path, tmp_path)).splitlines()
        if line.startswith("|")
    ]
    first = {line[0]: line for line in reversed(lines)}
    assert first["another naive (2 seeds)"][1:] == ["+0.000 (+0.000 to +0.000)"] * 4
    difference = first["synthetic (2 seeds)"][1].split(" ")[0]
    assert float(first["naive (2 seeds)"][1].split(" ")[0]) == -float(difference)
    mean = {arm: float(first[arm][5].split(" ")[0]) for arm in ("naive", "synthetic")}
    assert float(difference) == pytest.approx(mean["synthetic"] - mean["naive"], abs=0.0011)
    assert mean["naive"] == pytest.approx(np.mean([by_hand(scored(s), same_place=False) for s in (0, 1)]), abs=0.0006)


def test_resampled_seeds_give_an_interval_as_wide_as_seeds_differ(quality: ModuleType) -> None:
    same = [np.array([0.5, 0.4, 0.6])] * 3
    assert quality.other_seeds(same).tolist() == pytest.approx([0.5, 0.4, 0.6])
    apart = [np.full(1 + quality.DRAWS, value) for value in (0.0, 0.1, 0.5)]
    found = quality.other_seeds(apart)
    assert found[0] == pytest.approx(0.2)
    assert found[1:].mean() == pytest.approx(0.2, abs=0.02)
    assert np.quantile(found[1:], [0.02, 0.98]) == pytest.approx([0.0, 0.5])  # one in 27 draws is one seed three times


def test_written_scores_are_read_back_without_texts_and_replaced_by_newer_ones(
    quality: ModuleType, tmp_path: Path
) -> None:
    keep(tmp_path / "kept", "naive", 0, scored(0))
    quality.write(runs := quality.found_in(tmp_path / "kept", tmp_path / "scores"), tmp_path / "scores")
    assert quality.found_in(tmp_path / "none", tmp_path / "scores") == runs
    [file] = (tmp_path / "scores").iterdir()
    assert b"problem 1" not in gzip.decompress(file.read_bytes())
    keep(tmp_path / "new", "naive", 0, scored(7))
    again = quality.found_in(tmp_path / "new", tmp_path / "scores")
    assert list(again) == [("naive", 0)] and again["naive", 0]["real"] != runs["naive", 0]["real"]


@pytest.mark.slow
def test_the_tables_in_quality_md_are_those_of_the_stored_scores(quality: ModuleType, tmp_path: Path) -> None:
    page = quality.PAGE.read_text("utf-8").partition(quality.BEGIN)[2].partition(quality.END)[0].strip()
    made = quality.tables(quality.found_in(tmp_path))
    assert NUMBER.sub("", made) == NUMBER.sub("", page)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (made, page)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.0011)  # other processors may round differently


def test_best_of_n(quality: ModuleType, tmp_path: Path) -> None:
    keep(tmp_path, "naive", 0, scored(0))
    run = json.loads((tmp_path / "naive-0" / "scores.json").read_text())
    found = {name: values[0] for name, values in quality.on_several(run["best-of-n"]).items()}
    assert found["random"] == pytest.approx(1 / 3) and found["oracle"] == 1.0
    assert found["majority"] == pytest.approx(1 / 3)  # three answers, each as often
    assert found["lowest step"] == 0.0  # the correct ones score lowest
    assert found["weighted vote"] == found["AUC"] == 0.0
    assert found["over majority"] == pytest.approx(-1 / 3)


def test_the_auc_of_solutions_compares_those_to_one_problem(quality: ModuleType) -> None:
    random = Random(4)
    solutions = [
        {"prompt": f"p{n % 7}", "answer": "1", "correct": random.random() < 0.6, "scores": [random.random(), 0.7]}
        for n in range(60)
    ]
    solutions += [x | {"prompt": "all right", "correct": True} for x in solutions[:9]]
    won = [
        (min(a["scores"]) > min(b["scores"])) + 0.5 * (min(a["scores"]) == min(b["scores"]))
        for a in solutions
        for b in solutions
        if a["prompt"] == b["prompt"] and a["correct"] and not b["correct"]
    ]
    assert quality.on_several(solutions)["AUC"][0] == pytest.approx(sum(won) / len(won))


def test_the_lowest_the_last_and_the_mean_step_can_each_choose_another(quality: ModuleType) -> None:
    of = {"lowest step": [0.4, 0.4, 0.4], "last step": [0.1, 0.2, 0.9], "mean step": [0.9, 0.9, 0.1]}
    for right in of:
        solutions = [
            {"prompt": "p", "answer": name, "correct": name == right, "scores": scores} for name, scores in of.items()
        ]
        found = quality.on_several(solutions)
        assert {name: found[name][0] for name in of} == {name: float(name == right) for name in of}


def test_twins_and_exchanged_are_counted_in_pairs(quality: ModuleType) -> None:
    lines = [("a", 0.9, 0.1), ("a", 0.2, 0.8), ("b", 0.5, 0.5), ("b", 0.7, 0.6)] * 10 + [("few", 0.1, 0.9)] * 10
    twins = [
        {"prompt": f"problem {n}", "family": family, "scores": [0.0, last]}
        for n, (family, *both) in enumerate(lines)
        for last in both
    ]
    found = quality.on_twins(twins)
    assert {name: value[0] for name, value in found.items()} == {"all": 0.5, "a": 0.5, "b": 0.75}
    exchanged = [{"prompt": "p", "scores": [0.9, 0.7]}, {"prompt": "q", "scores": [0.5, 0.1]}]
    assert quality.on_exchanged(exchanged)[0] == pytest.approx(0.5)
