"""A PRM in use: one score a step, the same alone, in a batch and from a cached prefix; and what is refused as a PRM.

The models are small and random, with large weights so that scores differ; the tokenizers are real.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from loopback import Hub
from made_prms import KINDS, SMALL, make, solutions
from real_tokenizers import NAMES, tokenizer
from transformers import (
    AutoModelForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForTokenClassification,
    Qwen3ForTokenClassification,
)

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import CheckpointError, StepsError, TokenizerError, TooLongError, UsageError
from prm_gsm8k.models.encoder import FILE, Encoder
from prm_gsm8k.models.step_scorer import encode_each

PROMPT = "Ali has 3 apples and buys 4. How many does he have?"
STEPS = ["He has 3+4=7 apples.", "So 7.\n\nThat is all.", "The answer is 7"]


@pytest.fixture(scope="module", params=KINDS)
def prm(request: pytest.FixtureRequest) -> ProcessRewardModel:
    return make(request.param)


@pytest.fixture
def qwen3() -> ProcessRewardModel:
    return make("qwen3, chat")


@pytest.fixture
def saved(qwen3: ProcessRewardModel, tmp_path: Path) -> Path:
    qwen3.save_pretrained(tmp_path / "prm")
    return tmp_path / "prm"


# ---- scores ---------------------------------------------------------------------------------------------------------


def test_a_score_is_what_the_model_says_at_the_tag(prm: ProcessRewardModel) -> None:
    row = prm.encoder.encode(PROMPT, STEPS)
    with torch.no_grad():
        logits = prm.model(input_ids=torch.tensor([row.input_ids])).logits[0]
    expected = torch.softmax(logits[row.tag_positions], -1)[:, 1].tolist()
    assert prm.score(PROMPT, STEPS) == pytest.approx(expected, abs=1e-6)


def test_a_score_does_not_know_what_follows(prm: ProcessRewardModel) -> None:
    whole = prm.score(PROMPT, STEPS)
    assert prm.score(PROMPT, STEPS[:2]) == pytest.approx(whole[:2], abs=1e-5)
    assert max(whole) - min(whole) > 1e-3, "scores that are all alike prove nothing"


def test_many_score_as_one_by_one_in_their_order(prm: ProcessRewardModel) -> None:
    some = solutions(12)
    prm.max_batch_tokens = 700  # a few batches
    together = prm.score_many(some)
    assert [len(scores) for scores in together] == [len(steps) for _, steps in some]
    for (prompt, steps), scores in zip(some, together, strict=True):
        assert scores == pytest.approx(prm.score(prompt, steps), abs=1e-5)


@pytest.mark.slow
def test_a_solution_takes_one_forward_and_like_lengths_share_it(qwen3: ProcessRewardModel) -> None:
    shapes: list[tuple[int, int]] = []
    qwen3.model.register_forward_pre_hook(
        lambda _, args, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    qwen3.score(PROMPT, STEPS)
    assert len(shapes) == 1
    shapes.clear()
    qwen3.max_batch_tokens, qwen3.tokens_computed = 4000, 0
    some = solutions(500)
    qwen3.score_many(some)
    assert sum(rows for rows, _ in shapes) == 500
    assert all(rows * longest <= 4000 for rows, longest in shapes)
    assert qwen3.tokens_computed > 0.97 * sum(rows * longest for rows, longest in shapes), "under 3% is padding"


def test_nothing_to_score_is_nothing() -> None:
    qwen3 = make("qwen3, chat")
    assert qwen3.score_many([]) == []
    assert qwen3.score_next(PROMPT, STEPS, []) == []


def test_a_solution_longer_than_a_batch_is_scored_alone() -> None:
    assert make("qwen3, chat", max_batch_tokens=1).score(PROMPT, STEPS) == make("qwen3, chat").score(PROMPT, STEPS)


@pytest.mark.parametrize("rows", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_hostile_solutions_have_a_score_a_step_or_a_typed_error(rows: int) -> None:
    """So many of them by each of five tokenizers; the encoder's own fuzz looks at the ids (tests/test_encoder.py)."""
    from test_encoder import HOSTILE

    rng = random.Random(6)

    def text() -> str:
        return "".join(rng.choices(HOSTILE, k=rng.randrange(4)))

    for name in NAMES:
        a_tokenizer = tokenizer(name)
        tiny = LlamaConfig(vocab_size=len(a_tokenizer), **SMALL | {"hidden_size": 8, "num_hidden_layers": 1})
        prm = ProcessRewardModel(
            LlamaForTokenClassification(tiny),
            a_tokenizer,
            Encoder.for_tokenizer(a_tokenizer, max_length=400),
            max_batch_tokens=8192,
        )
        some = [(text() + "?" * rng.randrange(2), [text() for _ in range(rng.randrange(6))]) for _ in range(rows)]
        good = []
        for problem, steps in some:
            try:
                encode_each(prm.encoder, [(problem, steps)])
            except StepsError as error:
                assert str(error).startswith("solution 0: ")
                continue
            good.append((problem, steps))
        assert 0.15 * rows < len(good) < 0.85 * rows
        scores = prm.score_many(good)
        assert [len(line) for line in scores] == [len(steps) for _, steps in good]
        assert all(0 <= score <= 1 for line in scores for score in line)
        for bad in [row for row in some if row not in good][:50]:
            with pytest.raises(StepsError):
                prm.score_many([good[0], bad])


# ---- what is made of them -------------------------------------------------------------------------------------------


def given(monkeypatch: pytest.MonkeyPatch, prm: ProcessRewardModel, scores: dict[str, list[float]]) -> None:
    monkeypatch.setattr(prm, "score_many", lambda some: [scores[steps[0]] for _, steps in some])


@pytest.mark.parametrize(
    ("scores", "threshold", "first"),
    [([0.9, 0.4, 0.1], 0.5, 1), ([0.9, 0.5, 0.6], 0.5, -1), ([0.9, 0.5, 0.6], 0.55, 1), ([0.1, 0.9, 0.9], 0.5, 0)],
)
def test_the_first_error_is_the_first_step_below_the_threshold(
    scores: list[float], threshold: float, first: int, qwen3: ProcessRewardModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, qwen3, {"a": scores})
    assert qwen3.first_error(PROMPT, ["a", "b", "c"], threshold) == first


@pytest.mark.parametrize(
    ("aggregate", "best", "of_the_best"), [("min", 1, 0.5), ("prod", 2, 0.4005), ("last", 0, 0.99), ("mean", 0, 0.695)]
)
def test_best_of_n(
    aggregate: str, best: int, of_the_best: float, qwen3: ProcessRewardModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, qwen3, {"a": [0.4, 0.99], "b": [0.5, 0.6], "c": [0.45, 0.89]})
    chosen = qwen3.best_of_n(PROMPT, [["a"], ["b"], ["c"]], aggregate)  # type: ignore[arg-type]
    assert chosen.index == best
    assert max(chosen.scores) == chosen.scores[best] == pytest.approx(of_the_best)


def test_of_equals_the_first_is_best(qwen3: ProcessRewardModel) -> None:
    best = qwen3.best_of_n(PROMPT, [STEPS, STEPS, STEPS])
    assert best.index == 0
    assert best.scores == pytest.approx([min(qwen3.score(PROMPT, STEPS))] * 3, abs=1e-6)


def test_an_unknown_aggregate_and_no_solutions_are_refused(qwen3: ProcessRewardModel) -> None:
    with pytest.raises(UsageError, match="aggregate is min, prod, last, mean, not 'max'"):
        qwen3.best_of_n(PROMPT, [STEPS], "max")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no solutions"):
        qwen3.best_of_n(PROMPT, [])


# ---- tree search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [0, 1, 2])
def test_candidates_score_as_in_the_whole_solution(prm: ProcessRewardModel, done: int) -> None:
    candidates = ["So 7.", "He has 3*4=12 apples, which is a lot of apples for one man.", "7", "<|im_end|>"]
    expected = [prm.score(PROMPT, [*STEPS[:done], c])[-1] for c in candidates]
    for max_batch_tokens in (16_384, 40):
        prm.max_batch_tokens = max_batch_tokens
        prm.clear_cache()
        for _ in range(2):
            assert prm.score_next(PROMPT, STEPS[:done], candidates) == pytest.approx(expected, abs=1e-4)


def test_a_search_down_a_tree_scores_as_afresh(prm: ProcessRewardModel) -> None:
    """Two branches in turns, each from what is kept of its own parent."""
    prm.clear_cache()
    prm.max_batch_tokens = 16_384
    for steps in (
        [],
        ["a = 1."],
        ["b = 2."],
        ["a = 1.", "c = 3."],
        ["b = 2.", "d = 4."],
        ["a = 1.", "c = 3.", "e = 5."],
    ):
        scores = prm.score_next(PROMPT, steps, ["x = 1.", "So y."])
        assert scores == pytest.approx([prm.score(PROMPT, [*steps, c])[-1] for c in ("x = 1.", "So y.")], abs=1e-4)


def test_a_shared_prefix_is_computed_once(qwen3: ProcessRewardModel) -> None:
    def tokens(call: Callable[[], object]) -> int:
        before = qwen3.tokens_computed
        call()
        return qwen3.tokens_computed - before

    candidates = ["So 7.", "Then 12.", "Hence 8."]
    prompt = shipped_problems("train")[0].question
    own = sum(len(qwen3.encoder.encode(prompt, [*STEPS, c]).input_ids) for c in candidates)
    prefix = len(qwen3.encoder.encode(prompt, STEPS).input_ids)
    assert tokens(lambda: qwen3.score_next(prompt, STEPS, candidates)) == own - 2 * prefix
    assert tokens(lambda: qwen3.score_next(prompt, STEPS, candidates)) == own - 3 * prefix
    deeper = [*STEPS, "So 7."]
    step = len(qwen3.encoder.encode(prompt, deeper).input_ids) - prefix
    one = len(qwen3.encoder.encode(prompt, [*deeper, "7"]).input_ids) - prefix - step
    assert tokens(lambda: qwen3.score_next(prompt, deeper, ["7"])) == step + one


def test_few_prefixes_are_kept_the_least_used_go() -> None:
    qwen3 = make("qwen3, chat", prefixes_kept=2)
    for steps in (["a."], ["b."], ["a."], ["c."]):
        qwen3.score_next(PROMPT, steps, ["x"])
    kept = {tuple(qwen3.encoder.encode(PROMPT, steps).input_ids) for steps in (["a."], ["c."])}
    assert set(qwen3._prefixes) == kept
    none = make("qwen3, chat", prefixes_kept=0)
    assert none.score_next(PROMPT, ["a."], ["x"]) == pytest.approx([none.score(PROMPT, ["a.", "x"])[-1]], abs=1e-4)
    assert not none._prefixes


# ---- saved and loaded -----------------------------------------------------------------------------------------------


def test_saved_and_loaded_it_scores_the_same(qwen3: ProcessRewardModel, saved: Path) -> None:
    assert ProcessRewardModel.from_pretrained(saved).score(PROMPT, STEPS) == qwen3.score(PROMPT, STEPS)
    assert isinstance(AutoModelForTokenClassification.from_pretrained(saved), Qwen3ForTokenClassification)


def test_spread_over_devices_it_scores_the_same(qwen3: ProcessRewardModel, saved: Path) -> None:
    spread = ProcessRewardModel.from_pretrained(saved, device_map="auto")
    assert spread.score(PROMPT, STEPS) == qwen3.score(PROMPT, STEPS)


def test_in_bf16_it_scores_nearly_the_same(qwen3: ProcessRewardModel, saved: Path) -> None:
    half = ProcessRewardModel.from_pretrained(saved, dtype="bf16", device="cpu")
    assert half.model.dtype == torch.bfloat16
    assert half.score(PROMPT, STEPS) == pytest.approx(qwen3.score(PROMPT, STEPS), abs=0.1)
    assert ProcessRewardModel.from_pretrained(saved, device="cpu").model.dtype == torch.float32


def test_a_solution_longer_than_the_models_positions_is_refused(saved: Path) -> None:
    prm = ProcessRewardModel.from_pretrained(saved)
    with pytest.raises(TooLongError, match=r"solution 1: \d+ tokens, of at most 1024"):
        prm.score_many([(PROMPT, STEPS), (PROMPT, ["7 " * 300, "8 " * 300])])


def test_what_cannot_be_scored_is_named(qwen3: ProcessRewardModel) -> None:
    with pytest.raises(StepsError, match=r"^solution 1: completions\[1\] is empty$"):
        qwen3.score_many([(PROMPT, STEPS), (PROMPT, ["a", ""])])
    with pytest.raises(StepsError, match=r"^candidate 1: completions\[3\] is empty$"):
        qwen3.score_next(PROMPT, STEPS, ["a", " "])


def _config(**changes: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


def _language_model(folder: Path) -> None:
    LlamaForCausalLM(LlamaConfig(vocab_size=64, **SMALL)).save_pretrained(folder)


def _without_head(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("score")}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / FILE).unlink(), f"has no {FILE}: it is not a PRM that this package trained"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json that can be read"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            "no weights in safetensors",
        ),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "holds a LoRA adapter; merge it"),
        (_config(auto_map={"AutoModel": "x.Y"}, model_type="x"), "asks for code of its own"),
        (_config(id2label={"0": "a", "1": "b", "2": "c"}), "holds a Qwen3ForTokenClassification of 3 labels"),
        (_language_model, "holds a language model, not a PRM of this package; load_scorer loads it"),
        (_without_head, "no weights for score.bias: it has no trained head"),
    ],
)
def test_what_is_no_prm_is_refused(spoil: Callable[[Path], None], message: str, saved: Path) -> None:
    spoil(saved)
    with pytest.raises(CheckpointError, match=message):
        ProcessRewardModel.from_pretrained(saved)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such folder"):
        ProcessRewardModel.from_pretrained(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="there is no such folder"):
        ProcessRewardModel.from_pretrained("./a/b")


def test_a_prm_comes_from_the_hub_at_a_revision(hub: Hub, qwen3: ProcessRewardModel, saved: Path) -> None:
    (saved / "evil.py").write_text("raise SystemExit")
    repo = hub.create("org/prm", "models")
    repo.tags["v1"] = repo.put({path.name: path.read_bytes() for path in saved.iterdir()}).oid
    repo.put({"model.safetensors": b"something else by now"})
    loaded = ProcessRewardModel.from_pretrained("org/prm", revision="v1")
    assert loaded.score(PROMPT, STEPS) == qwen3.score(PROMPT, STEPS)
    assert hub.asked("GET", "model.safetensors") and not hub.asked("GET", "evil"), "only what holds data is fetched"


def test_a_repository_that_is_not_there_is_refused(hub: object) -> None:
    with pytest.raises(CheckpointError, match="org/prm: there is no such folder, and no such model on the Hub"):
        ProcessRewardModel.from_pretrained("org/prm")


def test_a_tokenizer_of_another_model_is_refused(saved: Path) -> None:
    tokenizer("llama3").save_pretrained(saved)
    with pytest.raises(TokenizerError, match="use the checkpoint's own tokenizer"):
        ProcessRewardModel.from_pretrained(saved)


def test_options_that_are_none_are_refused(saved: Path) -> None:
    with pytest.raises(UsageError, match="dtype is auto, bf16 or fp32, not 'fp16'"):
        ProcessRewardModel.from_pretrained(saved, dtype="fp16")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no revision 'v1'"):
        ProcessRewardModel.from_pretrained(saved, revision="v1")


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, prm_gsm8k; dir(prm_gsm8k); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
