"""Calibrate a PRM in its folder: fit on scored rows, then put slope and intercept into the saved head.

calibrate_checkpoint("out/prm", rows)
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from prm_gsm8k.exceptions import CheckpointError
from prm_gsm8k.metrics.steps import judged_steps
from prm_gsm8k.models.calibration import Calibration, calibrated_weights, fit_calibration, log_odds
from prm_gsm8k.models.reward_model import ProcessRewardModel


def calibrate_checkpoint(
    folder: str | Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    method: Literal["platt", "temperature"] = "platt",
    fitted_on: str = "",
    **options: Any,
) -> Calibration:
    """Calibrate a PRM of this package in its folder. Doing it again calibrates what is there by then.

    Args:
        folder: the checkpoint; the file with its head's weights is replaced, the others are not touched.
        rows: of a validation split, with `prompt`, `completions` and `first_error`.
        method, fitted_on: see `fit_calibration`.
        options: `dtype`, `device`, `max_batch_tokens` of `ProcessRewardModel.from_pretrained`.

    Returns:
        What was fitted now. `prm_calibration.json` holds all that was done since the training.

    Raises:
        StepsError: a row that cannot be scored.
        UsageError, CheckpointError: as `fit_calibration` and `from_pretrained`.
    """
    prm = ProcessRewardModel.from_pretrained(folder, **options)
    many = prm.score_many([(row["prompt"], row["completions"]) for row in rows])
    scores, right = judged_steps(many, [row["first_error"] for row in rows])
    fitted = fit_calibration(log_odds(scores), right, method=method, fitted_on=fitted_on)
    put_into_checkpoint(folder, fitted)
    return fitted


def put_into_checkpoint(folder: str | Path, calibration: Calibration) -> None:
    """Put a calibration of a checkpoint's scores into its head and its `prm_calibration.json`.

    Raises:
        CheckpointError: it has no head of two labels in one file.
    """
    folder = Path(folder)
    earlier = Calibration.load(folder)
    _rewrite_head(folder, calibration)
    calibration.following(earlier).save(folder)


def _rewrite_head(folder: Path, calibration: Calibration) -> None:
    """Replace the file of weights that holds the head: whole or not at all, and by its name, so an index stays true."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            names, metadata = set(file.keys()), file.metadata()
        heads = sorted(name for name in names if name in ("score.weight", "score.bias"))
        if not heads:
            continue
        if len(heads) < 2:
            raise CheckpointError(
                f"{path} holds {heads[0]} alone; save the model again, so that its head is in one file"
            )
        tensors = load_file(path)
        old = tensors["score.weight"], tensors["score.bias"]
        for name, new, before in zip(heads[::-1], calibrated_weights(*old, calibration), old, strict=True):
            tensors[name] = new.to(before.dtype)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=folder)
        os.close(descriptor)
        try:
            save_file(tensors, name, metadata=metadata)
            os.chmod(name, path.stat().st_mode)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
        return
    raise CheckpointError(f"{folder} has no head called `score`, as transformers' …ForTokenClassification have")
