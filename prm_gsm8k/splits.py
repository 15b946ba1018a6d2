"""Which split a problem's rows go to: decided by its question, so it never changes and no problem is torn apart."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from prm_gsm8k.problems import Problem, question_key

VALIDATION_PER_MILLE = 50  # of the problems of GSM8K train: 5%, some 370 problems


def split_of(problem: Problem) -> Literal["train", "validation", "test"]:
    """`test` stays test; of the rest one problem in twenty goes to `validation`.

    By a hash of the question's letters and digits: the same question lands in the same split whatever file it comes
    from, whatever its id, its place, the seed, the machine or the Python version. Validation is taken out of train
    only, so that choosing a threshold or a checkpoint on it never touches test.
    """
    if problem.split == "test":
        return "test"
    digest = blake2b(question_key(problem.question).encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest) % 1000 < VALIDATION_PER_MILLE else "train"
