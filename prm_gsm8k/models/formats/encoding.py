"""A problem and its steps as ids in the format of a published PRM, with the position at which each step is scored.

A text is tokenised as its publisher does, whole between two control tokens, so the ids are those the PRM was trained
on. The positions are not searched for: it is known after how many characters each tag ends, and the token that ends
there is the tag. So a problem that speaks Russian has no step more, and a control token in the user's text is text.
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
    """A stretch of text: of the template, where control tokens are such; the user's; or a tag, which is scored."""

    text: str
    kind: Literal["template", "user", "tag"] = "template"


class FormatEncoder:
    """What `Encoder` is to PRMs of this package, for a `StepFormat`.

    Args:
        tokenizer: the PRM's own.
        step_format: what it wants to read.
        max_length: how many tokens a solution may have.

    Raises:
        TokenizerError: the tokenizer has no such tag, as one token, or not the chat template that is needed.
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
        """One row, up to the last token at which a step is scored.

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
        """Ids that every solution beginning with these steps begins with; none where a tokenizer might merge on.

        Raises: as `encode`.
        """
        next_step = self._control.split(self._after_tag)[:1]
        apart = self.format.apart or self._tag_id in self._control.ids.values()
        if completions and (apart or (next_step and isinstance(next_step[0], int))):
            return self.encode(prompt, completions).input_ids
        return []

    def token(self, text: str) -> int:
        """The id of a word of a language model's answer.

        Raises:
            TokenizerError: it is more than one token.
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
        text, ends, first = "", list[int](), True  # of the stretch that is being put together, and where tags end in it

        def flush() -> None:
            nonlocal text, ends, first
            if text:
                more, until = self._text.encode_with_ends(text, at_start=first or self.format.apart)
                tags.extend(len(ids) + self._place(more, until, end, text) for end in ends)
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
                else:  # it is a control token
                    tags.append(len(ids) - 1)
            if self.format.apart:
                flush()
        flush()
        return ids, tags

    def _place(self, ids: Sequence[int], ends: Sequence[int], end: int, text: str) -> int:
        """Which token the tag is that ends after `end` characters of a text."""
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
    """The first id; what stands before the prompt, after it, before each tag, and between a tag and the next step."""
    if step_format.layout == "text":
        # trl puts it there, whether the tokenizer would or not
        starts = tokenizer.bos_token_id is not None if step_format.apart else bool(bos(tokenizer))
        return (tokenizer.bos_token_id if starts else None), "", "", "", step_format.between
    marks = [f"MARK{n}-7f3a9c" for n in range(4)]  # letters and figures: no template escapes or trims them
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
        raise TokenizerError("this chat template writes its second turn otherwise than its first")
    return None, before, "", answer, next_turn


def _rendered(tokenizer: PreTrainedTokenizerFast, turns: list[dict[str, str]], variables: dict[str, str]) -> str:
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise TokenizerError("this tokenizer has no chat template, which the format is written with")
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, **variables))
    except TemplateError as error:
        raise TokenizerError(f"this chat template cannot write the format: {error}") from error
