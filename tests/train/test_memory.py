"""What fits where is arithmetic, and train/README.md says what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from prm_gsm8k.train.memory import GB, SHAPES, bytes_a_gpu, table

ROOT = Path(__file__).parent.parent.parent


def test_the_readme_has_the_table_that_is_printed() -> None:
    assert table() in (ROOT / "train" / "README.md").read_text(encoding="utf-8")


def test_all_weights_of_8b_on_two_gpus_are_61_gb_before_activations() -> None:
    """As was measured by others: weights, gradients and Adam's averages in fp32, divided by two."""
    [eight] = [shape for shape in SHAPES if shape.name == "Qwen3-8B"]
    assert 16 * eight.weights / 2 / GB == pytest.approx(60.6, abs=0.1)
    assert bytes_a_gpu(eight, lora=False, shards=2) / GB < 80 < bytes_a_gpu(eight, lora=False, shards=1) / GB


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "train" / "configs").glob("*.yaml"))])
def test_every_config_is_one_that_accelerate_reads(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(ROOT / "train" / "configs" / name))
    assert config.num_machines == 1
    assert f"train/configs/{name}" in (ROOT / "train" / "README.md").read_text(encoding="utf-8")


def test_the_two_gpu_config_at_the_top_is_that_of_ddp() -> None:
    def settings(file: str) -> object:
        return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))

    assert settings("accelerate_config.yaml") == settings("train/configs/ddp.yaml")
