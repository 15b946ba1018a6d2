from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hub.published import CONFIG, MADE_FROM, build_v1, build_v2
from made_rows import made_table

from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.hub import client


@pytest.fixture(scope="session")
def v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built folder of three configs; copy it to change it."""
    return build_v1(tmp_path_factory.mktemp("built") / "v1")


@pytest.fixture(scope="session")
def v2(v1: Path) -> Path:
    """The same with a row edited and a split deleted."""
    return build_v2(v1.parent / "v2", v1)


@pytest.fixture(scope="session")
def small_v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One config of ten rows, for tests that publish it many times."""
    folder = tmp_path_factory.mktemp("built") / "small_v1"
    write_config(folder, CONFIG, {"train": made_table(range(3)), "test": made_table(range(7, 9), "test")}, MADE_FROM)
    return folder


@pytest.fixture(scope="session")
def small_v2(small_v1: Path) -> Path:
    """The same with other rows and one file less."""
    folder = shutil.copytree(small_v1, small_v1.parent / "small_v2")
    write_config(folder, CONFIG, {"train": made_table(range(1, 5))}, MADE_FROM)
    return folder


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between retries take no time; the list holds their seconds."""
    waited: list[float] = []
    monkeypatch.setattr(client, "sleep", waited.append)
    return waited
