"""Training runs in processes of their own: one, or several as GPUs would have them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from tiny import common

ROOT = Path(__file__).parent.parent.parent
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]


def launch(
    place: Path, out: str, *more: str, processes: int = 1, config: str = "", env: Sequence[tuple[str, str]] = ()
) -> subprocess.Popen[bytes]:
    """Train into `place / out`, with what is printed in `place / out.log`; `config` is a YAML file of accelerate."""
    script = ["train/train_prm.py", *common(place), "--output_dir", str(place / out), *more]
    if processes > 1:
        script = [*TORCHRUN, str(processes), "tests/train/on_cpus.py", config, *script]
    log = (place / f"{out}.log").open("ab")
    return subprocess.Popen(
        [sys.executable, *script],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(place / "hf")} | dict(env),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def finish(job: subprocess.Popen[bytes], place: Path, out: str) -> Path:
    """The folder of a run that must end well."""
    assert job.wait(600) == 0, (place / f"{out}.log").read_text()[-5000:]
    return place / out


def killed_and_resumed(place: Path, out: str, *more: str, processes: int = 1, config: str = "") -> None:
    """Ten steps at once, and killed at a random step and started again: the same bits."""
    more = ("--max_steps", "10", "--save_steps", "2", "--eval_steps", "2", "--seed", "7", *more)
    whole = finish(launch(place, f"{out}-whole", *more, processes=processes, config=config), place, f"{out}-whole")
    at = random.Random(processes).choice([4, 6, 8])  # and a whole checkpoint is before it
    job = launch(place, out, *more, processes=processes, config=config)
    deadline = time.monotonic() + 600
    while not (place / out / f"checkpoint-{at}").exists():
        assert job.poll() is None and time.monotonic() < deadline, (place / f"{out}.log").read_text()[-5000:]
        time.sleep(0.01)
    launcher = psutil.Process(job.pid)
    for process in [launcher, *launcher.children(recursive=True)]:  # torchrun's are in sessions of their own
        process.kill()
    job.wait()
    assert not (place / out / "prm_training.json").exists()
    resumed = finish(launch(place, out, *more, processes=processes, config=config), place, out)
    assert "going on from" in (place / f"{out}.log").read_text()
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()
