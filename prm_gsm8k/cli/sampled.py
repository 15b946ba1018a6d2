"""`prm-gsm8k build model_sampled`, and the options that it shares with `report labels`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prm_gsm8k.cli.build import (
    DropTestQuestions,
    ExecutorName,
    NumProc,
    Out,
    Partition,
    Problems,
    RepoId,
    Tasks,
    TimeLimit,
    WorkersAtOnce,
    finish,
    run,
    show_submitted,
)
from prm_gsm8k.cli.common import Json, errors, given_for
from prm_gsm8k.exceptions import UsageError

if TYPE_CHECKING:
    from prm_gsm8k.sampling.run import How, Status


ModelName = Annotated[
    str | None, typer.Option(help="A Hub id or a folder.", show_default="the only model of --endpoint")
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A running OpenAI-compatible server.", show_default="start vLLM"),
]
Revision = Annotated[str | None, typer.Option(help="Revision of the model on the Hub.", show_default="the newest")]
Prompt = Annotated[
    Literal["chat", "chat_ask", "few_shot"],
    typer.Option(help="chat: vLLM or SGLang; chat_ask: any chat server; few_shot: a base model."),
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
Labels = Annotated[
    Literal["auto", "reference", "hard", "soft"],
    typer.Option(
        help="reference: by the reference solution, no rollouts; auto: rollouts where that leaves a doubt; hard: "
        "whether any rollout succeeds; soft: the share that does, at more rollouts."
    ),
]
Rollouts = Annotated[int, typer.Option(min=1, help="Rollouts per prefix; with --labels soft up to 4 times as many.")]
Threshold = Annotated[float, typer.Option(help="hard, soft: incorrect if at most this share of rollouts succeeds.")]
Timeout = Annotated[float, typer.Option(help="Seconds until a request counts as failed.")]
Patience = Annotated[float, typer.Option(help="Seconds for which a failing server is retried.")]
MaxDisk = Annotated[float, typer.Option(metavar="GB", help="Most disk space for the completions.")]
VllmArgs = Annotated[str, typer.Option(metavar="'--a b'", help="More arguments for vllm serve.")]


def build_model_sampled(
    context: typer.Context,
    out: Out = Path("data"),
    model: ModelName = None,
    endpoint: Endpoint = None,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Where completions are kept; must not be inside OUT.", show_default="OUT-evidence"),
    ] = None,
    problems: Problems = None,
    drop_test_questions: DropTestQuestions = False,
    max_problems: Annotated[
        int | None, typer.Option(min=1, help="At most this many problems, drawn by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which problems are drawn.")] = 0,
    revision: Revision = None,
    prompt: Prompt = "chat",
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
    labels: Labels = "auto",
    rollouts: Rollouts = 8,
    threshold: Threshold = 0.0,
    right_answers: Annotated[
        Literal["right", "search"],
        typer.Option(help="Solutions with the correct answer: take as correct, or search for errors."),
    ] = "right",
    executor: ExecutorName = "local",
    tasks: Tasks = 1,
    workers: WorkersAtOnce = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Concurrent requests per task.")] = 256,
    timeout: Timeout = 600.0,
    patience: Patience = 60.0,
    max_disk: MaxDisk = 10.0,
    max_model_len: Annotated[int | None, typer.Option(help="vLLM: context length in tokens.")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="vLLM: share of the GPU's memory.")] = None,
    tensor_parallel_size: Annotated[int | None, typer.Option(help="vLLM: GPUs per model.")] = None,
    vllm_args: VllmArgs = "",
    partition: Partition = None,
    time_limit: TimeLimit = "20:00:00",
    gpus: Annotated[int, typer.Option(min=0, help="Slurm and Ray: GPUs per task.")] = 1,
    no_calls: Annotated[
        bool, typer.Option("--no-calls", help="Call no model; build rows from the completions that are kept.")
    ] = False,
    num_proc: NumProc = None,
    repo_id: RepoId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List what was skipped.")] = False,
    json: Json = False,
) -> None:
    """A model's own solutions, labelled by reference and rollouts.

    Every completion is kept in --evidence as it arrives and is never requested twice. If it is interrupted, the same
    command continues; with other label options it builds from the completions that are there and requests only what is
    missing. Labels by reference, and auto after hard, are made anew without a request (--no-calls).
    """
    evidence = evidence or out.with_name(f"{out.resolve().name}-evidence")
    with errors(f"interrupted; completions so far are in {evidence}, and the same command continues from there"):
        from prm_gsm8k.dataset.folder import check_out
        from prm_gsm8k.sampling.recipe import ModelSampledRecipe
        from prm_gsm8k.sampling.run import as_kept, sample

        check_out(out)
        recipe = ModelSampledRecipe(**given_for(ModelSampledRecipe, context.params) | {"evidence": str(evidence)})
        vllm = {
            "--max-model-len": max_model_len,
            "--gpu-memory-utilization": gpu_memory_utilization,
            "--tensor-parallel-size": tensor_parallel_size,
        }
        flags = [word for flag, n in vllm.items() if n is not None for word in (flag, str(n))]
        how = how_of(context, flags)
        if no_calls:
            recipe = as_kept(recipe)
        else:
            with sampling_bar(quiet=json) as tell:
                recipe, spent = sample(recipe, how, say, tell)
            if spent.submitted is not None:
                then = " --no-calls to build the rows; without --no-calls it also requests what is missing."
                show_submitted(spent.submitted, json, then)
                return
        built = run("model_sampled", context, **recipe.choices() | {"problems": problems, "evidence": recipe.evidence})
        finish(built, verbose, json)


def how_of(context: typer.Context, flags: Sequence[str] = ()) -> How:
    """How the run is executed, from the options of the command; `flags` of vLLM come before those of --vllm-args."""
    from prm_gsm8k.sampling.run import How

    given = context.params
    if not given["max_disk"] > 0:
        raise UsageError(f"--max-disk is {given['max_disk']:g}; give GB above 0")
    try:
        vllm = [*flags, *shlex.split(given["vllm_args"])]
    except ValueError as error:
        raise UsageError(f"--vllm-args {given['vllm_args']}: {str(error).lower()}") from error
    most = int(min(given["max_disk"] * 1e9, 2.0**62))
    return How(**given_for(How, given) | {"max_disk": most, "vllm": vllm})


def say(what: str) -> None:
    """Print a line on stderr."""
    print(f"prm-gsm8k: {what}", file=sys.stderr)


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
