"""Parquet as the Hub likes it, and as every `datasets` since 2.14 reads it.

zstd level 3, a page index, and content-defined chunking: rows inserted in front leave later pages as they were, and Xet
uploads a megabyte instead of the file. That needs large row groups (every page changes at a border between two) and no
dictionaries of texts (all pages change with the first word): with row groups of 10,000 rows and pyarrow's dictionaries
half of a file or all of it is uploaded again (benchmarks/hub.py). The schema has no `huggingface` metadata, because
`datasets` 3 cannot read what `datasets` 4 writes there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.exceptions import VerificationError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_GROUP = 100_000  # about 70 MB in memory; `datasets` itself writes up to 100
FEW_VALUES = ["error_type", "source"]  # columns whose values are worth a dictionary
WRITTEN: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": FEW_VALUES,
    "use_content_defined_chunking": True,
    "write_page_index": True,
}
ROWS_PER_FILE = 500_000  # about 150 MB: far below the Hub's advice of 500 MB a file, and one file for most builds


def write_parquet(table: pa.Table, folder: Path, split: str, mark: str) -> list[Path]:
    """Write a split as `SPLIT-MARK-00000-of-0000N.parquet` files and return them in order.

    `mark` is the beginning of the content digest: new rows get new names, so no cache keyed by name answers with old
    ones.
    """
    import pyarrow.parquet as pq

    table = table.replace_schema_metadata(None)
    total = max(1, -(-table.num_rows // ROWS_PER_FILE))
    paths = []
    for i in range(total):
        path = folder / f"{split}-{mark}-{i:05d}-of-{total:05d}.parquet"
        rows = table.slice(i * ROWS_PER_FILE, ROWS_PER_FILE)
        with pq.ParquetWriter(path, table.schema, **WRITTEN) as writer:
            for start in range(0, max(rows.num_rows, 1), ROWS_PER_GROUP):
                # one chunk per column, so that bytes do not depend on the number of processes that made the rows
                writer.write_table(rows.slice(start, ROWS_PER_GROUP).combine_chunks(), row_group_size=ROWS_PER_GROUP)
        paths.append(path)
    return paths


def arrow_bytes(table: pa.Table) -> int:
    """What the rows take in Arrow's memory if each column is one chunk, however many there are."""
    return sum(map(_array_bytes, table.columns))


def _array_bytes(array: pa.ChunkedArray) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = len(array)
    valid = -(-rows // 8) if array.null_count else 0
    if pa.types.is_list(array.type):
        return valid + 4 * (rows + 1) + _array_bytes(pc.list_flatten(array))
    if pa.types.is_string(array.type):
        return valid + 4 * (rows + 1) + (pc.sum(pc.binary_length(array)).as_py() or 0)
    return valid + -(-rows * int(array.type.bit_width) // 8)


def read_parquet(paths: Sequence[Path], schema: pa.Schema) -> pa.Table:
    """Read files as one table of the given schema. Raises VerificationError naming a file that cannot be read so."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [schema.empty_table()]
    for path in paths:
        try:
            table = pq.read_table(path)
            tables.append(table.cast(schema) if table.schema != schema else table)
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise VerificationError(f"{path}: cannot be read as Parquet of this config: {error}") from None
    return pa.concat_tables(tables)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def iter_rows(table: pa.Table, rows_at_a_time: int = 2_000) -> Iterator[dict[str, Any]]:
    """The rows of a table as dicts, without holding all of them at once."""
    for batch in table.to_batches(max_chunksize=rows_at_a_time):
        yield from batch.to_pylist()
