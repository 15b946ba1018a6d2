"""What fits where is arithmetic, and train/README.md says what the command prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.train.memory import CONFIGS, GB, Plan, config_of, need, parse_gpus, says, shape_of, table
from prm_gsm8k.train.train_prm import main

ROOT = Path(__file__).parent.parent.parent
QWEN = "Qwen/Qwen3-8B"


def test_the_readme_has_the_table_that_is_printed() -> None:
    assert table() in (ROOT / "train" / "README.md").read_text(encoding="utf-8")


def test_a_shape_is_counted_from_the_config() -> None:
    shape = shape_of(QWEN, config_of(QWEN))
    assert shape.layers == 36 and shape.hidden == 4096
    assert shape.embedding == 151_936 * 4096
    attention = 4096 * (4096 + 1024 + 1024) + 4096 * 4096
    layer = attention + 3 * 4096 * 12_288 + 2 * 4096 + 2 * 128
    assert shape.layer_weights == layer
    assert shape.weights == shape.embedding + 36 * layer + 4096 + 2 * 4096 + 2  # the last norm, and the head


def test_all_weights_of_8b_on_two_gpus_are_61_gb_before_activations() -> None:
    """As was measured by others: weights, gradients and Adam's averages in fp32, divided by two."""
    shape = shape_of(QWEN, config_of(QWEN))
    asked = need(shape, Plan())
    assert (asked.weights + asked.gradients + asked.adam) / GB == pytest.approx(60.6, abs=0.1)
    assert need(shape, Plan(gpus=2, fsdp=False)).state / GB > 120


@pytest.mark.parametrize(("gpus", "lora_r"), [("2x80", 0), ("2x24", 16)])
def test_what_the_readme_promises_fits_with_a_tenth_to_spare(gpus: str, lora_r: int) -> None:
    shape = shape_of(QWEN, config_of(QWEN))
    number, free = parse_gpus(gpus)
    well, [needs, fits] = says(shape, Plan(number, lora_r=lora_r), free)
    assert well and need(shape, Plan(number, lora_r=lora_r)).total < 0.9 * free
    assert "% free (weights" in needs
    assert fits.startswith(
        "fits: accelerate launch --config_file accelerate_config.yaml train/train_prm.py --model Qwen/"
    )


def test_what_does_not_fit_is_said_with_what_does() -> None:
    shape = shape_of(QWEN, config_of(QWEN))
    well, [needs, fits] = says(shape, Plan(gpus=2), 24e9)
    assert not well and "does not fit" in needs
    assert fits.startswith("what fits: ") and "--lora_r 16" in fits
    _, [_, nothing] = says(shape_of("Qwen/Qwen3-32B", config_of("Qwen/Qwen3-32B")), Plan(gpus=2), 12e9)
    assert nothing.startswith("nothing fits on 2 x 12 GB")


@pytest.mark.parametrize("change", [{"rows": 4}, {"max_length": 512}, {"lora_r": 16}, {"gpus": 4}])
def test_what_helps_helps(change: dict[str, int]) -> None:
    from dataclasses import replace

    shape = shape_of(QWEN, config_of(QWEN))
    assert need(shape, replace(Plan(), **change)).total < need(shape, Plan()).total
    assert need(shape, Plan()).total < need(shape, Plan(checkpointing=False)).total


def test_in_4_bits_an_8b_model_is_a_quarter_and_fits_where_nothing_else_does() -> None:
    shape = shape_of(QWEN, config_of(QWEN))
    half, quarter = (need(shape, Plan(1, False, 16, in_4bit)).weights for in_4bit in (False, True))
    assert (half - quarter) / shape.matrices == pytest.approx(2 - 0.516)  # the embedding stays as it is
    assert shape.matrices == pytest.approx(0.92 * shape.weights, rel=0.01)
    for gpus in (1, 2):
        _, [_, fits] = says(shape, Plan(gpus, gpus > 1), 12e9)
        assert fits.startswith("what fits: ") and "--lora_r 16 --learning_rate 1e-4 --load_in_4bit" in fits
        assert "accelerate_config.yaml" not in fits  # each GPU holds the whole model


@pytest.mark.parametrize("text", ["", "x24", "0x24", "2x0", "two", "2x24GB"])
def test_gpus_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give how many and their GB, as 2x80"):
        parse_gpus(text)


def test_a_dry_run_needs_no_gpu_no_rows_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that is not in the table, by its config alone."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS[QWEN]))

    def run(*more: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["train_prm.py", "--output_dir", str(tmp_path / "out"), "--dry_run", *more])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    code, out, err = run("--model", str(tmp_path), "--gpus", "2x24", "--lora_r", "16")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2 and "LoRA rank 16, 2 GPUs, FSDP2, 8 rows" in out
    code, out, _ = run("--model", QWEN, "--gpus", "2x24")
    assert code == 1 and "what fits: accelerate launch" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "train" / "configs").glob("*.yaml"))])
def test_every_config_is_one_that_accelerate_reads(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(ROOT / "train" / "configs" / name))
    assert config.num_processes >= config.num_machines
    assert f"train/configs/{name}" in (ROOT / "train" / "README.md").read_text(encoding="utf-8")
    first = (ROOT / "train" / "configs" / name).read_text(encoding="utf-8").partition("compute_environment")[0]
    assert f"--config_file train/configs/{name}" in first  # it names itself, and no other


def test_no_two_configs_say_the_same() -> None:
    files = [ROOT / "accelerate_config.yaml", *(ROOT / "train" / "configs").glob("*.yaml")]
    said = {file.read_text(encoding="utf-8").partition("compute_environment")[2] for file in files}
    assert len(said) == len(files)
