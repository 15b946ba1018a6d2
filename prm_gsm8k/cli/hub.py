"""`prm-gsm8k publish` and `diff`: put rows or a PRM on the Hub, and compare two versions of a dataset."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.cli.common import Json, errors, print_json
from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prm_gsm8k.dataset.diff import Diff
    from prm_gsm8k.hub.repository import Published

SHOWN = 10  # ids that `diff` prints of each kind of change


def publish(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder made by `prm-gsm8k build`, or a trained PRM.")
    ],
    repo_id: Annotated[
        str, typer.Argument(metavar="ORG/NAME", help="The dataset or model on the Hub; created if missing.")
    ],
    tag: Annotated[str | None, typer.Option(help="Tag the commit once it has been checked. A tag never moves.")] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help="Only this config of the dataset; may be repeated.", show_default="all in DIR"),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be added and deleted; send nothing.")] = False,
    revision: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="Publish to this branch; created if missing.", show_default="main"),
    ] = None,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="Open a pull request instead; needs no write access.")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="If the repository is created, make it private.")] = False,
    json: Json = False,
) -> None:
    """Publish a dataset or a PRM on the Hub in one commit.

    What arrived is read back and compared before it is tagged. Configs that are on the Hub and not in DIR stay. If it
    is interrupted, the repository is either as it was or completely updated: run it again.
    """
    with errors("interrupted; the repository is either as it was or completely updated: run it again"):
        from prm_gsm8k.build.publish import publish as publish_rows
        from prm_gsm8k.models.publish import is_model, publish_model

        def announce(what: str) -> None:
            print(f"prm-gsm8k: {what}", file=sys.stderr)

        how: dict[str, Any] = {"tag": tag, "private": private, "plan_only": plan, "announce": announce}
        how |= {"revision": revision, "create_pr": create_pr}
        if is_model(folder):
            if config:
                raise UsageError(f"{folder} holds a model, which has no configs; leave --config out")
            done = publish_model(folder, repo_id, **how)
        else:
            done = publish_rows(folder, repo_id, configs=config, **how)
        if json:
            print_json(
                {
                    "repo_id": done.repo_id,
                    "commit": done.commit,
                    "committed": done.committed,
                    "tag": done.tag,
                    "pull_request": done.pull_request,
                    "head_before": done.plan.head,
                    "add": {path: n for path, n in done.plan.add.items() if path not in done.plan.overwritten},
                    "overwrite": {path: n for path, n in done.plan.add.items() if path in done.plan.overwritten},
                    "delete": done.plan.delete,
                    "same": done.plan.same,
                    "load": done.load_line,
                }
            )
        else:
            _show_published(done)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A folder, or ORG/NAME[@REVISION] on the Hub.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another folder or repository.")],
    json: Json = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 if there are differences.")] = False,
) -> None:
    """List rows added, removed and changed from A to B."""
    with errors():
        from dataclasses import asdict

        from prm_gsm8k.dataset.diff import diff as difference
        from prm_gsm8k.hub.location import place

        found = difference(place(a), place(b))
        if json:
            print_json({"equal": found.is_empty, **asdict(found)})
        else:
            _show_diff(found)
    if exit_code and not found.is_empty:
        raise typer.Exit(1)


def _show_published(done: Published) -> None:
    plan = done.plan
    new, overwritten = (
        {p: n for p, n in plan.add.items() if (p in plan.overwritten) == is_there} for is_there in (0, 1)
    )
    kinds = (("+", "to add", new), ("~", "to overwrite", overwritten), ("-", "to delete", plan.delete))
    for sign, _, files in (*kinds, ("=", "", plan.same)):
        for path, size in files.items():
            print(f"{sign} {path}  {_size(size)}")
    totals = ", ".join(
        f"{len(files)} {word} ({_size(sum(files.values()))})"
        for _, word, files in (*kinds, ("", "unchanged", plan.same))
    )
    if done.commit is None:
        print(f"{done.repo_id}: {totals}; nothing was sent" + (f"; tag {done.tag}" if done.tag else ""))
        return
    if done.pull_request:
        print(f"\n{done.repo_id}: proposed in {done.pull_request}, commit {done.commit}")
        return
    how = "published in commit" if done.committed else "is already up to date, at commit"
    print(f"\n{done.repo_id} {how} {done.commit}" + (f", tag {done.tag}" if done.tag else ""))
    print(f"  {done.load_line}")


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} B"


def _show_diff(found: Diff) -> None:
    print(f"from {found.a}\nto   {found.b}")

    def ids(sign: str, rows: Mapping[str, str]) -> None:
        for row, what in list(rows.items())[:SHOWN]:
            print(f"  {sign} {row}{what}")
        if len(rows) > SHOWN:
            print(f"  {sign} and {len(rows) - SHOWN:,} more (--json lists them)")

    for config, splits in found.configs.items():
        for split, part in splits.items():
            order = ", in another order" if part.moved else ""
            print(
                f"{config}/{split}: {len(part.added):,} added, {len(part.removed):,} removed, {len(part.changed):,} "
                f"changed, {part.same:,} unchanged{order}"
            )
            ids("+", dict.fromkeys(part.added, ""))
            ids("-", dict.fromkeys(part.removed, ""))
            ids("~", {row: f"  {', '.join(columns)}" for row, columns in part.changed.items()})
