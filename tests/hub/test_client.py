"""Failures of the Hub: one line, no secrets, transient or not."""

from __future__ import annotations

import traceback

import pytest
from huggingface_hub import HfApi
from loopback import Hub

from prm_gsm8k.exceptions import HubError, HubUnreachable
from prm_gsm8k.hub.client import ask, trouble_of


def test_no_token_and_no_signature_in_messages() -> None:
    said = "PUT https://bucket.example/a/b?X-Amz-Signature=abc&X-Amz-Expires=9 with Bearer hf_Secret0\nwas refused"
    trouble = trouble_of(ConnectionError(said))
    assert trouble is not None
    shown = "PUT https://bucket.example/a/b?… with Bearer hf_… was refused"
    assert trouble.message == f"the Hub cannot be reached ({shown})"


def test_the_cause_is_examined() -> None:
    error = RuntimeError("Error while uploading 'a.parquet' to the Hub.")
    error.__cause__ = ConnectionError("reset")
    trouble = trouble_of(error)
    assert trouble is not None and trouble.is_transient
    assert trouble_of(ValueError("a bug")) is None


def test_other_exceptions_are_not_retried(pauses: list[float]) -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ask(broken, "trying")
    assert (len(calls), pauses) == (1, [])


def test_retries_end_after_a_time(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """There are fewer if huggingface_hub itself waited long in each call."""
    from prm_gsm8k.hub import client

    monkeypatch.setattr(client, "MAX_SECONDS", -1.0)
    with pytest.raises(HubUnreachable, match=r"trying: the Hub cannot be reached \(gone\), 1 time in a row"):
        ask(lambda: (_ for _ in ()).throw(ConnectionError("gone")), "trying")
    assert pauses == []


@pytest.mark.parametrize("token", ["hf_Secret\n0", "hf_Sécret0", "hf_Secret0\x7f"])
def test_a_token_that_no_header_may_hold_is_not_shown(hub: Hub, token: str) -> None:
    for asked in (
        lambda: HfApi(token=token).repo_info("org/x", repo_type="dataset"),
        lambda: HfApi(token=token).whoami(),
    ):
        with pytest.raises(HubError) as error:
            ask(asked, "asking")
        assert "ecret" not in "".join(traceback.format_exception(error.value)).replace("…", "")


def test_the_password_of_a_proxy_is_not_shown() -> None:
    trouble = trouble_of(ConnectionError("Cannot connect to proxy http://me:hunter2@proxy:3128 for https://hub/x"))
    assert trouble is not None and "hunter2" not in trouble.message and "@proxy:3128" in trouble.message
