"""What a server does is asked before labels rest on it: whether it samples, and whether it goes on from given steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sampling.loopback_model import LoopbackModel

from prm_gsm8k.exceptions import EngineError
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.report import Marked, report_labels
from prm_gsm8k.sampling.run import How, sample

QUESTIONS = [f"Max buys {n} boxes of {n + 2} pencils. How many pencils?" for n in range(2, 8)]


@pytest.fixture
def model() -> Iterator[LoopbackModel]:
    with LoopbackModel(dict.fromkeys(QUESTIONS, "48")) as model:
        yield model


def recipe(place: Path, prompt: str, number: int = 6) -> ModelSampledRecipe:
    file = place / "problems.jsonl"
    file.write_text("".join(json.dumps({"question": q, "answer": "#### 48"}) + "\n" for q in QUESTIONS[:number]))
    return ModelSampledRecipe(problems=str(file), prompt=prompt, rollouts=2, evidence=str(place / "evidence"))


def run(model: LoopbackModel, asked: ModelSampledRecipe) -> list[str]:
    said: list[str] = []
    sample(asked, How(endpoint=model.url, concurrency=4), said.append)
    return said


@pytest.mark.parametrize("prompt", ["chat", "few_shot", "chat_ask"])
def test_a_server_that_goes_on_is_used_without_a_word(model: LoopbackModel, tmp_path: Path, prompt: str) -> None:
    assert not any("could not tell" in line for line in run(model, recipe(tmp_path, prompt)))
    assert model.asked


@pytest.mark.parametrize("prompt", ["chat", "few_shot"])
def test_a_server_that_begins_anew_is_refused_before_a_label_rests_on_it(
    model: LoopbackModel, tmp_path: Path, prompt: str
) -> None:
    model.anew = True
    with pytest.raises(EngineError, match=r"does not go on from given steps .* use --prompt chat_ask"):
        run(model, recipe(tmp_path, prompt))
    marked = [Marked("m", QUESTIONS[0], ["48 / 2 = 24", "48 - 2 = 46", "The answer is 46."], 1, "48")]
    with pytest.raises(EngineError, match=r"does not go on from given steps"):
        report_labels(marked, recipe(tmp_path, prompt), How(endpoint=model.url))
    assert model.asked == 0
    run(model, recipe(tmp_path, "chat_ask"))  # the steps stand in the question
    assert model.asked


def test_a_server_that_refuses_given_steps_is_refused(model: LoopbackModel, tmp_path: Path) -> None:
    model.only_users = True
    with pytest.raises(EngineError, match=r"does not go on from given steps but refuses .* use --prompt chat_ask"):
        run(model, recipe(tmp_path, "chat"))
    assert model.asked == 0


@pytest.mark.parametrize("prompt", ["chat_ask", "few_shot"])
@pytest.mark.parametrize("number", [1, 6])
def test_a_server_whose_attempts_do_not_differ_is_refused(
    model: LoopbackModel, tmp_path: Path, prompt: str, number: int
) -> None:
    model.same = True
    with pytest.raises(EngineError, match=r"same answer at each attempt \(8 of them\).* its cache or its fixed seed"):
        run(model, recipe(tmp_path, prompt, number))
    assert model.asked == 0


@pytest.mark.parametrize(("fault", "reason"), [("null", "no steps in it"), ("abort", "finish reason abort")])
def test_a_server_that_never_finishes_is_refused(model: LoopbackModel, tmp_path: Path, fault: str, reason: str) -> None:
    model.always = fault
    with pytest.raises(EngineError, match=rf"no finished answer to 8 requests \({reason}\): start it without a reas"):
        run(model, recipe(tmp_path, "chat"))


def test_what_cannot_be_told_is_said(model: LoopbackModel, tmp_path: Path) -> None:
    model.always = "thinks, cut"
    said = run(model, recipe(tmp_path, "chat", 1))
    assert any("could not tell whether" in line for line in said)
