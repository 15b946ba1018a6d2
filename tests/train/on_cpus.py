"""What `accelerate launch` tells the processes of a config for GPUs, told on CPUs, in fp32 if not in bf16.

Where it is told of a CPU it starts one process. accelerate has FSDP on devices of all kinds but the CPU, on which torch
has it too: that kind is added here, and gathered weights are waited for, as copying them from a GPU does.
"""

from __future__ import annotations

import inspect
import os
import textwrap
from pathlib import Path
from typing import Any

import torch
import yaml
from accelerate import Accelerator, state
from accelerate.state import AcceleratorState
from torch.distributed._functional_collectives import AsyncCollectiveTensor


def environment(config: dict[str, Any]) -> dict[str, str]:
    """What `accelerate launch` would set."""
    told = {"ACCELERATE_USE_CPU": "true", "ACCELERATE_MIXED_PRECISION": "no"}
    if config["distributed_type"] == "FSDP":
        told["ACCELERATE_USE_FSDP"] = "true"
        told |= {name.upper(): str(value).lower() for name, value in config["fsdp_config"].items()}
        for name in ("FSDP_AUTO_WRAP_POLICY", "FSDP_STATE_DICT_TYPE"):
            told[name] = told[name].upper()
    return told


def allow_fsdp() -> None:
    """Let accelerate take FSDP2 on a CPU."""
    source = textwrap.dedent(inspect.getsource(AcceleratorState.__init__))
    kind = "DistributedType.MULTI_GPU,"
    assert source.count(kind) == 1
    made: dict[str, Any] = {}
    exec(source.replace(kind, f"{kind} DistributedType.MULTI_CPU,"), state.__dict__, made)
    AcceleratorState.__init__ = made["__init__"]
    gather = Accelerator.get_state_dict

    def get_state_dict(self: Accelerator, *arguments: Any, **named: Any) -> dict[str, Any]:
        gathered = gather(self, *arguments, **named)
        return {name: t.wait() if isinstance(t, AsyncCollectiveTensor) else t for name, t in gathered.items()}

    Accelerator.get_state_dict = get_state_dict


def as_launched(file: Path, *, bf16: bool = False) -> None:
    """Make this process one that `accelerate launch --config_file FILE` has started; a CPU may emulate bf16."""
    os.environ |= environment(yaml.safe_load(file.read_text(encoding="utf-8")))
    if bf16:
        os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
        torch.cpu.get_capabilities = lambda: {"avx512_bf16": True}
    allow_fsdp()
