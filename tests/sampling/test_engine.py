"""An engine that fails: what passes by itself is tried again, what does not is said, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import socket
import traceback
from typing import Any

import pytest
from sampling.loopback_model import FAULTS, MODEL, LoopbackModel

from prm_gsm8k.exceptions import EngineError, UsageError
from prm_gsm8k.sampling import engine as engine_module
from prm_gsm8k.sampling.engine import CHECK, Engine, RequestRefused, base_url, check_endpoint, read_answer
from prm_gsm8k.sampling.rollout import CUT_OFF, THINKS, Rollout
from prm_gsm8k.sampling.settings import Settings

QUESTION = "How many?"
SETTINGS = Settings(MODEL, "r1", "few_shot", max_tokens=32)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first waits are short."""
    monkeypatch.setattr(engine_module, "WAITS", (0.01, 0.02, 0.05))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def ask(model: LoopbackModel, times: int = 1, timeout: float = 5.0, patience: float = 5.0) -> list[str]:
    async def together() -> list[str]:
        async with Engine(model.url, timeout, patience) as engine:
            requests = [SETTINGS.request(QUESTION, [], attempt) for attempt in range(times)]
            return [read_answer(answer).text for answer in await asyncio.gather(*map(engine.ask, requests))]

    return asyncio.run(together())


@pytest.fixture(scope="module")
def well() -> str:
    with LoopbackModel({QUESTION: "5"}) as model:
        return ask(model)[0]


def test_a_chat_and_a_completion_are_asked_where_they_are_answered() -> None:
    async def both() -> list[str]:
        async with Engine(model.url) as engine:
            styles = [Settings(MODEL, "r1", style) for style in ("few_shot", "chat")]
            return [read_answer(await engine.ask(s.request(QUESTION, [], 0))).text for s in styles]

    with LoopbackModel({QUESTION: "5"}) as model:
        assert all("The answer is" in text for text in asyncio.run(both()))
        assert ['"prompt"' in body for body in model.answered] == [True, False]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_by_itself_is_tried_again(fault: str, well: str) -> None:
    with LoopbackModel({QUESTION: "5"}, faults=[fault, fault]) as model:
        assert ask(model) == [well]
        assert (model.asked, len(model.answered)) == (3, 1)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "answers 500"),
        ("garbage", r"does not answer with a completion \(<html>it works!</html>\)"),
        ("empty", "does not answer with a completion"),
        ("drop", "cannot be reached"),
    ],
)
def test_what_does_not_pass_ends_with_what_to_do(fault: str, says: str) -> None:
    with LoopbackModel({QUESTION: "5"}, always=fault) as model, pytest.raises(EngineError, match=says) as error:
        ask(model, patience=0.4)
    assert "check the server and restart it" in str(error.value)
    assert "all answers so far are kept" in str(error.value)
    assert model.asked > 1


def test_a_server_that_hangs_is_called_so_after_one_timeout() -> None:
    with LoopbackModel({QUESTION: "5"}, always="hang") as model, pytest.raises(EngineError, match="hangs: no answer"):
        ask(model, times=4, timeout=0.5, patience=60)
    assert model.asked <= 4, "none was asked twice"


def test_one_request_that_hangs_among_answered_ones_is_sent_again() -> None:
    async def while_others_are_answered() -> str:
        async with Engine(model.url, timeout=0.6) as engine:
            late = asyncio.create_task(engine.ask(SETTINGS.request(QUESTION, [], 0)))
            for attempt in range(1, 9):
                await asyncio.sleep(0.1)
                await engine.ask(SETTINGS.request(QUESTION, [], attempt))
            return read_answer(await late).text

    with LoopbackModel({QUESTION: "5"}, faults=["hang"]) as model:
        assert "The answer is" in asyncio.run(while_others_are_answered())


def test_another_model_than_asked_ends_the_run_at_once() -> None:
    with LoopbackModel({QUESTION: "5"}, faults=["other"]) as model:
        with pytest.raises(EngineError, match="answers as another, not as tiny; change --endpoint"):
            ask(model)
        assert model.asked == 1


def test_a_context_too_short_for_the_first_request_ends_the_run_and_later_is_one_request() -> None:
    with LoopbackModel({QUESTION: "5"}, faults=["400"]) as model:
        with pytest.raises(EngineError, match=r"too short .* lower --max-tokens, .* --max-model-len") as error:
            ask(model)
        assert not isinstance(error.value, RequestRefused)

    async def second() -> None:
        async with Engine(model.url) as engine:
            await engine.ask(SETTINGS.request(QUESTION, [], 0))
            model.faults = ["400"]
            await engine.ask(SETTINGS.request(QUESTION, [], 1))

    with LoopbackModel({QUESTION: "5"}) as model, pytest.raises(RequestRefused):
        asyncio.run(second())


CHECKED = SETTINGS.request(CHECK, [], 0)


@pytest.mark.parametrize("fault", ["400", "403", "413", "422", "500", "garbage", "empty", "drop"])
def test_one_request_that_always_fails_is_refused_alone_even_as_the_first(fault: str) -> None:
    """As in a later run, in which nothing else is left to ask."""

    async def only_it() -> Rollout:
        async with Engine(model.url, patience=0.3, check=CHECKED) as engine:
            return await engine.rollout(SETTINGS.request(QUESTION, [], 0))

    with LoopbackModel({QUESTION: "5"}, script=lambda body, times: fault if QUESTION in body else None) as model:
        assert asyncio.run(only_it()).unfinished == "request refused"
    with LoopbackModel({QUESTION: "5"}, always=fault) as model, pytest.raises(EngineError) as error:
        asyncio.run(only_it())
    assert not isinstance(error.value, RequestRefused), "a server that answers nothing is another matter"


@pytest.mark.parametrize("fault", ["400", "401", "403"])
def test_a_server_that_refuses_all_from_some_time_on_ends_the_run(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one whose budget is spent: the rest is not taken for refused one by one."""
    monkeypatch.setattr(engine_module, "REFUSALS", 3)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-spent")

    async def many() -> None:
        async with Engine(model.url, check=CHECKED) as engine:
            for attempt in range(9):
                await engine.rollout(SETTINGS.request(QUESTION, [], attempt))
                model.always = fault

    with (
        LoopbackModel({QUESTION: "5"}) as model,
        pytest.raises(EngineError, match="all answers so far are kept") as error,
    ):
        asyncio.run(many())
    assert fault == "400" or "not the one that it was sent: set OPENAI_API_KEY" in str(error.value)


@pytest.mark.parametrize(
    ("headers", "status", "said", "seconds"),
    [
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, 503, "", "long"),
        ({"Retry-After": "0"}, 429, "", 0),
        ({"Retry-After": "1.5"}, 429, "", 1.5),
        ({"Retry-After": "-5"}, 429, "", None),
        ({"Retry-After": "1e9"}, 429, "", None),
        ({"Retry-After": "1000000000"}, 429, "", "long"),
        ({"Retry-After": "soon"}, 429, "", None),
        ({"x-ratelimit-reset-requests": "1m30s"}, 429, "", 90),
        ({"x-ratelimit-reset-requests": "1m30s"}, 500, "", None),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-remaining-requests": "7"}, 429, "", None),
        ({"RateLimit-Reset": "25"}, 429, "", 25),
        ({"RateLimit": "limit=100, remaining=0, reset=25"}, 429, "", 25),
        ({"X-RateLimit-Reset": "4102444800000", "X-RateLimit-Remaining": "0"}, 429, "", "long"),
        ({"anthropic-ratelimit-requests-reset": "2100-01-01T00:00:00Z"}, 429, "", "long"),
        ({}, 429, '{"details": [{"retryDelay": "36s"}]}', 36),
        ({}, 429, "Rate limit reached. Please try again in 1m2.5s. Visit", 62.5),
        ({}, 429, "Please retry after 30 seconds", 30),
    ],
)
def test_a_wait_in_any_of_its_forms(headers: dict[str, str], status: int, said: str, seconds: Any) -> None:
    waits = engine_module.told_wait(headers, status, said)
    assert waits == seconds or (seconds == "long" and waits is not None and waits > 3600)


@pytest.mark.parametrize(
    "waits",
    [
        {"Retry-After": "1"},
        {"Retry-After-Ms": "1000"},
        {"RateLimit": '"minute";r=0;t=1'},
        {"RateLimit": "limit=9, remaining=0, reset=1"},
        {"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "1s"},
    ],
)
def test_a_wait_that_the_server_asks_for_is_said_and_kept_and_costs_no_patience(
    waits: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackModel({QUESTION: "5"}, faults=["429", "429"], waits=waits) as model:
        assert ask(model, times=2, patience=0.1)
        assert model.asked == 4, "and not asked again before"
    said = capsys.readouterr().err
    assert "answers 429 (" in said and "waiting 1 s as it asks" in said
    assert said.count("\n") == 1


def test_waits_are_kept_neither_for_ever_nor_for_hours() -> None:
    for waits, asked in (({"Retry-After": "0"}, 11), ({"Retry-After": "86400"}, 1)):
        with LoopbackModel({QUESTION: "5"}, always="429", waits=waits) as model:
            with pytest.raises(EngineError, match=r"answers 429 .* and asks to wait [\d,]+ s, \d+ times within"):
                ask(model, patience=0.001)
            assert asked <= model.asked <= asked + 1


def test_a_server_that_wants_to_be_paid_ends_the_run() -> None:
    with (
        LoopbackModel({QUESTION: "5"}, always="402") as model,
        pytest.raises(EngineError, match=r"wants to be paid \(status 402\).*answers so far are kept"),
    ):
        ask(model)


def rollout(model: LoopbackModel, prompt: str, **more: Any) -> Rollout:
    async def one() -> Rollout:
        async with Engine(model.url) as engine:
            return await engine.rollout(Settings(MODEL, "r1", prompt, **more).request(QUESTION, [], 0))

    return asyncio.run(one())


@pytest.mark.parametrize(
    ("prompt", "form"), [("chat", "parts"), ("few_shot", "echo"), ("few_shot", "twice"), ("chat", "twice")]
)
def test_an_answer_in_another_form_is_the_same_answer(prompt: str, form: str) -> None:
    with LoopbackModel({QUESTION: "5"}) as model:
        plain = rollout(model, prompt)
        setattr(model, form, True)
        assert rollout(model, prompt) == plain


def test_what_was_cut_off_at_max_tokens_is_not_finished_whatever_the_server_says() -> None:
    with LoopbackModel({QUESTION: "15"}, always="cut, says stop") as model:
        assert [rollout(model, prompt).unfinished for prompt in ("chat", "few_shot")] == [CUT_OFF, CUT_OFF]


@pytest.mark.parametrize("usage", [None, [], {"completion_tokens": "many"}, {"completion_tokens": None}])
def test_tokens_that_are_not_told_are_none(usage: object) -> None:
    choice = {"text": "The answer is 5.", "finish_reason": "stop"}
    assert read_answer({"choices": [choice], "usage": usage}) == Rollout("The answer is 5.", 0, "stop")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"finish_reason": "tool_calls"}, "finish reason tool_calls"),
        ({"finish_reason": {"type": "stop"}}, "finish reason {'type': 'stop'}"),
        ({"error": {"code": 502, "message": "upstream"}}, "finish reason error"),
        ({"text": "<|channel|>analysis<|message|>The answer is 4."}, THINKS),
        ({"text": "<THINK>The answer is 4."}, THINKS),
        ({"text": "<|channel|>analysis<|message|>4?<|end|><|channel|>final<|message|>The answer is 5."}, None),
        *(
            ({"text": f"{mark}The answer is 4."}, THINKS)
            for mark in (
                "<Thought>",
                "< think >",
                "<thinking>",
                "<think effort=1>",
                "[THINK]",
                "◁think▷",
                "<|begin_of_thought|>",
                "<|START_THINKING|>",
                "<reflection>",
                "<analysis>",
                "<scratchpad>",
            )
        ),
        (
            {"text": "<|start|>assistant<|channel|>analysis<|message|>4?<|channel|>final<|message|>The answer is 5."},
            None,
        ),
        ({"text": "<|begin_of_thought|>4?<|end_of_thought|>The answer is 5."}, None),
        ({"text": "The answer is 5.<|im_end|>\n<|im_start|>user\nAnd 6?"}, None),
        ({"text": "<s>The answer is 5.</s>"}, None),
        ({"text": "The answer is 5.<|eot_id|>The answer is 6.", "finish_reason": "length"}, None),
        ({"finish_reason": "END_TURN"}, None),
        ({"finish_reason": "model_length", "text": "2 + 3 is 5, and"}, CUT_OFF),
        *(({"finish_reason": reason}, f"finish reason {reason}") for reason in ("function_call", "refusal", "safety")),
        ({"message": {"content": "I cannot say 5.", "refusal": "I cannot."}}, "finish reason refusal"),
        *(
            ({"text": text}, CUT_OFF)
            for text in ("2 + 3 =", "So \\boxed{\\frac{1}{2}", "It is 5 +", "5. The answer is")
        ),
        ({"text": "I cannot tell."}, "no answer in it"),
    ],
)
def test_what_is_a_finished_answer(changes: dict[str, Any], reason: str | None) -> None:
    answer = read_answer({"choices": [{"text": "The answer is 5.", "finish_reason": "stop"} | changes]})
    assert answer.unfinished == reason
    assert reason is not None or answer.said == "The answer is 5."


@pytest.mark.parametrize(
    "next_one", ["Question: Tom has 9?", "**Problem:** Tom has 9", "\nQ: 9?", "### Instruction: 9"]
)
def test_what_follows_the_answer_is_none_of_it(next_one: str) -> None:
    """Also where the answer is not announced: the numbers of the next question are not this one's answer."""
    assert Rollout(f"2 + 3 = 5 pens.\n{next_one}", 9, "stop").said == "2 + 3 = 5 pens."
    assert Rollout(f"2 + 3 = 5 pens.\n{next_one}", 9, "length").unfinished is None
    assert Rollout("Question: how many?\n2 + 3 = 5 pens.", 9, "stop").said.endswith("5 pens.")


@pytest.mark.parametrize(
    "models",
    [
        [{"id": MODEL, "context_length": 4096}],
        [MODEL],
        {"data": [{"id": f"models/{MODEL}"}]},
        {"models": [{"name": MODEL, "model": MODEL}]},
        {"object": "list", "data": [{"id": "other"}, {"id": MODEL, "max_model_len": None}]},
    ],
)
def test_a_list_of_models_in_any_of_its_forms(models: object) -> None:
    with LoopbackModel({QUESTION: "5"}, models=models) as model:
        assert check_endpoint(model.url, MODEL).model == MODEL


def test_a_key_goes_to_the_endpoint_and_into_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with LoopbackModel({QUESTION: "5"}, key="sk-other") as model:
        for fails in (lambda: check_endpoint(model.url, MODEL), lambda: ask(model)):
            with pytest.raises(EngineError, match=r"needs a key .* set OPENAI_API_KEY") as error:
                fails()
            assert "sk-" not in str(error.value)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
        assert check_endpoint(model.url, MODEL).model == MODEL
        assert ask(model)


def test_a_key_does_not_follow_a_redirection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with LoopbackModel({QUESTION: "5"}, key="sk-secret") as other, LoopbackModel({QUESTION: "5"}) as model:
        model.moved = other.url
        with pytest.raises(EngineError, match="needs a key"):
            check_endpoint(model.url, MODEL)
        with pytest.raises(EngineError, match="needs a key"):
            ask(model)


def test_an_endpoint_says_which_models_it_has() -> None:
    with LoopbackModel({QUESTION: "5"}, context=64) as model:
        assert check_endpoint(model.url, None).model == MODEL
        assert check_endpoint(model.url.removesuffix("/v1"), MODEL).context == 64
        with pytest.raises(EngineError, match="has tiny, not Qwen/Qwen3-8B; change --model or --endpoint"):
            check_endpoint(model.url, "Qwen/Qwen3-8B")
        with pytest.raises(EngineError, match=r"is not an OpenAI-compatible server .* --endpoint usually ends in /v1"):
            check_endpoint(f"{model.url}/elsewhere", None)


def test_an_address_where_nothing_answers_is_told_from_one_that_is_slow() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(EngineError, match=f"nothing answers at {url} .* start the server, or correct --endpoint"):
            check_endpoint(url, MODEL)
        free.listen()
        with pytest.raises(EngineError, match="does not answer within 0 s; is the model being loaded"):
            check_endpoint(url, MODEL, timeout=0.2)


@pytest.mark.parametrize("key", ["sk-two\nlines", "sk-ключ", "sk- apart", "sk-“quoted”"])
def test_a_key_that_no_header_may_hold_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with LoopbackModel({QUESTION: "5"}) as model:
        for fails in (lambda: check_endpoint(model.url, MODEL), lambda: ask(model)):
            with pytest.raises(UsageError, match="OPENAI_API_KEY holds a character that no key has") as error:
                fails()
            assert "sk-" not in "".join(traceback.format_exception(error.value))


def test_a_key_from_a_file_ends_in_a_newline_and_is_not_echoed_from_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\n")
    with LoopbackModel({QUESTION: "5"}, key="sk-secret") as model:
        assert ask(model)
        model.always = "500"
        with pytest.raises(EngineError, match=r"not now, Bearer \*\*\*") as error:
            ask(model, patience=0.1)
        assert "sk-" not in "".join(traceback.format_exception(error.value))


def test_a_server_without_a_list_of_models_is_asked_for_the_one_that_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with LoopbackModel({QUESTION: "5"}) as model:
        assert check_endpoint(f"{model.url}/elsewhere", "named").model == "named"
    assert "has no list of models (status 404); asking for named" in capsys.readouterr().err


def test_a_proxy_that_is_none_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("user:hunter2@proxy:3128", "ftp://user:hunter2@proxy", "http://user:hunter2@127.0.0.1:9"):
        monkeypatch.setenv("http_proxy", proxy)

        async def one() -> None:
            async with Engine("http://10.0.0.1/v1", timeout=1.0, patience=0.01) as engine:
                await engine.ask(SETTINGS.request(QUESTION, [], 0))

        for fails in (lambda: check_endpoint("http://10.0.0.1/v1", MODEL, 1.0), lambda: asyncio.run(one())):
            with pytest.raises(EngineError) as error:
                fails()
            assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:hunter2@host/v1", "user:hunter2@host", "http://host/v1?key=hunter2", "http://host/v1&key=hunter2",
        "http://host/v1#hunter2", "http://host/v1;hunter2", "http://user:hunt/er2@host/v1", "http://host/key=hunter2",
    ],
)  # fmt: skip
def test_an_address_with_a_password_is_refused_without_it(address: str) -> None:
    with pytest.raises(UsageError) as error:
        base_url(address)
    assert "er2" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        f"http://{'a' * 70}/v1",
        "http://ho st/v1",
        "http://host/v1\nX: y",
        "",
        "localhost:8000",
        "ftp://host/v1",
        "http://",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="not a URL such as http"):
        base_url(address)
