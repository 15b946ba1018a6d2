"""Somebody or something else is asked for: "How many has Al?" for "How many has Bo?", the girls for the boys.

Also one of two for both of them. The twin's solution ends with the step that answers it. The other way round it goes
on, past what was asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from prm_gsm8k.synthetic.asked import TOTAL, Asked, currency, does_so, ends, read_asked, thing_of, whose
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.question import SPELLED, names_in, singular
from prm_gsm8k.synthetic.units import SMALLER
from prm_gsm8k.synthetic.wording import says_what_is_needed

_DAYS = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_MONTHS = re.compile(r"\b(?:January|February|March|April|June|July|August|September|October|November|December)\b")
_ORDINALS = re.compile(r"\b(?:first|second|third|fourth|fifth|last)\b(?! (?:two|three|four|five|\d))")
_COLORS = re.compile(r"\b(?:red|blue|green|yellow|white|black|pink|purple|orange|brown|gray|silver|gold)\b")
_SIZES = re.compile(
    r"\b(?:small|medium|large|big|(?:small|larg|bigg|old|young|tall|short|long|heavi|light|fast|slow|cheap)(?:er|est))\b"
)
_PEOPLE = re.compile(r"\b(?:boys|girls|men|women|adults|children|kids|teachers|students|males|females|parents)\b")
# Ways of telling things apart: those of one way can stand for one another.
_WAYS: tuple[Callable[[str], list[str]], ...] = (
    names_in, _DAYS.findall, _MONTHS.findall, _ORDINALS.findall, _COLORS.findall, _PEOPLE.findall, _SIZES.findall,
)  # fmt: skip
_MOVES = re.compile(
    r"\b(?:g[ai]v(?:e|es|en|ing)|los(?:e|es|t)|lent|lends?|sells?|sold|eats?|ate|tak(?:e|es|ing)|took|trad\w+|shar\w+"
    r"|receiv\w+|borrow\w+|transfer\w*|spen[dt]s?|us(?:e|es|ed))\b"
)
_NOT_SO = re.compile(
    r"\b(?:he|she|his|her|him|they|their|more|less|fewer|than|both|each|all|left|remain\w*|exceed|will|years|one of)\b"
)
_UNITS = frozenset(unit for larger, _, smaller in SMALLER for unit in (larger, smaller))
_NOUN = re.compile(r"\b([Hh]ow many )([a-z]+)( (?:are|were|did|does|do|will|can)\b[^?]*\?)\Z")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    asked = read_asked(graph)
    if asked is None:
        return
    found: list[Edit] = []
    for last in ends(asked):
        found += _of_both(asked, last)
        if not TOTAL.search(asked.text):
            found += _another(asked, last)
            found += _another_noun(asked, last)
    often = Counter(edit.question for edit in found)
    yield from (edit for edit in found if often[edit.question] == 1)  # else two steps seem to answer it


def _says(asked: Asked, index: int) -> str:
    return "".join(asked.graph.solution.steps[asked.graph.solution.equations[index].step])


def _is_alike(asked: Asked, last: int) -> bool:
    """Whether the last two results measure the same."""
    parts = asked.graph.solution.steps[asked.graph.solution.equations[last].step]
    money = bool(currency(parts, asked.graph.solution.equations[last].result_place))
    things = thing_of(asked.graph, (last,)), thing_of(asked.graph, (asked.index,))
    return money == asked.is_money and (money or things[0] == things[1])


def _moves(asked: Asked, clause: str) -> bool:
    """Whether what somebody has may have changed since the step that says it."""
    words = re.findall("[a-z]+", clause)
    return not {"have", "keep", "get", "receive"}.isdisjoint(words) and bool(_MOVES.search(asked.graph.question.text))


_NOT = re.compile(r"\bnot\b|n['’]t\b")


def _denies(asked: Asked, last: int, clause: str) -> bool:
    """Whether only one of a step and a question says "not"."""
    return bool(_NOT.search(clause)) != bool(_NOT.search(_says(asked, last)))


def _is_another_time(asked: Asked, last: int, name: str) -> bool:
    """Whether this step speaks of another time than the question, or a later one of the same person."""
    later = asked.graph.solution.equations[last + 1 : asked.index]
    steps = {equation.step for equation in later} - {asked.graph.solution.equations[last].step}
    own = ("".join(asked.graph.solution.steps[step][:1]) for step in steps)
    return bool(_TIME.search(_says(asked, last))) or any(text.startswith(name) for text in own)


_TIME = re.compile(r"\b(?:[Ii]n|[Aa]fter) [a-z0-9]+ years\b|\bago\b|\bwill be\b")


def _is_said(asked: Asked, name: str) -> bool:
    """Whether the question itself says how many somebody has: "If Al has 5 pens"."""
    more = r"(?:[a-z]+ )?(?:more|fewer|less|times|younger|older|lighter|heavier|taller|shorter)\b"
    number = rf"(?:\$?\d[\d,.]*+|{'|'.join((*SPELLED, 'a dozen'))})"
    owned = rf"\b{name}(?:['’]s? [a-z]+)?(?: [a-z]+){{1,2}} {number}(?! {more})"
    return bool(re.search(owned, asked.graph.question.text))


def _speaks_of(asked: Asked, last: int, clause: str, name: str) -> bool:
    """Whether an earlier step says what this asks, but of somebody else: it has all words of some length."""
    said = _says(asked, last).lower()
    known = {singular(name.lower()), thing_of(asked.graph, (asked.index,)), "there", "money", "calculate", "currently"}
    owned = bool(re.search(r"['’]s\b", clause)) or not re.search(
        r"[A-Z][a-z]+['’]s [a-z]+ (?:has|had|have|is)\b", _says(asked, last)
    )
    words = (word for word in re.findall("[a-z]{5,}", clause.lower()) if singular(word) not in known)
    return owned and all(word[:4] in said for word in words)


def _another(asked: Asked, last: int) -> Iterator[Edit]:
    """Another name, day, colour or the like, whose step is the one before the last."""
    clause = asked.text[asked.how :]
    if _NOT_SO.search(clause) or not _is_alike(asked, last) or re.match("[Hh]ow many are ", clause):
        return  # "How many are girls?" is asked of the students
    for way in _WAYS:
        named = way(clause)
        others = set(way(_says(asked, last)))
        own = set(way(_says(asked, asked.index)))
        if len(named) != 1 or len(others) != 1 or named[0] in others or named[0] not in own:
            continue
        other, name = others.pop(), named[0]
        if re.search(rf"\b(?:dark|light|bright|pale) {name}\b", clause) or _denies(asked, last, clause):
            continue
        if way is names_in:
            if (
                whose(asked.graph, (last,), [other]) != other
                or _moves(asked, clause)
                or _is_another_time(asked, last, other)
            ):
                continue
        if not _speaks_of(asked, last, clause, name):
            continue
        if not re.search(rf"\b{other}\b", asked.graph.question.text) or _is_said(asked, other):
            continue
        if says_what_is_needed(asked.graph, last, asked.start + asked.how):
            continue
        yield from asked.edit(asked.text[: asked.how] + re.sub(rf"\b{name}\b", other, clause), last)


def _another_noun(asked: Asked, last: int) -> Iterator[Edit]:
    """Roses for tulips: what the step before the last counts."""
    match = _NOUN.search(asked.text)
    if match is None or _NOT_SO.search(match[0]) or not set(asked.final.operators) <= {"+", "-"}:
        return
    parts = asked.graph.solution.steps[asked.graph.solution.equations[last].step]
    tail = re.match(r" ([a-z]+)\b", parts[asked.graph.solution.equations[last].result_place + 1])
    how, noun, rest = match.groups()
    if tail is None or not tail[1].endswith("s") or not noun.endswith("s") or noun in _UNITS:
        return
    if singular(noun) == singular(tail[1]) or thing_of(asked.graph, (asked.index,)) != singular(noun):
        return
    if not re.search(rf"\b{tail[1]}\b", asked.graph.question.text) or tail[1] in rest:
        return
    if not _speaks_of(asked, last, rest, noun) or _denies(asked, last, rest):
        return
    # "12 flowers that are red" are not all the flowers there are
    behind = parts[asked.graph.solution.equations[last].result_place + 1][tail.end() :]
    if re.match(r" (?:are|were)\b", rest) and re.match(r",? (?:that|which|who)\b", behind) and not _NOT.search(rest):
        return
    if not re.match(r" (?:are|were)\b", rest) and not does_so(_says(asked, last), rest):
        return
    yield from asked.edit(asked.text[: match.start()] + f"{how}{tail[1]}{rest}", last)


_TOGETHER = re.compile(
    r"\b([Hh]ow (?:many|much)(?: [a-z]+){0,4}?) (do|does|did|will|would|have|can) "
    r"((?:they|the (?:two|three|four)(?: of them| [a-z]+s)?|all(?: of them)?|both(?: of them)?"
    r"|[A-Z][a-z]+ and [A-Z][a-z]+|[A-Z][a-z]+, [A-Z][a-z]+,? and [A-Z][a-z]+)) ([a-z]+)((?: [a-z]+){0,6})\?\Z"
)


def _of_both(asked: Asked, last: int) -> Iterator[Edit]:
    """How many one of them has, for how many they have together."""
    plain = asked.text[: asked.how] + TOTAL.sub("", asked.text[asked.how :])
    match = _TOGETHER.search(plain)
    if match is None or plain == asked.text or set(asked.final.operators) != {"+"} or not _is_alike(asked, last):
        return
    how, aux, _, verb, rest = match.groups()
    names = list(dict.fromkeys(names_in(_says(asked, last))))
    everybody = set(names_in(asked.graph.question.text))
    name = next((n for n in names if whose(asked.graph, (last,), [n]) == n), "")
    if re.search(rf"\b{name}['’]s\b", _says(asked, last)):
        return  # of her brother
    if not name or len(everybody) < 2 or name not in everybody or (last,) not in asked.graph.sources[asked.index]:
        return
    if (
        _is_said(asked, name)
        or _moves(asked, verb)
        or re.search(r"\b(?:more|less|fewer|than|their|they are|each|and)\b", how + rest)
        or "total" in _says(asked, last)
    ):
        return
    aux = {"do": "does", "have": "has"}.get(aux, aux)
    yield from asked.edit(plain[: match.start()] + f"{how} {aux} {name} {verb}{rest}?", last)


def recognised(read: Difference) -> bool:
    """One concludes where the other goes on, and one of two stands for the other or for both."""
    return read.ends and bool(read.gone | read.new)


FAMILY = Family(
    name="another_one",
    stands_for="the wrong object: somebody or something else than was asked for",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/936",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
