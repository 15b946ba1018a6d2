"""How well small PRMs trained on rule-made labels find real errors: the tables of FINDINGS.md.

    python benchmarks/quality.py [--kept build/small_prm] [--write]

Reads the scores in `scores/` and the newer ones of `small_prm.py`. Each number is the mean over an arm's seeds with a
bootstrap 95% interval; all arms share the resamples of problems, so differences are paired. From three seeds on, a
second interval resamples the seeds as well. `same place` is the probability that a correct step scores above a first
error at the same position of another solution, where knowing that errors come late does not help. `--write` puts the
tables into FINDINGS.md, between its marks, and new scores into `scores/`, without texts.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prm_gsm8k.evaluation.best_of_n import expected_best, expected_oracle, expected_vote
from prm_gsm8k.metrics.intervals import interval, weighted_auc
from prm_gsm8k.metrics.steps import best_threshold, judged_steps, predicted_first_error, roc_auc

PAGE = Path(__file__).with_name("FINDINGS.md")
SCORES = Path(__file__).with_name("scores")
BEGIN, END = "<!-- made by quality.py -->", "<!-- end -->"
DRAWS = 1000
Scored = list[dict[str, Any]]
Values = NDArray[np.float64]
"""(1 + DRAWS,): a metric on the data, then on each resample."""

REAL = {
    "auc": "step AUC",
    "place": "same place",
    "threshold": "hit, threshold",
    "lowest": "hit, lowest",
}

SEVERAL = {
    "best-of-n": "Best of all solutions to a problem, by each PRM",
    "alike": "The same of solutions by models that write alike, to more problems",
}
PAIRS = ("twins", "exchanged")
FEWEST = 20  # pairs of a family that has a line of its own
CHOSEN = ("AUC", "lowest step", "last step", "mean step", "weighted vote", "over majority")


def drawn(prompts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(solutions,) problem indices, and (1 + DRAWS, problems) weights; the first row is the data itself."""
    names = {name: n for n, name in enumerate(sorted(set(prompts)))}
    n = len(names)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return np.array([names[p] for p in prompts]), np.concatenate([np.ones((1, n)), weights])


def same_place(
    scores: NDArray[np.float64], correct: NDArray[np.bool_], at: NDArray[np.int64], weights: NDArray[np.float64]
) -> Values:
    """The probability that a correct step scores above a first error at the same index (`at`), by row of step weights.

    >>> correct, at = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> same_place(np.array([0.9, 0.1, 0.5, 0.6]), correct, at, np.ones((1, 4)))
    array([0.5])
    """
    won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for place in sorted(set(at.tolist())):
        here = at == place
        if 0 < correct[here].sum() < here.sum():
            w = weights[:, here]
            both = w[:, correct[here]].sum(axis=1) * w[:, ~correct[here]].sum(axis=1)
            won += np.nan_to_num(weighted_auc(scores[here], correct[here])(w)) * both
            pairs += both
    return won / pairs


def on_real(scored: Scored, threshold: float) -> dict[str, Values]:
    """The metrics `REAL` on incorrect solutions."""
    problem, weights = drawn([x["prompt"] for x in scored])
    firsts = [x["first_error"] for x in scored]
    lines = [x["scores"] for x in scored]
    scores, correct = judged_steps(lines, firsts)
    steps = [(n, i) for n, first in enumerate(firsts) for i in range(first + 1)]
    of = problem[[n for n, _ in steps]]
    found = {"auc": weighted_auc(scores, correct)(weights[:, of])}
    found["place"] = same_place(scores, correct, np.array([i for _, i in steps]), weights[:, of])
    hits = {
        "threshold": [
            predicted_first_error(line, threshold) == first for line, first in zip(lines, firsts, strict=True)
        ],
        "lowest": [int(np.argmin(line)) == first for line, first in zip(lines, firsts, strict=True)],
    }
    w = weights[:, problem]
    return found | {name: (w * np.array(hit)).sum(axis=1) / w.sum(axis=1) for name, hit in hits.items()}


def measures(run: dict[str, Any]) -> dict[str, Values]:
    """The metrics on real solutions, at the best threshold on rows of the same arm."""
    threshold, _ = best_threshold([x["scores"] for x in run["own"]], [x["first_error"] for x in run["own"]])
    return on_real(run["real"], threshold)


def on_twins(scored: Scored) -> dict[str, Values]:
    """How often the contested step scores higher in the correct one of two solutions: of all, and of each family."""
    problem, weights = drawn([x["prompt"] for x in scored[::2]])
    last = np.array([x["scores"][-1] for x in scored])
    won = (np.sign(last[::2] - last[1::2]) + 1) / 2
    families = np.array([x["family"] for x in scored[::2]])
    counts = Counter(families.tolist())
    found = {}
    for name in ("all", *sorted(name for name in counts if counts[name] >= FEWEST)):
        w = weights[:, problem] * ((families == name) | (name == "all"))
        found[name] = (w * won).sum(axis=1) / w.sum(axis=1)
    return found


def on_exchanged(scored: Scored) -> Values:
    """How much the mean step score falls when a solution stands under another question."""
    problem, weights = drawn([x["prompt"] for x in scored[::2]])
    mean = np.array([np.mean(x["scores"]) for x in scored])
    w = weights[:, problem]
    return (w * (mean[::2] - mean[1::2])).sum(axis=1) / w.sum(axis=1)


def own_kind(run: dict[str, Any]) -> float:
    """Step AUC on rows of the same arm."""
    auc = roc_auc(*judged_steps([x["scores"] for x in run["own"]], [x["first_error"] for x in run["own"]]))
    return float("nan") if auc is None else auc


def on_several(scored: Scored) -> dict[str, Values]:
    """Best of all solutions to a problem: by the lowest, last and mean step score, by vote, at random, by an oracle.

    `AUC` is the probability that the lowest step of a correct solution scores above that of an incorrect one to the
    same problem; `over majority` is the weighted vote's accuracy minus the plain vote's.
    """
    of: dict[str, Scored] = defaultdict(list)
    for x in scored:
        of[x["prompt"]].append(x)
    names = sorted(of)
    _, weights = drawn(names)
    columns: dict[str, list[float]] = defaultdict(list)
    for name in names:
        some = of[name]
        correct, answers, n = [x["correct"] for x in some], [x["answer"] for x in some], len(some)
        lowest = [min(x["scores"]) for x in some]
        columns["random"].append(float(np.mean(correct)))
        columns["majority"].append(expected_vote(answers, correct, n))
        columns["oracle"].append(expected_oracle(correct, n))
        columns["lowest step"].append(expected_best(lowest, correct, n))
        columns["last step"].append(expected_best([x["scores"][-1] for x in some], correct, n))
        columns["mean step"].append(expected_best([float(np.mean(x["scores"])) for x in some], correct, n))
        columns["weighted vote"].append(expected_vote(answers, correct, n, lowest))
        pairs = sum(correct) * (n - sum(correct))
        columns["pairs"].append(pairs)
        auc = weighted_auc(np.array(lowest), np.array(correct))(np.ones((1, n)))
        columns["won"].append(pairs * float(np.nan_to_num(auc)[0]))
    sums = {name: weights @ np.array(column) for name, column in columns.items()}
    won, all_pairs = sums.pop("won"), sums.pop("pairs")
    found = {name: total / weights.sum(axis=1) for name, total in sums.items()}
    return found | {"AUC": won / all_pairs, "over majority": found["weighted vote"] - found["majority"]}


def other_seeds(values: Sequence[Values]) -> Values:
    """The mean over seeds, with the seeds resampled in each draw as well."""
    stacked = np.stack(values)
    draws = np.arange(1, stacked.shape[1])
    chosen = np.random.default_rng(0).integers(0, len(stacked), (len(stacked), len(draws)))
    return np.append(stacked[:, :1].mean(axis=0), stacked[chosen, draws].mean(axis=0))


def shown(values: Values, signed: bool = False) -> str:
    """A value with its interval."""
    low, high = interval(values[1:], float(values[0]))
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form.format(values[0])} ({form.format(low)} to {form.format(high)})"


def table(rows: list[list[str]]) -> str:
    head, *rest = rows
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rest])


def compact(run: dict[str, Any]) -> dict[str, Any]:
    """A run with digests instead of questions, and scores rounded to four digits."""
    made = dict(run)
    for name in ("own", "real", *SEVERAL):
        if name in run:
            made[name] = [
                x
                | {"prompt": hashlib.sha256(x["prompt"].encode()).hexdigest()[:12]}
                | {"scores": [round(score, 4) for score in x["scores"]]}
                for x in run[name]
            ]
    return made


def found_in(kept: Path, scores: Path = SCORES) -> dict[tuple[str, int], dict[str, Any]]:
    """Complete runs by arm and seed."""
    runs = {}
    for file in sorted(scores.glob("*.json.gz")):
        run = json.loads(gzip.decompress(file.read_bytes()))
        runs[run["arm"], run["seed"]] = run
    for file in sorted(kept.glob("*/scores.json")):
        run = json.loads(file.read_text("utf-8"))
        if "own" in run and "real" in run:
            runs[run["arm"], run["seed"]] = compact(run)
    return dict(sorted(runs.items()))


def write(all_runs: dict[tuple[str, int], dict[str, Any]], scores: Path = SCORES) -> None:
    """Save the scores of each run to its own file."""
    scores.mkdir(exist_ok=True)
    for (arm, seed), run in all_runs.items():
        file = scores / f"{arm.replace(' ', '_')}-{seed}.json.gz"
        file.write_bytes(gzip.compress(json.dumps(run, separators=(",", ":")).encode(), mtime=0))


def differences(measured: Mapping[str, Mapping[int, dict[str, Values]]], base: str) -> list[list[str]]:
    """Table rows: the paired differences of each arm from `base`."""
    rows = [["trained on", *REAL.values()]]
    for arm, found in measured.items():
        both = sorted(set(found) & set(measured.get(base, {}))) if arm != base else []
        by_seed = {name: [found[s][name] - measured[base][s][name] for s in both] for name in REAL}
        if both:
            seeds = "1 seed" if len(both) == 1 else f"{len(both)} seeds"
            means = (np.mean(by_seed[name], axis=0) for name in REAL)
            rows.append([f"{arm} ({seeds})", *(shown(mean, True) for mean in means)])
        if len(both) > 2:
            rows.append([f"{arm}, other seeds", *(shown(other_seeds(by_seed[name]), True) for name in REAL)])
    return rows


def tables(all_runs: dict[tuple[str, int], dict[str, Any]]) -> str:
    """All tables in Markdown."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (arm, _), run in all_runs.items():
        runs[arm].append(run)
    order = sorted(runs, key=lambda arm: (arm != "synthetic", arm != "naive", arm))
    first = [["trained on", "seeds", "rows", "tokens", "step AUC on its own kind", *REAL.values()]]
    each = [["trained on", "seed", *REAL.values()]]
    measured = {arm: {run["seed"]: measures(run) for run in runs[arm]} for arm in order}
    for arm in order:
        found = measured[arm]
        own_auc = [own_kind(run) for run in runs[arm]]
        each += [[arm, str(seed), *(f"{one[name][0]:.3f}" for name in REAL)] for seed, one in found.items()]
        mean = {name: np.mean([one[name] for one in found.values()], axis=0) for name in REAL}
        first.append(
            [
                *(arm, str(len(found)), f"{np.mean([r['rows'] for r in runs[arm]]):,.0f}"),
                *(f"{np.mean([r['tokens'] for r in runs[arm]]):,.0f}", f"{np.mean(own_auc):.3f}"),
                *(shown(mean[name]) for name in REAL),
            ]
        )
    any_run = runs[order[0]][0]
    marked, problems = any_run["real"], any_run["problems"]
    firsts = [x["first_error"] for x in marked]
    late = [x | {"scores": [-float(i) for i in range(len(x["scores"]))]} for x in marked]
    alone = on_real(late, -1e9)
    first.append(
        [
            "the place of a step alone, later is worse",
            *("",) * 4,
            shown(alone["auc"]),
            "0.500",
            "",
            shown(alone["lowest"]),
        ]
    )
    chance = float(np.mean([1 / len(x["scores"]) for x in marked]))
    first.append(["chance", *("",) * 4, "0.500", "0.500", "", f"{chance:.3f}"])
    out = [
        f"Trained on {problems} problems; measured on {len(firsts)} real solutions with a marked first error.",
        table(first),
        "The difference from naive corruption with the same seeds:",
        table(differences(measured, "naive")),
        "The difference from `synthetic` with the same seeds:",
        table(differences(measured, "synthetic")),
        "Each seed:",
        table(each),
    ]
    for key, title in SEVERAL.items():
        rows = [["trained on", "seeds", *CHOSEN]]
        free: dict[str, Values] = {}
        for arm in order:
            some = [on_several(run[key]) for run in runs[arm] if key in run]
            if some:
                free = some[0]
                means = {name: np.mean([one[name] for one in some], axis=0) for name in CHOSEN}
                rows.append([arm, str(len(some)), *(shown(means[name], name == CHOSEN[-1]) for name in CHOSEN)])
        if free:
            said = ", ".join(f"{name} {shown(free[name])}" for name in ("random", "majority", "oracle"))
            out += [f"{title}; without one: {said}.", table(rows)]
    asked = {arm: [run for run in of if set(PAIRS) <= set(run)] for arm, of in runs.items()}
    asked = {arm: asked[arm] for arm in order if asked[arm]}
    if asked:
        some = next(iter(asked.values()))[0]["twins"][::2]
        counts = Counter(x["family"] for x in some) + Counter(all=len(some))
        cells = {arm: [on_twins(run["twins"]) for run in of] for arm, of in asked.items()}
        rows = [["family", "pairs", *(f"{arm} ({len(of)})" for arm, of in asked.items())]]
        for name in next(iter(cells.values()))[0]:
            rows.append(
                [name, str(counts[name]), *(shown(np.mean([x[name] for x in of], axis=0)) for of in cells.values())]
            )
        falls = (np.mean([on_exchanged(run["exchanged"]) for run in of], axis=0) for of in asked.values())
        rows.append(["fall of P(correct) under another question", "", *(shown(value, True) for value in falls)])
        out += [
            "Held-out twins: the correct one of two contested steps scores higher (0.5 without the question).",
            table(rows),
        ]
    return "\n\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=Path, default=Path("build/small_prm"))
    parser.add_argument("--write", action="store_true", help="write FINDINGS.md")
    options = parser.parse_args()
    runs = found_in(options.kept)
    made = tables(runs)
    if options.write:
        write(runs)
        page = PAGE.read_text("utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")
    print(made)


if __name__ == "__main__":
    main()
