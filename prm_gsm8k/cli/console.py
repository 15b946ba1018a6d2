"""Output on a terminal: the summary of a build, counts, and solutions with their steps coloured by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.cli.common import printer
from prm_gsm8k.dataset.card_figures import split_rows
from prm_gsm8k.dataset.contamination import overlaps_line
from prm_gsm8k.reports.numbers import percent

if TYPE_CHECKING:
    from prm_gsm8k.build.build import Built
    from prm_gsm8k.dataset.manifest import Config
    from prm_gsm8k.dataset.verify import Verdict

BAR = 20  # characters of the longest bar


def show_built(built: Built, verbose: bool) -> None:
    """Print the summary of a build."""
    stats = built.config.stats
    show_config(built.name, built.config)
    if built.skipped:
        skipped = f"{len(built.skipped)} {RECIPES[built.name].skips} skipped"
        print(skipped + ("" if verbose else " (--verbose lists them)"))
        if verbose:
            for where, reason in built.skipped:
                printer().print(f"  {where}: {reason}", style="dim", markup=False, soft_wrap=True)
    how = "from the datasets cache" if built.cached else f"{stats.rows / built.seconds:,.0f} rows/s"
    printer().print(
        f"\n[bold]{stats.rows:,} rows[/], {stats.steps:,} labelled steps in {built.seconds:.1f} s ({how}); "
        f"version {built.config.version}, content {built.config.content_digest[:12]}",
        soft_wrap=True,
    )
    if like := overlaps_line(built.config.overlaps):
        print(like)
    if note := RECIPES[built.name].note:
        print(note)
    print(f"folder: {built.folder}")
    load = f'  load_dataset("{built.folder}", "{built.name}", split="{next(iter(built.config.splits))}")'
    print(load)
    print(f"  prm-gsm8k show {built.folder}")


def show_config(name: str, config: Config) -> None:
    """Print the counts of one config: splits, error types, positions of first errors, what was skipped or rejected."""
    stats = config.stats
    splits = Table(title=f"{name} {config.version}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("split", "problems", "rows", "correct", "incorrect", "steps", "correct steps"):
        splits.add_column(column, justify="left" if column == "split" else "right")
    for row in split_rows(config):
        splits.add_row(*row)
    wrong = {kind: n for kind, n in stats.error_types.items() if kind != "none"}
    places = {f"fifth {int(place) + 1} of 5": n for place, n in stats.first_error_places.items()}
    places["the last step"] = stats.first_error_in_last_step
    console = printer()
    console.print(splits)
    if wrong:
        console.print("", _bars("error type", dict(sorted(wrong.items(), key=lambda kv: -kv[1])), stats.wrong_rows))
        console.print("", _bars("first error in", places, stats.wrong_rows))
    if config.drops:
        drops = Table(box=None, padding=(0, 2, 0, 0))
        drops.add_column("skipped or rejected")
        drops.add_column("", justify="right")
        for what, n in _dropped(config.drops):
            drops.add_row(Text(what.replace("_", " ").replace("/", ": ")), f"{n:,}")
        console.print("", drops)


def _dropped(drops: Mapping[str, int]) -> list[tuple[str, int]]:
    """What was skipped or rejected and why; rejections are added up over error types (the manifest has each)."""
    added: Counter[str] = Counter()
    for what, n in drops.items():
        group, *rest = what.split("/")
        if rest or "fewer" in group:
            added["/".join([group, *rest[-1:]])] += n
    return sorted(added.items(), key=lambda kv: (kv[0].partition("/")[0], -kv[1]))


def _bars(title: str, counts: Mapping[str, int], whole: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(title)
    table.add_column("rows", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    longest = max(counts.values(), default=0) or 1
    for what, n in counts.items():
        table.add_row(Text(what), f"{n:,}", percent(n, whole), Text("█" * round(BAR * n / longest), style="cyan"))
    return table


def solution(row: Mapping[str, Any]) -> RenderableType:
    """One labelled solution: ✓ a correct step, ✗ the first error with its reason, · a step after it."""
    parts: list[RenderableType] = [
        Text.assemble((row["id"], "bold"), "  ", (row["error_type"].replace("_", " "), "dim")),
        Padding(Text(row["prompt"]), (0, 0, 0, 2)),
    ]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", style="dim")
    grid.add_column()
    grid.add_column()
    labels = row["labels"] or [None] * len(row["completions"])
    for i, (step, right) in enumerate(zip(row["completions"], labels, strict=True)):
        if right is None:
            grid.add_row(str(i), "", step)
        elif right:
            grid.add_row(str(i), Text("✓", style="green"), Text(step, style="green"))
        elif i == row["first_error"]:
            grid.add_row(str(i), Text("✗", style="bold red"), Text(step, style="bold red"))
            if reason := row.get("error_reason"):
                grid.add_row("", "", Text(f"↑ {reason}", style="italic yellow"))
        else:
            grid.add_row(str(i), Text("·", style="red"), Text(step, style="red"))
    parts.append(Padding(grid, (0, 0, 0, 2)))
    concludes = "ends without an answer" if row["answer"] is None else f"concludes {row['answer']}"
    if row["reference_answer"] is not None and row["first_error"] != -1:
        concludes += f"; the correct answer is {row['reference_answer']}"
    if row["answer"] is not None or row["reference_answer"] is not None:
        parts.append(Padding(Text(concludes, style="dim"), (0, 0, 0, 2)))
    return Padding(Group(*parts), (0, 0, 1, 0))


def show_verdict(verdict: Verdict) -> None:
    """Print what `verify` found."""
    for name, rows in verdict.rows.items():
        print(f"{name}: {rows:,} rows")
    for check in verdict.checks:
        bad = [finding for finding in verdict.findings if finding.startswith(f"{check}: ")]
        sign = ("✗ ", "bold red") if bad else ("✓ ", "green")
        lines = [Text.assemble(sign, check), *(Text(f"    {f.removeprefix(f'{check}: ')}", style="red") for f in bad)]
        printer().print(*lines, sep="\n", soft_wrap=True)
