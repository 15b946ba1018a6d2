"""The step tag: an existing special token that ends each step, and at which a PRM scores it.

An existing token needs no new embedding row, so any server loads the checkpoint as it is, and vLLM's STEP pooling finds
the steps by its id. It must have no other role: not the end of a turn, not padding, not part of a chat template.

    Qwen2.5, Qwen3     <|fim_pad|>                      SmolLM2    <repo_name>
    Qwen2.5-Math-PRM   <extra_0>                        Gemma      <unused0>
    Llama-3            <|reserved_special_token_0|>     GPT-2      none: a TokenizerError
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prm_gsm8k.exceptions import TokenizerError
from prm_gsm8k.models.plain_text import markup_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Patterns of token names, the least likely in a text about maths first. Other tokens come last, by id.
PREFERENCE = (
    r"extra_?\d+",  # Qwen2.5-Math-PRM's own, <extra_0>
    r"(reserved|unused|dummy|placeholder|SPECIAL|control).*\d",  # never trained: Llama-3, Gemma, Mistral, Phi
    r"fim_?pad",  # of code models: Qwen
    r"repo_?name|gh_stars|file_?sep|filename|issue_|jupyter_|empty_output",  # StarCoder's, SmolLM2's
    r"fim_",
)
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def choose_step_tag(tokenizer: PreTrainedTokenizerFast) -> str:
    """The best step tag of a tokenizer, by `PREFERENCE`, then by id, among the tokens without a role (`why_not`).

    Raises:
        TokenizerError: there is none.
    """
    ids = markup_tokens(tokenizer)
    usable = [content for content in ids if why_not(tokenizer, content) is None]
    if not usable:
        raise TokenizerError(
            f"none of the {len(ids)} special tokens of this tokenizer can be the step tag: each has a role already; "
            "add one with tokenizer.add_special_tokens and resize the model's embedding, or use another model"
        )
    return min(usable, key=lambda content: (_rank(content), ids[content]))


def why_not(tokenizer: PreTrainedTokenizerFast, content: str) -> str | None:
    """Why a token cannot be the step tag, as the end of a sentence; None if it can."""
    if content not in (ids := markup_tokens(tokenizer)):
        return "is not a special token of this tokenizer"
    if name := next((name for name in NAMED if getattr(tokenizer, name, None) == content), None):
        return f"is its {name}"
    templates = tokenizer.chat_template or ""
    if any(content in template for template in (templates.values() if isinstance(templates, dict) else [templates])):
        return "is part of its chat template"
    token = tokenizer.added_tokens_decoder[ids[content]]
    if token.lstrip or token.rstrip:
        return "strips the spaces beside it, which belong to the steps"
    return None


def _rank(content: str) -> int:
    return next((n for n, name in enumerate(PREFERENCE) if re.search(name, content)), len(PREFERENCE))
