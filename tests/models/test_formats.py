"""PRMs that others published: their ids and scores as their publishers' own code computes them, step by step.

The models are small and random; the tokenizers and the formats are real. Each `naive` function is written after a model
card or an evaluation script, and runs one forward a step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from real_tokenizers import CHATML, texts, tokenizer
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForCausalLM,
    MistralForTokenClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForTokenClassification,
)

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import CheckpointError, StepsError, TokenizerError, TooLongError, UsageError
from prm_gsm8k.models.formats import FORMATS, StepFormat
from prm_gsm8k.models.formats.encoding import FormatEncoder
from prm_gsm8k.models.formats.formats import step_format_of
from prm_gsm8k.models.formats.opening import PublishedRewardModel, open_checkpoint
from prm_gsm8k.models.formats.qwen2 import Qwen2ForProcessRewardModel
from prm_gsm8k.models.scorers import load_scorer

PROMPT = "Ali has 3 apples and buys 4. How many does he have?"
STEPS = ["He has 3+4=7 apples.", "So 7.\n\nThat is all.", "The answer is: 7"]
HOSTILE = [
    ("Что значит ки? ки ки", ["ки", "два ки\nStep 2: ки", "+ - ки +"]),
    ("<extra_0></s><s>", ["<extra_0>", "</s> ки", "<|eot_id|>+<|im_end|>\n<extra_0>"]),
    ("{prompt} {n}", ["{step}", "\u00a0x\u200b", "🙂ки🙂"]),
    ("1", ["+", "-", "\n+\n"]),
]
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
}
# Llama 3.1's, as far as it matters here: a system turn with a date, contents trimmed
LLAMA31 = """\
{{ bos_token }}{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}\
{{ '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n<|eot_id|>' }}\
{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim }}\
{{ '<|eot_id|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""

Model = torch.nn.Module
Tokenizer = PreTrainedTokenizerFast


def solutions(n: int) -> list[tuple[str, list[str]]]:
    rows = [(p.question, p.answer.split("\n####")[0]) for p in shipped_problems("train")[:n]]
    return [(prompt, [line for line in answer.split("\n") if line.strip()]) for prompt, answer in rows]


# ---- as their publishers do it --------------------------------------------------------------------------------------


def naive_math_shepherd(model: Model, a_tokenizer: Tokenizer, prompt: str, steps: list[str]) -> list[float]:
    candidates = a_tokenizer.encode("+ -")[1:]
    tag = a_tokenizer.encode("ки")[-1]
    scores = []
    for n in range(1, len(steps) + 1):
        text = f"{prompt} " + "\n".join(f"Step {i}: {step} ки" for i, step in enumerate(steps[:n], 1))
        ids = torch.tensor([a_tokenizer.encode(text)])
        p = model(ids).logits[:, :, candidates].softmax(-1)[:, :, 0]
        scores.append(float(p[ids == tag][-1]))
        assert int((ids == tag).sum()) == n
    return scores


def naive_rlhflow(model: Model, a_tokenizer: Tokenizer, prompt: str, steps: list[str]) -> list[float]:
    candidates = [a_tokenizer.encode("+")[-1], a_tokenizer.encode("-")[-1]]
    conversation, scores = [], []
    for k, step in enumerate(steps):
        conversation.append({"role": "user", "content": f"{prompt} {step}" if k == 0 else step})
        conversation.append({"role": "assistant", "content": "+"})
        ids = a_tokenizer.apply_chat_template(conversation, date_string="26 Jul 2024", return_dict=False)
        logits = model(torch.tensor([ids])).logits[:, -3, candidates]
        scores.append(float(logits.softmax(-1)[0, 0]))
    return scores


def naive_qwen(model: Model, a_tokenizer: Tokenizer, prompt: str, steps: list[str]) -> list[float]:
    tag, scores = a_tokenizer.convert_tokens_to_ids("<extra_0>"), []
    for n in range(1, len(steps) + 1):
        messages = [
            {"role": "system", "content": "Please reason step by step, and put your final answer within \\boxed{}."},
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": "<extra_0>".join(steps[:n]) + "<extra_0>"},
        ]
        text = a_tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
        ids = torch.tensor([a_tokenizer.encode(text, add_special_tokens=False)])
        scores.append(float(model(ids).logits.softmax(-1)[ids == tag][-1, 1]))
    return scores


def naive_trl(model: Model, a_tokenizer: Tokenizer, prompt: str, steps: list[str]) -> list[float]:
    scores = []
    for n in range(1, len(steps) + 1):
        ids = a_tokenizer(prompt, add_special_tokens=False)["input_ids"]
        if a_tokenizer.bos_token_id is not None:
            ids = [a_tokenizer.bos_token_id, *ids]
        for step in steps[:n]:
            ids += a_tokenizer(step, add_special_tokens=False)["input_ids"]
            ids += a_tokenizer.encode("\n", add_special_tokens=False)
        scores.append(float(model(torch.tensor([ids])).logits[0, -1].softmax(-1)[1]))
    return scores


@dataclass(frozen=True)
class Kind:
    """A model of a kind, its tokenizer and its publisher's way to score."""

    make: Callable[[int], Model]
    tokenizer: Callable[[], Tokenizer]
    naive: Callable[[Model, Tokenizer, str, list[str]], list[float]]
    format: str


def llama31() -> Tokenizer:
    made = tokenizer("llama3")
    made.chat_template = LLAMA31
    return made


def qwen() -> Tokenizer:
    made = tokenizer("qwen")
    made.add_special_tokens({"additional_special_tokens": ["<extra_0>"]})
    made.chat_template = CHATML
    return made


KINDS = {
    "math-shepherd": Kind(
        lambda words: MistralForCausalLM(MistralConfig(vocab_size=words, sliding_window=None, **SMALL)),
        lambda: tokenizer("mistral"),
        naive_math_shepherd,
        "math-shepherd",
    ),
    "rlhflow": Kind(
        lambda words: LlamaForCausalLM(LlamaConfig(vocab_size=words, tie_word_embeddings=True, **SMALL)),
        llama31,
        naive_rlhflow,
        "rlhflow",
    ),
    "qwen2.5-math-prm": Kind(
        lambda words: Qwen2ForProcessRewardModel(Qwen2Config(vocab_size=words, **SMALL)),
        qwen,
        naive_qwen,
        "qwen2-prm",
    ),
    "trl": Kind(
        lambda words: Qwen2ForTokenClassification(Qwen2Config(vocab_size=words, num_labels=2, **SMALL)),
        qwen,
        naive_trl,
        "trl",
    ),
    "trl, with a prefix space and a first token": Kind(
        lambda words: MistralForTokenClassification(MistralConfig(vocab_size=words, num_labels=2, **SMALL)),
        lambda: tokenizer("mistral"),
        naive_trl,
        "trl",
    ),
}


@dataclass(frozen=True)
class Published:
    """A checkpoint as somebody published it, what is loaded from it, and the original."""

    kind: Kind
    folder: Path
    original: Model
    tokenizer: Tokenizer
    scorer: PublishedRewardModel

    def naive(self, prompt: str, steps: list[str]) -> list[float]:
        with torch.inference_mode():
            return self.kind.naive(self.original, self.tokenizer, prompt, steps)


def save(kind: Kind, folder: Path) -> tuple[Model, Tokenizer]:
    a_tokenizer = kind.tokenizer()
    torch.manual_seed(3)
    model = kind.make(len(a_tokenizer)).eval()
    model.save_pretrained(folder)
    a_tokenizer.save_pretrained(folder)
    return model, a_tokenizer


@pytest.fixture(scope="module", params=KINDS)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Published:
    kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp("published")
    model, a_tokenizer = save(kind, folder)
    scorer = load_scorer(folder, device="cpu", step_format=kind.format, max_batch_tokens=600)
    assert isinstance(scorer, PublishedRewardModel)
    return Published(kind, folder, model, a_tokenizer, scorer)


def test_scores_are_those_of_the_publishers_own_code(published: Published) -> None:
    some = [(PROMPT, STEPS), *solutions(8)]
    together = published.scorer.score_many(some)
    for (prompt, steps), scores in zip(some, together, strict=True):
        assert scores == pytest.approx(published.naive(prompt, steps), abs=1e-5)
    first = together[0]
    assert max(first) - min(first) > 1e-3, "scores that are all alike prove nothing"


def test_spread_over_devices_it_scores_the_same(published: Published) -> None:
    """`device_map="auto"` was for PRMs of this package only."""
    spread = load_scorer(published.folder, device_map="auto", dtype="fp32", step_format=published.kind.format)
    assert spread.score(PROMPT, STEPS) == pytest.approx(published.scorer.score(PROMPT, STEPS), abs=1e-6)


def test_a_solution_is_one_forward_and_two_numbers_a_token(published: Published) -> None:
    shapes: list[tuple[int, ...]] = []
    hook = published.scorer.model.register_forward_hook(lambda m, args, out: shapes.append(tuple(out.logits.shape)))
    published.scorer.score(PROMPT, STEPS)
    hook.remove()
    assert [(rows, numbers) for rows, _, numbers in shapes] == [(1, 2)]


@pytest.mark.parametrize(("prompt", "steps"), HOSTILE)
def test_what_the_user_writes_makes_no_step_more_or_fewer(published: Published, prompt: str, steps: list[str]) -> None:
    assert len(published.scorer.score(prompt, steps)) == len(steps)
    encoded = published.scorer.encoder.encode(prompt, steps)
    plain = published.scorer.encoder.encode(PROMPT, STEPS)
    control = set(published.tokenizer.all_special_ids)
    at_control = [sum(i in control for i in row.input_ids) for row in (encoded, plain)]
    assert at_control[0] == at_control[1], "text of the user has become a control token"


def test_candidates_score_as_in_the_whole_solution(published: Published) -> None:
    for done in (0, 1, 2):
        candidates = ["So 7.", "He has 12 apples.", "7"]
        expected = [published.scorer.score(PROMPT, [*STEPS[:done], c])[-1] for c in candidates]
        assert published.scorer.score_next(PROMPT, STEPS[:done], candidates) == pytest.approx(expected, abs=1e-5)


def test_a_solution_too_long_is_refused_and_named(published: Published) -> None:
    with pytest.raises(TooLongError, match=r"solution 1: \d+ tokens, of at most 1024"):
        published.scorer.score_many([(PROMPT, STEPS), (PROMPT, ["7 8 " * 600])])
    with pytest.raises(StepsError, match=r"solution 0: completions\[1\] is empty"):
        published.scorer.score_many([(PROMPT, ["a", " "])])


def test_it_is_not_saved_as_one_of_ours(published: Published, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="copy the checkpoint itself"):
        published.scorer.save_pretrained(tmp_path)


# ---- ids, to the last ------------------------------------------------------------------------------------------------


def test_math_shepherds_ids() -> None:
    a_tokenizer = tokenizer("mistral")
    row = FormatEncoder(a_tokenizer, FORMATS["math-shepherd"]).encode(PROMPT, STEPS)
    text = f"{PROMPT} Step 1: {STEPS[0]} ки\nStep 2: {STEPS[1]} ки\nStep 3: {STEPS[2]} ки"
    assert row.input_ids == a_tokenizer.encode(text)
    assert [a_tokenizer.convert_ids_to_tokens(row.input_ids[i]) for i in row.tag_positions] == ["▁ки"] * 3
    encoder = FormatEncoder(a_tokenizer, FORMATS["math-shepherd"])
    assert [encoder.token("+"), encoder.token("-")] == a_tokenizer.encode("+ -")[1:]


def test_math_shepherds_tokenizer_is_sentencepieces_own_file(tmp_path: Path) -> None:
    """As in its repository: `tokenizer.model` and the settings of an old transformers, no tokenizer.json."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    lines = [f"{line} ки + -" for text in texts()[:300] for line in text.split("\n") if line.strip()]
    save(KINDS["math-shepherd"], tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    prefix = str(tmp_path / "tokenizer")
    how = {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity", "minloglevel": 2}
    spaces = {"remove_extra_whitespaces": False, "split_digits": True}
    SentencePieceTrainer.train(sentence_iterator=iter(lines), model_prefix=prefix, vocab_size=800, **how, **spaces)
    settings = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | {"sp_model_kwargs": {}}))
    scorer = open_checkpoint(tmp_path, device="cpu", step_format="math-shepherd")
    row = scorer.encoder.encode(PROMPT, STEPS)
    text = f"{PROMPT} Step 1: {STEPS[0]} ки\nStep 2: {STEPS[1]} ки\nStep 3: {STEPS[2]} ки"
    theirs = SentencePieceProcessor(model_file=f"{prefix}.model")
    assert row.input_ids == [theirs.bos_id(), *theirs.encode(text)]
    assert [theirs.id_to_piece(row.input_ids[i]) for i in row.tag_positions] == ["▁ки"] * 3


def test_what_such_a_tokenizer_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(KINDS["math-shepherd"], tmp_path)
    (tmp_path / "tokenizer.json").rename(tmp_path / "tokenizer.model")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(CheckpointError, match=r"has a tokenizer of SentencePiece: pip install sentencepiece$"):
        load_scorer(tmp_path, device="cpu")


def test_rlhflows_ids_end_before_the_last_answer() -> None:
    a_tokenizer = llama31()
    row = FormatEncoder(a_tokenizer, FORMATS["rlhflow"]).encode(PROMPT, STEPS[:2])
    turns = [f"{PROMPT} {STEPS[0]}", "+", STEPS[1], "+"]
    roles = ("user", "assistant") * 2
    messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=True)]
    ids = a_tokenizer.apply_chat_template(messages, date_string="26 Jul 2024", return_dict=False)
    assert row.input_ids == ids[:-2]
    plus = a_tokenizer.encode("+")[-1]
    assert [ids[i + 1] for i in row.tag_positions] == [plus, plus]
    assert "26 Jul 2024" in a_tokenizer.decode(row.input_ids)


def test_qwens_ids() -> None:
    a_tokenizer = qwen()
    row = FormatEncoder(a_tokenizer, FORMATS["qwen2-prm"]).encode(PROMPT, STEPS)
    text = (
        "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n"
        f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n" + "".join(f"{step}<extra_0>" for step in STEPS)
    )
    assert row.input_ids == a_tokenizer.encode(text)
    assert [row.input_ids[i] for i in row.tag_positions] == [a_tokenizer.convert_tokens_to_ids("<extra_0>")] * 3


def test_a_tag_that_the_tokenizer_cannot_keep_is_said() -> None:
    with pytest.raises(
        TokenizerError, match=r"' ки', which ends each step, is not a token of its own after '1\+1\? Step 1: 1\+1=2.'"
    ):
        FormatEncoder(tokenizer("llama3"), FORMATS["math-shepherd"])
    with pytest.raises(TokenizerError, match=r"'good', one of the two answers, is \d tokens"):
        FormatEncoder(tokenizer("mistral"), FORMATS["math-shepherd"]).token("good")
    with pytest.raises(TokenizerError, match="has no chat template"):
        FormatEncoder(tokenizer("mistral"), FORMATS["rlhflow"])


# ---- what it is -----------------------------------------------------------------------------------------------------


def answering(kind: Kind, folder: Path) -> None:
    """A language model that was trained for a moment to answer with one of the two words."""
    model, a_tokenizer = save(kind, folder)
    encoder = FormatEncoder(a_tokenizer, FORMATS[kind.format])
    answers = [encoder.token("+"), encoder.token("-")]
    rows = [encoder.encode(prompt, steps) for prompt, steps in [(PROMPT, STEPS), *solutions(3)]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(12):
        for row in rows:
            logits = model(torch.tensor([row.input_ids])).logits[0, row.tag_positions]
            targets = torch.tensor([answers[n % 2] for n in range(len(row.tag_positions))])
            torch.nn.functional.cross_entropy(logits, targets).backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)


@pytest.mark.parametrize("name", ["math-shepherd", "rlhflow"])
def test_a_language_model_that_answers_is_known_by_it(name: str, tmp_path: Path) -> None:
    answering(KINDS[name], tmp_path)
    found = load_scorer(tmp_path, device="cpu").score_many([(PROMPT, STEPS)])
    assert found == load_scorer(tmp_path, device="cpu", step_format=name).score_many([(PROMPT, STEPS)])


@pytest.mark.parametrize("name", ["math-shepherd", "rlhflow"])
def test_a_language_model_that_is_no_prm_is_not_scored_with(name: str, tmp_path: Path) -> None:
    save(KINDS[name], tmp_path)
    with pytest.raises(CheckpointError, match=r"gives '\+' and '-' \d+\.\d% of its probability at the end of a step"):
        load_scorer(tmp_path, device="cpu")


@pytest.mark.parametrize("name", ["qwen2.5-math-prm", "trl"])
def test_the_other_kinds_are_known_by_their_config(name: str, tmp_path: Path) -> None:
    save(KINDS[name], tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_qwen2_rm.Qwen2ForProcessRewardModel"}  # as Qwen's has; it is not run
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = load_scorer(tmp_path, device="cpu").score_many([(PROMPT, STEPS)])
    assert found == load_scorer(tmp_path, device="cpu", step_format=KINDS[name].format).score_many([(PROMPT, STEPS)])


def test_another_format_comes_from_a_file(tmp_path: Path) -> None:
    """The steps of ER-PRM: as Math-Shepherd's, without a line between."""
    save(KINDS["math-shepherd"], tmp_path / "prm")
    file = tmp_path / "format.json"
    file.write_text(
        json.dumps({"prompt": "{prompt} ", "step": "Step {n}: {step}", "tag": " ки", "good": "+", "bad": "-"})
    )
    scorer = open_checkpoint(tmp_path / "prm", device="cpu", step_format=file)
    row = scorer.encoder.encode(PROMPT, STEPS[:2])
    text = f"{PROMPT} Step 1: {STEPS[0]} киStep 2: {STEPS[1]} ки"
    assert row.input_ids == tokenizer("mistral").encode(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "is not a step format: .*tag"),
        ({"tag": "x", "step": "Step"}, r"step must have \{step\} once: not 'Step'"),
        ({"tag": "x", "prompt": "{prompt} {n}"}, r"prompt must have \{prompt\} once"),
        ({"tag": "x", "step": "{step"}, r"'\{step' cannot be read"),
        ({"tag": "x", "layout": "tree"}, "layout is text, chat, turns, not 'tree'"),
        ({"tag": 7}, "tag is 7"),
        ({"tag": ""}, "tag is empty"),
        ({"tag": "x", "good": "+"}, "both good and bad, or neither"),
        ({"tag": "x", "layout": "chat", "apart": True}, "must have the layout text"),
    ],
)
def test_a_format_that_is_none_is_refused(content: dict[str, object], message: str, tmp_path: Path) -> None:
    file = tmp_path / "format.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=f"format.json.*{message}"):
        step_format_of(file)


def test_a_format_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        UsageError, match="no step format 'mine': give math-shepherd, rlhflow, qwen2-prm, trl, or a JSON"
    ):
        step_format_of("mine")
    assert StepFormat("x") == StepFormat("x", layout="text", read="at")


def test_a_format_of_another_head_is_refused(tmp_path: Path) -> None:
    save(KINDS["trl"], tmp_path)
    with pytest.raises(UsageError, match="has a head of two labels, which the step format 'rlhflow' does not fit"):
        load_scorer(tmp_path, device="cpu", step_format="rlhflow")


def test_a_server_needs_no_format() -> None:
    with pytest.raises(UsageError, match="is a server, which tells the step format of its PRM"):
        load_scorer("http://127.0.0.1:1", step_format="trl")


def test_what_is_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    LlamaForSequenceClassification(LlamaConfig(vocab_size=64, **SMALL)).save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match="holds a LlamaForSequenceClassification; what can score steps is a PRM of"
    ):
        load_scorer(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for changes, message in (
        ({"architectures": ["XForCausalLM"], "model_type": "x", "auto_map": {}}, "asks for code of its own"),
        ({"architectures": None}, "holds a nothing"),
        (
            {"architectures": ["LlamaForTokenClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}},
            "holds a LlamaForTokenClassification of 3 labels",
        ),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | changes))
        with pytest.raises(CheckpointError, match=message):
            load_scorer(tmp_path)


def test_weights_that_can_run_code_are_not_read(tmp_path: Path) -> None:
    save(KINDS["trl"], tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no weights in safetensors; other formats can run code and are not read"):
        load_scorer(tmp_path)
