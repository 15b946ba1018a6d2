"""`prm-gsm8k report`: what people marked, held against what we label."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.cli.common import Json, errors, print_json, printer
from prm_gsm8k.cli.sampled import Labels, Prompt, sampling_bar, say

if TYPE_CHECKING:
    from rich.console import Console

    from prm_gsm8k.sampling.report import Report

app = typer.Typer(help="How good something is, measured against people.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _report() -> None:
    """How good something is, measured against people."""


@app.command("labels")
def labels_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Solutions with `problem`, `steps`, `label`: JSONL, or ProcessBench's JSON."
        ),
    ],
    model: Annotated[str | None, typer.Option(help="A Hub id or a folder.", show_default="the only one there")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A running OpenAI-compatible server, http://…/v1.", show_default="start vLLM"),
    ] = None,
    evidence: Annotated[Path, typer.Option(help="Where answers are kept, for good.")] = Path("report-evidence"),
    max_solutions: Annotated[int | None, typer.Option(min=1, help="The first so many of FILE.")] = None,
    revision: Annotated[str | None, typer.Option(help="Of the model on the Hub.", show_default="the newest")] = None,
    prompt: Annotated[
        Prompt,
        typer.Option(help="chat: vLLM or SGLang; chat_ask: any chat server; few_shot: a base model."),
    ] = Prompt.chat,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Share of probability to sample from.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="An answer is cut off there.")] = 1024,
    labels: Annotated[
        Labels, typer.Option(help="hard: does a rollout reach the answer? soft: how many do? Asks for more.")
    ] = Labels.hard,
    rollouts: Annotated[int, typer.Option(min=1, help="Continuations from a prefix; soft: up to 4 times as many.")] = 8,
    threshold: Annotated[float, typer.Option(help="A prefix is wrong if no more than this share succeeds.")] = 0.0,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 256,
    timeout: Annotated[float, typer.Option(help="Seconds one request may take.")] = 600.0,
    patience: Annotated[float, typer.Option(help="Seconds for which a failing server is asked again.")] = 60.0,
    max_disk: Annotated[float, typer.Option(metavar="GB", help="Answers take no more than this.")] = 10.0,
    vllm_args: Annotated[str, typer.Option(metavar="'--a b …'", help="More arguments of vllm serve.")] = "",
    json: Json = False,
) -> None:
    """Find first errors by rollouts where people marked them: how often it is the same step, and what that costs."""
    with errors(f"interrupted; what was answered is kept in {evidence}, and the same command goes on from there"):
        from dataclasses import asdict

        from prm_gsm8k.sampling.recipe import ModelSampledRecipe
        from prm_gsm8k.sampling.report import read_marked, report_labels
        from prm_gsm8k.sampling.run import How

        recipe = ModelSampledRecipe(
            model=model,
            revision=revision,
            prompt=prompt.value,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            labels=labels.value,
            rollouts=rollouts,
            threshold=threshold,
            evidence=str(evidence),
        )
        how = How(
            endpoint=endpoint,
            concurrency=concurrency,
            timeout=timeout,
            patience=patience,
            max_disk=int(max_disk * 1e9),
            vllm=shlex.split(vllm_args),
        )
        marked = read_marked(file)[:max_solutions]
        with sampling_bar(quiet=json, unit="solutions") as tell:
            recipe, report = report_labels(marked, recipe, how, say, tell)
        if json:
            print_json({"file": file.name, "model": recipe.settings.source, **asdict(report)})
        else:
            _show(printer(), report, f"{recipe.settings.source} on {file.name}: {labels.value}, k = {rollouts}")


def _show(console: Console, report: Report, title: str) -> None:
    from rich.table import Table

    from prm_gsm8k.reports.numbers import percent

    console.print(f"{title}\n", highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("first error")
    table.add_column("solutions", justify="right")
    table.add_column("", justify="right")
    rows: list[tuple[str, int, int]] = [
        ("the step the person marked", report.exact, report.wrong),
        ("an earlier one", report.early, report.wrong),
        ("a later one", report.late, report.wrong),
        ("none found", report.missed, report.wrong),
        ("marked as wrong, together", report.wrong, report.wrong),
    ]
    if report.right:
        rows.append(("in one marked as right", report.alarms, report.right))
    for what, n, of in rows:
        table.add_row(what, f"{n:,}", percent(n, of))
    console.print(table)
    cost: list[Any] = [n / max(report.wrong, 1) for n in (report.rollouts, report.tokens)]
    console.print(f"\n{cost[0]:.1f} rollouts and {cost[1]:,.0f} tokens a wrong solution", highlight=False)
    if report.right_answers:
        console.print(f"{report.right_answers:,} of the wrong ones have the right answer, and are taken as right")
    if report.left_out:
        console.print(f"{report.left_out:,} more do not fit into the model's context and are left out")
