"""A quantity is taken in another unit, so that nothing is converted.

"3 weeks" are 3 days, "2 dozen eggs" are 2 eggs, "$5 a day" are $5 a week.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph, quantity_source
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.units import SMALLER
from prm_gsm8k.synthetic.wording import around, stands_for_result

_DOZEN = re.compile(r" dozens?(?: of(?= [a-z]+s\b))?(?= (?!and\b|of the\b|for\b)[a-z])")
_PER = re.compile(
    r"(?:(?: of)?(?: [a-z]+){1,3}?)??(?: (?:a|an|per|each|every) |/)(second|minute|hour|day|night|week|month)\b"
)
# what so much a day is, where it is taken for so much a week
_LARGER: dict[tuple[str, Value], str] = {
    (smaller[:-1], times): unit[:-1] for unit, times, smaller in SMALLER if unit != "decades" and times <= 60
}
_LARGER |= {("night", times): larger for (unit, times), larger in _LARGER.items() if unit == "day"}
_SPOKEN = re.compile(
    r"\b(?:dozens?|seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|per|each|every|times)\b|/"
)


_SHARED = re.compile(r"\d(?:,|,? and| or| to) \Z")  # 2, 3 and 5 weeks
_HIGH = re.compile(r" (?:tall|high)\b")  # no room is 8 inches tall


def _is_shared(graph: Graph, index: int) -> bool:
    """Whether the unit of a number is another number's too: "serves 20 meals, and the other 50 meals per week"."""
    question = graph.question
    own = question.quantities[index]
    return any(
        q.thing == own.thing != "" and q.sentence == own.sentence and not _PER.match(question.text, q.mentions[0][1])
        for i, q in enumerate(question.quantities)
        if i != index and _PER.match(question.text, own.mentions[0][1])
    )


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    text = question.text
    for index, quantity in enumerate(question.quantities):
        if len(quantity.mentions) > 1 or graph.is_open(quantity_source(index)) or len(graph.feeds(index)) != 1:
            continue
        start, end = quantity.mentions[0]
        equation_index, operand = graph.feeds(index)[0]
        equation = solution.equations[equation_index]
        alone = sum(e.step == equation.step for e in solution.equations) == 1
        if equation.operators != ["*"] or graph.sources[equation_index][1 - operand] != (WORLD,) or not alone:
            continue
        if equation_index == solution.final:
            continue
        if _SHARED.search(text[:start]) or _is_shared(graph, index):
            continue
        change = stands_for_result(graph, equation_index, operand, _SPOKEN)
        read = _otherwise(text, end, equation.operands[1 - operand])
        if change is None or read is None or quantity.value < 2:
            continue
        at, after, new = read
        if new == "inches" and _HIGH.match(text, after):
            continue
        if re.search(
            rf"\b(?:a|per|each|every) {new} (?:for|in) (?:a|one|the|an entire) {new}\b", text[:at] + new + text[after:]
        ):
            continue  # 20 pages a week for a week
        twin = text[:at] + new + text[after:]
        yield Edit(twin, change, around(text, start, after), around(twin, start, at + len(new)))


def _otherwise(text: str, end: int, factor: Value) -> tuple[int, int, str] | None:
    """The place of the unit behind a number by which a factor is meant, and how it reads where nothing is converted."""
    if factor == 12 and (match := _DOZEN.match(text, end)):
        return match.start(), match.end(), ""
    for unit, times, smaller in SMALLER:
        if times == factor and (match := re.compile(rf" {unit}\b").match(text, end)):
            return end + 1, match.end(), smaller
    if (match := _PER.match(text, end)) and (larger := _LARGER.get((match[1], factor))):
        return match.start(1), match.end(1), larger
    return None


def recognised(read: Difference) -> bool:
    """One unit stands where another stood, or "dozen" is gone."""
    return len(read.gone) == len(read.new) == 1 or read.gone.keys() <= {"dozen", "dozens", "of"}


FAMILY = Family(
    name="unit_confused",
    stands_for="a unit left unconverted",
    thought='reads "{said}" as "{read}"',
    thought_back='reads "{said}" as "{read}"',
    example="gsm8k/train/7317",
    edits=edits,
    recognised=recognised,
    share=0.7,
)
