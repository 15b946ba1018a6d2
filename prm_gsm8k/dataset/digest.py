"""A digest of what rows say, whatever file they stand in.

A Parquet file's bytes depend on the pyarrow version, on the number of processes that wrote it and on how rows were cut
into files and row groups. The content digest depends on column names, types, values and row order only.

H is BLAKE2b with a digest of 32 bytes, written as 64 hexadecimal digits: about 1 GB/s a core, where sha256 falls to
half of that on a processor without instructions for it. The digest is H of these lines, in UTF-8, each ended by a
newline:

    prm-gsm8k content 2
    32851                                          how many rows
    "prompt" string 32851 H(nulls) H(lengths) H(data)
    "completions" list 32851 H(nulls) H(lengths) H(data)
    "completions[]" string 140565 H(nulls) H(lengths) H(data)
    ...

There is one line a column, in order; after a list column comes one for the items of all its lists, end to end, named by
`[]`. A line holds the name as a JSON string, the type, how many values there are (nulls counted), and:

    nulls    the index of each null among the values, as uint64
    lengths  of each value that is not null, as uint32: the bytes of a string, the items of a list; else nothing
    data     of each value that is not null: the UTF-8 of a string; 00 or 01 for a bool; two's complement or IEEE 754 in
             the type's own width for int8 to int64, uint8 to uint64, float and double; for a list nothing

Numbers are little-endian. `string` and `list` also name their large variants. Bytes
under a null do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

THREADS = 4  # a column each; most bytes stand in two columns, prompts and steps


def content_digest(table: pa.Table, threads: int = THREADS) -> str:
    """The content digest of a table: 64 hexadecimal digits. Hashing leaves the interpreter lock, so threads help.

    Raises:
        TypeError: a column holds something else than strings, numbers, booleans and lists of them.
    """
    with ThreadPoolExecutor(threads) as pool:
        columns = list(pool.map(_column_lines, table.schema.names, table.columns))
    whole = _hash(f"prm-gsm8k content 2\n{table.num_rows}\n".encode())
    for lines in columns:
        whole.update("".join(f"{line}\n" for line in lines).encode())
    return whole.hexdigest()


def combined_digest(digests: dict[str, str]) -> str:
    """One digest of the content digests of named parts (splits, configs): H of the lines `NAME=DIGEST`, by name."""
    return _hash("".join(f"{name}={digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


def _hash(data: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=32)


def _column_lines(name: str, column: pa.ChunkedArray) -> list[str]:
    values = _Values(name, column.type)
    for chunk in column.chunks:
        values.feed(chunk)
    return list(values.lines())


class _Values:
    """What is hashed of a column, or of the items of its lists, chunk by chunk."""

    def __init__(self, name: str, arrow: pa.DataType) -> None:
        import pyarrow as pa

        self.name = name
        self.count = 0
        self.nulls, self.lengths, self.data = _hash(), _hash(), _hash()
        self.items: _Values | None = None
        # Named by ourselves, because the printed form of a list (`list<item: ...>`, `list<element: ...>`) varies.
        if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
            self.type = "list"
            self.items = _Values(f"{name}[]", arrow.value_type)
        elif pa.types.is_string(arrow) or pa.types.is_large_string(arrow):
            self.type = "string"
        elif pa.types.is_boolean(arrow) or pa.types.is_integer(arrow) or arrow in (pa.float32(), pa.float64()):
            self.type = str(arrow)
        else:
            raise TypeError(f"column {name!r} has type {arrow}, of which no content digest is defined")

    def feed(self, array: pa.Array) -> None:
        """Append one chunk."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        def numbers(of: pa.Array, dtype: str) -> memoryview:
            return np.ascontiguousarray(of.to_numpy(zero_copy_only=False), dtype=dtype).data

        start, self.count = self.count, self.count + len(array)
        if array.null_count:
            self.nulls.update(numbers(pc.add(pc.indices_nonzero(pc.is_null(array)), start), "<u8"))
            array = array.drop_null()
        if self.items is not None:
            self.lengths.update(numbers(pc.list_value_length(array), "<u4"))
            self.items.feed(array.flatten())
        elif self.type == "string":
            self.lengths.update(numbers(pc.binary_length(array), "<u4"))
            self.data.update(_utf8(array))
        elif self.type == "bool":
            self.data.update(numbers(array.cast(pa.uint8()), "u1"))
        else:
            self.data.update(numbers(array, np.dtype(array.type.to_pandas_dtype()).newbyteorder("<").str))

    def lines(self) -> Iterator[str]:
        hashes = " ".join(stream.hexdigest() for stream in (self.nulls, self.lengths, self.data))
        yield f"{json.dumps(self.name)} {self.type} {self.count} {hashes}"
        if self.items is not None:
            yield from self.items.lines()


def _utf8(array: pa.Array) -> memoryview:
    """The bytes of all strings of an array without nulls, where they lie in Arrow's memory."""
    import numpy as np
    import pyarrow as pa

    _, offsets, data = array.buffers()
    if not len(array) or data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype="<i8" if pa.types.is_large_string(array.type) else "<i4")
    return memoryview(data)[int(ends[array.offset]) : int(ends[array.offset + len(array)])]
