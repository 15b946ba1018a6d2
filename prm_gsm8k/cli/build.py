"""`prm-gsm8k build synthetic` and `build prm800k`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prm_gsm8k.cli.common import Json, as_dict, errors, given_for, print_json, progress_bar

if TYPE_CHECKING:
    from prm_gsm8k.build.build import Built

app = typer.Typer(
    help="Build a dataset folder, ready to load and to publish.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Neutral = Literal["positive", "negative", "drop"]
Phase = Literal["1", "2", "both"]
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
DropTestQuestions = Annotated[
    bool,
    typer.Option("--drop-test-questions", help="Skip and count what holds a question of GSM8K test, else an error."),
]
ExecutorName = Annotated[Literal["local", "slurm", "ray"], typer.Option(help="This machine, or a cluster.")]
Tasks = Annotated[int, typer.Option(min=1, help="Number of tasks the problems are divided among.")]
WorkersAtOnce = Annotated[int | None, typer.Option(min=1, help="Tasks at once.", show_default="all")]
Partition = Annotated[str | None, typer.Option(help="Slurm: partition.")]
TimeLimit = Annotated[str, typer.Option(help="Slurm: time limit per task.")]


def weights(text: str) -> dict[str, float]:
    """The weights of `--error-mix`."""
    parts = (part.partition("=") for part in text.split(","))
    try:
        return {name.strip(): float(weight or 1) for name, _, weight in parts}
    except ValueError:
        raise typer.BadParameter(f"{text!r}; write TYPE=WEIGHT, with commas between") from None


@app.command("synthetic")
def build_synthetic(
    context: typer.Context,
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
        Any | None,
        typer.Option(
            parser=weights,
            metavar="TYPE=WEIGHT,...",
            help="Only these error types: calculation_slip=1,operation_changed=2.",
            show_default="all that people make",
        ),
    ] = None,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    problems: Problems = None,
    drop_test_questions: DropTestQuestions = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the problems that were skipped.")] = False,
    json: Json = False,
) -> None:
    """GSM8K solutions, correct and with one error, by rules.

    Takes seconds. An error is the correct step of a near-by question, its twin, which has rows as well. Every block of
    both is checked by independent code.
    """
    with errors():
        finish(run("synthetic", context), verbose, json)


@app.command("prm800k")
def build_prm800k(
    context: typer.Context,
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
    ] = "positive",
    phase: Annotated[Phase, typer.Option(help="Which phase of the labelling; phase 1 is only 9 MB.")] = "both",
    include_screening: Annotated[
        bool, typer.Option("--include-screening", help="Keep solutions that were used to screen labelers.")
    ] = False,
    include_quality_control: Annotated[
        bool, typer.Option("--include-quality-control", help="Keep solutions that were used to check labelers.")
    ] = False,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Skip lines that cannot be read, and count them.")
    ] = False,
    drop_test_questions: DropTestQuestions = False,
    max_examples: MaxExamples = None,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the lines that were skipped.")] = False,
    json: Json = False,
) -> None:
    """OpenAI's human labels on MATH (not GSM8K) solutions."""
    with errors():
        finish(run("prm800k", context, source=None if source is None else str(source)), verbose, json)


def run(config: str, context: typer.Context, **more: Any) -> Built:
    """Build a config with the options of the command, which have the names of the recipe's fields, and `more`."""
    from prm_gsm8k.build.build import build
    from prm_gsm8k.build.registry import RECIPES

    given = context.params
    options: dict[str, Any] = {**given_for(RECIPES[config], given), **more}
    with progress_bar(quiet=given["json"]) as progress:
        return build(
            config, given["out"], num_proc=given["num_proc"], progress=progress, repo_id=given["repo_id"], **options
        )


def show_submitted(job: str, json: bool, then: str = "") -> None:
    """Say which job of Slurm is at work, and how its rows are had; `then`: more options and what they do."""
    if json:
        print_json({"submitted": job})
    else:
        print(
            f"Slurm job {job} was submitted. When `squeue --job {job}` no longer lists it, run the same command with "
            f"--executor local{then}"
        )


def finish(built: Built, verbose: bool, json: bool, what: str = "problem", **more: object) -> None:
    """Print what was built; as JSON also `more`, and where each `what` was that was skipped."""
    if json:
        skipped = [{what: where, "reason": reason} for where, reason in built.skipped]
        print_json(
            {
                "folder": str(built.folder),
                "config": built.name,
                "cached": built.cached,
                "seconds": round(built.seconds, 3),
                **more,
                **as_dict(built.config),
                "skipped": skipped if verbose else len(skipped),
            }
        )
    else:
        from prm_gsm8k.cli.console import show_built

        show_built(built, verbose)
