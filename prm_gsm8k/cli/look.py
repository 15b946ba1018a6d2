"""`prm-gsm8k show` and `stats`: look at the rows of a folder or of a published dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prm_gsm8k.cli.common import Format, Json, Where, a_build, as_dict, errors, print_json, printer, read_rows
from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from prm_gsm8k.dataset.manifest import Config


def show(
    where: Where = "data",
    error_type: Annotated[str | None, typer.Option(help="Only this error type; `none` for correct solutions.")] = None,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="How many solutions.", show_default="3; 300 with --html")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which solutions are drawn.")] = 0,
    split: Annotated[str | None, typer.Option(help="Only from this split.")] = None,
    row_id: Annotated[str | None, typer.Option("--id", help="Only the row with this id.")] = None,
    config: Annotated[str | None, typer.Option(help="Name of the config.", show_default="the first")] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.html",
            help="Write a page to browse and filter, each incorrect solution beside its correct one.",
        ),
    ] = None,
    format: Format = None,
    gallery: Annotated[
        bool, typer.Option("--gallery", help="One example of each way in which a question is misread; needs no data.")
    ] = False,
) -> None:
    """Print solutions with their labels and error reasons.

    A correct step has ✓, the first error ✗ and its reason, a step after it ·; without labels a step has no mark.
    """
    with errors():
        if gallery:
            from prm_gsm8k.synthetic.gallery import gallery as page_of_families

            print(page_of_families(), end="")
            return
        if html is not None:
            from prm_gsm8k.dataset.files import check_page

            check_page(html)
        from prm_gsm8k.cli.console import solution
        from prm_gsm8k.dataset.folder import read_tables
        from prm_gsm8k.dataset.report import SOLUTIONS, data_page, draw

        if (here := a_build(where, format)) is not None:
            place, configs = here.name, here.manifest.configs
            name = config or next(iter(configs))
            if name not in configs:
                raise UsageError(f"{here.name} has no config {name!r}; it has {', '.join(configs)}")
            stats = configs[name]
            tables: Mapping[str, pa.Table] = read_tables(here.folder, here.manifest, name)
        else:
            data = read_rows(where, config, format)
            if html is not None and not data.labelled:
                raise UsageError(f"--html shows labels, and {where} has none")
            place = name = data.name
            stats, tables = data.as_config(), data.tables
        if split is not None and split not in stats.splits:
            raise UsageError(f"{name} has no split {split!r}; it has {', '.join(stats.splits)}")
        if error_type is not None and error_type not in stats.stats.error_types:
            raise UsageError(f"{name} has no error type {error_type!r}; it has {', '.join(stats.stats.error_types)}")
        if html is not None:
            from prm_gsm8k.dataset.files import write_page

            page = data_page(
                place,
                name,
                stats,
                tables,
                n=n or SOLUTIONS,
                seed=seed,
                error_type=error_type,
                split=split,
                row_id=row_id,
            )
            write_page(page, html)
            print(f"{html}: {len(page.encode()) / 1e6:.1f} MB; open it in a browser")
            return
        rows = draw(tables, n=n or 3, seed=seed, error_type=error_type, split=split, row_id=row_id, correct=False)
        if not rows:
            raise UsageError(f"{name} has no row with id {row_id!r}" if row_id else f"{name} has no row like that")
        printer().print(*map(solution, rows))


def stats(where: Where = "data", format: Format = None, json: Json = False) -> None:
    """Count rows by split, error type and first-error position.

    Also says how many problems and solutions were skipped or rejected, and why.
    """
    with errors():
        from prm_gsm8k.cli.console import show_config

        if (here := a_build(where, format)) is not None:
            configs: Mapping[str, Config] = here.manifest.configs
        else:
            data = read_rows(where, None, format)
            configs = {data.name: data.as_config()}
            if not data.labelled:
                some = configs[data.name].stats
                counts = {"rows": some.rows, "problems": some.problems, "steps": some.steps}
                if json:
                    print_json({data.name: {"labels": None, **counts}})
                else:
                    print(f"{data.name}: {', '.join(f'{n:,} {what}' for what, n in counts.items())}, no labels")
                return
        if json:
            print_json({name: as_dict(config) for name, config in configs.items()})
            return
        for name, config in configs.items():
            show_config(name, config)
