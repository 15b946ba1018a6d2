from __future__ import annotations

from pathlib import Path

import pytest
from hub.published import build_v1, build_v2

from prm_gsm8k.hub import talk


@pytest.fixture(scope="session")
def v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built folder of three configs. Not to be changed: copy it."""
    return build_v1(tmp_path_factory.mktemp("built") / "v1")


@pytest.fixture(scope="session")
def v2(v1: Path) -> Path:
    """The same a little later: a row edited, a split gone."""
    return build_v2(v1.parent / "v2", v1)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Our own waiting takes no time; the list says how many seconds it would have."""
    waited: list[float] = []
    monkeypatch.setattr(talk, "sleep", waited.append)
    return waited
