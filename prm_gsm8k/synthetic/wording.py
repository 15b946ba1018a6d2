"""What several families ask of a question's words."""

from __future__ import annotations

import re

from prm_gsm8k.synthetic.graph import Graph, forms, quantity_source
from prm_gsm8k.synthetic.question import Kind, thing_after
from prm_gsm8k.synthetic.solve import Change

_SMALL = range(13)
_BILLS = re.compile(r"(?:[- ]dollar)? bills?\b")  # there are no $28 bills
# so many of a thing in a larger one
AT_MOST = {"hour": 24, "day": 31, "minute": 60, "second": 60, "month": 12, "week": 52}
# What the world fixes, whatever a question says of it.
_BODY = frozenset("leg wheel eye ear tire tyre finger arm tail toe corner hoof paw".split())
_IN = frozenset((
    ("second", 60), ("minute", 60), ("hour", 24), ("day", 7), ("day", 30), ("day", 31), ("day", 365), ("week", 4),
    ("week", 52), ("month", 6), ("month", 12), ("cent", 100), ("inch", 12), ("ounce", 16),
))  # fmt: skip


def is_editable(graph: Graph, index: int) -> bool:
    """Whether a quantity of the question can be changed: what it feeds is certain, and the world does not fix it."""
    quantity = graph.question.quantities[index]
    if quantity.kind is Kind.UNKNOWN or not graph.feeds(index) or graph.is_open(quantity_source(index)):
        return False
    if quantity.value in (0, 1) or quantity.thing in _BODY or (quantity.thing, quantity.value) in _IN:
        return False
    if _BILLS.match(graph.question.text, quantity.mentions[0][1]):
        return False
    # one of several uses of a small number may be another one of its size, which the question does not say
    return quantity.value not in _SMALL or len(graph.feeds(index)) == 1


_KIN = re.compile(
    r"\b(?:mom|mother|father|dad|grand\w+|son|daughter|parent|child|aunt|uncle|nephew|niece|baby|teacher)\b",
    re.IGNORECASE,
)


_MOST = re.compile(
    r"\b(?:larg|small|bigg|tall|short|old|young|heavi|light|long|high|low|great|few|cheap|rich|poor|fast|slow)est\b|\b(?:most|least)\b"
)


def says_which_is_most(text: str) -> bool:
    """Whether a text says which of several is the largest, the slowest, the most expensive.

    With other numbers it may be another one.
    """
    return bool(_MOST.search(text))


def is_settled(text: str) -> bool:
    """Whether which of two is more is settled by what else a sentence says: a parent's age, "the largest".

    >>> is_settled("His mother is twice as old."), is_settled("The largest has 48, three times the size of his own.")
    (True, True)
    """
    return says_which_is_most(text) or bool(re.search(r"\b(?:old|older|younger|age)\b", text) and _KIN.search(text))


_CLAUSE_END = re.compile(r"[.;?!:,]\s|\n")


def around(text: str, start: int, end: int, words: int = 4) -> str:
    """The words around a place, as a reason quotes them.

    >>> around("Jo sold clips to 48 of her friends in April, and then more.", 17, 19)
    'Jo sold clips to 48 of her friends in'
    """
    before = _CLAUSE_END.split(text[:start])[-1].split(" ")
    after = _CLAUSE_END.split(text[end:])[0].split(" ")
    quoted = " ".join(before[-words - 1 :]) + text[start:end] + " ".join(after[: words + 1])
    return " ".join(quoted.replace('"', "'").rstrip(".?!,").split())


def says_what_is_needed(graph: Graph, last: int, start: int) -> bool:
    """Whether the question says, from a place on, a number that its solution uses up to equation `last`."""
    step = graph.solution.equations[last].step
    used = {value for e in graph.solution.equations if e.step <= step for value in e.operands}
    return any(
        place >= start and not used.isdisjoint(forms(quantity))
        for quantity in graph.question.quantities
        for place, _ in quantity.mentions
    )


def keeps_numbers(graph: Graph, asked: str, start: int) -> bool:
    """Whether another last sentence, for the one from `start` on, still says all numbers that the solution uses.

    Who answered the question instead of it would else use a number that nobody told.
    """
    used = {value for equation in graph.solution.equations for value in equation.operands}
    text = graph.question.text
    return all(
        re.search(rf"(?<![\d.,]){re.escape(text[place:end])}(?![\d])", text[:start] + asked, re.IGNORECASE)
        for quantity in graph.question.quantities
        for place, end in quantity.mentions
        if place >= start and not used.isdisjoint(forms(quantity))
    )


def unit_at(graph: Graph, step: int, place: int) -> str:
    """What a number of a step counts, as the step writes it: "$", "clip", or "" where it does not say."""
    parts = graph.solution.steps[step]
    return "$" if parts[place - 1].rstrip()[-1:] == "$" else thing_after(parts[place + 1])


def shown(graph: Graph, index: int) -> str:
    """An equation as its step writes it: "48/2 = 24"."""
    equation = graph.solution.equations[index]
    parts = graph.solution.steps[equation.step]
    return "".join(parts[equation.places[0] : equation.result_place + 1])


# A number that may be the result, in words that are not followed: "Twenty-four roses cost …"
_COMPOUND = re.compile(r"\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ][a-z]+", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:that|this|these|those|it|also|both)\b")


def stands_for_result(graph: Graph, index: int, operand: int, spoken: re.Pattern[str]) -> Change | None:
    """The change by which one operand stands for the result of an equation that has a step of its own; None for none.

    The step goes if the next one needs its result; else it says the operand, unless its words (`spoken`) say how the
    result comes about.
    """
    equations, steps = graph.solution.equations, graph.solution.steps
    step = equations[index].step
    if not equations[index].places or any(_COMPOUND.search("".join(parts)) for parts in steps[step:]):
        return None
    next_uses = [e for e, _ in graph.uses.get(index, ()) if equations[e].step == step + 1]
    others = {s for o, s in enumerate(graph.sources[index]) if o != operand}
    # 5 more than 8 is 13, and 8 + 13 = 21: with 5 for 13 the next step comes to 13 too
    again = any(not others.isdisjoint(graph.sources[e]) for e in next_uses)
    parts = steps[step]
    prose = "".join(parts[: equations[index].places[0]] + parts[equations[index].result_place :])
    says = not spoken.search(prose)
    if (
        next_uses
        and not (again and says)
        and not _POINTS_BACK.search("".join(steps[step + 1]).lower().partition("=")[0])
    ):
        return Change(gone={index: operand})
    return Change(restated={index: operand}) if says else None


_PLURALS = {"person": "people", "child": "children", "man": "men", "woman": "women", "foot": "feet", "shelf": "shelves",
            "loaf": "loaves", "mouse": "mice", "half": "halves"}  # fmt: skip


def plural(noun: str) -> str:
    """The plural of a noun, or of the last of several words.

    >>> plural("box"), plural("berry"), plural("day"), plural("adult person")
    ('boxes', 'berries', 'days', 'adult people')
    """
    before, space, last = noun.rpartition(" ")
    if last in _PLURALS:
        last = _PLURALS[last]
    elif re.search(r"[^aeiou]y\Z", last):
        last = last[:-1] + "ies"
    else:
        last += "es" if re.search(r"(?:s|x|z|ch|sh)\Z", last) else "s"
    return before + space + last
