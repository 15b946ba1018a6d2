"""`prm-gsm8k build CONFIG`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prm_gsm8k.commands.common import Json, as_dict, errors, print_json, printer, progress_bar

app = typer.Typer(
    help="Build a config into a folder that is ready to load and to publish.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("synthetic")
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
    with errors():
        from prm_gsm8k.build import build

        with progress_bar(quiet=json) as progress:
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
            print_json(
                {
                    "folder": str(built.folder),
                    "config": built.name,
                    "cached": built.cached,
                    "seconds": round(built.seconds, 3),
                    **as_dict(built.config),
                    "skipped": skipped if verbose else len(skipped),
                }
            )
        else:
            from prm_gsm8k.terminal import show_built

            show_built(printer(), built, verbose)
