"""PRMs published by others, scored as ours are: one forward per solution, no remote code.

There are three kinds, recognised by their config:

- a language model, scored by its probabilities of two words such as `+` and `-` at each step: Math-Shepherd, RLHFlow;
- `Qwen2ForProcessRewardModel`: Qwen2.5-Math-PRM, and what `prm-gsm8k export` writes;
- a token classifier of two labels trained by trl.

Their input format is data, a `StepFormat`. Known formats are in `FORMATS`; others are given as JSON.
"""

from prm_gsm8k.models.formats.formats import FORMATS, StepFormat

__all__ = ["FORMATS", "StepFormat"]
