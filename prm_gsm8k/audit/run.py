"""The whole audit: from the name of a data set to one dict for the terminal, JSON and the HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k import __version__
from prm_gsm8k.audit.arithmetic import false_equation_shares
from prm_gsm8k.audit.duplicates import find_duplicates, overlaps
from prm_gsm8k.audit.error_positions import distances, error_positions
from prm_gsm8k.audit.features import extract_features
from prm_gsm8k.audit.one_label import find_markers, unseen_reasons
from prm_gsm8k.audit.probe import (
    FEWEST,
    judged_steps,
    matched_pairs,
    matched_probe,
    pair_features,
    resample_problems,
    sample_problems,
    shortcut_probe,
)
from prm_gsm8k.audit.reference import Reference, as_json, read_reference, shipped_reference, shortcut
from prm_gsm8k.audit.solutions import Data, Solution, read_data
from prm_gsm8k.audit.surface_cues import cues_in_pairs, cues_in_steps
from prm_gsm8k.audit.verdicts import BAD, Line, verdicts
from prm_gsm8k.metrics.intervals import Resamples, estimate, of_resamples, weighted_auc

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Progress

PARTS = ("reading", "duplicates", "shortcut probe", "matched probe", "arithmetic", "error positions")
CUES_BY_GROUP = 5


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        data: what was audited.
        reference: what it was compared with.
        lines: the verdicts.
        found: the measurements behind them, by the keys of `--json`.
    """

    data: Data
    reference: Reference
    lines: Sequence[Line]
    found: dict[str, Any]

    @property
    def bad(self) -> list[Line]:
        """The verdicts that are bad."""
        return [line for line in self.lines if line.verdict == BAD]

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain types."""
        count = Counter(line.verdict for line in self.lines)
        return {
            "ok": not self.bad,
            "data": self.data.name,
            "notes": list(self.data.notes),
            "verdicts": {verdict: count[verdict] for verdict in ("ok", "look", "bad")},
            "lines": [asdict(line) for line in self.lines],
            **_plain(self.found),
            "shape": [[*position, n] for position, n in sorted(error_positions(self.data.solutions).items())],
            "reference": as_json(self.reference),
            "version": __version__,
        }


def audit(
    source: str | Path,
    *,
    config: str | None = None,
    splits: Sequence[str] = (),
    format: str | None = None,
    reference: str | Path | None = None,
    against: Sequence[str | Path] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Audit labelled steps.

    Args:
        source, config, splits, format: see `solutions.read_data`.
        reference: a file of real solutions to compare with; None for the shipped statistics.
        against: files of questions that must not be in the data, besides GSM8K test.
        seed: of samples, folds, resamples and halves.
        progress: called with (part, done, total).

    Raises: as `solutions.read_data`, `reference.read_reference` and `duplicates.overlaps`; ModuleNotFoundError without
        scikit-learn.
    """
    import sklearn  # noqa: F401  fail before anything is read

    def report(part: str) -> None:
        if progress is not None:
            progress(part, PARTS.index(part), len(PARTS))

    report("reading")
    real = shipped_reference() if reference is None else read_reference(reference, seed)
    data = read_data(source, config=config, splits=splits, format=format)
    solutions = data.solutions
    report("duplicates")
    found: dict[str, Any] = {"overlaps": overlaps(data, against), "repeats": find_duplicates(data)}
    report("shortcut probe")
    found |= _shortcut(solutions, seed)
    report("matched probe")
    resampled = resample_problems(solutions, seed)
    found |= _matched(solutions, resampled, seed)
    report("arithmetic")
    found["false_equations"] = false_equation_shares(solutions, resampled)
    found |= {"markers": find_markers(solutions), "unseen_reasons": unseen_reasons(solutions)}
    report("error positions")
    found["distances"] = distances(solutions, real.shape, resampled, seed)
    found |= _counts(solutions, resampled)
    return Audit(data, real, verdicts(found, real), found)


def _shortcut(solutions: Sequence[Solution], seed: int) -> dict[str, Any]:
    sample = sample_problems(solutions, seed)
    steps = judged_steps(sample)
    features = extract_features(steps.texts)
    rows = features.of_texts
    return {
        "shortcut": shortcut_probe(sample, steps, features, resample_problems(sample, seed), seed),
        "shortcut_of_wrong": shortcut([solution for solution in sample if solution.first_error >= 0], seed),
        "telling_steps": cues_in_steps(rows[steps.is_error], rows[~steps.is_error], features),
    }


def _matched(solutions: Sequence[Solution], resampled: Resamples, seed: int) -> dict[str, Any]:
    pairs = matched_pairs(solutions)
    n = len(pairs.incorrect)
    counts = {"pairs": n, "without_right_step": pairs.without, "same_text": pairs.same}
    if n < FEWEST:
        return {
            "pairs": counts,
            "matched": {"overall": None, "by": {}, "alone": {}},
            "telling_pairs": [],
            "telling_by": {},
        }
    features = pair_features(pairs)
    matched = matched_probe(solutions, pairs, features, resampled, seed)
    rows = features.of_texts
    incorrect, correct = rows[:n], rows[n:]
    by: dict[str, dict[str, Any]] = {}
    for column, values in matched["by"].items():
        of = np.array([solutions[s].groups[column] for s in pairs.solution])
        by[column] = {
            value: cues_in_pairs(incorrect[of == value], correct[of == value], features, CUES_BY_GROUP)
            for value in values
        }
    cues = cues_in_pairs(incorrect, correct, features)
    return {"pairs": counts, "matched": matched, "telling_pairs": cues, "telling_by": by}


def _counts(solutions: Sequence[Solution], resampled: Resamples) -> dict[str, Any]:
    incorrect = np.array([one.first_error >= 0 for one in solutions])
    judged = sum(len(one.judged) for one in solutions)
    lengths = {
        "characters": np.array([sum(map(len, one.steps)) for one in solutions], float),
        "number of steps": np.array([len(one.steps) for one in solutions], float),
    }
    longer = {}
    for measure, length in lengths.items() if min(incorrect.sum(), (~incorrect).sum()) >= FEWEST else ():
        ranked = weighted_auc(length, incorrect)
        value = ranked(np.ones((1, len(incorrect))))[0]
        resampled_auc = of_resamples(ranked, resampled, np.arange(len(incorrect)))
        longer[measure] = estimate(value, resampled_auc, incorrect.sum())
    return {
        "rows": len(solutions),
        "problems": len({one.problem for one in solutions}),
        "wrong_rows": int(incorrect.sum()),
        "judged_steps": judged,
        "right_steps": judged - int(incorrect.sum()),
        "error_types": dict(Counter(one.groups["error_type"] for one in solutions if one.first_error >= 0)),
        "median_characters": {
            name: float(np.median(lengths["characters"][mask])) if mask.any() else None
            for name, mask in (("right", ~incorrect), ("wrong", incorrect))
        },
        "longer": longer,
    }


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, recursively."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
