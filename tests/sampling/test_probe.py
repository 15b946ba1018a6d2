"""What a server does is asked before labels rest on it: whether it samples, and whether it goes on from given steps."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

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


def given(body: Mapping[str, Any]) -> str:
    """What a request wants to be gone on from."""
    last = body["messages"][-1] if "messages" in body else {"role": "assistant", "content": body["prompt"]}
    return last["content"].rpartition("Solution:\n")[2] if last["role"] == "assistant" else ""


ANEW = "She has 2 + 5 = 7.\nThe rest is 7 * 4 = 28.\nSo 28 + 20 = 48.\nThe answer is 48."
REFUSED = {  # what follows a text that breaks off before an 8, on the n-th request
    "opens a turn of its own": lambda begun, n: "So that is all of it.\nThe answer is 48.",
    "takes the turn for ended": lambda begun, n: "",
    "goes on from short texts alone": lambda begun, n: ANEW if begun.count("\n") > 1 else "8.\nThe answer is 48.",
    "begins anew with the digit that is looked for": lambda begun, n: f"8 boxes, I see.\n{ANEW}",
    "one of two that share an address": lambda begun, n: (
        "8.\nThe answer is 48." if n % 2 else f"8 boxes, I see.\n{ANEW}"
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("prompt", ["chat", "few_shot"])
def test_other_servers_that_do_not_go_on_are_refused(
    model: LoopbackModel, tmp_path: Path, prompt: str, kind: str
) -> None:
    times = itertools.count()

    def changed(body: Mapping[str, Any], text: str) -> str:
        if begun := given(body):
            return REFUSED[kind](begun, next(times))
        return f"8 boxes, I see.\nFirst {next(times)}, that is 3 * 4 = 12.\nSo 12 + 36 = 48.\nThe answer is 48."

    model.changed = changed
    with pytest.raises(EngineError, match=r"does not go on from given steps .* use --prompt chat_ask"):
        run(model, recipe(tmp_path, prompt))
    assert model.asked == 0


@pytest.mark.parametrize("prompt", ["chat", pytest.param("few_shot", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", [pytest.param("whole", marks=pytest.mark.slow), "trimmed"])
def test_a_server_that_repeats_what_it_was_given_first_goes_on_and_makes_the_same_rows(
    model: LoopbackModel, tmp_path: Path, prompt: str, form: str
) -> None:
    run(model, recipe(tmp_path, prompt))

    def kept(place: Path) -> list[tuple[object, ...]]:
        lines = map(json.loads, next(place.glob("evidence/*/calls-*")).read_text().splitlines())
        return sorted((line["problem"], line["prefix"], line["attempt"], line["text"]) for line in lines)

    def repeats(body: Mapping[str, Any], text: str) -> str:
        whole = body.get("prompt") or given(body)
        return f"{whole.rstrip()}\n{text}" if form == "trimmed" and whole.endswith("\n") else whole + text

    (other := tmp_path / "other").mkdir()
    model.changed = repeats
    assert not any("could not tell" in line for line in run(model, recipe(other, prompt)))
    assert kept(other) == kept(tmp_path)


def test_a_cache_that_answers_what_it_has_heard_is_found(model: LoopbackModel, tmp_path: Path) -> None:
    heard: dict[str, str] = {}

    def cached(body: Mapping[str, Any], text: str) -> str:
        asked = json.dumps({**body, "user": ""}, sort_keys=True)
        if asked not in heard:
            time.sleep(0.05)  # two at once are both new to it
            heard.setdefault(asked, text)
            return text
        return heard[asked]

    model.changed = cached
    with pytest.raises(EngineError, match="gives the same answer at each attempt"):
        run(model, recipe(tmp_path, "few_shot"))


def test_another_model_after_the_probe_ends_the_run_and_another_build_is_said(
    model: LoopbackModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model.changed = lambda body, text: {"system_fingerprint": f"fp_{model.asked > 9}"}
    run(model, recipe(tmp_path, "few_shot"))
    assert capfd.readouterr().err.count("changed its system_fingerprint from fp_False to fp_True: another build") == 1
    before = model.asked
    model.changed = lambda body, text: {"model": "tiny-2025-08-06" if model.asked > before else "tiny"}
    (other := tmp_path / "other").mkdir()
    with pytest.raises(
        EngineError, match=r"answers as tiny-2025-08-06 now, as tiny before: .* answers so far are kept"
    ):
        run(model, recipe(other, "few_shot"))


def test_answers_that_begin_anew_after_the_probe_are_counted(model: LoopbackModel, tmp_path: Path) -> None:
    """Also with `chat_ask`, where a model may solve the problem anew though it was asked to go on."""
    times = itertools.count()

    def changed(body: Mapping[str, Any], text: str) -> str:
        _, ask, begun = body["messages"][-1]["content"].partition("begins with these lines:\n")
        first = begun.partition("\n")[0] if ask else f"First {next(times)} + 1 are more."
        return f"{first}\nThen {next(times)} of them.\nAnd 8.\nThe answer is 4{'8' * bool(ask)}."

    model.changed = changed
    said: list[str] = []
    sample(replace(recipe(tmp_path, "chat_ask"), labels="hard"), How(endpoint=model.url, concurrency=4), said.append)
    assert "begins anew instead of going on" in said[-1]
    assert "--labels reference" in said[-1]


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
