"""The step tag: the one existing special token that ends each step, and at which a PRM says how good the step is.

A token that exists already needs no new row in the embedding, so any server loads the checkpoint as it is; and vLLM's
STEP pooling finds the steps by this one id. It must not mean anything else: not the end of a turn, not padding, not
what a chat template writes.

    Qwen2.5, Qwen3     <|fim_pad|>                      SmolLM2    <repo_name>
    Qwen2.5-Math-PRM   <extra_0>                        Gemma      <unused0>
    Llama-3            <|reserved_special_token_0|>     GPT-2      none: an error that says what to do
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prm_gsm8k.exceptions import TokenizerError
from prm_gsm8k.models.plain_text import markup_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# What a name says a token is for, the least used in a text about maths first. Then any other, by its id.
PREFERENCE = (
    r"extra_?\d+",  # Qwen2.5-Math-PRM's own, <extra_0>
    r"(reserved|unused|dummy|placeholder|SPECIAL|control).*\d",  # never seen by the model: Llama-3, Gemma, Mistral, Phi
    r"fim_?pad",  # of code models: Qwen
    r"repo_?name|gh_stars|file_?sep|filename|issue_|jupyter_|empty_output",  # StarCoder's, SmolLM2's
    r"fim_",
)
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def choose_step_tag(tokenizer: PreTrainedTokenizerFast) -> str:
    """The token of a tokenizer to end steps with, by `PREFERENCE`, then by its id.

    Left out are those that have a role in the tokenizer (`NAMED`), that occur in its chat template, or that swallow the
    spaces around them.

    Raises:
        TokenizerError: none is left.
    """
    ids = markup_tokens(tokenizer)
    usable = [content for content in ids if why_not(tokenizer, content) is None]
    if not usable:
        raise TokenizerError(
            f"none of the {len(ids)} special tokens of this tokenizer can be the step tag: each has a role already; "
            "add one with tokenizer.add_special_tokens and resize the model's embedding, or take another model"
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
        return "swallows the spaces beside it, which belong to the steps"
    return None


def _rank(content: str) -> int:
    return next((n for n, name in enumerate(PREFERENCE) if re.search(name, content)), len(PREFERENCE))
