"""`prm-gsm8k score` and `calibrate`: scores of many solutions, and scores that mean what they say."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prm_gsm8k.cli.common import Json, errors, print_json, printer, progress_bar
from prm_gsm8k.exceptions import UsageError


class Aggregation(StrEnum):
    """`--aggregate`, as `prm_gsm8k.models.step_scorer.AGGREGATES` knows it."""

    min = "min"
    prod = "prod"
    last = "last"
    mean = "mean"


class Precision(StrEnum):
    """`--dtype`."""

    auto = "auto"
    bf16 = "bf16"
    fp32 = "fp32"


class Method(StrEnum):
    """`--method` of `calibrate`."""

    platt = "platt"
    temperature = "temperature"


Device = Annotated[str | None, typer.Option(help="As torch names them.", show_default="a GPU if there is one")]
Dtype = Annotated[Precision, typer.Option(help="Of weights and computation; auto is bf16 on a GPU, fp32 on a CPU.")]
Config = Annotated[str | None, typer.Option(help="Of a folder or repository.", show_default="the first")]


def score(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A PRM: a folder, ORG/NAME on the Hub, or a vLLM server, http://…")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="JSON lines with prompt and completions (or problem and steps), plain or .gz, - for stdin; a built "
            "folder; or ORG/NAME[@REVISION] on the Hub.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="JSON lines; with some of them there already, it goes on behind.", show_default="stdout"),
    ] = None,
    aggregate: Annotated[
        Aggregation, typer.Option(help="One score for a solution out of its steps'.")
    ] = Aggregation.min,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="The first step that scores below is the predicted error.")
    ] = 0.5,
    config: Config = None,
    split: Annotated[str | None, typer.Option(help="Of a folder or repository.", show_default="all")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of MODEL on the Hub.")] = None,
    device: Device = None,
    dtype: Dtype = Precision.auto,
    max_batch_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens in a forward, padding included.", show_default="16,384; 1,024 on a CPU"),
    ] = None,
    step_format: Annotated[
        str | None, typer.Option(help="How a PRM of another kind wants its steps.", show_default="found out")
    ] = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="A solution that cannot be scored gets null and the reason.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON; needs --out.")] = False,
) -> None:
    """Score the steps of solutions. Killed at any moment, the same line again goes on where it was."""
    with errors(f"interrupted; what is scored is in {out}: run it again, and it goes on" if out else "interrupted"):
        from dataclasses import asdict

        from prm_gsm8k.models.score_file import identity, read_solutions, score_rows
        from prm_gsm8k.models.scorers import load_scorer

        if json and out is None:
            raise UsageError("--json prints a summary where the scores would go; name a file for them, --out FILE")
        rows = read_solutions(data, config=config, split=split)
        scorer = load_scorer(
            model,
            revision=revision,
            device=device,
            dtype=dtype.value,
            max_batch_tokens=max_batch_tokens,
            step_format=step_format,
        )
        scored_by = identity(scorer, model, revision) + (f" {step_format}" if step_format else "")
        with progress_bar(quiet=json) as progress:
            done = score_rows(
                scorer,
                rows,
                out,
                scored_by=scored_by,
                aggregate=aggregate.value,
                threshold=threshold,
                skip_bad=skip_bad_lines,
                progress=progress,
            )
        if json:
            print_json({"out": str(out), "model": model, **asdict(done)})
        elif out:
            new = done.rows - done.kept
            kept = f", {done.kept:,} of them from before" if done.kept else ""
            skipped = f", {done.skipped:,} could not be scored" if done.skipped else ""
            mean = "" if done.score_mean is None else f"; mean {aggregate.value} {done.score_mean:.3f}"
            printer().print(
                f"{out}: {done.rows:,} solutions{kept}{skipped}; {done.steps:,} steps, an error predicted in "
                f"{done.with_error:,} solutions{mean}; {new / max(done.seconds, 1e-9):,.1f} solutions/s",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


def calibrate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A PRM of this package: its folder, which is changed.")
    ],
    dataset: Annotated[
        str, typer.Option(metavar="DIR_OR_REPO", help="Labelled steps: a built folder, or ORG/NAME[@REVISION].")
    ],
    config: Config = None,
    split: Annotated[
        str, typer.Option(help="Never one that the PRM was trained on, or is measured on.")
    ] = "validation",
    max_examples: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows, from all over the split.")
    ] = None,
    method: Annotated[Method, typer.Option(help="platt: slope and intercept; temperature: slope only.")] = Method.platt,
    device: Device = None,
    dtype: Dtype = Precision.auto,
    json: Json = False,
) -> None:
    """Make a PRM's scores mean what they say: fitted on labelled steps, and put into its head.

    Whatever loads the checkpoint then has calibrated scores, vLLM too. Which steps score above which does not change.
    """
    with errors("interrupted; the PRM is as it was"):
        from dataclasses import asdict

        from prm_gsm8k.models.calibration import calibrate_checkpoint
        from prm_gsm8k.models.score_file import read_solutions

        rows = [row.columns for row in read_solutions(dataset, config=config, split=split)]
        if max_examples and len(rows) > max_examples:
            rows = [rows[n * len(rows) // max_examples] for n in range(max_examples)]
        done = calibrate_checkpoint(
            model,
            rows,
            method=method.value,
            fitted_on=f"{dataset} {config or ''} {split}".replace("  ", " "),
            device=device,
            dtype=dtype.value,
        )
        if json:
            print_json({"model": str(model), **asdict(done)})
            return
        before, after = done.before or {}, done.after or {}
        figures = "; ".join(f"{name} {before[name]:.4f} → {after[name]:.4f}" for name in before)
        printer().print(
            f"{model}: log-odds z become {done.slope:.4f}·z {done.intercept:+.4f}, fitted on {done.steps:,} steps of "
            f"{done.fitted_on}\n  {figures} (of these steps)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
