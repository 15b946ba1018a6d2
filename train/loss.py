"""Cross-entropy at step tags, normalised so that nothing depends on how a batch is cut.

One optimizer step sees some labelled steps, over all ranks and micro-batches: N of them. Its loss is

    1/N · Σ  -( w_right · t · log p + w_wrong · (1-t) · log(1-p) )     t: the target of a step, p: P(correct) there

so 16 rows are the same 16 rows as one batch, as 16 micro-batches, or on 2 GPUs. The loss that comes with transformers'
`*ForTokenClassification` takes the mean of each micro-batch instead. It swallows the N that `Trainer` counts, and
`Trainer`, which sees that the model takes it, no longer divides by the number of micro-batches: gradients grow with it.

Soft targets are what the formula says; hard ones are 0 and 1. A step without a target has `IGNORED` in its place, as
has every token that is no tag. Nothing labelled is a loss of 0 and gradients of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from prm_gsm8k.models.targets import CORRECT

if TYPE_CHECKING:
    from prm_gsm8k.models.encoder import Encoded

IGNORED = -100.0  # the number `Trainer` leaves out when it counts labels


@dataclass(frozen=True)
class StepLoss:
    """`Trainer(compute_loss_func=StepLoss())`: `Trainer` counts N over ranks and micro-batches and hands it in.

    `Trainer` multiplies the result by the number of ranks (`average_tokens_across_devices`, on by default), because DDP
    and FSDP average gradients over them.

    Args:
        wrong_weight: how much a wrong step counts; 1.0 unless told.
        right_weight: how much a right step counts. N stays the number of steps, whatever the weights.
    """

    wrong_weight: float = 1.0
    right_weight: float = 1.0

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """The loss of a micro-batch, a scalar in float32.

        Args:
            outputs: has `logits` of shape (batch, tokens, 2), in any precision.
            labels: targets in [0, 1] at tags and `IGNORED` elsewhere, of shape (batch, tokens); or (batch, tokens, n)
                where up to n rows share a tag, each with a target of its own.
            num_items_in_batch: N; if None, the labelled steps of this micro-batch.
        """
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs.logits
        labelled = labels != IGNORED
        target = labels[labelled].float()
        if labels.dim() == logits.dim():
            logits = logits.unsqueeze(2).expand(-1, -1, labels.shape[2], -1)
        log_p = F.log_softmax(logits[labelled].float(), dim=-1)
        right, wrong = log_p[:, CORRECT], log_p[:, 1 - CORRECT]
        total = -(self.right_weight * target * right + self.wrong_weight * (1 - target) * wrong).sum()
        n = labelled.sum() if num_items_in_batch is None else torch.as_tensor(num_items_in_batch, device=total.device)
        return total / n.clamp(min=1)


@dataclass(frozen=True)
class Collator:
    """Rows of an encoder as one batch, padded on the right to the longest.

    >>> from prm_gsm8k.models.encoder import Encoded
    >>> batch = Collator(pad_id=0)([Encoded([5, 6, 9], [2], [1.0]), Encoded([5, 9, 7, 9], [1, 3], [1.0, None])])
    >>> batch["labels"].tolist()
    [[-100.0, -100.0, 1.0, -100.0], [-100.0, 1.0, -100.0, -100.0]]
    >>> batch["attention_mask"].tolist()
    [[1, 1, 1, 0], [1, 1, 1, 1]]
    """

    pad_id: int = 0

    def __call__(self, rows: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """`input_ids`, `attention_mask` (int64) and `labels` (float32), each of shape (rows, longest)."""
        shape = len(rows), max(len(row.input_ids) for row in rows)
        input_ids = torch.full(shape, self.pad_id, dtype=torch.int64)
        attention_mask = torch.zeros(shape, dtype=torch.int64)
        labels = torch.full(shape, IGNORED)
        for n, row in enumerate(rows):
            input_ids[n, : len(row.input_ids)] = torch.tensor(row.input_ids)
            attention_mask[n, : len(row.input_ids)] = 1
            for position, target in zip(row.tag_positions, row.targets or [], strict=row.targets is not None):
                if target is not None:
                    labels[n, position] = target
        return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}
