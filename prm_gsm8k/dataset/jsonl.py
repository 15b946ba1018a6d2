"""JSON lines, read and written in one place: the package `jsonlines` over `orjson`.

    for number, where, row in read_rows("solutions.jsonl.gz"):      # 0, "solutions.jsonl.gz:1", {"prompt": …}
        ...

Whatever command reads a file, the same fault gets the same message, which says where it is (`FILE:LINE`) and what to
do. Gzip and a byte-order mark are read through, blank lines are skipped, and lines are read one at a time. A JSON array
of objects is as good as lines, but takes its size in memory.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

import jsonlines
import orjson

from prm_gsm8k.exceptions import BadInputError

EXPECTED = "expected JSON lines, one object a line"
NO_SUCH_FILE = "no such file or folder"
GZIP = b"\x1f\x8b"
SUFFIXES = (".jsonl", ".json", ".gz", ".csv", ".tsv", ".txt", ".parquet", ".zst", ".xz", ".zip")

# How other formats begin, and what to do about them.
OTHER_FORMATS = (
    (b"[", "a JSON array, not JSON lines; jq -c '.[]' FILE writes one object a line"),
    (b"<", "an HTML or XML page, not JSON lines; download the raw file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the data; run git lfs pull"),
    (b"PAR1", "a Parquet file, not JSON lines; datasets.Dataset.from_parquet(FILE).to_json(OUT) writes them"),
    (b"PK\x03\x04", "a zip archive, not JSON lines; unpack it (gzip alone is read as it is)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it (gzip alone is read as it is)"),
    (b"\xfd7zXZ", "xz-compressed; unpack it (gzip alone is read as it is)"),
    (b"BZh", "bzip2-compressed; unpack it (gzip alone is read as it is)"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
)
_CSV_HEADER = re.compile(r'"?\w+"?(?:[,\t]"?\w+"?)+')
_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "true or false"}


class BadLineError(ValueError):
    """What is wrong with a line, without saying where it stands."""


# ------------------------------------------------------------------------------------------------------------- reading


def read_rows(path: str | Path, shown: str | None = None) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The objects of a file: (its line or place in the array, from 0; where it is, for messages; the object).

    Args:
        path: JSON lines or a JSON array of objects, gzipped or not.
        shown: what to call it in messages; its path if None.

    Raises:
        BadInputError: there is no such file, nothing in it, or something else than JSON objects; it says where.
    """
    shown = shown or str(path)
    with _errors(shown):
        file = open(path, "rb")  # noqa: SIM115
    with file:
        yield from rows_of(file, shown)


def rows_of(file: IO[bytes], shown: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """As `read_rows`, of a file that is open, such as `sys.stdin.buffer`."""
    with _errors(shown):
        if not isinstance(file, io.BufferedReader):
            file = io.BufferedReader(file)  # type: ignore[type-var]
        if packed := file.peek(2).startswith(GZIP):
            file = io.BufferedReader(gzip.GzipFile(fileobj=file))
    lines = _lines(file, shown)
    blank: list[bytes] = []
    for first in lines:
        if not blank:
            first = first.removeprefix(b"\xef\xbb\xbf")  # the byte-order mark some editors write
        if first.strip():
            break
        blank.append(first)
    else:
        raise BadInputError(shown, f"empty; {EXPECTED}")
    lines = chain(blank, [first], lines)
    if first.lstrip().startswith(b"["):
        yield from _of_array(b"".join(lines), shown)
        return
    refuse_other_formats(first, shown)
    try:
        for number, row in parse_lines(lines, shown):
            yield number - 1, f"{shown}:{number}", row
    except BadInputError:
        for _ in lines if packed else ():  # a damaged gzip shows itself at its end, and is then what is wrong
            pass
        raise


def parse_lines(lines: Iterable[bytes], shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of lines, each with the number of its line, from 1.

    Raises:
        BadInputError: a line is no JSON object; it says which.
    """
    number = 0

    def counted() -> Iterator[bytes]:
        nonlocal number
        for number, line in enumerate(lines, 1):  # noqa: B007
            yield line

    reader = jsonlines.Reader(counted(), loads=orjson.loads)
    while True:
        try:
            row = _read(reader, skip_empty=True)
        except EOFError:
            return
        except BadLineError as error:
            raise BadInputError(f"{shown}:{number}", str(error)) from error
        yield number, row


def parse_line(line: bytes) -> dict[str, Any]:
    """The object of one line. Raises BadLineError for anything else.

    >>> parse_line(b'{"n": 1}\\n')
    {'n': 1}
    """
    return _read(jsonlines.Reader([line], loads=orjson.loads), skip_empty=False)


def refuse_other_formats(start: bytes, shown: str) -> None:
    """Raises BadInputError if a file begins as one of another format does."""
    for beginning, what in OTHER_FORMATS:
        if start.lstrip().startswith(beginning):
            raise BadInputError(shown, what)


def no_such_file(shown: str | Path) -> BadInputError:
    """What every command says of a file that is not there."""
    return BadInputError(str(shown), NO_SUCH_FILE)


def to_rename(found: Mapping[str, tuple[str, str]]) -> str:
    """What to rename in a record, `{new: (old, why)}`, as the end of a message; empty if nothing."""
    if not found:
        return ""
    said = ", and ".join(f"`{old}` {why}: rename it to `{new}`" for new, (old, why) in found.items())
    jq = " | ".join(f'.{new} = ."{old}"' for new, (old, _) in found.items())
    return f". {said} (jq -c '{jq}' FILE)"


def damaged_gzip(shown: str, error: Exception) -> BadInputError:
    """What every command says of gzip that cannot be unpacked."""
    return BadInputError(shown, f"damaged or cut-off gzip ({error}); fetch or compress it again")


def means_a_file(source: str | Path) -> bool:
    """Whether a name that does not exist was meant as a file, not as a repository of the Hub.

    >>> means_a_file("./org/name"), means_a_file("rows.jsonl"), means_a_file("org/name")
    (True, True, False)
    """
    return isinstance(source, Path) or source.startswith((".", "/", "~")) or source.lower().endswith(SUFFIXES)


def _read(reader: jsonlines.Reader, *, skip_empty: bool) -> dict[str, Any]:
    try:
        row: Any = reader.read(allow_none=True, skip_empty=skip_empty)
    except jsonlines.InvalidLineError as error:
        raise BadLineError(_why(error.__cause__)) from error
    if not isinstance(row, dict):
        raise BadLineError(f"{_kind(row)}, not an object")
    return row


def _why(error: BaseException | None) -> str:
    """What made a line no JSON."""
    if isinstance(error, UnicodeDecodeError):
        bad = error.object[error.start]
        return f"not UTF-8 (byte {error.start + 1} of the line is 0x{bad:02x}); save it as UTF-8"
    assert isinstance(error, json.JSONDecodeError)  # orjson's is one
    text = error.doc.strip()
    if text == "{":
        return "an object that is spread over lines; jq -c . FILE writes one object a line"
    if _CSV_HEADER.fullmatch(text):
        return f"looks like CSV; {EXPECTED}"
    end = len(error.doc.rstrip())
    cut = "; the file ends in the middle of this line" if error.pos >= end and not error.doc.endswith("\n") else ""
    return f"not valid JSON ({error.msg}, column {min(error.pos, end) + 1}){cut}"


def _kind(value: object) -> str:
    return "null" if value is None else _KINDS[type(value)]


def _of_array(data: bytes, shown: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        what = f"not valid JSON ({error.msg}, column {error.colno})"
        raise BadInputError(f"{shown}:{error.lineno}", what) from error
    if not rows:
        raise BadInputError(shown, f"empty; {EXPECTED}")
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BadInputError(f"{shown}[{i}]", f"{_kind(row)}, not an object")
        yield i, f"{shown}[{i}]", row


def _lines(file: IO[bytes], shown: str) -> Iterator[bytes]:
    """Lines of a file. An EOFError of gzip must not get as far as `jsonlines`, which takes it for the end."""
    with _errors(shown):
        yield from file


@contextmanager
def _errors(shown: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise no_such_file(shown) from None
    except IsADirectoryError:
        raise BadInputError(shown, "a folder; give one file of JSON lines") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_gzip(shown, error) from error
    except OSError as error:
        raise BadInputError(shown, f"cannot be read: {error.strerror or error}") from error


# ------------------------------------------------------------------------------------------------------------- writing


def to_line(row: object) -> bytes:
    """A row as its line, for a log that must be written in one piece.

    >>> to_line({"n": 1})
    b'{"n":1}\\n'
    """
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def write_rows(file: IO[bytes], rows: Iterable[object]) -> None:
    """Write rows to an open file, one a line: dicts, or dataclasses as dicts."""
    with jsonlines.Writer(file, dumps=orjson.dumps) as writer:
        writer.write_all(rows)
