"""A language model as a PRM: of its head only the two rows of `good` and `bad` are kept.

P(right) is softmax over these two logits, so nothing is lost; but logits of a whole vocabulary at every token, 128,256
of Llama 3's, would take 4 GB for a batch of 16,384 tokens in bf16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from prm_gsm8k.exceptions import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from prm_gsm8k.models.formats.encoding import FormatEncoder

# A solution, right at first and then wrong. A PRM says `good` or `bad` there and nothing else; a language model that
# was never trained to has some thousands of words to go on with.
PROBE = ("Ali has 3 apples and buys 4. How many apples does he have?", ["He has 3+4=7 apples.", "So he has 8 apples."])
LEAST_SHARE = 0.5


@torch.inference_mode()
def share_of_the_answers(model: PreTrainedModel, encoder: FormatEncoder, good: int, bad: int) -> float:
    """How much of its probability a language model gives to the two answers at the steps of `PROBE`, in the mean."""
    row = encoder.encode(*PROBE)
    ids = torch.tensor([row.input_ids], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, row.tag_positions].float()
    return float(logits.softmax(-1)[:, [good, bad]].sum(-1).mean())


def keep_two_answers(model: PreTrainedModel, good: int, bad: int) -> None:
    """Make a language model one of two labels: 0 what it said for `bad`, 1 for `good`.

    Raises:
        CheckpointError: its head is not a linear one.
    """
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise CheckpointError(f"{type(model).__name__} has no linear head to take two rows of")
    rows = torch.tensor([bad, good], device=head.weight.device)
    kept = nn.Linear(head.in_features, 2, head.bias is not None, head.weight.device, head.weight.dtype)
    with torch.no_grad():
        kept.weight.copy_(head.weight[rows])
        if head.bias is not None:
            kept.bias.copy_(head.bias[rows])
    model.set_output_embeddings(kept)
