"""The content digest: written a second time from its description, and what it sees and does not see."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_rows import made_table

from prm_gsm8k.dataset.digest import content_digest

SCHEMA = pa.schema(
    {
        "text": pa.string(),
        'odd "name"\n': pa.list_(pa.string()),
        "flags": pa.list_(pa.bool_()),
        "flag": pa.bool_(),
        "index": pa.int32(),
        "soft": pa.list_(pa.float32()),
        "tree": pa.list_(pa.list_(pa.int64())),
        "size": pa.uint16(),
        "real": pa.float64(),
    }
)


def h(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def naive_lines(name: str, arrow: pa.DataType, values: list[Any]) -> str:
    """The lines of one column, value by value, as the docstring of `prm_gsm8k.dataset.digest` describes them."""
    present = [value for value in values if value is not None]
    nulls = b"".join(struct.pack("<Q", i) for i, value in enumerate(values) if value is None)
    lengths, data, kind, items = b"", b"", str(arrow), ""
    if pa.types.is_list(arrow):
        kind, lengths = "list", b"".join(struct.pack("<I", len(value)) for value in present)
        items = naive_lines(f"{name}[]", arrow.value_type, [item for value in present for item in value])
    elif pa.types.is_string(arrow):
        encoded = [value.encode() for value in present]
        lengths, data = b"".join(struct.pack("<I", len(value)) for value in encoded), b"".join(encoded)
    else:
        code = {"bool": "?", "int32": "i", "int64": "q", "uint16": "H", "float": "f", "double": "d"}[kind]
        data = b"".join(struct.pack(f"<{code}", value) for value in present)
    return f"{json.dumps(name)} {kind} {len(values)} {h(nulls)} {h(lengths)} {h(data)}\n{items}"


def naive_digest(table: pa.Table) -> str:
    columns = [naive_lines(field.name, field.type, table[field.name].to_pylist()) for field in table.schema]
    return h(f"prm-gsm8k content 2\n{table.num_rows}\n{''.join(columns)}".encode())


def values_of(arrow: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_list(arrow):
        return st.none() | st.lists(values_of(arrow.value_type), max_size=3)
    some = {
        "string": st.text(max_size=4),
        "bool": st.booleans(),
        "int32": st.integers(-(2**31), 2**31 - 1),
        "int64": st.integers(-(2**63), 2**63 - 1),
        "uint16": st.integers(0, 2**16 - 1),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
    }
    return st.none() | some[str(arrow)]


rows = st.lists(st.fixed_dictionaries({field.name: values_of(field.type) for field in SCHEMA}), max_size=8)


@pytest.mark.slow
@given(rows=rows, cut=st.integers(0, 8), threads=st.integers(1, 3))
def test_it_is_what_its_description_says_however_the_rows_are_cut(
    rows: list[dict[str, Any]], cut: int, threads: int
) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    expected = naive_digest(table)
    assert content_digest(table, threads) == expected
    assert content_digest(pa.concat_tables([table.slice(0, cut), table.slice(cut)]), threads) == expected
    assert content_digest(table.slice(cut)) == naive_digest(pa.Table.from_pylist(rows[cut:], schema=SCHEMA))


def test_it_does_not_see_large_types() -> None:
    table = pa.Table.from_pylist([{"text": "a", "steps": ["b", None]}, {"text": None, "steps": None}])
    large = pa.schema({"text": pa.large_string(), "steps": pa.large_list(pa.large_string())})
    assert content_digest(table.cast(large)) == content_digest(table)


def test_it_does_not_see_what_lies_under_a_null() -> None:
    offsets, data = pa.py_buffer(struct.pack("<3i", 0, 6, 7)), pa.py_buffer(b"hiddenx")
    first_is_null = pa.py_buffer(b"\x02")
    hidden = pa.StringArray.from_buffers(2, offsets, data, first_is_null, 1)
    assert hidden.to_pylist() == [None, "x"]
    assert content_digest(pa.table({"a": hidden})) == content_digest(pa.table({"a": pa.array([None, "x"])}))


def test_it_sees_every_change() -> None:
    table = made_table(range(30))
    rows = table.to_pylist()
    changes = (
        [rows[1], rows[0], *rows[2:]],
        [{**rows[0], "values": []}, *rows[1:]],
        [{**rows[0], "answer": None}, *rows[1:]],
        [{**rows[0], "answer": ""}, *rows[1:]],
        [{**rows[0], "completions": ["".join(rows[0]["completions"]), ""]}, *rows[1:]],
        [{**rows[0], "labels": [True, False]}, *rows[1:]],
        rows[:-1],
    )
    others = [pa.Table.from_pylist(changed, schema=table.schema) for changed in changes]
    others += [table.rename_columns({"answer": "reply"}), table.drop_columns(["source"])]
    others += [table.set_column(5, "first_error", table["first_error"].cast(pa.int64()))]
    digests = {content_digest(other) for other in [table, *others]}
    assert len(digests) == 1 + len(others)


def test_it_is_the_one_that_folders_out_there_have() -> None:
    """A change here makes every published folder fail `verify`: change the first line hashed, too."""
    assert content_digest(made_table(range(3))) == "1e36246bcae24be54ca4afdd44d2b4ee7a73a06385e30e16b62b073d8ed0dcf8"


def test_a_type_without_a_definition_is_refused() -> None:
    with pytest.raises(TypeError, match="column 'when' has type date32"):
        content_digest(pa.table({"when": pa.array([1], pa.int32()).cast(pa.date32())}))
