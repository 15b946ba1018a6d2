"""A part is left out: a sentence, a clause or an item of a list, whose number only adds a term or takes one away.

The other way round it is counted although the question does not say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.cuts import Cut, cuts, is_factor
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import WORLD, Graph, quantity_source
from prm_gsm8k.synthetic.question import SHARES, SPELLED, TIMES, Kind, Question, names_in, singular
from prm_gsm8k.synthetic.solve import Change

_ALL = re.compile(
    r"\b(?:both|(?:all|the|these|those|all the|all of the) (?:two|three|four|five|six|\d)|respectively"
    r"|combined total of)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{4,}")
_PLAIN = frozenset(
    "that this with from they their have been were each every what much many more than some also then which when will "
    "would other after before there these those buys bought cost costs spend spends spent gets makes sold sells needs "
    "total into over only about them does having gave gives took takes another wants uses used during while because "
    "dollars money hours minutes pounds days week weeks month time times first second third last next "
    "going went dollar".split()
)
_NEEDED = re.compile(
    r"\b(?:total|same|legs|both|average|(?:the|all) (?:other|rest|remaining)s?)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(r"\b(?:more|less|fewer|than|\w+er than)\b")  # 20% less is something else's, not taken away
_THAN = re.compile(r"\b(?:than|less|fewer|longer|shorter|older|younger|taller|higher|lower|faster|slower|cheaper)\b")
_FROM_THE_END = re.compile(
    r"\b(?:at first|originally|initially|(?:begin|start)\w* with|at the beginning|to start|in the beginning|before)\b"
)
_ALL_OF_THEM = re.compile(r"\b(?:both|all of (?:them|these|those)|they all|each of (?:them|these|those))\b")
_SEVERAL = re.compile(r"\b(?:they|their|them|together|combined|altogether|total of the)\b")
_ONE = re.compile(
    r"\b(?:an?|each|per) (?!hour|day|week|month|year|pound|gallon|minute|mile|dozen|total|pair)([a-z]{3,})"
)
_ORDINAL = re.compile(r"\b(?:first|second|third|fourth|fifth|last|final)\b")
_REST = re.compile(r"\b(?:remain\w*|rest|left)\b")
_POINTS = re.compile(r"\b(?:this|these|those|such) [a-z]+")
_FIRST_SENTENCE = re.compile(r"[.?!] ")
_TAKES_AWAY = re.compile(
    r"\b(?:left|remain\w*|still|more|change|leftover|unsold|between|difference|short|over|discount|lose|lost"
    r"|give away)\b"
)
_RISES = re.compile(r"\b(?:increas|ris|rose|rais|decreas|drop|reduc|new pric|older|younger|taller|shorter)\w*")
_RATED = re.compile(
    r"\b(?:discount|coupon|off|sale|tax(?:es)?|tip|fee|interest|raise|bonus|commission|increase[sd]?|decrease[sd]?"
    r"|reduc\w+|surcharge|markup|charge)\b"
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    for cut, inside in without(graph.question):
        left = Left(graph, cut, inside)
        change = left.change()
        if change is not None and stands_without(graph, change, cut):
            yield Edit(cut.of(graph.question.text), change, said(graph, cut), "")


def said(graph: Graph, cut: Cut) -> str:
    """What is left out, as a reason quotes it."""
    return graph.question.text[cut.start : cut.end].strip(" ,.").replace('"', "'")


@lru_cache(maxsize=2)  # two families ask
def without(question: Question) -> list[tuple[Cut, frozenset[int]]]:
    """What can be cut out of a question, each with the quantities that stand there and nowhere else."""
    if _FROM_THE_END.search(question.sentence(len(question.sentences) - 1)):
        return []
    found = []
    for cut in cuts(question):
        mentions = [[cut.start <= a < cut.end for a, _ in q.mentions] for q in question.quantities]
        inside = frozenset(i for i, places in enumerate(mentions) if any(places))
        if not inside or not all(all(mentions[i]) for i in inside):
            continue
        left_out = question.text[cut.start : cut.end]
        shares = any(question.quantities[i].kind in (Kind.PERCENTAGE, Kind.SHARE) for i in inside)
        if (_NEEDED.search(left_out) and not is_factor(cut, question.text)) or (shares and _COMPARES.search(left_out)):
            continue
        found.append((cut, inside))
    return found


def _may_be_factor(graph: Graph, cut: Cut, inside: frozenset[int]) -> bool:
    """Whether what is cut multiplies: a discount, a tax, a time that something lasts."""
    text = graph.question.text
    kinds = {graph.question.quantities[i].kind for i in inside}
    if kinds <= {Kind.PERCENTAGE, Kind.SHARE}:
        return bool(_RATED.search(text[cut.start : cut.end]))
    return is_factor(cut, text) and len(inside) == 1


class Left:
    """What is left of a solution without some quantities: what only they feed goes, and sums lose a term.

    Attributes:
        gone: equations that go, each with the operand that stands for it, or -1.
        dropped: operands that go.
        joints: the equations that lose an operand.
        bases: what the parts that go are a share of, or more than; it must be counted itself.
    """

    def __init__(self, graph: Graph, cut: Cut, inside: frozenset[int]) -> None:
        self.graph = graph
        self.compares = bool(_THAN.search(graph.question.text, cut.start, cut.end))
        self.pure = {quantity_source(i) for i in inside}
        self.gone: dict[int, int] = {}
        self.dropped: set[tuple[int, int]] = set()
        self.joints: list[int] = []
        self.bases: set[tuple[int, ...]] = set()
        factor = _may_be_factor(graph, cut, inside)
        self.holds = all(self._follow(index, factor) for index in range(len(graph.solution.equations)))

    def _follow(self, index: int, factor: bool) -> bool:
        graph, pure = self.graph, self.pure
        own, equation = graph.sources[index], graph.solution.equations[index]
        feeds = [pure.issuperset(sources) for sources in own]
        if any(not fed and not pure.isdisjoint(sources) for fed, sources in zip(feeds, own, strict=True)):
            return False  # it may be the number that is gone, or another one
        if not any(feeds):
            return True
        multiplies = all(operator in "*/" for operator in equation.operators)
        # 5 more than Al has, and Al is counted himself
        differs = not multiplies and any(
            fed and (q := graph.quantity_of(index, o)) and (self.compares or q.kind is Kind.DIFFERENCE)
            for o, fed in enumerate(feeds)
        )
        shared = (s[0] >= 0 and len(graph.uses.get(s[0], ())) > 1 for fed, s in zip(feeds, own, strict=True) if not fed)
        if all(fed or sources == (WORLD,) for fed, sources in zip(feeds, own, strict=True)) or (
            (multiplies or differs) and all(shared)
        ):
            self.gone[index] = -1
            pure.add(index)
            self.bases |= {s for fed, s in zip(feeds, own, strict=True) if not fed and s != (WORLD,)}
            return True
        if equation.frozen or any(equation.opens) or differs:
            return False
        if multiplies:
            if not factor or any(fed and o and equation.operators[o - 1] == "/" for o, fed in enumerate(feeds)):
                return False
            if "/" in equation.operators:
                return False
        elif any(operator not in "+-" for operator in equation.operators) or (
            feeds[0] and equation.operators[0] == "-"
        ):
            return False
        others = [graph.quantity_of(index, operand) for operand, fed in enumerate(feeds) if not fed]
        if any(quantity and quantity.kind is Kind.DIFFERENCE for quantity in others):
            return False  # what another number is compared with
        if feeds[0] and feeds.count(False) == 1 and _RISES.search("".join(graph.solution.steps[equation.step])):
            return False  # the other number is only what it rises by
        self.joints.append(index)
        left = feeds.index(False)
        if feeds.count(False) > 1:
            self.dropped |= {(index, operand) for operand, fed in enumerate(feeds) if fed}
            return True
        self.gone[index] = left
        return not (left and equation.operators[left - 1] == "-")

    def change(self, ends: bool = False) -> Change | None:
        """The change of the graph, None where there is none. `ends`: whether the last equation is to go."""
        solution = self.graph.solution
        if not self.holds or not self.joints or (solution.final in self.gone) != ends:
            return None
        steps = {solution.equations[e].step for e in self.gone}
        if any(e.step in steps and i not in self.gone for i, e in enumerate(solution.equations)):
            return None
        kept = {s for joint in self.joints for s in self.graph.sources[joint] if not self.pure.issuperset(s)}
        if not self.bases <= kept:
            return None  # half of his clothes are taken back, and all of them are counted nowhere
        if any(m.step not in steps and not self.pure.isdisjoint(sources) for m, sources in self.graph.prose):
            return None  # a step that stays says the number
        return Change(gone=self.gone, dropped=frozenset(self.dropped))


def stands_without(graph: Graph, change: Change, cut: Cut) -> bool:
    """Whether nothing else speaks of what is cut out of the question, nor of how many parts there are.

    That goes for the rest of the question and for the steps that follow the change.
    """
    solution, question, text = graph.solution, graph.question, graph.question.text
    left_out, before, after = text[cut.start : cut.end], text[: cut.start], text[cut.end :]
    asked = cut.of(text)[-max(0, len(text) - max(question.sentences[-1][0], cut.end)) :]
    whole_sentence = cut.start in {start for start, _ in question.sentences}
    if whole_sentence and (
        _POINTS.search(_FIRST_SENTENCE.split(after)[0]) or re.search(r"\b(?:it|then|this)\b", asked * bool(cut.new))
    ):
        return False
    if whole_sentence and not change.dropped and _REST.search(after.rpartition(". ")[0]):
        return False
    if _ALL_OF_THEM.search(after) or _counts_parts(graph, change) or re.search(r"\b(?:average|mean)\b", before + after):
        return False
    kept = [e for i, e in enumerate(solution.equations) if i not in change.gone]
    if _TAKES_AWAY.search(asked) and not any("-" in e.operators for e in kept):
        return False
    if not _things(graph, cut, True).isdisjoint(set(map(singular, _WORD.findall(asked))) - _things(graph, cut, False)):
        return False
    gone = {solution.equations[e].step for e in change.gone}
    prose = " ".join("".join(parts) for n, parts in enumerate(solution.steps) if n not in gone)
    names = set(names_in(left_out)) - set(names_in(before))
    if not names.isdisjoint(names_in(after + " . " + prose)):
        return False
    if not set(_ONE.findall(left_out)).isdisjoint(re.findall("[a-z]+", asked)):
        return False
    if not set(_ORDINAL.findall(left_out)).isdisjoint(_ORDINAL.findall(asked)):
        return False
    if names and _SEVERAL.search(asked) and len(set(names_in(cut.of(text)))) < 2:
        return False
    words = _content(left_out) - _content(before)
    return words.isdisjoint(_content(after)) and words.isdisjoint(_content(prose)) and not _ALL.search(prose)


def _things(graph: Graph, cut: Cut, inside: bool) -> set[str]:
    """What the quantities inside, or outside, of a cut count."""
    quantities = graph.question.quantities
    return {q.thing for q in quantities if (cut.start <= q.mentions[0][0] < cut.end) is inside} - {""}


def _counts_parts(graph: Graph, change: Change) -> bool:
    """Whether the question says how many parts there are, by a number that is used for nothing else."""
    joints = {e for e, _ in change.dropped} | {e for e, operand in change.gone.items() if operand >= 0}
    terms = {len(graph.solution.equations[joint].operands) + more for joint in joints for more in (0, 1)}
    asked = len(graph.question.sentences) - 1
    return any(
        q.value in terms and not graph.feeds(i) and (q.sentence == asked or not graph.is_open(quantity_source(i)))
        for i, q in enumerate(graph.question.quantities)
    )


def _content(text: str) -> set[str]:
    """The words that say what a text is about."""
    return {word.rstrip("s") for word in _WORD.findall(text.lower()) if word not in _PLAIN}


def recognised(read: Difference) -> bool:
    """Words are gone, a number among them, and none are new."""
    return not read.new and any(
        word[0].isdigit() or word in SPELLED or word in SHARES or word in TIMES for word in read.gone
    )


FAMILY = Family(
    name="part_left_out",
    stands_for="a part, condition or deduction forgotten, or one counted that is not there",
    thought='leaves out "{said}"',
    thought_back='counts "{read}", which the question does not say',
    example="gsm8k/train/1715",
    edits=edits,
    recognised=recognised,
    share=1.0,
)
