"""Several processes train the PRM that one trains: FSDP2, as accelerate_config.yaml has it, and DDP, on CPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from launching import LONGEST, ROOT, finish, killed_and_resumed, launch
from safetensors.torch import load_file
from tiny import common, rows_file, tiny_model

from prm_gsm8k.train.arguments import parse
from prm_gsm8k.train.train_prm import train
from prm_gsm8k.train.trainer import new_model

FSDP, DDP = "accelerate_config.yaml", "train/configs/ddp.yaml"
WHOLE = ("--eval_strategy", "no", "--save_steps", "3", "--calibrate", "false")  # the last weights as they are
LORA = ("--lora_r", "2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two")
    tiny_model(place / "model")
    rows_file(place / "rows.jsonl")
    return place


def steps_of(folder: Path) -> dict[str, list[float]]:
    """Loss and gradient norm of each step."""
    last = max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    history = json.loads((last / "trainer_state.json").read_text())["log_history"]
    return {name: [entry[name] for entry in history if name in entry] for name in ("loss", "grad_norm")}


def is_as_one_process(place: Path, config: str, *more: str) -> None:
    out = "-".join(["two", Path(config).stem, *(word.strip("-") for word in more)])
    are_equal(place, finish(launch(place, out, *WHOLE, *more, processes=2, config=config)), *more)


def are_equal(place: Path, two: Path, *more: str) -> None:
    one = train(*parse([*common(place), "--output_dir", str(place / f"one-{two.name}"), *WHOLE, *more]))
    assert json.loads((two / "prm_training.json").read_text())["processes"] == 2
    expected, seen = steps_of(one), steps_of(two)
    assert len(seen["loss"]) == 6
    for name in seen:
        assert seen[name] == pytest.approx(expected[name], rel=1e-5), name
    torch.manual_seed(42)
    head = new_model(str(place / "model"), dtype=torch.float32).score.weight
    ours, theirs = load_file(two / "model.safetensors"), load_file(one / "model.safetensors")
    assert (ours["score.weight"] - head).abs().amax(dim=1).min() > 1e-3  # of both labels
    for name, weights in theirs.items():
        torch.testing.assert_close(ours[name], weights, rtol=0.0, atol=2e-4)


@pytest.mark.slow
def test_fsdp2_trains_what_one_process_trains(place: Path) -> None:
    """The head was once left on `meta` in all processes but the first, and half of it never moved."""
    is_as_one_process(place, FSDP)


@pytest.mark.slow
def test_fsdp2_in_bf16_trains_nearly_what_one_process_trains_in_fp32(place: Path) -> None:
    """Computed in bf16; weights, Adam and the sums of gradients are in fp32, and saved in bf16."""
    two = finish(launch(place, "two in bf16", *WHOLE, "--bf16", "true", processes=2, config=FSDP))
    one = train(*parse([*common(place), "--output_dir", str(place / "one in fp32"), *WHOLE]))
    expected, seen = steps_of(one), steps_of(two)
    assert seen["loss"] == pytest.approx(expected["loss"], rel=0.02) and seen["loss"] != expected["loss"]
    ours, theirs = load_file(two / "model.safetensors"), load_file(one / "model.safetensors")
    assert {weights.dtype for weights in ours.values()} == {torch.bfloat16}
    for name, weights in theirs.items():  # six steps move them by some 0.03
        assert (ours[name].float() - weights).abs().mean() < 4e-3, name


@pytest.mark.slow
def test_fsdp2_trains_adapters_as_one_process_does(place: Path) -> None:
    is_as_one_process(place, FSDP, *LORA)


@pytest.mark.slow
def test_ddp_trains_what_one_process_trains(place: Path) -> None:
    """The script itself, as torchrun starts it."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, "train/train_prm.py", *common(place), "--output_dir", str(place / "two"), *WHOLE]
    on_cpus = {"ACCELERATE_USE_CPU": "true", "ACCELERATE_MIXED_PRECISION": "no"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | on_cpus, capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == 0, done.stderr[-5000:]
    are_equal(place, place / "two")


@pytest.mark.slow
@pytest.mark.parametrize("rows", ["1", "3"])
def test_fewer_rows_at_once_and_an_epoch_that_does_not_divide_are_the_same(place: Path, rows: str) -> None:
    """139 rows, 60 a step: the last step of an epoch has 19 rows, and micro-batches with none."""
    is_as_one_process(place, DDP, "--rows_per_step", "60", "--per_device_train_batch_size", rows)


@pytest.mark.slow
@pytest.mark.parametrize(("config", "more"), [(FSDP, ()), (FSDP, LORA), (DDP, ())])
def test_killed_at_a_random_step_and_started_again_two_end_bit_equal(
    place: Path, config: str, more: tuple[str, ...]
) -> None:
    killed_and_resumed(place, "-".join(["killed", Path(config).stem, *more]), *more, processes=2, config=config)
