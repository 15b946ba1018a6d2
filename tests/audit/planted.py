"""Labelled solutions in which only the number predicts a first error, and leaks to plant in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

NAMES = "Ann Ben Cleo Dan Eve Finn Gus Hana Ivo Jana Kim Lena Max Nora Otto Pia".split()
THINGS = "pens cups books coins eggs stamps shells cards plums bricks nails bags tiles jars".split()
VERBS = "counts buys sells packs finds keeps loses lends sorts brings paints breaks".split()

Row = dict[str, Any]
Plant = Callable[[str, Random], str]


def clean_rows(problems: int = 120, seed: int = 0, plant: Plant | None = None) -> list[Row]:
    """For each problem a correct solution and two incorrect ones, which differ from it in one two-digit number.

    Args:
        problems: number of problems.
        seed: of words, numbers and positions.
        plant: changes the first incorrect step.
    """
    rng = Random(seed)
    rows = []
    for n in range(problems):
        who, what = rng.choice(NAMES), rng.choice(THINGS)
        prompt = f"{who} has {rng.randint(10, 99)} {what} on day {n} and {rng.choice(VERBS)} some. How many {what}?"
        steps = [
            f"{who} {rng.choice(VERBS)} {rng.randint(10, 99)} {rng.choice(THINGS)} and {rng.choice(VERBS)} some {what}."
            for _ in range(rng.randint(3, 6))
        ]
        rows.append(row(f"{n}/right", prompt, steps, -1))
        for k in range(2):
            at = rng.randrange(len(steps))
            wrong = steps.copy()
            old = next(word for word in wrong[at].split() if word.isdigit())
            new = rng.choice([str(number) for number in range(10, 100) if str(number) != old])
            wrong[at] = wrong[at].replace(old, new)
            if plant is not None:
                wrong[at] = plant(wrong[at], rng)
            rows.append(row(f"{n}/wrong-{k}", prompt, wrong, at))
    return rows


def row(name: str, prompt: str, steps: list[str], first_error: int) -> Row:
    labels = [first_error < 0 or i < first_error for i in range(len(steps))]
    return {"id": name, "prompt": prompt, "completions": steps, "labels": labels}


def written(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def a_marker(step: str, rng: Random) -> str:
    return step.replace(" and ", " indeed and ")


def more_words(step: str, rng: Random) -> str:
    return f"{step} " + " ".join(rng.sample(NAMES + THINGS + VERBS, 4))


def decimals(step: str, rng: Random) -> str:
    return " ".join(f"{word}.5" if word.isdigit() else word for word in step.split())
