"""The whole audit, from a name to one dict that can be printed, written as JSON, and made a page of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prm_gsm8k import __version__
from prm_gsm8k.audit.arithmetic import false_equation_shares
from prm_gsm8k.audit.duplicates import overlaps, repeats
from prm_gsm8k.audit.error_positions import distances, shape_of
from prm_gsm8k.audit.estimate import number
from prm_gsm8k.audit.features import see
from prm_gsm8k.audit.probe import (
    FEWEST,
    draw_problems,
    judged_steps,
    matched_pairs,
    matched_probe,
    see_pairs,
    shortcut_probe,
    some_problems,
)
from prm_gsm8k.audit.reference import Reference, as_json, read_reference, shipped_reference, shortcut
from prm_gsm8k.audit.solutions import Data, Solution, read_data
from prm_gsm8k.audit.surface_cues import telling_in_pairs, telling_in_steps
from prm_gsm8k.audit.verdicts import BAD, Line, verdicts
from prm_gsm8k.metrics.intervals import Resamples, of_resamples, weighted_auc

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Progress

PARTS = ("reading", "repeats", "shortcut probe", "matched probe", "arithmetic", "shape")
NAMED_BY_TYPE = 5  # telling features of one error type


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        data: what was audited.
        reference: what it was held against.
        lines: the verdicts.
        found: every number behind them.
    """

    data: Data
    reference: Reference
    lines: Sequence[Line]
    found: dict[str, Any]

    @property
    def bad(self) -> list[Line]:
        """The lines that are."""
        return [line for line in self.lines if line.verdict == BAD]

    def as_json(self) -> dict[str, Any]:
        """Everything, in plain types."""
        count = Counter(line.verdict for line in self.lines)
        return {
            "ok": not self.bad,
            "data": self.data.name,
            "notes": list(self.data.notes),
            "verdicts": {verdict: count[verdict] for verdict in ("ok", "look", "bad")},
            "lines": [asdict(line) for line in self.lines],
            **_plain(self.found),
            "shape": [[*cell, n] for cell, n in sorted(shape_of(self.data.solutions).items())],
            "reference": as_json(self.reference),
            "version": __version__,
        }


def audit(
    source: str | Path,
    *,
    config: str | None = None,
    splits: Sequence[str] = (),
    reference: str | Path | None = None,
    against: Sequence[str | Path] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Audit labelled steps.

    Args:
        source, config, splits: as `data.read_data`.
        reference: a file of real solutions to hold the data against; None for the numbers that are shipped.
        against: files of questions that the data may not have, besides GSM8K test.
        seed: of folds, resamples and halves.
        progress: is told (what, done, of how many).

    Raises: as `data.read_data`, `reference.read_reference` and `repeats.overlaps`; ModuleNotFoundError without
        scikit-learn.
    """
    import sklearn  # noqa: F401  before anything is read, so that who lacks it knows at once

    def tell(part: str) -> None:
        if progress is not None:
            progress(part, PARTS.index(part), len(PARTS))

    tell("reading")
    real = shipped_reference() if reference is None else read_reference(reference, seed)
    data = read_data(source, config=config, splits=splits)
    solutions = data.solutions
    tell("repeats")
    found: dict[str, Any] = {"overlaps": overlaps(data, against), "repeats": repeats(data)}
    tell("shortcut probe")
    found |= _shortcut(solutions, seed)
    tell("matched probe")
    draws = draw_problems(solutions, seed)
    found |= _matched(solutions, draws, seed)
    tell("arithmetic")
    found["false_equations"] = false_equation_shares(solutions, draws)
    tell("shape")
    found["distances"] = distances(solutions, real.shape, draws, seed)
    found |= _counts(solutions, draws)
    return Audit(data, real, verdicts(found, real), found)


def _shortcut(solutions: Sequence[Solution], seed: int) -> dict[str, Any]:
    some = some_problems(solutions, seed)
    steps = judged_steps(some)
    seen = see(steps.texts)
    rows = seen.matrix[seen.row]
    return {
        "shortcut": shortcut_probe(some, steps, seen, draw_problems(some, seed), seed),
        "shortcut_of_wrong": shortcut([one for one in some if one.first_error >= 0], seed),
        "telling_steps": telling_in_steps(rows[steps.wrong], rows[~steps.wrong], seen),
    }


def _matched(solutions: Sequence[Solution], draws: Resamples, seed: int) -> dict[str, Any]:
    pairs = matched_pairs(solutions)
    n = len(pairs.wrong)
    counts = {"pairs": n, "without_right_step": pairs.without, "same_text": pairs.same}
    if n < FEWEST:
        return {
            "pairs": counts,
            "matched": {"overall": None, "by": {}, "alone": {}},
            "telling_pairs": [],
            "telling_by": {},
        }
    seen = see_pairs(pairs)
    matched = matched_probe(solutions, pairs, seen, draws, seed)
    wrong, right = seen.matrix[seen.row[:n]], seen.matrix[seen.row[n:]]
    by: dict[str, dict[str, Any]] = {}
    for column, values in matched["by"].items():
        of = np.array([solutions[s].groups[column] for s in pairs.solution])
        by[column] = {
            value: telling_in_pairs(wrong[of == value], right[of == value], seen, NAMED_BY_TYPE) for value in values
        }
    telling = telling_in_pairs(wrong, right, seen)
    return {"pairs": counts, "matched": matched, "telling_pairs": telling, "telling_by": by}


def _counts(solutions: Sequence[Solution], draws: Resamples) -> dict[str, Any]:
    wrong = np.array([one.first_error >= 0 for one in solutions])
    judged = sum(len(one.judged) for one in solutions)
    lengths = {
        "characters": np.array([sum(map(len, one.steps)) for one in solutions], float),
        "number of steps": np.array([len(one.steps) for one in solutions], float),
    }
    longer = {}
    for measure, length in lengths.items() if min(wrong.sum(), (~wrong).sum()) >= FEWEST else ():
        ranked = weighted_auc(length, wrong)
        value = ranked(np.ones((1, len(wrong))))[0]
        longer[measure] = number(value, of_resamples(ranked, draws, np.arange(len(wrong))), wrong.sum())
    return {
        "rows": len(solutions),
        "problems": len({one.problem for one in solutions}),
        "wrong_rows": int(wrong.sum()),
        "judged_steps": judged,
        "right_steps": judged - int(wrong.sum()),
        "error_types": dict(Counter(one.groups["error_type"] for one in solutions if one.first_error >= 0)),
        "median_characters": {
            name: float(np.median(lengths["characters"][mask])) if mask.any() else None
            for name, mask in (("right", ~wrong), ("wrong", wrong))
        },
        "longer": longer,
    }


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
