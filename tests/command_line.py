"""`prm-gsm8k` as a person runs it, but in this process: a new one spends seconds on imports.

What a process is about, its exit, signals and terminals, is tested in one of its own (tests/cli/test_cli.py).
"""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner


def use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Another HF_HOME, for this process and for those that it starts."""
    import datasets
    from huggingface_hub import HfFileSystem, constants

    patch.setenv("HF_HOME", str(home))
    for name, inside in {
        "HF_HOME": "",
        "HF_HUB_CACHE": "hub",
        "HF_ASSETS_CACHE": "assets",
        "HF_XET_CACHE": "xet",
        "HF_TOKEN_PATH": "token",
        "HF_STORED_TOKENS_PATH": "stored_tokens",
    }.items():
        patch.setattr(constants, name, str(home / inside))
    cache = home / "datasets"
    patch.setattr(datasets.config, "HF_CACHE_HOME", str(home))
    patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    patch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", cache / "downloads")
    patch.setattr(datasets.config, "EXTRACTED_DATASETS_PATH", cache / "downloads" / "extracted")
    HfFileSystem.clear_instance_cache()  # it remembers listings


def go_offline(patch: pytest.MonkeyPatch) -> None:
    """What HF_HUB_OFFLINE=1 is to a new process."""
    import datasets
    from huggingface_hub import constants

    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setattr(constants, "HF_HUB_OFFLINE", True)
    patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    patch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)


def run_command(
    *arguments: str | Path, place: Path | None = None, offline: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command, in a folder with a cache of its own if one is named: its exit code and what it printed."""
    from prm_gsm8k.cli.main import app, show_warning

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = show_warning
        if place is not None:
            patch.chdir(place)
            use_home(patch, place / "hf")
        if offline:
            go_offline(patch)
        for name, value in {"COLUMNS": "120", **environment}.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="prm-gsm8k")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
