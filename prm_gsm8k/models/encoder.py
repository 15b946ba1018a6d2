"""The one encoder: a prompt and its steps as token ids, with the position at which each step is scored.

Training, evaluation, scoring and serving all come here. SmolLM2's chat format, one line a piece:

    <|im_start|>system⏎You are…<|im_end|>⏎<|im_start|>user⏎        before_prompt
    Ali has 3 apples and buys 4. How many has he?                   prompt
    <|im_end|>⏎<|im_start|>assistant⏎                               after_prompt
    He has 3+4=7 apples.    <repo_name>     ←  scored here          step 0
    ⏎So 7.                  <repo_name>     ←  and here             between_steps, step 1

Three rules make the ids of training those of scoring:

- The row is cut at its control tokens, and each piece of text between two of them is tokenised by itself. A tag ends
  each step, so steps never merge (`.\\n\\n` is one token of Llama 3 and Qwen), and the ids of steps 0..i are the start
  of the ids of steps 0..j. It is also what any server does with the whole string: a tokenizer cuts it there first.
- Tags are put in as ids. What stands in the user's text is text, whatever it spells (`plain_text`).
- What stands around the prompt is written once, at training, and kept with the checkpoint (`EncoderConfig`): a chat
  template that is edited, or that writes today's date as Llama 3.1's does, changes nothing any more.

Spaces and newlines around a prompt or a step are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prm_gsm8k.exceptions import CheckpointError, StepsError, TokenizerError, TooLongError, UsageError
from prm_gsm8k.models.plain_text import ControlTokens, PlainText, markup_tokens
from prm_gsm8k.models.step_tag import choose_step_tag, why_not
from prm_gsm8k.models.targets import AfterError, step_targets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FILE = "prm_encoder.json"  # beside the weights
PROBE = (
    "A café sells 1,250 cups at $3.50 each.\n\nHow many?",
    ("  1250*3.5=4375.", "So £4,375 – €0.50 <b>.\n\nDone"),
)


@dataclass(frozen=True)
class EncoderConfig:
    """All that decides the ids besides the tokenizer. Kept as JSON with the checkpoint.

    `probe` is the SHA-256 of the ids of a fixed row: a tokenizer that would encode otherwise is refused, not used.
    """

    step_tag: str
    step_tag_id: int
    before_prompt: str
    after_prompt: str
    between_steps: str = "\n"
    max_length: int | None = None
    probe: str = ""

    def save(self, folder: str | Path) -> None:
        """Write it as `prm_encoder.json` into a folder."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        Path(folder, FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> EncoderConfig:
        """Read it from a folder.

        Raises:
            CheckpointError: it is not there, or not what `save` writes.
        """
        path = Path(folder, FILE)
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            config = cls(**saved)
        except FileNotFoundError as error:
            raise CheckpointError(f"{folder} has no {FILE}: it is not a PRM that this package trained") from error
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{path} is not what a PRM of this package has: {error}") from error
        for f in fields(cls):
            kind = (int, type(None)) if f.name == "max_length" else int if f.name == "step_tag_id" else str
            if not isinstance(value := getattr(config, f.name), kind):
                raise CheckpointError(f"{path}: {f.name} is {value!r}")
        return config


@dataclass(frozen=True)
class Encoded:
    """One row as a model takes it: `input_ids[tag_positions[i]]` is the tag that ends step i.

    `targets[i]` is the probability of being right that step i should get, None where it is not to be trained on; it is
    None altogether for a row without labels.
    """

    input_ids: list[int]
    tag_positions: list[int]
    targets: list[float | None] | None = None


@dataclass
class Counts:
    """What became of the rows and steps given to `Encoder.encode_rows`."""

    rows: int = 0
    cut: int = 0
    refused: int = 0
    steps: int = 0
    steps_cut: int = 0
    steps_refused: int = 0


class Encoder:
    """Turns (prompt, steps) into ids with a tokenizer of transformers and an `EncoderConfig`.

        encoder = Encoder.for_tokenizer(AutoTokenizer.from_pretrained("Qwen/Qwen3-8B"))
        row = encoder.encode("1+1?", ["1+1=2", "So 3."], labels=[True, False])
        row.tag_positions, row.targets      # one a step, always

    Raises:
        TokenizerError: the tokenizer does not have the step tag under its id, or encodes otherwise than the one that
            the config was made with.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, config: EncoderConfig) -> None:
        self.config = config
        self._text = PlainText(tokenizer)
        self._control = ControlTokens(tokenizer)
        if self._control.ids.get(config.step_tag) != config.step_tag_id:
            raise TokenizerError(
                f"the step tag {config.step_tag!r} has id {config.step_tag_id} in {FILE}, but in this tokenizer "
                f"{self._control.ids.get(config.step_tag, 'there is none')}; use the checkpoint's own tokenizer"
            )
        # around the prompt: the ids up to the nearest control token, and the text that is one piece with it
        self._before, self._head = self._cut(config.before_prompt)
        first = self._control.pattern.search(config.after_prompt)
        at = first.start() if first else len(config.after_prompt)
        self._tail = config.after_prompt[:at]
        self._middle, self._step_head = self._cut(config.after_prompt[at:])
        if config.probe and config.probe != (now := self._probe()):
            raise TokenizerError(
                f"this tokenizer encodes otherwise than the one the PRM was trained with (probe {now[:12]}, "
                f"{config.probe[:12]} in {FILE}); use the checkpoint's own tokenizer"
            )

    @classmethod
    def for_tokenizer(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        *,
        tag: str | None = None,
        template: Literal["auto", "chat", "plain"] = "auto",
        between_steps: str = "\n",
        max_length: int | None = None,
    ) -> Encoder:
        """An encoder for a model that is to become a PRM.

        Args:
            tokenizer: its tokenizer.
            tag: the step tag, one of its special tokens; chosen by `choose_step_tag` if None.
            template: the prompt as the user's turn of the tokenizer's chat template, steps as the assistant's; or
                `plain`, the prompt and the steps on lines of their own; `auto` is chat where there is a template.
            between_steps: text before each step but the first.
            max_length: how many tokens a row may have.

        Raises:
            TokenizerError: it has no such tag, none that is usable, or no chat template.
        """
        if tag is not None and (reason := why_not(tokenizer, tag)):
            raise TokenizerError(f"the step tag cannot be {tag!r}: it {reason}")
        tag = tag or choose_step_tag(tokenizer)
        if template == "auto":
            template = "chat" if tokenizer.chat_template else "plain"
        if template not in ("chat", "plain"):
            raise UsageError(f"template is auto, chat or plain, not {template!r}")
        before, after = _around_the_prompt(tokenizer) if template == "chat" else (bos(tokenizer), "\n")
        tag_id = markup_tokens(tokenizer)[tag]
        encoder = cls(tokenizer, EncoderConfig(tag, tag_id, before, after, between_steps, max_length))
        encoder.config = replace(encoder.config, probe=encoder._probe())
        return encoder

    def encode(
        self,
        prompt: str,
        completions: Sequence[str],
        labels: Sequence[bool | int | None] | None = None,
        values: Sequence[float | None] | None = None,
        *,
        after_error: AfterError = "mask",
        too_long: Literal["cut", "refuse"] = "refuse",
    ) -> Encoded:
        """One row.

        Args:
            prompt: the problem.
            completions: the steps.
            labels, values, after_error: see `step_targets`.
            too_long: leave out the last steps of a row of more than `max_length` tokens, whole ones only, or refuse it.

        Raises:
            StepsError: no prompt, no steps, an empty step, text that is not Unicode, or not one label a step.
            TooLongError: too long, and not to be cut, or already with its first step.
            TokenizerError: the vocabulary cannot write the text without a control token.
        """
        prompt, steps = checked(prompt, completions)
        targets = step_targets(len(steps), labels, values, after_error)
        config = self.config
        ids, pieces = self._pieces(prompt, steps)
        ends = list(accumulate((len(piece) + 1 for piece in pieces), initial=len(ids)))[1:]
        fits = len(steps)
        if config.max_length is not None and ends[-1] > config.max_length:
            fits = sum(end <= config.max_length for end in ends)
            if too_long == "refuse" or not fits:
                allowed = f"of at most {config.max_length}"
                what = f"{ends[-1]} tokens, {allowed}" if fits else f"{ends[0]} tokens with the first step, {allowed}"
                raise TooLongError(what, tokens=ends[-1])
        for piece in pieces[:fits]:
            ids += piece
            ids.append(config.step_tag_id)
        return Encoded(ids, [end - 1 for end in ends[:fits]], targets[:fits] if targets is not None else None)

    def encode_prefix(self, prompt: str, completions: Sequence[str]) -> list[int]:
        """The ids that every solution beginning with these steps begins with; there may be no steps yet.

        With a chat template that is all up to the first word of the next step. Without one and without steps the prompt
        is one piece of text with the first step, and only what stands before it is common to all.

        Raises: as `encode`.
        """
        if completions:
            return self.encode(prompt, completions).input_ids
        prompt, steps = checked(prompt, ["-"])
        ids, _ = self._pieces(prompt, steps)
        return ids

    def encode_rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        counts: Counts,
        *,
        soft: bool = False,
        after_error: AfterError = "mask",
        too_long: Literal["cut", "refuse"] = "cut",
    ) -> Iterator[Encoded]:
        """Rows of the contract, one after the other; what is cut or left out is counted in `counts`.

        Left out is a row that is too long: with `too_long="refuse"` each, else one whose first step does not fit.

        Args:
            rows: mappings with `prompt`, `completions`, `labels` and, for `soft`, `values`.
            counts: filled as rows are taken.
            soft: `values` are the targets of rows that have them.

        Raises:
            StepsError: a row that no `max_length` would save; its id, or its place from 0, comes first in the message.
        """
        for n, row in enumerate(rows):
            counts.rows += 1
            steps = len(row["completions"])
            counts.steps += steps
            values = row.get("values") if soft else None
            options: dict[str, Any] = {"after_error": after_error, "too_long": too_long}
            try:
                encoded = self.encode(row["prompt"], row["completions"], row.get("labels"), values, **options)
            except TooLongError:
                counts.refused += 1
                counts.steps_refused += steps
                continue
            except StepsError as error:
                raise StepsError(f"row {row.get('id') or n}: {error}") from error
            if len(encoded.tag_positions) < steps:
                counts.cut += 1
                counts.steps_cut += steps - len(encoded.tag_positions)
            yield encoded

    def _pieces(self, prompt: str, steps: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Ids of all before the first step, and of each step without its tag."""
        head = self._head + prompt + self._tail
        texts = [self._step_head + steps[0], *[self.config.between_steps + step for step in steps[1:]]]
        if self._middle:
            [opening] = self._text.encode([head], at_start=not self._before)
            return [*self._before, *opening, *self._middle], self._text.encode(texts)
        # plain: nothing but text from the prompt to the end of the first step, so one piece
        [first] = self._text.encode([head + texts[0]], at_start=not self._before)
        return [*self._before], [first, *self._text.encode(texts[1:])]

    def _cut(self, text: str) -> tuple[list[int], str]:
        """Text of a template as the ids up to its last control token, and the text after that."""
        ids: list[int] = []
        pieces = self._control.split(text)
        rest = pieces.pop() if pieces and isinstance(pieces[-1], str) else ""
        for n, piece in enumerate(pieces):
            ids += [piece] if isinstance(piece, int) else self._text.encode([piece], at_start=n == 0)[0]
        return ids, str(rest)

    def _probe(self) -> str:
        """SHA-256 of the ids of `PROBE`."""
        ids, pieces = self._pieces(*PROBE)
        return hashlib.sha256(json.dumps([ids, *pieces]).encode()).hexdigest()


def checked(prompt: object, completions: object) -> tuple[str, list[str]]:
    """The prompt and the steps without the spaces around them, if there is something in each."""
    if isinstance(completions, (str, bytes)) or not isinstance(completions, Sequence):
        raise StepsError(f"completions are {type(completions).__name__}, not a list of steps")
    if not completions:
        raise StepsError("there are no steps")
    texts = []
    for where, text in [("prompt", prompt), *[(f"completions[{i}]", step) for i, step in enumerate(completions)]]:
        if not isinstance(text, str):
            raise StepsError(f"{where} is {type(text).__name__}, not text")
        if not (text := text.strip()):
            raise StepsError(f"{where} is empty")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise StepsError(f"{where} is not Unicode: half a surrogate pair at character {error.start}") from error
        texts.append(text)
    return texts[0], texts[1:]


def _around_the_prompt(tokenizer: PreTrainedTokenizerFast) -> tuple[str, str]:
    """What a chat template writes before and after the user's only message, the assistant's turn opened."""
    if not tokenizer.chat_template:
        raise TokenizerError("this tokenizer has no chat template; take template='plain'")
    mark = "PROMPT-7f3a9c"  # letters and figures: no template escapes or trims them
    message = [{"role": "user", "content": mark}]
    text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    if not isinstance(text, str) or text.count(mark) != 1:
        raise TokenizerError("this chat template does not write the user's message once; take template='plain'")
    before, _, after = text.partition(mark)
    return before, after


def bos(tokenizer: PreTrainedTokenizerFast) -> str:
    """The token a tokenizer begins every text with; empty if it begins with none."""
    return str(tokenizer.bos_token) if tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id] else ""
