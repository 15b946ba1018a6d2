"""What a published PRM wants to read, and where it says how good a step is: a small description, and those known.

Between the braces stand the user's texts, everything else is the format's own. Two steps of Math-Shepherd's:

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
    """How a problem and its steps are written for a PRM, and what of its answer is the score of a step.

    Args:
        tag: what ends each step: one token of the tokenizer, after the step.
        layout: `text`, one text; `chat`, the problem as the user's turn of the tokenizer's chat template and all steps
            in the assistant's; `turns`, a user's turn for each step, which the assistant answers with the tag.
        prompt: what stands before the first step, or in the user's turn; `{prompt}` is the problem.
        step: a step without its tag; `{step}` is its text, `{n}` its number from 1.
        between: text between a tag and the next step.
        system: the system's turn of a chat; None for what the template itself does without one.
        template_variables: for the chat template. Llama 3.1's would write today's date without `date_string`.
        read: the score is read `at` the tag; or `before`, where a language model predicts it.
        good, bad: tokens of a language model's vocabulary: P(right) is that of `good` against `bad`. None for a head
            of two labels, 1 of which is right.
        apart: prompt, step and tag are each tokenised by itself, and joined as ids.
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
                raise UsageError(f"a step format's {name} has {{{needed}}} once: not {getattr(self, name)!r}")
        if not self.tag:
            raise UsageError("a step format's tag is empty")
        if (self.good is None) != (self.bad is None):
            raise UsageError("a step format has both good and bad, or neither")
        if self.apart and self.layout != "text":
            raise UsageError("a step format that is tokenised apart has the layout text")

    @property
    def is_language_model(self) -> bool:
        """Whether the score is in the words of a language model, not in a head of two labels."""
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


# Written after the model cards and the evaluation code of who published them.
FORMATS: dict[str, StepFormat] = {
    # peiyi9979/math-shepherd-mistral-7b-prm
    "math-shepherd": StepFormat(
        prompt="{prompt} ", step="Step {n}: {step}", tag=" ки", between="\n", good="+", bad="-"
    ),
    # RLHFlow/Llama3.1-8B-PRM-*; RLHFlow/RLHF-Reward-Modeling, math-rm/prm_evaluate.py. The date is that of the template
    # of Llama 3.1 at the time, which knew no other.
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
    """A format by its name, or out of a JSON file.

    Raises:
        UsageError: there is neither, or the file is not one.
    """
    if str(given) in FORMATS:
        return FORMATS[str(given)]
    path = Path(given)
    try:
        return StepFormat(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"no step format {str(given)!r}: give {', '.join(FORMATS)}, or a JSON file") from None
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is no step format: {error}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
