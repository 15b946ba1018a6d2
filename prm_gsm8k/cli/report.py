"""`prm-gsm8k report`: how well labels agree with what people marked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.cli.common import Json, errors, given_for, print_json, printer
from prm_gsm8k.cli.sampled import (
    Endpoint,
    ExtraBody,
    Labels,
    MaxDisk,
    MaxTokens,
    ModelName,
    Omit,
    Patience,
    Prompt,
    Revision,
    Rollouts,
    Temperature,
    Threshold,
    Timeout,
    TopP,
    VllmArgs,
    how_of,
    sampling_bar,
    say,
)

if TYPE_CHECKING:
    from prm_gsm8k.sampling.report import Report

app = typer.Typer(help="Measure labels against human-marked solutions.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _report() -> None:
    """Measure labels against human-marked solutions."""


@app.command("labels")
def labels_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Marked solutions with `problem`, `steps`, `label`: JSON lines, or ProcessBench's JSON.",
        ),
    ],
    model: ModelName = None,
    endpoint: Endpoint = None,
    evidence: Annotated[Path, typer.Option(help="Where completions are kept.")] = Path("report-evidence"),
    max_solutions: Annotated[int | None, typer.Option(min=1, help="Only the first solutions of FILE.")] = None,
    revision: Revision = None,
    prompt: Prompt = "chat",
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    max_tokens: MaxTokens = 1024,
    extra_body: ExtraBody = "",
    omit: Omit = "",
    labels: Labels = "auto",
    rollouts: Rollouts = 8,
    threshold: Threshold = 0.0,
    concurrency: Annotated[int, typer.Option(min=1, help="Concurrent requests.")] = 256,
    timeout: Timeout = 600.0,
    patience: Patience = 60.0,
    max_disk: MaxDisk = 10.0,
    vllm_args: VllmArgs = "",
    json: Json = False,
) -> None:
    """Compare first errors of reference and rollouts with marked ones.

    Prints how often both are the same step, and the rollouts and tokens per solution.
    """
    with errors(f"interrupted; completions so far are in {evidence}, and the same command continues from there"):
        from dataclasses import asdict

        from prm_gsm8k.sampling.recipe import ModelSampledRecipe
        from prm_gsm8k.sampling.report import read_marked, report_labels

        recipe = ModelSampledRecipe(**given_for(ModelSampledRecipe, context.params) | {"evidence": str(evidence)})
        marked = read_marked(file)[:max_solutions]
        with sampling_bar(quiet=json, unit="solutions") as tell:
            recipe, report = report_labels(marked, recipe, how_of(context), say, tell)
        model_source = None if labels == "reference" else recipe.settings.source
        if json:
            print_json({"file": file.name, "model": model_source, **asdict(report)})
        elif model_source is None:
            _show(report, f"the reference solutions on {file.name}")
        else:
            _show(report, f"{model_source} on {file.name}: {labels}, k = {rollouts}")


def _show(report: Report, title: str) -> None:
    from rich.table import Table

    from prm_gsm8k.reports.numbers import percent

    print(f"{title}\n")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("first error")
    table.add_column("solutions", justify="right")
    table.add_column("", justify="right")
    rows: list[tuple[str, int, int]] = [
        ("the marked step", report.exact, report.wrong),
        ("an earlier step", report.early, report.wrong),
        ("a later step", report.late, report.wrong),
        ("none found", report.missed, report.wrong),
        ("all marked incorrect", report.wrong, report.wrong),
    ]
    if report.right:
        rows.append(("found in one marked correct", report.alarms, report.right))
    for what, n, of in rows:
        table.add_row(what, f"{n:,}", percent(n, of))
    printer().print(table)
    cost: list[Any] = [n / max(report.wrong, 1) for n in (report.rollouts, report.tokens)]
    print(f"\n{cost[0]:.1f} rollouts and {cost[1]:,.0f} tokens per incorrect solution")
    if report.right_answers:
        print(f"{report.right_answers:,} of the incorrect ones have the correct answer, and are taken as correct")
    if report.left_out:
        why = "do not fit into the model's context, were not finished, or the reference cannot tell"
        print(f"{report.left_out:,} more are not counted: they {why}")
