"""A PRM is trained, trained again and scored with, without what only POSIX has."""

from __future__ import annotations

from pathlib import Path

import as_on_windows
import pytest
from tiny import QUICK, rows_file, tiny_model

SOLUTIONS = Path(__file__).parents[1] / "data" / "solutions.jsonl"


@pytest.mark.slow
def test_a_prm_is_trained_twice_and_scores_as_on_windows(tmp_path: Path) -> None:
    tiny_model(tmp_path / "model")
    rows_file(tmp_path / "rows.jsonl")
    options = " ".join(QUICK) + " --max_steps 2 --save_steps 2 --use_cpu"
    for again in ("", " --overwrite_output_dir"):
        as_on_windows.run(f"train --dataset rows.jsonl --model model --output_dir prm {options}{again}", tmp_path)
    as_on_windows.run(f"score prm {SOLUTIONS} --out scored.jsonl", tmp_path)
    assert (tmp_path / "scored.jsonl").read_text().count("scores") == 2
