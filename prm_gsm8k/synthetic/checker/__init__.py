"""A second opinion on every synthetic row, from its text alone.

The generator knows which number it changed; this package does not. It shares no code with it: its own tokeniser, its
own arithmetic, its own idea of each error type. It reads like this:

- `reading`: the numbers and equations of a step; `quantities`: the numbers of a question
- `relations`: each error type as a relation between a right and a wrong expression; `bare`: the same where a step
  states its result without the expression
- `right`: the right solution, read once; `judge`: a wrong row against it
- `stale`: how often old values are still shown, for the benchmark
"""

from prm_gsm8k.arithmetic.equations import Equation, read_equations
from prm_gsm8k.synthetic.checker.row_checker import REFUSALS, SecondOpinion
from prm_gsm8k.synthetic.checker.stale import stale_values

__all__ = ["REFUSALS", "Equation", "SecondOpinion", "read_equations", "stale_values"]
