"""transformers' `Trainer` with what a PRM needs: our loss, batches and validation, tokens a second, whole checkpoints.

A checkpoint is whole when the file `complete` stands in it, which is written when all processes have written theirs; a
run that is killed while it saves goes on from the one before.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from prm_gsm8k.metrics import steps as metrics
from prm_gsm8k.models.targets import CORRECT
from prm_gsm8k.train.batches import Batches, ByLength
from prm_gsm8k.train.disk import said_if_full
from prm_gsm8k.train.loss import IGNORED, StepLoss
from prm_gsm8k.train.throughput import Throughput

COMPLETE = "complete"


class PrmTrainer(Trainer):
    """`Trainer` for rows of `data.py`.

    Args:
        lengths: tokens of each item of `train_dataset`.
        row_length: mean tokens of a row, for the arithmetic of attention.
        head_learning_rate: of the new head, if it has its own.
        rest: as `Trainer`.
    """

    def __init__(
        self,
        *,
        lengths: Sequence[int],
        row_length: float,
        loss: StepLoss,
        pad_id: int,
        head_learning_rate: float | None = None,
        **rest: Any,
    ) -> None:
        self.lengths = lengths
        self.head_learning_rate = head_learning_rate
        super().__init__(
            data_collator=Batches(pad_id),
            compute_loss_func=loss,
            compute_metrics=validation_metrics,
            preprocess_logits_for_metrics=p_right,
            callbacks=[_WholeCheckpoints(), *rest.pop("callbacks", [])],
            **rest,
        )
        self.throughput = Throughput(self.model, row_length, self.args.world_size)
        self._tokens = torch.zeros((), dtype=torch.int64, device=self.args.device)  # of this process, not yet added up
        self._unlogged = 0
        self._since = time.monotonic()

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        size = self.args.train_batch_size * self.args.world_size
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return ByLength(self.lengths, size, seed)

    def create_optimizer(self, *arguments: Any, **named: Any) -> torch.optim.Optimizer:
        """The usual one; the head's weights in groups of their own, if they have a learning rate of their own."""
        optimizer = super().create_optimizer(*arguments, **named)
        if self.head_learning_rate is not None and not getattr(self, "_split", False):
            head = {id(p) for name, p in self.model.named_parameters() if "score" in name or "classifier" in name}
            for group in list(optimizer.param_groups):
                if mine := [p for p in group["params"] if id(p) in head]:
                    group["params"] = [p for p in group["params"] if id(p) not in head]
                    optimizer.add_param_group({**group, "params": mine, "lr": self.head_learning_rate})
            optimizer.param_groups[:] = [group for group in optimizer.param_groups if group["params"]]
            self._split = True
        return optimizer

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], *rest: Any, **named: Any) -> torch.Tensor:
        """One micro-batch; its tokens are counted."""
        self._tokens += tokens_in(inputs).to(self._tokens.device)
        return super().training_step(model, inputs, *rest, **named)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """A line of the log; those of training say how fast it was since the last one."""
        if "loss" in logs:
            now = time.monotonic()
            self._count()
            logs |= self.throughput.of(self._unlogged, now - self._since)
            self._unlogged, self._since = 0, now
        super().log(logs, start_time)

    def _save_checkpoint(self, *arguments: Any, **named: Any) -> None:
        self._count()
        with said_if_full(self.model, self.args):
            super()._save_checkpoint(*arguments, **named)

    def train(self, *arguments: Any, **named: Any) -> Any:
        """As usual; then `state.num_input_tokens_seen` has all tokens, of all processes, also those before a resume."""
        self._since = time.monotonic()
        trained = super().train(*arguments, **named)
        self._count()
        return trained

    def _count(self) -> None:
        """Add up the tokens of all processes since it was last called."""
        tokens = int(self.accelerator.reduce(self._tokens.clone(), "sum").item())
        self.state.num_input_tokens_seen += tokens
        self._tokens.zero_()
        self._unlogged += tokens

    def evaluate(self, *arguments: Any, **named: Any) -> dict[str, float]:
        """As usual; the time it takes is not training's."""
        start = time.monotonic()
        try:
            found: dict[str, float] = super().evaluate(*arguments, **named)
            return found
        finally:
            self._since += time.monotonic() - start

    def validation_scores(self, rows: Any) -> tuple[list[list[float]], list[int]]:
        """P(right) of the judged steps of each row, and each row's label, as `prm_gsm8k.metrics.steps` takes them."""
        predicted = self.predict(rows, metric_key_prefix="final")
        return scores_and_labels(predicted.predictions, predicted.label_ids)


def tokens_in(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Tokens of a batch that are no padding: all of a pack; those of a tree that anything but themselves goes with."""
    mask = inputs.get("attention_mask")
    if mask is None:
        return torch.tensor(inputs["input_ids"].numel())
    if mask.dim() == 2:
        return mask.sum()
    return (mask[:, 0].sum(1) + mask[:, 0].sum(2) > 2).sum()


def p_right(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """P(right) of each token, (batch, tokens): all that validation keeps of the logits."""
    return logits.float().softmax(-1)[..., CORRECT]


def scores_and_labels(scores: np.ndarray, targets: np.ndarray) -> tuple[list[list[float]], list[int]]:
    """Of P(right) and targets a token: P(right) of the judged steps of each row, and which is the first wrong one.

    Judged are the steps with a target, up to the first wrong one, whose index is the label (−1: none); a soft target of
    at most 0.5 is wrong. Rows without any are left out.

    >>> scores_and_labels(np.array([[0.1, 0.9, 0.2, 0.0]]), np.array([[-100.0, 1.0, 0.0, -100.0]]))
    ([[0.9, 0.2]], [1])
    """
    many, labels = [], []
    for line, target in zip(scores, targets, strict=True):
        judged = target != IGNORED
        if not judged.any():
            continue
        right = target[judged] > 0.5
        end = len(right) if right.all() else int(np.argmin(right)) + 1  # what follows the first error is not asked
        many.append([float(score) for score in line[judged][:end]])
        labels.append(-1 if right.all() else end - 1)
    return many, labels


def validation_metrics(predicted: EvalPrediction) -> dict[str, float]:
    """What a validation says; numbers that do not exist, as an AUC of right steps only, are left out."""
    scores, labels = scores_and_labels(np.asarray(predicted.predictions), np.asarray(predicted.label_ids))
    return summary(scores, labels)


def summary(scores: list[list[float]], labels: list[int]) -> dict[str, float]:
    """Step accuracy, AUC, average precision, calibration, and first errors at 0.5 and at the best threshold."""
    if not scores:
        return {}
    steps = metrics.step_metrics(*metrics.judged_steps(scores, labels))
    first = metrics.first_error_f1([metrics.predicted_first_error(line, 0.5) for line in scores], labels)
    threshold, best = metrics.best_threshold(scores, labels)
    found = {
        "step_accuracy": steps.accuracy,
        "auc": steps.auc,
        "average_precision": steps.average_precision,
        "ece": steps.ece,
        "brier": steps.brier,
        "first_error_f1": first.f1,
        "error_accuracy": first.error_accuracy,
        "correct_accuracy": first.correct_accuracy,
        "best_threshold": threshold,
        "best_first_error_f1": best,
    }
    return {name: value for name, value in found.items() if value is not None}


class _WholeCheckpoints(TrainerCallback):
    """Marks a checkpoint when every process has written its part."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()
        folder = Path(args.output_dir, f"checkpoint-{state.global_step}")
        if args.should_save and folder.is_dir():
            (folder / COMPLETE).touch()


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, the oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if (path / COMPLETE).exists()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def drop_half_checkpoints(folder: Path) -> None:
    """Delete what a killed run left half-written."""
    for path in folder.glob("checkpoint-*"):
        if not (path / COMPLETE).exists():
            shutil.rmtree(path, ignore_errors=True)


def new_model(name: str, revision: str | None = None, **options: Any) -> PreTrainedModel:
    """A language model's body with a new head of two labels, `wrong` and `right`."""
    from transformers import AutoConfig, AutoModelForTokenClassification

    config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
    config.num_labels = 2
    config.id2label, config.label2id = {0: "wrong", 1: "right"}, {"wrong": 0, "right": 1}
    config.classifier_dropout = 0.0  # a PRM is scored without; the default is 0.1
    model: PreTrainedModel = AutoModelForTokenClassification.from_pretrained(
        name, config=config, revision=revision, use_safetensors=True, trust_remote_code=False, **options
    )
    return model
