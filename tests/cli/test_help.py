"""The help of every command, at 80 columns, and shell completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from prm_gsm8k.cli.main import COMMANDS, app


def every_command(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield from every_command(one, (*path, name))


EVERY_COMMAND = list(every_command(typer.main.get_command(app)))


def help_of(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(app, [*path, "--help"], prog_name="prm-gsm8k")
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("path", EVERY_COMMAND, ids=" ".join)
def test_help_fits_80_columns_and_nothing_is_cut(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(path, monkeypatch).splitlines()
    assert lines[0].startswith(" ".join(("Usage: prm-gsm8k", *path)))
    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines[1:] if re.search(r"…|\w ?\.\.\.", line)] == []


@pytest.mark.parametrize("path", [path for path in EVERY_COMMAND if path], ids=" ".join)
def test_the_list_of_commands_has_the_first_sentence_of_each_on_one_line(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [line.split() for line in help_of(path[:-1], monkeypatch).splitlines()]
    says = help_of(path, monkeypatch).splitlines()[2].split()
    assert [path[-1], *says] in words and says[-1].endswith(".")


def test_commands_are_listed_in_groups_and_none_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [name for names in COMMANDS.values() for name in names]
    assert sorted(listed) == sorted(path[0] for path in EVERY_COMMAND if len(path) == 1)
    lines = help_of((), monkeypatch).splitlines()
    for heading, names in COMMANDS.items():
        at = lines.index(f"{heading}:")
        assert tuple(line.split()[0] for line in lines[at + 1 : at + 1 + len(names)]) == names


# -------------------------------------------------------------------------------------------------------- completion


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, and `prm-gsm8k` on PATH."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "prm-gsm8k"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m prm_gsm8k.cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def bash(script: str) -> str:
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_installed_completion_completes_commands_configs_and_options(home: Path) -> None:
    said = bash("prm-gsm8k --install-completion; true")
    [script] = (home / ".bash_completions").iterdir()
    assert str(script) in said and str(script) in (home / ".bashrc").read_text()
    complete = f"source {script}; COMP_WORDS=({{}}); COMP_CWORD=$((${{{{#COMP_WORDS[@]}}}} - 1)); "
    complete += '_prm_gsm8k_completion prm-gsm8k; echo "${{COMPREPLY[*]}}"'
    assert bash(complete.format("prm-gsm8k bui")).split() == ["build"]
    assert bash(complete.format("prm-gsm8k build ''")).split() == ["synthetic", "prm800k", "model_sampled"]
    assert bash(complete.format("prm-gsm8k build synthetic --num-")).split() == [
        "--num-incorrect-per-problem",
        "--num-correct-per-problem",
        "--num-proc",
    ]


@pytest.mark.parametrize(
    ("shell", "extra"), [("zsh", {}), ("fish", {"_TYPER_COMPLETE_FISH_ACTION": "get-args"})], ids=["zsh", "fish"]
)
def test_other_shells_are_answered_too(home: Path, shell: str, extra: dict[str, str]) -> None:
    asked = {"_PRM_GSM8K_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "prm-gsm8k export --form"} | extra
    done = subprocess.run(["prm-gsm8k"], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--format" in done.stdout and "--revision" not in done.stdout
