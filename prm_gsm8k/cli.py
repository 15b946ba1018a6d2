"""The command line, `prm-gsm8k`: it parses, calls the library and prints.

Everything heavy is imported by the command that needs it, so `--help` is there at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k import __version__
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from prm_gsm8k.build import Progress
    from prm_gsm8k.manifest import Manifest

app = typer.Typer(
    help="Labelled reasoning steps on GSM8K, to train process reward models with.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help is there in half the time
)
build_app = typer.Typer(
    help="Build a config into a folder that is ready to load and to publish.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(build_app, name="build")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `prm-gsm8k build` made.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def main() -> None:
    """The console script."""
    warnings.showwarning = lambda message, *_, **__: print(f"prm-gsm8k: {message}", file=sys.stderr)
    code: object = 0
    try:
        app(prog_name="prm-gsm8k")
    except SystemExit as end:
        code = end.code
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    # Taking datasets and pandas apart object by object takes Python 0.4 s, and nobody needs them any more.
    os._exit(code if isinstance(code, int) else 1 if code else 0)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"prm-gsm8k {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@build_app.command("synthetic")
def build_synthetic(
    out: Annotated[Path, typer.Option(help="The folder to build; a new one, or one an earlier build made.")] = Path(
        "data"
    ),
    num_incorrect_per_problem: Annotated[int, typer.Option(min=0, help="Wrong solutions a problem, at most.")] = 3,
    num_correct_per_problem: Annotated[int, typer.Option(min=1, help="Right solutions a problem.")] = 1,
    max_examples: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows; whole problems are kept.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 0,
    num_proc: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; the rows do not depend on it.", show_default="cores, at most 4"),
    ] = None,
    problems: Annotated[
        str | None,
        typer.Option(metavar="FILE_OR_HUB_ID", help="JSONL (or .gz) or Hub id.", show_default="GSM8K, shipped inside"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the problems that were skipped.")] = False,
    json: Json = False,
) -> None:
    """Right and wrong solutions of GSM8K problems with a label a step, in seconds, without a model."""
    with _errors():
        from prm_gsm8k.build import build

        with _progress(quiet=json) as progress:
            built = build(
                "synthetic",
                out,
                num_proc=num_proc,
                progress=progress,
                num_incorrect_per_problem=num_incorrect_per_problem,
                num_correct_per_problem=num_correct_per_problem,
                max_examples=max_examples,
                seed=seed,
                problems=problems,
            )
        if json:
            skipped = [{"problem": problem, "reason": reason} for problem, reason in built.skipped]
            _print_json(
                {
                    "folder": str(built.folder),
                    "config": built.name,
                    "cached": built.cached,
                    "seconds": round(built.seconds, 3),
                    **_as_dict(built.config),
                    "skipped": skipped if verbose else len(skipped),
                }
            )
        else:
            from prm_gsm8k.terminal import show_built

            show_built(_console(), built, verbose)


@app.command()
def show(
    folder: Folder = Path("data"),
    error_type: Annotated[str | None, typer.Option(help="Only this kind of error; `none` for right solutions.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many solutions.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    split: Annotated[str | None, typer.Option(help="Only from this split.")] = None,
    row_id: Annotated[str | None, typer.Option("--id", help="This row.")] = None,
    config: Annotated[str | None, typer.Option(help="Which config.", show_default="the first")] = None,
) -> None:
    """Show solutions: right steps, the first error and why it is one, and what follows from it."""
    with _errors():
        from prm_gsm8k.folder import read_tables
        from prm_gsm8k.terminal import choose, solution

        manifest = _manifest(folder)
        name = config or next(iter(manifest.configs))
        if name not in manifest.configs:
            raise UsageError(f"{folder} has no config {name!r}; it has {', '.join(manifest.configs)}")
        stats = manifest.configs[name]
        if split is not None and split not in stats.splits:
            raise UsageError(f"{name} has no split {split!r}; it has {', '.join(stats.splits)}")
        if error_type is not None and error_type not in stats.stats.error_types:
            raise UsageError(f"{name} has no error type {error_type!r}; it has {', '.join(stats.stats.error_types)}")
        tables = read_tables(folder, manifest, name)
        rows = choose(tables, n=n, seed=seed, error_type=error_type, split=split, row_id=row_id)
        if not rows:
            raise UsageError(f"{name} has no row with id {row_id!r}" if row_id else f"{name} has no such row")
        console = _console()
        for row in rows:
            console.print(solution(row))


@app.command()
def stats(folder: Folder = Path("data"), json: Json = False) -> None:
    """Count rows by split, kind of error and place of the first error, and say what was dropped and why."""
    with _errors():
        manifest = _manifest(folder)
        if json:
            _print_json({name: _as_dict(config) for name, config in manifest.configs.items()})
            return
        from prm_gsm8k.terminal import show_config

        console = _console()
        for name, config in manifest.configs.items():
            show_config(console, name, config)


@app.command()
def verify(folder: Folder = Path("data"), json: Json = False) -> None:
    """Check a folder again from its bytes: digests, contract, counts, card, labels, and each row once more."""
    with _errors():
        from dataclasses import asdict

        from prm_gsm8k.verify import verify as verified

        verdict = verified(folder)
        if json:
            _print_json({"ok": verdict.ok, **asdict(verdict)})
        else:
            from prm_gsm8k.terminal import show_verdict

            show_verdict(_console(), verdict)
        if not verdict.ok:
            raise PrmGsm8kError(f"{folder}: {len(verdict.findings)} findings; build it again, or fetch it again")


def _manifest(folder: Path) -> Manifest:
    from prm_gsm8k.manifest import read_manifest

    manifest = read_manifest(folder)
    if not manifest.configs:
        raise PrmGsm8kError(f"{folder}: holds no config")
    return manifest


def _console() -> Console:
    from rich.console import Console

    return Console()  # honours NO_COLOR, and is plain where it is not a terminal


def _as_dict(config: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(config), "all": asdict(config.stats)}


def _print_json(content: dict[str, Any]) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A progress bar with rate and time left, on stderr, if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from prm_gsm8k.recipe import PROBLEMS_PER_BATCH

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None, rate="")
        start = time.monotonic()

        def progress(what: str, done: int, total: int) -> None:
            speed = done * PROBLEMS_PER_BATCH / (time.monotonic() - start)
            rate = f"{speed:,.0f} problems/s" if what == "generating" else ""
            bar.update(task, description=what, completed=done, total=total, rate=rate)

        yield progress


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what can go wrong into one line on stderr and an exit code: 2 misuse, 1 failure, 130 Ctrl-C."""
    try:
        yield
        sys.stdout.flush()
    except PrmGsm8kError as error:
        print(f"prm-gsm8k: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        print("prm-gsm8k: interrupted; nothing half-written is left", file=sys.stderr)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # who read us has gone (`| head`): no more output, and no complaint when Python flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


if __name__ == "__main__":
    main()
