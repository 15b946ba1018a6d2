"""Checks of `verify` that only rows of `model_sampled` have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.parquet import iter_rows

if TYPE_CHECKING:
    import pyarrow as pa


def rollouts(tables: Mapping[str, pa.Table], config: Config) -> Iterator[str]:
    """Labels follow from the trials, where there are any.

    `hard` and `soft` have none after the first error, `auto` has no success from there on, `reference` none at all.
    """
    labels, threshold = config.options.get("labels"), float(config.options.get("threshold", 0))
    hard = labels == "hard"
    for table in tables.values():
        for row in iter_rows(table.select(["id", "first_error", "successes", "trials", "tokens"])):
            counts = zip(row["successes"], row["trials"], row["tokens"], strict=True)
            for i, (successes, trials, tokens) in enumerate(counts):
                enough = threshold * (config.options.get("rollouts", 8) if hard else trials)
                if not 0 <= successes <= trials or tokens < 0 or (tokens and not trials):
                    yield f"{row['id']!r}: step {i} has {successes} successes in {trials} trials of {tokens} tokens"
                elif labels == "reference" and trials:
                    yield f"{row['id']!r}: step {i} has {trials} trials, but labels by the reference need none"
                elif labels == "auto":
                    if successes and 0 <= row["first_error"] <= i:
                        yield f"{row['id']!r}: trials from step {i} succeeded, but the first error is no later"
                elif trials and 0 <= row["first_error"] < i:
                    yield f"{row['id']!r}: step {i} has trials, but the first error is step {row['first_error']}"
                elif trials and (successes > enough) != (i != row["first_error"]):
                    said = "incorrect" if i == row["first_error"] else "correct"
                    yield f"{row['id']!r}: step {i} is labelled {said}, but {successes} of {trials} trials succeeded"
