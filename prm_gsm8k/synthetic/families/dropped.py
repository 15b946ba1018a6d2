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
_WORD = re.compile(r"[A-Za-z]{4,}|[A-Z]{2,}")
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
# "each black cartridge costs $27": one that was spoken of before, which has no price then
_PRICES = re.compile(
    r"[ ,]*(?:and |but |while )*(?:[Ee]ach|[Ee]very|[Tt]he|[Oo]ne|[Aa]n?)? ?((?:[a-z-]+ ){1,4}?)"
    r"(?:can |will |has |had |have )?(?:costs?|is|was|are|were|weighs?|sells?|takes?|gets?|lasts?|eats?|\$)"
)
_LETTERS = re.compile(r"[a-z-]+")
_SHORT = frozenset("of for the and in at on to with a an his her its their is was set pair pairs".split())
_LETTER = re.compile(r"\b[B-HJ-Z]\b")
_EVERY = re.compile(r"\b(?:every|each|per|a) (?:day|morning|afternoon|evening|night|week|month|year)\b")
_HE = re.compile(r"(?:He|She|His|Her)\b")
_CORRECTS = re.compile(r"However|\b(?:only|instead|actually)\b")
_WHAT_IS_LEFT = re.compile(r"\b(?:left|remain\w*|not used|unused|still|read|showed|indicated|all but)\b")
OF_WHAT_IS_LEFT = re.compile(
    r"\b(?:left|remain\w*|now|pay|paid|costs?|spen[dt]|end|still|have(?! to)|has(?! to)|profit|earn|make|made|need\w*"
    r"|more|attend\w*|get)\b"
)
_REST = re.compile(r"\b(?:remain\w*|rest|left)\b")
_POINTS = re.compile(r"\b(?:this|these|those|such) [a-z]+")
_FIRST_SENTENCE = re.compile(r"[.?!] ")
_TAKES_AWAY = re.compile(
    r"\b(?:left|remain\w*|still|more|change|leftover|unsold|between|difference|short|over|discount|lose|lost"
    r"|give away)\b"
)
_RISES = re.compile(r"\b(?:increas|ris|rose|rais|decreas|drop|reduc|new pric|older|younger|taller|shorter)\w*")
_RATED = re.compile(
    r"\b(?:(discount|coupon|off|sale|tax(?=es\b|\b)|tip|fee|interest|raise|bonus|commission|increase|decrease|reduc"
    r"|surcharge|markup|charge)(?:s|d|es|ed|ing|tion)?)\b"
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
        if {question.quantities[i].value for i in inside} & {
            q.value for i, q in enumerate(question.quantities) if i not in inside and q.value != 1
        }:
            continue  # which of the two a step means is not certain enough
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


def asked_without(graph: Graph, cut: Cut) -> str:
    """What the last sentence asks without what is cut."""
    question = graph.question
    start = question.sentences[-1][0]
    asked = cut.of(question.text)[min(start, cut.start) :] if cut.end > start else question.text[start:]
    return asked[max(0, *(asked.lower().rfind(word) for word in ("how ", "what "))) :]


def _leaves_open(graph: Graph, change: Change, cut: Cut) -> bool:
    """Whether what is asked needs the part: the price of one that is still there, what it is that increases."""
    text, equations = graph.question.text, graph.solution.equations
    left_out, before, after = text[cut.start : cut.end], text[: cut.start], text[cut.end :]
    if (match := _PRICES.match(left_out)) and not (set(match[1].split()) - _PLAIN - _SHORT).isdisjoint(
        _LETTERS.findall(before)
    ):
        return True
    if _CORRECTS.search(left_out) and cut.start in {start for start, _ in graph.question.sentences}:
        return True  # "However, she did only 19": what she did then is not said any more
    if not set(_RATED.findall(left_out)).isdisjoint(_RATED.findall(before + after)):
        return True
    if re.search(r"\bstill\b", _FIRST_SENTENCE.split(after)[0]) and not asked_without(graph, cut).startswith(
        after[:20]
    ):
        return True  # what is still owed
    if _EVERY.search(left_out) and cut.start not in {start for start, _ in graph.question.sentences}:
        return True  # a latte and a croissant every morning
    if _HE.match(after) and not set(names_in(left_out)) <= set(names_in(before)):
        return True  # of whom it is told for the first time
    joints = {e: operand for e, operand in change.gone.items() if operand >= 0}
    if _RISES.search(left_out) and any(
        len(graph.uses.get(s, ())) > 1 for e, operand in joints.items() for s in graph.sources[e][operand]
    ):
        return True  # it rises by 34, and how much it was is counted beside it
    if re.search(r"\b(?:the|his|her|their|its) new\b", asked_without(graph, cut)):
        return True  # what makes it new is gone
    taken = any("-" in equations[e].operators for e in joints)
    if _WHAT_IS_LEFT.search(left_out) and not _WHAT_IS_LEFT.search(asked_without(graph, cut)):
        return True  # what is left tells what was used
    if taken and not OF_WHAT_IS_LEFT.search(asked_without(graph, cut).lower()):
        return True  # what the others of a total come to
    # Doug, Kai and Eli: of whom nothing else is said, but who are asked for
    return any(
        re.search(rf"\b{name}\b", before) and not re.search(_OWN_NUMBER.format(name), before + "." + after)
        for name in (*names_in(left_out), *_LETTER.findall(left_out))
    )


# "Dawn has 40", not "Dawn, Lydia and Donna have a total of 200"
_OWN_NUMBER = r"\b{}\b(?:(?! and |[A-Z])[^.,;?!])*?(?:\d|\b(?:" + "|".join((*SPELLED, *TIMES, "half")) + r")\b)"


def stands_without(graph: Graph, change: Change, cut: Cut) -> bool:
    """Whether nothing else speaks of what is cut out of the question, nor of how many parts there are.

    That goes for the rest of the question and for the steps that follow the change.
    """
    solution, question, text = graph.solution, graph.question, graph.question.text
    left_out, before, after = text[cut.start : cut.end], text[: cut.start], text[cut.end :]
    asked = asked_without(graph, cut)
    whole_sentence = cut.start in {start for start, _ in question.sentences}
    if whole_sentence and _POINTS.search(_FIRST_SENTENCE.split(after)[0]):
        return False
    if whole_sentence and not change.dropped and _REST.search(after.rpartition(". ")[0]):
        return False
    if _leaves_open(graph, change, cut) or "respectively" in left_out or _ALL.search(before + after):
        return False
    if (
        _ALL_OF_THEM.search(after)
        or _counts_parts(graph, change, left_out)
        or re.search(r"\b(?:average|mean)\b", before + after)
    ):
        return False
    kept = [e for i, e in enumerate(solution.equations) if i not in change.gone]
    if _TAKES_AWAY.search(asked) and not any("-" in e.operators for e in kept):
        return False
    spoken = set(map(singular, _WORD.findall(before + " . " + after))) - _things(graph, cut, False)
    if not _things(graph, cut, True).isdisjoint(spoken):
        return False
    gone = {solution.equations[e].step for e in change.gone}
    prose = " ".join("".join(parts) for n, parts in enumerate(solution.steps) if n not in gone)
    names = set(names_in(left_out)) - set(names_in(before))
    if not names.isdisjoint(names_in(after + " . " + prose)):
        return False
    if not set(_ONE.findall(left_out)).isdisjoint(re.findall("[a-z]+", asked)):
        return False
    if not set(_ORDINAL.findall(left_out)).isdisjoint(_ORDINAL.findall(after)):
        return False
    if names and _SEVERAL.search(asked) and len(set(names_in(cut.of(text)))) < 2:
        return False
    words = _content(left_out) - _content(before)
    return words.isdisjoint(_content(after)) and words.isdisjoint(_content(prose)) and not _ALL.search(prose)


def _things(graph: Graph, cut: Cut, inside: bool) -> set[str]:
    """What the quantities inside, or outside, of a cut count."""
    quantities = graph.question.quantities
    return {q.thing for q in quantities if (cut.start <= q.mentions[0][0] < cut.end) is inside} - {""}


def _counts_parts(graph: Graph, change: Change, left_out: str) -> bool:
    """Whether the question says how many parts there are, by a number that is used for nothing else."""
    joints = {e for e, _ in change.dropped} | {e for e, operand in change.gone.items() if operand >= 0}
    terms = {len(graph.solution.equations[joint].operands) + more for joint in joints for more in (-1, 0, 1)} - {1}
    asked = len(graph.question.sentences) - 1
    return any(
        q.value in terms
        and not graph.feeds(i)
        and (
            q.sentence == asked
            or q.kind is Kind.TIME
            or not graph.is_open(quantity_source(i))
            or (q.thing != "" and q.thing in left_out)
        )
        for i, q in enumerate(graph.question.quantities)
    )


def _content(text: str) -> set[str]:
    """The words that say what a text is about."""
    return {word.rstrip("s") for word in map(str.lower, _WORD.findall(text)) if word not in _PLAIN}


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
    example="gsm8k/train/4489",
    edits=edits,
    recognised=recognised,
    share=0.5,
)
