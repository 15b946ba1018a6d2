"""A calibration finds the slope and intercept that are true, and stands in the head, so that all who load it agree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from real_tokenizers import tokenizer
from safetensors import safe_open
from transformers import AutoModelForTokenClassification, LlamaConfig, LlamaForTokenClassification
from typer.testing import CliRunner

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.cli.main import app
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.models.calibrate import calibrate_checkpoint, put_into_checkpoint
from prm_gsm8k.models.calibration import FILE, Calibration, fit_calibration, log_odds
from prm_gsm8k.models.encoder import Encoder

PROMPT = "Ali has 3 apples and buys 4. How many does he have?"
STEPS = ["He has 3+4=7 apples.", "So 7.", "The answer is 7"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    a_tokenizer = tokenizer("qwen")
    torch.manual_seed(1)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(a_tokenizer), **small, initializer_range=0.3, num_labels=2)
    prm = ProcessRewardModel(LlamaForTokenClassification(config), a_tokenizer, Encoder.for_tokenizer(a_tokenizer))
    prm.save_pretrained(tmp_path / "prm")
    return tmp_path / "prm"


def drawn(slope: float, intercept: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Steps of a PRM whose log-odds z are right with log-odds slope·z + intercept."""
    rng = np.random.default_rng(0)
    z = rng.normal(1, 2, n)
    return z, rng.random(n) < 1 / (1 + np.exp(-(slope * z + intercept)))


def rows(n: int = 60) -> list[dict[str, object]]:
    """Solutions of which every other one is said to be wrong from its second step on."""
    made = []
    for i, p in enumerate(shipped_problems("train")[:n]):
        steps = [line for line in p.answer.split("\n####")[0].split("\n") if line.strip()]
        made.append({"prompt": p.question, "completions": steps, "first_error": 1 if i % 2 and len(steps) > 1 else -1})
    return made


# ---- the fit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -1.0), (2.0, 0.7)])
def test_it_finds_what_is_true(slope: float, intercept: float) -> None:
    z, right = drawn(slope, intercept)
    fitted = fit_calibration(z, right)
    assert fitted.slope == pytest.approx(slope, rel=0.05)
    assert fitted.intercept == pytest.approx(intercept, abs=0.07)
    assert fitted.steps == 20_000
    assert fitted.after is not None
    assert fitted.after["ece"] < 0.01


def test_it_has_the_least_log_loss_nearby() -> None:
    z, right = drawn(0.4, -1.0, 2000)
    fitted = fit_calibration(z, right)

    def loss(slope: float, intercept: float) -> float:
        p = Calibration(slope, intercept).apply(z)
        return -float(np.log(np.where(right, p, 1 - p)).mean())

    best = loss(fitted.slope, fitted.intercept)
    for a, b in [(0.05, 0), (-0.05, 0), (0, 0.1), (0, -0.1)]:
        assert best < loss(fitted.slope + a, fitted.intercept + b)


def test_a_temperature_has_no_intercept() -> None:
    z, right = drawn(0.5, 0.0)
    fitted = fit_calibration(z, right, method="temperature")
    assert fitted.intercept == 0
    assert fitted.slope == pytest.approx(0.5, rel=0.05)


def test_a_prm_that_tells_few_steps_rightly_keeps_a_finite_slope() -> None:
    fitted = fit_calibration([-2.0, -1.0, 1.0, 2.0], [False, False, True, True])
    assert 0 < fitted.slope < 10


def test_saturated_scores_have_finite_log_odds() -> None:
    z = log_odds([0.0, 0.5, 1.0])
    assert np.isfinite(z).all()
    assert z[1] == 0
    assert z[0] == pytest.approx(-z[2])
    assert z[0] < -16


@pytest.mark.parametrize(
    ("z", "right", "message"),
    [
        ([1.0, 2.0], [True], "2 scores but 1 labels"),
        ([1.0, 2.0], [True, True], "2 correct and 0 incorrect steps: a calibration needs both"),
        ([], [], "0 correct and 0 incorrect steps"),
        ([np.inf, 1.0], [True, False], "without finite log-odds"),
        ([3.0, 2.0, -2.0, -3.0], [False, False, True, True], r"incorrect steps score above correct ones \(slope -"),
    ],
)
def test_what_cannot_be_fitted_is_refused(z: list[float], right: list[bool], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit_calibration(z, right)


# ---- in the head ----------------------------------------------------------------------------------------------------


def test_the_head_gives_what_the_calibration_says(folder: Path) -> None:
    before = ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS)
    calibration = Calibration(0.5, -0.8)
    put_into_checkpoint(folder, calibration)
    expected = calibration.apply(log_odds(before))
    after = ProcessRewardModel.from_pretrained(folder)
    assert after.score(PROMPT, STEPS) == pytest.approx(expected, abs=1e-5)
    assert after.calibration == calibration
    plain = AutoModelForTokenClassification.from_pretrained(folder)
    row = after.encoder.encode(PROMPT, STEPS)
    with torch.no_grad():
        p = plain(torch.tensor([row.input_ids])).logits.softmax(-1)[0, row.tag_positions, 1]
    assert p.tolist() == pytest.approx(expected, abs=1e-5)
    raw = ProcessRewardModel.from_pretrained(folder, calibrated=False)
    assert raw.score(PROMPT, STEPS) == pytest.approx(before, abs=1e-5)
    assert raw.calibration is None


def test_calibrated_again_it_can_still_be_undone(folder: Path) -> None:
    before = ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS)
    for calibration in (Calibration(0.5, -0.8), Calibration(1.7, 0.3)):
        put_into_checkpoint(folder, calibration)
    assert ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS) == pytest.approx(
        Calibration(1.7 * 0.5, 1.7 * -0.8 + 0.3).apply(log_odds(before)), abs=1e-5
    )
    raw = ProcessRewardModel.from_pretrained(folder, calibrated=False)
    assert raw.score(PROMPT, STEPS) == pytest.approx(before, abs=1e-5)


def test_in_memory_it_is_the_same_and_is_saved(folder: Path, tmp_path: Path) -> None:
    prm = ProcessRewardModel.from_pretrained(folder)
    prm.calibrate(Calibration(0.5, -0.8))
    prm.save_pretrained(tmp_path / "saved")
    put_into_checkpoint(folder, Calibration(0.5, -0.8))
    again = ProcessRewardModel.from_pretrained(tmp_path / "saved")
    assert again.calibration == prm.calibration
    assert again.score(PROMPT, STEPS) == ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS)


def test_only_the_head_changes(folder: Path) -> None:
    def weights() -> dict[str, torch.Tensor]:
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            assert file.metadata() == {"format": "pt"}
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    before = weights()
    put_into_checkpoint(folder, Calibration(0.5, -0.8))
    after = weights()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert before.keys() == after.keys()
    assert changed == {"score.weight", "score.bias"}
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_the_command_fits_a_split_and_says_what_it_did(folder: Path, tmp_path: Path) -> None:
    from prm_gsm8k.build.build import build

    build("synthetic", tmp_path / "data", max_examples=400, num_proc=1)
    words = ["calibrate", str(folder), "--dataset", str(tmp_path / "data"), "--json", "--max-examples", "60"]

    def flip_the_head() -> None:
        prm = ProcessRewardModel.from_pretrained(folder)
        with torch.no_grad():
            prm.model.score.weight.neg_()
        prm.save_pretrained(folder)

    first = CliRunner().invoke(app, words)
    (folder / FILE).unlink(missing_ok=True)
    flip_the_head()
    second = CliRunner().invoke(app, words)
    refused, done = sorted([first, second], key=lambda result: -result.exit_code)
    assert refused.exit_code == 2, "of a random head and its negative one scores wrong steps above right ones"
    assert "incorrect steps score above correct ones" in refused.output
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["slope"] > 0
    assert said["after"]["log_loss"] < said["before"]["log_loss"]
    assert said["fitted_on"].endswith("data validation")


def test_a_checkpoint_is_calibrated_on_judged_steps(folder: Path) -> None:
    """Labels that the scores themselves decide: then the slope is positive, and fitting once more changes little."""
    prm = ProcessRewardModel.from_pretrained(folder)
    made = rows()
    scores = prm.score_many([(row["prompt"], row["completions"]) for row in made])  # type: ignore[misc]
    rng = np.random.default_rng(1)
    judged = 0
    for row, line in zip(made, scores, strict=True):
        row["first_error"] = next((i for i, s in enumerate(line) if rng.random() > 0.2 + 0.7 * s), -1)
        judged += len(line) if row["first_error"] == -1 else row["first_error"] + 1  # type: ignore[operator]
    fitted = calibrate_checkpoint(folder, made, fitted_on="made up")
    assert fitted.steps == judged
    assert fitted.before is not None
    assert fitted.after is not None
    assert fitted.after["log_loss"] < fitted.before["log_loss"]
    again = calibrate_checkpoint(folder, made)
    assert (again.slope, again.intercept) == pytest.approx((1, 0), abs=0.05)


@pytest.mark.parametrize("saved", ["{", "[]", '{"slope": 0.0}', '{"slope": -1}', '{"slope": "a"}'])
def test_a_damaged_calibration_is_refused(saved: str, folder: Path) -> None:
    (folder / FILE).write_text(saved)
    with pytest.raises(CheckpointError, match=f"{FILE} is not a calibration"):
        ProcessRewardModel.from_pretrained(folder)


def test_a_head_without_a_bias_is_refused(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["score.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"holds only score\.weight"):
        put_into_checkpoint(folder, Calibration(0.5, -0.8))
