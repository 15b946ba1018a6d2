"""A problem and its steps as ids in the format of a published PRM, with the position at which each step is scored.

Text is tokenised as its publisher does, in one piece between two control tokens, so the ids are those of training. A
tag is the token that ends at the tag's known character offset; it is not searched for. So a problem that contains the
tag's text (`ки` in a Russian problem) has no extra step, and a control token in the user's text is plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from prm_gsm8k.exceptions import TokenizerError, TooLongError
from prm_gsm8k.models.encoder import Encoded, bos, checked
from prm_gsm8k.models.formats.formats import StepFormat, parsed
from prm_gsm8k.models.plain_text import ControlTokens, PlainText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class _Part(NamedTuple):
    """A piece of text: the template's, with control tokens; the user's, without; or a tag, which is scored."""

    text: str
    kind: Literal["template", "user", "tag"] = "template"


class FormatEncoder:
    """The counterpart of `Encoder` for a `StepFormat`.

    Args:
        tokenizer: the PRM's own.
        step_format: its input format.
        max_length: most tokens in a solution; None for no limit.

    Raises:
        TokenizerError: the tag is not one token, or the tokenizer lacks the chat template that the format needs.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, step_format: StepFormat, max_length: int | None = None
    ) -> None:
        self.format = step_format
        self.max_length = max_length
        self._text = PlainText(tokenizer)
        self._control = ControlTokens(tokenizer)
        start, self._before, self._after_prompt, self._before_tag, self._after_tag = _frame(tokenizer, step_format)
        self._start = [] if start is None else [start]
        self._tag_id: int | None = None
        ids, ends = self._encode("1+1?", ["1+1=2.", "So 2."])
        tags = {ids[end] for end in ends}
        if len(tags) != 1:
            raise TokenizerError(f"{step_format.tag!r}, which ends each step, is not always the same token")
        self._tag_id = tags.pop()

    def encode(self, prompt: str, completions: Sequence[str]) -> Encoded:
        """Encode one row, up to the last token at which a step is scored.

        Raises:
            StepsError: no prompt, no steps, an empty step, or text that is not Unicode.
            TooLongError: more than `max_length` tokens.
            TokenizerError: the tag is not a token by itself after this step, or the vocabulary cannot write the text.
        """
        ids, tags = self._encode(*checked(prompt, completions))
        positions = [tag - (self.format.read == "before") for tag in tags]
        ids = ids[: positions[-1] + 1]
        if self.max_length is not None and len(ids) > self.max_length:
            raise TooLongError(f"{len(ids)} tokens, of at most {self.max_length}", tokens=len(ids))
        return Encoded(ids, positions)

    def encode_prefix(self, prompt: str, completions: Sequence[str]) -> list[int]:
        """Ids shared by every solution that begins with these steps; none where the next step might merge with them.

        Raises: as `encode`.
        """
        next_step = self._control.split(self._after_tag)[:1]
        apart = self.format.apart or self._tag_id in self._control.ids.values()
        if completions and (apart or (next_step and isinstance(next_step[0], int))):
            return self.encode(prompt, completions).input_ids
        return []

    def token(self, text: str) -> int:
        """The id of an answer word of a language model.

        Raises:
            TokenizerError: the word is not one token.
        """
        if text in self._control.ids:
            return self._control.ids[text]
        ids = self._text.encode([text], at_start=True)[0]
        if len(ids) != 1:
            raise TokenizerError(f"{text!r}, one of the two answers, is {len(ids)} tokens of this tokenizer, not one")
        return ids[0]

    def _parts(self, prompt: str, steps: Sequence[str]) -> list[_Part]:
        texts = {"prompt": prompt}
        parts = [_Part(self._before), *_filled(self.format.prompt, texts), _Part(self._after_prompt)]
        for n, step in enumerate(steps):
            if n:
                parts.append(_Part(self._after_tag))
            parts += _filled(self.format.step, {"step": step, "n": str(n + 1)})
            parts += [_Part(self._before_tag), _Part(self.format.tag, "tag")]
        return [part for part in parts if part.text]

    def _encode(self, prompt: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        """All ids, and the position of each step's tag."""
        ids, tags = list(self._start), list[int]()
        text, ends, first = "", list[int](), True  # the piece being assembled, and where tags end in it

        def flush() -> None:
            nonlocal text, ends, first
            if text:
                more, until = self._text.encode_with_ends(text, at_start=first or self.format.apart)
                tags.extend(len(ids) + self._tag_index(more, until, end, text) for end in ends)
                ids.extend(more)
            text, ends, first = "", [], False

        for part in self._parts(prompt, steps):
            pieces = [part.text] if part.kind == "user" else self._control.split(part.text)
            for piece in pieces:
                if isinstance(piece, int):
                    flush()
                    ids.append(piece)
                    first = False
                else:
                    text += piece
            if part.kind == "tag":
                if text:
                    ends.append(len(text))
                else:  # a control token
                    tags.append(len(ids) - 1)
            if self.format.apart:
                flush()
        flush()
        return ids, tags

    def _tag_index(self, ids: Sequence[int], ends: Sequence[int], end: int, text: str) -> int:
        """Index of the token that is the tag ending after `end` characters of a text."""
        tag = self.format.tag
        at = len(ends) - 1 - ends[::-1].index(end) if end in ends else None
        alone = at is not None and (self.format.apart or at == 0 or ends[at - 1] <= end - len(tag.strip() or tag))
        if at is None or not alone or (self._tag_id is not None and ids[at] != self._tag_id):
            before = text[: end - len(tag)][-20:]
            raise TokenizerError(f"{tag!r}, which ends each step, is not a token of its own after {before!r}")
        return at


def _filled(template: str, texts: dict[str, str]) -> list[_Part]:
    parts = []
    for literal, name in parsed(template):
        parts.append(_Part(literal))
        if name is not None:
            parts.append(_Part(texts[name], "template" if name == "n" else "user"))
    return parts


def _frame(tokenizer: PreTrainedTokenizerFast, step_format: StepFormat) -> tuple[int | None, str, str, str, str]:
    """The first id, and the text before the prompt, after it, before each tag, and between a tag and the next step."""
    if step_format.layout == "text":
        # trl always adds it, whether the tokenizer would or not
        starts = tokenizer.bos_token_id is not None if step_format.apart else bool(bos(tokenizer))
        return (tokenizer.bos_token_id if starts else None), "", "", "", step_format.between
    marks = [f"MARK{n}-7f3a9c" for n in range(4)]  # letters and digits: no template escapes or trims them
    turns = [{"role": role, "content": mark} for role, mark in zip(("user", "assistant") * 2, marks, strict=True)]
    if step_format.layout == "chat":
        turns = turns[:2]
    if step_format.system is not None:
        turns.insert(0, {"role": "system", "content": step_format.system})
    text = _rendered(tokenizer, turns, step_format.template_variables)
    pieces = []
    for mark in marks[: 2 if step_format.layout == "chat" else 4]:
        piece, found, text = text.partition(mark)
        if not found:
            raise TokenizerError("this chat template does not write each message once and in order")
        pieces.append(piece)
    if step_format.layout == "chat":
        return None, pieces[0], pieces[1], "", step_format.between
    before, answer, next_turn, again = pieces
    if again != answer:
        raise TokenizerError("this chat template writes its second turn differently from its first")
    return None, before, "", answer, next_turn


def _rendered(tokenizer: PreTrainedTokenizerFast, turns: list[dict[str, str]], variables: dict[str, str]) -> str:
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise TokenizerError("this tokenizer has no chat template, which the format needs")
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, **variables))
    except TemplateError as error:
        raise TokenizerError(f"this chat template cannot write the format: {error}") from error
