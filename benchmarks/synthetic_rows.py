"""The rows of `synthetic`: what there is, whether it keeps what it promises, and how fast it is made.

    python benchmarks/synthetic_rows.py [--problems 7473] [--seed 0] [--variants 0] [--no-twins]

Prints, for the problems of GSM8K train: incorrect rows by error type, coverage, the share of errors outside blocks, the
pair accuracy of readers that do not see the question, sentences and digit-free steps with one label only, numbers that
only the other question says (found here, sharing no code with what makes or checks blocks), false equations, and
incorrect rows a CPU second on one core beside naive corruption, which checks nothing. All is read from the rows' text.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from naive import naive_corruption

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate
from prm_gsm8k.synthetic.row_checks import counterparts

MISREADINGS = {family.name for family in FAMILIES if family.misreads}

_NUMBER = re.compile(r"(?<![\d.])\d[\d,]*(?:\.\d+)?")
_SMALL = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
)
_WORDS = {word: number for number, word in enumerate(_SMALL.split(), 2)}
_WORDS |= {"twice": 2, "double": 2, "half": 2, "third": 3, "fourth": 4, "quarter": 4, "fifth": 5, "dozen": 12}
_WORDS |= {"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}


def stale(question: str, other: str, steps: list[str]) -> list[tuple[str, set[float]]]:
    """Steps that show numbers which only the other question says, and which are no results; with the numbers.

    >>> stale("Jo has 5 pens.", "Jo has 4 pens.", ["Jo has 4 * 2 = 8 pens."])
    [('Jo has 4 * 2 = 8 pens.', {4.0})]
    """
    gone = _numbers(other) - _numbers(question)
    results = {float(n.replace(",", "")) for step in steps for n in re.findall(r"= *\$?(\d(?:[\d,.]*\d)?)", step)}
    bodies = [re.sub(r"\A(?:\*\*)?(?:Step )?\d+[.:]\s*", "", step) for step in steps]
    return [(body, numbers) for body in bodies if (numbers := (_numbers(body) & gone) - results)]


def _numbers(text: str) -> set[float]:
    spelled = {float(_WORDS[w]) for w in re.findall(r"[a-z]+", text.lower()) if w in _WORDS}
    return spelled | {float(n.replace(",", "")) for n in _NUMBER.findall(text)}


def pairs(made: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The steps up to the contested one of each pair in a block: of the correct row, and of the incorrect one."""
    by_id = {row["id"]: row for row in made}
    found = []
    for row in made:
        if row["first_error"] >= 0 and row["error_type"] in MISREADINGS:
            upto = row["first_error"] + 1
            correct, incorrect = ("\n".join(r["completions"][:upto]) for r in (by_id[row["twin_id"]], row))
            found.append((correct, incorrect))
    return found


def accuracy(contested: list[tuple[str, str]], score: Callable[[str], Any]) -> float:
    """How often a score is higher for the correct row of a pair; a tie counts half."""
    wins = [(score(a) > score(b)) + (score(a) == score(b)) / 2 for a, b in contested]
    return sum(wins) / len(wins)


def one_label(made: list[dict[str, Any]], least: int = 30) -> list[tuple[str, int]]:
    """Sentences and steps without their digits that stand `least` times up to a first error, and with one label only.

    >>> rows = [{"completions": ["So it is."], "labels": [False], "first_error": 0}] * 2
    >>> one_label(rows, 2)
    [('So it is.', 2)]
    """
    seen: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in made:
        end = row["first_error"] + 1 or len(row["completions"])
        for step, label in zip(row["completions"][:end], row["labels"][:end], strict=True):
            bare = re.sub(r"\d[\d.,]*", "0", step)
            for shape in {bare, *re.split(r"(?<=[.:!?]) ", bare)}:
                seen[shape][label] += 1
    return [(shape, n[False]) for shape, n in seen.items() if n[False] >= least and not n[True]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variants", type=int, default=0)
    parser.add_argument("--no-twins", dest="twins", action="store_false")
    asked = parser.parse_args()
    problems = shipped_problems("train")[: asked.problems]
    print(f"{len(problems)} problems, Python {sys.version.split()[0]}, {os.cpu_count()} cores, one used")

    tally = Tally()
    options = SyntheticOptions(seed=asked.seed, variants=asked.variants, twins=asked.twins)
    start = time.process_time()
    made = list(generate(problems, options, tally))
    seconds = time.process_time() - start
    incorrect = [row for row in made if row["first_error"] >= 0]

    kinds = Counter(row["error_type"] for row in incorrect)
    outside = sum(n for name, n in kinds.items() if name not in MISREADINGS)
    print(f"{tally.counts['blocks']} blocks, {len(made)} rows, {len(incorrect)} of them incorrect:")
    for name, count in kinds.most_common():
        print(
            f"  {name:22} {count:6}  {count / len(incorrect):6.1%}{'' if name in MISREADINGS else '  outside blocks'}"
        )
    print(f"outside blocks {outside / len(incorrect):.1%} of incorrect rows")
    own, families = Counter[str](), defaultdict[str, set[str]](set)
    for row in incorrect:
        own["/".join(row["problem_id"].split("/")[:3])] += "/twin-" not in row["id"]
        if row["error_type"] in MISREADINGS:
            families["/".join(row["problem_id"].split("/")[:3])].add(row["error_type"])
    several = sum(len(names) > 1 for names in families.values())
    for least in (1, 2, 3):
        share = sum(own[problem.id] >= least for problem in problems) / len(problems)
        print(f"problems with at least {least} distinct incorrect rows {share:.1%}")
    print(f"problems with blocks {len(families) / len(problems):.1%}, of two families {several / len(problems):.1%}")

    readers = {"length": len, "alphabet": str, "operators": lambda text: sum(map(text.count, "+-*/="))}
    if asked.twins:
        contested = pairs(made)
        accuracies = ", ".join(f"{name} {accuracy(contested, score)}" for name, score in readers.items())
        print(f"pair accuracy without the question: {accuracies}")
    shapes = one_label(made)
    print(f"sentences and digit-free steps of 30 or more with one label only: {len(shapes)} {shapes[:3] or ''}")
    by_id = {row["id"]: row for row in made}
    left: dict[bool, list[Any]] = {True: [], False: []}  # by whether the number is small
    for row in made:
        if "/twin-" in row["problem_id"] and row["first_error"] < 0:
            other = next(by_id[name] for name in counterparts(row["id"].replace("right", "wrong")) if name in by_id)
            for step, numbers in stale(row["prompt"], other["prompt"], row["completions"]):
                left[max(numbers) <= 12].append((row["id"], step))
    false = [
        (row["id"], step)
        for row in made
        for n, step in enumerate(row["completions"])
        if false_equations(step) and (row["error_type"] != "calculation_slip" or n != row["first_error"])
    ]
    print(f"steps of twins that show a number above 12 which only the other question says: {len(left[False])}")
    print(f"  up to 12, which may be days, months or a count of what is told of: {len(left[True])}")
    print(f"false equations but slips: {len(false)}")
    for what in (*left[False][:10], *false[:10]):
        print("  ", *what)

    start = time.process_time()
    naive = sum(1 for _ in naive_corruption(problems))
    naive_rate = naive / (time.process_time() - start)
    rate = len(incorrect) / seconds
    print(
        f"{rate:,.0f} checked incorrect rows a CPU second; naive {naive_rate:,.0f}, {naive_rate / rate:.0f} times that;"
        f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB with all rows kept"
    )
    print("left out: " + ", ".join(f"{why} {n}" for why, n in tally.counts.most_common(12) if "/" in why))


if __name__ == "__main__":
    main()
