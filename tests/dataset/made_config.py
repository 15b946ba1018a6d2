"""A small config on disk, with hostile texts if wanted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from evaluation.made_result import HOSTILE
from made_rows import CONFIG, MADE_FROM, made_rows, made_tables

from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import Config


def made_config(folder: Path, hostile: bool = False) -> tuple[Config, dict[str, pa.Table]]:
    """90 rows by hand, 45 of them wrong in step 1; if wanted, 10 more with hostile texts, which nobody counted."""
    config = write_config(folder, CONFIG, made_tables(), MADE_FROM).configs[CONFIG]
    tables = made_tables()
    if hostile:
        evil = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
        rows = list(made_rows(range(2000, 2005)))
        for n, row in enumerate(rows):
            row |= {
                "prompt": evil[n % 7],
                "source": evil[0],
                "id": f"{n}{evil[1]}",
                "answer": evil[2],
                "error_type": evil[3],
            }
            row["completions"] = row["completions"] + evil
            row["labels"] = row["labels"] + [row["first_error"] < 0] * len(evil)
        tables["train"] = pa.concat_tables([pa.Table.from_pylist(rows, schema=tables["train"].schema), tables["train"]])
    return config, tables
