"""Which problem a line is about, which split its rows go to, and which problems may not be trained on."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from pathlib import Path

from prm_gsm8k.dataset.contamination import refuse_test_questions
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.dataset.problems import Problem, question_key
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.dataset.schema import SPLITS
from prm_gsm8k.dataset.splits import split_of
from prm_gsm8k.exceptions import BadInputError


class Questions:
    """Numbers problems as they are met, test files first; a problem met in train that is held out gets none.

    Held out are the 500 problems of PRM800K's own test split (MATH-500) where the list is at hand, and in any case
    those of the test files that are read. They are compared by letters and digits alone (`question_key`), as every
    test question here is: that drops a train problem too many rather than one too few. Kept in memory are a hash and
    a byte for each problem.
    """

    def __init__(self, held_out: Path | None, tally: Tally | None = None) -> None:
        self._tally = tally  # counts questions of GSM8K test; without it they are an error
        self._number: dict[int, int] = {}  # by hash
        self._draws: list[int] = []
        self._split = array("B")  # by number: index in SPLITS
        self._refused: set[int] = set()
        self._held_out = {_key_hash(problem) for problem in _listed(held_out)} if held_out else set()

    def number(self, problem: str, released_split: str, where: str) -> int | None:
        """The number of a problem; None for one that is held out but stands in a train file.

        Raises:
            BadInputError: it holds a question of GSM8K test and would be trained on.
        """
        name = _hash(problem)
        number = self._number.get(name)
        if number is None and name not in self._refused:
            key = _key_hash(problem)
            if released_split == "test":
                self._held_out.add(key)
            elif key in self._held_out:
                self._refused.add(name)
                return None
            as_problem = Problem("", problem, "", released_split, where)
            if not refuse_test_questions([as_problem], self._tally):
                self._refused.add(name)
                return None
            self._number[name] = number = len(self._number)
            self._split.append(SPLITS.index(split_of(as_problem)))
        elif number is not None and released_split != "test" and self.split(number) == "test":
            return None
        return number

    def split(self, number: int) -> str:
        """Where the rows of a problem go."""
        return SPLITS[self._split[number]]

    def draw(self, number: int) -> int:
        """A number drawn for a problem by its text alone: problems sorted by it are in no order of their own."""
        if len(self._draws) < len(self._number):
            self._draws = list(self._number)
        return self._draws[number]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _key_hash(problem: str) -> int:
    return _hash(question_key(problem))


def _listed(path: Path) -> list[str]:
    """The problems of a MATH split: JSONL with `problem`."""
    listed = []
    for _, where, row in read_rows(path):
        if not isinstance(problem := row.get("problem"), str):
            raise BadInputError(where, "no text as 'problem', which a line of the list of held-out problems has")
        listed.append(problem)
    return listed
