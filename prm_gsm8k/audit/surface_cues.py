"""Which surface features predict the labels: `word "left" → incorrect: in 12.3% of incorrect steps, 4.0% of correct`.

For each feature, the pairs in which only the incorrect step has it are compared with those in which only the correct
one has it (McNemar's test, 1947). A feature that occurs in nearly the same steps as one already listed is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.audit.features import SHAPES, TextFeatures
from prm_gsm8k.reports.numbers import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_matrix, csr_matrix

MAX_CUES = 10
MIN_Z = 4.0  # standard errors: about one of 20,000 uninformative features is that far off
MAX_OVERLAP = 0.7  # share of steps in common above which two features count as one
CANDIDATES = 200  # strongest features from which `MAX_CUES` distinct ones are chosen


@dataclass(frozen=True)
class SurfaceCue:
    """A feature that predicts the label. The names of its fields are those of `--json`.

    Attributes:
        feature: in words.
        says: `wrong` or `right`: the steps that have it more often.
        wrong, right: number of incorrect and of correct steps that have it; for an amount (`more words`), number of
            pairs in which the incorrect or the correct step has more.
        of_wrong, of_right: number of incorrect and of correct steps.
        errors: difference in standard errors.
    """

    feature: str
    says: str
    wrong: int
    right: int
    of_wrong: int
    of_right: int
    errors: float

    @property
    def label(self) -> str:
        """The label it predicts, `incorrect` or `correct`."""
        return "incorrect" if self.says == "wrong" else "correct"

    def __str__(self) -> str:
        incorrect, correct = percent(self.wrong, self.of_wrong), percent(self.right, self.of_right)
        return f"{self.feature} → {self.label}: in {incorrect} of incorrect steps, {correct} of correct"


def cues_in_pairs(
    incorrect: csr_matrix, correct: csr_matrix, features: TextFeatures, most: int = MAX_CUES
) -> list[SurfaceCue]:
    """The strongest cues in matched pairs, strongest first.

    Args:
        incorrect, correct: (pairs, features), row i of each for the two steps of pair i.
        features: the names of the columns.
        most: maximum number of cues.
    """
    columns, pairs = len(features.names), incorrect.shape[0]
    difference = (incorrect[:, :columns] - correct[:, :columns]).tocsc()
    more, less = _count_sign(difference, 1), _count_sign(difference, -1)
    z = (more - less) / np.sqrt(np.maximum(more + less, 1))
    in_incorrect, in_correct = _counts(incorrect, columns), _counts(correct, columns)
    amounts = slice(columns - features.amounts, None)
    in_incorrect[amounts], in_correct[amounts] = more[amounts], less[amounts]
    return list(_strongest(difference, z, in_incorrect, in_correct, (pairs, pairs), features.names, most))


def cues_in_steps(
    incorrect: csr_matrix, correct: csr_matrix, features: TextFeatures, most: int = MAX_CUES
) -> list[SurfaceCue]:
    """The same for unpaired steps, from the shares of each kind that have a word or shape; without amounts."""
    from scipy.sparse import vstack

    columns = len(features.names) - features.amounts
    in_incorrect, in_correct = _counts(incorrect, columns), _counts(correct, columns)
    n, m = incorrect.shape[0], correct.shape[0]
    share = (in_incorrect + in_correct) / (n + m)
    deviation = np.sqrt(np.maximum(share * (1 - share) * (1 / n + 1 / m), 1e-12))
    z = (in_incorrect / n - in_correct / m) / deviation
    present = vstack([incorrect[:, :columns], correct[:, :columns]]).tocsc()
    return list(_strongest(present, z, in_incorrect, in_correct, (n, m), features.names, most))


def _count_sign(difference: csc_matrix, sign: int) -> NDArray[np.float64]:
    """Entries of each column with this sign; equal amounts may differ by rounding."""
    column = np.repeat(np.arange(difference.shape[1]), np.diff(difference.indptr))
    return np.bincount(column[difference.data * sign > 1e-4], minlength=difference.shape[1]).astype(float)


def _counts(matrix: csr_matrix, columns: int) -> NDArray[np.float64]:
    return np.asarray((matrix[:, :columns] > 0).sum(axis=0), float).ravel()


def _strongest(
    values: csc_matrix,
    z: NDArray[np.float64],
    in_incorrect: NDArray[np.float64],
    in_correct: NDArray[np.float64],
    of: tuple[int, int],
    names: Sequence[str],
    most: int,
) -> Iterator[SurfaceCue]:
    """The columns with the largest |z|, without those that occur in nearly the same rows as one before."""
    chosen: list[set[int]] = []
    # among equally strong features a shape is the plainest, then a word, then a word pair or an amount
    rank = np.array([0 if name in SHAPES else 1 if name.startswith("word ") else 2 for name in names[: len(z)]])
    for column in np.lexsort((rank, -np.abs(z).round(1)))[:CANDIDATES]:
        if abs(z[column]) < MIN_Z or len(chosen) == most:
            return
        start, end = values.indptr[column : column + 2]
        sign = np.sign(z[column])
        signed = values.data.min(initial=0) < 0  # differences of pairs
        found = values.data[start:end] * sign > 0 if signed else np.ones(end - start, bool)
        rows = set(values.indices[start:end][found].tolist())
        if any(len(rows & other) > MAX_OVERLAP * min(len(rows), len(other)) for other in chosen):
            continue
        chosen.append(rows)
        yield SurfaceCue(
            names[column],
            "wrong" if sign > 0 else "right",
            int(in_incorrect[column]),
            int(in_correct[column]),
            *of,
            float(z[column]),
        )
