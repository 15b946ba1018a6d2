"""The same fault of a file is the same message in every command that takes one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from prm_gsm8k.cli.main import app
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
