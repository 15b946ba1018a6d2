"""Shared by the commands: errors as one line and an exit code, a progress bar, JSON output, common arguments."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.exceptions import PrmGsm8kError, UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import Console

    from prm_gsm8k.audit.solutions import Data
    from prm_gsm8k.dataset.manifest import BuiltFolder
    from prm_gsm8k.dataset.recipe import Progress

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by `prm-gsm8k build`.")]
Where = Annotated[
    str,
    typer.Argument(
        metavar="DIR_OR_REPO",
        help="A built folder, ORG/NAME[@REVISION], or a file of solutions (FORMATS.md).",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Format of somebody else's rows (FORMATS.md).", show_default="found by itself"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def printer() -> Console:
    """Prints in colour on a terminal, and as plain text elsewhere or if NO_COLOR is set."""
    from rich.console import Console

    return Console(highlight=False)


def a_build(where: str, format: str | None) -> BuiltFolder | None:
    """As `hub.rows.a_build`. Raises UsageError also for a format of rows that this package made."""
    from prm_gsm8k.hub import rows

    if (here := rows.a_build(where)) is not None and format is not None:
        raise UsageError(f"{here.name} is a folder that prm-gsm8k build made; leave --format out")
    return here


def read_rows(where: str, config: str | None, format: str | None) -> Data:
    """Somebody else's rows; what was changed in reading them is said on stderr."""
    from prm_gsm8k.audit.solutions import read_rows as read

    data = read(where, config=config, format=format)
    for note in data.notes:
        print(f"prm-gsm8k: {note}", file=sys.stderr)
    return data


def as_dict(config: Any) -> dict[str, Any]:
    """A config of a manifest for JSON, with its splits added up under `all`."""
    return {**asdict(config), "all": asdict(config.stats)}


def given_for(kind: type[DataclassInstance], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a command that are fields of a dataclass."""
    return {field.name: given[field.name] for field in fields(kind) if field.name in given}


def print_json(content: dict[str, Any]) -> None:
    """Write the only output on stdout of a command that was given `--json`."""
    import orjson

    data = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    sys.stdout.flush()
    sys.stdout.buffer.write(data)  # JSON is UTF-8, whatever the terminal has


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
    """A progress bar with rate and time left on stderr, if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None, rate="")
        began: dict[str, tuple[float, int]] = {}  # start time, and how much was already done then

        def progress(what: str, done: int, total: int) -> None:
            if what not in began:
                began[what] = time.monotonic(), done
                bar.reset(task)
            start, before = began[what]
            speed = (done - before) / max(time.monotonic() - start, 0.001)
            kind = what.partition(" ")[0]
            rate = {
                "generating": f"{speed:,.0f} problems/s",
                "scoring": f"{speed:,.1f} solutions/s",
                "downloading": f"{speed / 1e6:,.1f} MB/s",
                "reading": f"{speed / 1e6:,.0f} MB/s",
            }.get(kind, "")
            bar.update(task, description=what, completed=done, total=total, rate=rate)

        yield progress


@contextmanager
def errors(interrupted: str = "interrupted; nothing half-written is left") -> Iterator[None]:
    """Turn an exception into one line on stderr and an exit code: 2 for misuse, 1 for failure, 130 for Ctrl-C."""
    try:
        yield
        sys.stdout.flush()
    except PrmGsm8kError as error:
        print(f"prm-gsm8k: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except ModuleNotFoundError as error:
        if error.name not in ("sklearn", "torch", "transformers"):
            raise
        extra = "audit" if error.name == "sklearn" else "train"
        print(f"prm-gsm8k: this needs {error.name}: pip install 'prm-gsm8k[{extra}]'", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print(f"prm-gsm8k: {interrupted}", file=sys.stderr)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # the reader of our output has gone (`| head`): write no more, and keep Python quiet when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None
    except OSError as error:  # a name too long, a folder that is closed to us, a disk that went away
        if error.filename is None:
            raise
        print(f"prm-gsm8k: {error.filename}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from None
