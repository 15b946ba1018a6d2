"""Calibrated scores: of steps scored 0.8, 80% are correct.

    calibration = fit_calibration(log_odds(scores), correct)    # on validation steps
    calibrate_head(model.score, calibration)                    # a model in memory
    calibrate_checkpoint("out/prm", rows)                       # fit and fold in, for a folder: `calibrate.py`

Platt scaling (1999): the log-odds z of a score become slope·z + intercept. A slope alone is temperature scaling (Guo et
al. 2017), which cannot correct a PRM that predicts `correct` too often. Neither changes the order of scores or the AUC.

The log-odds are the difference of the head's two logits, so the calibration is folded into the head: weights and biases
times the slope, the biases shifted apart by the intercept. Everything that loads the checkpoint then gives calibrated
scores: `ProcessRewardModel`, `AutoModelForTokenClassification`, any server. vLLM's own `logit_mean` and `logit_sigma`
cannot do this: they shift both logits alike, which cancels in the softmax.

`prm_calibration.json`, beside the weights, records it, so that it can be undone (`calibrated=False`).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prm_gsm8k.exceptions import CheckpointError, UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike, NDArray

FILE = "prm_calibration.json"  # beside the weights
EPSILON = 1e-7  # scores are clipped to [EPSILON, 1 - EPSILON]: beyond that fp32 log-odds are as good as infinite


@dataclass(frozen=True)
class Calibration:
    """The log-odds z of a score become `slope`·z + `intercept`.

    Attributes:
        steps: number of steps it was fitted on; 0 if it was not fitted.
        fitted_on: where those steps come from.
        before, after: expected calibration error, Brier score and log loss on them.
    """

    slope: float = 1.0
    intercept: float = 0.0
    steps: int = 0
    fitted_on: str = ""
    before: dict[str, float] | None = None
    after: dict[str, float] | None = None

    def apply(self, log_odds: NDArray[Any]) -> NDArray[Any]:
        """Calibrated scores of log-odds, float64 of the same shape."""
        import numpy as np

        return np.asarray(1 / (1 + np.exp(-(self.slope * np.asarray(log_odds, dtype=np.float64) + self.intercept))))

    def inverse(self) -> Calibration:
        """The calibration that undoes this one.

        >>> Calibration(2.0, 1.0).inverse()
        Calibration(slope=0.5, intercept=-0.5, steps=0, fitted_on='', before=None, after=None)
        """
        return Calibration(1 / self.slope, -self.intercept / self.slope)

    def following(self, earlier: Calibration | None) -> Calibration:
        """The composition of `earlier` and then this one, with the record of this one."""
        earlier = earlier or Calibration()
        intercept = self.slope * earlier.intercept + self.intercept
        return Calibration(self.slope * earlier.slope, intercept, self.steps, self.fitted_on, self.before, self.after)

    def save(self, folder: str | Path) -> None:
        """Write `prm_calibration.json` into a folder."""
        Path(folder, FILE).write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Calibration | None:
        """Read `prm_calibration.json` from a folder; None if the PRM there is not calibrated.

        Raises:
            CheckpointError: the file is not one that `save` wrote.
        """
        path = Path(folder, FILE)
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            known = {field.name for field in fields(cls)}
            calibration = cls(**{k: v for k, v in saved.items() if k in known})
            if not all(math.isfinite(x) for x in (calibration.slope, calibration.intercept)) or calibration.slope <= 0:
                raise ValueError(f"slope {calibration.slope}, intercept {calibration.intercept}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path} is not a calibration: {error}") from error
        return calibration


def log_odds(scores: ArrayLike) -> NDArray[Any]:
    """log(p / (1-p)) of scores, as float64; finite for scores of 0 and 1 too."""
    import numpy as np

    p = np.clip(np.asarray(scores, dtype=np.float64), EPSILON, 1 - EPSILON)
    return np.asarray(np.log(p) - np.log1p(-p))


def fit_calibration(
    logits: ArrayLike, correct: ArrayLike, *, method: Literal["platt", "temperature"] = "platt", fitted_on: str = ""
) -> Calibration:
    """The slope and intercept with the least log loss, by logistic regression.

    The targets are Platt's: (n_correct + 1) / (n_correct + 2) and 1 / (n_incorrect + 2) instead of 1 and 0, so that the
    slope stays finite for a PRM that separates a few steps perfectly.

    Args:
        logits: log-odds of each step, `log_odds(scores)`, shape (steps,).
        correct: whether each step is correct, same shape. Take only steps up to the first error.
        method: `temperature` fits the slope alone.
        fitted_on: where the steps come from, for the record.

    Raises:
        UsageError: not one label per step, no correct or no incorrect step, or incorrect steps that score higher.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from prm_gsm8k.metrics.steps import step_metrics

    if method not in ("platt", "temperature"):
        raise UsageError(f"method is platt or temperature, not {method!r}")
    z, label = np.asarray(logits, dtype=np.float64), np.asarray(correct, dtype=bool)
    if z.ndim != 1 or z.shape != label.shape:
        raise UsageError(f"{z.size} scores but {label.size} labels")
    if not np.isfinite(z).all():
        raise UsageError("a score without finite log-odds")
    n_correct, n_incorrect = int(label.sum()), int((~label).sum())
    if not n_correct or not n_incorrect:
        raise UsageError(f"{n_correct} correct and {n_incorrect} incorrect steps: a calibration needs both")
    target = np.where(label, (n_correct + 1) / (n_correct + 2), 1 / (n_incorrect + 2))
    # soft targets: each step once as correct and once as incorrect, weighted
    model = LogisticRegression(C=np.inf, fit_intercept=method == "platt", solver="newton-cholesky", tol=1e-8)
    classes = np.repeat([1, 0], len(z))
    model.fit(np.concatenate([z, z])[:, None], classes, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(model.coef_[0, 0]), float(np.ravel(model.intercept_)[0])
    if slope <= 0:
        raise UsageError(f"incorrect steps score above correct ones (slope {slope:.3g}): no calibration helps this PRM")

    def metrics(calibration: Calibration) -> dict[str, float]:
        scores = calibration.apply(z)
        found = step_metrics(scores, label)
        p = np.clip(np.where(label, scores, 1 - scores), EPSILON, 1)
        return {"ece": found.ece, "brier": found.brier, "log_loss": float(-np.log(p).mean())}

    fitted = Calibration(slope, intercept)
    return Calibration(slope, intercept, len(z), fitted_on, metrics(Calibration()), metrics(fitted))


def calibrate_head(head: torch.nn.Linear, calibration: Calibration) -> None:
    """Fold a calibration into a head of two labels, of which 1 is correct; its dtype stays.

    Raises:
        CheckpointError: the head has no bias.
    """
    import torch

    if head.bias is None:
        raise CheckpointError("the head has no bias, which a calibration needs")
    with torch.no_grad():
        weight, bias = calibrated_weights(head.weight, head.bias, calibration)
        head.weight.copy_(weight)
        head.bias.copy_(bias)


def calibrated_weights(
    weight: torch.Tensor, bias: torch.Tensor, calibration: Calibration
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (2, hidden size) and bias (2,) of a head with the calibration folded in: new tensors in fp32."""
    half = bias.new_tensor([-calibration.intercept / 2, calibration.intercept / 2]).float()
    return weight.float() * calibration.slope, bias.float() * calibration.slope + half
