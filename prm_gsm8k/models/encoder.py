"""The one encoder: a prompt and its steps as token ids, with the position at which each step is scored.

Training, evaluation, scoring and serving all use it. SmolLM2's chat format, one piece a line:

    <|im_start|>system⏎You are…<|im_end|>⏎<|im_start|>user⏎        before_prompt
    Ali has 3 apples and buys 4. How many does he have?             prompt
    <|im_end|>⏎<|im_start|>assistant⏎                               after_prompt
    He has 3+4=7 apples.    <repo_name>     ←  scored here          step 0
    ⏎So 7.                  <repo_name>     ←  and here             between_steps, step 1

Three rules make the ids of training and of scoring the same:

- A row is split at its control tokens, and each piece of text between two of them is tokenised by itself. A tag ends
  each step, so steps never merge (`.\\n\\n` is one token of Llama 3 and Qwen), and the ids of steps 0..i are a prefix
  of the ids of steps 0..j. A server that is sent the whole string gets the same ids: a tokenizer splits there first.
- Tags are inserted as ids. User text is always plain text, whatever it spells (`plain_text`).
- The text around the prompt is rendered once, at training, and saved with the checkpoint (`EncoderConfig`). A chat
  template that is edited later, or that writes today's date as Llama 3.1's does, changes nothing.

Whitespace around a prompt or a step is stripped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
    """Everything besides the tokenizer that decides the ids. Saved as JSON with the checkpoint.

    `probe` is the SHA-256 of the ids of a fixed row, so that a tokenizer that encodes differently is refused.
    """

    step_tag: str
    step_tag_id: int
    before_prompt: str
    after_prompt: str
    between_steps: str = "\n"
    max_length: int | None = None
    probe: str = ""

    def save(self, folder: str | Path) -> None:
        """Write `prm_encoder.json` into a folder."""
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
            raise CheckpointError(f"{path} is not an encoder config of this package: {error}") from error
        for f in fields(cls):
            kind = (int, type(None)) if f.name == "max_length" else int if f.name == "step_tag_id" else str
            if not isinstance(value := getattr(config, f.name), kind):
                raise CheckpointError(f"{path}: {f.name} is {value!r}")
        return config


@dataclass(frozen=True)
class Encoded:
    """One row as a model reads it: `input_ids[tag_positions[i]]` is the tag that ends step i.

    `targets[i]` is the P(correct) that step i should get, None for a step that is not trained on. A row without labels
    has no targets (None).
    """

    input_ids: list[int]
    tag_positions: list[int]
    targets: list[float | None] | None = None


@dataclass
class Counts:
    """Counts of `Encoder.encode_rows`: rows and steps read, cut to fit, and refused as too long."""

    rows: int = 0
    cut: int = 0
    refused: int = 0
    steps: int = 0
    steps_cut: int = 0
    steps_refused: int = 0


class Encoder:
    """Turns (prompt, steps) into token ids, with a transformers tokenizer and an `EncoderConfig`.

        encoder = Encoder.for_tokenizer(AutoTokenizer.from_pretrained("Qwen/Qwen3-8B"))
        row = encoder.encode("1+1?", ["1+1=2", "So 3."], labels=[True, False])
        row.tag_positions, row.targets      # one entry per step

    Raises:
        TokenizerError: the tokenizer has the step tag under another id or not at all, or encodes differently from the
            one that the config was made with.
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
        # around the prompt: ids up to the nearest control token, and the text that is tokenised in one piece with it
        self._before, self._head = self._cut(config.before_prompt)
        first = self._control.pattern.search(config.after_prompt)
        at = first.start() if first else len(config.after_prompt)
        self._tail = config.after_prompt[:at]
        self._middle, self._step_head = self._cut(config.after_prompt[at:])
        if config.probe and config.probe != (now := self._probe()):
            raise TokenizerError(
                f"this tokenizer encodes differently from the one the PRM was trained with (probe {now[:12]}, "
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
        """An encoder for a model that is to be trained as a PRM.

        Args:
            tokenizer: its tokenizer.
            tag: the step tag, one of its special tokens; chosen by `choose_step_tag` if None.
            template: `chat` writes the prompt as the user's turn of the tokenizer's chat template and the steps as the
                assistant's; `plain` writes prompt and steps on separate lines; `auto` is chat if there is a template.
            between_steps: text before each step but the first.
            max_length: most tokens in a row; None for no limit.

        Raises:
            TokenizerError: the tag cannot be used, no token can, or there is no chat template.
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
        """Encode one row.

        Args:
            prompt: the problem.
            completions: the steps.
            labels, values, after_error: see `step_targets`.
            too_long: for a row of more than `max_length` tokens: `cut` drops whole steps from its end, `refuse` raises.

        Raises:
            StepsError: no prompt, no steps, an empty step, text that is not Unicode, or not one label per step.
            TooLongError: too long, and `refuse` or not even the first step fits.
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
        """The ids shared by every solution that begins with these steps, of which there may be none.

        With a chat template these are all ids before the next step's text. In the plain template without steps, the
        prompt is tokenised in one piece with the first step, so only the ids before the prompt are shared.

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
        """Encode rows in order, skipping those that are too long, and count what is cut or skipped in `counts`.

        With `too_long="cut"` a row is skipped only if its first step does not fit.

        Args:
            rows: mappings with `prompt`, `completions`, `labels` and, for `soft`, `values`.
            counts: filled as rows are read.
            soft: take `values` as targets where a row has them.

        Raises:
            StepsError: a row cannot be encoded; the message begins with its id, or its index from 0.
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

    def prepare(self, rows: Iterable[tuple[object, object]]) -> None:
        """Tokenise what many (prompt, steps) are made of, at once and each text once; encoding them is then fast."""
        openings: dict[str, None] = {}
        others: dict[str, None] = {}
        for prompt, steps in rows:
            with suppress(StepsError):  # `encode` says so
                opening, texts = self._texts(*checked(prompt, steps))
                openings[opening] = None
                others.update(dict.fromkeys(texts))
        self._text.encode(list(openings), at_start=not self._before)
        self._text.encode(list(others))

    def _texts(self, prompt: str, steps: Sequence[str]) -> tuple[str, list[str]]:
        """What is tokenised in one piece each: what is up to the first step, and the steps.

        Without a control token between them (plain), the first step belongs to what is before it.
        """
        head = self._head + prompt + self._tail
        texts = [self._step_head + steps[0], *[self.config.between_steps + step for step in steps[1:]]]
        return (head, texts) if self._middle else (head + texts[0], texts[1:])

    def _pieces(self, prompt: str, steps: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Ids of everything before the first step, and of each step without its tag."""
        opening, texts = self._texts(prompt, steps)
        [first] = self._text.encode([opening], at_start=not self._before)
        pieces = self._text.encode(texts)
        return ([*self._before, *first, *self._middle], pieces) if self._middle else ([*self._before], [first, *pieces])

    def _cut(self, text: str) -> tuple[list[int], str]:
        """Template text as the ids up to its last control token, and the text after that."""
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
    """The prompt and the steps, stripped.

    Raises:
        StepsError: no steps, or one of these is empty, not a string or not Unicode.
    """
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
    """What a chat template writes before the user's message, and after it up to the assistant's answer."""
    if not tokenizer.chat_template:
        raise TokenizerError("this tokenizer has no chat template; use template='plain'")
    mark = "PROMPT-7f3a9c"  # letters and digits: no template escapes or trims them
    message = [{"role": "user", "content": mark}]
    text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    if not isinstance(text, str) or text.count(mark) != 1:
        raise TokenizerError("this chat template does not write the user's message exactly once; use template='plain'")
    before, _, after = text.partition(mark)
    return before, after


def bos(tokenizer: PreTrainedTokenizerFast) -> str:
    """The token that a tokenizer puts before every text; empty if there is none."""
    return str(tokenizer.bos_token) if tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id] else ""
