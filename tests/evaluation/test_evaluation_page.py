"""The HTML page and the charts of an evaluation show the result, all of it and nothing else."""

from __future__ import annotations

import copy
import json
import re
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from evaluation.made_result import BASELINES, HOSTILE, made_result
from html_reader import Read

from prm_gsm8k.evaluation.charts import make_charts, thin, write_charts
from prm_gsm8k.evaluation.page import evaluation_page
from prm_gsm8k.reports.charts import short


def scored(result: dict[str, Any]) -> int:
    """How many solutions were: each is in one cell of a heatmap."""
    return sum(map(sum, result["models"][0]["curves"]["heatmap"]["counts"]))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return made_result()


@pytest.fixture
def result(whole: dict[str, Any]) -> dict[str, Any]:
    """Two models and four baselines, with two examples of each model."""
    few = copy.deepcopy(whole)
    for model in few["models"]:
        model["examples"] = model["examples"][:1] + model["examples"][50:51]
    return few


def bare(result: dict[str, Any]) -> dict[str, Any]:
    """The same without curves, which take seconds to draw."""
    return {**result, "models": [{**model, "curves": None} for model in result["models"]]}


def example(result: dict[str, Any], **changes: Any) -> Read:
    """The page with one example, in which some fields are others."""
    result = bare(result)
    result["models"][0]["examples"] = [{**result["models"][0]["examples"][0], **changes}]
    result["models"][1]["examples"] = []
    return Read(evaluation_page(result))


def texts(read: Read, name: str) -> list[str]:
    return [data for element, data in read.texts if element == name]


def test_the_made_result_is_valid_json(whole: dict[str, Any]) -> None:
    assert json.loads(json.dumps(whole)) == whole


def test_a_page_has_every_metric_with_its_interval(result: dict[str, Any]) -> None:
    words = Read(evaluation_page(bare(result))).words()
    for model in result["models"]:
        assert model["name"] in words
        f1, auc = model["metrics"]["f1"], model["metrics"]["auc"]
        assert f"{100 * f1['value']:.1f}({100 * f1['low']:.1f} to {100 * f1['high']:.1f})" in words
        assert f"{auc['value']:.3f}({auc['low']:.3f} to {auc['high']:.3f})" in words
    oracle = result["models"][0]["at"]["oracle"]
    assert f"{100 * oracle['f1']:.1f}threshold {oracle['threshold']:.3f}" in words
    assert "oracle: chosen on this test set" in words
    assert "21.3(15.0 to 27.1)" in words and "< 0.001" in words
    assert f"2 models and 4 baselines on {scored(result)} solutions to 120 problems of made.jsonl." in words
    assert "5.23.0" in words and result["data"]["digest"] in words


def test_an_unknown_metric_keeps_its_name(result: dict[str, Any]) -> None:
    result = bare(result)
    result["models"][0]["metrics"]["new_thing"] = {"value": 0.125, "low": None, "high": None}
    result["models"][0]["metrics"]["hard/f1"] = {"value": 0.5, "low": None, "high": None}
    for model in result["models"]:
        model["metrics"] |= {"mcc": {"value": None, "low": None, "high": None}}
    read = Read(evaluation_page(result))
    assert "New thing" in texts(read, "th") and "12.5" in texts(read, "td") and "F1, hard" in texts(read, "th")
    assert "MCC" not in texts(read, "th"), "nobody has one"


def test_a_page_of_baselines_only(result: dict[str, Any]) -> None:
    alone = {**bare(result), "models": bare(result)["models"][2:], "paired": []}
    read = Read(evaluation_page(alone))
    assert texts(read, "title") == ["ProcessBench: baselines"]
    assert f"4 baselines on {scored(result)} solutions to 120 problems of made.jsonl." in texts(read, "p")
    assert [attributes["id"] for attributes in read.named("section")] == [
        "figures",
        "thresholds",
        "pictures",
        "how-this-was-made",
    ]


def test_a_model_trained_on_the_questions_is_named_above_all_metrics(result: dict[str, Any]) -> None:
    result = bare(result)
    result["models"][1]["trained_on"] = {"seen": 12, "of": 120}
    result["models"][0]["trained_on"] = {"seen": 0, "of": 120}
    result["data"] = {**result["data"], "notes": ["calculator tags taken out of 3 solutions"]}
    written = evaluation_page(result)
    notes = re.findall(r'<p class="note">(.*?)</p>', written)
    assert notes == [
        "⚠ runs/smol/checkpoint-1200 was trained on 12 of these 120 questions.",
        "Data: calculator tags taken out of 3 solutions.",
    ]
    assert written.index(notes[0]) < written.index("<table>")


@pytest.mark.parametrize(
    ("label", "predicted", "verdict"),
    [
        (-1, -1, "Correct, and passed"),
        (-1, 1, "Correct, but an error predicted in step 1"),
        (1, 1, "Error in step 1 found"),
        (1, -1, "Error in step 1 missed"),
        (1, 0, "Error in step 1, predicted in step 0"),
        (1, 2, "Error in step 1, predicted in step 2"),
    ],
)
def test_an_example_states_its_outcome_and_marks_both_steps(
    result: dict[str, Any], label: int, predicted: int, verdict: str
) -> None:
    read = example(result, completions=["a", "b", "c"], scores=[0.9, 0.4, 0.1], label=label, predicted=predicted)
    assert verdict in texts(read, "span")
    items = [a["class"] for a in read.named("li")]
    states = ["right"] * 3 if label < 0 else ["right", "error", "after"]
    assert items == [f"{level} {state}" for level, state in zip(("p6", "p2", "p0"), states, strict=True)]
    marks = (["✗ first error"] if label >= 0 else []) + (
        [] if predicted < 0 else ["⚑ predicted, correctly" if label == predicted else "⚑ predicted, incorrectly"]
    )
    assert sorted(texts(read, "em")) == sorted(marks)


def test_a_solution_of_best_of_n_has_an_answer_and_no_label(result: dict[str, Any]) -> None:
    for correct, verdict in ((True, "Correct answer"), (False, "Incorrect answer"), (None, "Unknown")):
        read = example(result, label=None, predicted=None, correct=correct)
        assert verdict in texts(read, "span")
        assert texts(read, "em") == [] and not [a for a in read.named("li") if " " in (a["class"] or "")]


def test_a_chart_for_every_curve_in_the_result_and_no_other(result: dict[str, Any]) -> None:
    both = ["best-of-n", "reliability", "heatmap"]
    of_models = [
        f"{what}-{n}-{slug}"
        for n, slug in ((1, "org-made-up-prm-7b"), (2, "runs-smol-checkpoint-1200"))
        for what in both
    ]
    assert [chart.path for chart in make_charts(result)] == ["scores", "roc", "precision-recall", *of_models]
    model = result["models"][0]
    model["curves"] |= {"roc": {"x": [], "y": []}, "best_of_n": None, "heatmap": None, "reliability": []}
    assert [chart.path for chart in make_charts({**result, "models": [model]})] == ["scores", "precision-recall"]
    assert make_charts({**result, "models": []}) == []


def test_alt_texts_and_tables_say_what_charts_show(result: dict[str, Any]) -> None:
    drawn = {chart.name: chart for chart in make_charts(result)}
    model = result["models"][0]
    auc = f"org/made-up-prm-7b {model['metrics']['auc']['value']:.3f}"
    assert auc in drawn["roc"].alt and drawn["roc"].alt.startswith("ROC of steps: correct steps that pass against")
    assert drawn["roc"].table.head == (
        "incorrect steps that pass",
        *[m["name"] for m in result["models"] if m["curves"]],
    )
    assert [row[0] for row in drawn["roc"].table.rows] == [f"{10 * i}%" for i in range(11)]
    oracle = model["curves"]["best_of_n"]["series"]["oracle"]
    assert drawn["best_of_n_1"].table.rows[-1][-1] == f"{100 * oracle[-1]:.1f}%"
    counts = model["curves"]["heatmap"]["counts"]
    hits = sum(row[i] for i, row in enumerate(counts))
    assert f"{hits:,} of {scored(result)} solutions are on the diagonal" in drawn["heatmap_1"].alt
    folded = [[int(cell) for cell in row[1:]] for row in drawn["heatmap_1"].table.rows]
    assert drawn["heatmap_1"].table.head[-1] == "7+" and sum(map(sum, folded)) == scored(result)
    assert [row[:8] for row in folded[:8]] == [row[:8] for row in counts[:8]]


def test_precision_is_not_interpolated(result: dict[str, Any]) -> None:
    one = result["models"][0]
    one["curves"] |= {"precision_recall": {"x": [1.0, 1.0, 0.0], "y": [0.2, 0.25, 1.0]}}  # one score for all, falling
    chart = next(c for c in make_charts({**result, "models": [one]}) if c.name == "precision_recall")
    assert [row[1] for row in chart.table.rows] == ["100.0%"] + ["25.0%"] * 10


def test_the_closed_gap_has_its_own_table(result: dict[str, Any]) -> None:
    result = bare(result)
    result["models"][0]["metrics"]["min_gap_closed"] = {"value": -0.25, "low": -0.5, "high": 0.125}
    read = Read(evaluation_page(result))
    assert "Share of the gap between majority vote and oracle that is closed" in texts(read, "caption")
    assert "Gap closed, lowest step" in texts(read, "th")
    assert "-25.0" in texts(read, "td") and "(-50.0 to 12.5)" in texts(read, "small")


def test_charts_are_written_as_svg_with_text_and_as_png(result: dict[str, Any], tmp_path: Path) -> None:
    result["models"] = [{**result["models"][0], "name": "../../$up$ <b> 日本\x00", "curves": None}]
    written = write_charts(result, tmp_path / "a" / "b")
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["a/b/scores.svg", "a/b/scores.png"]
    assert written == sorted((tmp_path / "a" / "b").iterdir(), reverse=True)
    texts = [node.text for node in ElementTree.parse(written[0]).iter("{http://www.w3.org/2000/svg}text")]
    assert "../../$up$ <b> 日本\N{REPLACEMENT CHARACTER}" in texts
    assert struct.unpack(">I", written[1].read_bytes()[16:20]) == (690,)
    again = write_charts(result, tmp_path / "c")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_chart_files_stay_in_the_folder_and_are_unique(result: dict[str, Any]) -> None:
    for n, name in enumerate(("../../../etc/passwd", "..", "a/b", "a-b", "", "日本")):
        result["models"].append({**result["models"][0], "name": name, "kind": "model", "digest": str(n)})
    paths = [chart.path for chart in make_charts(result)]
    assert len(paths) == len(set(paths)) and not [path for path in paths if "/" in path or ".." in path]


def test_a_curve_of_many_points_keeps_its_ends_and_its_shape() -> None:
    xs = [i / 10_000 for i in range(10_001)]
    ys = [min(1.0, 4 * x) for x in xs]
    few, high = thin(xs, ys, 50)
    assert len(few) <= 50 and (few[0], few[-1], high[-1]) == (0.0, 1.0, 1.0)
    assert all(abs(y - min(1.0, 4 * x)) < 1e-9 for x, y in zip(few, high, strict=True))
    assert max(b - a for a, b in pairwise(few)) < 0.05
    assert thin(xs[:5], ys[:5]) == (xs[:5], ys[:5])


def test_a_long_name_keeps_its_end() -> None:
    assert short("x" * 40 + "/step-7", 10) == "…xx/step-7"


def test_a_page_of_eight_models_of_long_hostile_solutions_is_below_3_mb(whole: dict[str, Any], tmp_path: Path) -> None:
    one = whole["models"][0]
    steps = [evil * 100 for evil in HOSTILE] * 10
    example = {**one["examples"][0], "prompt": "<" * 10**6, "completions": steps, "scores": [0.2] * len(steps)}
    models = [{**one, "name": f"{HOSTILE[0]}{n}", "curves": None, "examples": [example] * 100} for n in range(8)]
    page = evaluation_page({**whole, "models": models})
    assert len(page.encode()) < 3_000_000
    assert "more are left out to keep the page small" in page


def test_baselines_stand_after_the_models(result: dict[str, Any]) -> None:
    assert {model["name"] for model in result["models"][2:]} == set(BASELINES)
