"""Room for checkpoints: asked for before the hours of training, and a full disk said in words when one is written.

A checkpoint is the weights and, of those that are trained, Adam's two averages in fp32: 12 bytes a weight in full
training (1.6 GB for 135M, 92 GB for 8B).
"""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import TrainingArguments

from prm_gsm8k.exceptions import PrmGsm8kError

ADAM = 8  # bytes a trained weight
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CURES = "free some space, or name an --output_dir on another disk; --save_strategy no takes none"


def checkpoint_bytes(model: torch.nn.Module, args: TrainingArguments) -> int:
    """What one checkpoint takes: of adapters, if it has any, and else of the whole model."""
    trained = [p for p in model.parameters() if p.requires_grad]
    saved = trained if hasattr(model, "peft_config") else model.parameters()
    averages: int = ADAM * sum(p.numel() for p in trained)
    weights: int = sum(p.numel() * p.element_size() for p in saved)
    return weights + averages


def check_room(model: torch.nn.Module, args: TrainingArguments, there: int) -> None:
    """Raise `PrmGsm8kError` if the disk has no room for the checkpoints that a run keeps, beside those `there`."""
    strategy = str(getattr(args.save_strategy, "value", args.save_strategy))
    if strategy == "no":
        return
    most = math.ceil(1 / args.save_steps) if strategy == "steps" and args.save_steps < 1 else math.inf
    limit = math.inf if args.save_total_limit is None else args.save_total_limit + 1  # the oldest goes last
    wanted = max(1, int(min(most, limit, 3)) - there)
    one, free = checkpoint_bytes(model, args), shutil.disk_usage(args.output_dir).free
    if free < wanted * one:
        raise PrmGsm8kError(
            f"{args.output_dir}: {free / 1e9:.3g} GB free, and {wanted} more checkpoint{'s' * (wanted > 1)} of "
            f"{one / 1e9:.3g} GB are to be written: {_CURES}"
        )


@contextmanager
def said_if_full(model: torch.nn.Module, args: TrainingArguments) -> Iterator[None]:
    """Within it a checkpoint is written; raises `PrmGsm8kError` where the disk has no room for it."""
    one, free = checkpoint_bytes(model, args), shutil.disk_usage(args.output_dir).free
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch and safetensors say "iostream error" and the like
        if getattr(error, "errno", None) in _FULL or free < one or "iostream error" in _chain(error):
            raise PrmGsm8kError(
                f"{args.output_dir}: a checkpoint of {one / 1e9:.3g} GB could not be written, the disk is full or "
                f"files may not grow that large: {_CURES}. The same command goes on from the last whole checkpoint"
            ) from error
        raise


def _chain(error: BaseException | None) -> str:
    said = ""
    while error is not None:
        said += f"{error}\n"
        error = error.__context__
    return said
