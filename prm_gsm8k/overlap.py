"""No question that PRMs are measured on may be one they were trained on.

GSM8K *test* is refused as training input. That covers ProcessBench's GSM8K part and the original questions of
MR-GSM8K: all of them are GSM8K test questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.problems import Problem, question_key, shipped_problems

NAMED = 3  # how many of the offending lines a message names


def refuse_test_questions(problems: Iterable[Problem]) -> None:
    """Raises `BadInputError` if a problem with split `train` asks a question of GSM8K test, in whatever spelling.

    The message names the first of them: `mine.jsonl:17: a question of GSM8K test (gsm8k/test/4), ...`. Problems whose
    split is `test` are let pass: they are only evaluated on.
    """
    test = _test_questions()
    found = [(p, test[key]) for p in problems if p.split == "train" and (key := question_key(p.question)) in test]
    if not found:
        return
    first, first_test_id = found[0]
    others = ", ".join(f"{problem.where} ({test_id})" for problem, test_id in found[1:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    also = f"; so are {others}{more}" if others else ""
    raise BadInputError(
        first.where,
        f"a question of GSM8K test ({first_test_id}), on which process reward models are evaluated and so may not be "
        f"trained{also}. Take these lines out, or build from GSM8K train",
    )


@cache
def _test_questions() -> dict[str, str]:
    return {question_key(problem.question): problem.id for problem in shipped_problems("test")}
