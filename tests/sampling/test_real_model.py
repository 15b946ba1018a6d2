"""A real model in a real engine: SmolLM2-135M in vLLM on the CPU, from one command to rows that verify."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from engine import SMALL, needs_vllm, use_vllm

from prm_gsm8k.models.vllm_server import COMMAND
from prm_gsm8k.train.small_model import small_model

pytestmark = needs_vllm

PROBLEMS = 8
# So small a model rambles at temperature 1: half of what it writes is cut off before an answer.
ASK = ["--prompt", "few_shot", "--temperature", "0.5", "--max-tokens", "128", "--num-solutions", "2", "--rollouts", "2"]
ASK += ["--max-problems", str(PROBLEMS), "--num-proc", "1", "--json"]


def prm_gsm8k(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "HF_HOME": str(home / "hf"), "PYTHONPATH": path, **more}
    command = [sys.executable, "-m", "prm_gsm8k.cli", *arguments]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)


def test_one_command_samples_labels_and_builds_and_the_next_ones_need_no_engine(tmp_path: Path) -> None:
    use_vllm()
    model = str(small_model(Path(__file__).parents[2] / "build" / "smollm2").resolve())
    build = ["build", "model_sampled", "--model", model, *ASK]
    done = prm_gsm8k(tmp_path, *build, "--out", "data", f"--vllm-args={' '.join(SMALL)}")
    assert done.returncode == 0, done.stderr
    built = json.loads(done.stdout)
    assert "starting vLLM" in done.stderr and "tokens/s" in done.stderr
    assert built["all"]["problems"] >= PROBLEMS / 2
    assert built["all"]["wrong_rows"] > 0
    verified = prm_gsm8k(tmp_path, "verify", "data")
    assert verified.returncode == 0, verified.stdout

    # Another labelling reads the same answers: there is nothing to ask, so the engine, which is none, is not started.
    again = prm_gsm8k(tmp_path, *build, "--out", "data", "--rollouts", "1", **{COMMAND: "false"})
    assert again.returncode == 0, again.stderr
    assert "nothing to ask" in again.stderr
    kept = prm_gsm8k(tmp_path, *build, "--out", "data", "--no-calls", **{COMMAND: "false"})
    assert json.loads(kept.stdout)["content_digest"] == built["content_digest"]
