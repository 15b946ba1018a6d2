"""PRMs that others published, scored as ours are: one forward a solution, no remote code.

Three kinds, told apart by what their config says:

- a language model, whose `+` and `-` at (or after) each step are the score: Math-Shepherd, RLHFlow;
- `Qwen2ForProcessRewardModel`: Qwen2.5-Math-PRM, and what `prm-gsm8k export` writes;
- a token classifier of two labels that trl trained.

What they want to read is data, a `StepFormat`; those known are in `FORMATS`, another can be given as JSON.
"""

from prm_gsm8k.models.formats.formats import FORMATS, StepFormat

__all__ = ["FORMATS", "StepFormat"]
