"""Something beside the matter is counted: "She also looked at a hat for $15, but did not buy it."

The two questions say the same number; one says that it counts, and the other that it does not. So the error is to count
what does not count, as language models do where a question says more than is needed (GSM-NoOp, arXiv:2410.05229), or
the other way round to forget a condition, which is what people forget most. GSM8K's question has neither sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph
from prm_gsm8k.synthetic.numbers import Value, decimals, whole, write_number
from prm_gsm8k.synthetic.solve import Change

_WHO = r"(?P<who>he|she|they|[A-Z][a-z]+)"
_WHOLE = r"(?: in total| in all| altogether| total| combined)?\?\Z"
_SPENDS = re.compile(
    rf"\b[Hh]ow much (?:money )?(?P<aux>did|does|will) {_WHO} (?:spend|pay|have to pay|need to pay){_WHOLE}"
)
_COSTS = re.compile(
    r"\b(?:[Hh]ow much (?:money )?(?:did|does|will|do) (?:everything|they all|(?:it|this|the [a-z ]+)"
    r"(?= cost (?:in total|in all|altogether))) cost(?P<who>)|[Ww]hat (?:is|was|will be) the total (?:cost|price|bill)"
    r"(?: of [a-z ]+)?)" + _WHOLE
)
_HAS_LEFT = re.compile(
    rf"\b[Hh]ow much (?:money|change) (?P<aux>did|does|will) {_WHO} "
    r"(?:have (?:left|remaining)(?: over)?|get back|get|receive)\?\Z"
)
_EARNS = re.compile(rf"\b[Hh]ow much (?:money )?(?P<aux>did|does|will) {_WHO} (?:earn|make){_WHOLE}")
_HAS = re.compile(
    rf"\b[Hh]ow many (?P<things>[a-z]+(?: [a-z]+)?) (?P<aux>did|does|will) {_WHO} (?:now )?have"
    rf"(?: now| left| remaining)?{_WHOLE}"
)
_DID = re.compile(rf"\b[Hh]ow many (?P<things>[a-z]+(?: [a-z]+)?) (?:did) {_WHO} (?P<verb>[a-z]+){_WHOLE}")
_SHOPS = re.compile(r"\b(?:buys?|bought|buying|purchas\w+|shop\w*|stores?|market|mall)\b")
# Whoever has three times as many as Al has them still, whatever else is told.
_COMPARES = re.compile(
    r"\b(?:than|as (?:many|much)|times|twice|same|equal\w*|total|altogether|in all|average)\b|\bthe (?:rest|others?)\b"
)
_PRICES = re.compile(
    r"\btax\w*|\bdiscount\w*|\bcoupon\w*|%|\bpercent\w*|\btips?\b|\bfees?\b|\brefund\w*|\bsales?\b", re.IGNORECASE
)
_GOODS = frozenset(
    (
        "apples oranges books marbles stickers pencils pens cookies candies cards toys eggs balloons cupcakes flowers "
        "coins stamps crayons shells seashells tomatoes potatoes muffins beads blocks balls shirts dolls peaches "
        "pears bananas cherries strawberries berries doughnuts donuts sandwiches nuts bottles magnets postcards "
        "comics plants chocolates lollipops sweets rocks games ribbons buttons tickets pictures paintings roses "
        "lemons mangoes watermelons pumpkins carrots necklaces bracelets erasers notebooks markers tapes puzzles "
        "figurines brownies pies cakes"
    ).split()
)
_DEEDS = frozenset(
    "collect pick bake sell make catch read plant paint find score write eat drink wash deliver run walk drive jog "
    "swim ride buy solve cook download knit".split()
)
_MADE = _GOODS | frozenset(
    "miles kilometers laps pages cars windows cups points fish trees bushes letters emails songs pounds kilograms "
    "papers newspapers boxes bags baskets packages loaves meals dishes problems clips questions stories".split()
)
# What is bought for a price up to so many dollars.
_BUYS = (
    (6, ("pen", "candy bar", "bottle of water", "postcard")),
    (20, ("mug", "notebook", "poster", "puzzle", "sandwich")),
    (80, ("scarf", "hat", "board game", "belt", "backpack")),
    (400, ("jacket", "lamp", "watch", "desk chair")),
    (3000, ("bicycle", "camera", "phone")),
)
_THEM = {"he": "him", "she": "her", "they": "them"}


@dataclass(frozen=True, slots=True)
class Aside:
    """A sentence that does not count and one that does, both with the same number; the step that counts it."""

    idle: str
    counts: str
    step: str
    value: Value


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    question, solution = graph.question, graph.solution
    start, end = question.sentences[-1]
    asked, before = question.text[start:end], question.text[:start]
    answer = solution.answer
    if (
        not before
        or answer < 5
        or "€" in before
        or "£" in before
        or solution.equations[solution.final].step != len(solution.steps) - 1
    ):
        return
    taken = {q.value for q in question.quantities} | {e.result for e in solution.equations}
    for pattern, form in _FORMS:
        match = pattern.search(asked)
        if match is None or (form in _SUMS and not set(solution.equations[solution.final].operators) <= {"+", "*"}):
            continue
        for _ in range(3):
            aside = form(match, question.text, answer, rng)
            if aside is None or not taken.isdisjoint(_numbers(aside.idle)):
                continue
            yield Edit(
                f"{before}{aside.counts} {asked}",
                Change(own=(aside.step, aside.value)),
                aside.idle.rstrip("."),
                aside.counts.rstrip("."),
                base=f"{before}{aside.idle} {asked}",
            )
            break


def _numbers(text: str) -> set[Value]:
    return {int(number) for number in re.findall(r"\d+", text)}


def _money(value: Value) -> str | None:
    return None if (places := decimals(value, 2)) is None else f"${write_number(value, '0.00' if places else '')}"


def _size(answer: Value, rng: Random) -> int:
    """A number that is small beside the answer, and round if that is large."""
    low, high = max(2, int(answer / 10)), max(3, int(answer * 2 / 5))
    n = rng.randint(low, high)
    return n if n < 20 else n // 5 * 5 if n < 200 else n // 50 * 50


def _bought(match: re.Match[str], text: str, answer: Value, rng: Random) -> tuple[str, str, str, int] | None:
    """(what, for how much, not bought, bought) of one more thing, if the question is about shopping."""
    price = _size(answer, rng)
    things = next((things for most, things in _BUYS if price <= most), None)
    if things is None or not _SHOPS.search(text) or _PRICES.search(text):
        return None
    if match["aux"] == "will" and re.search(r"\b(?:get|receive)", match[0]):
        return None  # the change for what was given already
    thing = rng.choice(things)
    if re.search(rf"\b{thing.split()[0]}", text):
        return None
    who, price_text = match["who"], f"${price}"
    who = who[0].upper() + who[1:]
    article = f"a {thing}"
    idle, counts = {
        "did": (
            rng.choice((
                f"{who} also looked at {article} for {price_text}, but did not buy it.",
                f"{who} also tried {article} that cost {price_text}, but left it in the store.",
            )) if thing in ("scarf", "hat", "jacket", "belt", "watch", "backpack") else
            f"{who} also looked at {article} for {price_text}, but did not buy it.",
            f"{who} also bought {article} for {price_text}.",
        ),
        "does": (
            f"{who} also {'look' if who == 'They' else 'looks'} at {article} for {price_text}, but "
            f"{'do' if who == 'They' else 'does'} not buy it.",
            f"{who} also {'buy' if who == 'They' else 'buys'} {article} for {price_text}.",
        ),
        "will": (
            f"{who} would also like {article} for {price_text}, but will not buy it.",
            f"{who} will also buy {article} for {price_text}.",
        ),
    }[match["aux"]]  # fmt: skip
    return thing, idle, counts, price


def _spent(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    found = _bought(match, text, answer, rng)
    if found is None:
        return None
    thing, idle, counts, price = found
    value = whole(answer + price)
    return _aside(idle, counts, f"With the {thing} it is {_money(answer)} + ${price} = {{}}.", value)


def _left(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    found = _bought(match, text, answer, rng)
    if found is None:
        return None
    thing, idle, counts, price = found
    value = whole(answer - price)
    return _aside(idle, counts, f"After the {thing}, {_money(answer)} - ${price} = {{}} is left.", value)


def _taxed(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    if _PRICES.search(text) or not _SHOPS.search(text) or re.search(r"\b(?:total|budget)\b", text[: -len(match[0])]):
        return None
    rate = rng.choice((4, 5, 6, 8, 10))
    tax = whole(Fraction(answer) * rate / 100)
    idle = rng.choice((f"All prices include a {rate}% sales tax.", f"The prices include the sales tax of {rate}%."))
    counts = rng.choice(
        (f"A sales tax of {rate}% is added to the total.", f"There is also a {rate}% sales tax on the total.")
    )
    if decimals(tax, 2) is None:
        return None
    step = (
        f"The tax is {_money(answer)} * {rate}/100 = {_money(tax)}, so it is {_money(answer)} + {_money(tax)} = {{}}."
    )
    return _aside(idle, counts, step, whole(answer + tax))


def _earned(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    if re.search(r"\b(?:profit|per|each|every|neighbou?r|total)\b|%", text[: -len(match[0])]):
        return None
    pay, who = _size(answer, rng), match["who"]
    if pay > 300:
        return None
    job = rng.choice(("washing a car", "cleaning the windows", "walking a dog", "weeding a garden"))
    them = _THEM.get(who, who)
    if match["aux"] == "did":
        idle = f"A neighbor offered {them} ${pay} for {job} too, but {who} had no time for it."
        counts = f"A neighbor paid {them} ${pay} for {job} too."
    else:
        has = "have" if who == "they" else "has"
        idle = f"A neighbor offers {them} ${pay} for {job} too, but {who} {has} no time for it."
        counts = f"A neighbor pays {them} ${pay} for {job} too."
    return _aside(
        idle, counts, f"With the ${pay} from the neighbor it is {_money(answer)} + ${pay} = {{}}.", whole(answer + pay)
    )


def _had(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    things, who = match["things"], match["who"]
    if things.split()[-1] not in _GOODS or type(answer) is not int or match["aux"] == "will":
        return None
    if re.search(r"\b[Ii]f\b", text[text.rfind(". ") :]) or things.split()[0] in ("more", "fewer", "other", "total"):
        return None  # what is given away before the rest is shared, or after it?
    if not re.search(r"\b(?:now|left|remaining)\b", match[0]) and _COMPARES.search(text[: -len(match[0])]):
        return None
    n = _size(answer, rng)
    friend = rng.choice(("a friend", "a neighbor", "a cousin"))
    if friend.split()[1] in text:
        return None
    who, many = who[0].upper() + who[1:], who == "they"
    verbs = ("gave", "wanted to give", "kept") if match["aux"] == "did" else (
        ("give", "want to give", "keep") if many else ("gives", "wants to give", "keeps")
    )  # fmt: skip
    idle = f"{who} {verbs[1]} {n} {things} to {friend}, but then {verbs[2]} them."
    counts = f"{who} also {verbs[0]} {n} {things} to {friend}."
    return _aside(
        idle,
        counts,
        f"Without the {n} for the {friend.split()[1]}, {answer} - {n} = {{}} {things} are left.",
        answer - n,
    )


def _did(match: re.Match[str], text: str, answer: Value, rng: Random) -> Aside | None:
    things, verb, who = match["things"], match["verb"], match["who"]
    past = PAST_OF.get(verb)
    if past is None or verb not in _DEEDS or things.split()[-1] not in _MADE or type(answer) is not int:
        return None
    if re.search(r"\b(?:Sunday|Monday|weekend|later|tomorrow)\b", text) or re.search(r"\b[Ii]f\b", text):
        return None
    if (match["who"] != "they" or "$" in text) and _COMPARES.search(text[: -len(match[0])]):
        return None
    n, who = _size(answer, rng), who[0].upper() + who[1:]
    idle = rng.choice((
        f"{who} also wanted to {verb} {n} more {things}, but had no time.",
        f"{who} had planned to {verb} another {n} {things}, but was too tired." if who != "They"
        else f"They had planned to {verb} another {n} {things}, but were too tired.",
    ))  # fmt: skip
    counts = f"Then {who if match['who'] not in _THEM else match['who']} {past} another {n} {things}."
    return _aside(idle, counts, f"With the other {n} it is {answer} + {n} = {{}} {things}.", answer + n)


def _aside(idle: str, counts: str, step: str, value: Value) -> Aside | None:
    if value <= 1 or (shown := _money(value)) is None:
        return None
    return Aside(idle, counts, step.format(shown if "$" in step else value), value)


_Form = Callable[[re.Match[str], str, Value, Random], Aside | None]
_FORMS: tuple[tuple[re.Pattern[str], _Form], ...] = (
    (_SPENDS, _spent), (_SPENDS, _taxed), (_COSTS, _taxed), (_HAS_LEFT, _left), (_EARNS, _earned), (_HAS, _had),
    (_DID, _did),
)  # fmt: skip
_SUMS = (_taxed, _did)  # what is counted in the last step


def recognised(read: Difference) -> bool:
    """Both say the same numbers, and S' goes on where S concludes."""
    digits = ([word for word in words.elements() if word[0].isdigit()] for words in (read.gone, read.new))
    return read.ends and not any(digits)


FAMILY = Family(
    name="aside_counted",
    stands_for="a condition forgotten, or one counted that does not count",
    thought='counts what does not count: "{said}"',
    thought_back='forgets "{said}"',
    example="gsm8k/train/7205",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
