"""`prm-gsm8k label FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prm_gsm8k.cli.build import (
    ExecutorName,
    NumProc,
    Out,
    Partition,
    RepoId,
    Tasks,
    TimeLimit,
    WorkersAtOnce,
    finish,
    run,
    show_submitted,
)
from prm_gsm8k.cli.common import Format, Json, errors, given_for
from prm_gsm8k.exceptions import Submitted

if TYPE_CHECKING:
    from prm_gsm8k.build.build import Built


def label(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Solutions (FORMATS.md): JSON lines or an array.")],
    out: Out = Path("data"),
    format: Format = None,
    problems: Annotated[
        str | None,
        typer.Option(metavar="FILE_OR_HUB_ID", help="JSONL (or .gz) or Hub id.", show_default="GSM8K, shipped inside"),
    ] = None,
    test_questions: Annotated[
        bool, typer.Option("--test-questions", help="Label GSM8K test questions too, into split test.")
    ] = False,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out first errors that are less sure than this.")
    ] = 0.3,
    explain: Annotated[
        int | None, typer.Option(min=1, metavar="LINE", help="Print this line's solutions beside the reference.")
    ] = None,
    num_proc: NumProc = None,
    executor: ExecutorName = "local",
    tasks: Tasks = 1,
    workers: WorkersAtOnce = None,
    partition: Partition = None,
    time_limit: TimeLimit = "20:00:00",
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the solutions that were skipped.")] = False,
    json: Json = False,
) -> None:
    """Find first errors in solutions by the reference solution.

    Needs no model and no GPU.

    A record of FILE has a question (problem, question or prompt) and either steps or completions (a list: the steps of
    one solution), or solution, response or output (a text), or solutions (a list of texts); or it is of another
    format of FORMATS.md. Its own labels are not looked at. The problem is found by its question.

    Past one machine: --executor, or --tasks, for which every task must see FILE and the datasets cache. If it is
    interrupted, the same command continues.

    What this cannot tell it leaves out and counts; benchmarks/label.md says what that is, and how often it is wrong.
    """
    with errors():
        if explain is not None:
            from prm_gsm8k.label.recipe import LabelledRecipe

            for text in LabelledRecipe(**given_for(LabelledRecipe, context.params) | {"file": str(file)}).explain(
                explain
            ):
                print(text)
            return
        from prm_gsm8k.executors.executor import Executor

        spread = Executor(**given_for(Executor, context.params))
        try:
            one = spread == Executor()  # then --num-proc processes
            built = run("labelled", context, executor=None if one else spread, file=str(file))
        except Submitted as slurm:
            show_submitted(slurm.job, json, ".")
            return
        kinds = _kinds(built)
        finish(built, verbose, json, what="solution", reasons=kinds)
        if json:
            return
        print("\nreasons")
        for kind, count in kinds.items():
            print(f"  {count:>9,}  {kind}")
        solutions = built.config.drops.get("solutions", 0)
        print(f"\n{solutions:,} solutions read, {solutions / built.seconds:,.0f}/s")


def _kinds(built: Built) -> dict[str, int]:
    """Rows by reason, the most frequent first."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    counts: dict[str, int] = {}
    for part in built.config.files:
        for item in pc.value_counts(
            pq.read_table(built.folder / part.path, columns=["error_kind"])["error_kind"]
        ).to_pylist():
            counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    return dict(sorted(counts.items(), key=lambda kv: -kv[1]))
