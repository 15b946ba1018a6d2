"""Failures of the Hub: one line, no secrets, transient or not."""

from __future__ import annotations

import pytest

from prm_gsm8k.exceptions import HubUnreachable
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
