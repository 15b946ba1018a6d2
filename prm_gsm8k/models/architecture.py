"""Which language models can become a PRM, and which of them see all that stands before a token."""

from __future__ import annotations

from typing import Any, Literal

from prm_gsm8k.exceptions import CheckpointError


def check_architecture(name: str, config: Any) -> None:
    """Refuse a model that has no head called `score`, or that sees later steps.

    Raises:
        CheckpointError: what it is, and what can be taken.
    """
    from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING
    from transformers.modeling_layers import GenericForTokenClassification

    text = config.get_text_config()
    made = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING.get(type(text), None)
    take = "take a decoder such as Llama, Qwen or Mistral"
    if made is None:
        raise CheckpointError(f"{name}: transformers has no token classification for {text.model_type}; {take}")
    if not issubclass(made, GenericForTokenClassification):
        raise CheckpointError(f"{name}: a {made.__name__} has another head than `score`, or sees later steps; {take}")
    if getattr(text, "is_causal", True) is False or getattr(text, "use_bidirectional_attention", False):
        raise CheckpointError(f"{name}: its attention goes both ways, so a step's score would know later steps; {take}")


def attention_kind(config: Any, length: int | None = None) -> Literal["full", "sliding", "hybrid"]:
    """Whether all layers see all tokens before, some only a window shorter than `length`, or some have a state.

    Rows that share tokens (trees) or follow one another (packed), and a cache that several rows share, need `full`.
    """
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None) or [])
    if kinds - {"full_attention", "sliding_attention"}:
        return "hybrid"
    window = getattr(text, "sliding_window", None)
    slides = "sliding_attention" in kinds if kinds else window is not None and getattr(text, "use_sliding_window", True)
    if slides and window is not None and (length is None or window < length):
        return "sliding"
    return "full"
