"""`prm_training.json`: everything that made a PRM, beside its weights.

    {"base_model": "Qwen/Qwen3-8B", "base_revision": "…",
     "data": {"sources": [{"dataset": "org/prm-gsm8k", "config": "synthetic", "revision": "…", "content_digest": "…",
                           "rows": 32851}],
              "digest": "…", "counts": {…}, "problems": ["0123456789abcdef", …]},
     "arguments": {…}, "seed": 42, "processes": 2, "steps": 874, "tokens": 7000000,
     "metrics": {"validation": {"auc": 0.9, …}, "validation, prm800k": {…}, …},
     "threshold": {"value": 0.43, "chosen_on": "validation"},
     "versions": {"torch": "2.13.0", …}, "hardware": "2 × NVIDIA H100 80GB HBM3"}

`problems` names every question that was trained on, so that an evaluation can refuse them.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import prm_gsm8k
from prm_gsm8k.train.data import parse_place

if TYPE_CHECKING:
    from transformers import TrainingArguments

    from prm_gsm8k.train.arguments import PrmArguments
    from prm_gsm8k.train.data import Data

FILE = "prm_training.json"
PLACES = ("model", "dataset", "validation")  # arguments that may be paths
PACKAGES = ("torch", "transformers", "accelerate", "peft", "datasets", "tokenizers", "flash-attn", "numpy")


def training_record(
    options: PrmArguments,
    training: TrainingArguments,
    data: Data,
    *,
    base_revision: str | None,
    steps: int,
    tokens: int,
    metrics: dict[str, dict[str, float]],
    threshold: float,
) -> dict[str, Any]:
    """The record of a finished run, ready for JSON."""
    return {
        "base_model": _name(options.model),
        "base_revision": base_revision,
        "data": {
            "sources": [{**asdict(source), "dataset": _name(source.dataset)} for source in data.sources],
            "digest": data.digest,
            "counts": data.counts,
            "problems": data.problems,
        },
        "arguments": {k: _names(v) if k in PLACES else v for k, v in arguments_of(options, training).items()},
        "seed": training.seed,
        "processes": training.world_size,
        "steps": steps,
        "tokens": tokens,
        "metrics": metrics,
        "threshold": {"value": threshold, "chosen_on": "validation"},
        "versions": {"prm-gsm8k": prm_gsm8k.__version__, "python": platform.python_version(), **_versions()},
        "hardware": hardware(training.world_size),
    }


def arguments_of(options: PrmArguments, training: TrainingArguments) -> dict[str, Any]:
    """Our options, and those of transformers that are not its defaults; no token of the Hub among them."""
    from transformers import TrainingArguments as Theirs

    default = Theirs(output_dir="x", report_to=[], use_cpu=True).to_dict()
    theirs = {name: value for name, value in training.to_dict().items() if default.get(name) != value}
    left_out = ("output_dir", "logging_dir", "hub_token", "run_name", "use_cpu")
    return {**asdict(options), **{name: value for name, value in theirs.items() if name not in left_out}}


def _name(place: str | None) -> str | None:
    """What a place is called: the record is published, and what else a path says is nobody's business."""
    return Path(place).name if place is not None and Path(place).exists() else place


def _names(words: str | list[str] | None) -> str | list[str | None] | None:
    """The same of one or more places, with what stands after them."""
    if isinstance(words, list):
        return [_names(word) for word in words]  # type: ignore[misc]
    if words is None:
        return None
    place = parse_place(words)[0]
    return f"{_name(place)}{words.removeprefix(place)}"


def write_record(record: dict[str, Any], folder: Path) -> None:
    """Write it whole or not at all."""
    half = folder / f".{FILE}"
    half.write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")
    half.replace(folder / FILE)


def hardware(processes: int) -> str:
    """What it ran on, in words."""
    if torch.cuda.is_available():
        return f"{processes} × {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), {processes} process{'es' if processes > 1 else ''}"


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
