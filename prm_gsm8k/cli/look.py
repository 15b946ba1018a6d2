"""`prm-gsm8k show` and `stats`: what is in a folder or a published data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prm_gsm8k.cli.common import Json, Where, as_dict, errors, print_json, printer
from prm_gsm8k.exceptions import UsageError


def show(
    where: Where = "data",
    error_type: Annotated[str | None, typer.Option(help="Only this kind of error; `none` for right solutions.")] = None,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="How many solutions.", show_default="3; 300 on a page")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    split: Annotated[str | None, typer.Option(help="Only from this split.")] = None,
    row_id: Annotated[str | None, typer.Option("--id", help="This row.")] = None,
    config: Annotated[str | None, typer.Option(help="Which config.", show_default="the first")] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="OUT.html", help="Write a page to browse and filter them, right and wrong side by side."),
    ] = None,
    gallery: Annotated[
        bool, typer.Option("--gallery", help="One example of each way in which a question is misread; needs no data.")
    ] = False,
) -> None:
    """Show solutions: right steps, the first error and why it is one, and what follows from it."""
    with errors():
        if gallery:
            from prm_gsm8k.synthetic.twins.gallery import gallery as page_of_families

            print(page_of_families(), end="")
            return
        if html is not None:
            from prm_gsm8k.reports.html import check_path

            check_path(html)
        from prm_gsm8k.cli.console import choose, solution
        from prm_gsm8k.dataset.folder import read_tables
        from prm_gsm8k.hub.location import place

        here = place(where)
        manifest = here.manifest
        name = config or next(iter(manifest.configs))
        if name not in manifest.configs:
            raise UsageError(f"{here.name} has no config {name!r}; it has {', '.join(manifest.configs)}")
        stats = manifest.configs[name]
        if split is not None and split not in stats.splits:
            raise UsageError(f"{name} has no split {split!r}; it has {', '.join(stats.splits)}")
        if error_type is not None and error_type not in stats.stats.error_types:
            raise UsageError(f"{name} has no error type {error_type!r}; it has {', '.join(stats.stats.error_types)}")
        tables = read_tables(here.folder, manifest, name)
        if html is not None:
            from prm_gsm8k.dataset.report import SOLUTIONS, data_page
            from prm_gsm8k.reports.html import write

            page = data_page(
                here.name,
                name,
                stats,
                tables,
                n=n or SOLUTIONS,
                seed=seed,
                error_type=error_type,
                split=split,
                row_id=row_id,
            )
            write(page, html)
            print(f"{html}: {len(page.encode()) / 1e6:.1f} MB, open it in a browser")
            return
        rows = choose(tables, n=n or 3, seed=seed, error_type=error_type, split=split, row_id=row_id)
        if not rows:
            raise UsageError(f"{name} has no row with id {row_id!r}" if row_id else f"{name} has no such row")
        console = printer()
        for row in rows:
            console.print(solution(row))


def stats(where: Where = "data", json: Json = False) -> None:
    """Count rows by split, kind of error and place of the first error, and say what was dropped and why."""
    with errors():
        from prm_gsm8k.hub.location import place

        manifest = place(where).manifest
        if json:
            print_json({name: as_dict(config) for name, config in manifest.configs.items()})
            return
        from prm_gsm8k.cli.console import show_config

        console = printer()
        for name, config in manifest.configs.items():
            show_config(console, name, config)
