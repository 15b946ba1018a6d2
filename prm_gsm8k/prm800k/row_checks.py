"""Checks of `verify` that only rows of `prm800k` have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.parquet import iter_rows

if TYPE_CHECKING:
    import pyarrow as pa


def ratings(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """Labels follow from the labelers' ratings, under the build's option `neutral`."""
    correct = {1, 0, None} if config.options.get("neutral") == "positive" else {1, None}
    for table in tables.values():
        for row in iter_rows(table.select(["id", "labels", "ratings"])):
            so_far = True
            for i, (label, rating) in enumerate(zip(row["labels"], row["ratings"], strict=True)):
                if rating not in (-1, 0, 1, None):
                    yield f"{row['id']!r}: step {i} is rated {rating}"
                so_far = so_far and rating in correct
                if label != so_far:
                    yield f"{row['id']!r}: step {i} is labelled {label}, but the ratings up to it are {row['ratings']}"
                    break
