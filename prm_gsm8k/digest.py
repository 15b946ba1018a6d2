"""A digest of what rows say, whatever file they stand in.

A Parquet file's bytes depend on the pyarrow version, on the number of processes that wrote it and on how rows were cut
into files and row groups. The content digest depends on column names, types, values and row order only: each column
is flattened into which values are null, the lengths of strings and lists, and the bytes of what is left, and
each of these streams is hashed with sha256 over all chunks in order. About two million rows a second.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def content_digest(table: pa.Table) -> str:
    """The content digest of a table: 64 hexadecimal digits."""
    streams: dict[str, hashlib._Hash] = {}
    for field in table.schema:
        # Types are named by our own walk, because their printed form (`list<item: …>`, `list<element: …>`) varies.
        for chunk in table[field.name].chunks:
            _feed(chunk, field.name, streams)
    whole = hashlib.sha256(repr((table.schema.names, table.num_rows)).encode())
    for path in sorted(streams):
        whole.update(f"{path}={streams[path].hexdigest()}\n".encode())
    return whole.hexdigest()


def combined_digest(digests: dict[str, str]) -> str:
    """One digest of the content digests of named parts (splits, configs)."""
    return hashlib.sha256("".join(f"{name}={digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


def _feed(array: pa.Array, path: str, streams: dict[str, hashlib._Hash]) -> None:
    """Append one chunk of a column to the streams of its path."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def feed(part: str, buffer: object) -> None:
        streams.setdefault(f"{path}:{part}", hashlib.sha256()).update(buffer)  # type: ignore[arg-type]

    feed("valid", pc.is_valid(array).cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
    array = array.drop_null()  # what lies under a null is nobody's content
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        feed("list", pc.list_value_length(array).to_numpy(zero_copy_only=False).astype("<i8").tobytes())
        _feed(array.flatten(), f"{path}[]", streams)
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        feed("string", pc.binary_length(array).to_numpy(zero_copy_only=False).astype("<i8").tobytes())
        if len(array):
            _, offsets, data = array.buffers()
            wide = pa.types.is_large_string(array.type)
            ends = np.frombuffer(offsets, dtype="<i8" if wide else "<i4")[array.offset : array.offset + len(array) + 1]
            feed("utf8", memoryview(data)[int(ends[0]) : int(ends[-1])] if data is not None else b"")
    elif pa.types.is_boolean(array.type):
        feed("bool", array.cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
    elif pa.types.is_integer(array.type):
        feed(str(array.type), array.to_numpy(zero_copy_only=False).astype("<i8").tobytes())
    elif pa.types.is_floating(array.type):
        feed(str(array.type), array.to_numpy(zero_copy_only=False).astype("<f8").tobytes())
    else:
        raise TypeError(f"column {path!r} has type {array.type}, of which no content digest is defined")
