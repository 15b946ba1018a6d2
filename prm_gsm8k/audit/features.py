"""What can be seen of a step by who knows no arithmetic: words, letters, the shapes of numbers, lengths.

Every digit is a 0, so `12 x 3 = 36` and `12 x 3 = 47` are one text. What is left of a number is its shape: how many
digits it has, whether it has decimals, a comma, a sign.

    >>> masked("So 12.5 x 3 = $37.5")
    'so 00.0 x 0 = $00.0'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

WORDS = 20_000  # different words and pairs of words, at most: the most frequent
LETTERS = 20_000  # runs of letters, at most
IN_TEXTS = 3  # different texts a word must be in

_DIGIT = re.compile(r"\d")
_TOKEN = re.compile(r"0[0,]*(?:\.0+)?|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s\w]")
_NUMBER = re.compile(r"0[0,]*(?:\.0+)?")
_SIGNS = re.compile(r"[-+*/×÷=−]")
# columns that say whether, and columns that say how much
SHAPES = (
    *("number with decimals", "number with one decimal", "number with two decimals", "number with more decimals"),
    *(f"number of {n} digits" for n in ("one", "two", "three", "four", "five or more")),
    *("number with a comma", "negative number", "no number", "no equation"),
)
AMOUNTS = ("characters", "words", "numbers", "signs of arithmetic", "digits in the longest number")


@dataclass(frozen=True)
class Seen:
    """Texts as rows of a sparse matrix; a column is named if it says something to a person.

    Attributes:
        matrix: (different texts, columns); 0 or 1, but the amounts, which are scaled to vary as much.
        row: of each text, its row of the matrix.
        names: of the first columns: words, then shapes, then amounts; letters come after them, without a name.
        amounts: how many of the named ones are amounts, the last ones.
    """

    matrix: csr_matrix
    row: NDArray[np.int64]
    names: tuple[str, ...]
    amounts: int = len(AMOUNTS)


def masked(text: str) -> str:
    """The text in small letters, with every digit a 0."""
    return _DIGIT.sub("0", text).lower()


def see(texts: Sequence[str]) -> Seen:
    """What can be seen of each text; texts that differ in their digits alone are one."""
    from scipy.sparse import csr_matrix, hstack

    rows: dict[str, int] = {}
    row = np.array([rows.setdefault(masked(text), len(rows)) for text in texts], np.int64)
    different = list(rows)
    words, names = _counted(different, tokenizer=_TOKEN.findall, token_pattern=None, ngram_range=(1, 2), most=WORDS)
    letters, _ = _counted(different, analyzer="char_wb", ngram_range=(3, 4), most=LETTERS)
    shapes = np.array([_shapes(text) for text in different], np.float32).reshape(len(different), len(SHAPES))
    amounts = np.array([_amounts(text) for text in different], np.float32).reshape(len(different), len(AMOUNTS))
    amounts = (amounts - amounts.mean(axis=0)) / np.maximum(amounts.std(axis=0), 1e-6)
    matrix = hstack([words, csr_matrix(shapes), csr_matrix(amounts), letters], format="csr", dtype=np.float32)
    named = [f'words "{name}"' if " " in name else f'word "{name}"' for name in names]
    return Seen(matrix, row, (*map(_in_words, named), *SHAPES, *(f"more {name}" for name in AMOUNTS)))


def _counted(texts: Sequence[str], most: int, **how: object) -> tuple[csr_matrix, list[str]]:
    """Whether each text has each of the most frequent parts."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(binary=True, lowercase=False, min_df=IN_TEXTS, max_features=most, dtype=np.float32, **how)
    try:
        matrix = counter.fit_transform(texts)
    except ValueError:  # nothing is in so many texts
        return csr_matrix((len(texts), 0), dtype=np.float32), []
    return matrix, list(counter.get_feature_names_out())


def _in_words(name: str) -> str:
    """A pair with a number in it says that digits are masked.

    >>> _in_words('words "= 00"')
    'words "= 00" (a digit is 0)'
    """
    return f"{name} (a digit is 0)" if "0" in name else name


def _shapes(text: str) -> list[bool]:
    numbers = _NUMBER.findall(text)
    decimals = [len(number.partition(".")[2]) for number in numbers]
    digits = [number.partition(".")[0].count("0") for number in numbers]
    return [
        any(decimals),
        1 in decimals,
        2 in decimals,
        any(n > 2 for n in decimals),
        *(n in digits for n in range(1, 5)),
        any(n > 4 for n in digits),
        any("," in number.strip(",") for number in numbers),
        re.search(r"(?:^|[=(]\s*|\s)[-−][$£€]?0", text) is not None,
        not numbers,
        "=" not in text,
    ]


def _amounts(text: str) -> list[float]:
    numbers = _NUMBER.findall(text)
    longest = max((number.partition(".")[0].count("0") for number in numbers), default=0)
    return [np.log1p(len(text)), np.log1p(len(text.split())), len(numbers), len(_SIGNS.findall(text)), longest]
