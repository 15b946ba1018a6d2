"""What is counted as like a question of GSM8K test: a second count, word by word, and made questions."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from prm_gsm8k.dataset.contamination import RUN, count_overlaps
from prm_gsm8k.dataset.problems import question_key, shipped_problems

TEST = [problem.question for problem in shipped_problems("test")]
TRAIN = [problem.question for problem in shipped_problems("train")]


def counts(*prompts: str, split: str = "train") -> list[int]:
    return list(count_overlaps({split: pa.table({"prompt": pa.array(prompts, pa.string())})}).values())


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    return {tuple(words(text)[i : i + RUN]) for i in range(len(words(text)) - RUN + 1)}


def masked(text: str) -> str:
    return " ".join(words(re.sub(r"[0-9][0-9.,/]*", "0", text)))


@pytest.mark.slow
def test_gsm8k_is_counted_as_a_plain_walk_counts_it() -> None:
    prompts = [*TRAIN[:1500], *TEST[:5]]
    test_keys, test_masked = {question_key(q) for q in TEST}, {masked(q) for q in TEST}
    test_runs = set().union(*map(runs, TEST))
    assert counts(*prompts) == [
        len(set(prompts)),
        sum(question_key(q) in test_keys for q in prompts),
        sum(masked(q) in test_masked for q in prompts),
        sum(bool(runs(q) & test_runs) for q in prompts),
    ]
    assert counts(*TRAIN)[1:] == [0, 0, 4]


QUESTION = "Janet’s ducks lay 16 eggs per day."
assert TEST[0].startswith(QUESTION)
THIRTEEN = " ".join(words(TEST[0])[4:17])


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (TEST[0], [1, 1, 1, 1]),
        (TEST[0].upper().replace("’", "'"), [1, 1, 1, 1]),
        (TEST[0].replace("16", "3.5"), [1, 0, 1, 1]),
        (TEST[0].replace("16", "sixteen"), [1, 0, 0, 1]),
        (f"So {THIRTEEN}, they say.", [1, 0, 0, 1]),
        (f"So {THIRTEEN.rpartition(' ')[0]}, they say.", [1, 0, 0, 0]),
        ("Ali has 3 apples.", [1, 0, 0, 0]),
        ("", [1, 0, 0, 0]),
    ],
    ids=["the same", "in capitals", "another number", "in words", "13 words", "12 words", "short", "empty"],
)
def test_likeness_has_three_degrees(prompt: str, expected: list[int]) -> None:
    assert counts(prompt) == expected


def test_a_run_does_not_go_on_in_the_next_prompt() -> None:
    half = THIRTEEN.split()
    assert counts(" ".join(half[:6]), " ".join(half[6:]))[3] == 0


def test_a_prompt_counts_once_and_test_rows_do_not() -> None:
    assert counts(TEST[0], TEST[0]) == [1, 1, 1, 1]
    assert counts(TEST[0], split="test") == [0, 0, 0, 0]
    assert counts() == [0, 0, 0, 0]
