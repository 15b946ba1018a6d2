"""A difference is asked for a sum, and the other way round: "how many more than Al" for "how many together".

Both solutions compute what each of the two has. The last step puts it together in another way, and is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.asked import (
    AUXILIARY,
    TOTAL,
    WHO,
    Asked,
    capital,
    equation,
    number,
    read_asked,
    says,
    terms,
    thing_of,
    whose,
)
from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import operate
from prm_gsm8k.synthetic.question import names_in, singular

_IF = r"((?:,? if [^?]*)?)\?\Z"
_WORDS = r"(?: (?!and\b|if\b)[A-Za-z'-]+)"
_SUM = re.compile(
    rf"\b([Hh]ow (?:many|much))((?: [a-z]+){{0,4}}?) ({AUXILIARY})"
    rf" (they|the two [a-z]+s|the two(?: of them)?|{WHO} and {WHO}) ([a-z]+)({_WORDS}{{0,6}}){_IF}"
)
_MORE = re.compile(
    rf"\b([Hh]ow (?:many|much)) (more|fewer|less)((?: [a-z-]+){{0,4}}?) ({AUXILIARY}) ({WHO}) ([a-z]+)"
    rf"({_WORDS}{{0,5}}?),? (?:than|compared to) (?:did |does |do )?({WHO})(?: (?:{AUXILIARY}))?"
    rf"((?: (?:in|on|at|during|this|last|now)\b[A-Za-z' ]*?)?){_IF}"
)
_MORE_ON = re.compile(
    rf"\b([Hh]ow (?:many|much)) (?:more|fewer|less)((?: [a-z]+){{0,4}}?) ({AUXILIARY}) ({WHO}|they) ([a-z]+)"
    r"((?: [a-z]+)??) (on|in|for|at|during|from) ((?:the )?[A-Za-z]+(?: [a-z]+)??),? (?:than|compared to)"
    rf" (?:\7 )?((?:the )?(?!before|usual|normal)[A-Za-z]+(?: [a-z]+)?){_IF}"
)
_THINGS = re.compile(
    r"\b([Hh]ow many) (?:more|fewer|less) ([a-z]+(?: [a-z]+)?) than ([a-z]+(?: [a-z]+)?)"
    rf" ((?:are|were) there|(?:{AUXILIARY}) (?:they|{WHO}) (?!and)[a-z]+)({_WORDS}{{0,6}}){_IF}"
)
_THERE = re.compile(
    r"\b([Hh]ow many) (?:more|fewer|less) ([a-z]+(?: [a-z]+)?) ((?:are|were) there) than ([a-z]+(?: [a-z]+)?)"
    rf"((?: (?:in|on|at|now)\b[A-Za-z' ]*?)?){_IF}"
)
_BOTH = re.compile(
    rf"\b([Hh]ow many) ([a-z]+(?: [a-z]+)?) and ([a-z]+(?: [a-z]+)?)"
    rf" ((?:are|were) there|(?:{AUXILIARY}) (?:they|{WHO}) (?!and)[a-z]+)({_WORDS}{{0,6}}){_IF}"
)
_OWN = re.compile(r"\b(?:his|her|their|before|usual|now|then)\b")
_TOTALS = ("in total", "altogether")
_NOT_SO = frozenset("than as before after first then need needs left more usually normally his her their".split())


def _is_plain(verb: str, rest: str) -> bool:
    """Whether these words stay true of two for one: a known verb, no other person and no other comparison."""
    return verb in PAST_OF and _NOT_SO.isdisjoint(rest.split()) and not names_in(rest)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    asked = read_asked(graph)
    if asked is None or len(asked.final.operands) != 2 or asked.final.operands[0] == asked.final.operands[1]:
        return
    if asked.final.operators == ["+"]:
        yield from _difference(asked)
        yield from _difference_of_things(asked)
    elif asked.final.operators == ["-"] and not TOTAL.search(asked.text):
        total = rng.choice(_TOTALS)
        for form in (_sum, _sum_on, _sum_of_things):
            yield from form(asked, total)


def _difference(asked: Asked) -> Iterator[Edit]:
    """How many more one of two has than the other, for how many they have together."""
    plain = TOTAL.sub("", asked.text)
    match = _SUM.search(plain)
    if match is None or plain == asked.text:
        return
    how, what, aux, who, verb, rest, condition = match.groups()
    both = who.split(" and ") if " and " in who else list(dict.fromkeys(names_in(asked.graph.question.text)))
    if len(both) != 2 or not _is_plain(verb, rest) or " and " in what:
        return
    owners = [whose(asked.graph, source, both) for source in asked.graph.sources[asked.index]]
    if owners[0] == owners[1]:
        return
    if not owners[0]:
        owners[0] = next(name for name in both if name != owners[1])
    if asked.final.operands[0] < asked.final.operands[1]:
        owners = owners[::-1]
    more = owners[0] or next(name for name in both if name != owners[1])
    less = next(name for name in both if name != more)
    aux = aux if more.endswith("s") and more.startswith("the ") else {"do": "does", "have": "has"}.get(aux, aux)
    twin = plain[: match.start()] + f"{how} more{what} {aux} {more} {verb}{rest} than {less}{condition}?"
    yield from _made(asked, twin, "-", says(more, aux, verb), f" more{_counted(what)} than {less}")


def _difference_of_things(asked: Asked) -> Iterator[Edit]:
    """How many more boys than girls there are, for how many boys and girls."""
    match = _BOTH.search(TOTAL.sub("", asked.text))
    if match is None:
        return
    how, first, second, there, rest, condition = match.groups()
    if not _NOT_SO.isdisjoint((*there.split(), *rest.split())):
        return
    things = [thing_of(asked.graph, source) for source in asked.graph.sources[asked.index]]
    nouns = [singular(noun.split()[-1]) for noun in (first, second)]
    if sorted(things) != sorted(nouns) or nouns[0] == nouns[1]:
        return
    if (asked.final.operands[0] < asked.final.operands[1]) == (things == nouns):
        first, second = second, first
    twin = match.string[: match.start()] + f"{how} more {first} than {second} {there}{rest}{condition}?"
    yield from _made(asked, twin, "-", "There are" if there == "are there" else None, f" more {first} than {second}")


def _sum(asked: Asked, total: str) -> Iterator[Edit]:
    """How many two have together, or how many times as many one of them has, for how many more."""
    match = _MORE.search(asked.text)
    if match is None:
        return
    how, more, what, aux, first, verb, rest, second, tail, condition = match.groups()
    if not _is_plain(verb, rest) or first.lower() == second.lower() or what.startswith(" of "):
        return  # of "these books", two can have read the same
    before, both = asked.text[: match.start()], f"{first} and {second}"
    plural = {"does": "do", "has": "have"}.get(aux, aux)
    twin = before + f"{how}{what} {plural} {both} {verb}{rest} {total}{tail}{condition}?"
    said = says("they", plural, verb)
    yield from _made(asked, twin, "+", said and f"Together {said}", _counted(what))
    if more == "more" and what:
        as_many = f"as {how.split()[1]}{what}"
        twin = (
            before + f"{how.split()[0]} many times {as_many} {aux} {first} {verb}{rest} as {second}{tail}{condition}?"
        )
        yield from _made(asked, twin, "/", says(first, aux, verb), f" times {as_many} as {second}")


def _sum_on(asked: Asked, total: str) -> Iterator[Edit]:
    """How much is spent on two things in total, for how much more on one of them."""
    match = _MORE_ON.search(asked.text)
    if match is None:
        return
    how, what, aux, who, verb, rest, on, first, second, condition = match.groups()
    if not _is_plain(verb, rest) or (first.islower() != second.islower()) or _OWN.search(f"{first} {second}"):
        return
    what = f"{how}{what} {aux} {who} {verb}{rest} {on} {first} and {second}"
    twin = asked.text[: match.start()] + f"{what} {total}{condition}?"
    said = says(who, aux, verb)
    yield from _made(asked, twin, "+", said and f"In total, {said}", _counted(match[2]))


def _sum_of_things(asked: Asked, total: str) -> Iterator[Edit]:
    """How many boys and girls there are, for how many more boys than girls."""
    if match := _THINGS.search(asked.text):
        how, first, second, there, rest, condition = match.groups()
    elif match := _THERE.search(asked.text):
        how, first, there, second, rest, condition = match.groups()
    else:
        return
    if not _NOT_SO.isdisjoint((*there.split(), *rest.split(), *second.split())):
        return
    twin = asked.text[: match.start()] + f"{how} {first} and {second} {there}{rest} {total}{condition}?"
    yield from _made(asked, twin, "+", "There are" if there == "are there" else None, f" {first} and {second}")


def _made(asked: Asked, twin: str, operator: str, said: str | None, behind: str) -> Iterator[Edit]:
    """The edit, with its last step: "Jo has 8 - 3 = 5 more clips than Al."."""
    values, shown = asked.final.operands, terms(asked)
    if operator == "-" and values[0] < values[1]:
        values, shown = values[::-1], shown[::-1]
    if operator == "/" and (values[1] == 0 or values[0] / Fraction(values[1]) not in range(2, 13)):
        return
    value = operate(operator, values[0], values[1])
    result = str(value) if operator == "/" else number(value, asked.parts, asked.final.result_place)
    if result is not None and not asked.is_said(value):
        step = capital(f"{said or 'That is'} {equation(asked, shown, operator, result)}{behind}.")
        yield from asked.edit(twin, asked.index - 1, (step, value))


def _counted(what: str) -> str:
    """What is counted; nothing behind an amount of money, which has its sign."""
    return "" if what == " money" else what


def recognised(read: Difference) -> bool:
    """One last step subtracts where the other adds or divides, and one question compares."""
    operators = {read.operators, read.twin_operators}
    return operators in ({"+", "-"}, {"-", "/"}) and bool({"more", "fewer", "less"} & (read.gone + read.new).keys())


FAMILY = Family(
    name="sum_for_difference",
    stands_for="another thing answered than asked: a sum for a difference",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/2849",
    edits=edits,
    recognised=recognised,
)
