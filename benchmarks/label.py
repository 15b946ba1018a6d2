"""How well first errors are found by the reference: every figure of `benchmarks/label.md`, from marked solutions.

    python benchmarks/label.py FIRST_ERROR.jsonl SOLUTIONS.jsonl.gz
    python benchmarks/label.py FIRST_ERROR.jsonl --fit      # the weights in prm_gsm8k/label/locate.py
    python benchmarks/label.py FIRST_ERROR.jsonl SOLUTIONS.jsonl.gz --memory 100000,300000,1000000

FIRST_ERROR.jsonl has wrong solutions to GSM8K train questions with a teacher's mark: `problem`, `steps`, `label`;
several marks of a solution are several lines. SOLUTIONS.jsonl.gz has solutions to GSM8K test questions: `problem`,
`steps`, `correct`. Rules and weights were made on half A of the problems (a hash of the question says which), and
the figures of half B decided nothing.

--memory runs the command on so many solutions with one process: those of SOLUTIONS again and again, a word more in each
step but the last, so that none is the same as another.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prm_gsm8k.arithmetic.false_equations import first_false_equation
from prm_gsm8k.dataset.problems import question_key, shipped_problems
from prm_gsm8k.label.locate import PRIOR, features, suspects
from prm_gsm8k.label.reference import Reference
from prm_gsm8k.label.solution import Label, label_solution
from prm_gsm8k.label.trace import follow

Marked = tuple[str, tuple[str, ...]]  # a question and the steps of a solution
SHRINKAGE = 10.0  # how strongly weights are held near PRIOR: the best of 1, 3, 10, 30, 100 by 5 folds within half A


def half(question: str) -> str:
    """`A` or `B`."""
    return "AB"[hashlib.sha256(question.encode()).digest()[0] % 2]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        yield from map(json.loads, file)


def references() -> dict[str, str]:
    return {question_key(p.question): p.answer for split in ("train", "test") for p in shipped_problems(split)}


def share(hits: float, of: float) -> str:
    return f"{hits / of:.3f} ({hits:g} of {of:g})" if of else "none"


def report(name: str, marks: dict[Marked, list[int]], labels: dict[Marked, Label]) -> None:
    """Agreement with the teachers; an abstention agrees with nobody."""
    pairs = [(labels[key], mark) for key, all_marks in marks.items() for mark in all_marks]
    hits = [label.first_error == mark for label, mark in pairs]
    near = sum(label.first_error is not None and abs(label.first_error - mark) <= 1 for label, mark in pairs)
    abstained = sum(label.first_error is None for label, _ in pairs)
    print(f"{name}: same step as the teacher  {share(sum(hits), len(hits))}")
    print(f"{name}: within one step  {share(near, len(hits))}; abstains in {abstained}")
    kept = sorted(range(len(pairs)), key=lambda i: -pairs[i][0].confidence)[: len(pairs) // 2]
    lowest = pairs[kept[-1]][0].confidence
    covered = share(sum(hits[i] for i in kept), len(kept))
    print(f"{name}: the same at 50% coverage  {covered}, confidence at least {lowest:.2f}")
    agreed = {key: all_marks for key, all_marks in marks.items() if len(all_marks) > 1 and len(set(all_marks)) == 1}
    right = sum(labels[key].first_error == all_marks[0] for key, all_marks in agreed.items())
    print(f"{name}: all of several teachers agree  {share(right, len(agreed))}")
    edges = [0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0]
    for low, high in itertools.pairwise(edges):
        some = [(a, b) for a, b in pairs if a.first_error is not None and low <= a.confidence < high]
        if some:
            mean = statistics.fmean(label.confidence for label, _ in some)
            right = sum(a.first_error == b for a, b in some)
            print(f"{name}:   confidence {mean:.2f} on average: right {share(right, len(some))}")


def agreement_of_teachers(marks: Iterable[list[int]]) -> tuple[int, int]:
    pairs = [(a, b) for m in marks for i, a in enumerate(m) for b in m[i + 1 :]]
    return sum(a == b for a, b in pairs), len(pairs)


def read_marks(path: Path) -> dict[Marked, list[int]]:
    marks: dict[Marked, list[int]] = defaultdict(list)
    for line in lines(path):
        marks[line["problem"], tuple(line["steps"])].append(line["label"])
    return marks


def fit(marks: dict[Marked, list[int]], answers: dict[str, str]) -> dict[str, float]:
    """Weights of most likely marks, held near `PRIOR`."""
    import numpy as np
    from scipy.optimize import minimize

    seen = []
    for (question, steps), all_marks in marks.items():
        trace = follow(Reference(question, answers[question_key(question)]), steps)
        seen.append((features(trace, steps, suspects(trace, len(steps))), all_marks))
    names = sorted({name for step_names, _ in seen for names in step_names for name in names} | set(PRIOR))
    prior = np.array([PRIOR.get(name, 0.0) for name in names])
    data = [
        (np.array([[name in step for name in names] for step in step_names], float), all_marks)
        for step_names, all_marks in seen
    ]

    def loss(w: Any) -> tuple[float, Any]:
        value, gradient = 0.0, np.zeros_like(w)
        for matrix, all_marks in data:
            odds = matrix @ w
            logs = -np.logaddexp(0, -odds) - np.concatenate([[0], np.cumsum(np.logaddexp(0, odds))[:-1]])
            logs -= np.logaddexp.reduce(logs)
            wanted = np.bincount(all_marks, minlength=len(odds)) / len(all_marks) ** 0.5
            value -= wanted @ logs
            rest = wanted - wanted.sum() * np.exp(logs)
            hazard = 1 / (1 + np.exp(-odds))
            after = np.concatenate([np.cumsum(rest[::-1])[::-1][1:], [0]])
            gradient -= matrix.T @ (rest * (1 - hazard) - after * hazard)
        return value + SHRINKAGE * ((w - prior) @ (w - prior)) / 2, gradient + SHRINKAGE * (w - prior)

    found = minimize(loss, prior, jac=True, method="L-BFGS-B").x
    return {name: round(float(weight), 2) for name, weight in zip(names, found, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first_error", type=Path, help="wrong solutions with a mark")
    parser.add_argument("solutions", type=Path, nargs="?", help="solutions with the correctness of their answer")
    parser.add_argument("--fit", action="store_true", help="print weights from half A and stop")
    parser.add_argument("--memory", help="measure the command on so many solutions, with commas between, and stop")
    parser.add_argument("--half", choices=("A", "B"), help="print the figures of this half only")
    arguments = parser.parse_args()
    if arguments.memory:
        for count in map(int, arguments.memory.split(",")):
            measure_command(list(lines(arguments.solutions)), count)
        return
    answers = references()
    marks = read_marks(arguments.first_error)
    of_half = {h: {key: m for key, m in marks.items() if half(key[0]) == h} for h in "AB"}
    if arguments.fit:
        print("WEIGHTS: Mapping[str, float] = {")
        for name, weight in fit(of_half["A"], answers).items():
            print(f"    {json.dumps(name)}: {weight},")
        print("}")
        return
    count = sum(map(len, marks.values()))
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {count} marks, {len(marks)} solutions")
    labels = {}
    for question, steps in marks:
        labels[question, steps] = label_solution(question, answers[question_key(question)], steps)
    print(f"two teachers of one solution agree: {share(*agreement_of_teachers(marks.values()))}")
    if arguments.half is None:
        report("all", marks, labels)
    for h in arguments.half or "AB":
        report(f"half {h}", of_half[h], {key: labels[key] for key in of_half[h]})
    if arguments.solutions is None:
        return
    measure_solutions(list(lines(arguments.solutions)), answers)


def measure_solutions(rows: list[dict[str, Any]], answers: dict[str, str]) -> None:
    """Right answers called wrong; speed; memory."""
    by_question: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_question[row["problem"]].append(row)
    before = peak_memory()
    start = time.process_time()
    labels: list[tuple[bool, Label]] = []
    for question, of_problem in by_question.items():
        reference = Reference(question, answers[question_key(question)])
        labels += [(row["correct"], label_solution(question, reference, row["steps"])) for row in of_problem]
    rate = len(rows) / (time.process_time() - start)
    start = time.process_time()
    for row in rows:
        first_false_equation(row["steps"])
    checks = len(rows) / (time.process_time() - start)
    right = [label for correct, label in labels if correct]
    wrong = [label for correct, label in labels if not correct]
    called_wrong = [label for label in right if label.first_error not in (-1, None)]
    print(f"right answers called wrong  {share(len(called_wrong), len(right))}; abstains in {abstentions(right)}")
    print(f"  of all solutions          {share(len(called_wrong), len(rows))}")
    for kind, count in Counter(label.kind for label in called_wrong).most_common():
        print(f"  {kind}: {count}")
        for label in [label for label in called_wrong if label.kind == kind][:: max(1, count // 12)]:
            print(f"    step {label.first_error}: {label.reason}")
    called_right = sum(label.first_error == -1 for label in wrong)
    print(f"wrong answers called right  {share(called_right, len(wrong))}; abstains in {abstentions(wrong)}")
    for kind, count in Counter(label.kind for label in wrong).most_common():
        print(f"  {kind}: {count}")
    print(f"{rate:,.0f} solutions/s of CPU time, {len(rows) / len(by_question):.0f} a problem, references included")
    print(f"first_false_equation alone: {checks:,.0f} solutions/s; ratio {rate / checks:.2f}")
    print(f"memory: {before:.0f} MB before, {peak_memory():.0f} MB at most, evidence of all solutions kept")


def measure_command(rows: list[dict[str, Any]], count: int) -> None:
    """Peak memory and CPU time of `prm-gsm8k label` on `count` solutions."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (place / "many.jsonl").open("w") as file:
            for n, row in zip(range(count), itertools.cycle(rows), strict=False):
                word = "".join(chr(ord("a") + int(digit)) for digit in str(n // len(rows)))
                *steps, last = row["steps"]
                record = {"id": n, "problem": row["problem"], "steps": [*(f"{word}z {step}" for step in steps), last]}
                file.write(json.dumps(record) + "\n")
        command = [sys.executable, "-m", "prm_gsm8k.cli", "label", "many.jsonl", "--test-questions", "--json"]
        environment = os.environ | {"HF_HOME": folder, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        with (place / "said").open("wb") as said:
            run = subprocess.Popen([*command, "--num-proc", "1"], cwd=place, env=environment, stdout=said)
        own = 0
        while (ended := os.wait4(run.pid, os.WNOHANG))[0] == 0:
            status = Path(f"/proc/{run.pid}/status").read_text()
            own = max(own, int(status.partition("RssAnon:")[2].split()[0] if "RssAnon" in status else 0))
            time.sleep(0.2)
        usage = ended[2]
        made = json.loads((place / "said").read_bytes())
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{count:,} solutions, {made['all']['rows']:,} rows: {own / 1024:,.0f} MB of its own at most, "
        f"{usage.ru_maxrss / 1024:,.0f} MB with pages of files; {cpu:,.0f} CPU s, {count / cpu:,.0f} solutions a CPU s",
        flush=True,
    )


def abstentions(labels: list[Label]) -> int:
    return sum(label.first_error is None for label in labels)


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
