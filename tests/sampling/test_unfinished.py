"""Only a finished answer is evidence: a server that fails in every way makes the rows of one that does not, or none."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import run_command
from sampling.loopback_model import FAULTS, MODEL, UNFINISHED, LoopbackModel

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.sampling import engine as engine_module
from prm_gsm8k.sampling.engine import read_answer
from prm_gsm8k.sampling.evidence import question_digest, read_calls
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.rollout import TRIES, Rollout
from prm_gsm8k.sampling.rows import rows_of, solved
from prm_gsm8k.sampling.run import How, sample
from prm_gsm8k.sampling.solve import reference_answer, solve


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WAITS", (0.01, 0.02, 0.05))


def made(number: int, path: Path) -> Path:
    """A file of so many problems."""
    lines = (
        {"question": f"Eva has {n} red and {n + 1} blue pens. How many pens?", "answer": f"#### {2 * n + 1}"}
        for n in range(number)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def rows_from(problem: Problem, solutions: Any, tally: Tally) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows_of(problem, solutions, f"{MODEL}@unstated", tally)}


def well_behaved(model: LoopbackModel, recipe: ModelSampledRecipe, problems: Sequence[Problem]) -> dict[str, Any]:
    """The rows of a server that answers every request well."""
    settings = ModelSampledRecipe(model=MODEL, prompt=recipe.prompt).settings
    rows: dict[str, Any] = {}
    for problem in problems:

        async def go_on(prefix: Sequence[str], attempt: int, problem: Problem = problem) -> Rollout:
            return read_answer(model.complete(settings.request(problem.question, prefix, attempt)))

        rows |= rows_from(problem, asyncio.run(solve(problem, go_on, recipe.sampling, recipe.labelling)), Tally())
    return rows


def kept_rows(recipe: ModelSampledRecipe, problems: Sequence[Problem]) -> tuple[dict[str, Any], Counter[str]]:
    """The rows that the evidence makes, and what is counted."""
    kept, tally = read_calls(recipe.folder), Tally()
    rows: dict[str, Any] = {}
    for problem in problems:
        calls = kept.get(question_digest(problem.question), {})
        rows |= rows_from(problem, solved(problem, calls, recipe.sampling, recipe.labelling), tally)
    return rows, tally.counts


def script(request: str, times: int) -> str | None:
    """What a server does with a request that came so often; three in ten have trouble, seeded by their text."""
    draw = random.Random(request)
    if draw.random() > 0.3:
        return None
    if draw.random() < 0.05:
        return "400"  # for ever
    troubles = [
        *(draw.choice(FAULTS) for _ in range(draw.randint(0, 2))),
        *(draw.choice(list(UNFINISHED)) for _ in range(draw.choice([0, 1, 1, 2, TRIES, TRIES + 1]))),
    ]
    draw.shuffle(troubles)
    return troubles[times] if times < len(troubles) else None


@pytest.mark.parametrize("scripts", [12, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("prompt", ["chat_ask", "few_shot"])
def test_rows_are_those_of_a_well_behaved_server_or_left_out_and_counted(
    tmp_path: Path, scripts: int, prompt: str
) -> None:
    """Each problem is a script of its own."""
    if scripts == 1000 and prompt == "few_shot":
        scripts = 100
    recipe = ModelSampledRecipe(
        problems=str(made(scripts, tmp_path / "problems.jsonl")),
        prompt=prompt,
        rollouts=2,
        num_solutions=2,
        evidence=str(tmp_path / "evidence"),
    )
    problems = [problem for chosen in recipe.read_problems()[0].values() for problem in chosen]
    with LoopbackModel({p.question: reference_answer(p) for p in problems}, seconds=0, script=script) as model:
        said: list[str] = []
        asked, _ = sample(recipe, How(endpoint=model.url, concurrency=16), said.append)
        good = well_behaved(model, recipe, problems)
        rows, counts = kept_rows(asked, problems)
        left_out = {what: n for what, n in counts.items() if what.startswith("solution left out/")}
        assert all(row == good[name] for name, row in rows.items())
        assert len(rows) + sum(left_out.values()) == counts["solutions"] == 2 * scripts
        assert "answers were not finished and count for nothing: " in said[-1]
        assert len(rows) < len(good)
        assert "solution left out/calls not made yet" not in left_out

        model.script = None  # the server is mended
        sample(recipe, How(endpoint=model.url, concurrency=16))
        again, counts = kept_rows(asked, problems)
        assert rows.items() <= again.items() <= good.items()
        assert len(rows) < len(again)
        before = model.asked
        sample(recipe, How(endpoint=model.url))
        assert model.asked == before, "what the model itself never finished is asked for no more"
    reasons = {what.rpartition("/")[2].rpartition(": ")[2] for what in left_out}
    if scripts == 1000:
        assert reasons >= {
            "cut off at max tokens", "thoughts that do not end", "no steps in it", "finish reason abort",
            "finish reason content_filter", "finish reason error", "finish reason unstated", "request refused",
        }  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Iterator[LoopbackModel]:
    problems = [json.loads(line) for line in made(4, tmp_path / "problems.jsonl").open()]
    with LoopbackModel({p["question"]: p["answer"].removeprefix("#### ") for p in problems}) as model:
        yield model


@pytest.mark.parametrize(
    ("fault", "says", "cure"),
    [
        ("null", "no steps in it", "start the server without a reasoning parser and with thinking off"),
        ("length", "cut off at max tokens", "raise --max-tokens"),
        ("abort", "finish reason abort", None),
    ],
)
def test_the_end_of_a_run_and_the_table_say_how_many_and_why(
    model: LoopbackModel, tmp_path: Path, fault: str, says: str, cure: str | None
) -> None:
    model.script = lambda request, times: fault if "Eva has 1 " in request else None
    options = ("--problems", "problems.jsonl", "--prompt", "chat_ask", "--rollouts", "2", "--num-proc", "1")
    done = run_command("build", "model_sampled", "--endpoint", model.url, *options, place=tmp_path, COLUMNS="160")
    assert done.returncode == 0, done.stderr
    assert f"12 answers were not finished and count for nothing: 12 {says}; each was asked" in done.stderr
    assert cure is None or f"if they are many, {cure}" in done.stderr
    assert f"solution left out: {says}" in done.stdout
    kept = [json.loads(line) for line in next(tmp_path.glob("data-evidence/*/calls-00000.jsonl")).open()]
    assert any("reasoning" in line for line in kept) == (fault == "null")


@pytest.mark.parametrize("fault", ["400", "empty", "500"])
def test_a_prompt_that_always_fails_ends_no_run_neither_the_first_nor_a_later_one(
    model: LoopbackModel, tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model.script = lambda request, times: fault if "Eva has 1 " in request else None
    problems = str(tmp_path / "problems.jsonl")
    recipe = ModelSampledRecipe(problems=problems, prompt="chat_ask", rollouts=2, evidence=str(tmp_path / "evidence"))
    said: list[str] = []
    for _ in range(2):
        asked, _ = sample(recipe, How(endpoint=model.url, patience=0.3), said.append)
        assert "3 answers were not finished and count for nothing: 3 request refused" in said[-1]
        assert "It counts for nothing; others like it are only counted" in capsys.readouterr().err
    rows, counts = kept_rows(asked, [problem for chosen in recipe.read_problems()[0].values() for problem in chosen])
    assert counts["solution left out/request refused"] == 3
    assert {row["problem_id"] for row in rows.values()} == {"problems/0", "problems/2", "problems/3"}
