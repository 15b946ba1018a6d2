"""A PRM of ours as a `Qwen2ForProcessRewardModel`: the same scores, read as any published one of that kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine import needs_vllm, use_vllm
from real_tokenizers import tokenizer
from transformers import LlamaConfig, LlamaForTokenClassification, Qwen2Config, Qwen2ForTokenClassification

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import CheckpointError, TooLongError, UsageError
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.models.export import export_qwen2_prm
from prm_gsm8k.models.formats.qwen2 import Qwen2ForProcessRewardModel
from prm_gsm8k.models.scorers import load_scorer
from prm_gsm8k.models.vllm_reward_model import vllm_arguments
from prm_gsm8k.models.vllm_server import vllm_server

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
    "num_labels": 2,
    "classifier_dropout": 0.0,
}


def saved(folder: Path, dtype: torch.dtype = torch.float32, llama: bool = False, **sizes: float) -> ProcessRewardModel:
    a_tokenizer = tokenizer("qwen")
    config, model = (LlamaConfig, LlamaForTokenClassification) if llama else (Qwen2Config, Qwen2ForTokenClassification)
    torch.manual_seed(2)
    made = model(config(vocab_size=len(a_tokenizer), **SMALL | sizes))
    torch.nn.init.normal_(made.score.bias)
    prm = ProcessRewardModel(made.to(dtype), a_tokenizer, Encoder.for_tokenizer(a_tokenizer))
    prm.save_pretrained(folder)
    return prm


def solutions(n: int) -> list[tuple[str, list[str]]]:
    rows = [(p.question, p.answer.split("\n####")[0]) for p in shipped_problems("train")[:n]]
    return [(prompt, [line for line in answer.split("\n") if line.strip()]) for prompt, answer in rows]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_scores_the_same(dtype: torch.dtype, tmp_path: Path) -> None:
    saved(tmp_path / "ours", dtype)
    (tmp_path / "ours" / "prm_training.json").write_text('{"seed": 7}')
    out = export_qwen2_prm(tmp_path / "ours", tmp_path / "theirs")
    name = "bf16" if dtype == torch.bfloat16 else "fp32"
    ours, theirs = (
        load_scorer(folder, device="cpu", dtype=name).score_many(solutions(20))  # type: ignore[arg-type]
        for folder in (tmp_path / "ours", out)
    )
    flat = [score for scores in ours for score in scores]
    assert [score for scores in theirs for score in scores] == pytest.approx(flat, abs=1e-6)
    assert max(flat) - min(flat) > 0.1, "scores that are all alike prove nothing"
    config = json.loads((out / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["Qwen2ForProcessRewardModel"], str(dtype).split(".")[1])
    assert json.loads((out / "prm_training.json").read_text()) == {"seed": 7}


def test_the_names_of_its_weights_are_qwens(tmp_path: Path) -> None:
    saved(tmp_path / "ours")
    out = export_qwen2_prm(tmp_path / "ours", tmp_path / "theirs")
    from safetensors import safe_open

    with safe_open(out / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert {f"score.{n}.{kind}" for n in (0, 2) for kind in ("weight", "bias")} < names
    assert all(name.startswith(("model.", "score.")) for name in names)
    model = Qwen2ForProcessRewardModel.from_pretrained(out)
    assert int((model.score[0].weight.abs().sum(-1) > 0).sum()) == 4
    with pytest.raises(TooLongError, match=r"solution 0: \d+ tokens with the first step, of at most 1024"):
        load_scorer(out, device="cpu").score_many([("1+1?", ["7 " * 2000])])


@needs_vllm
def test_vllm_serves_it_with_the_same_scores(tmp_path: Path) -> None:
    use_vllm()
    # vLLM has no attention on the CPU for heads smaller than 32
    ours = saved(tmp_path / "ours", hidden_size=128, intermediate_size=128, initializer_range=0.15)
    out = export_qwen2_prm(tmp_path / "ours", tmp_path / "theirs")
    arguments = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "1024", "--max-num-seqs", "16"]
    with vllm_server(str(out), [*vllm_arguments(ours.encoder.config), *arguments], timeout=900) as server:
        served = load_scorer(server.url).score_many(solutions(20))
    here = ours.score_many(solutions(20))
    assert [len(scores) for scores in served] == [len(scores) for scores in here]
    flat = [score for scores in here for score in scores]
    assert [score for scores in served for score in scores] == pytest.approx(flat, abs=1e-5)
    assert max(flat) - min(flat) > 0.1, "scores that are all alike prove nothing"


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    saved(tmp_path / "ours")
    saved(tmp_path / "llama", llama=True)
    with pytest.raises(CheckpointError, match="has a base of type llama; only a PRM on Qwen2"):
        export_qwen2_prm(tmp_path / "llama", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="full is not empty"):
        export_qwen2_prm(tmp_path / "ours", tmp_path / "full")
    out = export_qwen2_prm(tmp_path / "ours", tmp_path / "out")
    with pytest.raises(CheckpointError, match="is a qwen2-prm, not a PRM of this package"):
        export_qwen2_prm(out, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "llama", "ours", "out"], "nothing half-written"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    prm = saved(tmp_path / "ours")
    assert run(monkeypatch, "export", str(tmp_path / "ours"), str(tmp_path / "out")) == 0
    out = capsys.readouterr().out
    assert f"{tmp_path / 'out'}: a Qwen2ForProcessRewardModel with the scores of" in out
    assert f'"step_tag_id": {prm.encoder.config.step_tag_id}' in out
    assert run(monkeypatch, "export", str(tmp_path / "nothing"), str(tmp_path / "b")) == 1
    assert run(monkeypatch, "export", str(tmp_path / "ours"), str(tmp_path / "c"), "--format", "gguf") == 2


@pytest.mark.slow
def test_without_torch_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    saved(tmp_path / "ours")
    code = "import sys; sys.modules.update(torch=None, transformers=None); from prm_gsm8k.cli.main import main; main()"
    command = [sys.executable, "-c", code, "export", str(tmp_path / "ours"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "prm-gsm8k: this needs transformers: pip install 'prm-gsm8k[train]'\n"
    assert not (tmp_path / "out").exists()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    from prm_gsm8k.cli.main import app

    monkeypatch.setattr(sys, "argv", ["prm-gsm8k", *arguments])
    with pytest.raises(SystemExit) as end:
        app(prog_name="prm-gsm8k")
    return int(end.value.code or 0)
