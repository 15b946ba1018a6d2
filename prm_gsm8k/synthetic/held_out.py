"""No twin may be a question of GSM8K test, or the same but for its numbers."""

from __future__ import annotations

import re
from functools import cache

from prm_gsm8k.dataset.problems import shipped_problems

_NUMBER = re.compile(r"\d[\d.,/]*")
_NO_WORD = re.compile(r"\W+")


def is_test_question(question: str) -> bool:
    """Whether GSM8K test asks this, whatever its numbers, case and punctuation."""
    return without_numbers(question) in _test()


def without_numbers(question: str) -> str:
    """The words of a question, with each number as one 0.

    >>> without_numbers("Tom’s 3 kg cost $1,200.") == without_numbers("tom's 4.5 kg cost $7")
    True
    """
    return _NO_WORD.sub(" ", _NUMBER.sub("0", question)).strip().lower()


@cache
def _test() -> frozenset[str]:
    return frozenset(without_numbers(problem.question) for problem in shipped_problems("test"))
