"""User text as token ids that never contain a control token, whatever the text spells.

A tokenizer looks for its added tokens (`<|im_end|>`, `<reponame>`, …) in every text, so a problem that quotes one would
end a chat turn, or add a step tag where no step ends. `split_special_tokens=True` of transformers is not enough: it
only covers tokens marked special, and Qwen marks `<|fim_pad|>` and `</think>` as not special. Here the text goes
through a copy of the tokenizer without them, with the same normalizer, pre-tokenizer and model:

    >>> from prm_gsm8k.models.plain_text import is_markup
    >>> is_markup("<|fim_pad|>", special=False), is_markup("    ", special=False), is_markup("widget", special=False)
    (True, False, False)

Added tokens that are plain text, such as GPT-NeoX's runs of spaces or words added to a vocabulary, stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from prm_gsm8k.exceptions import TokenizerError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast


REMEMBERED = 4_000_000  # characters; their ids take some 40 MB


def is_markup(content: str, special: bool) -> bool:
    """Whether an added token is a control token: marked special, or written `<…>` or `[…]`."""
    return special or (content[:1], content[-1:]) in {("<", ">"), ("[", "]")}


def markup_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """The control tokens of a tokenizer with their ids, in the order of the ids."""
    added = sorted(tokenizer.added_tokens_decoder.items())
    return {token.content: i for i, token in added if token.content and is_markup(token.content, token.special)}


class PlainText:
    """Encodes user text as its tokenizer does, but without control tokens.

    Args:
        tokenizer: any transformers tokenizer with a `tokenizers` backend; it is not changed.

    Raises:
        TokenizerError: it has no such backend (mistral-common, or a slow tokenizer).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise TokenizerError(
                f"{type(tokenizer).__name__} is not backed by the tokenizers library, so it cannot read control "
                "tokens as text; use a model with a tokenizer.json"
            )
        markup = markup_tokens(tokenizer)
        state = orjson.loads(backend.to_str())
        kept = [token for token in state["added_tokens"] if token["content"] not in markup]
        state |= {"added_tokens": kept, "post_processor": None, "truncation": None, "padding": None}
        self._at_start = _tokenizer(state)
        # some tokenizers put a space before the first piece of their input only
        self._further_on = _tokenizer(inside) if (inside := _without_first_prefix(state)) != state else self._at_start
        # removing tokens may have changed the ids of those that stay
        here = {token["content"]: self._at_start.token_to_id(token["content"]) for token in kept}
        self._moved = {i: token["id"] for token in kept if (i := here[token["content"]]) != token["id"]}
        self._control = frozenset(markup.values()) - {tokenizer.unk_token_id}
        self._known: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
        self._characters = 0  # of what is known

    def encode(self, texts: Sequence[str], at_start: bool = False) -> list[list[int]]:
        """The ids of each text, encoded by itself, without control tokens; not to be changed.

        The last texts are remembered: solutions to a problem share it, and often their first steps.

        Args:
            texts: pieces of text.
            at_start: whether they begin their input, where some tokenizers put a space before the first word.

        Raises:
            TokenizerError: the vocabulary maps a single character to a control token.
        """
        known = self._known[at_start]
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            if self._characters > REMEMBERED:
                self._known, self._characters = ({}, {}), 0
                known, new = self._known[at_start], list(dict.fromkeys(texts))
            known.update(zip(new, self._encode(new, at_start), strict=True))
            self._characters += sum(map(len, new))
        return [known[text] for text in texts]

    def _encode(self, texts: list[str], at_start: bool) -> list[list[int]]:
        tokenizer = self._at_start if at_start else self._further_on
        pieces = [e.ids for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        if self._moved:
            pieces = [[self._moved.get(i, i) for i in ids] for ids in pieces]
        for n, ids in enumerate(pieces):
            if not self._control.isdisjoint(ids):
                pieces[n] = [i for i, _ in self._split_control(texts[n], at_start)]
        return pieces

    def encode_with_ends(self, text: str, at_start: bool = False) -> tuple[list[int], list[int]]:
        """The ids of one text, and the character offset at which each of them ends.

        Raises: as `encode`.
        """
        encoding = (self._at_start if at_start else self._further_on).encode(text, add_special_tokens=False)
        ids = [self._moved.get(i, i) for i in encoding.ids]
        if not self._control.isdisjoint(ids):
            pairs = self._split_control(text, at_start)
            return [i for i, _ in pairs], [end for _, end in pairs]
        return ids, [end for _, end in encoding.offsets]

    def _split_control(self, text: str, at_start: bool, before: int = 0) -> list[tuple[int, int]]:
        """(id, end offset) of a text in a vocabulary where a control token is also a word: cut after its first letter.

        Offsets count from `before`.
        """
        tokenizer = self._at_start if at_start else self._further_on
        encoding = tokenizer.encode(text, add_special_tokens=False)
        ids = [self._moved.get(i, i) for i in encoding.ids]
        control = [(i, *span) for i, span in zip(ids, encoding.offsets, strict=True) if i in self._control]
        if not control:
            return [(i, before + end) for i, (_, end) in zip(ids, encoding.offsets, strict=True)]
        for i, start, end in control:
            if end - start < 2:
                raise TokenizerError(
                    f"this tokenizer reads {text[start:end]!r} as its control token {tokenizer.id_to_token(i)!r}; "
                    "it cannot be encoded as text"
                )
        cuts = [0, *(start + 1 for _, start, _ in control), len(text)]
        parts = [self._split_control(text[a:b], at_start and a == 0, before + a) for a, b in pairwise(cuts)]
        return [pair for part in parts for pair in part]


class ControlTokens:
    """Finds the control tokens in a template's text, as the tokenizer itself would."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.ids = markup_tokens(tokenizer)
        swallows = {token.content: (token.lstrip, token.rstrip) for token in tokenizer.added_tokens_decoder.values()}
        self.pattern = re.compile(
            "|".join(
                r"\s*" * swallows[name][0] + f"({re.escape(name)})" + r"\s*" * swallows[name][1]
                for name in sorted(self.ids, key=len, reverse=True)
            )
            or "(?!)"  # it has none
        )

    def split(self, text: str) -> list[str | int]:
        """Template text as its pieces between control tokens, and the ids of these tokens."""
        pieces: list[str | int] = []
        at = 0
        for match in self.pattern.finditer(text):
            pieces += [text[at : match.start()], self.ids[match[match.lastindex or 0]]]
            at = match.end()
        return [piece for piece in [*pieces, text[at:]] if piece != ""]


def _tokenizer(state: dict[str, Any]) -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(orjson.dumps(state).decode())


def _without_first_prefix(state: Any) -> Any:
    """A tokenizer's state in which SentencePiece's prefix space, if it is for the first word only, is never added."""
    if isinstance(state, dict):
        if state.get("type") == "Metaspace" and state.get("prepend_scheme") == "first":
            return state | {"prepend_scheme": "never"}
        return {k: v if k == "model" else _without_first_prefix(v) for k, v in state.items()}
    return [_without_first_prefix(item) for item in state] if isinstance(state, list) else state
