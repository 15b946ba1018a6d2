"""`prm-gsm8k build model_sampled`, and the options that it shares with `report labels`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prm_gsm8k.cli.build import NumProc, Out, Problems, RepoId, finish
from prm_gsm8k.cli.common import Json, errors, print_json, progress_bar

if TYPE_CHECKING:
    from prm_gsm8k.sampling.run import Status


class Prompt(StrEnum):
    """`--prompt`; the prompts are in `prm_gsm8k.sampling.prompts`."""

    chat = "chat"
    chat_ask = "chat_ask"
    few_shot = "few_shot"


class Labels(StrEnum):
    """`--labels`; what each means is in `prm_gsm8k.sampling.labels`."""

    hard = "hard"
    soft = "soft"


class RightAnswers(StrEnum):
    """`--right-answers`; what each means is in `prm_gsm8k.sampling.labels`."""

    right = "right"
    search = "search"


class Executor(StrEnum):
    """`--executor`."""

    local = "local"
    slurm = "slurm"
    ray = "ray"


ModelName = Annotated[
    str | None, typer.Option("--model", help="A Hub id or a folder.", show_default="the only model of --endpoint")
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A running OpenAI-compatible server.", show_default="start vLLM"),
]
Revision = Annotated[str | None, typer.Option(help="Revision of the model on the Hub.", show_default="the newest")]
PromptName = Annotated[
    Prompt, typer.Option("--prompt", help="chat: vLLM or SGLang; chat_ask: any chat server; few_shot: a base model.")
]
Temperature = Annotated[float, typer.Option(help="Sampling temperature.")]
TopP = Annotated[float, typer.Option(help="Sample from this share of the probability mass.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Tokens per completion, at most.")]
ExtraBody = Annotated[
    str, typer.Option(metavar="JSON", help='More fields of each request, such as \'{"reasoning_effort": "low"}\'.')
]
Omit = Annotated[
    str, typer.Option(metavar="NAMES", help="Fields not to send, such as user,max_tokens, if a server refuses them.")
]
LabelKind = Annotated[
    Labels,
    typer.Option("--labels", help="hard: whether any rollout succeeds; soft: the share that does, at more rollouts."),
]
Rollouts = Annotated[int, typer.Option(min=1, help="Rollouts per prefix; with --labels soft up to 4 times as many.")]
Threshold = Annotated[float, typer.Option(help="A prefix is incorrect if at most this share of rollouts succeeds.")]
Timeout = Annotated[float, typer.Option(help="Seconds until a request counts as failed.")]
Patience = Annotated[float, typer.Option(help="Seconds for which a failing server is retried.")]
MaxDisk = Annotated[float, typer.Option(metavar="GB", help="Most disk space for the completions.")]
VllmArgs = Annotated[str, typer.Option(metavar="'--a b'", help="More arguments for vllm serve.")]


def build_model_sampled(
    out: Out = Path("data"),
    model: ModelName = None,
    endpoint: Endpoint = None,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Where completions are kept; must not be inside OUT.", show_default="OUT-evidence"),
    ] = None,
    problems: Problems = None,
    max_problems: Annotated[
        int | None, typer.Option(min=1, help="At most this many problems, drawn by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which problems are drawn.")] = 0,
    revision: Revision = None,
    prompt: PromptName = Prompt.chat,
    num_solutions: Annotated[int, typer.Option(min=1, help="Solutions per problem.")] = 3,
    num_wrong: Annotated[
        int | None, typer.Option(min=1, help="Sample until a problem has this many incorrect solutions.")
    ] = None,
    max_solutions: Annotated[int, typer.Option(min=1, help="With --num-wrong: at most this many per problem.")] = 16,
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    max_tokens: MaxTokens = 1024,
    extra_body: ExtraBody = "",
    omit: Omit = "",
    labels: LabelKind = Labels.hard,
    rollouts: Rollouts = 8,
    threshold: Threshold = 0.0,
    right_answers: Annotated[
        RightAnswers, typer.Option(help="Solutions with the correct answer: take as correct, or search for errors.")
    ] = RightAnswers.right,
    executor: Annotated[Executor, typer.Option(help="This machine, or a cluster.")] = Executor.local,
    tasks: Annotated[int, typer.Option(min=1, help="Number of tasks the problems are divided among.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Tasks at once.", show_default="all")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Concurrent requests per task.")] = 256,
    timeout: Timeout = 600.0,
    patience: Patience = 60.0,
    max_disk: MaxDisk = 10.0,
    max_model_len: Annotated[int | None, typer.Option(help="vLLM: context length in tokens.")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="vLLM: share of the GPU's memory.")] = None,
    tensor_parallel_size: Annotated[int | None, typer.Option(help="vLLM: GPUs per model.")] = None,
    vllm_args: VllmArgs = "",
    partition: Annotated[str | None, typer.Option(help="Slurm: partition.")] = None,
    time_limit: Annotated[str, typer.Option(help="Slurm: time limit per task.")] = "20:00:00",
    gpus: Annotated[int, typer.Option(min=0, help="Slurm and Ray: GPUs per task.")] = 1,
    no_calls: Annotated[
        bool, typer.Option("--no-calls", help="Call no model; build rows from the completions that are kept.")
    ] = False,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List what was skipped.")] = False,
    json: Json = False,
) -> None:
    """A model's own solutions, labelled by rollouts.

    Every completion is kept in --evidence as it arrives and is never requested twice. If it is interrupted, the same
    command continues; with other label options it builds from the completions that are there and requests only what is
    missing.
    """
    evidence = evidence or out.with_name(f"{out.resolve().name}-evidence")
    with errors(f"interrupted; completions so far are in {evidence}, and the same command continues from there"):
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
            extra_body=extra_body,
            omit=omit,
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
    """Print a line on stderr."""
    print(f"prm-gsm8k: {what}", file=sys.stderr)


def _submitted(job: str, json: bool) -> None:
    if json:
        print_json({"submitted": job})
    else:
        print(
            f"Slurm job {job} was submitted. When `squeue --job {job}` no longer lists it, run the same command with "
            "--executor local --no-calls to build the rows; without --no-calls it also requests what is missing."
        )


@contextmanager
def sampling_bar(quiet: bool, unit: str = "problems") -> Iterator[Callable[[Status], None] | None]:
    """A progress bar with calls, tokens per second and time left on stderr, if that is a terminal."""
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
