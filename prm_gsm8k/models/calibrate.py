"""Calibrate a saved PRM: fit on scored rows, then fold slope and intercept into the saved head.

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
    """Calibrate a saved PRM of this package in place. Calling it again calibrates the calibrated PRM.

    Args:
        folder: the checkpoint. Only the weight file that holds the head is replaced.
        rows: validation rows, with `prompt`, `completions` and `first_error`.
        method, fitted_on: see `fit_calibration`.
        options: `dtype`, `device`, `max_batch_tokens` of `ProcessRewardModel.from_pretrained`.

    Returns:
        This fit. `prm_calibration.json` records the composition of all fits since training.

    Raises:
        StepsError: a row cannot be scored.
        UsageError, CheckpointError: as `fit_calibration` and `from_pretrained`.
    """
    prm = ProcessRewardModel.from_pretrained(folder, **options)
    many = prm.score_many([(row["prompt"], row["completions"]) for row in rows])
    scores, correct = judged_steps(many, [row["first_error"] for row in rows])
    fitted = fit_calibration(log_odds(scores), correct, method=method, fitted_on=fitted_on)
    put_into_checkpoint(folder, fitted)
    return fitted


def put_into_checkpoint(folder: str | Path, calibration: Calibration) -> None:
    """Fold a calibration into a checkpoint's head and record it in `prm_calibration.json`.

    Raises:
        CheckpointError: no single file holds a head with weight and bias.
    """
    folder = Path(folder)
    earlier = Calibration.load(folder)
    _rewrite_head(folder, calibration)
    calibration.following(earlier).save(folder)


def _rewrite_head(folder: Path, calibration: Calibration) -> None:
    """Replace the weight file that holds the head, atomically and under the same name, so that an index stays valid."""
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
                f"{path} holds only {heads[0]}; save the model again, so that its head is in one file"
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
