"""The command line, `prm-gsm8k`: it parses, calls the library and prints. The commands are in the files beside this.

Everything heavy is imported by the command that needs it, so that `--help` and shell completion answer at once.
"""

from __future__ import annotations

import atexit
import codecs
import io
import os
import re
import sys
import warnings
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from prm_gsm8k import __version__
from prm_gsm8k.cli import audit, build, check, evaluate, export, hub, label, look, report, sampled, score

_HOME = re.compile(r"\A(--[a-z-]+=)(~[^/\\]*)(?=[/\\]|\Z)")

COMMANDS = {
    "Data": ("build", "label", "show", "stats", "verify", "audit", "report"),
    "Hub": ("publish", "diff"),
    "Models": ("score", "evaluate", "calibrate", "export"),
}


class Commands(TyperGroup):
    """Lists the commands in groups. Typer's own groups need rich, which takes longer to import than all of this."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With the home folder in `--out=~/x`, where no shell puts it; and with no number that fills no 64 bits."""
        if huge := next((arg for arg in args if re.fullmatch(r"(?:--[a-z-]+=)?-?\d{20,}", arg)), None):
            raise typer.BadParameter(f"{huge}: a number of more than 19 digits")
        return super().parse_args(ctx, [_HOME.sub(lambda m: m[1] + os.path.expanduser(m[2]), arg) for arg in args])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for heading, names in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:9}", self.commands[name].get_short_help_str(limit=65)) for name in names])


app = typer.Typer(
    cls=Commands,
    help="Process-supervision data for grade-school maths, and PRMs trained on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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
    hub.publish,
    hub.diff,
    score.score,
    score.calibrate,
    evaluate.evaluate,
    export.export,
):
    app.command()(command)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as one line, without the place in the code."""
    print(f"prm-gsm8k: {message}", file=sys.stderr)


_PLAIN = str.maketrans({"✓": "+", "✗": "x", "·": ".", "–": "-", "—": "-", "−": "-", "…": "...", "×": "*", "’": "'"})


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    """What is printed for characters that a terminal does not have: the nearest that it has, or ?."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(c if c.isascii() else "?" for c in text), error.end


def main() -> None:
    """The console script."""
    codecs.register_error("plain", _in_plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")  # as on Windows, where many terminals have 256 characters
    warnings.showwarning = show_warning
    code: object = 0
    try:
        app(prog_name="prm-gsm8k")
    except SystemExit as end:
        code = end.code
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    # Skips the interpreter's teardown, which spends 0.4 s on the objects of datasets and pandas.
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
