"""Surface features of a step: words, characters, number formats and lengths, but no numeric values.

Every digit becomes 0, so `12 x 3 = 36` and `12 x 3 = 47` are the same text. What is left of a number is its format:
digits, decimals, thousands comma, sign.

    >>> mask_digits("So 12.5 x 3 = $37.5")
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

MAX_WORDS = 20_000  # words and word pairs, the most frequent
MAX_CHARACTER_NGRAMS = 20_000
MIN_TEXTS = 3  # distinct texts that an n-gram must occur in

_DIGIT = re.compile(r"\d")
_TOKEN = re.compile(r"0[0,]*(?:\.0+)?|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s\w]")
_NUMBER = re.compile(r"0[0,]*(?:\.0+)?")
_OPERATORS = re.compile(r"[-+*/×÷=−]")
# binary features, and counts
SHAPES = (
    *("number with decimals", "number with one decimal", "number with two decimals", "number with more decimals"),
    *(f"number of {n}" for n in ("one digit", "two digits", "three digits", "four digits", "five or more digits")),
    *("number with a comma", "negative number", "no number", "no equation"),
)
AMOUNTS = ("characters", "words", "numbers", "operators", "digits in the longest number")


@dataclass(frozen=True)
class TextFeatures:
    """Features of texts, one matrix row per distinct masked text.

    Attributes:
        matrix: (distinct texts, features); binary but for the amounts, which are standardized.
        row: (texts,), the matrix row of each text.
        names: of the leading columns: words, shapes, amounts. Character n-grams follow without names.
        amounts: number of amounts, the last of the named columns.
    """

    matrix: csr_matrix
    row: NDArray[np.int64]
    names: tuple[str, ...]
    amounts: int = len(AMOUNTS)

    @property
    def of_texts(self) -> csr_matrix:
        """(texts, features)."""
        return self.matrix[self.row]


def mask_digits(text: str) -> str:
    """The text in lower case with every digit replaced by 0."""
    return _DIGIT.sub("0", text).lower()


def extract_features(texts: Sequence[str]) -> TextFeatures:
    """The features of each text."""
    from scipy.sparse import csr_matrix, hstack

    rows: dict[str, int] = {}
    row = np.array([rows.setdefault(mask_digits(text), len(rows)) for text in texts], np.int64)
    distinct = list(rows)
    words, names = _ngrams(distinct, MAX_WORDS, tokenizer=_TOKEN.findall, token_pattern=None, ngram_range=(1, 2))
    characters, _ = _ngrams(distinct, MAX_CHARACTER_NGRAMS, analyzer="char_wb", ngram_range=(3, 4))
    shapes = np.array([_shapes(text) for text in distinct], np.float32).reshape(len(distinct), len(SHAPES))
    amounts = np.array([_amounts(text) for text in distinct], np.float32).reshape(len(distinct), len(AMOUNTS))
    amounts = (amounts - amounts.mean(axis=0)) / np.maximum(amounts.std(axis=0), 1e-6)
    matrix = hstack([words, csr_matrix(shapes), csr_matrix(amounts), characters], format="csr", dtype=np.float32)
    return TextFeatures(matrix, row, (*map(_word_feature, names), *SHAPES, *(f"more {name}" for name in AMOUNTS)))


def _ngrams(texts: Sequence[str], most: int, **options: object) -> tuple[csr_matrix, list[str]]:
    """Binary occurrence of the most frequent n-grams, (texts, n-grams), and the n-grams."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        binary=True, lowercase=False, min_df=MIN_TEXTS, max_features=most, dtype=np.float32, **options
    )
    try:
        matrix = counter.fit_transform(texts)
    except ValueError:  # no n-gram is in MIN_TEXTS texts
        return csr_matrix((len(texts), 0), dtype=np.float32), []
    return matrix, list(counter.get_feature_names_out())


def _word_feature(ngram: str) -> str:
    """The name of a word or word pair.

    >>> _word_feature("left"), _word_feature("= 00")
    ('word "left"', 'words "= 00" (a digit is 0)')
    """
    name = f'words "{ngram}"' if " " in ngram else f'word "{ngram}"'
    return f"{name} (a digit is 0)" if "0" in ngram else name


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
    return [np.log1p(len(text)), np.log1p(len(text.split())), len(numbers), len(_OPERATORS.findall(text)), longest]
