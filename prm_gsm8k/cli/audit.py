"""`prm-gsm8k audit`: is this data fit to train on?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prm_gsm8k.cli.common import Format, Json, errors, print_json, printer, progress_bar

if TYPE_CHECKING:
    from prm_gsm8k.audit.run import Audit


def audit(
    where: Annotated[
        str,
        typer.Argument(
            metavar="DIR_OR_REPO",
            help="A folder, ORG/NAME[@REVISION], or a file of labelled solutions (FORMATS.md).",
        ),
    ] = "data",
    config: Annotated[str | None, typer.Option(help="Name of the config, if there are several.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Only this split; may be repeated.", show_default="all but test")
    ] = None,
    format: Format = None,
    json: Json = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.html", help="Write a page with verdicts, charts, and solutions to browse and filter."
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Marked solutions to compare with: problem, steps, label (index of the first error, or -1).",
            show_default="statistics of 797 marked ones",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Questions that must not be in the data; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws folds and resamples.")] = 0,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Quote the equations that are false or cannot be read.")
    ] = False,
) -> None:
    """Check whether surface cues or position predict the labels.

    Also counts false equations, duplicates, contradictory labels and questions of test sets, and compares the errors
    with those in real solutions. Works on any stepwise-supervision data. Prints one verdict per line; ends with 1 if
    one is bad.
    """
    with errors():
        if html is not None:
            from prm_gsm8k.dataset.files import check_page

            check_page(html)
        from prm_gsm8k.audit.run import audit as audited

        with progress_bar(quiet=json) as progress:
            result = audited(
                where,
                config=config,
                splits=split or (),
                format=format,
                reference=reference,
                against=against or (),
                seed=seed,
                progress=progress,
            )
        if html is not None:
            from prm_gsm8k.audit.page import audit_page
            from prm_gsm8k.dataset.files import write_page

            write_page(audit_page(result), html)
        if json:
            print_json(result.as_json())
        else:
            _show(result, html, verbose)
        if result.bad:
            raise typer.Exit(1)


def _show(result: Audit, html: Path | None, verbose: bool) -> None:
    from rich.text import Text

    console, found = printer(), result.found
    print(
        f"{result.data.name}: {found['rows']:,} solutions to {found['problems']:,} problems, "
        f"{found['wrong_rows']:,} with a first error"
    )
    for note in result.data.notes:
        print(f"({note})")
    signs = {"ok": ("✓ ok  ", "green"), "look": ("? look", "yellow"), "bad": ("✗ bad ", "bold red")}
    group = ""
    for line in result.lines:
        if line.group != group:
            console.print(f"\n{line.group}", style="bold", markup=False)
            group = line.group
        limit = (f"  [{line.limit}] {line.reason}", "dim")
        console.print(Text.assemble(signs[line.verdict], f"  {line.what}: {line.shown}", limit), soft_wrap=True)
    if found["telling_pairs"]:
        console.print("\nwhat distinguishes a first error from the correct step at the same position", style="bold")
        for cue in found["telling_pairs"]:
            print(f"  {cue}")
    if unread := found["false_equations"]["unread"]:
        print(f"\nsteps with an equation that cannot be read, and is neither true nor false: {unread:,}")
    if verbose:
        from prm_gsm8k.audit.arithmetic import quoted_equations

        for place, what, equation in quoted_equations(result.data.solutions):
            print(f"  {place}: {what}: {equation}")
    bad, look = len(result.bad), sum(line.verdict == "look" for line in result.lines)
    print(f"\n{bad} bad, {look} to look at, of {len(result.lines)}")
    if html is not None:
        print(f"{html}: open it in a browser")
