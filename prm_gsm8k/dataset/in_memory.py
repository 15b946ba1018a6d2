"""Generated rows as a `datasets.Dataset` in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.dataset.schema import arrow_schema, check_table, features
from prm_gsm8k.exceptions import PrmGsm8kError, VerificationError

if TYPE_CHECKING:
    import datasets

ROWS_AT_A_TIME = 4_000  # as Python objects: 8 MB


def as_dataset(rows: Iterator[dict[str, Any]], config: str, tally: Tally) -> datasets.Dataset:
    """Collect generated rows into an in-memory dataset; only a few thousand at a time exist as Python objects.

    Raises:
        PrmGsm8kError: there is no row.
        VerificationError: a row breaks the contract.
    """
    import datasets
    import pyarrow as pa

    schema, batches = arrow_schema(config), []
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        batches.append(pa.record_batch([[row[name] for row in some] for name in schema.names], schema=schema))
    if not batches:
        raise PrmGsm8kError(
            f"not one row could be made: {tally.listed() or tally.counted() or 'there are no problems'}"
        )
    table = pa.Table.from_batches(batches, schema=schema)
    if wrong := check_table(table, config):
        raise VerificationError(f"the generator made a row that breaks the contract: {wrong}; please report it")
    info = datasets.DatasetInfo(features=features(config))
    return datasets.Dataset(datasets.table.InMemoryTable(table), info=info)
