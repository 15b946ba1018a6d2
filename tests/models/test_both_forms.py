"""What is saved is read alike by transformers 4 and 5: each has its own names for the same numbers.

Here stands what 4 reads; that its scores are ours too, test_transformers_4.py shows with 4.57.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from made_prms import SMALL, make
from real_tokenizers import tokenizer

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.models.checkpoint import write_both_forms
from prm_gsm8k.models.encoder import Encoder

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 256}
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "qwen3": ("Qwen3", {"rope_theta": 1e6}, {"rope_theta": 1e6}),
    "llama, longer than trained": (
        "Llama",
        {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3},
        {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
    ),
    "phi3, a half rotated": (
        "Phi3",
        {"rope_theta": 3e4, "partial_rotary_factor": 0.5},
        {"rope_theta": 3e4, "partial_rotary_factor": 0.5},
    ),
}


@pytest.mark.parametrize(("kind", "rope", "expected"), KINDS.values(), ids=KINDS)
def test_a_saved_prm_has_the_names_of_both(
    tmp_path: Path, kind: str, rope: dict[str, Any], expected: dict[str, Any]
) -> None:
    words = tokenizer("qwen")
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(words), pad_token_id=0, rope_parameters={"rope_type": "default", **rope}, **SMALL
    )
    torch.manual_seed(1)
    model = getattr(transformers, f"{kind}ForTokenClassification")(config)
    prm = ProcessRewardModel(model, words, Encoder.for_tokenizer(words))
    prm.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_bytes())
    assert {name: saved.get(name) for name in expected} == expected
    assert ("rope_scaling" in saved) == ("rope_scaling" in expected)
    assert saved["torch_dtype"] == saved["dtype"] == "float32"
    again = ProcessRewardModel.from_pretrained(tmp_path)
    assert again.model.config.rope_parameters == model.config.rope_parameters
    assert again.score("1 + 1?", ["It is 2."]) == prm.score("1 + 1?", ["It is 2."])


@pytest.mark.parametrize("kind", ["llama, chat", "llama, plain, nothing before the prompt"])
def test_a_tokenizer_has_a_class_that_both_know_and_gives_the_same_ids(tmp_path: Path, kind: str) -> None:
    prm = make(kind)
    prm.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "tokenizer_config.json").read_bytes())
    assert saved["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert not isinstance(saved.get("extra_special_tokens"), list), "which 4 takes for a mapping"
    again = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "Ann has 3 apples.\nShe eats 1. <|im_end|></s> 2"
    assert again(text)["input_ids"] == prm.tokenizer(text)["input_ids"]
    assert again.all_special_tokens == prm.tokenizer.all_special_tokens


def test_two_kinds_of_layers(tmp_path: Path) -> None:
    """As Gemma 3 has them, also within a model of text and images."""
    config = transformers.Gemma3TextConfig(
        rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 3e4},
        }
    )
    whole = {"text_config": config.to_dict()}
    for name, content in (("text", config.to_dict()), ("whole", whole)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(content))
        write_both_forms(tmp_path / name)
        both = json.loads((tmp_path / name / "config.json").read_bytes())
        both = both.get("text_config", both)
        assert (both["rope_theta"], both["rope_local_base_freq"]) == (2e6, 3e4)
        assert both["rope_scaling"] == {"rope_type": "linear", "factor": 8.0}
        assert transformers.Gemma3TextConfig.from_dict(both).rope_parameters == config.rope_parameters


def test_what_is_in_both_forms_stays_as_it_is(tmp_path: Path) -> None:
    make("llama, chat").save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.json")}
    write_both_forms(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.json")} == before
