"""Draw random incorrect rows of `synthetic`, to be read by a person: question, steps, the marked first error, why.

    python benchmarks/readings/draw.py --seed 11 --rows 50 [--error-type NAME] [--blind]

Each reading is a line of `twins.jsonl`: the commit that made the rows, seed, number of rows, and the rows (by their
number here) that are not ok, each with why: `wrong label`, `contradicts` (the solution contradicts itself), `odd` (it
reads oddly), `unbelievable` (an error nobody would make). The same commit and seed draw the same rows.
"""

from __future__ import annotations

import argparse
from random import Random

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--error-type", help="of one type only")
    parser.add_argument("--blind", action="store_true", help="neither the mark nor the reason")
    options = parser.parse_args()
    rng = Random(options.seed)
    problems = shipped_problems("train")
    rng.shuffle(problems)
    shown = 0
    for problem in problems:
        wrong = [
            row
            for row in generate([problem], SyntheticOptions(seed=options.seed))
            if row["first_error"] >= 0 and options.error_type in (None, row["error_type"])
        ]
        if not wrong:
            continue
        row = rng.choice(wrong)
        shown += 1
        about = "" if options.blind else f"{row['error_type']}  ({row['answer']} for {row['reference_answer']})"
        print(f"\n{shown}. {row['id']}  {about}\n   {row['prompt']}")
        for number, step in enumerate(row["completions"]):
            print(f"   {'>>' if number == row['first_error'] and not options.blind else '  '} {step}")
        if not options.blind:
            print(f"   why: {row['error_reason']}")
        if shown == options.rows:
            return


if __name__ == "__main__":
    main()
