"""The command line, `prm-gsm8k`: it parses, calls the library and prints. Each command stands in `commands/`.

Everything heavy is imported by the command that needs it, so `--help` is there at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from contextlib import suppress
from typing import Annotated

import typer

from prm_gsm8k import __version__
from prm_gsm8k.cli import audit, build, check, evaluate, export, hub, label, look, report, sampled, score

app = typer.Typer(
    help="Labelled reasoning steps on GSM8K, to train process reward models with.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help is there in half the time
)
build.app.command("model_sampled")(sampled.build_model_sampled)
app.add_typer(build.app, name="build")
app.add_typer(report.app, name="report")
for command in (
    look.show,
    look.stats,
    check.verify,
    label.label,
    audit.audit,
    hub.diff,
    hub.publish,
    evaluate.evaluate,
    export.export,
    score.score,
    score.calibrate,
):
    app.command()(command)


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


if __name__ == "__main__":
    main()
