"""`sample_solutions`: any callable from prompts to texts, with the labels and the resume of the pipeline."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import prm_gsm8k
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.schema import arrow_schema, check_row
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, UsageError

QUESTIONS = [(f"Ben has {n} red and {n + 1} blue balls. How many balls?", str(2 * n + 1)) for n in range(3, 15)]
PROBLEMS = [{"question": question, "answer": f"#### {answer}"} for question, answer in QUESTIONS]


class Generator:
    """Answers depend on the prompt and on how often it was asked, as those of a model that is sampled do."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.asked: dict[str, int] = {}

    def __call__(self, prompts: list[str]) -> list[str]:
        self.batches.append(prompts)
        return [self._one(prompt) for prompt in prompts]

    @property
    def prompts(self) -> int:
        return sum(map(len, self.batches))

    def _one(self, prompt: str) -> str:
        time = self.asked[prompt] = self.asked.get(prompt, -1) + 1
        draw = random.Random(hashlib.sha256(f"{prompt} {time}".encode()).digest())
        question, answer = next((q, a) for q, a in QUESTIONS if q in prompt)
        steps = prompt[prompt.rindex(question) + len(question) :]
        lost = "oops" in steps
        text = ""
        for _ in range(draw.randint(1, 3)):
            lost = lost or draw.random() < 0.3
            text += ("And oops, some more." if lost else f"First {draw.choice(['red', 'blue', 'both'])} ones.") + "\n"
        return f"{text}The answer is {'1000' if lost else answer}.\n\nProblem: And what is this? The answer is 7."


def sampled(generate: Any, evidence: Path, **options: Any) -> Any:
    return prm_gsm8k.sample_solutions(PROBLEMS, generate, model="org/mine", evidence=evidence, **options)


def test_rows_keep_the_contract_and_say_whose_they_are(tmp_path: Path) -> None:
    generate = Generator()
    rows = sampled(generate, tmp_path, rollouts=4)
    assert rows.column_names == arrow_schema("model_sampled").names
    assert all(check_row(row, "model_sampled") is None for row in rows)
    assert set(rows["source"]) == {"org/mine@unstated"}
    assert {row["problem_id"] for row in rows} == {f"user/{i}" for i in range(len(PROBLEMS))}
    for row in rows:
        said = next((i for i, step in enumerate(row["completions"]) if "oops" in step), -1)
        assert row["first_error"] == said or row["answer"] == row["reference_answer"]
        assert "Problem:" not in row["completions"][-1]


def test_a_test_question_is_refused_or_dropped_and_counted(tmp_path: Path) -> None:
    test = {"question": shipped_problems("test")[0].question, "answer": "#### 18"}
    with pytest.raises(BadInputError, match="--drop-test-questions does"):
        prm_gsm8k.sample_solutions([*PROBLEMS[:2], test], Generator(), model="org/mine", evidence=tmp_path)
    with pytest.warns(UserWarning, match=r"1 of 3 problems were skipped: .*a question of GSM8K test"):
        rows = prm_gsm8k.sample_solutions(
            [*PROBLEMS[:2], test], Generator(), model="org/mine", evidence=tmp_path, drop_test_questions=True
        )
    assert set(rows["problem_id"]) <= {"user/0", "user/1"}


def test_a_generator_that_sends_the_prompt_back_makes_the_same_rows(tmp_path: Path) -> None:
    """As pipelines of `transformers` do by default: the worked examples of the prompt would pass for its answer."""
    plain, echo = Generator(), Generator()
    rows = sampled(plain, tmp_path / "plain", rollouts=2)
    again = sampled(
        lambda prompts: [p + text for p, text in zip(prompts, echo(prompts), strict=True)],
        tmp_path / "echo",
        rollouts=2,
    )
    assert again.to_list() == rows.to_list()


def test_a_second_run_asks_nothing_and_more_rollouts_only_for_more(tmp_path: Path) -> None:
    first, second, third = Generator(), Generator(), Generator()
    rows = sampled(first, tmp_path, rollouts=2)
    again = sampled(second, tmp_path, rollouts=2)
    assert second.prompts == 0
    assert again.to_list() == rows.to_list()
    sampled(third, tmp_path, rollouts=6)
    assert 0 < third.prompts < first.prompts * 3
    assert all(prompt.rstrip().splitlines()[-1] != "Solution:" for batch in third.batches for prompt in batch)


def test_a_run_that_broke_goes_on_with_what_is_not_answered(tmp_path: Path) -> None:
    whole, broken, rest = Generator(), Generator(), Generator()
    sampled(whole, tmp_path / "whole", rollouts=2, batch_size=8)

    def breaks(prompts: list[str]) -> Sequence[str]:
        if len(broken.batches) == 3:
            raise RuntimeError("the GPU is gone")
        return broken(prompts)

    with pytest.raises(RuntimeError, match="the GPU is gone"):
        sampled(breaks, tmp_path / "cut", rollouts=2, batch_size=8)
    sampled(rest, tmp_path / "cut", rollouts=2, batch_size=8)
    begun = sum(1 for batch in whole.batches for prompt in batch if prompt.endswith("Solution:\n"))
    made = [prompt for g in (broken, rest) for batch in g.batches for prompt in batch if prompt.endswith("Solution:\n")]
    assert broken.prompts == 24
    assert len(made) == begun == 3 * len(PROBLEMS)  # no solution was sampled a second time


def test_prompts_come_in_batches_no_larger_than_asked(tmp_path: Path) -> None:
    generate = Generator()
    sampled(generate, tmp_path, batch_size=12)
    sizes = [len(batch) for batch in generate.batches]
    assert max(sizes) == 12 and sizes[:3] == [12, 12, 12]


@pytest.mark.parametrize(
    ("generate", "says"),
    [
        (lambda prompts: prompts[:-1], "generate returned 35 of str for 36 prompts; it must return one str for each"),
        (lambda prompts: [None] * len(prompts), "generate returned 36 of NoneType for 36 prompts"),
    ],
)
def test_a_generator_that_returns_something_else_is_told(tmp_path: Path, generate: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        sampled(generate, tmp_path)


def test_what_cannot_be_asked_is_refused_before_anything_is(tmp_path: Path) -> None:
    generate = Generator()
    with pytest.raises(UsageError, match="no option 'k'"):
        sampled(generate, tmp_path, k=3)
    with pytest.raises(UsageError, match="'chat' is a chat; a generator takes plain text"):
        sampled(generate, tmp_path, prompt="chat")
    with pytest.raises(UsageError, match="num_solutions is 0"):
        sampled(generate, tmp_path, num_solutions=0)
    test = shipped_problems("test")[0]
    with pytest.raises(BadInputError, match="test"):
        prm_gsm8k.sample_solutions(
            [{"question": test.question, "answer": test.answer}], generate, model="m", evidence=tmp_path
        )
    assert generate.prompts == 0


def test_texts_without_a_step_make_no_row_and_the_error_counts_them(tmp_path: Path) -> None:
    with pytest.raises(PrmGsm8kError, match=r"not one row could be made: .*no steps in it 36"):
        sampled(lambda prompts: [""] * len(prompts), tmp_path)


def test_what_is_not_finished_is_asked_again_and_else_left_out_with_a_warning(tmp_path: Path) -> None:
    good, asked = Generator(), Generator()

    def sometimes(prompts: list[str]) -> list[str]:
        texts = asked(prompts)
        thinks = ["Ben has 5 red" in prompt or len(asked.batches) % 3 == 0 for prompt in prompts]
        return [f"<think>{text}" if never else text for text, never in zip(texts, thinks, strict=True)]

    with pytest.warns(UserWarning, match=r"\d of 36 solutions were left out: .*3 thoughts that do not end"):
        rows = sampled(sometimes, tmp_path / "sometimes", labels="hard", false_equations=False)
    assert {row["problem_id"] for row in rows} == {f"user/{i}" for i in range(len(PROBLEMS)) if i != 2}
    assert not any("think" in step for row in rows for step in row["completions"])
    assert asked.prompts > sampled(good, tmp_path / "good").num_rows
