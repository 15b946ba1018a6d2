"""Rollouts needed to find the first error of an incorrect solution: our search compared with published schemes.

    python benchmarks/rollout_labels.py FILE [--solutions 200]

FILE holds incorrect solutions to problems of GSM8K with the first error marked by a person, as JSON lines: `problem`,
`steps`, `label`. The model is simulated: from a correct prefix it reaches the correct answer with probability 0.8, from
one that contains the error never. Its answer depends only on the solution, the prefix and the attempt, so all schemes
see the same model. Its texts are graded by the real grader.

`every step` is exhaustive; each scheme's label is compared with it, with the person's, and, where several people marked
a solution, with what another one marked, since people differ and the simulated model takes one's word for the truth.
`auto` is printed for several `SURE`, which was chosen by these figures.
"""

from __future__ import annotations

import argparse
import os
import random
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from prm_gsm8k.arithmetic.grading import is_right
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.dataset.problems import question_key, shipped_problems
from prm_gsm8k.label.solution import label_solution
from prm_gsm8k.sampling import labels
from prm_gsm8k.sampling.labels import Call, Guess, LabelOptions, find_first_error
from prm_gsm8k.sampling.rollout import Rollout

RIGHT, WRONG = "12345", "54321"  # answers of the simulated model; no solution of the file has them
HARD = "hard: and false equations"
Search = Generator[Call, Rollout, int]
Scheme = Callable[[Sequence[str], int, Guess], Search]


def tried(end: int, k: int, stop: bool) -> Generator[Call, Rollout, bool]:
    """Whether any of k rollouts from the first `end` steps succeeds; with `stop`, sample no more after a success."""
    successes = 0
    for attempt in range(k):
        successes += is_right((yield end, attempt).text, RIGHT)
        if successes and stop:
            break
    return successes > 0


def every_step(steps: Sequence[str], k: int, _: Guess) -> Search:
    """Math-Shepherd (arXiv 2312.08935): k rollouts from every prefix but the whole solution, whose answer is known."""
    survives = []
    for end in range(1, len(steps)):
        survives.append((yield from tried(end, k, stop=False)))
    return [*survives, False].index(False)


def linear(steps: Sequence[str], k: int, _: Guess) -> Search:
    """SCAN (arXiv 2509.16548): from the front to the first error, k rollouts from each prefix."""
    for end in range(1, len(steps)):
        if not (yield from tried(end, k, stop=False)):
            return end - 1
    return len(steps) - 1


def linear_stop(steps: Sequence[str], k: int, _: Guess) -> Search:
    """The same, but stop sampling from a prefix at its first success."""
    for end in range(1, len(steps)):
        if not (yield from tried(end, k, stop=True)):
            return end - 1
    return len(steps) - 1


def binary(steps: Sequence[str], k: int, _: Guess, stop: bool = False) -> Search:
    """OmegaPRM (arXiv 2406.06592): halve the range in which the first error lies, k rollouts from each middle."""
    first, last = 0, len(steps) - 1
    while first < last:
        middle = (first + last) // 2
        if (yield from tried(middle + 1, k, stop)):
            first = middle + 1
        else:
            last = middle
    return first


def binary_stop(steps: Sequence[str], k: int, guess: Guess) -> Search:
    """The same, but stop sampling from a prefix at its first success."""
    return binary(steps, k, guess, stop=True)


def hard(steps: Sequence[str], k: int, _: Guess) -> Search:
    """Linear, stopping at the first success of a prefix; false equations need no rollouts."""
    labelled = yield from find_first_error(steps, RIGHT, LabelOptions("hard", k))  # type: ignore[misc]
    assert labelled is not None
    return labelled.first_error


def auto(sure: float) -> Scheme:
    """Around what the reference says, until a step is the first error with this probability."""

    def scheme(steps: Sequence[str], k: int, guess: Guess) -> Search:
        labels.SURE = sure
        labelled = yield from find_first_error(steps, RIGHT, LabelOptions("auto", k), guess=guess)  # type: ignore[misc]
        assert labelled is not None
        return labelled.first_error

    return scheme


def reference(steps: Sequence[str], k: int, guess: Guess) -> Search:
    """No rollouts; a guess that abstains is no step."""
    yield from ()
    return -1 if guess.label.first_error is None else guess.label.first_error


SCHEMES: dict[str, Scheme] = {
    "every step (Math-Shepherd)": every_step,
    "linear (SCAN)": linear,
    "binary (OmegaPRM)": binary,
    "binary, stop at first success": binary_stop,
    "linear, stop at first success": linear_stop,
    HARD: hard,
    **{f"auto, sure at {sure:g}": auto(sure) for sure in (0.8, 0.9, labels.SURE, 0.98, 0.999)},
    "reference, abstentions are misses": reference,
}


def run(search: Search, name: str, label: int, recover: float) -> tuple[int, int]:
    """The first error a scheme finds in a solution and the rollouts it took."""
    made: set[Call] = set()
    try:
        call = next(search)
        while True:
            assert call not in made
            made.add(call)
            end, attempt = call
            succeeds = end <= label and random.Random(f"{name}/{end}/{attempt}").random() < recover
            call = search.send(Rollout(f"The answer is {RIGHT if succeeds else WRONG}.", 0, "stop"))
    except StopIteration as done:
        return done.value, len(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--solutions", type=int, help="how many, from the first; all if not given")
    parser.add_argument("--rollouts", type=int, default=8, metavar="K")
    parser.add_argument("--recover", type=float, default=0.8, metavar="P", help="P(success) from a correct prefix")
    arguments = parser.parse_args()
    rows = [row for *_, row in read_rows(arguments.file) if row["label"] >= 0][: arguments.solutions]
    answers = {question_key(p.question): p.answer for s in ("train", "test") for p in shipped_problems(s)}
    guesses = [
        Guess(label_solution(row["problem"], answers[question_key(row["problem"])], row["steps"])) for row in rows
    ]
    marks = defaultdict(list)
    for row in rows:
        marks[row["problem"], tuple(row["steps"])].append(row["label"])
    steps = sum(len(row["steps"]) for row in rows) / len(rows)
    print(
        f"{len(rows)} incorrect solutions of {arguments.file.name}, {steps:.2f} steps each; "
        f"k={arguments.rollouts}, P(success) from a correct prefix {arguments.recover}; {os.cpu_count()} cores"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("scheme", "rollouts a solution", "times hard", "as exhaustive", "as the person", "as another"):
        table.add_column(column, justify="left" if column == "scheme" else "right")
    found = {
        name: [
            run(scheme(row["steps"], arguments.rollouts, guess), f"{i}", row["label"], arguments.recover)
            for i, (row, guess) in enumerate(zip(rows, guesses, strict=True))
        ]
        for name, scheme in SCHEMES.items()
    }
    least = sum(n for _, n in found[HARD])
    for name, results in found.items():
        same = sum(a[0] == b[0] for a, b in zip(results, found["every step (Math-Shepherd)"], strict=True))
        person = sum(first == row["label"] for (first, _), row in zip(results, rows, strict=True))
        spent = sum(n for _, n in results)
        others = []  # for each solution and each further mark of it, whether that is this scheme's label
        for (first, _), row in zip(results, rows, strict=True):
            further = list(marks[row["problem"], tuple(row["steps"])])
            further.remove(row["label"])
            others += [first == mark for mark in further]
        table.add_row(
            name,
            f"{spent / len(rows):.2f}",
            f"{spent / least:.2f}",
            f"{same / len(rows):.1%}",
            f"{person / len(rows):.1%}",
            f"{sum(others) / len(others):.1%}" if others else "",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
