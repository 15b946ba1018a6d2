"""A part is left out: a sentence, or an item of a list, whose number only adds a term to a sum or takes one away.

The other way round it is counted although the question does not say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.twins.edit import Edit, Family
from prm_gsm8k.synthetic.twins.graph import WORLD, Graph, quantity_source, spelled_in
from prm_gsm8k.synthetic.twins.question import SHARES, SPELLED, names_in
from prm_gsm8k.synthetic.twins.solve import Change

_BACK = re.compile(
    r"(?:It|They|This|That|These|Those|The (?:other|rest|remaining|first|second|latter)|Both|Each|Of (?:the|those|them)"
    r"|If (?:it|they|the)|Also|However|But|Then|After|Half|Another|One|On the|Later)\b"
)
_ALL = re.compile(
    r"\b(?:both|all (?:of|the|three|four|five|\d)|three|four|five|third|each of|respectively|combined total of)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{4,}")
_PLAIN = frozenset(
    "that this with from they their have been were each every what much many more than some also then which when will "
    "would other after before there these those buys bought cost costs spends spent gets makes sold sells needs total "
    "into over only about them does having gave gives took takes another wants uses used during while because dollars "
    "money hours minutes pounds days week weeks month time times first second third last next going went dollar".split()
)
_NEEDED = re.compile(
    r"\b(?:remain\w*|rest|left|other|total|same|as (?:many|much)|legs|each of|them|these|those|both|than|less|fewer"
    r"|times|average)\b",
    re.IGNORECASE,
)
_FROM_THE_END = re.compile(
    r"\b(?:at first|originally|initially|(?:begin|start)\w* with|at the beginning|to start|in the beginning|before)\b"
)
# The last item of a list: " and a pencil for $2."
_LAST = re.compile(r",? and (?!then\b|he\b|she\b|they\b|it\b)[^,.;?!]*\d[^,;?!]{0,60}?(?=\.(?: |\Z))")
_ITEM = re.compile(r", (?!and\b)([^,.;?!]*\d[^,.;?!]*)(?=, )")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question = graph.question
    if _FROM_THE_END.search(question.sentence(len(question.sentences) - 1)):
        return
    for start, end, twin in (*_sentences(graph), *_items(graph)):
        inside = frozenset(i for i, q in enumerate(question.quantities) if any(start <= a < end for a, _ in q.mentions))
        if not inside or any(
            not all(start <= a < end for a, _ in question.quantities[i].mentions) or graph.is_open(quantity_source(i))
            for i in inside
        ):
            continue
        if _NEEDED.search(question.text[start:end]):
            continue
        change = _without(graph, inside)
        if change is None or not _stands_without(graph, change, question.text, start, end):
            continue
        left_out = question.text[start:end].strip(" ,.")
        yield Edit(twin, change, left_out.replace('"', "'"), "")


def _stands_without(graph: Graph, change: Change, text: str, start: int, end: int) -> bool:
    """Whether nothing else speaks of what stands between two places of the question, nor of how many parts there are.

    That goes for the rest of the question and for the steps that follow the change.
    """
    solution = graph.solution
    left_out, before, after = text[start:end], text[:start], text[end:]
    words = _content(left_out) - _content(before)
    if not words.isdisjoint(_content(after)):
        return False
    if not change.dropped and re.search(r"\b(?:remain\w*|rest|left)\b", after.rpartition(". ")[0]):
        return False
    joint = next(iter({e for e, _ in change.dropped} | {e for e, operand in change.gone.items() if operand >= 0}))
    terms = len(solution.equations[joint].operands)
    counts = {str(terms), *spelled_in(terms), "average", "mean"}
    if not counts.isdisjoint(re.findall(r"[a-z]+|\d+", (before + after).lower())):
        return False
    first = min(solution.equations[e].step for e, _ in (*change.gone.items(), *change.dropped))
    gone = {solution.equations[e].step for e in change.gone}
    prose = " ".join("".join(parts) for n, parts in enumerate(solution.steps) if n >= first and n not in gone)
    return words.isdisjoint(_content(prose)) and not _ALL.search(prose)


def _content(text: str) -> set[str]:
    """The words that say what a text is about."""
    return {word.lower().rstrip("s") for word in _WORD.findall(text)} - _PLAIN


def _sentences(graph: Graph) -> Iterator[tuple[int, int, str]]:
    """Sentences that can go without being missed: nothing after them speaks of what only they bring in."""
    question = graph.question
    text = question.text
    for number in range(1, len(question.sentences) - 1):
        start, end = question.sentences[number]
        after = question.sentences[number + 1][0]
        sentence, behind = text[start:end], text[after:]
        if (
            not sentence.endswith(".")
            or _BACK.match(behind)
            or _ALL.search(question.sentence(len(question.sentences) - 1))
        ):
            continue
        if set(names_in(sentence)) - set(names_in(text[:start])):
            continue  # whoever is spoken of later is named there
        yield start, after, text[:start] + text[after:]


def _items(graph: Graph) -> Iterator[tuple[int, int, str]]:
    """Items in the middle of a list."""
    text = graph.question.text
    for match in _ITEM.finditer(text):
        sentence_start = max(text.rfind(". ", 0, match.start()) + 1, 0)
        first = text[sentence_start : match.start()]
        if not re.search(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b", first[-40:]):
            continue
        start, end = match.start(), match.end()
        if re.match(r", (?:how|what|if|then|she|he|they|it|but|so|who|which)\b", text[end:], re.IGNORECASE):
            continue
        if re.match(r"(?:how|what|if|then|she|he|they|it|but|so|who|which|after|he)\b", match[1], re.IGNORECASE):
            continue
        rest = text[end:]
        if rest.startswith(", and") and "," not in first:
            rest = rest[1:]
        yield start, end, text[:start] + rest
    for match in _LAST.finditer(text):
        first = text[max(text.rfind(". ", 0, match.start()) + 1, 0) : match.start()]
        if re.search(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b", first) and not re.search(
            r"\b(?:between|[Ii]f|[Hh]ow|When|both|either)\b", first
        ):
            yield match.start(), match.end(), text[: match.start()] + text[match.end() :]


def _without(graph: Graph, inside: frozenset[int]) -> Change | None:
    """What is left of the solution without some quantities: what only they feed goes, and one sum loses a term."""
    solution = graph.solution
    pure = {quantity_source(i) for i in inside}
    gone: dict[int, int] = {}
    dropped: set[tuple[int, int]] = set()
    joined = False
    for index, equation in enumerate(solution.equations):
        own = graph.sources[index]
        feeds = [len(sources) == 1 and sources[0] in pure for sources in own]
        if not any(feeds):
            continue
        if all(fed or WORLD in sources for fed, sources in zip(feeds, own, strict=True)) or (
            all(operator in "*/" for operator in equation.operators)
            and all(fed or (s[0] >= 0 and len(graph.uses.get(s[0], ())) > 1) for fed, s in zip(feeds, own, strict=True))
        ):
            if index == solution.final:
                return None
            gone[index] = -1
            pure.add(index)
            continue
        if joined or equation.frozen or any(operator not in "+-" for operator in equation.operators):
            return None
        if any(equation.opens) or feeds.count(False) < 1 or (feeds[0] and equation.operators[0] == "-"):
            return None
        joined = True
        left = feeds.index(False)
        if feeds.count(False) == 1:
            if (left and equation.operators[left - 1] == "-") or index == solution.final:
                return None
            gone[index] = left
        else:
            dropped = {(index, operand) for operand, fed in enumerate(feeds) if fed}
    if not joined:
        return None
    steps = {solution.equations[e].step for e in gone}
    if any(e.step in steps and i not in gone for i, e in enumerate(solution.equations)):
        return None
    if any(mention.step not in steps and not pure.isdisjoint(sources) for mention, sources in graph.prose):
        return None  # a step that stays says the number
    return Change(gone=gone, dropped=frozenset(dropped))


def recognised(read: Difference) -> bool:
    """Words are gone, a number among them, and none are new."""
    return not read.new and any(word[0].isdigit() or word in SPELLED or word in SHARES for word in read.gone)


FAMILY = Family(
    name="part_left_out",
    stands_for="a part, condition or deduction forgotten, or one counted that is not there",
    thought='leaves out "{said}"',
    thought_back='counts "{read}", which the question does not say',
    example="gsm8k/train/1715",
    edits=edits,
    recognised=recognised,
    share=0.5,
)
