"""What decides the text a model answers with: the model, its prompt and how it is sampled. Runs mix only if all agree.

    Settings("Qwen/Qwen3-8B", "b968826d", prompt="chat").folder      # "Qwen3-8B-5f0c…": where their calls are kept

How solutions are graded and labelled is not among them: that is decided anew from what was answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling import prompts


@dataclass(frozen=True)
class Settings:
    """Under which a call has one answer for good.

    Attributes:
        model: as the server knows it: a Hub id, or a folder.
        revision: which version of it: a commit of the Hub, or a digest of the folder.
        prompt: the style, one of `prompts.STYLES`.
        temperature: of sampling; 0 makes every attempt the same, so labels by rollouts need more.
        top_p: the share of probability that is sampled from.
        max_tokens: at which an answer is cut off.
    """

    model: str
    revision: str
    prompt: str = "chat"
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024

    def __post_init__(self) -> None:
        if self.prompt not in prompts.STYLES:
            raise UsageError(f"prompt must be one of {', '.join(prompts.STYLES)}, not {self.prompt!r}")
        if not self.temperature > 0:
            raise UsageError(f"temperature is {self.temperature}; rollouts must differ, so it has to be above 0")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}, not in (0, 1]")
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}, not at least 1")

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that change with any of them, the prompt's very text included."""
        everything = [asdict(self), prompts.source(self.prompt)]
        return hashlib.sha256(orjson.dumps(everything, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    @property
    def folder(self) -> str:
        """A name a person recognises and nothing else shares."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.model.rstrip('/').rpartition('/')[2])}-{self.digest[:16]}"

    @property
    def source(self) -> str:
        """Column `source` of the rows."""
        return f"{self.model}@{self.revision}"

    def request(self, question: str, prefix: Sequence[str], attempt: int) -> dict[str, Any]:
        """The body of one call, for `/chat/completions` if it has messages, else for `/completions`.

        `user` tells attempts apart. A `seed` would too, and ends vLLM's engine on a CPU.
        """
        return {
            "model": self.model,
            **prompts.render(self.prompt, question, prefix),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "user": f"attempt {attempt}",
        }
