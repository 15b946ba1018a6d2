"""What the Hub says, in words of ours: nothing secret, one line, and whether it may pass."""

from __future__ import annotations

import pytest

from prm_gsm8k.exceptions import HubUnreachable
from prm_gsm8k.hub.client import ask, trouble_of


def test_no_token_and_no_signature_in_what_is_said() -> None:
    said = "PUT https://bucket.example/a/b?X-Amz-Signature=abc&X-Amz-Expires=9 with Bearer hf_Secret0\nwas refused"
    trouble = trouble_of(ConnectionError(said))
    assert trouble is not None
    assert trouble.said == ("the Hub cannot be reached (PUT https://bucket.example/a/b?… with Bearer hf_… was refused)")


def test_the_cause_counts() -> None:
    error = RuntimeError("Error while uploading 'a.parquet' to the Hub.")
    error.__cause__ = ConnectionError("reset")
    trouble = trouble_of(error)
    assert trouble is not None and trouble.will_pass
    assert trouble_of(ValueError("a bug")) is None


def test_a_bug_is_not_the_hub(pauses: list[float]) -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ask(broken, "trying")
    assert (len(calls), pauses) == (1, [])


def test_patience_ends(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub may itself have waited long in each call: then there are fewer of them."""
    from prm_gsm8k.hub import client as talk

    monkeypatch.setattr(talk, "PATIENCE", -1.0)
    with pytest.raises(HubUnreachable, match=r"trying: the Hub cannot be reached \(gone\), 1 time in a row"):
        ask(lambda: (_ for _ in ()).throw(ConnectionError("gone")), "trying")
    assert pauses == []
