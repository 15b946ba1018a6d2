"""Three optimizer steps of a tiny random Llama through `Trainer`, on the same 48 rows in any layout."""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForTokenClassification, Trainer, TrainerCallback, TrainingArguments

from prm_gsm8k.models.encoder import Encoded
from prm_gsm8k.train.loss import Collator, StepLoss

TAG = 3


def rows(n: int) -> list[Encoded]:
    """Rows of 1 to 6 steps, of which none to all are labelled, hard."""
    rng = random.Random(0)
    made = []
    for _ in range(n):
        ids: list[int] = []
        tags: list[int] = []
        for _ in range(rng.randrange(1, 7)):
            ids += [rng.randrange(4, 64) for _ in range(rng.randrange(1, 9))] + [TAG]
            tags.append(len(ids) - 1)
        labelled = rng.randrange(len(tags) + 1)
        made.append(Encoded(ids, tags, [float(rng.random() < 0.6) if i < labelled else None for i in range(len(tags))]))
    return made


def tiny_model() -> LlamaForTokenClassification:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_labels=2,
        classifier_dropout=0.0,
        pad_token_id=0,
    )
    return LlamaForTokenClassification(config)


class _Watch(TrainerCallback):
    def __init__(self) -> None:
        self.seen: dict[str, list[float]] = {"loss": [], "grad_norm": []}

    def on_log(self, args: object, state: object, control: object, logs: dict[str, float], **_: object) -> None:
        for name, values in self.seen.items():
            if name in logs:
                values.append(logs[name])


def three_steps(batch: int, accumulation: int, folder: Path, loss: str = "ours") -> dict[str, list[float]]:
    """Loss and gradient norm of each of three optimizer steps with plain SGD; `model` is the loss it brings along."""

    def collate(some: list[Encoded]) -> dict[str, torch.Tensor]:
        made = Collator()(some)
        return made if loss == "ours" else made | {"labels": made["labels"].long()}

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        max_steps=3,
        learning_rate=0.5,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=1e9,  # measured, not clipped
        train_sampling_strategy="sequential",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        remove_unused_columns=False,
        disable_tqdm=True,
    )
    watch = _Watch()
    Trainer(
        model=tiny_model(),
        args=arguments,
        train_dataset=rows(48),
        data_collator=collate,
        compute_loss_func=StepLoss() if loss == "ours" else None,
        callbacks=[watch],
    ).train()
    return watch.seen


def write_three_steps(batch: int, accumulation: int, out: Path) -> None:
    """The same, as JSON of the first of several processes (gloo), which RANK and WORLD_SIZE tell of each other."""
    seen = three_steps(batch, accumulation, out.parent / "run")
    if torch.distributed.get_rank() == 0:
        out.write_text(json.dumps(seen))
