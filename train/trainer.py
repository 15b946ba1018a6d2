"""transformers' `Trainer` with what a PRM needs: our loss, batches and validation, tokens a second, whole checkpoints.

A checkpoint is whole when the file `complete` stands in it, which is written when all processes have written theirs; a
run that is killed while it saves goes on from the one before.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from prm_gsm8k.exceptions import CheckpointError
from prm_gsm8k.metrics import steps as metrics
from prm_gsm8k.models.targets import CORRECT
from prm_gsm8k.train.batches import Batches, Layout, MicroBatches, Rows, Steps
from prm_gsm8k.train.disk import said_if_full
from prm_gsm8k.train.loss import IGNORED, StepLoss
from prm_gsm8k.train.throughput import Throughput

COMPLETE = "complete"


class _Loader(DataLoader[Any]):
    def set_epoch(self, epoch: int) -> None:
        """`Trainer` says which epoch begins."""
        assert isinstance(self.batch_sampler, MicroBatches)
        self.batch_sampler.set_epoch(epoch)


class PrmTrainer(Trainer):
    """`Trainer` for rows of `data.py`.

    Args:
        train_dataset: rows with the columns of `prm_gsm8k.train.data.ENCODED`.
        rows_per_step: rows of an optimizer step, of all processes; a micro-batch has at most
            `per_device_train_batch_size` of them, and `gradient_accumulation_steps` follows.
        layout: how they lie in a micro-batch.
        head_learning_rate: of the new head, if it has its own.
        eval_names: what part of a mix each row of `eval_dataset` is of, for metrics of each; may be empty.
        rest: as `Trainer`.
    """

    def __init__(
        self,
        *,
        args: TrainingArguments,
        train_dataset: Any,
        rows_per_step: int,
        layout: Layout,
        loss: StepLoss,
        pad_id: int,
        head_learning_rate: float | None = None,
        eval_names: Sequence[str] = (),
        **rest: Any,
    ) -> None:
        self.head_learning_rate = head_learning_rate
        self.eval_names = np.asarray(eval_names, dtype=np.str_)
        lengths = train_dataset["length"][:]
        self.micro_batches = MicroBatches(
            Steps(
                train_dataset["problem"][:],
                lengths,
                rows_per_step,
                args.seed if args.data_seed is None else args.data_seed,
            ),
            lengths,
            args.per_device_train_batch_size,
            process=args.process_index,
            processes=args.world_size,
            by_problem=layout == "trees",
        )
        args.gradient_accumulation_steps = self.micro_batches.accumulation
        self.layout = Batches(pad_id, layout)
        super().__init__(
            args=args,
            train_dataset=Rows(train_dataset),
            data_collator=Batches(pad_id),
            compute_loss_func=loss,
            compute_metrics=validation_metrics(loss, eval_names),
            preprocess_logits_for_metrics=log_odds,
            callbacks=[_WholeCheckpoints(), *rest.pop("callbacks", [])],
            **rest,
        )
        if self.is_fsdp_enabled:
            self._keep_gradients_sharded()
        self.throughput = Throughput(self.model, sum(lengths) / len(lengths), self.args.world_size)
        self._tokens = torch.zeros((), dtype=torch.int64, device=self.args.device)  # of this process, not yet added up
        self._unlogged = 0
        self._since = time.monotonic()

    def _keep_gradients_sharded(self) -> None:
        """Under FSDP, after each micro-batch, or every GPU holds all of them until the step; summed in fp32."""
        from torch.distributed.fsdp import MixedPrecisionPolicy

        self.accelerator.gradient_state.plugin_kwargs["sync_each_batch"] = True
        plugin = self.accelerator.state.fsdp_plugin
        if plugin.fsdp_version == 2 and plugin.mixed_precision_policy is not None:
            dtype = plugin.mixed_precision_policy.param_dtype
            plugin.mixed_precision_policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The micro-batches of this process; nothing of them is left to accelerate to deal out."""
        return _Loader(
            self.train_dataset,
            batch_sampler=self.micro_batches,
            collate_fn=self.layout,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and torch.cuda.is_available(),
        )

    def create_optimizer(self, *arguments: Any, **named: Any) -> torch.optim.Optimizer:
        """The usual one; the head's weights in groups of their own, if they have a learning rate of their own."""
        optimizer = super().create_optimizer(*arguments, **named)
        if self.head_learning_rate is not None and not getattr(self, "_split", False):
            head = {id(p) for name, p in self.model.named_parameters() if ".score." in f".{name}"}
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
        # `Trainer` takes a checkpoint for the best if its folder is there, and makes that later where it is sharded:
        # processes would disagree on which is the best, and end with an error
        Path(self.args.output_dir, f"checkpoint-{self.state.global_step}").mkdir(parents=True, exist_ok=True)
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

    def evaluation_loop(self, *arguments: Any, **named: Any) -> Any:
        """As usual, but the loss is the mean over steps, not that of the means of batches."""
        output = super().evaluation_loop(*arguments, **named)
        for name in [name for name in output.metrics if name.endswith("_step_loss")]:
            output.metrics[name.removesuffix("_step_loss") + "_loss"] = output.metrics.pop(name)
        return output

    def validation_scores(self) -> tuple[list[list[float]], list[int], list[str]]:
        """Of each row to validate on P(correct) of its judged steps and its label, as `prm_gsm8k.metrics.steps` takes
        them, and its name, if it has one."""
        predicted = self.predict(self.eval_dataset, metric_key_prefix="final")
        judged = (predicted.label_ids != IGNORED).any(axis=1)
        names = self.eval_names[judged].tolist() if len(self.eval_names) else []
        return *scores_and_labels(predicted.predictions, predicted.label_ids), names


def tokens_in(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Tokens of a batch that are no padding: all of a pack; those of a tree that anything but themselves goes with."""
    mask = inputs.get("attention_mask")
    if mask is None:
        return torch.tensor(inputs["input_ids"].numel())
    if mask.dim() == 2:
        return mask.sum()
    return (mask[:, 0].sum(1) + mask[:, 0].sum(2) > 2).sum()


def log_odds(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Log-odds of `right` of each token, (batch, tokens): all that validation keeps of the logits."""
    return logits[..., CORRECT].float() - logits[..., 1 - CORRECT].float()


def scores_and_labels(odds: np.ndarray, targets: np.ndarray) -> tuple[list[list[float]], list[int]]:
    """Of log-odds and targets a token: P(correct) of the judged steps of each row, and which is the first wrong one.

    Judged are the steps with a target, up to the first wrong one, whose index is the label (−1: none); a soft target of
    at most 0.5 is wrong. Rows without any are left out.

    >>> scores_and_labels(np.array([[3.0, 0.0, -9.0, 9.0]]), np.array([[-100.0, 1.0, 0.0, -100.0]]))
    ([[0.5, 0.00012339457598623172]], [1])
    """
    many, labels = [], []
    for line, target in zip(odds.astype(np.float64), targets, strict=True):
        judged = target != IGNORED
        if not judged.any():
            continue
        right = target[judged] > 0.5
        end = len(right) if right.all() else int(np.argmin(right)) + 1  # what follows the first error is not asked
        many.append((1 / (1 + np.exp(-line[judged][:end]))).tolist())
        labels.append(-1 if right.all() else end - 1)
    return many, labels


def mean_loss(odds: np.ndarray, targets: np.ndarray, loss: StepLoss) -> float:
    """The loss of all labelled steps as one batch.

    >>> float(mean_loss(np.zeros((2, 3)), np.array([[1.0, -100, 0.0], [-100, -100, 1.0]]), StepLoss())).__round__(4)
    0.6931
    """
    labelled = targets != IGNORED
    odd, target = odds[labelled].astype(np.float64), targets[labelled].astype(np.float64)
    right, wrong = np.logaddexp(0, -odd), np.logaddexp(0, odd)  # -log P
    total = (loss.right_weight * target * right + loss.wrong_weight * (1 - target) * wrong).sum()
    return float(total / max(1, labelled.sum()))


def validation_metrics(loss: StepLoss, names: Sequence[str] = ()) -> Callable[[EvalPrediction], dict[str, float]]:
    """What a validation says, also of the rows of each name; what does not exist is left out."""

    def of(predicted: EvalPrediction) -> dict[str, float]:
        odds, targets = np.asarray(predicted.predictions), np.asarray(predicted.label_ids)
        found = {"step_loss": mean_loss(odds, targets, loss)} | summary(*scores_and_labels(odds, targets))
        for name in sorted(set(names)):
            mine = np.asarray(names) == name
            some = summary(*scores_and_labels(odds[mine], targets[mine]))
            found |= {f"{name}_{metric}": value for metric, value in some.items()}
        return found

    return of


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

    config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False).get_text_config()
    config.num_labels = 2
    config.id2label, config.label2id = {0: "wrong", 1: "right"}, {"wrong": 0, "right": 1}
    config.classifier_dropout = 0.0  # a PRM is scored without; the default is 0.1
    loaded: tuple[PreTrainedModel, dict[str, Any]] = AutoModelForTokenClassification.from_pretrained(
        name,
        config=config,
        revision=revision,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    model, found = loaded
    if missing := sorted(key for key in found["missing_keys"] if not key.startswith("score.")):
        raise CheckpointError(
            f"{name}: no weights for {missing[0]} and {len(missing) - 1} more; is it a language model?"
        )
    _leave_meta(model)
    return model


def _leave_meta(model: torch.nn.Module) -> None:
    """Memory for weights that have none yet, whatever is in it.

    With `fsdp_cpu_ram_efficient_loading` only the first process of a machine reads the weights, and accelerate hands
    them on. transformers (5.24) leaves what is not in the checkpoint, the new head, without memory in the others;
    accelerate tells an optimizer's weights apart by their address, which then is 0 for both of the head's.
    """
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                empty = torch.empty_like(parameter, device="cpu")
                setattr(module, name, torch.nn.Parameter(empty, requires_grad=parameter.requires_grad))
