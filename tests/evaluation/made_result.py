"""A result as `prm-gsm8k evaluate` writes it: real GSM8K texts, our generator's errors, and scores that are drawn.

Nothing is learnt here about any model. Curves and counts do belong to the scores, so a page of it hangs together.
"""

from __future__ import annotations

import random
import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from prm_gsm8k.api import build_synthetic
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.metrics.steps import best_threshold, first_error_f1, judged_steps, predicted_first_error, step_metrics

MODELS = {"org/made-up-prm-7b": 2.4, "runs/smol/checkpoint-1200": 0.9}  # how far right and wrong scores lie apart
BASELINES = {"all right": None, "random": 0.0, "position only": 0.4, "arithmetic": 0.6}

# What a page must survive: markup, scripts, entities, other directions, unseen characters, formulas, length.
HOSTILE = [
    "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">",
    "</li></ol></article></main><h1>owned</h1><style>body{display:none}</style><!-- ",
    "'\" onmouseover='document.title=1' &lt;b&gt; &amp;amp; ]]> <![CDATA[ {{7*7}} ${7*7}",
    "\\(\\frac{12}{3} = 4\\) and $$x^2 \\ne \\text{<b>}$$ and \\boxed{18}",
    "مرحبا 12 × 3 = 36 שלום \u202eabc\u202c \u200b\ufeff日本語 👩‍👩‍👧 n\u0303 \x00\x1b[31m \ud800",
    "https://example.com/" + "a" * 3_000,
    "tab\tand\nline\r\nand\rreturn",
]


def made_result(
    models: int = 2, examples: int = 50, name: str | None = None, extra: list[str] | None = None
) -> dict[str, Any]:
    """A result of `models` models and four baselines.

    Args:
        models: how many.
        examples: most wrong ones of each model, and most right ones.
        name: of the first model, instead of a plain one.
        extra: steps put into the first example of each model.
    """
    made = {f"{known} {n}" if n else known: far + n / 9 for n in range(9) for known, far in MODELS.items()}
    names = list(made)[:models]
    all_models = [_model(known, made[known], examples, i) for i, known in enumerate(names)]
    all_models += [_model(known, far, 0, 50 + i) for i, (known, far) in enumerate(BASELINES.items())]
    if name is not None:
        all_models[0]["name"] = name
    for model in all_models:
        if extra and model["examples"]:
            first = model["examples"][0]
            first["completions"] = [*first["completions"], *extra]
            first["scores"] = [*first["scores"], *[0.5] * len(extra)]
            first["prompt"] = extra[0] + first["prompt"]
    return {
        "benchmark": "processbench",
        "created": "2026-01-31T12:00:00Z",
        "data": {"name": "made.jsonl", "digest": "d" * 32, "rows": len(_rows()), "problems": 120},
        "versions": {"prm-gsm8k": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
        "settings": {"threshold_data": "validation.jsonl", "resamples": 2000, "seed": 0},
        "models": all_models,
        "paired": [
            {"a": names[0], "b": names[1], "metric": "f1", "difference": 0.213, "low": 0.15, "high": 0.271, "p": 0.0004}
        ]
        if models > 1
        else [],
    }


@cache
def _rows() -> list[dict[str, Any]]:
    problems = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:120]]
    with warnings.catch_warnings(action="ignore"):  # two of them cannot be parsed
        rows = list(build_synthetic(problems, seed=0))
    for step in range(6):  # longer than a table is wide
        rows[0]["completions"].append(f"That is so, {step}.")
        rows[0]["labels"].append(True)
        rows[1]["completions"].append(f"That is so, {step}.")
        rows[1]["labels"].append(False)
    return rows


def _model(name: str, far: float | None, examples: int, seed: int) -> dict[str, Any]:
    rng, rows = random.Random(seed), _rows()
    labels = [row["first_error"] for row in rows]
    scores = []
    for row in rows:
        bias = [0.0 if far is None else (far if right else -far) for right in row["labels"]]
        scores.append([1.0 if far is None else round(1 / (1 + np.exp(-rng.gauss(b, 1.6))), 4) for b in bias])
    predicted = [predicted_first_error(line, 0.5) for line in scores]
    s, right = judged_steps(scores, labels)
    steps, at_half = step_metrics(s, right), first_error_f1(predicted, labels)
    oracle, _ = best_threshold(scores, labels)
    at = {str(t): _at(scores, labels, t) for t in (0.5,)}
    numbers = {
        "error_accuracy": at_half.error_accuracy,
        "correct_accuracy": at_half.correct_accuracy,
        "f1": at_half.f1,
        "step_accuracy": steps.accuracy,
        "auc": steps.auc,
        "average_precision": steps.average_precision,
        "ece": steps.ece,
        "brier": steps.brier,
    }
    order = sorted(range(len(rows)), key=lambda i: _wrongness(scores[i], labels[i]))
    kinds = [("most wrong", i) for i in order[::-1][:examples]] + [("most right", i) for i in order[:examples]]
    return {
        "name": name,
        "kind": "baseline" if name in BASELINES else "model",
        "digest": None if name in BASELINES else f"{seed:032x}",
        "metrics": {key: _interval(value, key == "f1") for key, value in numbers.items()},
        "at": {
            **at,
            "validation": {"threshold": 0.43, **_at(scores, labels, 0.43)} if name not in BASELINES else None,
            "oracle": {"threshold": oracle, **_at(scores, labels, oracle)},
        },
        "curves": _curves(name, scores, labels, predicted, rng) if far is not None else None,
        "examples": [
            {
                "id": rows[i]["id"],
                "prompt": rows[i]["prompt"],
                "completions": rows[i]["completions"],
                "scores": scores[i],
                "label": labels[i],
                "predicted": predicted[i],
                "kind": kind,
            }
            for kind, i in kinds
        ],
    }


def _at(scores: list[list[float]], labels: list[int], threshold: float) -> dict[str, Any]:
    found = first_error_f1([predicted_first_error(line, threshold) for line in scores], labels)
    return {"error_accuracy": found.error_accuracy, "correct_accuracy": found.correct_accuracy, "f1": found.f1}


def _interval(value: float | None, wide: bool) -> dict[str, float | None]:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": max(0.0, value - (0.04 if wide else 0.02)), "high": min(1.0, value + 0.035)}


def _wrongness(scores: list[float], label: int) -> float:
    return (
        1 - min(scores)
        if label < 0
        else max(1 - s for s in scores[:label])
        if label and min(scores[:label]) < 0.5
        else scores[label]
    )


def _curves(
    name: str, scores: list[list[float]], labels: list[int], predicted: list[int], rng: random.Random
) -> dict[str, Any]:
    s, right = judged_steps(scores, labels)
    false, true, _ = roc_curve(right, s)
    precision, recall, _ = precision_recall_curve(~right, -s)
    bins = []
    for low in np.arange(15) / 15:
        inside = (s >= low) & (s < low + 1 / 15)
        mean, share = (s[inside].mean(), right[inside].mean()) if inside.any() else (None, None)
        bins.append({"low": low, "high": low + 1 / 15, "score": mean, "right": share, "steps": int(inside.sum())})
    most = max(map(len, scores))
    counts = np.zeros((most + 1, most + 1), int)
    for label, guess in zip(labels, predicted, strict=True):
        counts[label + 1, guess + 1] += 1
    ns = [1, 2, 4, 8, 16]
    gain = {"min": 5, "prod": 4.2, "last": 2, "mean": 3, "majority": 3.5, "weighted": 5.5, "random": 0, "oracle": 10}
    series = {key: [0.41 + g * i / 100 + rng.gauss(0, 0.004) for i in range(5)] for key, g in gain.items()}
    return {
        "roc": {"x": false.tolist(), "y": true.tolist()},
        "precision_recall": {"x": recall.tolist(), "y": precision.tolist()},
        "reliability": bins if name not in BASELINES else [],
        "heatmap": {"labels": list(range(-1, most)), "counts": counts.tolist()},
        "best_of_n": {"n": ns, "series": series} if name not in BASELINES else None,
    }
