"""The twin solution: the reference solution of a problem, carried over to the edited question.

What an edit changes in the graph is a `Change`; `solve` computes everything anew and writes it in the reference's own
words. What cannot be followed with certainty is refused: a number that may be the changed one or another, an equation
that could not be read, a count that is no longer whole, a word that would still say the old number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from prm_gsm8k.synthetic.graph import UNKNOWN, Graph, quantity_source, spelled_in
from prm_gsm8k.synthetic.numbers import Value, decimals, write_number
from prm_gsm8k.synthetic.parse import Equation, compute, read_gap
from prm_gsm8k.synthetic.question import DIVISIBLE, SMALL, SPELLED, thing_after

Place = tuple[int, int]  # (equation, operand)


class Refused(Exception):
    """This edit cannot be carried through this problem; the argument is why, from a small fixed vocabulary."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit of the question does to the graph.

    Attributes:
        quantities: new values of quantities, by index.
        sources: operands that now come from another source: an equation's index or a `quantity_source`.
        operators: new operators, by (equation, index of the operator).
        swapped: equations of two operands that exchange them, so that what is taken away stands behind.
        dropped: operands that are no longer there.
        gone: equations that are not computed any more; each stands for its operand of this index, or for nothing (-1).
        restated: equations that are not computed any more, but whose step still says what stands for them.
        words: what the prose of a step says instead, by step.
        last: the equation with which the twin ends; None for the reference's.
        added: the source of one more term of a sum, by equation.
        results: what an equation states instead of what it comes to: it is false then.
        concludes: the result that the conclusion states instead of the last; nothing else changes.
        own: a step that the twin has instead of all behind the step of `last` (of -1: instead of all), and what it
            comes to. It is written by the family, and nothing else changes.
    """

    quantities: Mapping[int, Value] = field(default_factory=dict)
    sources: Mapping[Place, int] = field(default_factory=dict)
    operators: Mapping[Place, str] = field(default_factory=dict)
    swapped: frozenset[int] = frozenset()
    dropped: frozenset[Place] = frozenset()
    gone: Mapping[int, int] = field(default_factory=dict)
    restated: Mapping[int, int] = field(default_factory=dict)
    words: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    last: int | None = None
    added: Mapping[int, int] = field(default_factory=dict)
    results: Mapping[int, Value] = field(default_factory=dict)
    concludes: Value | None = None
    own: tuple[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """A twin solution: its steps, the first that differs from the reference's, and its answer."""

    steps: list[str]
    first: int
    answer: Value


def reference_steps(graph: Graph) -> list[str]:
    """The steps of the reference solution as they stand."""
    return ["".join(parts) for parts in graph.solution.steps]


def solve(graph: Graph, change: Change) -> Solved:
    """The solution of the twin. Raises `Refused`."""
    solution = graph.solution
    if change.concludes is not None:
        return Solved(reference_steps(graph), len(solution.steps), change.concludes)
    if change.own is not None:
        last = solution.final if change.last is None else change.last
        kept_steps = reference_steps(graph)[: solution.equations[last].step + 1 if last >= 0 else 0]
        return Solved([*kept_steps, change.own[0]], len(kept_steps), change.own[1])
    values = _compute(graph, change)
    texts, words = _write(graph, change, values)
    last = solution.final if change.last is None else change.last
    steps = []
    kept = []
    for number, parts in enumerate(solution.steps):
        if change.last is not None and number > solution.equations[last].step:
            break
        if any(solution.equations[e].step == number for e in change.gone):
            continue
        own = texts.get(number)
        if own:
            parts = parts.copy()
            for place, text in own.items():
                parts[place] = text
        steps.append(_reworded("".join(parts), {**words.get(number, {}), **change.words.get(number, {})}))
        kept.append(number)
    before = reference_steps(graph)
    first = next((i for i, (a, b) in enumerate(zip(steps, before, strict=False)) if a != b), len(steps))
    if first < len(steps):
        if kept[first] not in texts:  # words alone
            raise Refused("first difference is no change")
        here = [i for i, e in enumerate(solution.equations) if e.step == kept[first] and i not in change.gone]
        if all(values[i] == solution.equations[i].result for i in here):
            raise Refused("first difference has the same result")
        if change.gone:
            steps[first] = _opened(steps[first], first)
    return Solved(steps, first, values[last])


_POINTS_BACK = re.compile(r"\b(?:that|this|these|those|it|also|both)\b")
_CONNECTED = re.compile(r"(?:Then|Finally|Next|So|Thus|Therefore|Hence|Now|And|Lastly),? ", re.IGNORECASE)


def _opened(step: str, number: int) -> str:
    """A step whose predecessor is gone; as the first of all it opens without "Then". `Refused` if it points back."""
    if _POINTS_BACK.search(step.lower().partition("=")[0]):
        raise Refused("points back")
    if number == 0 and (match := _CONNECTED.match(step)):
        step = step[match.end() :]
        step = step[:1].upper() + step[1:]
    return step


def _compute(graph: Graph, change: Change) -> dict[int, Value]:
    """The result of every equation that is still there, in the twin; of one that is gone, what stands for it."""
    equations, quantities = graph.solution.equations, change.quantities
    values: dict[int, Value] = {}
    replaced = {**change.gone, **change.restated}
    moved = {quantity_source(q) for q in quantities} | set(replaced)  # sources that are not what they were
    touched = {e for e, _ in (*change.sources, *change.operators, *change.dropped)}
    touched |= {*change.swapped, *replaced, *change.added, *change.results}
    end = len(equations) if change.last is None else change.last + 1
    for index, equation in enumerate(equations[:end]):
        operands = equation.operands.copy()
        follows = index in touched
        gone = index in replaced
        for operand, sources in enumerate(graph.sources[index]):
            if gone and operand != replaced[index]:
                continue  # nothing is computed from it
            source = change.sources.get((index, operand))
            if source is None:
                if moved.isdisjoint(sources) or (index, operand) in change.dropped:
                    continue
                if len(sources) > 1:
                    raise Refused("ambiguous operand")
                source = sources[0]
            operands[operand] = _value(graph, source, values, quantities, equation.operands[operand])
            follows = True
        if not follows:
            values[index] = equation.result
            continue
        moved.add(index)
        if gone:
            kept = replaced[index]
            if kept >= 0:
                if UNKNOWN in graph.sources[index][kept]:
                    raise Refused("untraced operand")
                values[index] = operands[kept]
            continue
        if UNKNOWN in (s for sources in graph.sources[index] for s in sources):
            raise Refused("untraced operand")
        if equation.frozen or not equation.places:
            raise Refused("unreadable equation")
        if index in change.added:
            source = change.added[index]
            operands.append(_value(graph, source, values, quantities, _worth(graph, source)))
        values[index] = change.results.get(index) or _result(index, equation, operands, change, graph.solution.steps)
    final = graph.solution.final if change.last is None else change.last
    if final not in values or (change.last is None and values[final] == graph.solution.answer):
        raise Refused("same answer")
    return values


def _value(
    graph: Graph, source: int, values: Mapping[int, Value], quantities: Mapping[int, Value], old: Value
) -> Value:
    """What an operand from this source now is, in the form of the old one (20% as 1/5 or as 20)."""
    if source < quantity_source(0):
        if source not in values:
            raise Refused("needs what is gone")
        return values[source]
    index = source - quantity_source(0)
    was = graph.question.quantities[index].value
    now = quantities.get(index, was)
    if index in quantities and was * 2 == 1:
        raise Refused("half may be the other half")
    if index in quantities and old != was:
        now = _like(old, was, now)
    return now.numerator if type(now) is not int and now.denominator == 1 else now


def _worth(graph: Graph, source: int) -> Value:
    """What a source is in the reference."""
    if source < quantity_source(0):
        return graph.solution.equations[source].result
    return graph.question.quantities[source - quantity_source(0)].value


def _like(old: Value, was: Value, now: Value) -> Value:
    """A new value in the form of the old: 30% as 30 where 20% was 20; of 3/4, the 3 where 1/2 was 1."""
    if old == was * 100:
        return now * 100
    if type(was) is Fraction:  # of a percentage, what it leaves or what it comes to
        for whole_part, sign in ((1, 1), (1, -1), (100, 1)):
            if old == whole_part + sign * was * whole_part:
                return whole_part + sign * now * whole_part
    if type(was) is Fraction and type(now) is Fraction:
        if old == was.denominator and (was.numerator != 1 or now.numerator == 1):
            return now.denominator
        if old == was.numerator:
            return now.numerator
    raise Refused("another form of the number")


def _divides(steps: list[list[str]], equation: Equation) -> bool:
    """Whether a result is of a kind that need not be whole: money, or a time, a length, a weight, a volume."""
    parts, place = steps[equation.step], equation.result_place
    return parts[place - 1].rstrip()[-1:] == "$" or thing_after(parts[place + 1]) in DIVISIBLE


def _result(index: int, equation: Equation, operands: list[Value], change: Change, steps: list[list[str]]) -> Value:
    operators = [change.operators.get((index, i), operator) for i, operator in enumerate(equation.operators)]
    opens, closes = equation.opens, equation.closes
    if index in change.added:
        if any(opens):
            raise Refused("brackets")
        operators, opens, closes = [*operators, "+"], [*opens, 0], [*closes, 0]
    if index in change.swapped:
        operands = operands[::-1]
    out = sorted(operand for e, operand in change.dropped if e == index)
    if out:
        if any(opens) or any(closes):
            raise Refused("brackets")
        for operand in reversed(out):
            del operands[operand]
            del operators[operand if _goes_with_next(operators, operand) else operand - 1]
        opens = closes = [0] * len(operands)
    try:
        value = compute(operands, operators, opens, closes)
    except ZeroDivisionError:
        raise Refused("division by zero") from None
    if value != equation.result and not believable(value, equation, _divides(steps, equation)):
        raise Refused("not believable")
    return value


def _goes_with_next(operators: list[str], operand: int) -> bool:
    """Whether an operand is left out together with the operator behind it: the 4 of 8 + 4 * 3, the first of a sum."""
    return operand == 0 or (operand < len(operators) and operators[operand] == "*" and operators[operand - 1] != "*")


def believable(value: Value, equation: Equation, divides: bool) -> bool:
    """Whether a value can stand where a result stands: whole where only that makes sense, positive, of a like size."""
    old = equation.result
    if type(value) is not int:
        if type(old) is int:
            if not (equation.cents or divides) or decimals(value, 2) is None:
                return False
        elif (places := decimals(value, 4)) is None or places > max(2, decimals(old, 4) or 0):
            return False
    return 1 < value < 40 * old < 1600 * value if old > 1 else 0 < value < 1


def _write(
    graph: Graph, change: Change, values: Mapping[int, Value]
) -> tuple[dict[int, dict[int, str]], dict[int, dict[str, str]]]:
    """New texts for the parts of steps, by step and place; and new words for the prose of steps."""
    solution = graph.solution
    equations, steps = solution.equations, solution.steps
    texts: dict[int, dict[int, str]] = {}
    changed = {i for i, value in values.items() if i not in change.gone and value != equations[i].result}
    moved = changed | {quantity_source(q) for q in change.quantities} | set(change.gone) | set(change.restated)
    end = len(equations) if change.last is None else change.last + 1
    for index, equation in enumerate(equations[:end]):
        if index in change.gone:
            continue
        own: dict[int, str] = {}
        parts = steps[equation.step]
        if index in change.restated:
            texts.setdefault(equation.step, {}).update(_restated(equation, parts, values[index]))
            continue
        for operand, sources in enumerate(graph.sources[index]):
            if (index, operand) in change.dropped:
                continue
            source = change.sources.get((index, operand), sources[0] if sources[0] in moved else None)
            if source is None:
                continue
            now = _value(graph, source, values, change.quantities, equation.operands[operand])
            if now != equation.operands[operand]:
                place = equation.places[operand]
                own[place] = written(now, parts, place)
        if index in change.swapped:
            _swap(equation, parts, own)
        for operand in [o for e, o in change.dropped if e == index]:
            _drop(equation, parts, operand, own)
        for at in [i for e, i in change.operators if e == index]:
            place = equation.places[at] + 1
            own[place] = _joined(parts[place], change.operators[index, at], solution.steps)
        if index in change.added:
            own[equation.places[-1]] = _more(graph, equation, change.added[index], values, own)
        if index in changed:
            own[equation.result_place] = written(values[index], parts, equation.result_place)
        if own:
            texts.setdefault(equation.step, {}).update(own)
    return texts, _write_prose(graph, change, values, moved, texts)


def _write_prose(
    graph: Graph, change: Change, values: Mapping[int, Value], moved: set[int], texts: dict[int, dict[int, str]]
) -> dict[int, dict[str, str]]:
    """Numbers outside equations follow what they repeat, number words too; returns the words that change, by step."""
    solution = graph.solution
    gone = {solution.equations[e].step for e in change.gone}
    end = len(solution.steps) if change.last is None else solution.equations[change.last].step + 1
    asked = {quantity_source(q) for q in change.quantities}
    start = min((solution.equations[i].step for i in moved if i < quantity_source(0)), default=0)
    for mention, sources in graph.prose:
        if mention.step in gone or mention.step >= end:
            continue
        if mention.step < start and asked.isdisjoint(sources):
            continue
        beside = {change.sources[place] for place in mention.operands if place in change.sources}
        if UNKNOWN in sources:
            raise Refused("untraced number")
        if beside or not moved.isdisjoint(sources):
            if len(beside or sources) > 1:
                raise Refused("ambiguous mention")
            if any(place in change.dropped for place in mention.operands):
                raise Refused("mention of what is left out")
            now = _value(graph, next(iter(beside or sources)), values, change.quantities, mention.value)
            if now != mention.value:
                place = mention.place
                texts.setdefault(mention.step, {})[place] = written(now, solution.steps[mention.step], place)
    if not solution.comparisons.isdisjoint(texts):
        raise Refused("comparison")
    return _reword_numbers(graph, change, moved, [n for n in range(end) if n not in gone], start)


def _reword_numbers(
    graph: Graph, change: Change, moved: set[int], steps: list[int], start: int
) -> dict[int, dict[str, str]]:
    """The number words that change with the question's numbers, by step. One that spells a result is refused."""
    words: dict[int, dict[str, str]] = {}
    for source in moved:
        index = source - quantity_source(0)
        asked = index >= 0
        old = graph.question.quantities[index].value if asked else graph.solution.equations[source].result
        spelled = spelled_in(old)
        again = asked and any(q.value == old for i, q in enumerate(graph.question.quantities) if i != index)
        compound = _compound(old)
        for step in steps if compound else ():
            if (asked or step >= start) and compound in "".join(graph.solution.steps[step]).lower().replace(" ", "-"):
                raise Refused("number in words")
        for step in steps if spelled else ():
            found = spelled & graph.solution.words_of(step) if asked or step >= start else None
            if found:
                if index not in change.quantities or again or len(found) > 1 or not found <= _PLAIN:
                    raise Refused("number in words")
                words.setdefault(step, {})[next(iter(found))] = spell(change.quantities[index])
    return words


def _compound(value: Value) -> str:
    """The word for 21 to 99 with a hyphen, "" for any other.

    >>> _compound(24), _compound(30)
    ('twenty-four', '')
    """
    if type(value) is not int or not 20 < value < 100 or not value % 10:
        return ""
    return f"{next(word for word, tens in SPELLED.items() if tens == value // 10 * 10)}-{SMALL[value % 10]}"


_PLAIN = frozenset(SMALL)


def written(value: Value, parts: list[str], place: int) -> str:
    """A value in the shape of the text it replaces; money has no cents or two digits of them."""
    like = parts[place]
    try:
        if like[-1:] != "%" and type(value) is not int and parts[place - 1].rstrip()[-1:] in ("$", "£", "€"):
            return write_number(value, ".00" if value >= 1 else "0.00")
        cents = like[-3:-2] == "." and parts[place - 1].rstrip()[-1:] == "$"
        text = write_number(
            value, like if cents or "." not in like or like[-1:] == "%" or type(value) is not int else ""
        )
        return text if "," in like else text.replace(",", "")
    except ValueError:
        raise Refused("not believable") from None


def _swap(equation: Equation, parts: list[str], own: dict[int, str]) -> None:
    if len(equation.places) != 2 or equation.places[1] - equation.places[0] != 2:
        raise Refused("not to be exchanged")
    a, b = equation.places
    gap, tail = read_gap(parts[a + 1]), read_gap(parts[equation.tail])
    if gap is None or tail is None or gap.left.strip() or tail.left.strip():
        raise Refused("not to be exchanged")
    if ("$" in gap.right) != (parts[a - 1][-1:] == "$"):
        raise Refused("not to be exchanged")
    own[a], own[b] = own.get(b, parts[b]), own.get(a, parts[a])


def _drop(equation: Equation, parts: list[str], operand: int, own: dict[int, str]) -> None:
    """Take a term out of the text: `30 apples + 50 pears + 20 = 100` without its 50 pears."""
    place = equation.places[operand]
    after = read_gap(parts[place + 1])
    if after is None:
        raise Refused("not to be left out")
    own[place] = ""
    if _goes_with_next(equation.operators, operand):
        if ("$" in after.right) != (parts[place - 1][-1:] == "$"):
            raise Refused("not to be left out")
        own[place + 1] = ""
        return
    before = read_gap(own.get(place - 1, parts[place - 1]))
    if before is None:
        raise Refused("not to be left out")
    own[place - 1] = before.left
    own[place + 1] = after.glyph + after.right


def _more(graph: Graph, equation: Equation, source: int, values: Mapping[int, Value], own: dict[int, str]) -> str:
    """The last operand with one more term behind it, joined as the others are: `72 + 5` with ` + 24`."""
    parts = graph.solution.steps[equation.step]
    place = equation.places[-1]
    gap, tail = read_gap(parts[place - 1]), read_gap(parts[equation.tail])
    if gap is None or tail is None or tail.left.strip() or gap.left.strip() or gap.glyph != "+":
        raise Refused("no room for a term")
    term = written(values.get(source, _worth(graph, source)), parts, place)
    return own.get(place, parts[place]) + gap.left + gap.glyph + gap.right + term


def _restated(equation: Equation, parts: list[str], value: Value) -> dict[int, str]:
    """The texts of a step that says a value and not how it comes about: "The pens cost $6." for "… 3 x $2 = $6."."""
    first, last = equation.places[0], equation.result_place
    head = parts[first - 1]
    money, opened = parts[last - 1].rstrip()[-1:] == "$", head.rstrip()[-1:] == "$"
    if last < first or any(equation.opens) or money < opened or len(head.split()) < 2:
        raise Refused("not to be restated")
    own = dict.fromkeys(range(first, last), "")
    return {**own, last: "$" * (money and not opened) + written(value, parts, last)}


_GLYPHS = {"+": "+", "-": "-", "/": "/"}


def _joined(gap_text: str, operator: str, steps: list[list[str]]) -> str:
    """The text between two operands, with another operator; times as this solution writes it."""
    gap = read_gap(gap_text)
    if gap is None or (gap.glyph.isalpha() and gap.glyph not in "xX"):
        raise Refused("operator in words")
    glyph = _GLYPHS.get(operator)
    if glyph is None:
        written_so = [g.glyph for parts in steps for text in parts[2::2] if (g := read_gap(text)) and g.operator == "*"]
        glyph = next((g for g in written_so if len(g) == 1), "*")
    left, right = gap.left, gap.right
    if glyph.isalpha() and not left.endswith(" "):
        left, right = left + " ", " " + right.lstrip(" ")
    return left + glyph + right


def _reworded(step: str, words: Mapping[str, str]) -> str:
    """A step with other words, in the case of those they replace."""
    for old, new in words.items():
        step = re.sub(rf"\b{old}\b", new, step)
        step = re.sub(rf"\b{old.capitalize()}\b", new.capitalize(), step)
    return step


def spell(value: Value) -> str:
    """A small whole number in words. Raises `Refused` for any other."""
    if type(value) is not int or not 0 <= value < len(SMALL):
        raise Refused("no word for it")
    return SMALL[value]
