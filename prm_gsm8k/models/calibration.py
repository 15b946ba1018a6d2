"""Scores that mean what they say: of steps with a score of 0.8, 80% are right.

    calibration = fit_calibration(log_odds(scores), right)      # of a validation split
    calibrate_head(model.score, calibration)                    # the checkpoint itself, in memory
    calibrate_checkpoint("out/prm", rows)                       # all of it, for a folder: `calibrate.py`

What is fitted is Platt's (1999): the log-odds z of a score become slope·z + intercept. A slope alone is temperature
scaling (Guo et al. 2017), which cannot mend that a PRM says `right` too often; order and AUC stay as they are in both.

The log-odds are the difference of the head's two logits, so the calibration goes into the head: its weights times the
slope, its biases times the slope and apart by the intercept. Whoever loads the checkpoint then has calibrated scores:
`ProcessRewardModel`, `AutoModelForTokenClassification`, any server. vLLM's own `logit_mean` and `logit_sigma` cannot do
that: it subtracts the mean from both logits, and softmax does not see what they have in common.

`prm_calibration.json`, beside the weights, says what was done, so that it can be undone (`calibrated=False`).
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
NEVER_SURE = 1e-7  # a score this near to 0 or 1 has no log-odds that fp32 could tell from infinite ones


@dataclass(frozen=True)
class Calibration:
    """The log-odds z of a score become `slope`·z + `intercept`.

    Attributes:
        steps: it was fitted on so many; 0 if it was not fitted.
        fitted_on: what those are from.
        before, after: expected calibration error, Brier score and log loss of these steps.
    """

    slope: float = 1.0
    intercept: float = 0.0
    steps: int = 0
    fitted_on: str = ""
    before: dict[str, float] | None = None
    after: dict[str, float] | None = None

    def apply(self, log_odds: NDArray[Any]) -> NDArray[Any]:
        """Calibrated scores of log-odds."""
        import numpy as np

        return np.asarray(1 / (1 + np.exp(-(self.slope * np.asarray(log_odds, dtype=np.float64) + self.intercept))))

    def inverse(self) -> Calibration:
        """What undoes it.

        >>> Calibration(2.0, 1.0).inverse()
        Calibration(slope=0.5, intercept=-0.5, steps=0, fitted_on='', before=None, after=None)
        """
        return Calibration(1 / self.slope, -self.intercept / self.slope)

    def following(self, earlier: Calibration | None) -> Calibration:
        """Both in one, `earlier` first: how a checkpoint that is calibrated again differs from what was trained."""
        earlier = earlier or Calibration()
        intercept = self.slope * earlier.intercept + self.intercept
        return Calibration(self.slope * earlier.slope, intercept, self.steps, self.fitted_on, self.before, self.after)

    def save(self, folder: str | Path) -> None:
        """Write it as `prm_calibration.json` into a folder."""
        Path(folder, FILE).write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Calibration | None:
        """Read it from a folder; None if the PRM there is not calibrated.

        Raises:
            CheckpointError: the file is not what `save` writes.
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
            raise CheckpointError(f"{path} is not what a calibrated PRM has: {error}") from error
        return calibration


def log_odds(scores: ArrayLike) -> NDArray[Any]:
    """log(p / (1-p)) of scores, as float64; those of 0 and 1 are kept finite."""
    import numpy as np

    p = np.clip(np.asarray(scores, dtype=np.float64), NEVER_SURE, 1 - NEVER_SURE)
    return np.asarray(np.log(p) - np.log1p(-p))


def fit_calibration(
    logits: ArrayLike, right: ArrayLike, *, method: Literal["platt", "temperature"] = "platt", fitted_on: str = ""
) -> Calibration:
    """The slope and intercept with the least log loss, by logistic regression.

    The targets are Platt's: instead of 1 and 0 they are (n_right + 1) / (n_right + 2) and 1 / (n_wrong + 2), so that
    the slope stays finite for a PRM that tells all of few steps rightly.

    Args:
        logits: log-odds of each step, `log_odds(scores)`.
        right: whether each step is right; only steps up to the first error have a label that means something.
        method: `temperature` fits the slope alone.
        fitted_on: what the steps are from, for the record.

    Raises:
        UsageError: not one label a step, right or wrong steps missing, or scores that are higher for wrong steps.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from prm_gsm8k.metrics.steps import step_metrics

    if method not in ("platt", "temperature"):
        raise UsageError(f"method is platt or temperature, not {method!r}")
    z, label = np.asarray(logits, dtype=np.float64), np.asarray(right, dtype=bool)
    if z.ndim != 1 or z.shape != label.shape:
        raise UsageError(f"{z.size} scores but {label.size} labels")
    if not np.isfinite(z).all():
        raise UsageError("a score without finite log-odds")
    n_right, n_wrong = int(label.sum()), int((~label).sum())
    if not n_right or not n_wrong:
        raise UsageError(f"{n_right} right and {n_wrong} wrong steps: a calibration needs both")
    target = np.where(label, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    # soft targets: each step once as right and once as wrong, weighted
    model = LogisticRegression(C=np.inf, fit_intercept=method == "platt", solver="newton-cholesky", tol=1e-8)
    sides = np.repeat([1, 0], len(z))
    model.fit(np.concatenate([z, z])[:, None], sides, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(model.coef_[0, 0]), float(np.ravel(model.intercept_)[0])
    if slope <= 0:
        raise UsageError(f"wrong steps score above right ones (slope {slope:.3g}): no calibration helps this PRM")

    def metrics(calibration: Calibration) -> dict[str, float]:
        scores = calibration.apply(z)
        found = step_metrics(scores, label)
        p = np.clip(np.where(label, scores, 1 - scores), NEVER_SURE, 1)
        return {"ece": found.ece, "brier": found.brier, "log_loss": float(-np.log(p).mean())}

    fitted = Calibration(slope, intercept)
    return Calibration(slope, intercept, len(z), fitted_on, metrics(Calibration()), metrics(fitted))


def calibrate_head(head: torch.nn.Linear, calibration: Calibration) -> None:
    """Put a calibration into the head of two labels, of which 1 is `right`; its dtype stays.

    Raises:
        CheckpointError: it has no bias to hold an intercept.
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
    """The same of its weight (2, hidden size) and bias (2,): new tensors in fp32."""
    half = bias.new_tensor([-calibration.intercept / 2, calibration.intercept / 2]).float()
    return weight.float() * calibration.slope, bias.float() * calibration.slope + half
