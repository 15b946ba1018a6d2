"""Built folders small enough to publish a hundred times: v1, and v2 with a changed row and a deleted split."""

from __future__ import annotations

from pathlib import Path

from made_rows import CONFIG, MADE_FROM, made_table, made_tables

from prm_gsm8k import build_synthetic
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.problems import shipped_problems

ID = "org/prm-gsm8k"
OTHER = "by_others"  # a third config, with the columns that every config has


def build_v1(folder: Path) -> Path:
    """Three configs: 20 problems of `synthetic`, and two made by hand."""
    problems = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:20]]
    rows = build_synthetic(problems, seed=0)
    write_config(folder, "synthetic", {"train": rows.data.table}, MADE_FROM)
    write_config(folder, CONFIG, made_tables(), MADE_FROM)
    write_config(folder, OTHER, made_tables(10), MADE_FROM)
    return folder


def build_v2(folder: Path, v1: Path) -> Path:
    """v1 with one row of `by_hand` edited and its test split gone: a file changed, a file deleted, six the same."""
    import shutil

    shutil.copytree(v1, folder)
    write_config(folder, CONFIG, {"train": edited_table()}, MADE_FROM)
    return folder


def edited_table(row: int = 0) -> object:
    """The train rows of `by_hand` with another first step in one row."""
    import pyarrow as pa

    rows = made_table(range(40)).to_pylist()
    rows[row]["completions"][0] = "Edited: " + rows[row]["completions"][0]
    return pa.Table.from_pylist(rows, schema=made_table(range(1)).schema)
