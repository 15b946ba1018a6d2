"""Sampling end to end against a server on loopback: rows, resume, several tasks, and what a user sees when it fails.

The server's answers are a function of the request, so runs that differ in nothing that counts end in the same rows.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import orjson
import pytest
from command_line import use_home
from sampling.loopback_model import MODEL, LoopbackModel, key

from prm_gsm8k.build.build import Built, build
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.cli.main import main
from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import BadInputError, EngineError
from prm_gsm8k.sampling.evidence import sole_run
from prm_gsm8k.sampling.models import UNSTATED
from prm_gsm8k.sampling.pipeline import Job
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.run import How, Spent, as_kept, sample
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import reference_answer

PROBLEMS = 30
AT_ONCE = 8  # requests under way

# a command is forked from a process that has imported what it needs: 3 CPU seconds, and 26 commands are started
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pytest", "prm_gsm8k.builders.builder", "prm_gsm8k.cli.main", "prm_gsm8k.sampling.pipeline"]
)


def recipe(evidence: Path, **changed: object) -> ModelSampledRecipe:
    fields = {"prompt": "few_shot", "max_problems": PROBLEMS, "rollouts": 4, "evidence": str(evidence)}
    return ModelSampledRecipe(**{**fields, **changed})  # type: ignore[arg-type]


def problems() -> list[Problem]:
    return [problem for chosen in recipe(Path()).read_problems()[0].values() for problem in chosen]


@pytest.fixture
def model() -> Iterator[LoopbackModel]:
    with LoopbackModel({problem.question: reference_answer(problem) for problem in problems()}) as model:
        yield model


def rows(asked: ModelSampledRecipe, out: Path, **more: object) -> Built:
    """Make the rows from the evidence, in a cache of their own."""
    fields = {**asked.choices(), "evidence": asked.evidence, **more}
    return build("model_sampled", out, num_proc=1, cache_dir=str(out.with_name(f"{out.name}-cache")), **fields)


def sampled(model: LoopbackModel, evidence: Path, **more: object) -> tuple[ModelSampledRecipe, Spent]:
    return sample(recipe(evidence, **more), How(endpoint=model.url, concurrency=AT_ONCE))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The content digest of an undisturbed run, and how many calls it made."""
    place = tmp_path_factory.mktemp("reference")
    with LoopbackModel({problem.question: reference_answer(problem) for problem in problems()}) as model:
        asked, _ = sampled(model, place / "evidence")
    return rows(asked, place / "out").config.content_digest, len(model.answered)


def repeated(model: LoopbackModel) -> list[str]:
    """Requests that were answered more than once."""
    return [body for body, times in Counter(model.answered).items() if times > 1]


# ---------------------------------------------------------------------------------------------------------------- rows


@pytest.mark.slow
def test_rows_keep_the_contract_and_verify(model: LoopbackModel, tmp_path: Path) -> None:
    asked, spent = sampled(model, tmp_path / "evidence")
    built = rows(asked, tmp_path / "out")
    assert verify(tmp_path / "out", RECIPES).findings == []
    assert (spent.status.problems, spent.status.of) == (PROBLEMS, PROBLEMS)
    assert spent.status.calls == len(model.answered) == model.asked
    stats = built.config.stats
    assert stats.problems == PROBLEMS
    assert stats.right_rows > 5 and stats.wrong_rows > 20
    assert built.config.drops["solutions"] == 3 * PROBLEMS
    assert built.config.options["model"] == MODEL


@pytest.mark.slow
def test_nothing_is_asked_twice_and_labelling_anew_asks_only_for_more(model: LoopbackModel, tmp_path: Path) -> None:
    def asked_of(**more: object) -> tuple[ModelSampledRecipe, Spent]:
        return sampled(model, tmp_path / "evidence", max_problems=10, **more)

    asked, _ = asked_of(rollouts=2)
    first = model.asked
    asked_of(rollouts=2)
    assert model.asked == first
    asked_of(rollouts=4)
    second = model.asked
    assert second > first
    asked_of(rollouts=3)
    assert model.asked == second
    asked_of(labels="soft", rollouts=4)
    assert model.asked > second
    assert repeated(model) == []
    soft = rows(asked, tmp_path / "soft", labels="soft", rollouts=4)
    assert verify(tmp_path / "soft", RECIPES).findings == []
    hard = rows(asked, tmp_path / "hard", rollouts=4)
    assert soft.config.content_digest != hard.config.content_digest


CHANGED: tuple[dict[str, object], ...] = (
    {},
    {"prompt": "chat"},
    {"temperature": 0.5},
    {"max_tokens": 99},
    {"revision": "r2"},
)


@pytest.mark.slow
def test_another_prompt_or_temperature_does_not_mix(model: LoopbackModel, tmp_path: Path) -> None:
    folders = {sampled(model, tmp_path, **{"max_problems": 2, **changed})[1].folder for changed in CHANGED}
    assert len(folders) == len(CHANGED)


def test_sampling_goes_on_until_enough_are_wrong(model: LoopbackModel, tmp_path: Path) -> None:
    asked, _ = sampled(model, tmp_path / "evidence", num_solutions=1, num_wrong=2, max_solutions=5, max_problems=10)
    built = rows(asked, tmp_path / "out")
    assert built.config.drops["solutions"] > 20
    assert built.config.stats.wrong_rows <= 20 + built.config.stats.right_rows


@pytest.mark.slow
def test_rows_of_a_run_that_is_not_done_say_what_is_missing(model: LoopbackModel, tmp_path: Path) -> None:
    asked, _ = sampled(model, tmp_path / "evidence")
    path = asked.folder / "calls-00000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    built = rows(asked, tmp_path / "out")
    assert built.config.drops["solution left out/calls not made yet"] > 10
    assert built.config.stats.rows > 5
    assert verify(tmp_path / "out", RECIPES).findings == []


def test_kept_answers_name_their_model_themselves(model: LoopbackModel, tmp_path: Path) -> None:
    asked, _ = sampled(model, tmp_path, max_problems=2)
    assert as_kept(recipe(tmp_path, max_problems=2)) == asked
    sampled(model, tmp_path, max_problems=2, revision="r2")
    with pytest.raises(BadInputError, match=r"tiny@r2, .*; tiny@unstated, .*: several match; choose one"):
        as_kept(recipe(tmp_path))
    assert as_kept(recipe(tmp_path, revision="r2")).revision == "r2"
    with pytest.raises(BadInputError, match="none matches"):
        as_kept(recipe(tmp_path, temperature=0.1))
    with pytest.raises(BadInputError, match="holds answers of nobody"):
        as_kept(recipe(tmp_path / "elsewhere"))


# --------------------------------------------------------------------------------------------------------------- tasks


@pytest.mark.slow
def test_two_tasks_of_this_machine_make_the_rows_of_one(
    model: LoopbackModel, tmp_path: Path, reference: tuple[str, int]
) -> None:
    asked, spent = sample(recipe(tmp_path / "evidence"), How(endpoint=model.url, concurrency=AT_ONCE, tasks=2))
    assert spent.status.problems == PROBLEMS
    assert sorted(path.name for path in asked.folder.glob("calls-*")) == ["calls-00000.jsonl", "calls-00001.jsonl"]
    assert (rows(asked, tmp_path / "out").config.content_digest, len(model.answered)) == reference


@pytest.mark.slow
def test_two_tasks_of_ray_make_the_rows_of_one(
    model: LoopbackModel, tmp_path: Path, reference: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from prm_gsm8k.sampling import pipeline

    def never(*_: object) -> None:
        raise AssertionError("a task ran in this process, not in Ray's")

    monkeypatch.setattr(pipeline.Sampling, "run", never)
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    asked, spent = sample(
        recipe(tmp_path / "evidence"), How(endpoint=model.url, concurrency=AT_ONCE, tasks=2, executor="ray")
    )
    assert spent.status.problems == PROBLEMS
    assert len(list(asked.folder.glob("calls-*"))) == 2
    assert (rows(asked, tmp_path / "out").config.content_digest, len(model.answered)) == reference


@pytest.mark.parametrize("executor", ["local", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_task_that_fails_is_said_whatever_runs_it(model: LoopbackModel, tmp_path: Path, executor: str) -> None:
    model.always = "other"
    with pytest.raises(EngineError, match=r"answers as another, not as tiny.*1 of the other 1 tasks ended early too"):
        sample(recipe(tmp_path), How(endpoint=model.url, tasks=2, executor=executor))


@pytest.mark.slow
def test_a_disk_that_fills_up_is_said_though_not_even_the_reason_can_be_written(
    model: LoopbackModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("progress", "error"):
        monkeypatch.setattr(Job, file, lambda self, rank: Path("/dev/full"))
    with pytest.raises(EngineError, match=r"No space left on device: free some space.*continues from here"):
        sampled(model, tmp_path)
    monkeypatch.undo()
    kept = next(tmp_path.rglob("calls-00000.jsonl")).read_bytes()
    _, spent = sampled(model, tmp_path)
    assert len(kept) > 0
    assert (spent.folder / "calls-00000.jsonl").read_bytes().startswith(kept)


# -------------------------------------------------------------------------------------------------------------- killed


def start(model: LoopbackModel, home: Path, *arguments: str) -> BaseProcess:
    """The command in a process of its own, in a folder with a cache of its own and with what it prints."""
    command = ["build", "model_sampled", "--endpoint", model.url, "--prompt", "few_shot", "--rollouts", "4"]
    command += ["--max-problems", str(PROBLEMS), "--concurrency", str(AT_ONCE), "--out", "out", "--num-proc", "1"]
    process = FORKS.Process(target=_command, args=(home, [*command, "--json", *arguments]))
    process.start()
    return process


def _command(home: Path, words: list[str]) -> None:
    os.chdir(home)
    use_home(pytest.MonkeyPatch(), home / "hf")
    for name, stream in (("output", sys.stdout), ("errors", sys.stderr)):
        with open(name, "w") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv[1:] = words
    main()


def killed_when(process: BaseProcess, model: LoopbackModel, asked: int) -> bool:
    """Kill it as soon as so many requests have been made; false if it ended before."""
    while model.asked < asked:
        if process.exitcode is not None:
            return False
        time.sleep(0.001)
    process.kill()
    process.join()
    return True


def kept_requests(home: Path) -> list[str]:
    """The requests whose answers are in the evidence, one a whole line."""
    questions = {problem.id: problem.question for problem in problems()}
    lines = [raw for path in home.glob("out-evidence/*/calls-*.jsonl") for raw in path.read_bytes().splitlines(True)]
    calls = [orjson.loads(raw) for raw in lines if raw.endswith(b"\n")]
    settings = Settings(MODEL, UNSTATED, "few_shot")
    return [key(settings.request(questions[call["problem"]], call["prefix"], call["attempt"])) for call in calls]


@pytest.mark.slow
@pytest.mark.parametrize(("tasks", "times"), [(1, 20), (2, 3)])
def test_killed_at_random_points_it_repeats_no_finished_call_and_ends_in_the_same_rows(
    model: LoopbackModel, tmp_path: Path, reference: tuple[str, int], tasks: int, times: int
) -> None:
    digest, calls = reference
    killed: list[tuple[int, set[str]]] = []  # how much had been asked by then, and what was finished
    for point in sorted(random.Random(tasks).sample(range(1, calls), times)):
        if killed_when(start(model, tmp_path, "--tasks", str(tasks)), model, point):
            if tasks > 1:
                with sole_run(next(tmp_path.glob("out-evidence/*"))):
                    pass  # the tasks have noticed by now that nobody waits for them any more
            killed.append((model.asked, set(kept_requests(tmp_path))))
    (last := start(model, tmp_path, "--tasks", str(tasks))).join()
    assert last.exitcode == 0, (tmp_path / "errors").read_text()
    assert len(killed) == times
    for asked, finished in killed:
        assert not finished & set(model.requests[asked:])
    assert len(kept_requests(tmp_path)) == len(set(kept_requests(tmp_path))) == calls
    assert model.asked <= calls + AT_ONCE * tasks * times  # what was under way is asked again, and nothing else
    assert json.loads((tmp_path / "output").read_text())["content_digest"] == digest


@pytest.mark.slow
def test_a_task_that_is_killed_is_said_and_not_waited_for(model: LoopbackModel, tmp_path: Path) -> None:
    model.seconds = 0.2
    run = start(model, tmp_path, "--tasks", "2")
    while model.asked < 20:
        time.sleep(0.01)
    os.kill(task_processes(run.pid)[0], signal.SIGKILL)
    run.join(timeout=60)
    assert run.exitcode == 1
    errors = (tmp_path / "errors").read_text()
    assert "a task was killed, as a system short of memory does; fewer --workers need less." in errors
    assert "Traceback" not in errors


def task_processes(parent: int) -> list[int]:
    """The processes of the tasks: children of the server from which a run forks them."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = stat.read_text().partition(" ")
            below.setdefault(int(rest.rpartition(")")[2].split()[1]), []).append(int(pid))
    return [task for child in below.get(parent, []) for task in below.get(child, [])]
