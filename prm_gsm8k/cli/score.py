"""`prm-gsm8k score` and `calibrate`: score many solutions, and calibrate the scores of a PRM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from prm_gsm8k.cli.common import Format, Json, errors, print_json, progress_bar
from prm_gsm8k.cli.options import Device, Dtype, MaxBatchTokens, StepFormat
from prm_gsm8k.exceptions import UsageError

Config = Annotated[str | None, typer.Option(help="Config of a folder or repository.", show_default="the first")]


def score(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A PRM: a folder, ORG/NAME on the Hub, or the URL of a vLLM server.")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A file of solutions (FORMATS.md), or - for JSON lines on stdin; a built folder; or "
            "ORG/NAME[@REVISION] on the Hub.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="JSON lines to write; if some are there already, the rest is added.", show_default="stdout"),
    ] = None,
    aggregate: Annotated[
        Literal["min", "prod", "last", "mean"], typer.Option(help="How step scores become the score of a solution.")
    ] = "min",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="The first step that scores below it is the predicted error.")
    ] = 0.5,
    config: Config = None,
    split: Annotated[str | None, typer.Option(help="Split of a folder or repository.", show_default="all")] = None,
    format: Format = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of MODEL on the Hub.")] = None,
    device: Device = None,
    dtype: Dtype = "auto",
    max_batch_tokens: MaxBatchTokens = None,
    step_format: StepFormat = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Give a solution that cannot be scored null and the reason.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON; needs --out.")] = False,
) -> None:
    """Score every step of a file of solutions.

    If it is interrupted, the same command continues where it stopped.
    """
    with errors(f"interrupted; scores so far are in {out}: run it again to continue" if out else "interrupted"):
        from dataclasses import asdict

        from prm_gsm8k.models.score_file import identity, read_solutions, score_rows
        from prm_gsm8k.models.scorers import load_scorer

        if json and out is None:
            raise UsageError("--json prints a summary to stdout; name a file for the scores, --out FILE")
        rows = read_solutions(data, config=config, split=split, format=format, skip_bad=skip_bad_lines)
        scorer = load_scorer(
            model,
            revision=revision,
            device=device,
            dtype=dtype,
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
                aggregate=aggregate,
                threshold=threshold,
                skip_bad=skip_bad_lines,
                progress=progress,
            )
        if json:
            print_json({"out": str(out), "model": model, **asdict(done)})
        elif out:
            new = done.rows - done.kept
            kept = f", {done.kept:,} of them scored earlier" if done.kept else ""
            skipped = f", {done.skipped:,} could not be scored" if done.skipped else ""
            mean = "" if done.score_mean is None else f"; mean {aggregate} {done.score_mean:.3f}"
            print(
                f"{out}: {done.rows:,} solutions{kept}{skipped}; {done.steps:,} steps, an error predicted in "
                f"{done.with_error:,} solutions{mean}; {new / max(done.seconds, 1e-9):,.1f} solutions/s"
            )


def calibrate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The folder of a PRM trained with this package; it is changed.")
    ],
    dataset: Annotated[
        str, typer.Option(metavar="DIR_OR_REPO", help="Labelled solutions: a built folder, or ORG/NAME[@REVISION].")
    ],
    config: Config = None,
    split: Annotated[str, typer.Option(help="A split that the PRM is neither trained nor measured on.")] = "validation",
    max_examples: Annotated[
        int | None, typer.Option(min=1, help="At most this many rows, evenly from the split.")
    ] = None,
    method: Annotated[
        Literal["platt", "temperature"], typer.Option(help="platt: slope and intercept; temperature: slope only.")
    ] = "platt",
    device: Device = None,
    dtype: Dtype = "auto",
    json: Json = False,
) -> None:
    """Calibrate the scores of a PRM on labelled steps.

    The fit is written into the weights of its head, so whatever loads the checkpoint has calibrated scores, vLLM too.
    The order of the scores does not change.
    """
    with errors("interrupted; the PRM is unchanged"):
        from dataclasses import asdict

        from prm_gsm8k.models.calibrate import calibrate_checkpoint
        from prm_gsm8k.models.score_file import read_solutions

        rows = [row.columns for row in read_solutions(dataset, config=config, split=split)]
        if max_examples and len(rows) > max_examples:
            rows = [rows[n * len(rows) // max_examples] for n in range(max_examples)]
        done = calibrate_checkpoint(
            model,
            rows,
            method=method,
            fitted_on=f"{dataset} {config or ''} {split}".replace("  ", " "),
            device=device,
            dtype=dtype,
        )
        if json:
            print_json({"model": str(model), **asdict(done)})
            return
        before, after = done.before or {}, done.after or {}
        figures = "; ".join(f"{name} {before[name]:.4f} → {after[name]:.4f}" for name in before)
        print(
            f"{model}: log-odds z become {done.slope:.4f}·z {done.intercept:+.4f}, fitted on {done.steps:,} steps of "
            f"{done.fitted_on}\n  {figures} (on these steps)"
        )
