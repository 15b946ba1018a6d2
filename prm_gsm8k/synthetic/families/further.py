"""A step further is asked: a year for a month, hours for minutes, what two have together for what one of them has.

The twin's solution is the whole of the question's and one step more, which is written here: it is computed with what
everybody knows, or with what the question says. The other way round it stops early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.asked import (
    NAME,
    TOTAL,
    Asked,
    currency,
    does_so,
    equation,
    number,
    only,
    read_asked,
    says,
    thing_of,
    whose,
)
from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.numbers import Value, decimals, whole
from prm_gsm8k.synthetic.question import Kind, names_in, singular

# A period, how many of it make a longer one, and what must not be said anywhere, since it would count otherwise.
_LONGER = (
    ("minute", 60, "hour", "hour|minutes"),
    ("day", 7, "week", "week|month|year|days|school|today|yesterday|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
                       "|teach|class|student|employ|work|office|shift|job"),
    ("week", 52, "year", "month|year|weeks|season|semester|school|summer|(?:next|this|last|first|second|one) week"
                         r"|in \d+ days\b"),
    # months of four weeks or of thirty days make no year
    ("month", 12, "year", "year|annual|months|monthly inst|season|semester|school|summer|January|February|June|July"
                          "|December|week|day"),
)  # fmt: skip
_PERIOD = (
    r"\b(in a|in one|in 1|per|each|every|(?<!after )(?<!for )(?<!within )(?<!of )(?<!once )(?<!than )(?<!only )"
    r"(?<!days )a) {}\b(?! old|-| from| with| of| for| in| where| when)"
)
# A unit, how many of it make a larger one, and up to how many of the larger one are said in the smaller one.
_UNITS = (
    ("minutes", 60, "hours", 12), ("days", 7, "weeks", 12), ("months", 12, "years", 12), ("inches", 12, "feet", 10),
    ("ounces", 16, "pounds", 20), ("grams", 1000, "kilograms", 20), ("meters", 1000, "kilometers", 50),
    ("centimeters", 100, "meters", 10), ("quarts", 4, "gallons", 20),
)  # fmt: skip
_BY_THE_DOZEN = re.compile(
    r"\b([Hh]ow many )((?:eggs|cookies|donuts|doughnuts|cupcakes|roses|muffins|rolls|bagels|pastries|brownies"
    r"|flowers|oranges|apples|pencils|cakes|pies))\b"
)
_HAS = re.compile(
    rf"\b([Hh]ow (?:many|much))((?: [a-z]+){{0,3}}?) (does|did|will) ({NAME}) ([a-z]+)((?: [a-z]+){{0,4}})\?\Z"
)
_OLD = re.compile(rf"\b([Hh]ow) old is ({NAME})( now|)\?\Z")
_THEY = re.compile(
    r"\b([Hh]ow (?:many|much)(?: [a-z]+){0,4}?) (do|does|did|will|would|can)"
    r" (they|the (?:two|three|four|five)(?: of them| [a-z]+s)?|both(?: of them)?|[A-Z][a-z]+ and [A-Z][a-z]+"
    r"|[A-Z][a-z]+, [A-Z][a-z]+,? and [A-Z][a-z]+) ([a-z]+)((?: [a-z]+){0,6})\?\Z"
)
_WORDS = re.compile("[a-z]+")
_SMALL = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5}
_OTHERS = re.compile(
    r"\b(?:[Tt]he [A-Z][a-z]+|[Ee]very(?:one|body)|(?:child|kid|friend|brother|sister|sibling|parent|student|people"
    r"|classmate|person|famil|member|team|group|class|cousin|couple|mother|father|mom|dad|wife|husband|son|daughter)[a-z]*)\b"
)
# What somebody has, or how old he is, may have changed since it was said.
_MOVES = re.compile(
    r"\b(?:g[ai]v(?:e|es|en|ing)|lent|lends?|trad\w+|shar\w+|receiv\w+|borrow\w+|transfer\w*|los(?:e|es|t)|donat\w+|owe[sd]?"
    r"|debts?|sells?|sold|eats?|ate|took|takes?|spen[dt]s?|us(?:e|es|ed)|now|later|after|again|then)\b"
)
_TIME = re.compile(r"\b(?:in|after) [a-z0-9]+ years\b|\bago\b|\bwill be\b|\bwas\b|\bwhen\b", re.IGNORECASE)
_NOT_SO = frozenset(
    "farther in after before more less fewer than left remaining now each all both together their his her per".split()
)


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    asked = read_asked(graph)
    if asked is None or graph.solution.answer != asked.final.result:
        return
    yield from _together(asked)
    yield from _average(asked)
    yield from _longer(asked, rng)
    yield from _other_unit(asked, rng)
    yield from _dozens(asked)


def _result(asked: Asked) -> str:
    """The result of the last step as it stands there."""
    return currency(asked.parts, asked.final.result_place) + asked.parts[asked.final.result_place].rstrip(".,")


def _on(asked: Asked, twin: str, terms: list[str], operator: str, value: Value, text: str) -> Iterator[Edit]:
    """The twin, with the step that goes on: `text` says where its equation stands."""
    shown = number(value, asked.parts, asked.final.result_place)
    if shown is not None and not asked.is_said(value) and value > 1:
        yield from asked.edit(twin, None, (text.format(equation(asked, terms, operator, shown)), value))


_COUNTED = re.compile(
    r" ([a-z]+s)\b(?=\W*\Z|,| (?:in|on|per|a|for|from|to|at|each|every|because|when|after|by|together)\b)"
)


def _noun(asked: Asked) -> str:
    """What the answer counts, as the last step says it; "" behind money."""
    if asked.is_money:
        return ""
    match = _COUNTED.match(asked.parts[asked.final.result_place + 1])
    return f" {match[1]}" if match else ""


def _longer(asked: Asked, rng: Random) -> Iterator[Edit]:
    """In a year, for in a month."""
    for unit, count, longer, otherwise in _LONGER:
        match = only(re.compile(_PERIOD.format(unit)), asked.text)
        if match is None or match.start() < asked.how:
            continue
        if re.search(rf"\b(?:{otherwise})", asked.graph.question.text, re.IGNORECASE) or not _repeats(asked, unit):
            continue
        if re.search(r"\b(?:if|so that)\b", asked.text[asked.how : match.start()]):
            continue
        article = "an" if longer == "hour" else "a"
        word = match[1] if match[1][-2:] != " a" and match[1] != "a" else match[1][:-1] + article
        twin = asked.text[: match.start()] + f"{word} {longer}" + asked.text[match.end() :]
        text = rng.choice((
            f"In {article} {longer}, that is {{}}{_noun(asked)}.",
            f"There are {count} {unit}s in {article} {longer}, so that is {{}}{_noun(asked)}.",
        ))  # fmt: skip
        yield from _on(asked, twin, [str(count), _result(asked)], "*", count * asked.final.result, text)


# What happened once, or grows from day to day, or is the least that is enough.
_ONCE = re.compile(r"\b(?:did|was|were|goal|minimum|maximum|least|most|will there be)\b")
_GROWS = re.compile(r"\bthan (?:\w+ ){0,3}(?:before|previous|day|week|month)\b")


def _repeats(asked: Asked, unit: str) -> bool:
    """Whether what is asked of a period is so again in the next one, so that a longer period has a multiple of it."""
    graph = asked.graph
    if _ONCE.search(asked.text[asked.how :]) or _GROWS.search(graph.question.text.lower()):
        return False
    # "7 x 5 = 35 miles a week" are 365 x 5 miles a year, not 52 x 35
    if unit == "week" and any(_is_times_seven(e.operands, e.operators) for e in graph.solution.equations):
        return False
    amounts = (
        place - asked.start
        for quantity in graph.question.quantities
        if quantity.kind in _AMOUNTS and quantity.value != 1
        for place, _ in quantity.mentions
    )
    return all(place < 0 or _OFTEN.search(_clause(asked.text, place)) for place in amounts)


def _is_times_seven(operands: list[Value], operators: list[str]) -> bool:
    return any(value in (7, 14) and operators[max(0, i - 1)] == "*" for i, value in enumerate(operands) if operators)


def _clause(text: str, place: int) -> str:
    """What stands around a place, up to the next comma or condition."""
    ends = re.compile("[,;]| (?:if|when|assuming|so that|to make sure) ")
    return ends.split(text[:place])[-1] + ends.split(text[place:])[0]


# Amounts that are so in each period: "if he has 5 cats", "if he sells 5 per day"; not "if she takes two breaks".
_OFTEN = re.compile(r"\b(?:per|each|every|a|an|daily|weekly|monthly|has|have|had|costs?)\b")
_AMOUNTS = frozenset((Kind.COUNT, Kind.TIME, Kind.MONEY, Kind.LENGTH, Kind.WEIGHT, Kind.VOLUME, Kind.UNKNOWN))


def _unit_asked(asked: Asked, unit: str, other: str) -> re.Match[str] | None:
    """Where the unit of the answer is asked for, if the other unit is not spoken of."""
    match = only(re.compile(rf"\b([Hh]ow many|in) {unit}\b(?! of| and| (?:per|a|an|each|more|less)\b)"), asked.text)
    if match is None or match.start() < asked.how or re.search(rf"\b{other[:-1]}", asked.graph.question.text):
        return None
    return match if thing_of(asked.graph, (asked.index,)) in ("", singular(unit)) else None


def _other_unit(asked: Asked, rng: Random) -> Iterator[Edit]:
    """Hours for minutes, or minutes for hours."""
    text = asked.graph.question.text
    for small, count, large, most in _UNITS:
        # a week of work is no seven days of work, and an ounce of water no sixteenth of a pound
        if (small == "days" and _NOT_DAILY.search(text)) or (small == "ounces" and _LIQUID.search(text)):
            continue
        up = whole(Fraction(asked.final.result) / count)
        if up >= 2 and (type(up) is int or (small not in ("days", "months") and decimals(up, 1) is not None)):
            yield from _converted(asked, rng, small, large, "/", count, up)
        if 2 <= asked.final.result <= most:
            yield from _converted(asked, rng, large, small, "*", count, asked.final.result * count)


_NOT_DAILY = re.compile(
    r"\bwork|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\bweek(?:day|end)|\bdays (?:a|per|each|every)\b"
)
_LIQUID = re.compile(
    r"\b(?:water|milk|juice|soda|coffee|tea|wine|beer|oil|liquid|fluid|drinks?|cups?|bottles?|glass(?:es)?|leak\w*)\b"
)


def _converted(
    asked: Asked, rng: Random, unit: str, other: str, operator: str, count: int, value: Value
) -> Iterator[Edit]:
    if match := _unit_asked(asked, unit, other):
        twin = asked.text[: match.start()] + f"{match[1]} {other}" + asked.text[match.end() :]
        text = rng.choice((f"That is {{}} {other}.", f"In {other}, that is {{}}.", f"This equals {{}} {other}."))
        yield from _on(asked, twin, [_result(asked), str(count)], operator, value, text)


def _dozens(asked: Asked) -> Iterator[Edit]:
    """Dozens of eggs, for eggs."""
    match = only(_BY_THE_DOZEN, asked.text)
    value = whole(Fraction(asked.final.result) / 12)
    if match is None or "dozen" in asked.graph.question.text or type(value) is not int or value > 20:
        return
    if thing_of(asked.graph, (asked.index,)) != singular(match[2]):
        return
    twin = asked.text[: match.start()] + f"{match[1]}dozen {match[2]}" + asked.text[match.end() :]
    yield from _on(asked, twin, [_result(asked), "12"], "/", value, f"That is {{}} dozen {match[2]}.")


def _average(asked: Asked) -> Iterator[Edit]:
    """How many each of them has on average, for how many they have together."""
    plain = asked.text[: asked.how] + TOTAL.sub("", asked.text[asked.how :])
    match = _THEY.search(plain)
    if match is None or plain == asked.text or " and " in match[1]:
        return
    how, aux, who, verb, rest = match.groups()
    people = len(names_in(who)) or next((_SMALL[word] for word in who.split() if word in _SMALL), 0)
    if who == "they" and not _OTHERS.search(asked.graph.question.text):
        everybody = set(names_in(asked.graph.question.text))
        people = len(everybody) if len(everybody) in (2, 3) else 0
    if people < 2 or not _NOT_SO.isdisjoint((*how.split(), *rest.split())) or verb not in PAST_OF:
        return
    group = who.removesuffix(" of them") if who.startswith("the ") else "them"
    value = whole(Fraction(asked.final.result) / people)
    if (type(value) is not int and not asked.is_money) or value in asked.final.operands:
        return
    if names_in(who):  # "each of them" may be of others too
        one = f"{'do' if aux == 'does' else aux} {who} each"
    else:
        one = f"{'does' if aux == 'do' else aux} each of {group}"
    twin = plain[: match.start()] + f"{how} {one} {verb}{rest} on average?"
    text = f"On average, that is {{}}{_noun(asked)} each."
    yield from _on(asked, twin, [_result(asked), str(people)], "/", value, text)


def _together(asked: Asked) -> Iterator[Edit]:
    """How many two have together, for how many one of them has."""
    graph = asked.graph
    if (match := _OLD.search(asked.text)) and not _TIME.search(graph.question.text):
        how, who, now = match.groups()
        for other, shown, value in _of_others(asked, who):
            what = "What" if how == "How" else "what"
            twin = asked.text[: match.start()] + f"{what} is the sum of the ages of {who} and {other}{now}?"
            text = "The sum of their ages is {}."
            yield from _on(asked, twin, [_result(asked), shown], "+", value + asked.final.result, text)
    match = _HAS.search(asked.text)
    if match is None or match.start() < asked.how or re.search(r"[Cc]ompared|\bat how", asked.text):
        return
    how, what, aux, who, verb, rest = match.groups()
    if verb in ("have", "keep", "get", "receive") and _MOVES.search(graph.question.text):
        return
    if verb not in PAST_OF or verb in ("travel", "visit") or not _NOT_SO.isdisjoint((*what.split(), *rest.split())):
        return  # two that visit 3 countries each need not visit six
    for other, shown, value in _of_others(asked, who, verb):
        plural = "do" if aux == "does" else aux
        twin = asked.text[: match.start()] + f"{how}{what} {plural} {who} and {other} {verb}{rest} altogether?"
        text = f"Together {says('they', plural, verb)} {{}}{_noun(asked)}."
        yield from _on(asked, twin, [_result(asked), shown], "+", value + asked.final.result, text)


def _is_one_of_several(graph: Graph, index: int) -> bool:
    """Whether the same sentence goes on to say another number of the same person: "12 green and 3 red ones"."""
    own = graph.question.quantities[index]
    for quantity in graph.question.quantities[index + 1 :]:
        between = graph.question.text[own.mentions[0][1] : quantity.mentions[0][0]]
        if quantity.sentence == own.sentence and not names_in(between):
            return True
    return False


def _of_others(asked: Asked, who: str, verb: str = "") -> Iterator[tuple[str, str, Value]]:
    """Who else has how many of what the answer counts, by the last step or the only number that says so with a verb."""
    graph, solution = asked.graph, asked.graph.solution
    said = names_in(graph.question.text)
    for name in dict.fromkeys(said):
        if name == who or said.count(name) < 2 or re.search(rf"\b[Tt]he {name}\b", graph.question.text):
            continue
        sources = [*range(asked.index - 1, -1, -1), *map(quantity_source, range(len(graph.question.quantities)))]
        own = [source for source in sources if whose(graph, (source,), [name]) == name]
        if not own or (own[0] >= quantity_source(0) and len(own) > 1):
            continue
        source = own[0]
        if source >= quantity_source(0) and _is_one_of_several(graph, source - quantity_source(0)):
            continue
        if source < quantity_source(0):
            place = solution.equations[source].result_place
            parts = solution.steps[solution.equations[source].step]
            shown, money, said_so = parts[place].rstrip(".,"), bool(currency(parts, place)), "".join(parts)
            value, behind = solution.equations[source].result, parts[place + 1]
        else:
            quantity = graph.question.quantities[source - quantity_source(0)]
            money, value = quantity.kind is Kind.MONEY, quantity.value
            behind = graph.question.text[quantity.mentions[0][1] :]
            said_so = graph.question.text[: quantity.mentions[0][0]].rpartition(".")[2]
            shown = (number(value, asked.parts, asked.final.result_place) or "").lstrip("$£€")
        things = thing_of(graph, (source,)), thing_of(graph, (asked.index,))
        # "red pens" are not the pens that are asked for
        noun = next(iter(_WORDS.findall(behind)), "")
        alike = things[0] == things[1] and (singular(noun) == things[0] or noun in asked.text[asked.how :])
        if shown and money == asked.is_money and (money or alike) and (not verb or does_so(said_so, verb)):
            yield name, currency(asked.parts, asked.final.result_place) + shown, value


def recognised(read: Difference) -> bool:
    """S' goes on where S concludes."""
    return read.ends and bool(read.new)


FAMILY = Family(
    name="further_step",
    stands_for="a further step that nobody asked for",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/64",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
