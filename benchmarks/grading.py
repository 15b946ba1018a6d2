"""Error rates of the grader and the step splitter, on solutions whose correctness is known.

    python benchmarks/grading.py SOLUTIONS [FIRST_ERROR]

SOLUTIONS (JSONL or .gz) holds model solutions with `steps`, `reference_answer` and `correct`, the verdict of another
grader. Every disagreement is listed with both answers and the end of the solution, so that a reader can decide. Two
naive graders are measured on the same solutions: the last line contains the reference; the last word is the reference.

The splitter gets each solution in every form that models write and must recover its steps: those of SOLUTIONS, and of
FIRST_ERROR, whose steps people marked one by one.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prm_gsm8k.arithmetic.grading import final_answer, is_right
from prm_gsm8k.dataset.jsonl import read_rows
from prm_gsm8k.dataset.steps import SENTENCES_OF_A_STEP, split_steps

FORMS: dict[str, tuple[str, str]] = {
    "lines": ("{step}", "\n"),
    "blank lines": ("{step}", "\n\n"),
    "1.": ("{n}. {step}", "\n"),
    "1)": ("{n}) {step}", "\n"),
    "Step 1:": ("Step {n}: {step}", "\n\n"),
    "**Step 1:**": ("**Step {n}:** {step}", "\n\n"),
    "### Step 1: …": ("### Step {n}: Next part\n{step}", "\n\n"),
    "bullets": ("- {step}", "\n"),
    "\\[ … \\] after each": ("{step}\n\\[\n{n} + 1 = 2\n\\]", "\n"),
}
_TAG = re.compile(r"<<[^<>\n]*>>")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [row for *_, row in read_rows(path)]


def written(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def in_last_line(text: str, reference: str) -> bool:
    return reference in text.split("\n")[-1]


def last_word(text: str, reference: str) -> bool:
    return text.split()[-1:] == [reference]


def grade(rows: Sequence[dict[str, Any]]) -> None:
    texts = [("\n".join(row["steps"]), written(row["reference_answer"])) for row in rows]
    graders: dict[str, Callable[[str, str], bool]] = {
        "ours": is_right,
        "the reference is in the last line": in_last_line,
        "the last word is the reference": last_word,
    }
    print(f"{len(rows):,} solutions, {sum(row['correct'] for row in rows):,} marked correct")
    for name, grader in graders.items():
        begin = time.perf_counter()
        said = [grader(text, reference) for text, reference in texts]
        seconds = time.perf_counter() - begin
        accepts = sum(now and not row["correct"] for now, row in zip(said, rows, strict=True))
        rejects = sum(row["correct"] and not now for now, row in zip(said, rows, strict=True))
        print(f"  {name}: accepts {accepts} incorrect, rejects {rejects} correct; {len(rows) / seconds:,.0f}/s")
    print("disagreements of ours:")
    for (text, reference), row in zip(texts, rows, strict=True):
        if is_right(text, reference) != row["correct"]:
            end = row["steps"][-1][-150:]
            answer = f"we read {final_answer(text)}, they {row['answer']}, reference {reference}"
            print(f"  {row['model']}: {answer}: …{end}")


def split(name: str, solutions: Sequence[list[str]]) -> None:
    print(f"{name}: {len(solutions):,} solutions, {sum(map(len, solutions)):,} steps")
    for form, (template, between) in FORMS.items():
        other = paragraphs = 0
        for steps in solutions:
            text = [template.format(n=n, step=step) for n, step in enumerate(steps, 1)]
            if len(steps) > 1 and split_steps(between.join(text)) != text:
                other += 1
                paragraphs += any(len(split_steps(step)) > SENTENCES_OF_A_STEP for step in steps)
        print(f"  {form}: {other} are split differently, {paragraphs} of them because a line is a paragraph")
    lost = of = 0
    for steps in solutions:
        sentences = [step if step[-1] in ".!?" else f"{step}." for step in steps]
        ends, place = set(), 0
        for step in split_steps(" ".join(sentences)):
            place += len("".join(step.split()))
            ends.add(place)
        place = 0
        for sentence in sentences[:-1]:
            place += len("".join(sentence.split()))
            of += 1
            lost += place not in ends
    print(f"  one paragraph: {lost} of {of:,} step ends are not found")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solutions", type=Path, metavar="SOLUTIONS")
    parser.add_argument("first_error", type=Path, metavar="FIRST_ERROR", nargs="?")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, one is used")
    rows = rows_of(arguments.solutions)
    grade(rows)
    for path in (arguments.solutions, arguments.first_error):
        if path is not None:
            solutions = [[_TAG.sub("", step).strip() for step in row["steps"]] for row in rows_of(path)]
            split(path.name, [[step for step in steps if step and "<<" not in step] for steps in solutions])


if __name__ == "__main__":
    main()
