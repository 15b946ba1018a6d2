"""One is asked for several, or all of them for each: "5 buses" as "one of 5 buses", "each friend" as "the friends".

The twin's solution ends before the last step multiplies, or divides. The other way round it goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.asked import TOTAL, WHO, Asked, currency, read_of_two, thing_of
from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.question import Kind, singular
from prm_gsm8k.synthetic.wording import plural

_NOUN = re.compile(r"[ -]((?:[a-z]+[ -])?)([a-z]+)\b")
_THE = re.compile(r"\b(?:the|these|those|his|her|their|all|other|of|remaining|first|next|each|every|per|for)\s+\Z")
_IF = r"((?:,? (?:if|when) [^?]*)?)\?\Z"
_REST = r"((?: (?!if\b|when\b)[a-z]+){0,6})"
_EACH = re.compile(
    r"\b([Hh]ow (?:many|much)(?: [a-z-]+){0,4}?) (does|did|will|would|should|can)"
    rf" each ((?:of (?:the|his|her|their) )?[a-z]+(?: [a-z]+)??|of them) ({'|'.join(PAST_OF)}){_REST}{_IF}"
)
_THEY_EACH = re.compile(
    r"\b([Hh]ow (?:many|much)(?: [a-z-]+){0,4}? (?:do|did|will|would|should|can)"
    rf" (?:they|{WHO} and {WHO}|{WHO} and (?:his|her) [a-z]+)) each ([a-z]+){_REST}{_IF}"
)
_IN_EACH = re.compile(rf"\b([Hh]ow (?:many|much) [^?,]*? (?:in|on|for|to|into)) each ([a-z]+(?: [a-z]+)??){_IF}")
_ALL = re.compile(
    r"\b([Hh]ow (?:many|much))((?: [a-z-]+){0,4}?) (do|did|will|would|can)"
    r" (they|(?:all )?(?:the|his|her) (?:[a-z]+ )?[a-z]+s) (?:all )?([a-z]+)((?: [a-z]+){0,6})\?\Z"
)
_OF_ALL = re.compile(r" (?:are|were|have|do|need|take|they|who|that)\b|[^?]*\b(?:they|them|their|each|all)\b")
_NOT_SO = frozenset("each per that now then one other them day week month year hour".split())


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    if (found := read_of_two(graph)) is None:
        return
    asked, last = found
    sources = graph.sources[asked.index]
    if asked.final.operators == ["*"] and (last,) in sources:
        other = sources.index((last,)) ^ 1
        yield from _one(asked, last, other)
        yield from _each(asked, last, other)
    if asked.final.operators == ["/"] and sources[0] == (last,) and sources[1][0] >= quantity_source(0):
        yield from _all(asked, last)


def _one(asked: Asked, last: int, other: int) -> Iterator[Edit]:
    """One of five buses, for the five by which the last step multiplies."""
    factor, text = asked.graph.quantity_of(asked.index, other), asked.text
    if factor is None or factor.kind is not Kind.COUNT or len(factor.mentions) != 1:
        return
    start, end = (place - asked.start for place in factor.mentions[0])
    match = _NOUN.match(text, end)
    if start < asked.how or match is None or _THE.search(text[:start]):
        return
    if re.search(r"\b(?:is|are|equals|equal to) \Z|\btake [A-Z]?[a-z]+ to \Z", text[:start]):
        return  # "if a foot is 12 inches"
    noun = match[2] if singular(match[2]) == factor.thing else match[1].strip(" -")
    behind = text[match.start(2 if noun == match[2] else 1) + len(noun) :]
    if noun not in (factor.thing + "s", plural(factor.thing)) or _OF_ALL.match(behind):
        return
    before = re.sub(r"\bdo \Z", "does ", text[:start])
    yield from asked.edit(before + "one of " + text[start:], last)


def _is_of_one_kind(asked: Asked, last: int) -> bool:
    """Whether the result before the last one measures the same: both are money, or count the same."""
    equation = asked.graph.solution.equations[last]
    parts = asked.graph.solution.steps[equation.step]
    money = bool(currency(parts, equation.result_place))
    things = thing_of(asked.graph, (last,)), thing_of(asked.graph, (asked.index,))
    return money == asked.is_money and (money or (things[0] == things[1] != ""))


def _all(asked: Asked, last: int) -> Iterator[Edit]:
    """How much all get, for how much each gets."""
    if not _is_of_one_kind(asked, last):
        return
    all_of_them = ""  # "each person" may be of friends: then there are no people
    if match := _THEY_EACH.search(asked.text):
        before, verb, rest, condition = match.groups()
        twin = f"{before} {verb}{rest} in total{_kept(condition)}?"
    elif match := _IN_EACH.search(asked.text):
        before, noun, condition = match.groups()
        rest = before
        all_of_them = plural(noun)
        twin = f"{before} the {all_of_them} in total{_kept(condition)}?"
    elif match := _EACH.search(asked.text):
        how, aux, noun, verb, rest, condition = match.groups()
        who = "they" if noun == "of them" else noun.removeprefix("of ")
        if noun[:3] != "of ":
            all_of_them = plural(noun)
            who = f"the {all_of_them}"
        twin = f"{how} {'do' if aux == 'does' else aux} {who} {verb}{rest} in total{_kept(condition)}?"
        rest += f" {noun.removeprefix('of ')}" if noun != "of them" else ""
    else:
        return
    if _NOT_SO.isdisjoint(rest.split()) and "average" not in asked.text and all_of_them in asked.graph.question.text:
        yield from asked.edit(asked.text[: match.start()] + twin, last)


def _kept(condition: str) -> str:
    """A condition, without "if they split it evenly"."""
    return "" if re.search(r"\b(?:split|divid|shar|equal|even)", condition) else condition


def _each(asked: Asked, last: int, other: int) -> Iterator[Edit]:
    """How much each gets, for how much all get."""
    equation = asked.graph.solution.equations[last]
    said = "".join(asked.graph.solution.steps[equation.step])
    plain = TOTAL.sub("", asked.text)
    match = _ALL.search(plain)
    if match is None or not re.search(r"\b(?:each|every|per|apiece|a)\b", said) or not _is_of_one_kind(asked, last):
        return
    how, what, aux, who, verb, rest = match.groups()
    factor = asked.graph.quantity_of(asked.index, other)
    if verb not in PAST_OF or not _NOT_SO.isdisjoint((*rest.split(), *asked.text.split())) or factor is None:
        return
    if who == "they" and (plain == asked.text or factor.kind is not Kind.COUNT):
        return
    if who != "they" and singular(who.split()[-1]) != factor.thing:
        return
    each = "each of them" if who == "they" else "each of " + who.removeprefix("all ")
    aux = "does" if aux == "do" else aux
    yield from asked.edit(plain[: match.start()] + f"{how}{what} {aux} {each} {verb}{rest}?", last)


def recognised(read: Difference) -> bool:
    """One concludes where the other goes on; one is asked for several, or each for all."""
    return read.ends and bool({"one", "each", "total"} & (read.gone + read.new).keys())


FAMILY = Family(
    name="one_for_several",
    stands_for="another thing answered than asked: one for several, or all for each",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/1646",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
