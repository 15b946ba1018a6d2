"""The card of a PRM: a head that the Hub reads, the lines one types, figures as measured, and nothing made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from prm_gsm8k.exceptions import CheckpointError
from prm_gsm8k.models.card import model_card
from prm_gsm8k.models.encoder import EncoderConfig

MADE: dict[str, Any] = {
    "base_model": "Qwen/Qwen3-0.6B",
    "base_revision": "c1899de289a04d12100db370d81485cdf75e47ca",
    "license": "apache-2.0",
    "data": {
        "sources": [
            {
                "dataset": "org/prm-gsm8k",
                "config": "synthetic",
                "revision": "v1.0.0",
                "content_digest": "ab" * 32,
                "rows": 32851,
                "steps": 121000,
            },
            {"dataset": "/home/somebody/secret/mine", "config": "prm800k", "rows": 7},
        ],
        "counts": {"train": {"rows": 32858, "rows_cut": 3}, "validation": {"rows": 2000, "rows_cut": 0}},
        "problems": ["d1", "d2", "d3"],
        "digest": "cd" * 32,
    },
    "arguments": {"learning_rate": 1e-5, "output_dir": "/home/somebody/out", "bf16": True, "after_error": "mask"},
    "seed": 17,
    "versions": {"torch": "2.13.0", "transformers": "5.24.0"},
    "steps": 500,
    "tokens": 1234567,
    "hardware": "2 x NVIDIA H100",
    "metrics": {"validation": {"step_accuracy": 0.91234, "auc": 0.95, "eval_ece": 0.021, "note": "text"}},
    "threshold": {"value": 0.4321, "chosen_on": "validation"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    EncoderConfig("<|fim_pad|>", 151662, "<|im_start|>user\n", "<|im_end|>\n", max_length=1024).save(tmp_path)
    (tmp_path / "prm_training.json").write_text(json.dumps(MADE))
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "loss.png").write_bytes(b"png")
    return tmp_path


def head(card: str) -> dict[str, Any]:
    found = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_the_head_is_what_the_hub_reads(folder: Path) -> None:
    card = model_card(folder, "org/prm")
    found = head(card)
    assert found["license"] == "apache-2.0"
    assert found["base_model"] == "Qwen/Qwen3-0.6B"
    assert found["datasets"] == ["org/prm-gsm8k"]
    assert (found["pipeline_tag"], found["library_name"]) == ("token-classification", "transformers")
    [result] = found["model-index"]
    measured = {m["type"]: m["value"] for m in result["results"][0]["metrics"]}
    assert measured == {"step_accuracy": 0.91234, "auc": 0.95, "ece": 0.021}
    loaded = ModelCard(card)
    assert loaded.data.base_model == "Qwen/Qwen3-0.6B"
    assert {r.metric_type for r in loaded.data.eval_results or []} == set(measured)


def test_the_lines_one_types_are_there(folder: Path) -> None:
    card = model_card(folder, "org/prm")
    assert 'ProcessRewardModel.from_pretrained("org/prm")' in card
    assert '{"pooling_type": "STEP", "step_tag_id": 151662}' in card
    assert "vllm serve org/prm " in card


def test_figures_data_and_choices_are_as_recorded(folder: Path) -> None:
    card = model_card(folder, "org/prm")
    for line in (
        "| steps classified correctly at 0.5 | 0.9123 |",
        "below a score of 0.4321, chosen on validation and frozen",
        "[org/prm-gsm8k](https://huggingface.co/datasets/org/prm-gsm8k) | `synthetic` | `v1.0.0` | 32,851 | 121,000 |",
        "| `learning_rate` | 1e-05 |",
        "| tokens | 1,234,567 |",
        "| hardware | 2 x NVIDIA H100 |",
        "These are 3 problems",
        "| split | rows | rows cut |",
        "| `train` | 32,858 | 3 |",
        "At most 1,024 tokens.",
        "![loss](curves/loss.png)",
    ):
        assert line in card, line


def test_figures_of_a_model_in_4_bits_are_said_to_be_that(folder: Path) -> None:
    """What is saved, and so scores, has the base's own weights."""
    assert "in 4 bits" not in model_card(folder)
    made = MADE | {"arguments": {"load_in_4bit": True}}
    (folder / "prm_training.json").write_text(json.dumps(made))
    assert "That is of its base in 4 bits (QLoRA)" in model_card(folder)


def test_no_path_of_the_machine_is_in_it(folder: Path) -> None:
    card = model_card(folder, "org/prm")
    assert "somebody" not in card
    assert "`mine`" in card


def without(*path: str) -> dict[str, Any]:
    made = json.loads(json.dumps(MADE))
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return made


@pytest.mark.parametrize(
    "made",
    [
        {},
        *[without(key) for key in MADE],
        without("data", "sources"),
        without("metrics", "validation"),
        {"data": None, "metrics": [], "arguments": "x", "threshold": 0.5, "versions": None, "base_model": "/a/b/c"},
    ],
    ids=str,
)
def test_what_is_not_known_is_left_out(made: dict[str, Any], folder: Path) -> None:
    (folder / "prm_training.json").write_text(json.dumps(made))
    card = model_card(folder, "org/prm")
    ModelCard(card)
    assert "None" not in card and "nan" not in card
    assert ("## How good it is" in card) == bool(
        (isinstance(made.get("metrics"), dict) and made["metrics"]) or isinstance(made.get("threshold"), dict)
    )
    assert ("was not recorded" in card) == ("## How good it is" not in card or "Measured on" not in card)


def test_without_a_record_or_a_name_it_is_still_a_card(tmp_path: Path) -> None:
    EncoderConfig("<|fim_pad|>", 151662, "", "\n").save(tmp_path)
    card = model_card(tmp_path)
    assert f'from_pretrained("{tmp_path.name}")' in card
    assert "base_model" not in head(card) and "license" not in head(card)


def test_what_is_no_prm_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no prm_encoder.json"):
        model_card(tmp_path)
    EncoderConfig("<|fim_pad|>", 151662, "", "\n").save(tmp_path)
    for content, message in (("[1]", "is no JSON object"), ("{", "cannot be read")):
        (tmp_path / "prm_training.json").write_text(content)
        with pytest.raises(CheckpointError, match=rf"prm_training.json {message}"):
            model_card(tmp_path)
