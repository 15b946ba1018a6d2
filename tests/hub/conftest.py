from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hub.published import CONFIG, MADE_FROM
from made_rows import made_table

from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.hub import client as talk


@pytest.fixture(scope="session")
def small_v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One config of ten rows, where what is in the files does not matter but the number of times it is published."""
    folder = tmp_path_factory.mktemp("built") / "small_v1"
    write_config(folder, CONFIG, {"train": made_table(range(3)), "test": made_table(range(7, 9), "test")}, MADE_FROM)
    return folder


@pytest.fixture(scope="session")
def small_v2(small_v1: Path) -> Path:
    """The same with other rows, and without a file that was there."""
    folder = shutil.copytree(small_v1, small_v1.parent / "small_v2")
    write_config(folder, CONFIG, {"train": made_table(range(1, 5))}, MADE_FROM)
    return folder


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Our own waiting takes no time; the list says how many seconds it would have."""
    waited: list[float] = []
    monkeypatch.setattr(talk, "sleep", waited.append)
    return waited
