"""`prm-gsm8k build CONFIG`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prm_gsm8k.cli.common import Json, as_dict, errors, print_json, printer, progress_bar

if TYPE_CHECKING:
    from prm_gsm8k.build.build import Built

app = typer.Typer(
    help="Build a config into a folder that is ready to load and to publish.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


Out = Annotated[Path, typer.Option(help="The folder to build; a new one, or one an earlier build made.")]
MaxExamples = Annotated[int | None, typer.Option(min=1, help="At most so many rows; whole problems are kept.")]
NumProc = Annotated[
    int | None, typer.Option(min=1, help="Processes; the rows do not depend on it.", show_default="cores, at most 4")
]
RepoId = Annotated[
    str | None,
    typer.Option(metavar="ORG/NAME", help='Build where load_dataset("ORG/NAME", CONFIG) looks when it is offline.'),
]


class Neutral(StrEnum):
    """`--neutral`, as `prm_gsm8k.prm800k.tree` knows it."""

    positive = "positive"
    negative = "negative"
    drop = "drop"


class Phase(StrEnum):
    """`--phase`, as `prm_gsm8k.prm800k.recipe` knows it."""

    one = "1"
    two = "2"
    both = "both"


@app.command("synthetic")
def build_synthetic(
    out: Out = Path("data"),
    num_incorrect_per_problem: Annotated[int, typer.Option(min=0, help="Wrong solutions a problem, at most.")] = 3,
    num_correct_per_problem: Annotated[int, typer.Option(min=1, help="Right solutions a problem.")] = 1,
    max_examples: MaxExamples = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 0,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    problems: Annotated[
        str | None,
        typer.Option(metavar="FILE_OR_HUB_ID", help="JSONL (or .gz) or Hub id.", show_default="GSM8K, shipped inside"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the problems that were skipped.")] = False,
    json: Json = False,
) -> None:
    """Right and wrong solutions of GSM8K problems with a label a step, in seconds, without a model."""
    with errors():
        from prm_gsm8k.build.build import build

        with progress_bar(quiet=json) as progress:
            built = build(
                "synthetic",
                out,
                num_proc=num_proc,
                progress=progress,
                repo_id=repo_id,
                num_incorrect_per_problem=num_incorrect_per_problem,
                num_correct_per_problem=num_correct_per_problem,
                max_examples=max_examples,
                seed=seed,
                problems=problems,
            )
        finish(built, verbose, json)


@app.command("prm800k")
def build_prm800k(
    out: Out = Path("data"),
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A clone of openai/prm800k, a folder with its files, or one of them; plain or .gz.",
            show_default="download 477 MB into the datasets cache",
        ),
    ] = None,
    neutral: Annotated[
        Neutral, typer.Option(help="What a rating of 0 means: right, wrong, or the end of the path.")
    ] = Neutral.positive,
    phase: Annotated[Phase, typer.Option(help="Which phase of the labelling; phase 1 is 9 MB.")] = Phase.both,
    include_screening: Annotated[
        bool, typer.Option("--include-screening", help="Keep what labelers rated to be admitted.")
    ] = False,
    include_quality_control: Annotated[
        bool, typer.Option("--include-quality-control", help="Keep what every labeler rated as a check.")
    ] = False,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out lines that cannot be read, and count them.")
    ] = False,
    max_examples: MaxExamples = None,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the lines that were skipped.")] = False,
    json: Json = False,
) -> None:
    """Human labels: OpenAI's PRM800K, solutions to MATH (not GSM8K) problems, as true prefixes with a label a step."""
    with errors():
        from prm_gsm8k.build.build import build

        with progress_bar(quiet=json) as progress:
            built = build(
                "prm800k",
                out,
                num_proc=num_proc,
                progress=progress,
                repo_id=repo_id,
                source=None if source is None else str(source),
                neutral=neutral.value,
                phase=phase.value,
                include_screening=include_screening,
                include_quality_control=include_quality_control,
                skip_bad_lines=skip_bad_lines,
                max_examples=max_examples,
            )
        finish(built, verbose, json)


def finish(built: Built, verbose: bool, json: bool) -> None:
    """Say what was built."""
    if json:
        skipped = [{"problem": where, "reason": reason} for where, reason in built.skipped]
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
        from prm_gsm8k.cli.console import show_built

        show_built(printer(), built, verbose)
