"""A PRM that is saved here is read by transformers 4.57 with the same scores, and what that saves is read here.

It goes over our torch, from build/transformers-4, where it is kept for the next run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from made_prms import SMALL
from real_tokenizers import tokenizer

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.models.encoder import FILE, Encoder

pytestmark = pytest.mark.slow

PACKAGES = ["transformers==4.57.6", "huggingface_hub==0.36.2", "tokenizers==0.22.2"]  # the rest it shares with ours
TEXT = "Ann has 3 apples.\nShe eats 1. <|im_end|> 2"
SHORT = {"original_max_position_embeddings": 64}  # so that the row is longer than what it was trained on
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, **SHORT}
LONG = {"rope_type": "longrope", "short_factor": [1.1] * 4, "long_factor": [2.0] * 4, **SHORT}
SLIDES = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
# name: architecture, rope, and what else is in the config
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "llama": ("Llama", {"rope_theta": 5e5}, {}),
    "llama, llama3": ("Llama", {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3}, {}),
    "llama, linear": ("Llama", {"rope_type": "linear", "rope_theta": 3e4, "factor": 4.0}, {}),
    "llama, yarn": ("Llama", {"rope_type": "yarn", "rope_theta": 3e4, "factor": 4.0, **SHORT}, {}),
    "llama, dynamic": (
        "Llama",
        {"rope_type": "dynamic", "rope_theta": 3e4, "factor": 4.0},
        {"max_position_embeddings": 64},
    ),
    "llama, longrope": ("Llama", {"rope_theta": 3e4, **LONG, "factor": 4.0}, {}),
    "qwen2, sliding, yarn": ("Qwen2", {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, **SHORT}, SLIDES),
    "qwen3, sliding": ("Qwen3", {"rope_theta": 1e6}, SLIDES),
    "qwen3-moe": ("Qwen3Moe", {"rope_theta": 1e6}, EXPERTS),
    "mistral, sliding": ("Mistral", {"rope_theta": 1e6}, {"sliding_window": 16}),
    "gemma": ("Gemma", {"rope_theta": 3e4}, {}),
    "gemma2, sliding": ("Gemma2", {"rope_theta": 3e4}, {"sliding_window": 16}),
    "phi3, longrope": ("Phi3", {"rope_theta": 3e4, **LONG}, dict(SHORT)),
    "phi3, a half rotated": ("Phi3", {"rope_theta": 3e4, "partial_rotary_factor": 0.5}, {}),
    "stablelm, a quarter rotated": ("StableLm", {"rope_theta": 3e4, "partial_rotary_factor": 0.25}, {}),
    "smollm3, some layers without": ("SmolLM3", {"rope_theta": 3e4}, {"no_rope_layers": [1, 0, 1]}),
    "llama, bf16": ("Llama", {"rope_theta": 5e5}, {}),
    "ministral3": ("Ministral3", {"rope_theta": 1e6, "llama_4_scaling_beta": 0.1, **SHORT}, {}),
}
NOT_IN_4 = {"ministral3"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProcessRewardModel]:
    folder, made = tmp_path_factory.mktemp("saved"), {}
    words = tokenizer("qwen")
    encoder = Encoder.for_tokenizer(words)
    row = encoder.encode(
        "Ann has 3 apples and eats 1. How many are left? " * 6, ["3 - 1 = 2.", "So 2 " * 9, "It is 3."]
    )
    for name, (kind, rope, more) in KINDS.items():
        options = {**SMALL, "rope_parameters": {"rope_type": "default", **rope}, **more}
        config = getattr(transformers, f"{kind}Config")(vocab_size=len(words), pad_token_id=0, **options)
        torch.manual_seed(1)
        model = getattr(transformers, f"{kind}ForTokenClassification")(config)
        made[name] = ProcessRewardModel(model.to(torch.bfloat16 if "bf16" in name else torch.float32), words, encoder)
        made[name].save_pretrained(folder / name)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([row.input_ids]), use_cache=False).logits.float()
        kept = {"input_ids": row.input_ids, "tags": row.tag_positions, "text": TEXT}
        kept["scores"] = logits.softmax(-1)[0, row.tag_positions, 1].tolist()  # type: ignore[assignment]
        (folder / name / "row.json").write_text(json.dumps(kept))
        made[name].folder = folder / name  # type: ignore[attr-defined]
    return made


@pytest.fixture(scope="module")
def read_by_4(saved: dict[str, ProcessRewardModel]) -> dict[str, Any]:
    place = Path(__file__).parents[2] / "build" / "transformers-4"
    made_with = place / "made_with.json"
    if not made_with.exists() or json.loads(made_with.read_bytes()) != PACKAGES:
        shutil.rmtree(place, ignore_errors=True)
        pip = "-m pip --disable-pip-version-check install -qq --no-deps --only-binary :all: --target".split()
        subprocess.run([sys.executable, *pip, place, *PACKAGES], check=True)
        made_with.write_text(json.dumps(PACKAGES))
    program = Path(__file__).with_name("read_with_transformers_4.py")
    folder = saved["llama"].folder.parent  # type: ignore[attr-defined]
    environment = os.environ | {"PYTHONPATH": str(place), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, program, folder], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert answer["version"].startswith("4.57.")
    found: dict[str, Any] = answer["found"]
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_saved_prm_has_the_same_scores_in_both(
    saved: dict[str, ProcessRewardModel], read_by_4: dict[str, Any], name: str
) -> None:
    prm, found = saved[name], read_by_4[name]
    folder: Path = prm.folder  # type: ignore[attr-defined]
    row = json.loads((folder / "row.json").read_bytes())
    if name in NOT_IN_4:
        assert "does not recognize this architecture" in found["error"], "which is said aloud"
        return
    assert found.get("error") is None
    assert (found["missing"], found["tokenizer"]) == ([], "PreTrainedTokenizerFast")
    assert found["dtype"] == ("torch.bfloat16" if "bf16" in name else "torch.float32")
    assert found["ids"] == prm.tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    # weights are large, so that rounding shows in Gemma 2 (1.1e-5); what is read wrongly differs by 1e-2 and more
    close = 2e-2 if "bf16" in name else 2e-5 if "gemma2" in name else 1e-5
    assert found["scores"] == pytest.approx(row["scores"], abs=close)
    shutil.copy(folder / FILE, folder / "again" / FILE)
    for where in (folder, folder / "again"):  # `again` was saved by 4
        again = ProcessRewardModel.from_pretrained(where, dtype="fp32")
        with torch.inference_mode():
            logits = again.model(input_ids=torch.tensor([row["input_ids"]]), use_cache=False).logits
        assert logits.softmax(-1)[0, row["tags"], 1].tolist() == pytest.approx(row["scores"], abs=close)
