"""Another period or unit is asked: each of three weeks for all of them, a month for a year, minutes for hours.

The twin's solution ends a step earlier, before the last one multiplies or converts. The other way round it goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.asked import Asked, only, read_of_two, thing_of
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph
from prm_gsm8k.synthetic.question import singular
from prm_gsm8k.synthetic.units import SMALLER, TIMES_OF_THE_CALENDAR

_PERIOD = r"(second|minute|hour|night|day|week|weekend|month|year|season|decade)s"
# "in the next 3 weeks"; not "for 5 days a week", which is no period.
_SEVERAL = re.compile(
    r"\b([Ii]n|[Oo]ver|[Ff]or|[Aa]fter|[Dd]uring|[Ww]ithin|[Ee]very)( the| these)?"
    r"( (?:next|first|last|past|whole|full))?"
    rf" (?:([a-z]+)|\d+)[ -]{_PERIOD}\b(?! (?:a|an|per|each|every|of|ago|old|from|before|later|straight|in)\b)( time)?"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    if (found := read_of_two(graph)) is None:
        return
    asked, last = found
    sources = graph.sources[asked.index]
    if asked.final.operators == ["*"] and (last,) in sources:
        yield from _one(asked, last, sources.index((last,)))
    if sources == [(last,), (WORLD,)]:
        for twin in _converted(asked, thing_of(graph, (last,))):
            yield from asked.edit(twin, last)


def _one(asked: Asked, last: int, operand: int) -> Iterator[Edit]:
    """Each of three weeks, for the three weeks by which the last step multiplies."""
    factor = asked.graph.quantity_of(asked.index, 1 - operand)
    match = only(_SEVERAL, asked.text)
    if factor is None or match is None or len(factor.mentions) != 1:
        return
    place, end = (place - asked.start for place in factor.mentions[0])
    if not match.start() < place < match.end() or 0 < match.start() < asked.how:
        return
    if re.match(r",? which\b", asked.text[match.end() :]):
        return  # "52 weeks, which is about a year"
    word, unit = match[1], match[5]
    if re.search(rf"\b(?:a|an|per|each|every) {unit}\b", asked.text[asked.how :]):
        return
    before = asked.text[asked.how : match.start()]
    if word.lower() == "every" or re.search(r"\bif\b|\bin all\b|\bremaining\b|\b(?:have|left|on) \Z", before):
        return  # "how far does it go if it swings for 30 minutes", "how many will she have after 5 days"
    on = "on" if unit in ("day", "night", "weekend") else "in"
    one = f"{on.capitalize() if word[0].isupper() else on} each of the{match[3] or ''} {asked.text[place:end]} {unit}s"
    yield from asked.edit(asked.text[: match.start()] + one + asked.text[match.end() :], last)


def _converted(asked: Asked, thing: str) -> Iterator[str]:
    """A month for a year, minutes for hours: what was asked before the last step converted it; that counts `thing`."""
    operator, constant, text = asked.final.operators[0], asked.final.operands[1], asked.text
    for larger, count, smaller in SMALLER:
        if count != constant:
            continue
        unit, other = (larger, smaller) if operator == "/" else (smaller, larger)
        # feet that are divided by twelve may be divided by the months of a year
        if operator in "*/" and not re.search(rf"\b{other}\b", text) and thing != singular(unit):
            if match := only(re.compile(rf"\b([Hh]ow many|in) {unit}\b"), text):
                yield text[: match.start()] + f"{match[1]} {other}" + text[match.end() :]
    for larger, count, smaller in TIMES_OF_THE_CALENDAR:
        unit, other = larger[:-1], smaller[:-1]
        if operator == "*" and count == constant and not re.search(rf"\b{other}", text):
            if match := only(re.compile(rf"\b(in a|in one|in 1|per|a|each|every|one) {unit}\b(?! old)"), text):
                before, _, article = match[1].rpartition(" ")
                article = "an" if other == "hour" and article == "a" else article
                yield text[: match.start()] + f"{before} {article} {other}".lstrip() + text[match.end() :]


def recognised(read: Difference) -> bool:
    """One concludes where the other goes on; a period or a unit is another one."""
    return read.ends and ("each" in read.gone + read.new or bool(read.gone and read.new))


FAMILY = Family(
    name="another_period",
    stands_for="another thing answered than asked: another period or unit",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/5030",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
