"""What is counted as like a question of GSM8K test: a second count, word by word, and made questions."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

import pyarrow as pa
import pytest

from prm_gsm8k.dataset.contamination import RUN, Questions, count_overlaps, gsm8k_test, overlaps_line
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


AROUND: dict[str, Callable[[str], str]] = {
    "instructions": lambda q: f"Question: {q} Let's think step by step.",
    "a chat": lambda q: (
        f"<|im_start|>system\nReason.<|im_end|>\n<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n"
    ),
    "few shots": lambda q: f"Q: {TRAIN[0]}\nA: 72\n\nQ: {TRAIN[1]}\nA: 10\n\nQ: {q}\nA:",
    "the first of few shots": lambda q: f"{q}\n#### 5\n\n{TRAIN[0]}",
    "options": lambda q: f"{q}\n(A) 18 (B) 20\n(C) 3",
    "one word": lambda q: f"Solve {q}",
    "lines and capitals": lambda q: ">  " + q.upper().replace(" ", "\n"),
    "typography": lambda q: "Q. " + q.replace("'", "’").replace(" ", "\u00a0").replace("e", "e\u200b"),
    "wide letters": lambda q: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in q) + " :",
    "JSON": lambda q: json.dumps({"messages": json.dumps([{"role": "user", "content": q}])}),
    "a page": lambda q: f"<p>{html.escape(q)}</p>".replace("'", "&#x27;"),
    "a remark between sentences": lambda q: re.sub(r"(?<=[a-z][.?!]) +", " (Read on!) ", q) + " Answer:",
}


@pytest.mark.parametrize("around", AROUND)
def test_a_question_is_found_with_anything_around_it(around: str) -> None:
    test, wrap = gsm8k_test(), AROUND[around]
    assert [n for n in range(0, len(TEST), 20) if test.inside(wrap(TEST[n])) != f"gsm8k/test/{n}"] == []
    assert [question for question in TRAIN[::100] if test.inside(wrap(question))] == []


def test_a_part_of_a_question_or_one_with_another_number_is_not_that_question() -> None:
    test = gsm8k_test()
    parts = ["Q: " + q.partition(". ")[2] + " A:" for q in TEST[::20] if ". " in q]
    assert [part for part in parts if test.inside(part)] == []
    assert test.inside("Q: " + TEST[0].replace("16", "17")) is None


def test_a_short_question_must_be_the_whole_text() -> None:
    short = Questions({"short": "What is 1 + 1?"})
    assert [short.inside(text) for text in ("what is 1+1", "Q: What is 1 + 1?", "")] == ["short", None, None]


def test_what_is_only_like_a_question_is_said_in_a_line() -> None:
    of = count_overlaps({"train": pa.table({"prompt": [TEST[0].replace("16", "17"), "Why?"]})})
    assert overlaps_line(of) == (
        "of 2 different prompts to train and validate on, 1 are a question of GSM8K test but for its numbers, and 1 "
        "have 13 words in a row as one has"
    )
    assert overlaps_line(count_overlaps({"train": pa.table({"prompt": ["Why?"]})})) == ""


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
        (f"Question: {TEST[0]} Let's think step by step.", [1, 1, 0, 1]),
        (f"So {THIRTEEN}, they say.", [1, 0, 0, 1]),
        (f"So {THIRTEEN.rpartition(' ')[0]}, they say.", [1, 0, 0, 0]),
        ("Ali has 3 apples.", [1, 0, 0, 0]),
        ("", [1, 0, 0, 0]),
    ],
    ids=[
        "the same",
        "in capitals",
        "another number",
        "in words",
        "around it",
        "13 words",
        "12 words",
        "short",
        "empty",
    ],
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
