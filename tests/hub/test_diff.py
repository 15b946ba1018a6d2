"""`diff`: rows added, removed and changed by id, between folders and revisions."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hub.published import CONFIG, ID, MADE_FROM, OTHER
from loopback import Hub
from made_rows import made_table

from prm_gsm8k.build.publish import publish
from prm_gsm8k.dataset.diff import SplitDiff, diff
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.hub.location import place


def test_rows_by_id(v1: Path, v2: Path) -> None:
    found = diff(place(v1), place(v2))
    assert found.configs[CONFIG]["train"] == SplitDiff(changed={"train/0/right": ["completions"]}, same=79)
    assert found.configs[CONFIG]["test"].removed == made_table(range(1000, 1005), "test")["id"].to_pylist()
    assert found.configs[OTHER]["train"] == SplitDiff(same=20)
    assert not found.is_empty
    assert diff(place(v1), place(v1)).is_empty


def test_added_changed_and_moved(v1: Path, tmp_path: Path) -> None:
    rows = made_table(range(1, 42)).to_pylist()
    rows[0], rows[2] = rows[2], rows[0]
    rows[5]["answer"], rows[5]["values"] = "9", [0.5, 0.25]
    folder = shutil.copytree(v1, tmp_path / "b")
    table = pa.Table.from_pylist(rows, schema=made_table(range(1)).schema)
    write_config(folder, CONFIG, {"train": table}, MADE_FROM)
    part = diff(place(v1), place(folder)).configs[CONFIG]["train"]
    assert part == SplitDiff(
        added=["train/40/right", "train/40/wrong", "train/41/right", "train/41/wrong"],
        removed=["train/0/right", "train/0/wrong"],
        changed={rows[5]["id"]: ["answer", "values"]},
        same=77,
        moved=True,
    )


def test_a_config_that_only_one_has(v1: Path, tmp_path: Path) -> None:
    write_config(tmp_path / "one", CONFIG, {"train": made_table(range(40))}, MADE_FROM)
    found = diff(place(tmp_path / "one"), place(v1))
    assert len(found.configs["synthetic"]["train"].added) == place(v1).manifest.configs["synthetic"].stats.rows
    assert found.configs[CONFIG]["train"].is_empty


@pytest.mark.slow
def test_the_command(
    hub: Hub, v1: Path, v2: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(v1, ID, tag="v1")
    assert run(monkeypatch, "diff", f"{ID}@v1", str(v2)) == 0
    out = capsys.readouterr().out
    assert "by_hand/train: 0 added, 0 removed, 1 changed, 79 unchanged" in out
    assert "~ train/0/right  completions" in out
    assert run(monkeypatch, "diff", f"{ID}@v1", str(v2), "--json", "--exit-code") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["equal"], said["configs"][CONFIG]["train"]["changed"]) == (False, {"train/0/right": ["completions"]})
    assert run(monkeypatch, "diff", ID, f"./{v1.relative_to('/')}") == 1  # `./…` is a folder, and is not there
    assert "no such file or folder" in capsys.readouterr().err


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    from prm_gsm8k.cli.main import app

    monkeypatch.setattr(sys, "argv", ["prm-gsm8k", *arguments])
    with pytest.raises(SystemExit) as end:
        app(prog_name="prm-gsm8k")
    return int(end.value.code or 0)
