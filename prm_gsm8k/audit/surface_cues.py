"""Which features tell, in words: `word "left" → wrong: in 12.3% of wrong steps and 4.0% of right ones`.

A feature is counted, not weighed: in how many pairs does the wrong step alone have it, in how many the right one alone?
Of a feature that says nothing both are alike, and their difference is within ±2 standard errors (McNemar 1947). What
stands in nearly the same steps as a feature already named is not named again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prm_gsm8k.audit.features import SHAPES, Seen
from prm_gsm8k.dataset.stats import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_matrix, csr_matrix

NAMED = 10
ERRORS = 4.0  # standard errors off which a feature is named: of 20,000 that say nothing, about one is
ALIKE = 0.7  # share of steps that two features have in common from which on they are one
LOOKED_AT = 200  # of the most telling features, to find `NAMED` that are not alike


@dataclass(frozen=True)
class Telling:
    """A feature that tells.

    Attributes:
        feature: in words.
        says: `wrong` or `right`, whichever has it more often.
        wrong, right: in how many of the wrong and of the right steps it is. Of an amount (`more words`), in how many
            pairs the wrong and the right step has more.
        of_wrong, of_right: how many of these there are.
        errors: how many standard errors the two are apart.
    """

    feature: str
    says: str
    wrong: int
    right: int
    of_wrong: int
    of_right: int
    errors: float

    def __str__(self) -> str:
        shares = (
            f"{percent(self.wrong, self.of_wrong)} of wrong steps and {percent(self.right, self.of_right)} of right"
        )
        return f"{self.feature} → {self.says}: in {shares} ones"


def telling_in_pairs(wrong: csr_matrix, right: csr_matrix, seen: Seen, named: int = NAMED) -> list[Telling]:
    """The features that tell most in matched pairs, the most telling first.

    Args:
        wrong, right: a pair's two steps as the same row of each.
        seen: whose columns they have.
        named: how many, at most.
    """
    columns, pairs = len(seen.names), wrong.shape[0]
    difference = (wrong[:, :columns] - right[:, :columns]).tocsc()
    more, less = _signs(difference, 1), _signs(difference, -1)
    errors = (more - less) / np.sqrt(np.maximum(more + less, 1))
    here, there = _counts(wrong, columns), _counts(right, columns)
    first_amount = columns - seen.amounts
    here[first_amount:], there[first_amount:] = more[first_amount:], less[first_amount:]
    return list(_named(difference, errors, here, there, (pairs, pairs), seen.names, named))


def telling_in_steps(wrong: csr_matrix, right: csr_matrix, seen: Seen, named: int = NAMED) -> list[Telling]:
    """The same for steps that are not paired, by the shares of wrong and of right ones that have a word or a shape."""
    from scipy.sparse import vstack

    columns = len(seen.names) - seen.amounts
    here, there = _counts(wrong, columns), _counts(right, columns)
    n, m = wrong.shape[0], right.shape[0]
    share = (here + there) / (n + m)
    deviation = np.sqrt(np.maximum(share * (1 - share) * (1 / n + 1 / m), 1e-12))
    errors = (here / n - there / m) / deviation
    has = vstack([wrong[:, :columns], right[:, :columns]]).tocsc()
    return list(_named(has, errors, here, there, (n, m), seen.names, named))


def _signs(difference: csc_matrix, sign: int) -> NDArray[np.float64]:
    """How many entries of each column have the sign. An amount of two texts that are alike may differ by a rounding."""
    column = np.repeat(np.arange(difference.shape[1]), np.diff(difference.indptr))
    return np.bincount(column[difference.data * sign > 1e-4], minlength=difference.shape[1]).astype(float)


def _counts(matrix: csr_matrix, columns: int) -> NDArray[np.float64]:
    return np.asarray((matrix[:, :columns] > 0).sum(axis=0), float).ravel()


def _named(
    has: csc_matrix,
    errors: NDArray[np.float64],
    here: NDArray[np.float64],
    there: NDArray[np.float64],
    of: tuple[int, int],
    names: Sequence[str],
    most: int,
) -> Iterator[Telling]:
    chosen: list[set[int]] = []
    # of what tells equally, a shape says more than a word, and a word more than a length or two words
    first = np.array([0 if name in SHAPES else 1 if name.startswith("word ") else 2 for name in names[: len(errors)]])
    for column in np.lexsort((first, -np.abs(errors).round(1)))[:LOOKED_AT]:
        if abs(errors[column]) < ERRORS or len(chosen) == most:
            return
        start, end = has.indptr[column : column + 2]
        direction = np.sign(errors[column])
        found = has.data[start:end] * direction > 0 if has.data.min(initial=0) < 0 else np.ones(end - start, bool)
        rows = set(has.indices[start:end][found].tolist())
        if any(len(rows & other) > ALIKE * min(len(rows), len(other)) for other in chosen):
            continue
        chosen.append(rows)
        yield Telling(
            names[column],
            "wrong" if direction > 0 else "right",
            int(here[column]),
            int(there[column]),
            *of,
            float(errors[column]),
        )
