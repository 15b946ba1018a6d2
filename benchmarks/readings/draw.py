"""Draw random incorrect rows of twins, to be read by a person: question, steps, the marked first error, why.

    python benchmarks/readings/draw.py --seed 11 --rows 50

Each reading is a line of `twins.jsonl`: the commit that made the rows, seed, number of rows, and the rows (by their
number here) that are not ok, each with why: `wrong label`, `contradicts` (the solution contradicts itself), `odd` (it
reads oddly), `unbelievable` (an error nobody would make). The same commit and seed draw the same rows.
"""

from __future__ import annotations

import argparse
from random import Random

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.twins.rows import rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--most", type=int, default=3, help="blocks a problem")
    options = parser.parse_args()
    rng = Random(options.seed)
    problems = shipped_problems("train")
    rng.shuffle(problems)
    shown = 0
    for problem in problems:
        wrong = [row for row in rows(problem, options.seed, options.most) if row["first_error"] >= 0]
        if not wrong:
            continue
        row = rng.choice(wrong)
        shown += 1
        print(
            f"\n{shown}. {row['id']}  {row['error_type']}  ({row['answer']} for {row['reference_answer']})\n"
            f"   {row['prompt']}"
        )
        for number, step in enumerate(row["completions"]):
            print(f"   {'>>' if number == row['first_error'] else '  '} {step}")
        print(f"   why: {row['error_reason']}")
        if shown == options.rows:
            return


if __name__ == "__main__":
    main()
