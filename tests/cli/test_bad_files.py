"""The same fault of a file is the same message in every command that takes one; and no input ends in a traceback."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import cast

import pytest
from made_rows import CONFIG, MADE_FROM, made_tables
from typer.testing import CliRunner

from prm_gsm8k.cli.main import app
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.train.arguments import PrmArguments
from prm_gsm8k.train.data import load_data

ROWS = {  # commands that take a file of rows
    "score": ["score", "no-model", "FILE"],
    "evaluate": ["evaluate", "--benchmark", "processbench", "--data", "FILE"],
    "audit": ["audit", "FILE"],
    "audit --reference": ["audit", "--reference", "FILE"],
    "build synthetic": ["build", "synthetic", "--out", "OUT", "--problems", "FILE"],
    "build prm800k": ["build", "prm800k", "--out", "OUT", "--source", "FILE"],
    "report labels": ["report", "labels", "FILE"],
    "train_prm.py": ["train", "FILE"],
    "show": ["show", "FILE"],
    "stats": ["stats", "FILE"],
    "verify": ["verify", "FILE"],
    "label": ["label", "FILE", "--out", "OUT"],
}
FOLDERS = {  # commands that take a folder that `build` made
    "diff": ["diff", "FILE", "FILE"],
}
ROW = {"question": "1+1?", "answer": "#### 2", "problem": "1+1?", "steps": ["2"], "label": -1}
LINE = json.dumps(ROW).encode() + b"\n"
FAULTS = {
    "a missing file": (None, ": no such file or folder"),
    "an empty file": (b"\n \n", ": empty; expected JSON lines, one object a line"),
    "a pretty-printed object": (
        json.dumps(ROW, indent=1).encode(),
        ":1: an object that is spread over lines; jq -c . FILE writes one object a line",
    ),
    "a Git LFS pointer": (b"version https://git-lfs\n", ": a Git LFS pointer, not the data; run git lfs pull"),
    "CSV": (b"question,answer\n", ":1: looks like CSV; expected JSON lines, one object a line"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", ": zstd-compressed; unpack it (gzip alone is read as it is)"),
    "broken JSON": (b'{"question": 1,,}\n', ":1: not valid JSON ("),
    "a number": (b"7\n", ":1: a number, not an object"),
    "Latin-1": (LINE.replace(b"1+1?", b"\xe9"), ":1: not UTF-8 (byte 15 of the line is 0xe9); save it as UTF-8"),
    "a cut-off gzip": (gzip.compress(LINE)[:-9], ": damaged or cut-off gzip ("),
}


def said(command: list[str], file: Path) -> tuple[int, str]:
    """Exit code and what is said on stderr, without who says it."""
    if command[0] == "train":
        with pytest.raises(PrmGsm8kError) as caught:  # what `main` prints; the encoder is for later
            load_data(PrmArguments(model="", dataset=str(file)), cast(Encoder, None), seed=0, aloud=False)
        return caught.value.exit_code, str(caught.value)
    words = [{"FILE": str(file), "OUT": str(file.parent / "out")}.get(word, word) for word in command]
    done = CliRunner().invoke(app, words)
    assert done.stdout == "" and done.stderr.count("\n") == 1
    return done.exit_code, done.stderr.removeprefix("prm-gsm8k: ").removesuffix("\n")


@pytest.mark.parametrize("command", ROWS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file(fault: str, command: str, tmp_path: Path) -> None:
    content, message = FAULTS[fault]
    file = tmp_path / ("phase1_train.jsonl.gz" if "gzip" in fault else "phase1_train.jsonl")  # a name of PRM800K
    if content is not None:
        file.write_bytes(content)
    code, found = said(ROWS[command], file)
    assert code == 1
    if command == "build prm800k":  # it may be told to skip bad lines, and says so
        found = found.removesuffix(". --skip-bad-lines leaves such lines out and counts them")
        found = found.partition("; 8 more bad lines")[0]
    assert found == f"{file}{message}" or (message.endswith("(") and found.startswith(f"{file}{message}"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ROWS)
def test_an_array_is_as_good_as_lines(command: str, tmp_path: Path) -> None:
    """It is read: what is wrong is a row. Only lines of PRM800K must be lines, since they are found by their place."""
    file = tmp_path / "phase1_train.json"
    file.write_text(json.dumps([ROW, {"no": "row"}]))
    if command == "build prm800k":
        file = file.rename(tmp_path / "phase1_train.jsonl")
        expected = f"{file}: a JSON array, not JSON lines; jq -c '.[]' FILE writes one object a line"
        assert said(ROWS[command], file) == (1, expected)
        return
    code, found = said(ROWS[command], file)
    assert code == 1
    wrong = {"train_prm.py": f"{file}: has no column 'prompt'", "report labels": f"{file}[0]: is about no problem"}
    assert found.startswith(wrong.get(command, f"{file}[1]: n"))


@pytest.mark.parametrize("command", FOLDERS)
def test_what_is_no_built_folder(command: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    assert said(FOLDERS[command], file) == (1, f"{file}: no such file or folder")
    file.write_bytes(LINE)
    assert said(FOLDERS[command], file) == (1, f"{file}: a file; give a folder that `prm-gsm8k build` made")


@pytest.mark.parametrize("command", [*ROWS, *FOLDERS])
def test_a_folder_without_rows(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    code, found = said({**ROWS, **FOLDERS}[command], folder)
    assert code == 1
    if command in ("build synthetic", "report labels", "label"):
        assert found == f"{folder}: a folder; give one file of JSON lines"
    elif command not in ("build prm800k", "train_prm.py"):
        assert found.startswith(f"{folder}: no manifest.json, so this is not a folder that `prm-gsm8k build` made")
    else:
        assert found.startswith(f"{folder}: ")


# ------------------------------------------------------------------------------------------- whatever a file may hold

SLOW = (
    "label",
    "label --explain",
    "report labels",
    "build prm800k",
    "evaluate",
    "audit",
    "audit --against",
    "audit --reference",
    "build synthetic",
    "label --problems",
)
NOWHERE = "http://127.0.0.1:9/v1"
ALL = {
    **{name: command for name, command in (ROWS | FOLDERS).items() if name != "train_prm.py"},
    "audit --against": ["audit", "GOOD", "--against", "FILE"],
    "label": ["label", "FILE", "--out", "OUT", "--num-proc", "1"],
    "label --problems": ["label", "ROWS", "--problems", "FILE", "--out", "OUT"],
    "label --explain": ["label", "FILE", "--explain", "1"],
    "publish": ["publish", "FILE", "org/name", "--plan"],
    "calibrate": ["calibrate", "no-model", "--dataset", "FILE"],
    "export": ["export", "FILE", "OUT"],
}
ODD = {
    "a NUL in a line": LINE.replace(b"1+1?", b"1\\u00001?"),
    "half a character": LINE.replace(b"1+1?", b"\\ud800"),
    "NULs": b"\0" * 99,
    "every byte": bytes(range(256)),
    "UTF-16": LINE.decode().encode("utf-16"),
    "a BOM alone": b"\xef\xbb\xbf",
    "a deep list": b"[" * 99_999,
    "a deep object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a huge number": LINE.replace(b"-1", b"1" + b"0" * 400),
    "NaN": LINE.replace(b"-1", b"NaN"),
    "null": b"null\n",
    "two on a line": LINE.strip() * 2,
    "an array of nulls": b"[null]",
    "no keys": b"{}\n",
    "a pickle": b"\x80\x04\x95\x0b",
    "a page": b"<html>404</html>",
    "Parquet": b"PAR1\0\0PAR1",
    **{
        f"{key} is {value!r}": json.dumps(ROW | {key: value}).encode()
        for key in ROW
        for value in (None, 7, True, "", [], {}, [None], [[1]], 10**30)
    },
}


def ends_well(words: list[str], name: str = "") -> None:
    """One or two lines that name what is wrong, or the usage and a line; 1 or 2, and no traceback. Or nothing is."""
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    said = [line for line in done.stderr.splitlines() if "Warning" not in line]
    assert done.exit_code in (0, 1, 2) and "Traceback" not in done.output
    if done.exit_code and not done.stdout:  # what `audit` prints may be a verdict
        assert 1 <= len(said) <= (4 if said[0].startswith("Usage: ") else 2), done.stderr
        assert all(len(line) < 1500 for line in said), done.stderr
        assert name in " ".join(said) or "no-model" in done.stderr, done.stderr


@pytest.fixture
def filled(tmp_path: Path) -> dict[str, str]:
    write_config(tmp_path / "good", CONFIG, made_tables(), MADE_FROM)
    (tmp_path / "rows.jsonl").write_bytes(LINE)
    return {"GOOD": str(tmp_path / "good"), "ROWS": str(tmp_path / "rows.jsonl"), "OUT": str(tmp_path / "out")}


@pytest.mark.slow
@pytest.mark.parametrize("command", ALL)
def test_no_file_ends_in_a_traceback(command: str, filled: dict[str, str], tmp_path: Path, hf_home: Path) -> None:
    file = tmp_path / "phase1_train.jsonl"
    # few where a file is not opened, or a good one is worked on
    every = 50 if command in (*FOLDERS, "publish", "calibrate", "export", "score") else 9 if command in SLOW else 1
    for content in list(ODD.values())[::every]:
        file.write_bytes(content)
        ends_well([{**filled, "FILE": str(file)}.get(word, word) for word in ALL[command]], str(file))
    file.unlink()
    for odd in (str(file), str(tmp_path), str(tmp_path / ("x" * 300))):
        ends_well([{**filled, "FILE": odd}.get(word, word) for word in ALL[command]], odd)
    file.symlink_to(file)
    ends_well([{**filled, "FILE": str(file)}.get(word, word) for word in ALL[command]], str(file))


HUGE = str(10**30)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("build synthetic --out OUT --problems ROWS --num-proc 1", [
            ("--out", "ROWS"), ("--out", "ROWS/x"), ("--out", "/proc/x"), ("--seed", HUGE), ("--seed", f"-{HUGE}"),
            ("--num-incorrect-per-problem", HUGE), ("--max-examples", "0"), ("--variants", "-1"), ("--num-proc", HUGE),
            ("--error-mix", "x=1"), ("--error-mix", "calculation_slip=inf"), ("--error-mix", "calculation_slip=nan"),
            ("--repo-id", "../x"),
        ]),
        (f"build model_sampled --no-calls --problems ROWS --endpoint {NOWHERE}", [
            ("--temperature", "inf"), ("--temperature", "nan"), ("--top-p", "nan"), ("--threshold", "nan"),
            ("--timeout", "nan"), ("--patience", "nan"), ("--max-disk", "nan"), ("--max-disk", "inf"),
            ("--max-tokens", HUGE), ("--vllm-args", "'"), ("--extra-body", "{"), ("--evidence", "ROWS"),
            ("--evidence", "ROWS/x"), ("--executor", "slurm"),
        ]),
        ("show GOOD", [("--html", "ROWS/x.html"), ("--split", "x"), ("--config", "x"), ("-n", "-1"), ("--seed", HUGE)]),
        ("evaluate --benchmark first-error --data GOOD", [
            ("--resamples", HUGE), ("--resamples", "9000000000"), ("--out", "ROWS"), ("--html", "ROWS/x"),
        ]),
        ("label ROWS --out OUT", [("--explain", HUGE), ("--explain", "99"), ("--min-confidence", "nan")]),
        ("score no-model GOOD", [("--threshold", "nan"), ("--out", "ROWS/x"), ("--max-batch-tokens", HUGE)]),
    ],
)  # fmt: skip
def test_no_option_ends_in_a_traceback(
    command: str, options: list[tuple[str, str]], filled: dict[str, str], hf_home: Path
) -> None:
    for name, value in options:
        words = [*command.split(), name, value]
        root, _, rest = value.partition("/")
        words[-1] = filled.get(root, root) + (f"/{rest}" if rest else "")
        ends_well([filled.get(word, word) for word in words])
