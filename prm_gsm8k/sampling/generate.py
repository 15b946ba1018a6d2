"""`sample_solutions`: sampling and labelling from Python, with any function that turns prompts into texts."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.dataset.recipe import Progress, Tally
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling.rollout import Rollout, until_finished

if TYPE_CHECKING:
    import datasets

Generate = Callable[[list[str]], Sequence[str]]
"""Prompts -> one continuation each, sampled independently, also for equal prompts."""


def sample_solutions(
    problems: Iterable[Mapping[str, Any]] | datasets.Dataset,
    generate: Generate,
    *,
    model: str,
    revision: str = "unstated",
    evidence: str | Path = "evidence",
    prompt: str = "few_shot",
    num_solutions: int = 3,
    num_wrong: int | None = None,
    max_solutions: int = 16,
    batch_size: int = 256,
    drop_test_questions: bool = False,
    progress: Progress | None = None,
    **labelling: Any,
) -> datasets.Dataset:
    """Sample solutions with your own generator and label them, as `prm-gsm8k build model_sampled` does.

        rows = sample_solutions(
            [{"question": "…", "answer": "…\\n#### 72"}], lambda prompts: pipe(prompts), model="org/mine", revision="v2"
        )

    Every text is saved in `evidence` as it arrives, under the model's name and revision, and is never asked for again:
    an interrupted call continues, and other labelling options ask only for the rollouts they need in addition.

    Args:
        problems: dicts (or a `datasets.Dataset`) with `question` and `answer`, in GSM8K's format.
        generate: takes at most `batch_size` prompts and returns their continuations; called in another thread, one
            batch at a time.
        model, revision: of the generator; key of the evidence, and column `source`. Change the revision if you change
            the temperature.
        evidence: folder in which texts are saved.
        prompt: a plain-text style of `prm_gsm8k.sampling.prompts`.
        num_solutions, num_wrong, max_solutions: see `solve.SolutionOptions`.
        batch_size: most prompts per call, and problems worked on at a time.
        drop_test_questions: skip problems that hold a question of GSM8K test, with a warning, instead of raising.
        progress: called with the number of problems done.
        **labelling: fields of `labels.LabelOptions`: `labels`, `rollouts`, `right_answers` …

    Returns:
        Rows of the schema, in the order of the problems; `tokens` is 0, because a text does not tell its tokens. One
        warning counts the solutions that were left out, by reason.

    Raises:
        BadInputError: a problem is malformed or asks a question of a test set, or the evidence is damaged.
        UsageError: no such option, a chat style, or `generate` does not return one text per prompt.
        PrmGsm8kError: no row could be made, or the disk is full.
    """
    from dataclasses import fields

    from prm_gsm8k.dataset.contamination import refuse_test_questions
    from prm_gsm8k.dataset.in_memory import as_dataset
    from prm_gsm8k.dataset.problems import problems_from
    from prm_gsm8k.sampling.evidence import Log, open_folder, question_digest, read_calls, sole_run
    from prm_gsm8k.sampling.labels import LabelOptions
    from prm_gsm8k.sampling.rows import rows_of, wait_for
    from prm_gsm8k.sampling.settings import Settings
    from prm_gsm8k.sampling.solve import LEFT_OUT, Solution, SolutionOptions, solve

    if unknown := set(labelling) - {field.name for field in fields(LabelOptions)}:
        raise UsageError(f"there is no option {sorted(unknown)[0]!r}")
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}, not at least 1")
    sampling, options = SolutionOptions(num_solutions, num_wrong, max_solutions), LabelOptions(**labelling)
    settings = Settings(model, revision, prompt)
    if "prompt" not in settings.request("", [], 0):
        raise UsageError(f"{prompt!r} is a chat; a generator takes plain text such as few_shot")
    tally = Tally()
    given = problems_from(problems)
    chosen = refuse_test_questions(given, tally if drop_test_questions else None)
    folder = open_folder(evidence, settings)

    async def all_of_them() -> list[list[Solution]]:
        room, done = asyncio.Semaphore(batch_size), 0
        with sole_run(folder), Log(folder) as log:
            kept = read_calls(folder, {question_digest(problem.question) for problem in chosen})
            batches = _Batches(generate, batch_size)

            async def one(problem: Any) -> list[Solution]:
                nonlocal done
                question = question_digest(problem.question)
                known = kept.get(question, {})

                async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
                    request = settings.request(problem.question, prefix, attempt)

                    def keep(text: str) -> Rollout:
                        text = text.removeprefix(request["prompt"])  # which `transformers` pipelines send back
                        answer = Rollout(_stopped(text, request.get("stop") or ()), 0, "stop")
                        log.append(problem.id, question, prefix, attempt, answer)
                        return answer

                    answered = known.get((tuple(prefix), attempt))
                    return await until_finished(answered, lambda: batches.ask(request["prompt"], keep))

                async with room:
                    solutions = await solve(problem, go_on, sampling, options)
                done += 1
                if progress:
                    progress("generating", done, len(chosen))
                return solutions

            return list(await asyncio.gather(*map(one, chosen)))

    solved = wait_for(all_of_them())
    rows = (r for p, s in zip(chosen, solved, strict=True) for r in rows_of(p, s, settings.source, tally))
    made = as_dataset(rows, "model_sampled", tally)
    if tally.skipped:
        warnings.warn(f"{len(tally.skipped)} of {len(given)} problems were skipped: {tally.listed()}", stacklevel=2)
    if left_out := {what.removeprefix(LEFT_OUT): n for what, n in tally.counts.items() if what.startswith(LEFT_OUT)}:
        listed = ", ".join(f"{n:,} {what}" for what, n in sorted(left_out.items()))
        of = tally.counts["solutions"]
        warnings.warn(f"{sum(left_out.values()):,} of {of:,} solutions were left out: {listed}", stacklevel=2)
    return made


class _Batches:
    """Collects the prompts of many coroutines into batches for `generate`."""

    def __init__(self, generate: Generate, size: int) -> None:
        self._generate = generate
        self._size = size
        self._waiting: list[tuple[str, Callable[[str], Rollout], asyncio.Future[Rollout]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, prompt: str, keep: Callable[[str], Rollout]) -> Rollout:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, keep, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        answer: Rollout = await future
        return answer

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # let every coroutine that is ready add its prompt
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            try:
                prompts = [prompt for prompt, _, _ in batch]
                texts = await asyncio.to_thread(self._generate, prompts)
                if len(texts) != len(prompts) or not all(isinstance(text, str) for text in texts):
                    kinds = ", ".join(sorted({type(text).__name__ for text in texts}))
                    raise UsageError(
                        f"generate returned {len(texts)} of {kinds or 'nothing'} for {len(prompts)} prompts; it must "
                        "return one str for each"
                    )
                answers = [keep(text) for (_, keep, _), text in zip(batch, texts, strict=True)]
            except Exception as error:
                for _, _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                return
            for (_, _, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _stopped(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop string, which a generator may not support."""
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]
