"""The sentence of a question that asks, with the equation that answers it; and steps that answer another one.

    How many clips did Natalia sell altogether in April and May?
    Natalia sold 48+24 = 72 clips altogether in April and May.

A family of what is asked rewrites the sentence, ends the solution at an earlier step, or writes a last step of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from prm_gsm8k.synthetic.asking import PAST_OF
from prm_gsm8k.synthetic.edit import Edit
from prm_gsm8k.synthetic.graph import Graph, quantity_source
from prm_gsm8k.synthetic.numbers import Value, decimals, read_number, write_number
from prm_gsm8k.synthetic.parse import NUMBER, Equation, read_gap
from prm_gsm8k.synthetic.question import names_in, read_question, thing_after
from prm_gsm8k.synthetic.solve import Change

OTHERS = re.compile(
    r"\b(?:brother|sister|mother|father|mom|dad|wife|husband|friend|son|daughter|uncle|aunt|cousin|teacher|boss"
    r"|neighbor|man|woman|boy|girl)s?\b",
    re.IGNORECASE,
)
_CURRENCY = "$£€"

_HOW = re.compile(
    r"\b(?:[Hh]ow (?:many|much|old|long|far|tall|fast)|[Ww]hat(?:'s)?|[Cc]alculate|[Ff]ind|[Dd]etermine)\b"
)
NAME = r"[A-Z][a-z]+"
WHO = rf"(?:{NAME}|(?:[Tt]he|[Hh]is|[Hh]er) [a-z]+|the {NAME}(?: {NAME})?|he|she)"
AUXILIARY = "do|does|did|will|would|can|could|have|has"
TOTAL = re.compile(
    r",? ?\b(?:[Ii]n total|[Aa]ltogether|[Aa]ll together|(?:put )?[Tt]ogether|combined|[Ii]n all"
    r"|total(?: number| amount)?(?: of)?|both|all)\b(?:,(?= ))?"
)


@dataclass(frozen=True)
class Asked:
    """The last sentence of a question, where the last step of its solution answers it.

    Attributes:
        start: where the sentence begins.
        text: the sentence.
        index, final: the equation that answers it; it stands alone in the last step.
    """

    graph: Graph
    start: int
    text: str
    index: int
    final: Equation

    @cached_property
    def parts(self) -> list[str]:
        """The last step, cut at its numbers."""
        return self.graph.solution.steps[self.final.step]

    @cached_property
    def how(self) -> int:
        """The place in the sentence where the question itself begins, behind "If it rains, "."""
        match = _HOW.search(self.text)
        return match.start() if match else 0

    @cached_property
    def is_money(self) -> bool:
        """Whether the answer stands behind a currency sign."""
        return bool(currency(self.parts, self.final.result_place))

    def is_said(self, value: Value) -> bool:
        """Whether the question says a number of this value: then it is no answer."""
        return any(quantity.value == value for quantity in self.graph.question.quantities)

    @property
    def before(self) -> str:
        """The question without its last sentence."""
        return self.graph.question.text[: self.start]

    def edit(self, asked: str, last: int | None, own: tuple[str, Value] | None = None) -> Iterator[Edit]:
        """The edit that asks this instead, if it still says what is used; `last` and `own` as in `Change`."""
        gone = {q.value for q in read_question(self.text).quantities} - {
            q.value for q in read_question(asked).quantities
        }
        equations = self.graph.solution.equations[: None if last is None else last + 1]
        used = {value for equation in equations for value in equation.operands}
        if own is not None:
            used.update(map(read_number, NUMBER.findall(own[0])))
        if gone.isdisjoint(used):
            asked = capital(asked.lstrip(" ,"))
            yield Edit(self.before + asked, Change(last=last, own=own), self.text, asked)


def read_asked(graph: Graph) -> Asked | None:
    """The sentence that asks; None if the solution does not end with one readable equation of its own step."""
    solution = graph.solution
    final = solution.equations[solution.final]
    if final.frozen or not final.places or final.step != len(solution.steps) - 1:
        return None
    if sum(e.step == final.step for e in solution.equations) > 1:
        return None
    if final.step and solution.equations[solution.final - 1].step != final.step - 1:
        return None
    start, end = graph.question.sentences[-1]
    text = graph.question.text[start:end]
    return Asked(graph, start, text, solution.final, final) if text.count("?") <= 1 else None


def ends(asked: Asked) -> list[int]:
    """The earlier equations with which a solution may end: alone in their step, and all before goes into them."""
    solution = asked.graph.solution
    steps = [equation.step for equation in solution.equations]
    return [i for i in range(asked.index - 1, -1, -1) if steps.count(steps[i]) == 1 and is_needed(asked.graph, i)]


def previous(asked: Asked) -> int:
    """The only equation of the last step but one, if all that was computed goes into it; -1 if there is none."""
    found = [i for i in ends(asked) if asked.graph.solution.equations[i].step == asked.final.step - 1]
    return found[0] if found else -1


def read_of_two(graph: Graph) -> tuple[Asked, int] | None:
    """The sentence that asks and its `previous`; None without them, or if the answer is not computed from two."""
    asked = read_asked(graph)
    if asked is None or len(asked.final.operands) != 2 or (last := previous(asked)) < 0:
        return None
    return asked, last


def is_needed(graph: Graph, last: int) -> bool:
    """Whether everything that was computed before goes into this result, and more of the question than a "one".

    "One dozen is 1 x 12 = 12" answers nothing that anybody would ask.
    """
    step, first = graph.solution.equations[last].step, quantity_source(0)
    needed = ancestors(graph, [last])
    said = {s for i in needed for sources in graph.sources[i] for s in sources if s >= first}
    if all(graph.question.quantities[s - first].value == 1 for s in said):
        return False
    return all(i in needed for i, e in enumerate(graph.solution.equations) if e.step <= step)


def ancestors(graph: Graph, of: Iterable[int]) -> set[int]:
    """These equations and all that go into them."""
    found: set[int] = set()
    waiting = list(of)
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += [s for sources in graph.sources[index] for s in sources if 0 <= s < quantity_source(0)]
    return found


_COMPARED = re.compile(r"\b(?:than|as) (?:[a-z']+ ){0,3}[A-Z][a-z]+.*")
# "First, add three to Jo's total:", "Twice the number of pens that Jo has is": not yet what Jo has.
_TO_FIND = re.compile(r".*\bto find (?:out )?")
_ON_THE_WAY = re.compile(
    r"\b(?:half|twice|double|triple|thrice|times|third|quarter)\b(?: of)?"
    r" (?:(?:the|that|this|his|her|their)\b|\S+['’]s\b)|\b(?:add|subtract|additional|extra)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"\A(?:If|Since|As|Because|When|While) [^,]*, ")
_CLAUSE = re.compile(r"[.,;?!]\s| and | but | while |\.\Z")


def whose(graph: Graph, source: tuple[int, ...], subjects: list[str]) -> str:
    """Which of these a number is said of, by its own step or clause; "" where that is not certain."""
    question, solution = graph.question, graph.solution
    if len(source) != 1 or source[0] < 0:
        return ""
    if source[0] < quantity_source(0):
        equation = solution.equations[source[0]]
        parts = solution.steps[equation.step]
        text = _COMPARED.sub("", _LEAD.sub("", "".join(parts[: equation.places[0]] if equation.places else parts[:1])))
        text = _TO_FIND.sub("", text)
        unclear: object = re.search(r"\b(?:both|together|combined|they|their)\b", "".join(parts))
        unclear = unclear or _ON_THE_WAY.search(text)
    else:
        start, end = question.quantities[source[0] - quantity_source(0)].mentions[0]
        text, behind = _CLAUSE.split(question.text[:start])[-1], _CLAUSE.split(question.text[end:])[0]
        unclear = re.search(r"\b(?:more|less|fewer|times|than|as|each|per|every|there)\b", text + behind)
        list_of_names = re.search(r"[A-Z][a-z]+,?(?: and)? \Z", question.text[: start - len(text)])
        unclear = unclear or (list_of_names and names_in(list_of_names[0]))
    named = [subject for subject in subjects if re.search(rf"\b{subject}\b", text, re.IGNORECASE)]
    return named[0] if len(named) == 1 and not unclear and len(set(names_in(text))) <= 1 else ""


def thing_of(graph: Graph, source: tuple[int, ...]) -> str:
    """What a number counts, in the singular, or ""."""
    if len(source) != 1 or source[0] < 0:
        return ""
    if source[0] >= quantity_source(0):
        return graph.question.quantities[source[0] - quantity_source(0)].thing
    equation = graph.solution.equations[source[0]]
    return thing_after(graph.solution.steps[equation.step][equation.result_place + 1])


def says(subject: str, aux: str, verb: str) -> str | None:
    """A statement's beginning from the words of a question: "does", "have" as "Jo has"; None for an unknown verb."""
    if aux in ("will", "would", "can", "could", "should"):
        return f"{subject} {aux} {verb}"
    if aux == "did":
        past = PAST_OF.get(verb)
        return f"{subject} {past}" if past else None
    if aux == "does":
        ending = "es" if verb.endswith(("sh", "ch", "s", "x", "o")) else "s"
        return f"{subject} {'has' if verb == 'have' else verb + ending}"
    return f"{subject} {verb}" if aux == "do" else None


def does_so(said: str, clause: str) -> bool:
    """Whether a statement has the verb that a question asks with.

    >>> does_so("Jo ate 3*2 = 6 pears.", "did Jo eat"), does_so("Jo got 6 pears.", "did Jo eat")
    (True, False)
    """
    verbs = [word for word in re.findall("[a-z]+", clause) if word in PAST_OF]
    forms = {form for verb in verbs for form in (verb, f"{verb}s", f"{verb}es", PAST_OF[verb])}
    forms |= {"has"} if "have" in verbs else set()
    return not forms.isdisjoint(re.findall("[a-z]+", said))


def only(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The match of a pattern, if there is one only."""
    found = list(pattern.finditer(text))
    return found[0] if len(found) == 1 else None


def capital(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def only_name(text: str) -> str:
    """The one person that a text speaks of, or ""."""
    names = set(names_in(text))
    return next(iter(names)) if len(names) == 1 and not OTHERS.search(text) else ""


def currency(parts: list[str], place: int) -> str:
    """The currency sign before a number, or ""."""
    sign = parts[place - 1].rstrip()[-1:]
    return sign if sign and sign in _CURRENCY else ""


def number(value: Value, parts: list[str], place: int) -> str | None:
    """A number as this step writes them, with its currency sign; None for one with too many decimals."""
    sign = currency(parts, place)
    if type(value) is not int and decimals(value, 2) is None:
        return None
    like = "0.00" if sign and type(value) is not int else "1,000" if "," in "".join(parts[1::2]) else ""
    text = write_number(value, like or "0")
    return sign + (text if "," in like else text.replace(",", ""))


def equation(asked: Asked, terms: list[str], operator: str, result: str) -> str:
    """An equation with the spaces and the sign for "times" of this solution: `2 x 12 = 24`."""
    gaps = [g for parts in asked.graph.solution.steps for text in parts[2::2] if (g := read_gap(text))]
    gaps = [g for g in gaps if g.operator != "="]
    if operator == "*":
        operator = next((g.glyph for g in gaps if g.operator == "*" and len(g.glyph) == 1), "*")
    wide = not gaps or operator.isalpha() or " " in gaps[-1].left[-1:] + gaps[-1].right[:1]
    tail = asked.parts[asked.final.tail]
    equals = " = " if " =" in tail or "= " in tail else "="
    return (f" {operator} " if wide else operator).join(terms) + equals + result


def terms(asked: Asked) -> list[str]:
    """The operands of the last step as it writes them, with the currency sign where the answer has one."""
    sign = "$" if any(currency(asked.parts, place) for place in asked.final.places) else ""
    return [sign + asked.parts[place] for place in asked.final.places]
