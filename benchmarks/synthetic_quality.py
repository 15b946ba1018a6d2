"""Quality of the rows of `synthetic`, measured on their text, beside naive corruption.

    python benchmarks/synthetic_quality.py

All 7,473 train problems with 3 incorrect rows each: coverage, stale values, false equations by error type, prefixes
with two labels, duplicates, and places of first errors. All is computed from the text, not from the generator's state.
"""

from __future__ import annotations

import collections
from typing import Any

from naive import naive_corruption
from stale_values import stale_values

from prm_gsm8k.arithmetic.equations import read_equations
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate


def false_equation(step: str) -> bool:
    return any(not equation.is_true for equation in read_equations(step))


def changes_a_result(row: dict[str, Any]) -> bool:
    """Whether a naive row states another result than its twin, before the last step."""
    first = row["first_error"]
    correct, incorrect = (
        [(equation.operands, equation.result) for equation in read_equations(steps[first])]
        for steps in (row["twin"], row["completions"])
    )
    same_operands = [operands for operands, _ in correct] == [operands for operands, _ in incorrect]
    return first < len(row["twin"]) - 1 and same_operands and correct != incorrect


def main() -> None:
    problems = shipped_problems("train")
    tally = Tally()
    rows = list(generate(problems, SyntheticOptions(), tally))
    correct = {row["id"]: row for row in rows if row["first_error"] < 0}
    incorrect = [row for row in rows if row["first_error"] >= 0]
    print(f"{len(problems)} problems -> {len(correct)} correct rows, {len(incorrect)} incorrect rows")

    per_problem = collections.Counter(row["problem_id"] for row in incorrect)
    three = sum(count >= 3 for count in per_problem.values())
    print(f"problems with three distinct verified incorrect rows: {three} = {three / len(problems):.1%} (target 90%)")

    stale = sum(
        bool(stale_values(correct[r["twin_id"]]["completions"], r["completions"], r["first_error"], r["prompt"]))
        for r in incorrect
    )
    naive = list(naive_corruption(problems))
    changed = [row for row in naive if changes_a_result(row)]
    naive_stale = sum(bool(stale_values(r["twin"], r["completions"], r["first_error"], r["prompt"])) for r in changed)
    print(
        f"incorrect rows with a stale value after the error: {stale} of {len(incorrect)} (target 0; naive corruption, "
        f"of the {len(changed)} rows whose changed number is a result: {naive_stale / len(changed):.1%})"
    )

    false = collections.Counter(
        row["error_type"] for row in incorrect if false_equation(row["completions"][row["first_error"]])
    )
    kinds = collections.Counter(row["error_type"] for row in incorrect)
    print(f"first-error steps with a false equation: {sum(false.values()) / len(incorrect):.1%} (target 5 to 20%)")
    for kind, count in kinds.most_common():
        print(f"    {kind:22s} {count:6d} {count / len(incorrect):6.1%}   false equation {false[kind] / count:6.1%}")
    naive_false = sum(false_equation(row["completions"][row["first_error"]]) for row in naive) / len(naive)
    correct_steps = [step for row in correct.values() for step in row["completions"]]
    correct_false = sum(map(false_equation, correct_steps)) / len(correct_steps)
    print(f"    naive corruption: {naive_false:.1%}; correct steps: {correct_false:.2%}")

    labels: dict[tuple[str, ...], bool] = {}
    both = 0
    for row in rows:
        for length, label in enumerate(row["labels"], 1):
            key = (row["prompt"], *row["completions"][:length])
            both += labels.setdefault(key, label) != label
    print(f"prefixes labelled both correct and incorrect: {both}")
    distinct = {(row["prompt"], *row["completions"]) for row in rows}
    print(f"exact duplicate solutions: {len(rows) - len(distinct)}")

    places = [row["first_error"] / max(1, len(row["completions"]) - 1) for row in incorrect]
    last = sum(row["first_error"] == len(row["completions"]) - 1 for row in incorrect)
    first = sum(row["first_error"] == 0 for row in incorrect)
    print(
        f"relative position of the first error: {sum(places) / len(places):.3f} on average; "
        f"first step {first / len(incorrect):.1%}, last step {last / len(incorrect):.1%}"
    )
    for what, count in sorted(tally.counts.items()):
        if "/" in what:
            print(f"    {what}: {count}")


if __name__ == "__main__":
    main()
