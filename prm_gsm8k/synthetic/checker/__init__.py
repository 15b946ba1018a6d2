"""The row checker: checks every synthetic row independently, from its text alone.

It shares no code with the generator, and does not know which number was changed: it has its own parser, arithmetic and
definition of each error type.

- `arithmetic/equations.py`: the numbers and equations of a step; `quantities.py`: the numbers of a question
- `relations.py`: each error type as a relation between a correct and an incorrect expression
- `result_only.py`: the same for steps that state a result without its expression
- `correct.py`: a correct solution, parsed once; `row_checker.py`: incorrect rows against it
"""

from prm_gsm8k.synthetic.checker.row_checker import REFUSALS, RowChecker

__all__ = ["REFUSALS", "RowChecker"]
