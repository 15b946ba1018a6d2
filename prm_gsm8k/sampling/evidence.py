"""What a model was asked and answered, kept for good: one line of JSON a call, written once and never changed.

    EVIDENCE/Qwen3-8B-0f1e2d3c4b5a6978/         a folder for each settings: model, revision, prompt, sampling
      settings.json
      calls-00000.jsonl                         one file for each task that ever ran; a run reads all of them

    {"problem": "gsm8k/train/3", "question": "9f…", "prefix": ["He has 3*4=12 apples."], "attempt": 0,
     "text": "So 12/2=6 are red.\\nThe answer is 6", "tokens": 21, "finish": "stop"}

A call is (question, prefix, attempt). With no prefix it samples a whole solution, else it goes on from the first steps
of one. Nothing of grading and labelling is in it, so rows under another scheme come from the same lines. An answer that
is not finished has a line too, and so has each further try; `reasoning` is there if the server gave it apart.

A line is handed to the system in one write as soon as the answer is there, before anything is made of it: a process
killed at any moment loses the calls that were under way, and none that was finished.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from prm_gsm8k.dataset.files import lock
from prm_gsm8k.dataset.jsonl import BadLineError, parse_line, parse_lines, to_line
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError
from prm_gsm8k.sampling.rollout import ANEW, GoOn, Rollout, until_finished
from prm_gsm8k.sampling.settings import Settings

SETTINGS = "settings.json"

Calls = dict[tuple[tuple[str, ...], int], Rollout]
"""What was answered about one question, by prefix and attempt: the first finished answer, else the last."""


def question_digest(question: str) -> str:
    """By which a question is known here, whatever file it comes from: 24 hexadecimal digits of its exact text."""
    return hashlib.sha256(question.encode()).hexdigest()[:24]


def open_folder(evidence: str | Path, settings: Settings) -> Path:
    """The folder for these settings, made if it is new.

    Raises:
        PrmGsm8kError: it cannot be made.
        BadInputError: it says it holds calls under other settings.
    """
    folder = Path(evidence) / settings.folder
    content = orjson.dumps({**settings.stated(), "digest": settings.digest}, option=orjson.OPT_INDENT_2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SETTINGS).exists():
            temporary = folder / f".{SETTINGS}.{os.getpid()}"
            temporary.write_bytes(content)
            temporary.replace(folder / SETTINGS)
        there = (folder / SETTINGS).read_bytes()
    except OSError as error:
        raise PrmGsm8kError(
            f"{folder}: evidence cannot be kept there: {error.strerror}; name another --evidence"
        ) from error
    if there != content:
        raise BadInputError(str(folder / SETTINGS), "was changed: it is not what the folder's name says; restore it")
    return folder


def kept_settings(evidence: Path) -> list[Settings]:
    """Under which settings answers are kept there."""
    there = [orjson.loads(path.read_bytes()) for path in sorted(evidence.glob(f"*/{SETTINGS}"))]
    kept = [Settings(**{f.name: content.get(f.name, f.default) for f in fields(Settings)}) for content in there]
    return sorted(kept, key=lambda settings: (settings.source, settings.digest))


def read_calls(folder: Path, questions: Collection[str] | None = None) -> dict[str, Calls]:
    """Every call that is kept, by the digest of its question; only those about `questions`, if given.

    Raises:
        BadInputError: a line that is no call; an unfinished last line is none yet, and is passed over.
    """
    kept: dict[str, Calls] = {}
    for path in sorted(folder.glob("calls-*.jsonl")):
        for line in _calls(path):
            if questions is None or line["question"] in questions:
                call = tuple(line["prefix"]), line["attempt"]
                answer = Rollout(line["text"], line["tokens"], line["finish"], line.get("reasoning", ""))
                calls = kept.setdefault(line["question"], {})
                calls[call] = calls[call].or_again(answer) if call in calls else answer
    return kept


def _calls(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        # the last line may have no end: a process was killed in the middle of it, or is at it
        whole = takewhile(lambda raw: raw.endswith(b"\n"), file)
        try:
            for number, line in parse_lines(whole, str(path)):
                try:
                    _ = line["question"], tuple(line["prefix"]), line["attempt"] + 0, line["text"] + ""
                    _ = line["tokens"] + 0, line["finish"] + "", line.get("reasoning", "") + ""
                except (KeyError, TypeError) as error:
                    raise BadInputError(f"{path}:{number}", "not a call as they are kept here") from error
                yield line
        except BadInputError as error:
            cure = "delete that line, and its call will be made again"
            raise BadInputError(error.where, f"{error.what}; {cure}") from error


@contextmanager
def sole_run(folder: Path, patience: float = 30.0) -> Iterator[None]:
    """Hold the folder for one run. Two at once would both ask for what neither has yet.

    What is left of a run that was killed has `patience` seconds to notice it: until then its tasks may still write.

    Raises:
        PrmGsm8kError: another run is at work there.
    """
    held = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if lock(held) is None:
            say_there_are_no_locks(folder)
        deadline = time.monotonic() + patience
        while not (lock(held) is not False and all(map(_nobody_writes, folder.glob("calls-*.jsonl")))):
            if time.monotonic() > deadline:
                raise PrmGsm8kError(f"{folder}: another run is at work there; wait for that one, or end it")
            time.sleep(0.2)
        yield
    finally:
        os.close(held)


def say_there_are_no_locks(folder: Path) -> None:
    """A line on stderr: nothing keeps a second run away."""
    print(f"prm-gsm8k: {folder}: no locks on this file system; start no second run there", file=sys.stderr)


def _nobody_writes(path: Path) -> bool:
    with path.open("rb") as file:
        return lock(file.fileno()) is not False


class Log:
    """Appends calls to the file of one task, which no other process may write meanwhile.

    Raises `PrmGsm8kError` if another run writes it, when the disk is full, or when the file has grown to `most_bytes`:
    what was written stays, whole.
    """

    def __init__(self, folder: Path, rank: int = 0, most_bytes: int = 10**10) -> None:
        self.path = folder / f"calls-{rank:05d}.jsonl"
        self._most_bytes = most_bytes
        self._file = -1

    def __enter__(self) -> Log:
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise PrmGsm8kError(f"{self.path} cannot be written: {error.strerror}") from error
        if lock(self._file) is False:
            self.__exit__(None, None, None)
            raise PrmGsm8kError(f"{self.path}: another run is writing it; wait for that one, or end it")
        self._cut_off_unfinished_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            os.close(self._file)
        self._file = -1

    def append(self, problem: str, question: str, prefix: Sequence[str], attempt: int, answer: Rollout) -> None:
        """Keep one call: it is with the system when this returns."""
        line = {"problem": problem, "question": question, "prefix": list(prefix), "attempt": attempt}
        line |= {"text": answer.text, "tokens": answer.tokens, "finish": answer.finish}
        if answer.reasoning:
            line["reasoning"] = answer.reasoning
        data = to_line(line)
        size = os.fstat(self._file).st_size
        if size + len(data) > self._most_bytes:
            raise PrmGsm8kError(
                f"{self.path} has grown to {size / 1e9:.2f} GB, which is what --max-disk allows; every finished call "
                "is kept: allow more, and the same command goes on from here"
            )
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, size)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise PrmGsm8kError(
                f"{self.path}: {error.strerror}; every finished call is kept: "
                f"{'free some space' if full else 'see to it'}, and the same command goes on from here"
            ) from error

    def asking(
        self,
        settings: Settings,
        problem: str,
        question: str,
        known: Calls,
        send: Callable[[dict[str, Any]], Awaitable[Rollout]],
        heard: Callable[[Rollout], None],
    ) -> GoOn:
        """How the calls of a problem are answered: by what is known, else by `send`, whose every answer is kept."""
        digest = question_digest(question)

        async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
            async def ask() -> Rollout:
                answer = await send(settings.request(question, prefix, attempt))
                self.append(problem, digest, prefix, attempt, answer)
                heard(answer)
                return answer

            return await until_finished(known.get((tuple(prefix), attempt)), ask)

        return go_on

    def _cut_off_unfinished_line(self) -> None:
        """What a killed process left of a line was never a call."""
        size = os.fstat(self._file).st_size
        end = size
        while end:
            start = max(0, end - 65536)
            found = os.pread(self._file, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._file, end)


class Watch:
    """Counts the calls of a folder as they come in, whoever writes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}  # bytes of each file
        self.calls = 0
        self.tokens = 0
        self.unfinished: Counter[str] = Counter()  # answers of this run that are no evidence, by reason

    def look(self, before: bool = False) -> None:
        """Read what is new; `before`: what was there before this run."""
        for path in self._folder.glob("calls-*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
            new = new[: new.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(new)
            for raw in new.splitlines():
                with suppress(BadLineError, KeyError, TypeError):  # who reads them for good will say so
                    line = parse_line(raw)
                    self.tokens += line["tokens"]
                    self.calls += 1
                    answer = Rollout(line["text"], line["tokens"], line["finish"])
                    reason = answer.unfinished or (ANEW if answer.begins_anew(line["prefix"]) else None)
                    if reason is not None and not before:
                        self.unfinished[reason] += 1
