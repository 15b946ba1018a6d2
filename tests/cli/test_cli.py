"""The command line as a person meets it: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import go_offline, run_command, use_home

from prm_gsm8k import __version__, load

COMMAND = [sys.executable, "-m", "prm_gsm8k.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests here, and a folder built into it."""
    home = tmp_path_factory.mktemp("home")
    done = run(home, "build", "synthetic", "--out", "built", "--max-examples", "800", "--num-proc", "1")
    assert done.returncode == 0, done.stderr
    return home


def environment(home: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, sys.path))
    return {
        **os.environ,
        "HF_HOME": str(home / "hf"),
        "PYTHONPATH": path,
        "COLUMNS": "120",
        "HF_HUB_OFFLINE": "1",
        **more,
    }


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, place=home, offline=True, **more)


def started(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )


# --------------------------------------------------------------------------------------------------- help and misuse


def test_help_imports_nothing_heavy(home: Path) -> None:
    done = started(home, "--help")
    assert done.returncode == 0
    for command in ("build", "show", "stats", "verify"):
        assert command in done.stdout
    found = "[m for m in ('datasets', 'pyarrow', 'numpy', 'torch') if m in sys.modules]"
    code = f"import sys, prm_gsm8k.cli.main; print({found})"
    heavy = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True, check=True
    )
    assert heavy.stdout == "[]\n"


def test_version(home: Path) -> None:
    assert started(home, "--version").stdout == f"prm-gsm8k {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "synthetic", "--seed", "x"], "'--seed'"),
        (["build", "synthetic", "--num-incorrect-per-problem", "-1"], "'--num-incorrect-per-problem'"),
        (
            ["build", "synthetic", "--out", "x", "--max-examples", "2"],
            "less than the 10 rows that one",
        ),
        (["build", "synthetic", "--out", "hf"], "holds something else"),
        (["build", "synthetic", "--out", "x", "--problems", "nor file nor id"], "nor file nor id"),
        (["build", "prm900k"], "prm900k"),
        (["show", "built", "--error-type", "mood"], "no error type 'mood'; it has"),
        (["show", "built", "--split", "dev"], "no split 'dev'; it has train"),
        (["show", "built", "--config", "other"], "no config 'other'; it has synthetic"),
        (["show", "built", "--id", "nobody"], "no row with id 'nobody'"),
        (["show", "built", "--html", "built"], "--html built: name a file that ends in .html"),
        (["show", "built", "--html", "page.html", "--id", "nobody"], "no row with id 'nobody'"),
    ],
)
def test_misuse_ends_with_2_and_says_what_is_wrong(home: Path, arguments: list[str], message: str) -> None:
    done = run(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "x").exists()


@pytest.mark.parametrize("command", ["show", "stats", "verify"])
def test_a_folder_that_is_not_ours_ends_with_1(home: Path, command: str) -> None:
    done = run(home, command, "hf")
    assert done.returncode == 1
    assert "not a folder that `prm-gsm8k build` made" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_misuse_and_failure_of_a_process(home: Path) -> None:
    assert [started(home, *command).returncode for command in (["build", "prm900k"], ["show", "hf"])] == [2, 1]


def test_a_bad_line_is_named_and_leaves_no_folder(home: Path) -> None:
    (home / "bad.jsonl").write_text('{"question": "1+1?", "answer": "1+1=<<1+1=2>>2\\n#### 2"}\nnot json\n')
    done = run(home, "build", "synthetic", "--out", "from-bad", "--problems", "bad.jsonl")
    assert done.returncode == 1
    assert "bad.jsonl:2" in done.stderr and "Traceback" not in done.stderr
    assert not (home / "from-bad").exists()


# ------------------------------------------------------------------------------------------------------------- build


@pytest.mark.slow
def test_build_ends_with_a_summary(home: Path) -> None:
    done = started(home, "build", "synthetic", "--out", "built", "--max-examples", "800")
    assert done.returncode == 0
    assert done.stderr == "", "no progress bar where there is no terminal"
    for said in ("validation", "error type", "the last step", "labelled steps in", "from the datasets cache"):
        assert said in done.stdout
    assert 'load_dataset("built", "synthetic", split="train")' in done.stdout


def test_build_as_json(home: Path) -> None:
    done = run(home, "build", "synthetic", "--out", "built", "--max-examples", "800", "--json", "--verbose")
    said = json.loads(done.stdout)
    assert said["cached"] is True
    assert said["all"]["rows"] <= 800
    assert said["all"]["rows"] == sum(split["rows"] for split in said["splits"].values())
    assert all(set(entry) == {"problem", "reason"} for entry in said["skipped"])


def test_build_lists_skipped_problems_with_verbose(home: Path) -> None:
    good = (home / "some.jsonl").open("w")
    with good:
        for question, answer in (
            ("Ann has 3 pens and buys 4 more, then loses 2. How many?", "3+4=<<3+4=7>>7\n7-2=<<7-2=5>>5\n#### 5"),
            ("How many are many?", "Many.\n#### 3"),
        ):
            good.write(json.dumps({"question": question, "answer": answer}) + "\n")
    done = run(home, "build", "synthetic", "--out", "some", "--problems", "some.jsonl", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "1 problems skipped" in done.stdout
    assert "some.jsonl:2: " in done.stdout


@pytest.mark.slow
def test_build_shows_progress_on_a_terminal(home: Path) -> None:
    controller, terminal = pty.openpty()
    command = [*COMMAND, "build", "synthetic", "--out", "on-terminal", "--seed", "77", "--max-examples", "400"]
    with subprocess.Popen(
        command, cwd=home, env=environment(home, TERM="xterm"), stdout=subprocess.DEVNULL, stderr=terminal
    ) as process:
        os.close(terminal)
        seen = b""
        try:
            while data := os.read(controller, 65536):
                seen += data
        except OSError:  # the terminal closed
            pass
    os.close(controller)
    assert process.returncode == 0
    assert b"generating" in seen and b"problems/s" in seen


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_one_line(home: Path) -> None:
    command = [*COMMAND, "build", "synthetic", "--out", "cut", "--seed", "4242", "--num-proc", "2"]
    with subprocess.Popen(
        command,
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        caches = home / "hf" / "datasets" / "prm-gsm8k"
        deadline = time.monotonic() + 60
        while not list(caches.glob("*/*/*.incomplete/*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "prm-gsm8k: interrupted; nothing half-written is left"
    assert "Traceback" not in errors
    assert not (home / "cut").exists()
    assert not list(caches.glob("*/*/*.incomplete"))


@pytest.mark.slow
def test_a_killed_worker_ends_with_1_and_no_folder(home: Path) -> None:
    command = [*COMMAND, "build", "synthetic", "--out", "cut", "--seed", "4343", "--num-proc", "2"]
    with subprocess.Popen(
        command, cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while not children.read_text().split() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)  # as a system short of memory does
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("prm-gsm8k: a process that makes rows was killed"), errors
    assert len(errors.splitlines()) == 1
    assert not (home / "cut").exists()


@pytest.mark.slow
def test_a_full_disk_under_the_cache_ends_with_1_and_the_cure(home: Path) -> None:
    limited = """
import resource
from prm_gsm8k.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
main()
"""
    for num_proc in ("1", "2"):
        command = [
            sys.executable,
            "-c",
            limited,
            "build",
            "synthetic",
            "--out",
            "full",
            "--max-examples",
            "400",
            "--num-proc",
            num_proc,
        ]
        done = subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "the datasets cache cannot be written: " in done.stderr and "HF_DATASETS_CACHE" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (home / "full").exists()


# ------------------------------------------------------------------------------------------------ show, stats, verify


def test_show_colours_steps_and_gives_the_reason(home: Path) -> None:
    done = run(home, "show", "built", "-n", "2", FORCE_COLOR="1")
    assert done.returncode == 0
    assert "\x1b[" in done.stdout
    plain = run(home, "show", "built", "-n", "2", NO_COLOR="1", FORCE_COLOR="1").stdout
    assert "✗" in plain and "↑" in plain
    assert not re.search(r"\x1b\[(\d+;)*3\dm", plain), "a colour in spite of NO_COLOR"
    assert run(home, "show", "built", "-n", "2").stdout.count("concludes") == 2


def test_show_writes_a_page_to_browse(home: Path) -> None:
    done = run(home, "show", "built", "-n", "20", "--html", "pages/some.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("pages/some.html: 0.") and len(done.stdout.splitlines()) == 1
    page = (home / "pages" / "some.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("<article") == 20
    assert "The correct solution it was made from" in page


def test_show_draws_by_seed_and_filter(home: Path) -> None:
    first, again, other = (run(home, "show", "built", "--seed", seed).stdout for seed in ("0", "0", "1"))
    assert first == again != other
    right = run(home, "show", "built", "--error-type", "none", "--split", "validation", "-n", "1").stdout
    assert "✗" not in right and "✓" in right
    row_id = right.split()[0]
    assert run(home, "show", "built", "--id", row_id).stdout == right


def test_stats_counts_the_same_as_the_manifest(home: Path) -> None:
    said = json.loads(run(home, "stats", "built", "--json").stdout)["synthetic"]
    manifest = json.loads((home / "built" / "manifest.json").read_text())["configs"]["synthetic"]
    assert said["splits"] == manifest["splits"]
    assert "error type" in run(home, "stats", "built").stdout


def test_verify_passes_what_was_built_and_fails_what_was_changed(home: Path) -> None:
    done = run(home, "verify", "built", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stdout
    path = next((home / "built" / "synthetic").glob("test-*"))
    original = path.read_bytes()
    path.write_bytes(original[:-9] + b"X" + original[-8:])
    try:
        done = run(home, "verify", "built")
        assert done.returncode == 1
        assert "✗ files" in done.stdout and "has sha256" in done.stdout
        assert "✗ card" in done.stdout and "cannot be read as Parquet" in done.stdout
        assert "2 findings" in done.stderr
    finally:
        path.write_bytes(original)


@pytest.mark.slow
def test_a_reader_who_leaves_is_not_scolded(home: Path) -> None:
    command = f"{sys.executable} -m prm_gsm8k.cli show built -n 500 | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


# ------------------------------------------------------------------------------------------------------- from Python


def test_load_builds_once_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    use_home(monkeypatch, tmp_path / "hf")
    go_offline(monkeypatch)
    said = []
    for _ in range(2):
        rows = load("synthetic", split="test", max_examples=400).num_rows
        errors = capsys.readouterr().err
        said.append((errors.split(" into ")[0].split(" from ")[0].strip(), rows))
    assert said[0][0] == "prm-gsm8k: building synthetic"
    assert said[1][0] == "prm-gsm8k: reading synthetic"
    assert said[0][1] == said[1][1]


def test_load_reads_a_built_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "data").symlink_to("built")
    with monkeypatch.context() as patch:
        patch.chdir(home)
        loaded = load()
    (home / "data").unlink()
    assert "from the folder data" in capsys.readouterr().err
    assert sorted(loaded) == ["test", "train", "validation"]
    rows = json.loads(run(home, "stats", "built", "--json").stdout)["synthetic"]["all"]["rows"]
    assert sum(len(split) for split in loaded.values()) == rows
