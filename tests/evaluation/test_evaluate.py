"""`prm-gsm8k evaluate` from end to end, with real (small, random) checkpoints: what is reported and what is refused."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from loopback import Hub
from made_prms import make
from made_rows import CONFIG, MADE_FROM, made_table
from typer.testing import CliRunner

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.cli.main import app
from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.evaluation.benchmarks import read
from prm_gsm8k.evaluation.evaluator import Evaluator
from prm_gsm8k.evaluation.run import evaluate
from prm_gsm8k.evaluation.thresholds import Threshold, best_cut, oracle_threshold
from prm_gsm8k.exceptions import BadInputError, CheckpointError, ContaminationError, UsageError
from prm_gsm8k.metrics.steps import best_threshold, first_error_f1, judged_steps, predicted_first_error, step_metrics

BASELINES = ["all right", "random", "position", "arithmetic"]


def rows(n: int, start: int = 0) -> list[dict[str, Any]]:
    """ProcessBench's rows out of GSM8K train: half of them with a false equation in a step."""
    made = []
    for i, problem in enumerate(shipped_problems("train")[start : start + n]):
        answer = re.sub("<<.*?>>", "", problem.answer.split("\n####")[0])
        steps = [line for line in answer.split("\n") if line.strip()]
        label = random.Random(i).randrange(len(steps)) if i % 2 else -1
        if label >= 0:
            steps[label] = "That is 12 + 2 = 15."
        made.append({"id": f"r{i}", "problem": problem.question, "steps": steps, "label": label})
    return made


def candidates() -> list[dict[str, Any]]:
    """Four solutions to each of six problems; two answers are correct, but for the last problem."""
    made = []
    for i, problem in enumerate(shipped_problems("train")[:6]):
        for k, answer in enumerate((7, 7.0, 8, None)):
            correct = answer == 7 and i < 5
            made.append({"problem": problem.question, "steps": ["So.", f"{k}."], "answer": answer, "correct": correct})
    return made


def write(path: Path, content: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return str(path)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two PRMs of random weights. One says it was trained on problem 3, with a threshold; the other says nothing."""
    folder = tmp_path_factory.mktemp("prms")
    prm = make("qwen3, chat")
    prm.save_pretrained(folder / "a")
    with torch.no_grad():
        prm.model.score.weight.neg_()
    prm.save_pretrained(folder / "b")
    problem = shipped_problems("train")[3].question
    said = {"data": {"problems": [problem_digest(problem.upper())]}, "threshold": {"value": 0.4, "chosen_on": "v/val"}}
    (folder / "a" / "prm_training.json").write_text(json.dumps(said))
    return {name: folder / name for name in ("a", "b")}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", *arguments])


# --------------------------------------------------------------------------------------------------- what is reported


@pytest.mark.slow
def test_two_models_and_the_baselines_in_one_result(checkpoints: Mapping[str, Path], tmp_path: Path) -> None:
    """Everything a user sees: files, table, and numbers that a few lines over the model's own scores agree with."""
    made = rows(24, start=10)
    data, out = write(tmp_path / "bench.jsonl", made), tmp_path / "out"
    a, b = str(checkpoints["a"]), str(checkpoints["b"])
    files = ["--out", str(out), "--html", str(tmp_path / "page.html")]
    done = run(a, b, "--benchmark", "processbench", "--data", data, "--resamples", "200", *files)
    assert done.exit_code == 0, done.output
    assert f"{b} has no training record" in done.stderr
    result = json.loads((out / "results.json").read_bytes())
    assert done.stdout == (out / "table.md").read_text()
    assert [model["name"] for model in result["models"]] == [a, b, *BASELINES]
    assert (tmp_path / "page.html").stat().st_size > 10_000 and list((out / "pictures").glob("*.svg"))

    prm = ProcessRewardModel.from_pretrained(a)
    scores = [prm.score(row["problem"], row["steps"]) for row in made]
    labels = [row["label"] for row in made]
    steps = step_metrics(*judged_steps(scores, labels))
    model = result["models"][0]
    expected = {"auc": steps.auc, "average_precision": steps.average_precision, "ece": steps.ece, "brier": steps.brier}
    for threshold, at in ((0.5, model["at"]["0.5"]), (0.4, model["at"]["validation"])):
        whole = first_error_f1([predicted_first_error(line, threshold) for line in scores], labels)
        assert at["threshold"] == threshold
        for name in ("f1", "error_accuracy", "correct_accuracy"):
            assert at[name] == pytest.approx(getattr(whole, name))
            assert at["intervals"][name][0] <= at[name] <= at["intervals"][name][1]
    assert model["at"]["validation"]["chosen_on"] == "v/val" and result["models"][1]["at"]["validation"] is None
    assert model["at"]["oracle"]["f1"] == pytest.approx(best_threshold(scores, labels)[1], abs=0.03)
    assert "intervals" not in model["at"]["oracle"]
    for name, value in expected.items():
        assert model["metrics"][name]["value"] == pytest.approx(value, abs=1e-5)
    assert model["metrics"]["ece"]["low"] is None, "no interval that would not cover"
    assert model["trained_on"] == {"seen": 0, "of": 24} and result["models"][1]["trained_on"] is None
    heatmap = model["curves"]["heatmap"]
    assert sum(map(sum, heatmap["counts"])) == 24 and heatmap["threshold"] == 0.4
    assert sum(heatmap["counts"][0]) == labels.count(-1), "rows are true first errors, -1 comes first"
    assert sum(b["steps"] for b in model["curves"]["reliability"]) == steps.steps
    assert {e["kind"] for e in model["examples"]} == {"most wrong"}, "24 are fewer than 50"

    arithmetic = result["models"][-1]["metrics"]
    assert arithmetic["error_accuracy"]["value"] == 1, "it finds 12 + 2 = 15"
    assert result["models"][2]["metrics"]["correct_accuracy"]["value"] == 1
    assert {(p["a"], p["b"]) for p in result["paired"]} == {(a, b)} | {(m, n) for m in (a, b) for n in BASELINES}


def test_a_second_run_loads_no_model(
    checkpoints: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = read("first-error", write(tmp_path / "b.jsonl", rows(8, 10))), tmp_path / "out"
    first = evaluate([str(checkpoints["b"])], "first-error", data, out=out, draws=100)
    monkeypatch.setattr("prm_gsm8k.evaluation.run.load_scorer", lambda *_, **__: pytest.fail("it was opened"))
    again = evaluate([str(checkpoints["b"])], "first-error", data, out=out, draws=100)
    assert first["models"] == again["models"] and first["paired"] == again["paired"]
    with pytest.raises(pytest.fail.Exception):
        evaluate([str(checkpoints["b"])], "first-error", data, out=out, draws=100, dtype="bf16")


def test_a_threshold_is_chosen_on_the_validation_split_of_a_built_folder(
    checkpoints: Mapping[str, Path], tmp_path: Path
) -> None:
    tables = {"train": made_table(range(3)), "validation": made_table(range(3, 9))}
    write_config(tmp_path / "built", CONFIG, tables, MADE_FROM)
    data = write(tmp_path / "bench.jsonl", rows(10, start=10))
    threshold = ["--threshold-data", str(tmp_path / "built"), "--resamples", "100", "--json"]
    done = run(str(checkpoints["a"]), "--benchmark", "first-error", "--data", data, *threshold)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    prm = ProcessRewardModel.from_pretrained(checkpoints["a"])
    validation = [(row["prompt"], row["completions"]) for row in tables["validation"].to_pylist()]
    chosen, _ = best_threshold(prm.score_many(validation), tables["validation"]["first_error"].to_pylist())
    assert result["models"][0]["at"]["validation"]["threshold"] == pytest.approx(chosen, abs=1e-5)
    assert result["models"][0]["at"]["validation"]["chosen_on"] == str(tmp_path / "built")
    assert result["models"][3]["at"]["validation"] is not None, "baselines get theirs the same way"


def test_best_of_n(checkpoints: Mapping[str, Path], tmp_path: Path) -> None:
    data = write(tmp_path / "c.jsonl", candidates())
    done = run(str(checkpoints["b"]), "--benchmark", "best-of-n", "--data", data, "--resamples", "100", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    metrics = {name: number["value"] for name, number in result["models"][0]["metrics"].items()}
    assert (metrics["random"], metrics["majority"], metrics["oracle"]) == pytest.approx((5 / 12, 5 / 6, 5 / 6))
    assert metrics["min_gap_closed"] is None, "there is no gap"
    assert result["models"][0]["curves"]["best_of_n"]["n"] == [1, 2, 4] and result["settings"]["n"] == 4
    assert "majority vote" in {pair["b"] for pair in result["paired"]}


def test_mr_gsm8k_and_prmbench(tmp_path: Path) -> None:
    """With the arithmetic checker as the model: it finds every error there is, and calls nothing else one."""
    mr, bench = [], []
    for row in rows(20, start=10):
        right = row["label"] < 0
        mr.append(
            {
                "question": row["problem"],
                "model_output_steps": row["steps"],
                "model_output_solution_correctness": "correct" if right else "wrong",
                "model_output_solution_first_error_step": "N/A" if right else row["label"] + 1,
            }
        )
        errors = [] if right else list(range(row["label"] + 1, len(row["steps"]) + 1))
        kind = "multi_solutions" if right else "circular"
        bench.append(
            {
                "idx": row["id"],
                "modified_question": row["problem"],
                "modified_process": row["steps"],
                "error_steps": errors,
                "classification": kind,
            }
        )
    result = evaluate([], "mr-gsm8k", read("mr-gsm8k", write(tmp_path / "mr.jsonl", mr)), draws=100)
    metrics = {model["name"]: model["metrics"] for model in result["models"]}
    for name in ("mcc", "first_error_accuracy", "solution_f1", "step_f1", "auc", "solution_auc"):
        assert metrics["arithmetic"][name]["value"] == 1
    assert metrics["all right"]["mcc"]["value"] == 0
    result = evaluate([], "prmbench", read("prmbench", write(tmp_path / "prm.jsonl", bench)), draws=100)
    metrics = {model["name"]: model["metrics"] for model in result["models"]}
    for name in ("prmscore", "circular/prmscore", "multi_solutions/prmscore"):
        assert metrics["arithmetic"][name]["value"] == 1
    assert metrics["all right"]["circular/prmscore"]["value"] < 0.5


def test_each_subset_has_metrics_and_the_benchmark_their_mean(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k.jsonl", rows(20))
    write(
        tmp_path / "math.jsonl",
        [row | {"steps": ["That is 12 + 2 = 15.", row["steps"][0]]} for row in rows(12) if row["label"] < 0],
    )
    with pytest.raises(BadInputError):
        read("processbench", write(tmp_path / "x.jsonl", [{"problem": "1"}]))
    (tmp_path / "x.jsonl").unlink()
    result = evaluate([], "processbench", read("processbench", str(tmp_path)), draws=100)
    numbers = {name: m["value"] for name, m in result["models"][-1]["metrics"].items()}
    assert numbers["gsm8k/f1"] == 1 and numbers["math/f1"] is None and numbers["f1"] is None
    assert numbers["correct_accuracy"] == pytest.approx((1 + 0) / 2)
    assert result["data"]["subsets"] == ["gsm8k", "math"]


def test_the_oracle_threshold_is_the_best_for_each_benchmark(tmp_path: Path) -> None:
    data = read("prmbench", write(tmp_path / "a.jsonl", _prmbench_rows()))
    draw = random.Random(0)
    scores = [[draw.choice([0.1, 0.3, 0.5, 0.9]) for _ in s.steps] for s in data.solutions]
    evaluator = Evaluator("prmbench", data.solutions, 10, 0)

    def at(threshold: float) -> float:
        sums = {key: column.sum() for key, column in evaluator.counts(scores, threshold).items()}
        return float(evaluator.protocol(sums)["prmscore"])

    best = oracle_threshold("prmbench", scores, data.solutions, evaluator.subsets)
    assert at(best) == pytest.approx(max(at(t) for t in (0.0, 0.2, 0.4, 0.6, 0.95)))
    assert best_cut([0.9, 0.8], [True, True], lambda tp, fn, tn, fp: tp)[1] == 2
    measured = evaluator.evaluate(scores, Threshold(0.4, "somewhere"), examples=True)
    assert measured.at["validation"]["prmscore"] == pytest.approx(at(0.4))


def _prmbench_rows() -> list[dict[str, Any]]:
    return [
        {
            "idx": row["id"],
            "modified_question": row["problem"],
            "modified_process": row["steps"],
            "error_steps": [1] if row["label"] >= 0 else [],
            "classification": "circular",
        }
        for row in rows(30)
    ]


def test_a_model_on_the_hub_at_a_revision(hub: Hub, checkpoints: Mapping[str, Path], tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in checkpoints["a"].iterdir()}
    repo = hub.create("org/prm", kind="models")
    repo.put(files)
    repo.tags["v1"] = repo.head
    data = read("first-error", write(tmp_path / "b.jsonl", rows(4, start=10)))
    result = evaluate(["org/prm@v1", str(checkpoints["a"])], "first-error", data, draws=100)
    one, other = result["models"][:2]
    assert one["name"] == "org/prm@v1" and one["digest"] == other["digest"] and one["metrics"] == other["metrics"]


# ------------------------------------------------------------------------------------------------------ what is refused


def test_training_questions_are_refused_unless_allowed(checkpoints: Mapping[str, Path], tmp_path: Path) -> None:
    data, a = write(tmp_path / "bench.jsonl", rows(6)), str(checkpoints["a"])
    done = run(a, "--benchmark", "processbench", "--data", data, "--resamples", "100")
    assert done.exit_code == 1
    assert done.stderr == (
        f"prm-gsm8k: {a} was trained on 1 of the 6 questions of {data} (the first: {data}:4); its results there do not "
        "generalize. Remove them from the data, or pass --allow-trained-on\n"
    )
    done = run(a, "--benchmark", "processbench", "--data", data, "--resamples", "100", "--allow-trained-on", "--json")
    assert done.exit_code == 0 and "was trained on 1 of the 6 questions" in done.stderr
    assert json.loads(done.stdout)["models"][0]["trained_on"] == {"seen": 1, "of": 6}


def test_all_training_records_are_checked_before_any_model_is_loaded(
    checkpoints: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = read("processbench", write(tmp_path / "bench.jsonl", rows(6)))
    monkeypatch.setattr("prm_gsm8k.evaluation.run.load_scorer", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(ContaminationError):
        evaluate([str(checkpoints["b"]), str(checkpoints["a"])], "processbench", data)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "there is no 'data'"),
        ({"data": {"problems": ["xyz"]}}, "data.problems are not digests of 16 digits"),
        ({"data": {"problems": []}, "threshold": {"value": 40}}, "threshold.value is 40, outside"),
        ([], "prm_training.json is not what train_prm.py writes"),
    ],
)
def test_a_malformed_training_record(record: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "prm").mkdir()
    (tmp_path / "prm" / "prm_training.json").write_text(json.dumps(record))
    data = read("processbench", write(tmp_path / "b.jsonl", rows(2)))
    with pytest.raises(CheckpointError, match=message):
        evaluate([str(tmp_path / "prm")], "processbench", data)


def test_a_threshold_is_not_chosen_on_the_test_set(tmp_path: Path) -> None:
    data = write(tmp_path / "bench.jsonl", rows(6))
    done = run("--benchmark", "processbench", "--data", data, "--threshold-data", data)
    assert done.exit_code == 2
    assert "--threshold-data shares 6 questions with the test data" in done.stderr


def test_misuse(checkpoints: Mapping[str, Path], tmp_path: Path) -> None:
    data = read("processbench", write(tmp_path / "b.jsonl", rows(2)))
    a = str(checkpoints["b"])
    with pytest.raises(UsageError, match="is given twice"):
        evaluate([a, a], "processbench", data)
    with pytest.raises(UsageError, match="'random' is the name of a baseline"):
        evaluate(["random"], "processbench", data)
    with pytest.raises(CheckpointError, match="nothing: there is no such folder"):
        evaluate(["nothing"], "processbench", data)
    one = [row for i, row in enumerate(candidates()) if i == 0 or i > 3]
    with pytest.raises(BadInputError, match=r"c\.jsonl:1: the only solution to its problem; best-of-N needs two"):
        evaluate([], "best-of-n", read("best-of-n", write(tmp_path / "c.jsonl", one)))
    assert run("--benchmark", "processbench", "--data", "./nothing.jsonl").stderr == (
        "prm-gsm8k: ./nothing.jsonl: no such file or folder\n"
    )
