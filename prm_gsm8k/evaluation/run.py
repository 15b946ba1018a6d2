"""A whole evaluation: models and data in, one JSON-serializable result out.

    result = evaluate(["output/prm"], "processbench", read("processbench", "Qwen/ProcessBench"))
    result["models"][0]["metrics"]["f1"]          # {"value": 0.68, "low": 0.63, "high": 0.73}

Before anything is scored, every model is located and checked for training on the benchmark's questions.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from prm_gsm8k.evaluation.baselines import BASELINES
from prm_gsm8k.evaluation.benchmarks import Data, Solution
from prm_gsm8k.evaluation.evaluator import Evaluator, ModelResult
from prm_gsm8k.evaluation.scores import Progress, checkpoint_digest, score
from prm_gsm8k.evaluation.thresholds import Threshold, refuse_shared_questions
from prm_gsm8k.evaluation.training_record import Seen, Training, read_training, refuse_trained_on, seen_in_training
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.hub.client import bars_on_a_terminal_only
from prm_gsm8k.metrics.intervals import LEVEL, RESAMPLES, paired
from prm_gsm8k.metrics.steps import best_threshold
from prm_gsm8k.models.checkpoint import checkpoint_folder
from prm_gsm8k.models.scorers import load_scorer
from prm_gsm8k.models.step_scorer import StepScorer

SCORES = "scores"  # subfolder of --out


@dataclass(frozen=True)
class Model:
    """A model that is not loaded yet: name as given, files (None for a server), digest and training record."""

    name: str
    path: str
    revision: str | None
    folder: Path | None
    digest: str | None
    training: Training | None


def evaluate(
    models: Sequence[str],
    benchmark: str,
    data: Data,
    *,
    validation: Data | None = None,
    out: Path | None = None,
    device: str | None = None,
    dtype: Literal["auto", "bf16", "fp32"] = "auto",
    max_batch_tokens: int | None = None,
    step_format: str | None = None,
    allow_trained_on: bool = False,
    draws: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Evaluate models and the baselines.

    Args:
        models: folders, `ORG/NAME[@REVISION]` on the Hub, or server URLs; empty for the baselines only.
        benchmark: a name of `benchmarks.BENCHMARKS`.
        data: from `benchmarks.read`.
        validation: rows of other questions on which each model's threshold is chosen, instead of its own.
        out: folder to which scores are saved as they are computed, so that a killed run resumes.
        device, dtype, step_format: see `scorers.load_scorer`.
        max_batch_tokens: tokens per forward pass, padding included; see `ProcessRewardModel`.
        allow_trained_on: evaluate a model also on questions it was trained on; the result says how many.
        draws: number of bootstrap resamples, and of permutations in a paired test.
        seed: of the resamples and permutations.
        progress: called while scoring.
        announce: called with messages for the user.

    Returns:
        `models`, including the baselines (`kind`), each with `metrics` (name -> value, low, high), `at` (metrics at the
        thresholds 0.5, validation and oracle), `curves` and `examples`; `paired`, differences with intervals and p; and
        `benchmark`, `data`, `settings`, `versions`.

    Raises:
        ContaminationError: a model was trained on questions of the data.
        UsageError: a model is given twice, or a threshold would be chosen on the test set.
        CheckpointError, BadInputError, HubError, EngineError: a model cannot be loaded or cannot score the data.
    """
    if twice := [name for n, name in enumerate(models) if name in models[:n]]:
        raise UsageError(f"{twice[0]} is given twice")
    if taken := [name for name in models if name in BASELINES]:
        raise UsageError(f"{taken[0]!r} is the name of a baseline; name the folder ./{taken[0]}")
    if validation is not None and benchmark == "best-of-n":
        raise UsageError("best-of-n has no threshold; leave --threshold-data out")
    if validation is not None:
        refuse_shared_questions(data.solutions, validation.solutions)
    evaluator = Evaluator(benchmark, data.solutions, draws, seed)
    known = [_find(name) for name in models]
    seen = {model.name: _contamination(model, data, allow_trained_on, announce) for model in known}

    scored: dict[str, tuple[list[list[float]], Threshold | None]] = {}
    for model in known:
        load = partial(load_scorer, model.path, revision=model.revision, device=device, dtype=dtype)
        scorer = _LazyScorer(partial(load, max_batch_tokens=max_batch_tokens, step_format=step_format))
        by = ["server" if model.folder is None else _place(device), dtype, str(step_format)]
        scores = score(model.name, scorer, data.solutions, _score_file(out, model, data, by), progress, announce)
        threshold = _threshold(model, benchmark)
        if validation is not None:
            rows = validation.solutions
            chosen = score(model.name, scorer, rows, _score_file(out, model, validation, by), progress, announce)
            threshold = _chosen(chosen, rows, validation.name)
        scored[model.name] = scores, threshold
    for name, baseline in BASELINES.items():
        scores = [baseline(s.problem, s.steps) for s in data.solutions]
        threshold = None
        if validation is not None:
            rows = validation.solutions
            threshold = _chosen([baseline(s.problem, s.steps) for s in rows], rows, validation.name)
        scored[name] = scores, threshold

    measured: dict[str, ModelResult] = {}
    for n, (name, (scores, threshold)) in enumerate(scored.items()):
        if progress is not None:
            progress("resampling", n, len(scored))
        measured[name] = evaluator.evaluate(scores, threshold, examples=name not in BASELINES)
    digests = {model.name: model.digest for model in known}
    return {
        "benchmark": benchmark,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            "name": data.name,
            "digest": data.digest,
            "rows": len(data.solutions),
            "problems": len(evaluator.problems),
            "steps": sum(len(s.steps) for s in data.solutions),
            "subsets": [name for name in evaluator.subsets if name],
            "notes": list(data.notes),
        },
        "versions": _versions(),
        "settings": {
            "dtype": dtype,
            "device": device or "auto",
            "threshold_data": None if validation is None else f"{validation.name} ({validation.digest})",
            "allow_trained_on": allow_trained_on,
            "resamples": draws,
            "level": LEVEL,
            "seed": seed,
            **({"n": evaluator.ns[-1]} if evaluator.ns else {}),
        },
        "models": [
            {
                "name": name,
                "kind": "baseline" if name in BASELINES else "model",
                "digest": digests.get(name),
                "trained_on": None if seen.get(name) is None else {"seen": seen[name].seen, "of": seen[name].questions},  # type: ignore[union-attr]
                "metrics": one.metrics,
                "at": one.at,
                "curves": one.curves,
                "examples": one.examples,
            }
            for name, one in measured.items()
        ],
        "paired": _pairs(evaluator, measured, [model.name for model in known], seed),
    }


class _LazyScorer(StepScorer):
    """Loads the scorer on first use: a run whose scores are all saved loads no model."""

    def __init__(self, load: Callable[[], StepScorer]) -> None:
        self.load = cache(load)

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        return self.load().score_many(solutions)


def _find(name: str) -> Model:
    """Locate a model, and download it from the Hub if need be. Whether it is a PRM shows when it is loaded."""
    if name.startswith(("http://", "https://")):
        return Model(name, name, None, None, None, None)
    if Path(name).is_dir():
        folder = Path(name)
        return Model(name, name, None, folder, checkpoint_digest(folder), read_training(folder))
    path, _, revision = name.partition("@")
    with bars_on_a_terminal_only():
        folder = checkpoint_folder(path, revision or None)
    return Model(name, path, revision or None, folder, checkpoint_digest(folder), read_training(folder))


def _contamination(model: Model, data: Data, allowed: bool, announce: Callable[[str], None]) -> Seen | None:
    """The questions of the data a model was trained on, None if unknown; raises if there are some and not `allowed`."""
    if model.training is None:
        announce(f"{model.name} has no training record; it may have been trained on these questions")
        return None
    found = seen_in_training(model.training, data.solutions)
    if not allowed:
        refuse_trained_on(model.name, found, data.name)
    elif found.seen:
        announce(f"{model.name} was trained on {found.seen:,} of the {found.questions:,} questions")
    return found


def _score_file(out: Path | None, model: Model, data: Data, by: Sequence[str]) -> Path | None:
    """The file for a model's scores on some data; None if nothing identifies the model."""
    if out is None or model.digest is None:
        return None
    key = "\n".join([model.digest, data.digest, *by])
    return out / SCORES / f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.jsonl"


def _place(device: str | None) -> str:
    import torch

    return str(torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")).type)


def _threshold(model: Model, benchmark: str) -> Threshold | None:
    """The threshold that was chosen in training."""
    training = model.training
    if benchmark == "best-of-n" or training is None or training.threshold is None:
        return None
    return Threshold(training.threshold, training.chosen_on or "validation, in training")


def _chosen(scores: Sequence[Sequence[float]], rows: Sequence[Solution], name: str) -> Threshold:
    labels = [s.label if s.label is not None else -1 for s in rows]
    return Threshold(best_threshold(scores, labels)[0], name)


def _pairs(
    evaluator: Evaluator, measured: Mapping[str, ModelResult], models: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """All pairs of models, and of a model and a baseline; for best-of-N also of a model and the majority vote."""
    found = []
    pairs = [*combinations(models, 2), *((model, baseline) for model in models for baseline in BASELINES)]
    for a, b in pairs:
        for metric in evaluator.headline:
            if None not in (measured[a].metrics[metric]["value"], measured[b].metrics[metric]["value"]):
                one = paired(measured[a].counts, measured[b].counts, evaluator.protocol, metric, evaluator.drawn, seed)
                found.append({"a": a, "b": b, "metric": metric, **vars(one)})
    if evaluator.benchmark == "best-of-n":
        for model in models:
            mine = measured[model].counts
            for metric in evaluator.headline:
                vote = {**mine, f"{metric}@{evaluator.ns[-1]}": mine[f"majority@{evaluator.ns[-1]}"]}
                one = paired(mine, vote, evaluator.protocol, metric, evaluator.drawn, seed)
                found.append({"a": model, "b": "majority vote", "metric": metric, **vars(one)})
    return found


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("prm-gsm8k", "torch", "transformers", "tokenizers", "numpy", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
