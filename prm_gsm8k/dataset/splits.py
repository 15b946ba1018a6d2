"""The split of a problem: decided by its question alone, so that it never changes and no problem is in two splits.

`problems_by_split` is the first step of the GSM8K recipes: read, split, refuse test questions, keep a share. Questions
that are made of a problem stay with it: `origin_of` says of which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Literal

from prm_gsm8k.dataset.problems import Problem, problems_digest, question_key, read_problems, shipped_problems
from prm_gsm8k.dataset.schema import SPLITS

if TYPE_CHECKING:
    from prm_gsm8k.dataset.recipe import Tally

VALIDATION_PER_MILLE = 50  # of the problems of GSM8K train: 5%, some 370 problems
MADE = r"(?:/(?:base|twin|variant)-\d+)+$"  # how `synthetic` names a question that it makes of another


def origin_of(problem_id: str) -> str:
    """The problem that a question was made of, by its id; a question that was not made is its own.

    >>> [origin_of(f"gsm8k/train/0{made}") for made in ("", "/twin-0", "/variant-1", "/variant-1/base-2")]
    ['gsm8k/train/0', 'gsm8k/train/0', 'gsm8k/train/0', 'gsm8k/train/0']
    """
    return re.sub(MADE, "", problem_id)


def split_of(problem: Problem) -> Literal["train", "validation", "test"]:
    """`test` stays test; of the rest one problem in twenty goes to `validation`.

    Decided by a hash of the question's letters and digits, not by its file, id, position, seed, machine or Python
    version. Validation is taken from train only, so that choosing a threshold or a checkpoint never uses test.
    """
    if problem.split == "test":
        return "test"
    digest = blake2b(question_key(problem.question).encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest) % 1000 < VALIDATION_PER_MILLE else "train"


def problems_by_split(
    file: str | None = None, most: int | None = None, seed: int = 0, tally: Tally | None = None
) -> tuple[dict[str, list[Problem]], str]:
    """Problems by split, and the digest of all that were read.

    Args:
        file: a JSONL file or a Hub id; None for GSM8K as shipped, its test set included.
        most: keep so many problems, the same share of each split, drawn by `seed`; None for all.
        tally: counts problems of `file` that hold a question of a test set, which are skipped.

    Raises:
        BadInputError: a file, line or problem is invalid, or holds a question of a test set and there is no `tally`.
    """
    from prm_gsm8k.dataset.contamination import refuse_test_questions

    problems = [*shipped_problems("train"), *shipped_problems("test")] if file is None else list(read_problems(file))
    by_split: dict[str, list[Problem]] = {split: [] for split in SPLITS}
    for problem in problems if file is None else refuse_test_questions(problems, tally):
        by_split[split_of(problem)].append(problem)
    if most is not None:
        by_split = keep_share(by_split, most, seed)
    return {split: chosen for split, chosen in by_split.items() if chosen}, problems_digest(problems)


def keep_share(by_split: Mapping[str, list[Problem]], keep: int, seed: int) -> dict[str, list[Problem]]:
    """Keep `keep` problems, the same share of each split, in their order.

    Depends on the seed and the ids only, so a larger `keep` contains the problems of a smaller one (except for one per
    split, by rounding).
    """
    total = sum(len(problems) for problems in by_split.values())
    if keep >= total:
        return dict(by_split)
    exact = {split: len(problems) * keep / total for split, problems in by_split.items()}
    count = {split: int(share) for split, share in exact.items()}
    by_remainder = sorted(exact, key=lambda split: count[split] - exact[split])
    for split in by_remainder[: keep - sum(count.values())]:
        count[split] += 1
    kept = {}
    for split, problems in by_split.items():
        order = sorted(problems, key=lambda p: _lot(seed, p.id))
        chosen = {problem.id for problem in order[: count[split]]}
        kept[split] = [problem for problem in problems if problem.id in chosen]
    return kept


@lru_cache(2**16)  # a build asks for several shares of the same problems
def _lot(seed: int, problem_id: str) -> bytes:
    return sha256(f"{seed}/{problem_id}".encode()).digest()
