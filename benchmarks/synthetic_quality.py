"""What the rows are like, measured on their text, beside the same measures of naive corruption.

    python benchmarks/synthetic_quality.py

All 7,473 train problems at 3 wrong rows each: coverage, stale values, false equations by error type, prefixes with two
labels, duplicates, and where first errors fall. The measures re-read the rendered text; they ask the generator nothing.
"""

from __future__ import annotations

import collections
from typing import Any

from naive import naive_corruption

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.checker import read_equations, stale_values
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate


def false_equation(step: str) -> bool:
    return any(not equation.is_true for equation in read_equations(step))


def changes_a_result(row: dict[str, Any]) -> bool:
    """Whether a naive row states another result than its twin, before the last step."""
    first = row["first_error"]
    right, wrong = (
        [(equation.operands, equation.result) for equation in read_equations(steps[first])]
        for steps in (row["twin"], row["completions"])
    )
    same_operands = [operands for operands, _ in right] == [operands for operands, _ in wrong]
    return first < len(row["twin"]) - 1 and same_operands and right != wrong


def main() -> None:
    problems = shipped_problems("train")
    tally = Tally()
    rows = list(generate(problems, SyntheticOptions(), tally))
    right = {row["id"]: row for row in rows if row["first_error"] < 0}
    wrong = [row for row in rows if row["first_error"] >= 0]
    print(f"{len(problems)} problems -> {len(right)} right rows, {len(wrong)} wrong rows")

    per_problem = collections.Counter(row["problem_id"] for row in wrong)
    three = sum(count >= 3 for count in per_problem.values())
    print(f"problems with three distinct verified wrong rows: {three} = {three / len(problems):.1%} (target 90%)")

    stale = sum(
        bool(stale_values(right[r["twin_id"]]["completions"], r["completions"], r["first_error"], r["prompt"]))
        for r in wrong
    )
    naive = list(naive_corruption(problems))
    changed = [row for row in naive if changes_a_result(row)]
    naive_stale = sum(bool(stale_values(r["twin"], r["completions"], r["first_error"], r["prompt"])) for r in changed)
    print(
        f"wrong rows with a stale value after the error: {stale} of {len(wrong)} (target 0; naive corruption, of the "
        f"{len(changed)} rows whose changed number is a result: {naive_stale / len(changed):.1%})"
    )

    false = collections.Counter(
        row["error_type"] for row in wrong if false_equation(row["completions"][row["first_error"]])
    )
    kinds = collections.Counter(row["error_type"] for row in wrong)
    print(f"first-error steps with a false equation: {sum(false.values()) / len(wrong):.1%} (target 5 to 20%)")
    for kind, count in kinds.most_common():
        print(f"    {kind:22s} {count:6d} {count / len(wrong):6.1%}   false equation {false[kind] / count:6.1%}")
    naive_false = sum(false_equation(row["completions"][row["first_error"]]) for row in naive) / len(naive)
    right_steps = [step for row in right.values() for step in row["completions"]]
    right_false = sum(map(false_equation, right_steps)) / len(right_steps)
    print(f"    naive corruption: {naive_false:.1%}; right steps: {right_false:.2%}")

    labels: dict[tuple[str, ...], bool] = {}
    both = 0
    for row in rows:
        for length, label in enumerate(row["labels"], 1):
            key = (row["prompt"], *row["completions"][:length])
            both += labels.setdefault(key, label) != label
    print(f"prefixes labelled both right and wrong: {both}")
    distinct = {(row["prompt"], *row["completions"]) for row in rows}
    print(f"exact duplicate solutions: {len(rows) - len(distinct)}")

    places = [row["first_error"] / max(1, len(row["completions"]) - 1) for row in wrong]
    last = sum(row["first_error"] == len(row["completions"]) - 1 for row in wrong)
    first = sum(row["first_error"] == 0 for row in wrong)
    print(
        f"relative position of the first error: {sum(places) / len(places):.3f} on average; "
        f"first step {first / len(wrong):.1%}, last step {last / len(wrong):.1%}"
    )
    for what, count in sorted(tally.counts.items()):
        if "/" in what:
            print(f"    {what}: {count}")


if __name__ == "__main__":
    main()
