"""Training runs in processes of their own: one, or several as GPUs would have them.

The processes are forked from one that has imported torch and the trainer, which takes longer than a short run, and find
each other as those that `torch.distributed.run` starts. A run that does not end is an error.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch.distributed
from on_cpus import as_launched
from tiny import common

from prm_gsm8k.train.record import FILE

ROOT = Path(__file__).parent.parent.parent
LONGEST = 600  # seconds of a run, of which it needs ten: a machine may be busy
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["prm_gsm8k.train.train_prm", "transformers.models.llama.modeling_llama", "sklearn.metrics", "matplotlib.figure"]
)


@dataclass
class Run:
    """The processes of a run, what they write to, and what they print."""

    processes: list[BaseProcess]
    out: Path
    log: Path
    store: torch.distributed.TCPStore  # where they meet

    def codes(self) -> list[int | None]:
        """How each ended; None if it still runs."""
        return [process.exitcode for process in self.processes]

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()

    def fail_if(self, condition: bool, what: str) -> None:
        if condition:
            codes = self.codes()
            self.kill()
            raise AssertionError(f"{what}; exit codes {codes} (None: still ran)\n{self.log.read_text()[-5000:]}")


def launch(place: Path, out: str, *more: str, processes: int = 1, config: str = "") -> Run:
    """Train into `place / out`, with what is printed in `place / out.log`; `config` is a YAML file of accelerate."""
    words = [*common(place), "--output_dir", str(place / out), *more]
    return start(_train, (words, config), place / out, processes)


def start(target: Callable[..., object], arguments: tuple[object, ...], out: Path, processes: int) -> Run:
    """Call a function in each of some processes, which write to `out` and print to `out.log`."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    everyone = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }
    log = out.with_name(f"{out.name}.log")
    log.touch()
    ranks = []
    for rank in range(processes):
        env = {**everyone, "RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else {}
        ranks.append(FORKS.Process(target=_one, args=(target, arguments, log, env), daemon=True))
        ranks[-1].start()
    return Run(ranks, out, log, store)


def _one(target: Callable[..., object], arguments: tuple[object, ...], log: Path, env: Mapping[str, str]) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ |= env
    target(*arguments)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _train(words: list[str], config: str) -> None:
    """`train_prm.py` in this process."""
    from prm_gsm8k.train.arguments import parse
    from prm_gsm8k.train.train_prm import train

    if config:
        as_launched(ROOT / config, bf16="true" in words[words.index("--bf16") + 2 :])  # the last one counts
    train(*parse(words))


def finish(run: Run) -> Path:
    """What a run that must end well has written to."""
    deadline = time.monotonic() + LONGEST
    while None in (codes := run.codes()) and not any(codes):
        run.fail_if(time.monotonic() > deadline, f"no end after {LONGEST} s")
        wait([process.sentinel for process in run.processes if process.exitcode is None], timeout=1)
    run.fail_if(any(codes), "a process failed")
    return run.out


def killed_and_resumed(place: Path, out: str, *more: str, processes: int = 1, config: str = "") -> None:
    """Ten steps at once, and killed at a random step and started again: the same bits."""
    more = ("--max_steps", "10", "--save_steps", "2", "--eval_steps", "2", "--seed", "7", *more)
    whole = finish(launch(place, f"{out}-whole", *more, processes=processes, config=config))
    at = random.Random(processes).choice([4, 6, 8])  # and a whole checkpoint is before it
    run = launch(place, out, *more, processes=processes, config=config)
    deadline = time.monotonic() + LONGEST
    while not (run.out / f"checkpoint-{at}").exists():
        run.fail_if(run.codes() != [None] * processes or time.monotonic() > deadline, f"no checkpoint-{at}")
        time.sleep(0.01)
    run.kill()
    assert not (run.out / FILE).exists()
    resumed = finish(launch(place, out, *more, processes=processes, config=config))
    assert "going on from" in run.log.read_text()
    for folder in (whole, resumed):
        assert json.loads((folder / FILE).read_text())["processes"] == processes
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()
