"""The taxonomy: every type of reasoning error, each made in one equation or in the conclusion of a correct solution.

An error type is two functions: `X_sites(context)` lists where it can be made, and `X(context, site, rng)` makes it and
returns an `Edit` of that step, or None if the result would not be plausible. Later steps are left to `propagate.py`.

The docstrings give examples from GSM8K; "Natalia sold 48/2 = 24 clips in May." and "Natalia sold 48+24 = 72 clips
altogether." are the correct steps of train problem 0.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.errors import measures, operands, relations, slips, terms
from prm_gsm8k.synthetic.errors.context import Edit, ErrorContext, Site, draw


class ErrorType(NamedTuple):
    """One type of error: its default weight, where it can be made, how it is made."""

    weight: float
    sites: Callable[[ErrorContext], list[Site]]
    make: Callable[[ErrorContext, Site, Random], Edit | None]


# Default weights. A problem draws among the types that it has a site for. They follow the categories of first errors
# that teachers marked in solutions to GSM8K train questions (eth-lre/verify-then-generate): question misread 28%,
# quantity added or missing 24%, wrong facts 15%, calculation 12% (a false equation in 7% of all), units 5%.
TAXONOMY: dict[str, ErrorType] = {
    "number_flipped": ErrorType(4.5, operands.number_flipped_sites, operands.number_flipped),
    "wrong_problem_number": ErrorType(11, operands.wrong_problem_number_sites, operands.wrong_problem_number),
    "wrong_earlier_result": ErrorType(14, operands.wrong_earlier_result_sites, operands.wrong_earlier_result),
    "operation_changed": ErrorType(10, relations.operation_changed_sites, relations.operation_changed),
    "relation_reversed": ErrorType(14, relations.relation_reversed_sites, relations.relation_reversed),
    "grouping_lost": ErrorType(5, relations.grouping_lost_sites, relations.grouping_lost),
    "step_skipped": ErrorType(9.5, terms.step_skipped_sites, terms.step_skipped),
    "term_left_out": ErrorType(12, terms.term_left_out_sites, terms.term_left_out),
    "counted_twice": ErrorType(2.8, terms.counted_twice_sites, terms.counted_twice),
    "percentage_confused": ErrorType(12, measures.percentage_confused_sites, measures.percentage_confused),
    "unit_confused": ErrorType(12, measures.unit_confused_sites, measures.unit_confused),
    "calculation_slip": ErrorType(1.02, slips.calculation_slip_sites, slips.calculation_slip),
    "stopped_early": ErrorType(0.25, slips.stopped_early_sites, slips.stopped_early),
    "wrong_question": ErrorType(0.8, slips.wrong_question_sites, slips.wrong_question),
    "wrong_final_answer": ErrorType(0.6, slips.wrong_final_answer_sites, slips.wrong_final_answer),
}
DEFAULT_MIX: dict[str, float] = {name: error_type.weight for name, error_type in TAXONOMY.items()}

__all__ = ["DEFAULT_MIX", "TAXONOMY", "Edit", "ErrorContext", "ErrorType", "Site", "draw"]
