"""Follow a solution step by step: what each value is to the reference, and what it is used for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.label.expressions import Expression, Statement, read_step
from prm_gsm8k.label.reference import ONE_PERCENT, PRIME, Node, Reference, Residue, key

# What a value of a solution is to the reference.
SAME = "same"  # the same quantity as one of its values
PART = "part"  # some of the terms of one of its values
SHARE = "share"  # some of the factors of one of its terms
VALUE = "value"  # equal to one of its values, from other numbers
ONWARD = "onward"  # one operation away from one of its values that the solution did not have yet
GIVEN = "given"  # a number of the question, or one that the solution had already
OTHER = "other"  # none of these


@dataclass(slots=True)
class Computed:
    """One value that a step computes or states.

    Attributes:
        step: which step.
        text: the equation as it stands.
        value: what it comes to, as stated.
        kind: what it is to the reference.
        match: the equation of the reference that this refers to.
        operands: the numbers it is made of.
        false: whether its two sides differ.
        exact: what its left side comes to.
        uses: earlier values it is made of, as indices into the trace.
        claimed: it is stated without a computation.
        final: the last value of the solution is made of it.
        leads: a later value that is the same as one of the reference is made of it.
    """

    step: int
    text: str
    value: float
    kind: str
    match: str
    operands: tuple[float, ...] = ()
    false: bool = False
    exact: float = 0.0
    uses: tuple[int, ...] = ()
    claimed: bool = False
    final: bool = False
    leads: bool = False


@dataclass(slots=True)
class Trace:
    """What a solution says, in order.

    Attributes:
        values: what it computes or states.
        equations: by step, each equation with letters, and whether a value of the reference solves it.
        reached: the first step that has the answer of the reference.
    """

    values: list[Computed] = field(default_factory=list)
    equations: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    reached: int | None = None


_LONGEST_CHAIN = 20  # sides of an equation with letters; a model in a loop writes thousands
# Numbers that may stand in the prose of any step without meaning anything new.
_COMMON = frozenset((0, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 7, 10, 12, 16, 24, 30, 31, 36, 50, 52, 60, 100, 365, 1000))


def same(a: float, b: float) -> bool:
    """Whether two values are the same to the places that people write: whole numbers exactly, others to a cent."""
    if a == b:
        return True
    difference = abs(a - b)
    smaller = min(abs(a), abs(b))
    if difference <= 1e-6 * smaller:
        return True
    if a == int(a) and b == int(b):
        return False
    return (difference < 0.0101 and smaller > 1) or difference < 5e-3 * smaller


def holds(exact: float, stated: float) -> bool:
    """Whether a stated value is `exact`, as a percentage or rounded to a whole number if need be."""
    if same(exact, stated) or same(exact * 100, stated) or same(exact, stated * 100):
        return True
    if exact == int(exact):
        return False
    return (abs(exact - stated) < 1 and stated == int(stated)) or (stated != 0 and stated == round(exact, 2))


def follow(reference: Reference, steps: Sequence[str]) -> Trace:
    """Read the steps and find each of their values in the reference."""
    follower = _Follower(reference)
    for index, step in enumerate(steps):
        read = read_step(step)
        follower.text = step
        for statement in read.statements:
            if any(side.variables for side in statement.sides):
                follower.letters(index, statement)
            else:
                follower.statement(index, statement)
        for number in read.numbers:
            follower.claim(index, number)
    trace = follower.trace
    if trace.values:
        trace.values[-1].final = True
    for value in reversed(trace.values):
        for i in value.uses:
            earlier = trace.values[i]
            earlier.final = earlier.final or value.final
            earlier.leads = earlier.leads or value.leads or (value.kind == SAME and not value.false)
    return trace


class _Follower:
    """A solution as far as it was read."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.text = ""  # of the step
        self.trace = Trace()
        self.known: dict[float, Residue] = {}  # values so far, as quantities
        self.older: dict[float, Residue] = {}  # another quantity of the same value, that came before
        self.made: dict[float, int] = {}  # values so far, as indices into the trace
        self.reached: set[Residue] = set()  # values of the reference that it has

    def statement(self, step: int, statement: Statement) -> None:
        """Each expression of a chain of equations, with what it is said to be."""
        sides, text = statement.sides, str(statement)
        for side, right in itertools.zip_longest(sides, sides[1:]):
            exact = None if side.is_number else side.value()
            if exact is None or (right is None and _is_fraction(side)):
                continue
            stated, false = exact, False
            whole = None if right is None else right.value()
            if whole is not None:
                if holds(exact, whole):
                    stated = whole if right.is_number else exact
                elif not right.is_number and right.numbers and holds(exact, right.numbers[0]):
                    stated = right.numbers[0]  # 2*4 = 8 + 3 = 11 runs on
                else:
                    stated, false = whole, bool(false_equations(self.text))
            self.compute(step, text, side, exact, stated, false)

    def compute(self, step: int, text: str, side: Expression, exact: float, stated: float, false: bool) -> None:
        """Find one computed value in the reference."""
        reference, k = self.reference, key(stated)
        residue: Residue | None = None
        kind, match = OTHER, ""
        if not false:
            residue, kind, match = self.look_up(side)
        node = reference.by_value.get(k)
        if kind != SAME and residue is not None and node is not None:
            if (found := reference.complement(residue, side.numbers)) is not None:
                kind, match, residue = SAME, found, node.residue
        if kind == OTHER:
            node = _node_of(reference, stated)
            if node is not None:
                kind, match = VALUE, node.text
                residue = node.residue if false else residue
            elif residue is not None and (residue in reference.given or residue in self.known.values()):
                kind = GIVEN
            elif residue is not None and k not in self.made:
                if (node := reference.onward(residue, self.reached)) is not None:
                    kind, match = ONWARD, node.text
        uses = tuple({self.made[o] for o in map(key, side.numbers) if o in self.made})
        self.trace.values.append(Computed(step, text, stated, kind, match, side.numbers, false, exact, uses))
        if kind in (SAME, VALUE):
            if k in reference.by_value:
                self.reached.add(reference.by_value[k].residue)
            self.has_answer(step, stated)
        if residue is not None and (k not in reference.stated or kind in (SAME, PART)):
            if self.known.get(k, residue) != residue:
                self.older[k] = self.known[k]
            self.known[k] = residue
        self.made[k] = len(self.trace.values) - 1

    def look_up(self, side: Expression) -> tuple[Residue | None, str, str]:
        """Which quantity an expression is, and what it is to the reference.

        A number in it may be a result so far, an older one of the same value, one of the question, or one that was
        worked out in the head.
        """
        reference, known = self.reference, self.known
        keys = {key(number) for number in side.numbers}
        versions = [known]
        results = keys & reference.computed.keys()
        if not results <= known.keys():
            versions = [reference.computed | known]
        given = keys & reference.stated
        if given and not given.isdisjoint(known):
            versions.append({k: residue for k, residue in versions[0].items() if k not in reference.stated})
        if not keys.isdisjoint(self.older):
            versions.append(self.older)
        if any(known.get(k, reference.computed[k]) != reference.computed[k] for k in results):
            versions.append(known | reference.computed)
        residue: Residue | None = None
        kind, match = OTHER, ""
        for version in versions:
            try:
                tried = reference.evaluate(side.tree, side.numbers, version)
            except (ValueError, ZeroDivisionError):
                continue
            for factor in (1, 100, ONE_PERCENT):  # 100% - 50% is 100 - 50
                if (found := reference.by_residue.get(tried * factor % PRIME)) is not None:
                    return tried, SAME, found
            if residue is None:
                residue = tried
            if kind == OTHER:
                if (found := reference.parts.get(tried)) is not None:
                    residue, kind, match = tried, PART, found
                elif (found := reference.shares.get(tried)) is not None and tried not in reference.given:
                    residue, kind, match = tried, SHARE, found
        return residue, kind, match

    def claim(self, step: int, number: float) -> None:
        """A number of the prose that is new: worked out in the head, or made up."""
        reference, k = self.reference, key(number)
        if k in reference.stated or k in self.made or k in _COMMON or k in reference.leaves:
            return
        node = _node_of(reference, number)
        kind, match = (OTHER, "") if node is None else (VALUE, node.text)
        self.trace.values.append(Computed(step, f"{number:.10g}", number, kind, match, exact=number, claimed=True))
        self.made[k] = len(self.trace.values) - 1
        if node is not None:
            self.known[k] = node.residue
            self.has_answer(step, number)

    def has_answer(self, step: int, value: float) -> None:
        """Note the first step that has the answer."""
        answer = self.reference.answer
        if self.trace.reached is None and answer is not None and same(value, answer):
            self.trace.reached = step

    def letters(self, step: int, statement: Statement) -> None:
        """Equations with letters: does a value of the reference solve them?"""
        for left, right in itertools.pairwise(statement.sides[:_LONGEST_CHAIN]):
            if not left.variables and not right.variables:
                continue
            if type(left.tree) is str and right.is_number:  # x = 12
                self.claim(step, right.numbers[0])
            elif type(right.tree) is str and left.is_number:
                self.claim(step, left.numbers[0])
            elif type(left.tree) is str and not right.variables:  # x = 3 * 4
                if (exact := right.value()) is not None:
                    self.compute(step, right.text, right, exact, exact, False)
            else:
                fits = _fits(self.reference, left, right)
                self.trace.equations.setdefault(step, []).append((str(statement), fits))


def _is_fraction(side: Expression) -> bool:
    """`1/4` is a number in two parts rather than something computed."""
    tree, numbers = side.tree, side.numbers
    return isinstance(tree, tuple) and tree[0] == "/" and len(numbers) == 2 and numbers[0] < numbers[1]


def _node_of(reference: Reference, value: float) -> Node | None:
    """The value of the reference that this is, perhaps rounded, or as a percentage."""
    node = reference.by_value.get(key(value))
    if node is not None:
        return node
    for other in reference.nodes:
        if same(other.value, value) or (0 < abs(other.value) < 1 and same(other.value * 100, value)):
            return other
        if 0 < abs(value) < 1 and same(value * 100, other.value):
            return other
        if abs(other.value) > 10 and value == round(other.value):
            return other
    return None


def _fits(reference: Reference, left: Expression, right: Expression) -> str:
    """`always` if both sides are the same whatever the letters are, `yes` if values of the reference solve it."""
    letters = sorted(left.variables | right.variables)
    if all(_equal(left, right, lambda letter, x=x: x + 3.1 * ord(letter)) for x in (7.7773, 31.313)):  # type: ignore[misc]
        return "always"
    values = [node.value for node in reference.nodes]
    if len(letters) > 2 or (len(letters) == 2 and len(values) > 8):
        return "unknown"
    if len(letters) == 1:
        return "yes" if any(_equal(left, right, lambda _, v=v: v) for v in values) else "no"  # type: ignore[misc]
    values += sorted(reference.stated)[:8]
    for a, b in itertools.permutations(values, 2):
        by_letter = dict(zip(letters, (a, b), strict=True))
        if _equal(left, right, by_letter.__getitem__):
            return "yes"
    return "no"


def _equal(left: Expression, right: Expression, of: Callable[[str], float]) -> bool:
    a, b = left.value(of), right.value(of)
    return a is not None and b is not None and same(a, b)
