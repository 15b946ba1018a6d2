"""Does a server sample, and does it go on from given steps? Asked at the start of a run, for labels rest on both.

    await probe(engine, settings, ["Natalia sold clips to 48 of her friends in April, …"])

A server that begins anew (many chat APIs, ollama, llama.cpp) solves the problem whatever the steps before, so the first
error is found too late. One that answers from a cache or with a fixed seed makes eight rollouts one.

To see whether it goes on, a solution of its own is cut in the middle of a number: what goes on begins with the other
digits.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from prm_gsm8k.dataset.steps import split_steps
from prm_gsm8k.exceptions import EngineError
from prm_gsm8k.sampling.engine import Engine
from prm_gsm8k.sampling.rollout import OF_THE_MODEL, REFUSED, Rollout, gist
from prm_gsm8k.sampling.settings import Settings

_NUMBER = re.compile(r"(=\s*\$?)?\d+[02-9](?!\d)")  # not one that ends with a 1: a list of steps begins with "1."
_BEGINS = re.compile(r"\s*(?:[A-Z*#]|\d+\. |\Z)")  # a sentence, a list or nothing: no rest of a number
QUESTIONS = 4  # that are tried until one shows what is asked
FRESH = 8  # attempts at whole solutions, over all questions; the first pair that differs is enough
ATTEMPTS = 4  # at going on from one text


async def probe(engine: Engine, settings: Settings, questions: Sequence[str]) -> str | None:
    """What the server does with up to four questions; None if all is well, else what could not be told.

    Raises:
        EngineError: it gives no finished answer, the same one to each attempt, or does not go on from given steps; or
            it fails.
    """
    questions = questions[:QUESTIONS]
    finished: list[list[str]] = [[] for _ in questions]
    reasons: Counter[str | None] = Counter()  # why answers are not finished; None for those that are
    differ = False
    for n in range(max(2, FRESH // len(questions))):  # one after the other, as a cache answers only what it has heard
        answers = await _ask(engine, [settings.request(question, [], n) for question in questions], n)
        reasons.update(answer.unfinished for answer in answers)
        for said, answer in zip(finished, answers, strict=True):
            said += [answer.said] if answer.unfinished is None else []
        differ = any(len(set(said)) > 1 for said in finished)
        if differ and any(_cut(said) for solutions in finished for said in solutions):
            break
    if not reasons.keys() & {None, REFUSED, *OF_THE_MODEL}:
        raise EngineError(
            f"{engine.url} gave no finished answer to {reasons.total()} requests ({', '.join(map(str, reasons))}): "
            "start it without a reasoning parser and with thinking off, or look into its log"
        )
    if not differ and reasons[None] > FRESH / 2:
        raise EngineError(
            f"{engine.url} gives the same answer at each attempt ({reasons[None]} of them), so rollouts prove nothing: "
            f"turn off its cache or its fixed seed, or raise --temperature, which is {settings.temperature:g}"
        )
    if settings.prompt == "chat_ask":  # the steps stand in the question
        return None
    goes_on = anew = likely = tried = 0
    for question, solutions in zip(questions, finished, strict=True):
        if (cut := next(filter(None, map(_cut, solutions)), None)) is None:
            continue
        begun, rest = cut
        firsts = [_first(said) for said in solutions]
        for answer in await _ask(engine, [_going_on(settings, question, begun, n) for n in range(ATTEMPTS)]):
            again = answer.unfinished == REFUSED or _first(answer.said) in firsts
            goes_on += not again and re.match(rf"\s*{rest}(?!\d)", answer.text) is not None
            anew += again
            likely += again or _BEGINS.match(answer.said) is not None
        tried += ATTEMPTS
        if goes_on and not anew:
            return None
    if tried and (anew >= tried / 4 or (not goes_on and likely >= tried / 2)):
        raise EngineError(
            f"{engine.url} does not go on from given steps but refuses or solves the problem anew, so first errors "
            "would be found in the wrong place: use --prompt chat_ask, which puts the steps into the question, or a "
            "server that goes on (vLLM, SGLang)"
        )
    if goes_on:
        return None
    return (
        f"could not tell whether {engine.url} goes on from given steps; if it begins anew, first errors are found in "
        "the wrong place, and --prompt chat_ask is right"
    )


async def _ask(engine: Engine, requests: Sequence[dict[str, Any]], first: int = 0) -> tuple[Rollout, ...]:
    requests = [
        {**request, **({"user": f"probe {first + n}"} if "user" in request else {})}
        for n, request in enumerate(requests)
    ]
    return tuple(await asyncio.gather(*map(engine.rollout, requests)))


def _cut(solution: str) -> tuple[str, str] | None:
    """A solution up to the middle of the last number after its first line, of an equation's result if there is one, and
    the rest of that number. The last, for a server may go on from short texts alone.

    >>> _cut("48 / 2 = 24 in May.\\nThat is 48 + 24 = 72.")
    ('48 / 2 = 24 in May.\\nThat is 48 + 24 = 7', '2')
    """
    later = solution.find("\n") + 1
    found = [match for match in _NUMBER.finditer(solution) if later and match.start() >= later]
    if not found:
        return None
    match = next((match for match in reversed(found) if match[1]), found[-1])
    return solution[: match.end() - 1], solution[match.end() - 1 : match.end()]


def _going_on(settings: Settings, question: str, begun: str, attempt: int) -> dict[str, Any]:
    """The request for what follows a text that ends within a line; where steps end with a newline, it has none."""
    request = settings.request(question, [begun], attempt)
    if "messages" in request:
        *before, last = request["messages"]
        return {**request, "messages": [*before, {**last, "content": last["content"].removesuffix("\n")}]}
    return {**request, "prompt": request["prompt"].removesuffix("\n")}


def _first(text: str) -> str | list[str]:
    """By which the first step of a text is known."""
    return gist(next(iter(split_steps(text)), ""))
