"""A language model as a PRM: only the rows of `good` and `bad` of its head are kept.

P(correct) is the softmax over these two logits, so nothing is lost. The logits of a whole vocabulary, 128,256 for
Llama 3, would take 4 GB for a batch of 16,384 tokens in bf16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from prm_gsm8k.exceptions import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from prm_gsm8k.models.formats.encoding import FormatEncoder

# A correct and then an incorrect step. After each a PRM gives nearly all probability to `good` and `bad`; a language
# model that is no PRM spreads it over its vocabulary.
PROBE = ("Ali has 3 apples and buys 4. How many apples does he have?", ["He has 3+4=7 apples.", "So he has 8 apples."])
LEAST_SHARE = 0.5  # a model below it is taken for no PRM


@torch.inference_mode()
def answer_share(model: PreTrainedModel, encoder: FormatEncoder, good: int, bad: int) -> float:
    """Mean probability that a language model gives to the two answers together at the steps of `PROBE`."""
    row = encoder.encode(*PROBE)
    ids = torch.tensor([row.input_ids], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, row.tag_positions].float()
    return float(logits.softmax(-1)[:, [good, bad]].sum(-1).mean())


def keep_two_answers(model: PreTrainedModel, good: int, bad: int) -> None:
    """Reduce a language model's head to two labels: 0 is the logit of `bad`, 1 that of `good`.

    Raises:
        CheckpointError: its head is not linear.
    """
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise CheckpointError(f"{type(model).__name__} has no linear head")
    rows = torch.tensor([bad, good], device=head.weight.device)
    kept = nn.Linear(head.in_features, 2, head.bias is not None, head.weight.device, head.weight.dtype)
    with torch.no_grad():
        kept.weight.copy_(head.weight[rows])
        if head.bias is not None:
            kept.bias.copy_(head.bias[rows])
    model.set_output_embeddings(kept)
