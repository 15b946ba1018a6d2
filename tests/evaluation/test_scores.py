"""Scores are kept as they come, taken up again after a kill, and never taken for those of something else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from prm_gsm8k.evaluation import scores as scores_module
from prm_gsm8k.evaluation.benchmarks import Solution
from prm_gsm8k.evaluation.scores import checkpoint_digest, score
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, TooLongError


def made(n: int, *, problems: int = 1_000) -> list[Solution]:
    return [
        Solution(str(i), f"Problem {i % problems}?", ("One.",) * (1 + i % 4), f"made.jsonl:{i + 1}") for i in range(n)
    ]


class Counting:
    """A scorer that remembers what it was asked, and is killed before the k-th call."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.asked: list[list[tuple[str, Sequence[str]]]] = []
        self.killed_at = killed_at

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        if len(self.asked) == self.killed_at:
            raise KeyboardInterrupt
        self.asked.append(list(solutions))
        return [[1 / (1 + len(problem) + i) for i in range(len(steps))] for problem, steps in solutions]

    @property
    def scored(self) -> int:
        return sum(map(len, self.asked))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores_module, "CHUNK", 10)


def test_a_killed_run_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    solutions, kept = made(95), tmp_path / "scores" / "x.jsonl"
    killed, again, never = Counting(killed_at=4), Counting(), Counting()
    with pytest.raises(KeyboardInterrupt):
        score("prm", killed, solutions, kept)
    assert killed.scored == 40
    found = score("prm", again, solutions, kept)
    assert killed.scored + again.scored == 95
    assert not {id for chunk in killed.asked for id, _ in chunk} & {id for chunk in again.asked for id, _ in chunk}
    assert found == score("prm", never, solutions, kept) == score("prm", Counting(), solutions)
    assert never.scored == 0


def test_a_line_that_was_cut_short_is_scored_again(tmp_path: Path) -> None:
    solutions, kept = made(12), tmp_path / "x.jsonl"
    whole = score("prm", Counting(), solutions, kept)
    kept.write_bytes(kept.read_bytes()[:-9])
    again = Counting()
    assert score("prm", again, solutions, kept) == whole and again.scored == 1
    assert len(kept.read_bytes().splitlines()) == 12


@pytest.mark.parametrize("line", [b"[]", b'{"n": 99, "scores": [0.5]}', b'{"n": 0, "scores": [0.5, 0.5]}', b"nonsense"])
def test_what_was_not_kept_here_is_not_taken_for_it(line: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "x.jsonl"
    kept.write_bytes(line + b"\n")
    with pytest.raises(BadInputError, match=r"x\.jsonl:1: not scores that were kept here; delete the file"):
        score("prm", Counting(), made(3), kept)


def test_solutions_of_a_problem_go_together_and_the_longest_first() -> None:
    scorer = Counting()
    score("prm", scorer, made(40, problems=4))
    problems = [[problem for problem, _ in chunk] for chunk in scorer.asked]
    assert [len(set(chunk)) for chunk in problems] == [1, 1, 1, 1]
    mixed = Counting()
    score("prm", mixed, made(40))
    steps = [len(steps) for chunk in mixed.asked for _, steps in chunk]
    assert steps[0] == 4 and steps[-1] == 1


class Wrong(Counting):
    def __init__(self, what: object) -> None:
        super().__init__()
        self.what = what

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        found = super().score_many(solutions)
        for (problem, _), line in zip(solutions, found, strict=True):
            if problem == "Problem 5?":
                if self.what == "long":
                    raise TooLongError("solution 3: 9000 tokens, of at most 8192", 9000)
                if self.what == "more":
                    line.append(0.5)
                else:
                    line[-1] = self.what  # type: ignore[call-overload]
        return found[1:] if self.what == "fewer" else found


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (math.nan, "made.jsonl:6: prm scored step 1 nan, which is no probability"),
        (1.5, "made.jsonl:6: prm scored step 1 1.5, which is no probability"),
        (None, "made.jsonl:6: prm scored step 1 None, which is no probability"),
        ("more", "made.jsonl:6: prm gave 3 scores for its 2 steps"),
        ("long", "made.jsonl:6: prm cannot score it: solution 3: 9000 tokens, of at most 8192"),
    ],
)
def test_a_score_that_is_none_is_named_by_its_row(what: object, message: str, tmp_path: Path) -> None:
    kept = tmp_path / "x.jsonl"
    with pytest.raises(BadInputError) as caught:
        score("prm", Wrong(what), made(8), kept)
    assert str(caught.value) == message
    assert not kept.exists(), "what came with it is not kept"


def test_fewer_solutions_than_asked_for() -> None:
    with pytest.raises(PrmGsm8kError, match="prm scored 7 solutions of 8; the first is"):
        score("prm", Wrong("fewer"), made(8))


def test_the_digest_of_a_checkpoint_is_of_what_decides_its_scores(tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "prm_training.json", "README.md", "optimizer.pt"):
        (tmp_path / name).write_bytes(b"one")
    first = checkpoint_digest(tmp_path)
    for name, same in (
        ("README.md", True),
        ("prm_training.json", True),
        ("optimizer.pt", True),
        ("config.json", False),
    ):
        (tmp_path / name).write_bytes(orjson.dumps(name))
        assert (checkpoint_digest(tmp_path) == first) is same
