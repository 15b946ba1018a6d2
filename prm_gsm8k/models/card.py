"""The card of a trained PRM: what it is, how to use it, how good it is, what it was made from, and its limits.

It is written from the files beside the weights, `prm_encoder.json` and `prm_training.json`. What they do not say is
left out, the network is not asked, and no path of the machine that trained it gets into the card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from prm_gsm8k.dataset.card import markdown_table
from prm_gsm8k.dataset.card_edits import with_edits
from prm_gsm8k.exceptions import CheckpointError
from prm_gsm8k.models.encoder import EncoderConfig
from prm_gsm8k.models.formats.kinds import QWEN
from prm_gsm8k.models.vllm_reward_model import vllm_serve_command

TRAINING = "prm_training.json"
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".svg")

# Names of figures; one that is not here appears under its own.
FIGURES = {
    "step_accuracy": "steps classified correctly at 0.5",
    "auc": "AUC, correct against incorrect steps",
    "average_precision": "average precision of incorrect steps",
    "ece": "expected calibration error",
    "brier": "Brier score",
    "first_error_f1": "first-error F1 at 0.5 (ProcessBench's: harmonic mean of the next two)",
    "error_accuracy": "incorrect solutions whose first error is found",
    "correct_accuracy": "correct solutions in which none is found",
    "best_threshold": "the threshold with the best first-error F1",
    "best_first_error_f1": "first-error F1 there, chosen on the same rows",
    "loss": "loss",
}
# The arguments that decide the weights, in the order a reader asks; prm_training.json has all.
ARGUMENTS = (
    "num_train_epochs",
    "max_steps",
    "rows_per_step",
    "batching",
    "learning_rate",
    "head_learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "optim",
    "bf16",
    "max_length",
    "too_long",
    "after_error",
    "soft_labels",
    "wrong_weight",
    "right_weight",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
)


def model_card(folder: str | Path, repo_id: str | None = None) -> str:
    """The README.md of a trained PRM, with the YAML head that the Hub reads; arguments as of `card_parts`."""
    return with_edits(*card_parts(folder, repo_id))


def card_parts(
    folder: str | Path, repo_id: str | None = None, files: Iterable[str] | None = None
) -> tuple[dict[str, Any], str]:
    """The head and the text of the card of a trained PRM.

    Args:
        folder: what `train_prm.py` or `ProcessRewardModel.save_pretrained` wrote.
        repo_id: `ORG/NAME` it is published as; the folder's name stands there without one.
        files: paths that the card may show if they are pictures, of which the folder may hold only some; None: its own.

    Raises:
        CheckpointError: it is no PRM of this package, or its `prm_training.json` cannot be read.
    """
    folder = Path(folder)
    name = repo_id or folder.resolve().name
    encoder, made = EncoderConfig.load(folder), read_training(folder)
    parts = [
        _opening(name, made),
        _use(name, encoder, _architecture(folder)),
        _how_good(made),
        _made_from(made),
        _how_made(made),
        _what_it_reads(encoder),
        _limits(made, encoder),
        _pictures(pictures(folder) if files is None else [path for path in files if is_picture(path)]),
    ]
    return _head(name, made), "\n\n".join(part for part in parts if part)


def read_training(folder: Path) -> dict[str, Any]:
    """What the trainer wrote down; nothing if there is no such file.

    Raises:
        CheckpointError: it is there, and no JSON object.
    """
    path = folder / TRAINING
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(made, dict):
        raise CheckpointError(f"{path} is no JSON object")
    return made


def _architecture(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return ""  # a card says nothing of it then


def is_repo_id(name: object) -> bool:
    """Whether a name can be a repository of the Hub, `ORG/NAME`, and no folder's.

    >>> [is_repo_id(name) for name in ("Qwen/Qwen3-8B", "./out/prm", "/prm", "data", None)]
    [True, False, False, False, False]
    """
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name))


def _head(name: str, made: Mapping[str, Any]) -> dict[str, Any]:
    import yaml
    from huggingface_hub import EvalResult, ModelCardData

    base, datasets = made.get("base_model"), [s["dataset"] for s in _sources(made) if is_repo_id(s.get("dataset"))]
    results = [
        EvalResult(
            task_type="token-classification",
            dataset_type=datasets[0] if datasets else "prm-gsm8k",
            dataset_name=datasets[0] if datasets else "prm-gsm8k",
            dataset_split="validation",
            metric_type=key,
            metric_name=FIGURES.get(key, key),
            metric_value=value,
        )
        for key, value in _figures(made, "validation").items()
    ]
    data = ModelCardData(
        language=["en"],
        license=made.get("license"),
        base_model=base if is_repo_id(base) else None,
        datasets=list(dict.fromkeys(datasets)) or None,
        library_name="transformers",
        pipeline_tag="token-classification",
        tags=["process-reward-model", "prm", "stepwise-supervision", "reasoning", "math", "gsm8k"],
        model_name=name.rpartition("/")[2] if results else None,
        eval_results=results or None,
    )
    head: dict[str, Any] = yaml.safe_load(data.to_yaml())
    return head


def _opening(name: str, made: Mapping[str, Any]) -> str:
    base = made.get("base_model")
    on = f" on {_linked(base)}" if base else ""
    at = f" at revision `{made['base_revision']}`" if base and made.get("base_revision") else ""
    licence = f" Its weights derive from those of {_linked(base)}, whose licence applies to them too." if base else ""
    return (
        f"# {name.rpartition('/')[2]}\n\nA process reward model for grade-school maths{on}{at}: given a problem and "
        f"the steps of a solution, it gives for each step the probability that every step so far is correct.{licence}"
    )


def _use(name: str, encoder: EncoderConfig, architecture: str) -> str:
    if architecture == QWEN:
        imported, opened = "from prm_gsm8k import load_scorer", "load_scorer"
        kind = f"The checkpoint is a `{QWEN}`, the architecture of Qwen2.5-Math-PRM; no remote code is needed."
    else:
        imported, opened = "from prm_gsm8k import ProcessRewardModel", "ProcessRewardModel.from_pretrained"
        kind = "The checkpoint is a plain `AutoModelForTokenClassification` of two labels, `wrong` and `right`."
    return f"""\
## Use it

```python
{imported}  # pip install 'prm-gsm8k[train]'

prm = {opened}("{name}")
prm.score("Ali has 3 apples and buys 4. How many does he have?", ["He has 3+4=7 apples.", "So 8."])
```

`score` returns one probability per step, from one forward pass per solution. There are also `first_error`, `best_of_n`
and, for tree search, `score_next`. vLLM serves the checkpoint as it is:

```sh
{vllm_serve_command(name, encoder)}
```

```python
from prm_gsm8k import load_scorer

load_scorer("http://127.0.0.1:8000").score_many([(problem, steps)])
```

{kind}"""


def _how_good(made: Mapping[str, Any]) -> str:
    parts = []
    for split in made["metrics"] if isinstance(made.get("metrics"), dict) else ():
        if figures := _figures(made, split):
            rows = [[FIGURES.get(key, f"`{key}`"), _number(value)] for key, value in figures.items()]
            parts.append(f"Measured on `{split}`:\n\n" + markdown_table(["what", "value"], rows))
    arguments = made.get("arguments")
    if parts and isinstance(arguments, dict) and arguments.get("load_in_4bit"):
        parts.append("That is of its base in 4 bits (QLoRA); the adapters were merged into the base's own weights.")
    threshold = made.get("threshold")
    if isinstance(threshold, dict) and "value" in threshold:
        on = f", chosen on {threshold['chosen_on']} and frozen" if threshold.get("chosen_on") else ""
        parts.append(f"A step is called incorrect below a score of {_number(threshold['value'])}{on}.")
    return "## How good it is\n\n" + "\n\n".join(parts) if parts else ""


def _made_from(made: Mapping[str, Any]) -> str:
    sources = _sources(made)
    if not sources:
        return ""
    head = ["data", "config", "revision", "rows", "steps", "content digest"]
    rows = [
        [
            _linked(s.get("dataset"), "datasets/"),
            _code(s.get("config")),
            _code(s.get("revision")),
            _number(s.get("rows")),
            _number(s.get("steps")),
            _code(str(s["content_digest"])[:16]) if s.get("content_digest") else "–",
        ]
        for s in sources
    ]
    data = made["data"]
    digest = f"\n\nDigest of all training data: `{data['digest']}`." if data.get("digest") else ""
    problems = data.get("problems")
    count = len(problems) if isinstance(problems, list) else problems
    questions = f"\n\nThese are {_number(count)} problems; `{TRAINING}` has their digests." if count else ""
    return (
        "## What it was trained on\n\n" + markdown_table(head, rows) + _counts(data.get("counts")) + questions + digest
    )


def _counts(counts: object) -> str:
    """What the trainer counted of each split's rows."""
    splits = {split: n for split, n in counts.items() if isinstance(n, dict)} if isinstance(counts, dict) else {}
    names = list(dict.fromkeys(name for n in splits.values() for name in n))
    if not names:
        return ""
    rows = [[f"`{split}`", *(_number(n.get(name)) for name in names)] for split, n in splits.items()]
    return "\n\n" + markdown_table(["split", *(name.replace("_", " ") for name in names)], rows)


def _how_made(made: Mapping[str, Any]) -> str:
    arguments = made.get("arguments")
    chosen = arguments if isinstance(arguments, dict) else {}
    rows = [[f"`{key}`", _number(chosen[key])] for key in ARGUMENTS if chosen.get(key) is not None]
    for key in ("steps", "tokens", "processes", "seed", "hardware", "versions"):
        value = made.get(key)
        if isinstance(value, dict):
            value = ", ".join(f"{name} {_number(each)}" for name, each in value.items() if each is not None)
        if isinstance(value, (int, float, str)) and value != "":
            rows.append([key, _number(value)])
    return "## How it was trained\n\n" + markdown_table(["what", "value"], rows) if rows else ""


def _what_it_reads(encoder: EncoderConfig) -> str:
    template = f"{encoder.before_prompt}PROBLEM{encoder.after_prompt}STEP 1{encoder.step_tag}"
    template += f"{encoder.between_steps}STEP 2{encoder.step_tag}"
    limit = f" At most {encoder.max_length:,} tokens." if encoder.max_length else ""
    return (
        f"## Input format\n\nEach step ends with the special token `{encoder.step_tag}` (id {encoder.step_tag_id}), "
        f"where its score is read. `prm_encoder.json` records the text around it.{limit}\n\n```\n{template}\n```"
    )


def _limits(made: Mapping[str, Any], encoder: EncoderConfig) -> str:
    lines = [
        "- It is for grade-school word problems in English, each step on a line of its own. Nothing else was measured.",
        "- A score is about the solution up to a step: after a first error, later scores mean little.",
        "- A score is no proof. Solutions that are searched or trained for a high score can get it and be incorrect.",
    ]
    if any(source.get("config") == "synthetic" for source in _sources(made)):
        lines.append(
            "- The errors in its `synthetic` training data were made by rules; it may miss mistakes that no rule makes."
        )
    if not _figures(made, "validation"):
        lines.append("- How good it is was not recorded when it was trained.")
    return "## Limits\n\n" + "\n".join(lines)


def _pictures(paths: Iterable[str]) -> str:
    shown = [f"![{PurePosixPath(path).stem}]({path})" for path in sorted(paths)]
    return "## Curves\n\n" + "\n\n".join(shown) if shown else ""


def pictures(folder: Path) -> list[str]:
    """Pictures beside the weights, or one folder below, by their paths in it."""
    found = (path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file())
    return sorted(path for path in (path.relative_to(folder).as_posix() for path in found) if is_picture(path))


def is_picture(path: str) -> bool:
    """Whether a card shows a file, by its path in the repository."""
    return path.lower().endswith(PICTURES) and path.count("/") < 2


def _sources(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = made.get("data")
    sources = data.get("sources") if isinstance(data, dict) else None
    return [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []


def _figures(made: Mapping[str, Any], split: str) -> dict[str, float]:
    """Numbers of a split, by their names without `eval_`."""
    metrics = made.get("metrics")
    figures = metrics.get(split) if isinstance(metrics, dict) else None
    if not isinstance(figures, dict):
        return {}
    return {
        key.removeprefix("eval_"): value
        for key, value in figures.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _linked(name: object, kind: str = "") -> str:
    """A repository as a link; of a folder only its last part, for the rest is nobody's business."""
    if is_repo_id(name):
        return f"[{name}](https://huggingface.co/{kind}{name})"
    return _code(Path(str(name)).name) if name else "–"


def _code(text: object) -> str:
    return f"`{text}`" if text else "–"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else str(value)
