"""Two quantities of a kind are exchanged: the pages of Monday for those of Tuesday."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.question import SMALL, TIMES, Kind, Quantity
from prm_gsm8k.synthetic.solve import Change
from prm_gsm8k.synthetic.wording import around, is_editable, says_which_is_most

_WITH_UNIT = frozenset(
    (Kind.COUNT, Kind.MONEY, Kind.TIME, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.RATE, Kind.DIFFERENCE)
)
_PURE = frozenset((Kind.MULTIPLIER, Kind.PERCENTAGE, Kind.SHARE))  # numbers without a unit
_ORDERED = re.compile(
    r"\b(?:increas|decreas|rais|ros|drop|reduc|higher|lower|grew|fell|up to|down to|only|maxim|minim|capacity)\w*\b"
)
_IS_PART = re.compile(r" of (?:them|these|those)\b")  # no more than all of them
# Which of two is the cheaper one may change.
_CHEAPER = re.compile(
    r"\b(?:cheap|expens|larg|small|bigg|heavi|light|long|short|tall|low|high)(?:er|ive) (?:pair|one|of)\b"
)
_WHOLE = re.compile(r"\b(?:all|total of|all the|all of the) \Z")
_TAKEN = re.compile(
    r"\b(?:sold|sells?|ate|eats?|gave|gives?|los[et]s?|us(?:ed|es?)|shared?|broken?|took|takes?|remov\w+|spen[dt]s?|threw|cuts?"
    r"|died|quit|left|leave)(?: (?!and\b)[a-z]+){0,2} \$?\Z"
)
_MOST = 4  # of two quantities that are exchanged the larger is at most so many times the other


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    text = question.text
    if _CHEAPER.search(text) or says_which_is_most(text):
        return
    able = [i for i, q in enumerate(question.quantities) if q.kind in _WITH_UNIT | _PURE and is_editable(graph, i)]
    pairs = [pair for pair in combinations(able, 2) if _alike(text, *(question.quantities[i] for i in pair))]
    rng.shuffle(pairs)
    for i, j in pairs:
        a, b = question.quantities[i], question.quantities[j]
        (s, e), (t, f) = a.mentions[0], b.mentions[0]
        if len(a.mentions) > 1 or len(b.mentions) > 1 or _ORDERED.search(around(text, s, e) + around(text, t, f)):
            continue
        if any(_IS_PART.match(text, end) for end in (e, f)) or _WHOLE.search(text[:s]) or _WHOLE.search(text[:t]):
            continue
        less, more = (s, t) if a.value < b.value else (t, s)
        if _TAKEN.search(text[:less]) and not _TAKEN.search(text[:more]):
            continue  # nobody sells 10 of 7
        if any(q.value in (a.value, b.value) for n, q in enumerate(question.quantities) if n not in (i, j)):
            continue  # which may be one of the two, said again
        if (text[s:e].lower() in TIMES) != (text[t:f].lower() in TIMES):
            continue  # "twice times the size"
        first, second = text[t:f], text[s:e]
        if a.spelled != b.spelled:
            if type(a.value) is not int or type(b.value) is not int or not max(a.value, b.value) < len(SMALL):
                continue
            first, second = (SMALL[b.value], str(a.value)) if a.spelled else (str(b.value), SMALL[a.value])
        first = first.capitalize() if second[0].isupper() and first[0].isalpha() else first.lower()
        second = second.lower()
        twin = question.edited({(s, e): first, (t, f): second})
        shift = len(first) - (e - s)
        yield Edit(
            twin,
            Change(quantities={i: b.value, j: a.value}),
            f'{around(text, s, e)}" and "{around(text, t, f)}',
            f'{around(twin, s, s + len(first))}" and "{around(twin, t + shift, t + shift + len(second))}',
        )


# The word that a number follows, which is no verb.
_NO_VERB = frozenset(
    "the a an of for and with to at in his her their by from than or on only about each every is".split()
)
_BEFORE = re.compile(r"([a-z]+)(?: (?:another|about|only|over|exactly|all|the|his|her))? \$?\Z")


def _alike(text: str, a: Quantity, b: Quantity) -> bool:
    """Whether two quantities can be taken for one another: the same kind of the same thing, and about as much."""
    if a.kind is not b.kind or a.value == b.value or not 0 < a.value <= _MOST * b.value <= _MOST * _MOST * a.value:
        return False
    if a.kind is Kind.PERCENTAGE and max(a.value, b.value) > 1:
        return False
    squares = [text.startswith(" square", q.mentions[0][1]) for q in (a, b)]
    if squares[0] != squares[1]:
        return False  # 5 square feet are no length
    if a.kind is Kind.COUNT and a.sentence == b.sentence:
        return True  # 5 apples and 3 pears
    if a.kind in _PURE or (a.thing == b.thing != "" and (a.thing != "dollar" or _paid_alike(text, a, b))):
        return True
    # "picked 5 pears. Ben picked 8 apples": told in the same words
    told = [_BEFORE.search(text[: q.mentions[0][0]]) for q in (a, b)]
    return a.kind is Kind.COUNT and all(told) and told[0][1] == told[1][1] and told[0][1] not in _NO_VERB  # type: ignore[index]


_PAID_FOR = re.compile(r"(?:[.,]\d+)*(?: (each|apiece|off|fee)\b|(?: [a-z]+)?(?: (?:an?|per|each|every) |/)([a-z]+))?")


def _paid_alike(text: str, a: Quantity, b: Quantity) -> bool:
    """Whether two sums of money are for the same: both a piece or an hour, or both in one sentence, and no fee."""
    paid = [_PAID_FOR.match(text, q.mentions[0][1]).group(1, 2) for q in (a, b)]  # type: ignore[union-attr]
    return paid[0] == paid[1] and (a.kind is not Kind.MONEY or a.sentence == b.sentence)


def recognised(read: Difference) -> bool:
    """The same words and numbers, in another order; a number may be spelled where it was written in digits."""
    return sorted(map(_value, read.gone.elements())) == sorted(map(_value, read.new.elements()))


def _value(word: str) -> str:
    return str(SMALL.index(word)) if word in SMALL else word


FAMILY = Family(
    name="quantities_exchanged",
    stands_for="two quantities, persons or stages mixed up",
    thought='exchanges "{said}"',
    thought_back='exchanges "{said}"',
    example="gsm8k/train/6395",
    edits=edits,
    recognised=recognised,
    share=0.7,
)
