"""One reader of JSON lines: what it reads through, and what it says of a file that is none."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prm_gsm8k.dataset.jsonl import BadLineError, parse_line, parse_lines, read_rows, rows_of, to_line, write_rows
from prm_gsm8k.exceptions import BadInputError

A, B = {"question": "Café ½?", "n": 1}, {"steps": ["a\u2028b", "c\x85d"], "label": -1}
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in (A, B)).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def refusal(file: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        list(read_rows(file))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.rstrip(),
        LINES.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + LINES,
        gzip.compress(LINES, mtime=0),
        gzip.compress(b"\xef\xbb\xbf" + LINES, mtime=0),
    ],
    ids=["plain", "no newline at the end", "CRLF", "byte-order mark", "gzip", "byte-order mark in gzip"],
)
def test_rows_with_their_lines(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    assert list(read_rows(file)) == [(0, f"{file}:1", A), (1, f"{file}:2", B)]
    assert list(rows_of(io.BytesIO(content), "stdin")) == [(0, "stdin:1", A), (1, "stdin:2", B)]


@pytest.mark.parametrize("start", [b"\n \n", b"\xef\xbb\xbf\n\t\n"])
def test_blank_lines_count_but_are_no_rows(start: bytes, file: Path) -> None:
    file.write_bytes(start + LINES.replace(b"\n", b"\n\n"))
    assert list(read_rows(file, "mine")) == [(2, "mine:3", A), (4, "mine:5", B)]


@pytest.mark.parametrize("start", [b"", b"\n\n ", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_as_good_as_lines(start: bytes, indent: int | None, file: Path) -> None:
    for pack in (bytes, gzip.compress):
        file.write_bytes(pack(start + json.dumps([A, B], indent=indent).encode()))
        assert list(read_rows(file)) == [(0, f"{file}[0]", A), (1, f"{file}[1]", B)]


def test_lines_are_read_as_they_are_asked_for() -> None:
    def lines() -> Iterator[bytes]:
        yield b'{"n": 1}\n'
        pytest.fail("the second line was read before it was asked for")

    assert next(parse_lines(lines(), "x")) == (1, {"n": 1})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": empty; expected JSON lines, one object a line"),
        (b"\n \n\n", ": empty; expected JSON lines, one object a line"),
        (b"\xef\xbb\xbf", ": empty; expected JSON lines, one object a line"),
        (gzip.compress(b"", mtime=0), ": empty; expected JSON lines, one object a line"),
        (b"[]", ": empty; expected JSON lines, one object a line"),
        (b"<!DOCTYPE html>\n<html></html>", ": an HTML or XML page, not JSON lines; download the raw file"),
        (b"version https://git-lfs.github.com/spec/v1\n", ": a Git LFS pointer, not the data; run git lfs pull"),
        (b"PAR1\x15\x04", ": a Parquet file, not JSON lines; datasets.Dataset.from_parquet(FILE).to_json(OUT) writes"),
        (b"PK\x03\x04\x14", ": a zip archive, not JSON lines; unpack it"),
        (b"\x28\xb5\x2f\xfd\x04", ": zstd-compressed; unpack it"),
        (b"\xfd7zXZ\x00", ": xz-compressed; unpack it"),
        (b"BZh91AY", ": bzip2-compressed; unpack it"),
        (LINES.decode().encode("utf-16"), ": UTF-16 text; save it as UTF-8"),
        (b"question,answer\nhow many?,#### 3\n", ":1: looks like CSV; expected JSON lines, one object a line"),
        (b"just some words\n", ":1: not valid JSON (unexpected character, expected a JSON value, column 1)"),
        (json.dumps(A, indent=2).encode(), ":1: an object that is spread over lines; jq -c . FILE writes one object"),
        (LINES + b'{"a": 1,}\n', ":3: not valid JSON ("),
        (LINES + b'{"a": \n' + LINES, ":3: not valid JSON (unexpected end of data, column 6)"),
        (LINES[:-9], ":2: not valid JSON (unexpected end of data, column 31); the file ends in the middle of this"),
        (LINES + '{"a": "é"}\n'.encode("latin-1"), ":3: not UTF-8 (byte 8 of the line is 0xe9); save it as UTF-8"),
        (LINES + b"3\n", ":3: a number, not an object"),
        (LINES + b"[1]\n", ":3: an array, not an object"),
        (LINES + b'"text"\n', ":3: a string, not an object"),
        (LINES + b"null\n", ":3: null, not an object"),
        (LINES + b"true\n", ":3: true or false, not an object"),
        (b"\n[1, {}]", "[0]: a number, not an object"),
        (b'\n[{},\n{"a" 1}]', ":3: not valid JSON ("),
        (b"[1]\n[2]\n", ":2: not valid JSON (unexpected content after document, column 1)"),
    ],
)
def test_what_is_wrong_and_where(content: bytes, said: str, file: Path) -> None:
    file.write_bytes(content)
    assert refusal(file).startswith(f"{file}{said}")


def test_gzip_that_was_cut_off_or_damaged(file: Path) -> None:
    """Also far behind its first rows, which `jsonlines` alone would take for the end of the file."""
    packed = gzip.compress("".join(f'{{"{i}": {i * i * 7919}}}\n' for i in range(20_000)).encode())
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0xFF
    for content in (packed[:-20], packed[: len(packed) // 2], packed[:5], b"\x1f\x8bxx", bytes(damaged)):
        file.write_bytes(content)
        assert refusal(file).startswith(f"{file}: damaged or cut-off gzip (")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path / 'none'}: no such file or folder"
    assert refusal(tmp_path) == f"{tmp_path}: a folder; give one file of JSON lines"
    assert refusal(tmp_path / ("x" * 300)).endswith(": cannot be read: File name too long")


def test_one_line() -> None:
    assert parse_line(b'{"a": [1, null]}\n') == {"a": [1, None]}
    for line, says in ((b"\n", "not valid JSON"), (b"[1]", "an array, not an object"), (b"\xff", "not UTF-8")):
        with pytest.raises(BadLineError, match=says):
            parse_line(line)


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBER = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.none() | st.booleans() | NUMBER | TEXT
VALUES = VALUE | st.lists(VALUE, max_size=3) | st.dictionaries(TEXT, VALUE, max_size=3)
ROWS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=4)


@settings(max_examples=50)
@given(rows=ROWS)
def test_what_is_written_is_read_again(rows: list[dict[str, Any]]) -> None:
    file = io.BytesIO()
    write_rows(file, rows)
    assert file.getvalue() == b"".join(map(to_line, rows))
    for content in (file.getvalue(), gzip.compress(file.getvalue(), 1), json.dumps(rows).encode()):
        assert [row for _, _, row in rows_of(io.BytesIO(content), "x")] == rows
