"""`prm-gsm8k evaluate`: measure PRMs on a benchmark."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prm_gsm8k.cli.common import Json, errors, print_json, progress_bar
from prm_gsm8k.cli.options import Device, Dtype, MaxBatchTokens, StepFormat
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Folders, ORG/NAME[@REVISION] on the Hub, or URLs of vLLM servers; without any, only the baselines.",
            show_default=False,
        ),
    ] = None,
    benchmark: Annotated[
        Literal["processbench", "mr-gsm8k", "prmbench", "best-of-n", "first-error"],
        typer.Option(help="The protocol, and the format of the rows."),
    ] = ...,  # type: ignore[assignment]
    data: Annotated[
        str, typer.Option(metavar="FILE|DIR|REPO", help="Rows to measure on: a file, a folder, or ORG/NAME[@REVISION].")
    ] = ...,  # type: ignore[assignment]
    config: Annotated[str | None, typer.Option(help="Config of DIR or REPO, if there are several.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of DIR or REPO.", show_default="test, else validation, else all")
    ] = None,
    threshold_data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR|REPO",
            help="Rows of other questions to choose the threshold on (of DIR or REPO: its validation split).",
            show_default="the one chosen in training",
        ),
    ] = None,
    threshold_config: Annotated[
        str | None, typer.Option(help="Config of --threshold-data, if there are several.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write results.json, table.md and charts here, and scores as they come, to continue from.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one page with everything, and solutions to browse.")
    ] = None,
    allow_trained_on: Annotated[
        bool, typer.Option("--allow-trained-on", help="Measure even on questions that a model was trained on.")
    ] = False,
    device: Device = None,
    dtype: Dtype = "auto",
    max_batch_tokens: MaxBatchTokens = None,
    step_format: StepFormat = None,
    resamples: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Bootstrap resamples for intervals and paired tests.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Draws the resamples.")] = 0,
    json: Json = False,
) -> None:
    """Measure PRMs on a benchmark, with intervals and baselines.

    Each benchmark is scored by its own protocol, with a threshold that was chosen on other questions. Several models
    are compared in one table, with paired tests. A model that was trained on a question of the data is refused.
    """
    kept = f"scores so far are in {out}: run it again to continue" if out else "without --out no scores are kept"
    with errors(f"interrupted; {kept}"):
        from prm_gsm8k.evaluation.benchmarks import read
        from prm_gsm8k.evaluation.run import evaluate as measure

        if threshold_config is not None and threshold_data is None:
            raise UsageError("--threshold-config needs --threshold-data")
        if out is not None and out.exists() and not out.is_dir():
            raise UsageError(f"--out {out} is a file; name a folder")
        if html is not None:
            from prm_gsm8k.dataset.files import check_page

            check_page(html)
        rows = read(benchmark, data, config=config, split=split)
        validation = None
        if threshold_data is not None:
            chosen_split = None if Path(threshold_data).is_file() else "validation"
            validation = read("first-error", threshold_data, config=threshold_config, split=chosen_split)
        with progress_bar(quiet=json) as progress:
            result = measure(
                models or [],
                benchmark,
                rows,
                validation=validation,
                out=out,
                device=device,
                dtype=dtype,
                max_batch_tokens=max_batch_tokens,
                step_format=step_format,
                allow_trained_on=allow_trained_on,
                draws=resamples,
                seed=seed,
                progress=progress,
                announce=lambda what: print(f"prm-gsm8k: {what}", file=sys.stderr),
            )
        if out is not None:
            _write_folder(result, out)
        if html is not None:
            from prm_gsm8k.dataset.files import write_page
            from prm_gsm8k.evaluation.page import evaluation_page

            write_page(evaluation_page(result), html)
        if json:
            print_json(result)
        else:
            from prm_gsm8k.evaluation.table import markdown

            print(markdown(result), end="")


def _write_folder(result: Mapping[str, Any], out: Path) -> None:
    import orjson

    from prm_gsm8k.evaluation.charts import write_charts
    from prm_gsm8k.evaluation.table import markdown

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("results.json", orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)),
            ("table.md", markdown(result).encode()),
        ):
            half = out / f".{name}.new"
            half.write_bytes(content)
            os.replace(half, out / name)  # whole or not at all
        write_charts(result, out / "pictures")
    except OSError as error:
        raise PrmGsm8kError(f"--out {out}: cannot be written: {error.strerror or error}") from error
