"""Every command and every Python block of README.md is run: here, or by .ci/run, which must then name it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Hub

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = (line.partition("#")[0].strip() for block in blocks("bash") for line in block.splitlines())
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, started_hub: Hub) -> Path:
    """An empty folder to run README in, top to bottom, beside an empty Hub."""
    started_hub.reset()
    return tmp_path_factory.mktemp("readme")


def run(arguments: list[str], place: Path) -> None:
    """With a cache of its own, and the loopback Hub for the Hub (tests/conftest.py sets HF_ENDPOINT)."""
    environment = os.environ | {"HF_HOME": str(place / "hf")}
    done = subprocess.run(arguments, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"


def test_readme_shows_commands() -> None:
    assert "make data" in commands()
    assert "make test" in commands()
    assert any(command.startswith("prm-gsm8k verify") for command in commands())


def test_every_command_runs(place: Path) -> None:
    for command in commands():
        if command.startswith("prm-gsm8k "):
            run([sys.executable, "-m", "prm_gsm8k.cli", *shlex.split(command)[1:]], place)
        else:
            assert re.search(rf"^{re.escape(command)}$", CI, re.MULTILINE), f"nothing runs `{command}`"


def test_every_python_block_runs(place: Path) -> None:
    assert (place / "data").is_dir(), "the commands of README come first"
    for block in blocks("python"):
        run([sys.executable, "-c", block], place)
