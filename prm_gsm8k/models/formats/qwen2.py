"""`Qwen2ForProcessRewardModel`: the architecture of Qwen2.5-Math-PRM, without its remote code.

A Qwen2 decoder with Linear(h, h) · ReLU · Linear(h, 2) at every token; label 1 is correct. Its weights are named as in
Qwen's checkpoints, which vLLM serves under the same architecture.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import Qwen2Config, Qwen2Model, Qwen2PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput


class Qwen2ForProcessRewardModel(Qwen2PreTrainedModel):
    """See the module."""

    _keys_to_ignore_on_load_unexpected = [r"^lm_head\."]  # Qwen's checkpoints carry one

    def __init__(self, config: Qwen2Config) -> None:
        config.num_labels = 2
        super().__init__(config)
        width = config.hidden_size
        self.model = Qwen2Model(config)
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
        self.post_init()

    def forward(self, input_ids: torch.Tensor, **options: Any) -> TokenClassifierOutput:
        """Logits (rows, tokens, 2)."""
        hidden = self.model(input_ids=input_ids, **options).last_hidden_state
        return TokenClassifierOutput(logits=self.score(hidden))
