"""Solutions to one problem share its prompt on a CPU: the same scores, and the prompt's tokens are computed once."""

from __future__ import annotations

import pytest
from made_prms import KINDS, make, solutions

PROMPTS = solutions(3)
MANY = [(prompt, [*steps[: n % 3 + 1], f"So {n}.", "That is all."]) for prompt, steps in PROMPTS for n in range(7)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_solutions_to_a_problem_score_as_each_alone(kind: str) -> None:
    prm = make(kind)
    prm.max_batch_tokens = 200  # several batches of one problem
    mixed = MANY[::2] + MANY[1::2]
    for (prompt, steps), scores in zip(mixed, prm.score_many(mixed), strict=True):
        assert scores == pytest.approx(prm.score(prompt, steps), abs=1e-5)


def test_their_prompt_is_computed_once() -> None:
    prm = make("qwen3, chat")
    rows = [prm.encoder.encode(prompt, steps) for prompt, steps in MANY]
    prefixes = [len(prm.encoder.encode_prefix(prompt, [])) for prompt, _ in PROMPTS]
    prm.score_many(MANY)
    assert prm.tokens_computed == sum(len(row.input_ids) for row in rows) - 6 * sum(prefixes)


def test_nothing_is_shared_where_the_prompt_is_one_piece_with_the_first_step() -> None:
    prm = make("llama, plain, nothing before the prompt")
    rows = [prm.encoder.encode(prompt, steps) for prompt, steps in MANY]
    prm.score_many(MANY)
    assert prm.tokens_computed == sum(len(row.input_ids) for row in rows)
