"""`prm-gsm8k build model_sampled`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.cli.build import NumProc, Out, RepoId, finish
from prm_gsm8k.cli.common import Json, errors, print_json, progress_bar

if TYPE_CHECKING:
    from prm_gsm8k.sampling.run import Status


class Prompt(StrEnum):
    """`--prompt`, as `prm_gsm8k.sampling.prompts` knows it."""

    chat = "chat"
    chat_ask = "chat_ask"
    few_shot = "few_shot"


class Labels(StrEnum):
    """`--labels`, as `prm_gsm8k.sampling.labels` knows it."""

    hard = "hard"
    soft = "soft"


class RightAnswers(StrEnum):
    """`--right-answers`, as `prm_gsm8k.sampling.labels` knows it."""

    right = "right"
    search = "search"


class Executor(StrEnum):
    """`--executor`, as `prm_gsm8k.sampling.run` knows it."""

    local = "local"
    slurm = "slurm"
    ray = "ray"


def build_model_sampled(
    out: Out = Path("data"),
    model: Annotated[str | None, typer.Option(help="A Hub id or a folder.", show_default="the only one there")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A running OpenAI-compatible server, http://…/v1.", show_default="start vLLM"),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Where answers are kept, for good; never inside OUT.", show_default="OUT-evidence"),
    ] = None,
    problems: Annotated[
        str | None,
        typer.Option(metavar="FILE_OR_HUB_ID", help="JSONL (or .gz) or Hub id.", show_default="GSM8K, shipped inside"),
    ] = None,
    max_problems: Annotated[int | None, typer.Option(min=1, help="So many of them, drawn by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Draws problems.")] = 0,
    revision: Annotated[str | None, typer.Option(help="Of the model on the Hub.", show_default="the newest")] = None,
    prompt: Annotated[
        Prompt,
        typer.Option(help="chat: vLLM or SGLang; chat_ask: any chat server; few_shot: a base model."),
    ] = Prompt.chat,
    num_solutions: Annotated[int, typer.Option(min=1, help="Solutions a problem.")] = 3,
    num_wrong: Annotated[int | None, typer.Option(min=1, help="Go on until so many are wrong …")] = None,
    max_solutions: Annotated[int, typer.Option(min=1, help="… or there are so many.")] = 16,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Share of probability to sample from.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="An answer is cut off there.")] = 1024,
    labels: Annotated[
        Labels, typer.Option(help="hard: does a rollout reach the answer? soft: how many do? Asks for more.")
    ] = Labels.hard,
    rollouts: Annotated[int, typer.Option(min=1, help="Continuations from a prefix; soft: up to 4 times as many.")] = 8,
    threshold: Annotated[float, typer.Option(help="A prefix is wrong if no more than this share succeeds.")] = 0.0,
    right_answers: Annotated[
        RightAnswers, typer.Option(help="Take solutions with the right answer as right, or search them too.")
    ] = RightAnswers.right,
    executor: Annotated[Executor, typer.Option(help="This machine, or a cluster.")] = Executor.local,
    tasks: Annotated[int, typer.Option(min=1, help="Parts the problems are dealt into.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Parts at once.", show_default="all")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once, a task.")] = 256,
    timeout: Annotated[float, typer.Option(help="Seconds one request may take.")] = 600.0,
    patience: Annotated[float, typer.Option(help="Seconds for which a failing server is asked again.")] = 60.0,
    max_disk: Annotated[float, typer.Option(metavar="GB", help="Answers take no more than this.")] = 10.0,
    max_model_len: Annotated[int | None, typer.Option(help="vLLM: context in tokens.")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="vLLM: share of the GPU's memory.")] = None,
    tensor_parallel_size: Annotated[int | None, typer.Option(help="vLLM: GPUs a model is spread over.")] = None,
    vllm_args: Annotated[str, typer.Option(metavar="'--a b …'", help="More arguments of vllm serve.")] = "",
    partition: Annotated[str | None, typer.Option(help="Slurm: partition.")] = None,
    time_limit: Annotated[str, typer.Option(help="Slurm: time a task.")] = "20:00:00",
    gpus: Annotated[int, typer.Option(min=0, help="Slurm and Ray: GPUs a task.")] = 1,
    no_calls: Annotated[
        bool, typer.Option("--no-calls", help="Ask nothing: rows from the answers that are kept, as far as they go.")
    ] = False,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List what was skipped.")] = False,
    json: Json = False,
) -> None:
    """A model's own solutions and errors: sampled, and labelled by rollouts. Killed at any moment, it goes on.

    The answers of the model are kept in a folder of their own and never asked for twice; rows are made from them, at
    any time and under any labelling, without a model.
    """
    evidence = evidence or out.with_name(f"{out.resolve().name}-evidence")
    with errors(f"interrupted; what was answered is kept in {evidence}, and the same command goes on from there"):
        from prm_gsm8k.build.build import build
        from prm_gsm8k.dataset.folder import check_out
        from prm_gsm8k.sampling.recipe import ModelSampledRecipe
        from prm_gsm8k.sampling.run import How, as_kept, sample

        check_out(out)
        recipe = ModelSampledRecipe(
            model=model,
            revision=revision,
            prompt=prompt.value,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            num_solutions=num_solutions,
            num_wrong=num_wrong,
            max_solutions=max_solutions,
            labels=labels.value,
            rollouts=rollouts,
            threshold=threshold,
            right_answers=right_answers.value,
            problems=problems,
            max_problems=max_problems,
            seed=seed,
            evidence=str(evidence),
        )
        vllm = {
            "--max-model-len": max_model_len,
            "--gpu-memory-utilization": gpu_memory_utilization,
            "--tensor-parallel-size": tensor_parallel_size,
        }
        how = How(
            endpoint=endpoint,
            executor=executor.value,
            tasks=tasks,
            workers=workers,
            concurrency=concurrency,
            timeout=timeout,
            patience=patience,
            max_disk=int(max_disk * 1e9),
            vllm=[w for flag, n in vllm.items() if n is not None for w in (flag, str(n))] + shlex.split(vllm_args),
            partition=partition,
            time_limit=time_limit,
            gpus=gpus,
        )
        if no_calls:
            recipe = as_kept(recipe)
        else:
            with sampling_bar(quiet=json) as tell:
                recipe, spent = sample(recipe, how, say, tell)
            if spent.submitted is not None:
                _submitted(spent.submitted, json)
                return
        with progress_bar(quiet=json) as progress:
            fields = {**recipe.choices(), "problems": problems, "evidence": recipe.evidence}
            built = build("model_sampled", out, num_proc=num_proc, progress=progress, repo_id=repo_id, **fields)
        finish(built, verbose, json)


def say(what: str) -> None:
    """One line to a person, on stderr."""
    print(f"prm-gsm8k: {what}", file=sys.stderr)


def _submitted(job: str, json: bool) -> None:
    if json:
        print_json({"submitted": job})
    else:
        print(
            f"Slurm job {job} samples now. When `squeue --job {job}` lists nothing any more, the same command with "
            "--executor local --no-calls makes the rows; without --no-calls it asks for what a failed task left."
        )


@contextmanager
def sampling_bar(quiet: bool, unit: str = "problems") -> Iterator[Callable[[Status], None] | None]:
    """Units done, calls, tokens a second, time left, and what was spent before, on stderr, if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: tuple[Any, ...] = (
        TextColumn("sampling"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + "  {task.fields[spent]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=600) as bar:
        task = bar.add_task("", total=None, spent="starting")

        def tell(status: Status) -> None:
            rate = status.tokens / max(status.seconds, 1e-3)
            before = f" + {status.tokens_before:,} before" if status.tokens_before else ""
            spent = f"{status.calls:,} calls  {rate:,.0f} tokens/s  {status.tokens:,} tokens{before}"
            bar.update(task, completed=status.problems, total=status.of, spent=spent)

        yield tell
