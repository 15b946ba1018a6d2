"""The loss is one number for one set of rows, however they are laid out over batches, micro-batches and processes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import layouts
import pytest
import torch
from launching import finish, start

from prm_gsm8k.models.encoder import Encoded
from prm_gsm8k.train.loss import IGNORED, Collator, StepLoss


def loss_of(
    logits: list[list[float]], labels: list[float], loss: StepLoss | None = None, n: int | None = None
) -> float:
    outputs = SimpleNamespace(logits=torch.tensor([logits]))
    return float((loss or StepLoss())(outputs, torch.tensor([labels]), num_items_in_batch=n))


# ---- one batch ------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_labelled_steps_of_minus_log_p() -> None:
    logits = [[0.0, 0.0], [1.0, 3.0], [2.0, -1.0], [9.0, -9.0]]
    p_right, p_wrong = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-3))
    expected = -(math.log(p_right) + math.log(p_wrong)) / 2
    assert loss_of(logits, [IGNORED, 1.0, 0.0, IGNORED]) == pytest.approx(expected, rel=1e-6)


def test_index_1_is_right() -> None:
    assert loss_of([[-20.0, 20.0]], [1.0]) < 1e-6
    assert loss_of([[-20.0, 20.0]], [0.0]) > 30


def test_hard_labels_give_what_torch_gives() -> None:
    logits, labels = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0)), torch.full((3, 5), IGNORED)
    labels[0, 1], labels[0, 4], labels[2, 3] = 1.0, 0.0, 1.0
    expected = torch.nn.functional.cross_entropy(logits.view(-1, 2), labels.long().view(-1), ignore_index=-100)
    torch.testing.assert_close(StepLoss()(SimpleNamespace(logits=logits), labels), expected)


def test_a_soft_label_is_least_where_the_model_says_just_that() -> None:
    def at(p: float) -> float:
        return loss_of([[0.0, math.log(p / (1 - p))]], [0.75])

    assert at(0.75) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), rel=1e-5)
    assert at(0.75) < min(at(0.7), at(0.8))


def test_class_weights_weigh_and_n_stays() -> None:
    logits, labels = [[0.0, 0.0], [0.0, 0.0]], [1.0, 0.0]
    log2 = math.log(2)
    assert loss_of(logits, labels, StepLoss(wrong_weight=3.0)) == pytest.approx((1 + 3) * log2 / 2)
    assert loss_of(logits, labels, StepLoss(right_weight=0.5)) == pytest.approx((0.5 + 1) * log2 / 2)
    assert loss_of(logits, [0.25, IGNORED], StepLoss(3.0, 0.5)) == pytest.approx(0.25 * 0.5 * log2 + 0.75 * 3 * log2)


def test_n_is_the_one_from_outside() -> None:
    assert loss_of([[0.0, 0.0]], [1.0], n=8) == pytest.approx(math.log(2) / 8)


@pytest.mark.parametrize("n", [None, 0, 4])
def test_a_batch_with_nothing_labelled_is_0_with_gradients_of_0(n: int | None) -> None:
    logits = torch.full((2, 3, 2), float("inf"), requires_grad=True)
    loss = StepLoss()(SimpleNamespace(logits=logits), torch.full((2, 3), IGNORED), num_items_in_batch=n)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(2, 3, 2))


def test_the_loss_is_float32_under_bf16() -> None:
    logits = torch.zeros(1, 1, 2, dtype=torch.bfloat16)
    assert StepLoss()(SimpleNamespace(logits=logits), torch.tensor([[1.0]])).dtype == torch.float32


def test_a_batch_of_rows() -> None:
    rows = [Encoded([5, 6, 9], [2], [0.25]), Encoded([5, 9, 7, 9], [1, 3], [1.0, None]), Encoded([5, 9], [1])]
    batch = Collator(pad_id=4)(rows)
    x = IGNORED
    assert batch["input_ids"].tolist() == [[5, 6, 9, 4], [5, 9, 7, 9], [5, 9, 4, 4]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[x, x, 0.25, x], [x, 1.0, x, x], [x, x, x, x]]


# ---- layouts, through Trainer ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_processes_step_as_one_does(tmp_path: Path) -> None:
    """Rows with 0 to 6 labelled steps, so that micro-batches and ranks differ, and some have none."""
    one = layouts.three_steps(16, 1, tmp_path / "one")
    assert len(one["loss"]) == 3
    out = tmp_path / "two.json"
    two = json.loads(finish(start(layouts.write_three_steps, (1, 8, out), out, processes=2)).read_text())
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert two["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "accumulation"), [(8, 2), (4, 4), (1, 16)])
def test_accumulation_changes_nothing(batch: int, accumulation: int, tmp_path: Path) -> None:
    one = layouts.three_steps(16, 1, tmp_path / "one")
    other = layouts.three_steps(batch, accumulation, tmp_path / "other")
    assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert other["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-5)


@pytest.mark.slow
def test_the_models_own_loss_grows_with_accumulation(tmp_path: Path) -> None:
    """The trap: should transformers close it, this test says so, and StepLoss is still needed for soft labels."""
    one = layouts.three_steps(16, 1, tmp_path / "one", loss="model")
    sixteen = layouts.three_steps(2, 8, tmp_path / "sixteen", loss="model")
    assert sixteen["grad_norm"][0] > 4 * one["grad_norm"][0]
