"""The input format of a published PRM and where its scores are: `StepFormat`, and the known ones in `FORMATS`.

`{prompt}` and `{step}` are user text, the rest is the format's own. Two steps in Math-Shepherd's format:

    <s>Ali has 3 apples and buys 4. How many? Step 1: He has 3+4=7. ки⏎Step 2: So 7. ки
    [ prompt: "{prompt} "                   ][ step               ][tag][between, step ]

    {"prompt": "{prompt} ", "step": "Step {n}: {step}", "tag": " ки", "between": "\\n", "good": "+", "bad": "-"}
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args

from prm_gsm8k.exceptions import UsageError

Layout = Literal["text", "chat", "turns"]


@dataclass(frozen=True)
class StepFormat:
    """How a problem and its steps are written for a PRM, and where each step's score is read.

    Args:
        tag: text that ends each step, one token of the tokenizer.
        layout: `text`, one text; `chat`, the problem in the user's turn of the chat template and all steps in the
            assistant's; `turns`, one user's turn per step, which the assistant answers with the tag.
        prompt: text before the first step, or of the user's turn; `{prompt}` is the problem.
        step: text of a step without its tag; `{step}` is the step, `{n}` its number from 1.
        between: text between a tag and the next step.
        system: the system's turn; None for the template's default.
        template_variables: for the chat template. Llama 3.1's writes today's date unless `date_string` is given.
        read: the score is read `at` the tag, or `before` it, where a language model predicts it.
        good, bad: tokens of a language model: P(correct) is the softmax over their two logits. None for a head of two
            labels, of which 1 is correct.
        apart: prompt, step and tag are tokenised separately and joined as ids.

    Raises:
        UsageError: a field has the wrong type or value.
    """

    tag: str
    layout: Layout = "text"
    prompt: str = "{prompt}"
    step: str = "{step}"
    between: str = ""
    system: str | None = None
    template_variables: dict[str, str] = field(default_factory=dict)
    read: Literal["at", "before"] = "at"
    good: str | None = None
    bad: str | None = None
    apart: bool = False

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            wanted: Any = {"template_variables": dict, "apart": bool}.get(f.name, str)
            if not isinstance(value, wanted) and not (value is None and f.name in ("system", "good", "bad")):
                raise UsageError(f"a step format's {f.name} is {value!r}")
        for name, kinds in (("layout", get_args(Layout)), ("read", ("at", "before"))):
            if getattr(self, name) not in kinds:
                raise UsageError(f"a step format's {name} is {', '.join(kinds)}, not {getattr(self, name)!r}")
        for name, needed, allowed in (("prompt", "prompt", {"prompt"}), ("step", "step", {"step", "n"})):
            found = [field for _, field in parsed(getattr(self, name)) if field is not None]
            if found.count(needed) != 1 or set(found) - allowed:
                raise UsageError(f"a step format's {name} must have {{{needed}}} once: not {getattr(self, name)!r}")
        if not self.tag:
            raise UsageError("a step format's tag is empty")
        if (self.good is None) != (self.bad is None):
            raise UsageError("a step format must have both good and bad, or neither")
        if self.apart and self.layout != "text":
            raise UsageError("a step format with apart must have the layout text")

    @property
    def is_language_model(self) -> bool:
        """Whether the score comes from two words of a language model instead of a head of two labels."""
        return self.good is not None


def parsed(template: str) -> list[tuple[str, str | None]]:
    """(literal text, name of the field after it or None) of a template.

    >>> parsed("Step {n}: {step}")
    [('Step ', 'n'), (': ', 'step')]
    """
    try:
        return [(literal, name) for literal, name, _, _ in Formatter().parse(template)]
    except ValueError as error:
        raise UsageError(f"a step format's {template!r} cannot be read: {error}") from error


# From the model cards and evaluation code of their publishers.
FORMATS: dict[str, StepFormat] = {
    # peiyi9979/math-shepherd-mistral-7b-prm
    "math-shepherd": StepFormat(
        prompt="{prompt} ", step="Step {n}: {step}", tag=" ки", between="\n", good="+", bad="-"
    ),
    # RLHFlow/Llama3.1-8B-PRM-*; RLHFlow/RLHF-Reward-Modeling, math-rm/prm_evaluate.py. The date is the one that the
    # template of Llama 3.1 always wrote at the time.
    "rlhflow": StepFormat(
        layout="turns",
        prompt="{prompt} ",
        tag="+",
        read="before",
        good="+",
        bad="-",
        template_variables={"date_string": "26 Jul 2024"},
    ),
    # Qwen/Qwen2.5-Math-PRM-7B, -72B and Qwen2.5-Math-7B-PRM800K
    "qwen2-prm": StepFormat(
        layout="chat",
        tag="<extra_0>",
        system="Please reason step by step, and put your final answer within \\boxed{}.",
    ),
    # trl up to 1.13, PRMTrainer.tokenize_row, with its default `step_separator`
    "trl": StepFormat(tag="\n", apart=True),
}


def step_format_of(given: str | Path) -> StepFormat:
    """A format by its name, or from a JSON file with the fields of `StepFormat`.

    Raises:
        UsageError: no such name or file, or the file is not a format.
    """
    if str(given) in FORMATS:
        return FORMATS[str(given)]
    path = Path(given)
    try:
        return StepFormat(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"no step format {str(given)!r}: give {', '.join(FORMATS)}, or a JSON file") from None
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is not a step format: {error}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
