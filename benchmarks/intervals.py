"""Coverage of the 95% intervals of `prm-gsm8k evaluate`, on simulated benchmarks whose true metrics are known.

    python benchmarks/intervals.py [--repeats 1000] [--problems 200] [--each 2]

A benchmark has problems of random difficulty with several solutions each; first errors and scores depend on the
difficulty. The truth is the metric on 100,000 problems. Both the bias-corrected percentile interval, which `evaluate`
uses, and the plain one are reported. The calibration error is biased upwards, in resamples even more, so `evaluate`
gives it no interval.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import numpy as np

from prm_gsm8k.metrics.intervals import (
    interval,
    of_resamples,
    resamples,
    weighted_auc,
    weighted_average_precision,
)
from prm_gsm8k.metrics.protocols import first_error_counts, processbench, step_counts, step_protocol
from prm_gsm8k.metrics.steps import predicted_first_error

RESAMPLES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1_000)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--each", type=int, default=2)
    chosen = parser.parse_args()
    random = np.random.default_rng(0)
    truth, _ = numbers(drawn(random, 100_000, 1), 1, random)
    covered: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for _ in range(chosen.repeats):
        values, again = numbers(drawn(random, chosen.problems, chosen.each), RESAMPLES, random)
        for name, true in truth.items():
            low, high = interval(again[name], values[name])
            covered[name] += low is not None and high is not None and low <= true <= high
            low, high = np.quantile(again[name], [0.025, 0.975])
            plain[name] += low <= true <= high
    print(f"{chosen.repeats} repeats, {chosen.problems} problems with {chosen.each} solutions, {RESAMPLES} resamples")
    print(f"{'':20} {'truth':>8} {'covered':>8} {'plain percentiles':>18}")
    for name, true in truth.items():
        shown = f"{name:20} {true:8.3f} {covered[name] / chosen.repeats:8.1%} {plain[name] / chosen.repeats:18.1%}"
        print(shown + ("  (not reported)" if name == "ece" else ""))


def drawn(random: np.random.Generator, problems: int, each: int) -> dict[str, Any]:
    """First errors and scores: incorrect steps score lower, steps of easy problems higher."""
    easy = random.normal(size=problems).repeat(each)
    steps = random.integers(3, 7, len(easy))
    incorrect = random.random(len(easy)) < 1 / (1 + np.exp(0.8 * easy))
    labels = np.where(incorrect, (random.random(len(easy)) * steps).astype(int), -1)
    scores, right = [], []
    for e, n, label in zip(easy, steps, labels, strict=True):
        judged = n if label < 0 else label + 1
        true = [i != label for i in range(judged)]
        logits = 2.2 + 0.5 * e + 1.2 * random.normal(size=judged) - 3.0 * (1 - np.array(true))
        scores.append((1 / (1 + np.exp(-logits))).tolist())
        right.append(true)
    problem = [str(n) for n in np.arange(problems).repeat(each)]
    return {"problem": problem, "labels": labels.tolist(), "scores": scores, "right": right}


def numbers(made: dict[str, Any], draws: int, random: np.random.Generator) -> tuple[dict[str, float], dict[str, Any]]:
    """Every metric, and its values in resamples."""
    predicted = [predicted_first_error(line, 0.5) for line in made["scores"]]
    counts = first_error_counts(predicted, made["labels"]) | step_counts(made["scores"], made["right"])
    again = resamples(made["problem"], [""] * len(predicted), draws, seed=int(random.integers(2**32)))

    def protocol(sums: Any) -> dict[str, Any]:
        return processbench(sums) | step_protocol(sums)

    values = {name: float(value) for name, value in protocol({k: c.sum() for k, c in counts.items()}).items()}
    resampled = protocol(again.sums(counts))
    flat, right = np.concatenate(made["scores"]), np.concatenate(made["right"])
    solution = np.repeat(np.arange(len(predicted)), [len(line) for line in made["right"]])
    for name, number in (
        ("auc", weighted_auc(flat, right)),
        ("average_precision", weighted_average_precision(flat, right)),
    ):
        values[name] = float(number(np.ones((1, len(flat))))[0])
        resampled[name] = of_resamples(number, again, solution)
    return values, resampled


if __name__ == "__main__":
    main()
