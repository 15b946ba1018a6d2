"""Other machines than ours: file systems without locks, terminals of 256 characters, odd names, caches to read only."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import as_on_windows
import datasets
import pytest
from command_line import run_command
from made_rows import CONFIG, MADE_FROM, made_table, made_tables

from prm_gsm8k import load
from prm_gsm8k.build.build import prepared
from prm_gsm8k.dataset import cache, splits
from prm_gsm8k.dataset.files import lock
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.sampling.evidence import Log, sole_run


def without_locks(patch: pytest.MonkeyPatch, number: int) -> None:
    def refuses(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    patch.setattr(fcntl, "flock", refuses)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_file_system_without_locks_is_not_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    without_locks(monkeypatch, number)
    with sole_run(tmp_path, patience=0), Log(tmp_path):
        pass
    assert f"{tmp_path}: no locks on this file system; start no second run there" in capsys.readouterr().err
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_another_has_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    without_locks(monkeypatch, number)
    with pytest.raises(PrmGsm8kError, match="another run is at work there"), sole_run(tmp_path, patience=0):
        pass
    with pytest.raises(PrmGsm8kError, match="another run is writing it"), Log(tmp_path):
        pass


@pytest.mark.slow
def test_rows_are_built_again_and_verified_as_on_windows(tmp_path: Path) -> None:
    """Without what only POSIX has, here and in the processes that are started."""
    questions = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:8]]
    (tmp_path / "few.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions))
    for command in (
        "build synthetic --problems few.jsonl --out out --num-proc 2",
        "build synthetic --problems few.jsonl --out out --num-proc 2 --no-twins",
        "verify out",
        "show out",
    ):
        as_on_windows.run(command, tmp_path)
    assert not list(tmp_path.glob(".out*"))


def test_without_fcntl_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with (tmp_path / "file").open("wb") as file:
        assert lock(file.fileno()) is None


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_of_few_characters_shows_labels_and_json_stays_whole(tmp_path: Path, encoding: str) -> None:
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)

    def shown(*arguments: str) -> bytes:
        command = [sys.executable, "-m", "prm_gsm8k.cli", *arguments]
        path = os.pathsep.join(filter(None, sys.path))
        environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": path, "COLUMNS": "160"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    steps = shown("show", "out", "-n", "4").decode(encoding)
    assert " + " in steps and " x " in steps and "✓" not in steps
    assert json.loads(shown("stats", "out", "--json"))
    assert shown("verify", "out")


@pytest.mark.parametrize("name", ["a [1] b", "x[0-9]*", "what?", "über{1,2}"])
def test_a_folder_of_any_name_is_loaded(
    tmp_path: Path, hf_home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = tmp_path / name / "out"
    write_config(out, CONFIG, made_tables(), MADE_FROM)
    assert load(CONFIG, "train", folder=out).to_list() == made_table(range(40)).to_pylist()  # type: ignore[union-attr]
    assert run_command("verify", out).returncode == 0


def test_the_home_folder_may_be_named_in_any_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)
    done = run_command("show", tmp_path / "out", "--html=~/pages/rows.html", place=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "pages" / "rows.html").is_file()
    write_config(tmp_path / "home" / "out", CONFIG, made_tables(), MADE_FROM)
    assert load(CONFIG, "train", folder="~/out").num_rows == 80  # type: ignore[union-attr]


def test_published_rows_are_loaded_though_no_cache_can_be_made(
    tmp_path: Path, hf_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)
    (tmp_path / "file").touch()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file" / "datasets")
    rows = load(CONFIG, folder=tmp_path / "out")
    assert rows["train"].to_list() == made_table(range(40)).to_pylist()  # type: ignore[index, union-attr]
    assert "cannot be written, so the rows are kept in memory" in capsys.readouterr().err
    assert load(CONFIG, "train[-3:]", folder=tmp_path / "out").to_list() == made_table(range(40)).to_pylist()[-3:]  # type: ignore[union-attr]
    assert load(CONFIG, "train[:10%]", folder=tmp_path / "out").num_rows == 8  # type: ignore[union-attr]


def test_built_rows_are_loaded_from_a_cache_that_is_only_read(hf_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"train": shipped_problems("train")[:8], "test": shipped_problems("test")[:2]}
    monkeypatch.setattr(splits, "shipped_problems", few.__getitem__)
    with prepared("synthetic", num_proc=1) as (builder, cached):
        rows = builder.as_dataset("train").to_list()
    assert not cached
    before = sorted(hf_home.rglob("*"))
    monkeypatch.setattr(cache, "is_writable", lambda place: False)  # root may write anywhere
    with prepared("synthetic", num_proc=1) as (builder, cached):
        assert (cached, builder.as_dataset("train").to_list()) == (True, rows)
    assert sorted(hf_home.rglob("*")) == before
