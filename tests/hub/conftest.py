from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hub.published import CONFIG, MADE_FROM
from made_rows import made_table

from prm_gsm8k.dataset.folder import write_config


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
