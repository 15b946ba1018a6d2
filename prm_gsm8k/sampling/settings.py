"""Everything that decides a model's answers: model, prompt and sampling. Answers are shared only if all of it is equal.

    Settings("Qwen/Qwen3-8B", "b968826d", prompt="chat").folder      # "Qwen3-8B-5f0c…": folder of the calls

Grading and labelling are not part of it: they are computed from saved answers.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling import prompts


@dataclass(frozen=True)
class Settings:
    """The options under which a call has one saved answer.

    Attributes:
        model: its name on the server: a Hub id, or the name of a folder.
        revision: of the model: a commit of the Hub, or a digest of the folder.
        prompt: prompt style, one of `prompts.STYLES`.
        temperature: of sampling, above 0, so that rollouts differ.
        top_p: probability mass that is sampled from, in (0, 1].
        max_tokens: at which an answer is cut off.
        extra_body: a JSON object of further fields of a request; they replace those of the same name.
        omit: fields that are not sent, such as `user,max_tokens`, for a server that refuses them.

    Raises:
        UsageError: no such style, a number is out of range, or `extra_body` is no JSON object.
    """

    model: str
    revision: str
    prompt: str = "chat"
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    extra_body: str = ""
    omit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "omit", ",".join(sorted({name.strip() for name in self.omit.split(",")} - {""})))
        object.__setattr__(self, "extra_body", _canonical(self.extra_body))
        fields = {"temperature", "top_p", "max_tokens", "user", *prompts.render("chat", "", [""])} - _OURS
        if unknown := sorted(set(filter(None, self.omit.split(","))) - fields):
            raise UsageError(f"--omit {unknown[0]}: not one of {', '.join(sorted(fields))}")
        if self.prompt not in prompts.STYLES:
            raise UsageError(f"prompt must be one of {', '.join(prompts.STYLES)}, not {self.prompt!r}")
        if not 0 < self.temperature < float("inf"):
            raise UsageError(f"temperature is {self.temperature}; it must be above 0, so that rollouts differ")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}, not in (0, 1]")
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}, not at least 1")

    def stated(self) -> dict[str, Any]:
        """All settings, for a file. Those that came later only if they are used: folders keep their names."""
        return {name: value for name, value in asdict(self).items() if value or name not in ("extra_body", "omit")}

    @property
    def digest(self) -> str:
        """32 hexadecimal digits over all settings, including the text of the prompt."""
        everything = [self.stated(), prompts.source(self.prompt)]
        return hashlib.sha256(orjson.dumps(everything, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    @property
    def folder(self) -> str:
        """A readable and unique folder name: the model's and 16 digits of the digest."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.model.rstrip('/').rpartition('/')[2])}-{self.digest[:16]}"

    @property
    def source(self) -> str:
        """Column `source` of the rows."""
        return f"{self.model}@{self.revision}"

    def request(self, question: str, prefix: Sequence[str], attempt: int) -> dict[str, Any]:
        """The body of one call, for `/chat/completions` if it has messages, else for `/completions`.

        `user` makes attempts differ. So would `seed`, but it crashes vLLM's engine on a CPU.
        """
        body = {
            "model": self.model,
            **prompts.render(self.prompt, question, prefix),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "user": f"attempt {attempt}",
        }
        omitted = self.omit.split(",")
        extra: dict[str, Any] = orjson.loads(self.extra_body or "{}")
        return {name: value for name, value in body.items() if name not in omitted} | extra


_OURS = {"model", "messages", "prompt", "stream", "n"}
_SECRET = re.compile(r"api[-_]?key|authorization|secret|passw|credential|bearer|(?:^|access|auth|hf)[-_]?token$", re.I)


def _secret(content: Any) -> bool:
    """Whether JSON holds what looks like a key, by its name or by its value."""
    if isinstance(content, dict):
        return any(_SECRET.search(name) or _secret(value) for name, value in content.items())
    if isinstance(content, list):
        return any(map(_secret, content))
    ours = {os.environ.get(name) for name in ("OPENAI_API_KEY", "HF_TOKEN")} - {None, ""}
    known = re.compile(r"(?:sk|hf|gsk|xai)[-_]\w|Bearer ")
    return isinstance(content, str) and (content in ours or known.match(content) is not None)


def _canonical(extra_body: str) -> str:
    """The same JSON object in one form, with its keys sorted; empty if there is none."""
    try:
        content = orjson.loads(extra_body or "{}")
    except orjson.JSONDecodeError as error:
        raise UsageError(f"--extra-body: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise UsageError(f'--extra-body: not a JSON object such as {{"top_k": 20}} but a {type(content).__name__}')
    if _secret(content):
        raise UsageError("--extra-body holds a key, which would get into rows and cards; set OPENAI_API_KEY instead")
    if taken := sorted(content.keys() & _OURS):
        raise UsageError(f"--extra-body may not set {taken[0]}")
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode() if content else ""
