"""What blocks of twins there are, whether they keep what they promise, and how fast they are made.

    python benchmarks/twins.py [--problems 7473] [--seed 0]

Prints, for the problems of GSM8K train: blocks by family, problems with blocks, the pair accuracy of readers that do
not see the question, numbers that only the other question says (found here, sharing no code with what makes or checks
blocks) and false equations, and incorrect rows a CPU second on one core beside naive corruption, which checks nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter, defaultdict
from typing import Any

from naive import naive_corruption

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.twins.rows import rows

_NUMBER = re.compile(r"(?<![\d.])\d[\d,]*(?:\.\d+)?")
_SMALL = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
)
_WORDS = {word: number for number, word in enumerate(_SMALL.split(), 2)}
_WORDS |= {"twice": 2, "double": 2, "half": 2, "third": 3, "fourth": 4, "quarter": 4, "fifth": 5, "dozen": 12}
_WORDS |= {"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}


def stale(question: str, other: str, steps: list[str]) -> list[str]:
    """Steps that show a number which only the other question says, and which is no result.

    >>> stale("Jo has 5 pens.", "Jo has 4 pens.", ["Jo has 4 * 2 = 8 pens."])
    ['Jo has 4 * 2 = 8 pens.']
    """
    gone = _numbers(other) - _numbers(question)
    results = {float(n.replace(",", "")) for step in steps for n in re.findall(r"= *\$?(\d(?:[\d,.]*\d)?)", step)}
    bodies = [re.sub(r"\A(?:\*\*)?(?:Step )?\d+[.:]\s*", "", step) for step in steps]
    return [body for body in bodies if (_numbers(body) & gone) - results]


def _numbers(text: str) -> set[float]:
    spelled = {float(_WORDS[w]) for w in re.findall(r"[a-z]+", text.lower()) if w in _WORDS}
    return spelled | {float(n.replace(",", "")) for n in _NUMBER.findall(text)}


def blind_accuracy(made: list[dict[str, Any]], score: Any) -> float:
    """How often a score that sees only the steps up to the contested one is higher for the correct row of a pair."""
    by_id = {row["id"]: row for row in made}
    wins = total = 0.0
    for row in made:
        if row["first_error"] >= 0:
            upto = row["first_error"] + 1
            a, b = (score("\n".join(r["completions"][:upto])) for r in (by_id[row["twin_id"]], row))
            wins, total = wins + (a > b) + (a == b) / 2, total + 1
    return wins / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    problems = shipped_problems("train")[: options.problems]
    print(f"{len(problems)} problems, Python {sys.version.split()[0]}, {os.cpu_count()} cores, one used")

    tally = Tally()
    start = time.process_time()
    made = [row for problem in problems for row in rows(problem, options.seed, tally=tally)]
    seconds = time.process_time() - start
    incorrect = [row for row in made if row["first_error"] >= 0]

    families: dict[str, set[str]] = defaultdict(set)
    for row in incorrect:
        families[row["problem_id"].partition("/twin")[0]].add(row["error_type"])
    kinds = Counter(row["error_type"] for row in incorrect)
    print(f"{len(incorrect) // 2} blocks, {len(made)} rows, {len(incorrect)} of them incorrect; by family:")
    for name, count in kinds.most_common():
        print(f"  {name:22} {count // 2:6}  {count / len(incorrect):6.1%}")
    several = sum(len(names) > 1 for names in families.values())
    print(f"problems with blocks {len(families) / len(problems):.1%}, of two families {several / len(problems):.1%}")

    readers = {"length": len, "alphabet": str, "operators": lambda text: sum(map(text.count, "+-*/="))}
    accuracies = ", ".join(f"{name} {blind_accuracy(made, score)}" for name, score in readers.items())
    print(f"pair accuracy without the question: {accuracies}")
    questions = {row["problem_id"]: row["prompt"] for row in made}
    left = [
        (row["id"], found)
        for row in made
        if "/twin-" in row["problem_id"] and row["first_error"] < 0
        if (found := stale(row["prompt"], questions[row["problem_id"].partition("/twin")[0]], row["completions"]))
    ]
    false = [(row["id"], step) for row in made for step in row["completions"] if false_equations(step)]
    print(
        f"twin solutions that show a number of the other question {len(left)}; steps with a false equation {len(false)}"
    )
    for what in (*left[:10], *false[:10]):
        print("  ", *what)

    start = time.process_time()
    naive = sum(1 for _ in naive_corruption(problems))
    naive_rate = naive / (time.process_time() - start)
    rate = len(incorrect) / seconds
    print(
        f"{rate:,.0f} checked incorrect rows a CPU second; naive {naive_rate:,.0f}, {naive_rate / rate:.0f} times that"
    )
    print("left out: " + ", ".join(f"{why} {n}" for why, n in tally.counts.most_common(8) if "/" in why))


if __name__ == "__main__":
    main()
