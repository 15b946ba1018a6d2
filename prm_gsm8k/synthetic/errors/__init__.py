"""The taxonomy: the reasoning errors that a solution can be given, each on one node of its graph.

An error is two small functions: `…_sites(case)` says where in a right solution it can be made, and `…(case, site, rng)`
makes it: what the step then states, how its text changes, and why it is wrong. None means that this draw gives
nothing that a reader would believe. Nothing here touches later steps; `recompute.py` does.

Running example (GSM8K train 0): "Natalia sold 48/2 = 24 clips in May.", "Natalia sold 48+24 = 72 clips altogether."
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from prm_gsm8k.synthetic.errors import measures, operands, relations, slips, terms
from prm_gsm8k.synthetic.errors.context import Case, Edit, Site, draw


class ErrorType(NamedTuple):
    """One kind of error: its default weight, where it can be made, how it is made."""

    weight: float
    sites: Callable[[Case], list[Site]]
    make: Callable[[Case, Site, Random], Edit | None]


# The default mix, of which each problem draws among the errors it has a place for. After the categories of
# teacher-marked first errors to GSM8K train questions (eth-lre/verify-then-generate): a misread question 28%, a
# quantity too much or missing 24%, wrong facts 15%, calculation 12% (a false equation in 7% of all), units 5%.
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
DEFAULT_MIX: dict[str, float] = {name: kind.weight for name, kind in TAXONOMY.items()}

__all__ = ["DEFAULT_MIX", "TAXONOMY", "Case", "Edit", "ErrorType", "Site", "draw"]
