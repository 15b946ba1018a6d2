"""Another amount of the same story is asked: what was used for what is left, what there is for what is still needed.

The twin's solution ends before the last step, or adds up in a step of its own what the last one takes away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from prm_gsm8k.synthetic.asked import (
    NAME,
    Asked,
    ancestors,
    capital,
    equation,
    number,
    only_name,
    previous,
    read_asked,
    terms,
)
from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.checker.block_checker import Difference
from prm_gsm8k.synthetic.edit import Edit, Family
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.question import Kind
from prm_gsm8k.synthetic.solve import reference_steps
from prm_gsm8k.synthetic.wording import keeps_numbers, says_what_is_needed

_WHO = rf"(?:{NAME}|[Tt]he [a-z]+|[Hh]is [a-z]+|[Hh]er [a-z]+|he|she|they|it)"
_IN_DOLLARS = r"(?:,? in dollars,?)?"
_LEFT = re.compile(
    rf"\b([Hh]ow (?:many|much))((?: [a-z-]+){{0,4}}?){_IN_DOLLARS} (does|do|did|will|would) ({_WHO})(?: now| still)?"
    r" (?:have(?: [a-z]+)?? (?:left|remaining)(?: over)?|remain with|be left with|have remained)((?: [^?]*)?)\?\Z"
)
_ARE_LEFT = re.compile(
    rf"\b([Hh]ow (?:many|much))((?: [a-z-]+){{0,4}}?){_IN_DOLLARS}"
    r" (?:(?:are|is|were|was|will be|would be)(?: there)?(?: still)? (?:left|remaining)(?: over)?|remain|remained"
    r"|(?:will|would) remain)((?: [^?]*)?)\?\Z"
)
_CHANGE = re.compile(
    rf"\b([Hh]ow much)( change) (does|do|did|will|would|should) ({_WHO}) (?:get|receive|have)(?: back)?"
    r"((?: [^?]*)?)\?\Z"
)
# What takes away, by the words that say it: (as "did he ...", as "... were").
_REMOVALS = {
    "sell sells sold selling": ("sell", "sold"),
    "eat eats ate eaten eating": ("eat", "eaten"),
    "give gives gave given giving": ("give away", "given away"),
    "use uses used using": ("use", "used"),
    "lose loses lost losing": ("lose", "lost"),
    "drink drinks drank drunk drinking": ("drink", "drunk"),
    "donate donates donated donating": ("donate", "donated"),
    "break breaks broke broken breaking": ("break", "broken"),
    "throw throws threw thrown throwing": ("throw away", "thrown away"),
    "spend spends spent spending buy buys bought buying pay pays paid paying cost costs purchase purchases purchased": (
        *("spend", "spent"),
    ),
    "share shares shared": ("share", "shared"),
    "burn burns burned burnt": ("burn", "burned"),
    "ship ships shipped": ("ship", "shipped"),
    "read reads reading": ("read", "read"),
    "die dies died": ("", ""),
    "leave leaves go goes went move moves moved fly flies flew remove removes removed take takes took taken": ("", ""),
    "lend lends lent borrow borrows borrowed trade trades traded return returns returned": ("", ""),
}
_REMOVAL_OF = {word: forms for words, forms in _REMOVALS.items() for word in words.split()}
_PAST = re.compile(
    r"\b(?:sold|ate|gave|used|lost|drank|donated|broke|threw|spent|bought|paid|shared|burned|shipped|was|were|had)\b"
)
_MORE = re.compile(
    rf"\b([Hh]ow (?:many|much)) (?:more|additional)((?: [a-z-]+){{0,3}}?) (does|do|did|will|would) ({_WHO})(?: still)?"
    r" (?:need(?: to ([a-z]+))?|ha(?:ve|s) to ([a-z]+))((?: (?!than\b)[^?]*)?)\?\Z"
)
_PROFIT = re.compile(
    rf"\b([Hh]ow much)(?: of a)? profit (does|do|did|will|would) ({_WHO}) (?:make|earn|get)([^?]*)\?\Z"
)
_IS_PROFIT = re.compile(
    r"\b([Ww]hat|[Hh]ow much) (is|was|will be) ([A-Z][a-z]+'s|his|her|their|the)( total)? profit([^?]*)\?\Z"
)
_SHARES = (
    "sales tax", "tax", "tip", "discount", "service fee", "delivery fee", "shipping fee", "service charge", "interest",
    "commission", "bonus", "raise", "down payment", "deposit", "markup",
)  # fmt: skip
_AGE = re.compile(r"\b([Hh]ow old) (?:will|would) ([A-Z][a-z]+|he|she) be (?:in|after) [a-z0-9]+ years(?: time)?\?\Z")


def edits(graph: Graph, rng: Random) -> Iterator[Edit]:
    asked = read_asked(graph)
    if asked is not None and not any(asked.final.opens):
        yield from (edit for edit in _edits(asked) if keeps_numbers(graph, edit.read, asked.start))


def _edits(asked: Asked) -> Iterator[Edit]:
    last = previous(asked)
    if set(asked.final.operators) == {"-"}:
        yield from _used(asked, last)
    if last < 0 or len(asked.final.operands) != 2:
        return
    yield from _part(asked, last)
    if asked.final.operators == ["-"]:
        yield from _there(asked, last)
        yield from _sales(asked, last)
    elif asked.final.operators == ["+"] and (match := _AGE.search(asked.text)):
        yield from asked.edit(asked.text[: match.start()] + f"{match[1]} is {match[2]} now?", last)


def _used(asked: Asked, last: int) -> Iterator[Edit]:
    """How many were sold, for how many are left."""
    graph, sources = asked.graph, asked.graph.sources[asked.index]
    if asked.text[asked.how :].count("?") != 1:
        return
    match = _LEFT.search(asked.text) or _CHANGE.search(asked.text)
    passive = None if match else _ARE_LEFT.search(asked.text)
    found = match or passive
    if found is None or re.search(r"\b(?:if|each|per|more)\b", found[2] + found[found.re.groups]):
        return
    if _UNTIL.search(found[found.re.groups]):
        return  # how many are sold when?
    verb, participle = _removal(graph, last, sources)
    taken = [s for s in sources[0] if s < quantity_source(0)]
    if not verb or any("-" in graph.solution.equations[i].operators for i in ancestors(graph, taken)):
        return  # something was taken away before
    what = found[2].removesuffix(" money").removesuffix(" change")
    is_money = what != found[2] or (not what and asked.is_money)
    if (verb == "spend") != (is_money or asked.is_money) or (is_money and "tax" in graph.question.text):
        return
    what = " money" if is_money else what.replace(" unused", "")
    several = len(sources) > 2 or (last >= 0 and "+" in graph.solution.equations[last].operators)
    total = " in total" if several else ""
    past = bool(_PAST.search(graph.question.text))
    how, base = found[1], verb.split()[0]
    if match and verb == "read":
        has = "have" if match[4].lower() == "they" else "has"
        twin, behind = f"{how}{what} {has} {match[4]} read so far?", ""
    elif match and (verb == "spend" or _is_subject(graph, match[4], verb)):
        aux, who = match[3], match[4]
        aux = "did" if past and aux in ("do", "does") else "will" if aux == "should" else aux
        twin = f"{how}{what} {aux} {who} {verb}{total}?"
        behind = f" {who} {PAST_OF.get(base, base + 'ed')}{verb[len(base) :]}" if aux == "did" else ""
    elif what:
        many = how.endswith("many")
        be = "will be" if re.search(r"\b(?:will|would)\b", found[0]) else _BE[many, past]
        twin, behind = f"{how}{what} {be} {participle}{total}?", ""
    else:
        return
    twin = asked.text[: found.start()] + twin
    if len(sources) == 2:
        step = "".join(graph.solution.steps[graph.solution.equations[last].step])
        if re.search(r"\bnot\b|n['’]t\b", step) or (participle in twin and _gives_twice(graph, last, verb)):
            return
        if sources[1] == (last,) and not says_what_is_needed(graph, last, asked.start + found.start()):
            yield from asked.edit(twin, last)
        return
    if verb == "spend":  # of boats that are eaten and shot, none of both words says how many
        yield from _added(asked, twin, what, behind, found.start())


_UNTIL = re.compile(r"\b(?:by the time|when|until|before|to spend)\b|\A for the\b")
_BE = {(True, True): "were", (True, False): "are", (False, True): "was", (False, False): "is"}


def _removal(graph: Graph, last: int, sources: list[tuple[int, ...]]) -> tuple[str, str]:
    """What takes away, by the step that computes how much, or else by the question; ("", "") if several things do."""
    asked = {forms for word in _words(graph.question.text) if (forms := _REMOVAL_OF.get(word))}
    if len(sources) == 2 and sources[1] == (last,):
        equation = graph.solution.equations[last]
        said = {
            _REMOVAL_OF[word] for word in _words("".join(graph.solution.steps[equation.step])) if word in _REMOVAL_OF
        }
        if len(said) == 1 and ("+" not in equation.operators or said >= asked - {("", "")}):
            return said.pop()
    return asked.pop() if len(asked) == 1 else ("", "")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _is_subject(graph: Graph, who: str, verb: str) -> bool:
    """Whether it is this person who gives away, as often as the question says that somebody does."""
    words = next(words for words, forms in _REMOVALS.items() if forms[0] == verb).split()
    before = re.findall(rf"(\S+) (?:{'|'.join(words)})\b", graph.question.text)
    if re.search(rf"\b(?:able|dog|cat|friends?) (?:to )?(?:{'|'.join(words)})\b", graph.question.text):
        return False
    alone = only_name(graph.question.text) in (who, capital(who)) or who in ("he", "she", "they")
    return alone and all(word.lower() in (who.lower(), *_STILL_HE) for word in before)


_STILL_HE = frozenset("he she they and then also will has had have if only".split())


def _gives_twice(graph: Graph, last: int, verb: str) -> bool:
    """Whether the question says twice that somebody gives away, and the step before the last is one gift of them."""
    words = next((words for words, forms in _REMOVALS.items() if forms[0] == verb), "").split()
    said = re.findall(rf"\b(?:{'|'.join(words)})\b", graph.question.text)
    return verb == "give away" and len(said) > 1 and "+" not in graph.solution.equations[last].operators


def _added(asked: Asked, twin: str, what: str, said: str, start: int) -> Iterator[Edit]:
    """The twin whose last step adds up what the question's takes away one after the other."""
    graph, operands = asked.graph, asked.final.operands[1:]
    taken = (s for sources in graph.sources[asked.index][1:] for s in sources if 0 <= s < quantity_source(0))
    computed = ancestors(graph, taken)
    if computed != set(range(asked.index)) or says_what_is_needed(graph, asked.index, asked.start + start):
        return
    value = sum(operands)
    result = number(value, asked.parts, asked.final.result_place)
    if result is None or asked.is_said(value):
        return
    counted = "" if what == " money" else what
    made = equation(asked, terms(asked)[1:], "+", result)
    step = f"In total,{said} {made}{counted}." if said else f"That is {made}{counted} in total."
    yield from asked.edit(twin, asked.index - 1, (step, value))


def _there(asked: Asked, last: int) -> Iterator[Edit]:
    """How much there is so far, or how much it must be in total, for how much more is needed."""
    match = _MORE.search(asked.text)
    if match is None or says_what_is_needed(asked.graph, last, asked.start + match.start()):
        return
    if "more" in match[2].split():
        return
    how, what, aux, who, need_to, have_to, rest = match.groups()
    verb = need_to or have_to
    sources = asked.graph.sources[asked.index]
    before = asked.text[: match.start()]
    if what == "" and asked.is_money and how.endswith("much"):
        what = " money"
    steps = " ".join(reference_steps(asked.graph)[: asked.final.step])
    planned = re.search(r"\b(?:will|would)\b", steps) or re.search(r"\bplan(?:s|ning)? to\b", asked.graph.question.text)
    if sources[1] == (last,) and not planned:
        if verb in (None, "buy", "get", "have", "order", "purchase"):
            aux = "do" if who == "they" else "does"
            yield from asked.edit(before + f"{how}{what} {aux} {who} have so far?", last)
        elif verb in _DONE:
            has = "have" if who == "they" else "has"
            yield from asked.edit(before + f"{how}{what} {has} {who} {_DONE[verb]} so far?", last)
    elif sources[0] == (last,) and sources[1][0] >= quantity_source(0):
        if any("-" in asked.graph.solution.equations[i].operators for i in ancestors(asked.graph, [last])):
            return  # some of what is needed was taken off already
        aux = "does" if aux == "did" else aux
        to = f" to {verb}" if verb else ""
        if " to " in rest[3:] or " for " in rest[4:] or verb in ("buy", "get", "order", "purchase"):
            return  # whoever has some need not buy them
        if what == " money" or not re.match(r" (?:to|for|in order|before)\b", rest):
            twin = f"need in total{to}{rest}" if what == " money" else f"need{to}{rest} in total"
        else:
            twin = f"need{to} in total{rest}"
        yield from asked.edit(before + f"{how}{what} {aux} {who} {twin}?", last)


_DONE = {verb: PAST_OF[verb] for verb in (
    "save", "earn", "collect", "raise", "sell", "read", "bake", "make", "practice", "solve", "plant", "pick", "paint",
    "pack", "walk", "deliver", "score", "pay", "play", "find", "catch", "gather", "win", "harvest",
)}  # fmt: skip


def _sales(asked: Asked, last: int) -> Iterator[Edit]:
    """What was taken in, or what was spent, for the profit."""
    sources = asked.graph.sources[asked.index]
    if "profit" in " ".join(reference_steps(asked.graph)[: asked.final.step]):
        return  # then it is a profit that the last step takes something from
    if match := _PROFIT.search(asked.text):
        how, aux, who, rest = match.groups()
        before = asked.text[: match.start()]
        if sources[0] == (last,):
            yield from asked.edit(before + f"{how} revenue {aux} {who} make{rest}?", last)
        elif sources[1] == (last,) and not rest:
            yield from asked.edit(before + f"{how} money {aux} {who} spend in total?", last)
    elif match := _IS_PROFIT.search(asked.text):
        what, be, whose, _, rest = match.groups()
        if rest.startswith((" or", " and")):
            return
        income = "revenue" if sources[0] == (last,) else "costs"
        if (last,) in sources:
            be = be if income == "revenue" else {"is": "are", "was": "were"}.get(be, be)
            yield from asked.edit(asked.text[: match.start()] + f"{what} {be} {whose} total {income}{rest}?", last)


def _part(asked: Asked, last: int) -> Iterator[Edit]:
    """How much the tip is, for what is paid with it."""
    graph = asked.graph
    if (last,) not in graph.sources[asked.index] or not asked.is_money or asked.final.operators[0] not in "+-":
        return
    operands = range(len(graph.solution.equations[last].operands))
    kinds = {quantity.kind for operand in operands if (quantity := graph.quantity_of(last, operand))}
    if kinds.isdisjoint((Kind.PERCENTAGE, Kind.SHARE)):
        return
    text, clause = graph.question.text.lower(), asked.text[asked.how :]
    step = "".join(graph.solution.steps[graph.solution.equations[last].step]).lower()
    named = [noun for noun in _SHARES if re.search(rf"\b{noun}\b", text)]
    named = [noun for noun in named if not any(noun in other and noun != other for other in named)]
    if (
        len(named) != 1
        or named[0] not in step
        or named[0] in clause
        or re.search(rf"\b{named[0]}(?:s|es)\b|\bextra {named[0]}\b", text)
    ):
        return
    if _is_one_of_two(graph, last, named[0]) or not _is_the_less(asked, last):
        return
    if says_what_is_needed(graph, last, asked.start + asked.how) or asked.text.startswith(
        ("With", "After", "Including")
    ):
        return
    was = "was" if re.search(r"\b(?:was|were|did|paid|bought|spent|cost)\b", clause) else "is"
    how = "How" if asked.how == 0 else "how"
    yield from asked.edit(asked.text[: asked.how] + f"{how} much {was} the {named[0]}?", last)


def _is_one_of_two(graph: Graph, last: int, noun: str) -> bool:
    """Whether there may be two discounts, or interest of two years."""
    if noun not in ("discount", "interest", "raise", "bonus", "markup"):
        return False
    percentages = sum(len(q.mentions) for q in graph.question.quantities if q.kind is Kind.PERCENTAGE)
    steps = reference_steps(graph)[: graph.solution.equations[last].step + 1]
    return percentages > 1 or (noun == "interest" and sum(noun in step for step in steps) > 1)


def _is_the_less(asked: Asked, last: int) -> bool:
    """Whether it is the part, and not the whole, that the step before the last computes."""
    operand = asked.graph.sources[asked.index].index((last,))
    values = asked.final.operands
    return (operand == 1 or asked.final.operators == ["+"]) and values[operand] < values[1 - operand]


def recognised(read: Difference) -> bool:
    """One concludes where the other goes on; or one adds up what the other takes away."""
    adds = {read.operators[:1], read.twin_operators[:1]} == {"+", "-"}
    return read.ends or (adds and bool({"left", "remaining", "change"} & (read.gone + read.new).keys()))


FAMILY = Family(
    name="another_target",
    stands_for="another thing answered than asked: stopped early, or a further step",
    thought='answers "{read}" instead of "{said}"',
    thought_back='answers "{read}" instead of "{said}"',
    example="gsm8k/train/710",
    edits=edits,
    recognised=recognised,
    concludes=True,
)
