"""A problem as one graph: the quantities of its question, the equations of its solution, and which feeds which.

    Natalia sold clips to 48 of her friends in April, and half as many in May. How many altogether?
    48/2 = 24     operand 48 is quantity 0, operand 2 is quantity 1 ("half")
    48+24 = 72    operand 48 is quantity 0, operand 24 is the result of equation 0

An operand can have several possible sources (a 7 that may be the question's or the days of a week). It is then open: it
may stay as it is, but nothing that it may depend on is ever changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from prm_gsm8k.synthetic.numbers import Value, whole
from prm_gsm8k.synthetic.parse import Equation, Mention, Solution
from prm_gsm8k.synthetic.question import SPELLED, Kind, Quantity, Question

# A source is an equation (its index), a quantity of the question (`quantity_source`), the world, or unknown.
WORLD, UNKNOWN = -1, -2
_QUANTITIES = 1000

# Constants of the world, and the words of which one must be said for it to be meant.
_WORLD: dict[int, str] = {
    2: "both couple pair pairs couples husband wife parents twins",
    3: "thirds tripled triples",
    4: "quarters quadrupled fourths",
    5: "nickel nickels weekday weekdays",
    7: "week weeks weekly day days daily",
    10: "dime dimes decade decades",
    12: "dozen dozens year years month months foot feet inch inches annual annually yearly",
    16: "pound pounds ounce ounces oz",
    24: "hour hours day days",
    25: "quarter quarters",
    30: "month months day days june april",
    31: "january march may july august october december",
    36: "yard yards",
    52: "week weeks year years annual weekly",
    60: "minute minutes hour hours second seconds",
    100: "percent percentage cents cent dollars dollar centimeters meters meter",
    365: "year years day days daily",
    1000: "thousand kilograms kilogram kg kilometers km kilometer liters liter grams tons",
    3600: "hour hours second seconds",
    5280: "mile miles feet",
}
_WORLD_WORDS = {value: frozenset(words.split()) for value, words in _WORLD.items()}
_LETTERS = re.compile("[a-z]+")


def quantity_source(index: int) -> int:
    """The source that quantity `index` of the question is."""
    return _QUANTITIES + index


@dataclass(frozen=True, slots=True)
class Graph:
    """A problem, read.

    Attributes:
        sources: for each equation and operand, where it may come from; one source where that is certain.
        prose: the numbers of the solution outside its equations, each with where it may come from.
        uses: for each source, the (equation, operand) that it alone feeds.
        open: the sources that some number may come from and may not.
        world: the constants of the world that are spoken of.
    """

    question: Question
    solution: Solution
    sources: list[list[tuple[int, ...]]]
    prose: list[tuple[Mention, tuple[int, ...]]]
    uses: dict[int, list[tuple[int, int]]]
    open: frozenset[int]
    world: frozenset[int]

    def feeds(self, quantity: int) -> list[tuple[int, int]]:
        """The (equation, operand) that are this quantity of the question, and nothing else."""
        return self.uses.get(_QUANTITIES + quantity, [])

    def quantity_of(self, equation: int, operand: int) -> Quantity | None:
        """The quantity of the question that an operand is, where that is certain."""
        sources = self.sources[equation][operand]
        return self.question.quantities[sources[0] - _QUANTITIES] if _is_quantity(sources) else None

    def is_open(self, source: int) -> bool:
        """Whether some number of the solution may come from this source or from another one."""
        return source in self.open


def _is_quantity(sources: tuple[int, ...]) -> bool:
    return len(sources) == 1 and sources[0] >= _QUANTITIES


def join(question: Question, solution: Solution) -> Graph:
    """Find where each number of a solution comes from."""
    said: dict[Value, list[int]] = {}
    for index, quantity in enumerate(question.quantities):
        for value in forms(quantity):
            said.setdefault(value, []).append(_QUANTITIES + index)
    world = _world(question, solution)
    results: dict[Value, list[int]] = {}
    sources: list[list[tuple[int, ...]]] = []
    for index, equation in enumerate(solution.equations):
        found: list[tuple[int, ...]] = []
        for operand, value in enumerate(equation.operands):
            fitting = (s for s in said.get(value, ()) if _fits(question, s, equation, operand))
            everywhere = (WORLD,) if value in world else ()
            found.append((*results.get(value, ()), *fitting, *everywhere) or (UNKNOWN,))
        _read_fractions(question, solution, index, found)
        sources.append([_spoken_of(question, solution, equation.step, s) if len(s) > 1 else s for s in found])
        results.setdefault(equation.result, []).append(index)
    _prefer_results(sources, solution.final)
    _prefer_unused(sources)
    prose = [(mention, _repeated(solution, mention, said, results, sources, world)) for mention in solution.mentions]
    uses: dict[int, list[tuple[int, int]]] = {}
    for index, operands in enumerate(sources):
        for operand, candidates in enumerate(operands):
            if len(candidates) == 1 and candidates[0] >= 0:
                uses.setdefault(candidates[0], []).append((index, operand))
    doubtful = (s for operands in (*sources, [s for _, s in prose]) for s in operands if len(s) > 1)
    return Graph(question, solution, sources, prose, uses, frozenset().union(*doubtful), world)


def _world(question: Question, solution: Solution) -> frozenset[int]:
    """The constants of the world that the question or the solution speaks of."""
    words = set(solution.question_words).union(*map(solution.words_of, range(len(solution.steps))))
    if "%" in question.text:
        words.add("percent")
    if "$" in question.text:
        words.add("dollars")
    return frozenset({1, *(value for value, meant in _WORLD_WORDS.items() if not meant.isdisjoint(words))})


def _repeated(
    solution: Solution,
    mention: Mention,
    said: dict[Value, list[int]],
    results: dict[Value, list[int]],
    sources: list[list[tuple[int, ...]]],
    world: frozenset[int],
) -> tuple[int, ...]:
    """What a number outside the equations may repeat; beside an operand of its value it repeats that."""
    if mention.tangled:
        return (UNKNOWN,)
    before = (i for i in results.get(mention.value, ()) if solution.equations[i].step <= mention.step)
    candidates = (*before, *said.get(mention.value, ()))
    beside = {sources[e][o] for e, o in mention.operands if len(sources[e][o]) == 1}
    if len(candidates) > 1 and len(beside) == 1 and (one := beside.pop())[0] in candidates:
        return one
    return candidates or ((WORLD,) if mention.value in world else (UNKNOWN,))


def forms(quantity: Quantity) -> set[Value]:
    """The numbers that a quantity may be in an equation: 20% is 1/5, 20, 6/5, 4/5 or 120, half is 1/2 or 2."""
    value = quantity.value
    if quantity.kind is Kind.PERCENTAGE:
        return {whole(form) for form in (value, value * 100, 1 + value, 1 - value, 100 + value * 100) if form > 0}
    if quantity.kind is Kind.SHARE and value and type(value) is not int:
        return {value, value.denominator, value.numerator} - ({1} if value.numerator == 1 else set())
    return {value}


def _fits(question: Question, source: int, equation: Equation, operand: int) -> bool:
    """Whether a quantity can stand there: a multiple beside * or /, a difference beside + or -, half's 2 behind /."""
    quantity = question.quantities[source - _QUANTITIES]
    beside = equation.operators[max(0, operand - 1) : operand + 1]
    if quantity.kind is Kind.MULTIPLIER:
        return any(operator in "*/" for operator in beside)
    if quantity.kind is Kind.DIFFERENCE:
        return any(operator in "+-" for operator in beside)
    if quantity.kind is Kind.SHARE and equation.operands[operand] != quantity.value:
        return operand > 0 and equation.operators[operand - 1] == "/"
    return True


def _spoken_of(question: Question, solution: Solution, step: int, candidates: tuple[int, ...]) -> tuple[int, ...]:
    """Of several quantities of one value, the one whose clause shares at least two words more with the step."""
    if any(source < _QUANTITIES for source in candidates):
        return candidates
    words = {word for word in solution.words_of(step) if len(word) > 2} - _EMPTY
    scores = sorted(
        ((len(words & _clause_words(question, source - _QUANTITIES)), source) for source in candidates), reverse=True
    )
    return (scores[0][1],) if scores[0][0] >= scores[1][0] + 2 else candidates


def _clause_words(question: Question, index: int) -> set[str]:
    """The words of the clause that a quantity stands in."""
    start, end = question.quantities[index].mentions[0]
    before = _CLAUSE.split(question.text[:start])[-1]
    after = _CLAUSE.split(question.text[end:])[0]
    return set(_LETTERS.findall(f"{before} {after}".lower()))


_CLAUSE = re.compile(r"[.,;?!] | and | but | while ")
_EMPTY = frozenset("the and his her has had have for was were are that this with each total from will".split())


def _read_fractions(question: Question, solution: Solution, index: int, sources: list[tuple[int, ...]]) -> None:
    """A fraction that is written as in the question is the question's, its 3 and its 4 alike."""
    equation = solution.equations[index]
    parts = solution.steps[equation.step]
    for operand in range(len(equation.places) - 1):
        if parts[equation.places[operand] + 1] == "/":
            over, under = equation.operands[operand : operand + 2]
            if type(over) is int and type(under) is int and 0 < over < under:
                for number, quantity in enumerate(question.quantities):
                    if quantity.kind is Kind.SHARE and quantity.value * under == over:
                        sources[operand] = sources[operand + 1] = (_QUANTITIES + number,)


def _prefer_results(sources: list[list[tuple[int, ...]]], final: int) -> None:
    """A result is there to be used: the only operand that can be its use is its use."""
    certain = {s[0] for operands in sources for s in operands if len(s) == 1}
    possible: dict[int, list[tuple[int, int]]] = {}
    for index, operands in enumerate(sources):
        for operand, candidates in enumerate(operands):
            if len(candidates) > 1:
                for source in candidates:
                    if 0 <= source < _QUANTITIES and source not in certain and source != final:
                        possible.setdefault(source, []).append((index, operand))
    for source, places in possible.items():
        if len(places) == 1:
            index, operand = places[0]
            if len(sources[index][operand]) == 2:
                sources[index][operand] = (source,)


def _prefer_unused(sources: list[list[tuple[int, ...]]]) -> None:
    """A number of the question is there to be used: the only operand that can be its use is its use.

    That is, where whatever else it may come from is used elsewhere, or is a constant of the world.
    """
    certain = {s[0] for operands in sources for s in operands if len(s) == 1} | {WORLD}
    possible: dict[int, list[tuple[int, int]]] = {}
    for index, operands in enumerate(sources):
        for operand, candidates in enumerate(operands):
            if len(candidates) > 1:
                for source in candidates:
                    possible.setdefault(source, []).append((index, operand))
    for source, places in possible.items():
        if source >= _QUANTITIES and source not in certain and len(places) == 1:
            index, operand = places[0]
            if certain.issuperset(set(sources[index][operand]) - {source}):
                sources[index][operand] = (source,)


def spelled_in(value: Value) -> frozenset[str]:
    """The words that spell a value."""
    return _WORDS_FOR.get(value, frozenset())


_WORDS_FOR: dict[Value, frozenset[str]] = {}
for _word, _value in SPELLED.items():
    _WORDS_FOR[_value] = _WORDS_FOR.get(_value, frozenset()) | {_word}
_WORDS_FOR[2] |= {"twice", "double", "doubled", "both", "couple", "pair", "two"}
_WORDS_FOR[3] |= {"triple", "thrice", "tripled"}
_WORDS_FOR[12] |= {"dozen"}
