"""Prompt styles as data: the TOML files beside this one, each a request in two forms.

    [first]   body of a request for a whole solution, without model and sampling options: `messages` (for
              /v1/chat/completions) or `prompt` (for /v1/completions), `stop`, and further fields for the server
    [later]   changes to it for continuing from given steps; a message replaces the last one if it has the same role,
              and is appended otherwise

`{question}` and `{steps}` stand for the problem and the steps so far, each step ended by a newline. The server applies
the model's chat template.

    >>> body = render("chat", "1 + 1?", ["1 + 1 = 2."])
    >>> [message["role"] for message in body["messages"]], body["messages"][-1]["content"]
    (['system', 'user', 'assistant'], '1 + 1 = 2.\\n')
    >>> render("few_shot", "1 + 1?")["prompt"][-28:]
    '\\n\\nProblem: 1 + 1?\\nSolution:\\n'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from prm_gsm8k.exceptions import UsageError

STYLES = {
    "chat": "a chat model behind vLLM or SGLang, which continue the assistant's turn",
    "chat_ask": "a chat model behind any server",
    "few_shot": "a base model: plain text with worked examples",
}
_FOLDER = Path(__file__).parent
_FIELD = re.compile(r"\{(question|steps)\}")


def source(style: str) -> str:
    """The text of a style's file. Raises UsageError for an unknown style."""
    if style not in STYLES:
        raise UsageError(f"prompt is one of {', '.join(STYLES)}, not {style!r}")
    return (_FOLDER / f"{style}.toml").read_text(encoding="utf-8")


@cache
def _template(style: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(source(style))


def render(style: str, question: str, prefix: Sequence[str] = ()) -> dict[str, Any]:
    """The body of a request, without model and sampling options, for a solution that continues from `prefix`.

    Raises:
        UsageError: no such style.
    """
    template = _template(style)
    body = dict(template["first"])
    if prefix and (later := template.get("later")):
        if "messages" in later:
            *before, last = body["messages"]
            kept = before if last["role"] == later["messages"][0]["role"] else [*before, last]
            later = {**later, "messages": [*kept, *later["messages"]]}
        body |= later
    fill = {"question": question, "steps": "".join(f"{step}\n" for step in prefix)}
    # in one pass, so that the text "{steps}" in a question stays
    return {key: _filled(value, fill) for key, value in body.items()}


def _filled(value: Any, fill: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _FIELD.sub(lambda field: fill[field[1]], value)
    if isinstance(value, list):
        return [_filled(item, fill) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, fill) for key, item in value.items()}
    return value
