"""Labelled reasoning steps on GSM8K, to train process reward models with, and the models themselves.

    import prm_gsm8k

    rows = prm_gsm8k.load("synthetic", split="train")       # builds it, offline, if nothing is built yet
    rows = prm_gsm8k.build_synthetic(my_problems, seed=0)   # the same from your own [{"question": ..., "answer": ...}]
    label = prm_gsm8k.label_solution(question, reference, steps)   # first error of a solution, by the reference
    prm_gsm8k.publish("data", "org/prm-gsm8k", tag="v1.0.0")
    rows = prm_gsm8k.load("synthetic", repo_id="org/prm-gsm8k", revision="v1.0.0")

A name is imported when it is first used, so `import prm_gsm8k` costs nothing: no datasets, no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from prm_gsm8k.api import build_synthetic, load
    from prm_gsm8k.build.publish import publish
    from prm_gsm8k.dataset.problems import Problem, read_problems
    from prm_gsm8k.label.reference import Reference
    from prm_gsm8k.label.solution import label_solution
    from prm_gsm8k.models.publish import publish_model
    from prm_gsm8k.models.reward_model import ProcessRewardModel
    from prm_gsm8k.models.scorers import load_scorer
    from prm_gsm8k.models.vllm_reward_model import VllmRewardModel
    from prm_gsm8k.sampling.generate import sample_solutions

__all__ = [
    "Problem",
    "ProcessRewardModel",
    "Reference",
    "VllmRewardModel",
    "__version__",
    "build_synthetic",
    "label_solution",
    "load",
    "load_scorer",
    "publish",
    "publish_model",
    "read_problems",
    "sample_solutions",
]

_HOME = {
    "Reference": "prm_gsm8k.label.reference",
    "label_solution": "prm_gsm8k.label.solution",
    "Problem": "prm_gsm8k.dataset.problems",
    "ProcessRewardModel": "prm_gsm8k.models.reward_model",
    "VllmRewardModel": "prm_gsm8k.models.vllm_reward_model",
    "read_problems": "prm_gsm8k.dataset.problems",
    "build_synthetic": "prm_gsm8k.api",
    "load": "prm_gsm8k.api",
    "load_scorer": "prm_gsm8k.models.scorers",
    "open_scorer": "prm_gsm8k.models.scorers",  # what load_scorer was called first, and cards of models still say
    "publish": "prm_gsm8k.build.publish",
    "publish_model": "prm_gsm8k.models.publish",
    "sample_solutions": "prm_gsm8k.sampling.generate",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(_HOME[name])
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers"):
            raise
        raise ImportError(f"{name} needs {error.name}: pip install 'prm-gsm8k[train]'", name=error.name) from error
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
