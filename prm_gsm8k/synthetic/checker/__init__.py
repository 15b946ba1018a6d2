"""The checker: reads every block from its text alone.

It shares no code with the generator, and does not know which number was changed: it has its own parser
(`arithmetic/equations.py`) and its own reading of a question's numbers (`quantities.py`).
"""

from prm_gsm8k.synthetic.checker.block_checker import REFUSALS, BlockChecker, Difference

__all__ = ["REFUSALS", "BlockChecker", "Difference"]
