"""benchmarks/likelihood.py, with SmolLM2-135M."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
QUESTION = "Ann has 4 bags of 6 apples. How many apples does she have?"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("likelihood").Likelihood(ROOT / "build" / "smollm2")


@pytest.mark.slow
def test_a_step_scores_the_mean_probability_of_its_tokens_given_the_prefix(model: Any) -> None:
    steps = ["She has 24.", "So 24."]
    scores = model.score(QUESTION, steps)
    ids = model.tokenizer(f"Question: {QUESTION}\nAnswer:").input_ids
    for step, score in zip(steps, scores, strict=True):
        log_p = []
        for token in model.tokenizer(f"\n{step}", add_special_tokens=False).input_ids:
            with torch.inference_mode():
                next_one = model.model(torch.tensor([ids])).logits[0, -1].softmax(-1)
            log_p.append(math.log(next_one[token]))
            ids.append(token)
        assert score == pytest.approx(math.exp(sum(log_p) / len(log_p)), rel=1e-3)
    assert model.score(QUESTION, steps[:1]) == pytest.approx(scores[:1], rel=1e-3)
    assert model.score(QUESTION, ["Purple of 24."])[0] < scores[0]
