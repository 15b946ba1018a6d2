"""`prm-gsm8k build synthetic` and `build prm800k`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prm_gsm8k.cli.common import Json, as_dict, errors, print_json, printer, progress_bar
from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from prm_gsm8k.build.build import Built

app = typer.Typer(
    help="Build a dataset folder, ready to load and to publish.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Option(help="The folder to build: a new one, or one from an earlier build.")]
MaxExamples = Annotated[int | None, typer.Option(min=1, help="At most this many rows; problems are kept whole.")]
NumProc = Annotated[
    int | None,
    typer.Option(min=1, help="Processes; the rows are the same with any number.", show_default="cores, at most 4"),
]
RepoId = Annotated[
    str | None,
    typer.Option(metavar="ORG/NAME", help='Cache the rows where load_dataset("ORG/NAME", CONFIG) looks when offline.'),
]
Problems = Annotated[
    str | None,
    typer.Option(
        metavar="FILE_OR_HUB_ID", help="JSON lines (plain or .gz) or a Hub id.", show_default="GSM8K, included"
    ),
]


class Neutral(StrEnum):
    """`--neutral`; what each means is in `prm_gsm8k.prm800k.tree`."""

    positive = "positive"
    negative = "negative"
    drop = "drop"


class Phase(StrEnum):
    """`--phase`; what each means is in `prm_gsm8k.prm800k.recipe`."""

    one = "1"
    two = "2"
    both = "both"


@app.command("synthetic")
def build_synthetic(
    out: Out = Path("data"),
    num_incorrect_per_problem: Annotated[
        int, typer.Option(min=0, help="Incorrect solutions per problem, at most.")
    ] = 3,
    num_correct_per_problem: Annotated[int, typer.Option(min=1, help="Correct solutions per problem.")] = 1,
    max_examples: MaxExamples = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 0,
    twins: Annotated[
        bool, typer.Option("--twins/--no-twins", help="Rows of the edited questions, too; else of the problems alone.")
    ] = True,
    variants: Annotated[int, typer.Option(min=0, help="Make each problem so many times again with other numbers.")] = 0,
    error_mix: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE=WEIGHT,...",
            help="Only these error types: calculation_slip=1,operation_changed=2.",
            show_default="all that people make",
        ),
    ] = None,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    problems: Problems = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the problems that were skipped.")] = False,
    json: Json = False,
) -> None:
    """GSM8K solutions, correct and with one error, by rules.

    Takes seconds. An error is the correct step of a near-by question, its twin, which has rows as well. Every block of
    both is checked by independent code.
    """
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
                twins=twins,
                variants=variants,
                error_mix=None if error_mix is None else _weights(error_mix),
                problems=problems,
            )
        finish(built, verbose, json)


def _weights(text: str) -> dict[str, float]:
    """The weights of `--error-mix`. Raises `UsageError`."""
    weights = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        try:
            weights[name.strip()] = float(weight or 1)
        except ValueError:
            raise UsageError(f"--error-mix: {part.strip()!r}; write TYPE=WEIGHT, with commas between") from None
    return weights


@app.command("prm800k")
def build_prm800k(
    out: Out = Path("data"),
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A clone of openai/prm800k, a folder with its files, or one file; plain or .gz.",
            show_default="download 477 MB into the datasets cache",
        ),
    ] = None,
    neutral: Annotated[
        Neutral, typer.Option(help="What a rating of 0 means: correct, incorrect, or the path ends before it.")
    ] = Neutral.positive,
    phase: Annotated[Phase, typer.Option(help="Which phase of the labelling; phase 1 is only 9 MB.")] = Phase.both,
    include_screening: Annotated[
        bool, typer.Option("--include-screening", help="Keep solutions that were used to screen labelers.")
    ] = False,
    include_quality_control: Annotated[
        bool, typer.Option("--include-quality-control", help="Keep solutions that were used to check labelers.")
    ] = False,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Skip lines that cannot be read, and count them.")
    ] = False,
    max_examples: MaxExamples = None,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the lines that were skipped.")] = False,
    json: Json = False,
) -> None:
    """OpenAI's human labels on MATH (not GSM8K) solutions."""
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
    """Print what was built."""
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
