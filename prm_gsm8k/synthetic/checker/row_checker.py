"""Check an incorrect solution against the correct one that it was made from, both as text.

A row is accepted if every step before `first_error` is the correct one, the step at `first_error` has the error that
its error type claims, and every later step follows from it: the same sentences, no stale value, every equation true.
Filler may be between them. The correct step that a step was made from is its *twin*.

This runs for every row that is generated, so the common case is short: a step with the same gaps as its twin is checked
number by number, without being parsed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fractions import Fraction

from prm_gsm8k.arithmetic.equations import NUMBER, VALUES, Number, Pair, Step, divide, evaluate, is_rounding
from prm_gsm8k.synthetic.checker.correct import CONCLUSION, CorrectSolution, answer_number, numbers_named
from prm_gsm8k.synthetic.checker.relations import (
    CALCULATION_SLIP,
    CONCLUSION_ERRORS,
    CONSTANTS,
    ERROR_TYPES,
    PERCENTAGE_CONFUSED,
    RELATION_REVERSED,
    STEP_SKIPPED,
    STOPPED_EARLY,
    SUBSTITUTIONS,
    UNIT_CONFUSED,
    WRONG_FINAL_ANSWER,
    Expression,
    Given,
    is_of_type,
    one_difference,
)
from prm_gsm8k.synthetic.checker.result_only import misread_relation, result_only_relation, shown_relation

# Why a row is refused. A refusal is one of these, for counting, then a colon and a detail for a person.
CORRECT_SOLUTION = "correct_solution"  # the correct solution itself is refused
BAD_SHAPE = "bad_shape"  # number of steps, first_error or error_type are impossible
PREFIX_ALTERED = "prefix_altered"  # a step before the first error differs from the correct one
NO_ERROR = "no_error"  # the step at first_error says the same as the correct one, or comes to the same value
FALSE_EQUATION = "false_equation"  # an equation is false, but the error is no calculation slip
TRUE_EQUATION = "true_equation"  # the error is a calculation slip, but no equation is false, or it only rounds
OTHER_TYPE = "other_error_type"  # the error is not of the claimed type
TEXT_CHANGED = "text_changed"  # more than numbers differs from the correct solution
UNEXPLAINED = "unexplained_number"  # a number changed for no reason
STALE = "stale_value"  # the old value of a changed result is still shown
REASON = "reason"  # the reason is empty, or names numbers that the step does not show
ANSWER = "answer"  # the answer is no number, or not the one that the last step concludes
REFERENCE_ANSWER = "reference_answer"  # the incorrect solution comes to the reference answer
UNREADABLE = "unreadable"  # algebra, or a form that cannot be parsed with certainty

REFUSALS = (
    *(CORRECT_SOLUTION, BAD_SHAPE, PREFIX_ALTERED, NO_ERROR, FALSE_EQUATION, TRUE_EQUATION, OTHER_TYPE, TEXT_CHANGED),
    *(UNEXPLAINED, STALE, REASON, ANSWER, REFERENCE_ANSWER, UNREADABLE),
)

# Words that may change with a relation: `twice as many` -> `half as many`, `more` -> `less`.
_RELATION_WORDS = re.compile(
    r"\b(?:twice|half|halves|double[sd]?|doubling|halved|halving|tripled?|thrice|thirds?|quarters?|quadrupled?|fourths?"
    r"|fifths?|more|less|fewer|greater|smaller|bigger|larger|longer|shorter|older|younger|taller|higher|lower|heavier"
    r"|lighter|faster|slower|cheaper|later|earlier|above|below|over|under|times|plus|minus|added|subtracted|adds?"
    r"|subtracts?|adding|subtracting|multipl(?:y|ied|ies|ying)|divid(?:ed?|es|ing)|gained|lost|gains?|loses?"
    r"|increase[sd]?|decrease[sd]?|a|an|the|as|many|much|than|of|by|to|from|in|one)\b *",
    re.IGNORECASE,
)
_BORDER = re.compile(r"\\(?:[dt]?frac|left|right|[(\[)\]$])|[\s$£€(){}\[\]\\*]")
# Errors that replace an operand, which a sentence without the expression may show.
_SHOWS_OPERAND = SUBSTITUTIONS | {PERCENTAGE_CONFUSED, UNIT_CONFUSED}


class _Row:
    """The state of a check: the step being checked, and what has changed so far."""

    index: int
    twin_index: int
    twin: Step  # the correct solution's step
    texts: list[str]
    raws: list[Number]
    values: list[Number]

    def __init__(self, correct: CorrectSolution, earlier: Collection[Number]) -> None:
        self.correct = correct
        self.new: dict[Number, set[Number]] = {}  # old value of a changed result -> its new values
        self.earlier = earlier  # results of steps before the error
        self.kept: list[Number] = []  # later results that did not change
        self.excused: dict[Number, Number] = {}  # old -> new value of the replaced operand
        self.misread: Number | None = None  # the number of the question that a restated fact misreads

    def take(self, step: str, index: int, twin_index: int) -> Step | None:
        """Go to step `index`. Returns the twin if its gaps are the same, else the parsed step; None if misnumbered."""
        correct = self.correct
        self.index, self.twin_index = index, twin_index
        self.twin = twin = correct.read[twin_index]
        body: str | None = step
        if correct.has_prefixes:
            body = correct.body(step, twin_index, index)
            if body is None:
                return None
        parts = NUMBER.split(body)  # type: ignore[arg-type]
        if parts[::2] != twin.gaps:
            read = Step(body, parts)  # type: ignore[arg-type]
            self.texts, self.raws, self.values = read.texts, read.raws, read.values
            return read
        self.texts = texts = parts[1::2]
        if twin.skeleton.signs:
            self.raws, self.values = twin.numbers(texts)
        else:
            self.raws = self.values = [VALUES[text] for text in texts]
        return twin

    def add(self, position: int, new_raw: Number, new: Number) -> None:
        """Record the new value of the result at a position of the twin; of a percentage in both its forms."""
        twin = self.twin
        old = twin.values[position]
        if old == new:
            self.kept.append(old)
            return
        if old in self.new:
            self.new[old].add(new)
        else:
            self.new[old] = {new}
        if twin.raws[position] != old:
            self.new.setdefault(twin.raws[position], set()).add(new_raw)

    def is_explained(self, value: Number, position: int = -1) -> bool:
        """Whether the question or an unchanged result shows the value too.

        A constant that the question only implies (60 minutes) explains an operand, but not a number in prose.
        """
        if value in self.kept or value in self.earlier:
            return True
        if value == self.misread:
            return False
        quantities = self.correct.quantities
        return value in (quantities.stated if position in self.twin.skeleton.prose else quantities.known)

    def is_stale(self, value: Number, position: int = -1) -> bool:
        """Whether the value can only be the old one of a changed result; .4 may be one of 40."""
        if value in self.new or (type(value) is not int and value * 100 in self.new):
            return not self.is_explained(value, position)
        return False

    def explains(self, position: int, old: Number, value: Number) -> bool:
        """Whether `value` is the new value of `old`, in any form (0.25, 25%, 25)."""
        new = self.new
        if value in new.get(old, ()):
            return True
        if self.raws[position] in new.get(self.twin.raws[position], ()):
            return True
        return type(old) is not int and value * 100 in new.get(old * 100, ())

    def is_spelled_stale(self) -> bool:
        """Whether the twin has the old value of a changed result in words."""
        words = self.correct.spelled(self.twin_index)
        if not words:
            return False
        return any(value in self.new and not self.is_explained(value) for value in words)

    def options(self, value: Number) -> Collection[Number]:
        """The values that a value of the correct solution may have now."""
        if value not in self.new:
            return (value,)
        return (value, *self.new[value]) if self.is_explained(value) else self.new[value]


class RowChecker:
    """Checks incorrect rows against the correct solution that they were made from.

    Args:
        question: the problem.
        correct_steps: the correct solution, in the style of the incorrect ones.
        reference_answer: a number.

    Attributes:
        refusal: why the correct solution itself is refused (a false equation, another answer); None if it is accepted.

    >>> checker = RowChecker(
    ...     "Natalia sold 48 clips in April and half as many in May. How many altogether?",
    ...     ["Natalia sold 48/2 = 24 clips in May.", "Natalia sold 48+24 = 72 clips altogether."],
    ...     "72",
    ... )
    >>> checker.refusal is None
    True
    >>> incorrect = ["Natalia sold 48*2 = 96 clips in May.", "Natalia sold 48+96 = 144 clips altogether."]
    >>> checker.check(incorrect, 0, "relation_reversed", "multiplies by 2 where May is half of April", "144") is None
    True
    >>> stale = ["Natalia sold 48*2 = 96 clips in May.", "Natalia sold 48+24 = 72 clips altogether."]
    >>> checker.check(stale, 0, "relation_reversed", "multiplies by 2 where May is half of April", "72")
    'stale_value: 24 in step 1'
    """

    refusal: str | None

    def __init__(self, question: str, correct_steps: Sequence[str], reference_answer: str) -> None:
        self.correct = CorrectSolution(question, correct_steps, reference_answer)
        self.refusal = self.correct.refusal

    def check(
        self, steps: Sequence[str], first_error: int, error_type: str, error_reason: str, answer: str
    ) -> str | None:
        """Check one incorrect row: None if it is accepted, else one of `REFUSALS`, a colon and a detail."""
        if self.refusal is not None:
            return f"{CORRECT_SOLUTION}: {self.refusal}"
        if type(steps) is not list:
            steps = list(steps)
        correct = self.correct
        count = len(steps)
        if error_type not in ERROR_TYPES:
            return f"{BAD_SHAPE}: no error type {error_type!r}"
        if not 0 <= first_error < count:
            return f"{BAD_SHAPE}: first_error {first_error} of {count} steps"
        if error_type in CONCLUSION_ERRORS:
            return self._check_conclusion(steps, first_error, error_type, error_reason, answer)
        shift = int(error_type == STEP_SKIPPED)
        if count > len(correct.steps) - shift:
            steps = correct.without_filler(steps, first_error, first_error + shift)
            count = len(steps)
        if error_type == STEP_SKIPPED:
            skipped = self._skipped(steps, first_error)
            if isinstance(skipped, str):
                return skipped
            row = _Row(correct, correct.results_before(skipped))
            for index in range(skipped + 1, first_error + 1):
                row.kept.extend(correct.results_of(index))
            given = correct.given_without(skipped, first_error + 1)
        else:
            if count != len(correct.steps):
                return f"{BAD_SHAPE}: {count} steps where the correct solution has {len(correct.steps)}"
            if steps[:first_error] != correct.steps[:first_error]:
                return PREFIX_ALTERED
            given = correct.given(first_error)
            row = _Row(correct, given.earlier)
        read = row.take(steps[first_error], first_error, first_error + shift)
        if read is None:
            return f"{TEXT_CHANGED}: numbering of step {first_error}"
        refusal = self._check_error(row, read, error_type, error_reason, given)
        if refusal is not None:
            return refusal
        renumbered = shift and correct.has_prefixes
        for index in range(first_error + 1, count):
            twin_index = index + shift
            if not renumbered and steps[index] == correct.steps[twin_index]:  # unchanged
                row.index, row.twin_index = index, twin_index
                row.twin = twin = correct.read[twin_index]
                row.texts, row.raws, row.values = twin.texts, twin.raws, twin.values
            else:
                read = row.take(steps[index], index, twin_index)
                if read is not row.twin:
                    return f"{TEXT_CHANGED}: {'numbering of ' if read is None else ''}step {index}"
            refusal = self._check_consequence(row)
            if refusal is not None:
                return refusal
        return self._check_answer(row, read if first_error == count - 1 else row.twin, answer)

    def _skipped(self, steps: list[str], first_error: int) -> int | str:
        """The index of the correct solution's step that is missing, or a refusal."""
        correct = self.correct
        if len(steps) != len(correct.steps) - 1:
            return f"{BAD_SHAPE}: {len(steps)} steps where one of {len(correct.steps)} is skipped"
        skipped = 0
        while skipped < first_error and steps[skipped] == correct.steps[skipped]:
            skipped += 1
        if not correct.results_of(skipped):
            return f"{OTHER_TYPE}: the skipped step computes nothing"
        hidden = {v for v in correct.results_of(skipped) if v not in correct.quantities.known}
        hidden -= correct.results_before(skipped)
        for index in range(skipped, first_error):  # steps that do not depend on the skipped one
            if correct.body(steps[index], index + 1, index) != correct.bodies[index + 1]:
                return PREFIX_ALTERED
            if not hidden.isdisjoint(correct.read[index + 1].values):
                return f"{STALE}: step {index} shows what the skipped step computes"
        return skipped

    # --- the first error ----------------------------------------------------------------------------------------------

    def _check_error(self, row: _Row, read: Step, error_type: str, reason: str, given: Given) -> str | None:
        """Check the step at first_error: an error of the claimed type, with that reason, and otherwise consistent.

        `read` is the twin if only numbers differ, else the parsed step.
        """
        twin, index, values, raws = row.twin, row.index, row.values, row.raws
        if not twin.has_expression:
            if twin.ambiguous:
                return f"{UNREADABLE}: step {index}"
            return self._check_result_only_error(row, read, error_type, reason, given)
        if twin.ambiguous or read.ambiguous:
            if read is not twin and any(not pair.holds for pair in read.pairs):
                return f"{FALSE_EQUATION}: step {index}"
            return f"{UNREADABLE}: step {index}"
        if read is twin:
            found = self._same_structure(row, error_type)
            if isinstance(found, str):
                return found
            correct_pair = incorrect_pair = found
            start, offset = len(values), 0
        else:
            aligned = self._other_structure(row, read, error_type)
            if isinstance(aligned, str):
                return aligned
            correct_pair, incorrect_pair, start, offset = aligned
        correct = _expression(twin.values, twin.raws, correct_pair)
        incorrect = _expression(values, raws, incorrect_pair)
        if not is_of_type(error_type, correct, incorrect, given):
            return f"{OTHER_TYPE}: {error_type} in step {index}"
        k, m = correct_pair.right.first, incorrect_pair.right.first
        before, after = twin.values[k], values[m]
        if correct_pair.right.last != k or incorrect_pair.right.last != m:
            try:
                before, after = correct_pair.sides(twin.values, twin.raws)[1], incorrect_pair.sides(values, raws)[1]
            except ZeroDivisionError:
                return f"{FALSE_EQUATION}: step {index}"
        if before == after:
            return f"{NO_ERROR}: step {index} still comes to {before}"
        must: Collection[Number] = ()
        if error_type != CALCULATION_SLIP and (change := one_difference(correct, incorrect)) is not None:
            position, old, new = change
            row.excused = {old: new, correct.raws[position]: incorrect.raws[position]}
            if error_type in SUBSTITUTIONS:
                must = (old, new, correct.raws[position], incorrect.raws[position])
                if error_type == STEP_SKIPPED:
                    row.new[old] = {new}
        for k in twin.results:
            m = k if k < start else k + offset
            if read is not twin and k >= start and m not in read.results:
                return f"{UNREADABLE}: results of step {index}"
            row.add(k, raws[m], values[m])
        if read is twin:
            left = correct_pair.left
            for k in twin.checked:
                if not left.first <= k <= left.last:
                    refusal = self._check_number(row, k, values[k], raws[k])
                    if refusal is not None:
                        return refusal
        else:
            refusal = self._check_other_numbers(row, read, correct_pair, start, offset)
            if refusal is not None:
                return refusal
        if row.is_spelled_stale():
            return f"{STALE}: in words in step {index}"
        allowed: list[Collection[Number]] = [values, twin.values]
        if raws is not values or twin.raws is not twin.values:
            allowed += [raws, twin.raws]
        if error_type == CALCULATION_SLIP:
            allowed.append((before,))
        elif error_type == STEP_SKIPPED:
            allowed += [given.skipped_result, given.skipped_inputs]
        return _check_reason(reason, allowed, must)

    def _check_number(self, row: _Row, k: int, value: Number, raw: Number) -> str | None:
        """Check a number of the erroneous step outside its expression: unchanged, or changed by the error."""
        old = row.twin.values[k]
        if old == value:
            return f"{STALE}: {old} in step {row.index}" if row.is_stale(old, k) else None
        if row.excused.get(old) == value or value in row.new.get(old, ()) or raw in row.new.get(row.twin.raws[k], ()):
            return None
        return f"{UNEXPLAINED}: {value} for {old} in step {row.index}"

    def _same_structure(self, row: _Row, error_type: str) -> Pair | str:
        """The equation with the error, if only numbers differ from the correct step."""
        twin, values, raws = row.twin, row.values, row.raws
        if values == twin.values:
            return f"{NO_ERROR}: step {row.index} is the correct one"
        slip = error_type == CALCULATION_SLIP
        found: Pair | None = None
        for pair in twin.pairs:
            if not pair.holds:
                continue
            left = pair.left
            if pair.check(values, raws, row.texts):
                if not slip and found is None:
                    first, end = left.first, left.last + 1
                    if values[first:end] != twin.values[first:end] and first + 1 < end:
                        found = pair
            elif not slip:
                return f"{FALSE_EQUATION}: step {row.index}"
            elif found is not None:
                return f"{FALSE_EQUATION}: a second one in step {row.index}"
            else:
                found = pair
        if found is None:
            return f"{TRUE_EQUATION if slip else OTHER_TYPE}: no equation of step {row.index} has the error"
        if slip:
            if found.left.first == found.left.last:
                return f"{UNREADABLE}: step {row.index}"
            try:
                exact, stated = found.sides(values, raws)
            except ZeroDivisionError:
                return f"{FALSE_EQUATION}: step {row.index}"
            rounds = isinstance(exact, Fraction) and isinstance(stated, int) and abs(exact - stated) < 1
            if rounds or is_rounding(exact, stated, row.texts[found.right.first]):
                return f"{TRUE_EQUATION}: step {row.index} only rounds"
        return found

    def _other_structure(self, row: _Row, read: Step, error_type: str) -> tuple[Pair, Pair, int, int] | str:
        """The equation with the error, if operators, terms or parentheses differ from the correct step.

        Returns (correct equation, incorrect equation, position of the first number after it, how far those shift).
        """
        twin, index = row.twin, row.index
        for pair in read.pairs:
            if not pair.holds:
                return f"{FALSE_EQUATION}: step {index}"
        ours, theirs = twin.skeleton.chains, read.skeleton.chains
        if len(ours) != len(theirs) or error_type == CALCULATION_SLIP:
            return f"{UNREADABLE}: step {index}"
        for correct_chain, incorrect_chain in zip(ours, theirs, strict=False):
            a, z = correct_chain[0].first, correct_chain[-1].last
            b, y = incorrect_chain[0].first, incorrect_chain[-1].last
            if twin.gaps[a + 1 : z + 1] != read.gaps[b + 1 : y + 1] or twin.values[a : z + 1] != read.values[b : y + 1]:
                break
        else:
            return f"{TEXT_CHANGED}: step {index}"
        if a != b or not _same_prose(twin.gaps, read.gaps, a, z, y, error_type == RELATION_REVERSED):
            return f"{TEXT_CHANGED}: step {index}"
        correct_pairs = [p for p in twin.pairs if p.holds and a <= p.left.first < p.left.last <= z]
        incorrect_pairs = [p for p in read.pairs if b <= p.left.first < p.left.last <= y]
        for correct_pair, incorrect_pair in zip(correct_pairs, incorrect_pairs, strict=False):
            r, w = correct_pair.left, incorrect_pair.left
            if r.shape is not w.shape or twin.values[r.first : r.last + 1] != read.values[w.first : w.last + 1]:
                return correct_pair, incorrect_pair, z, y - z
        return f"{UNREADABLE}: step {index}"

    def _check_other_numbers(self, row: _Row, read: Step, correct_pair: Pair, start: int, offset: int) -> str | None:
        """Check the numbers around the chain of equations with the error; those in it were checked as equations."""
        twin = row.twin
        if len(read.values) - len(twin.values) != offset:
            return f"{TEXT_CHANGED}: step {row.index}"
        chain = next(c for c in twin.skeleton.chains if c[0].first <= correct_pair.left.first <= c[-1].last)
        for k in twin.checked:
            if k < chain[0].first:
                refusal = self._check_number(row, k, read.values[k], read.raws[k])
            elif k > start:
                refusal = self._check_number(row, k, read.values[k + offset], read.raws[k + offset])
            else:
                continue
            if refusal is not None:
                return refusal
        return None

    def _check_result_only_error(self, row: _Row, read: Step, error_type: str, reason: str, given: Given) -> str | None:
        """Check a step without an expression: some expression for its correct result must give the incorrect one."""
        twin, index, values, raws = row.twin, row.index, row.values, row.raws
        correct = self.correct
        if row.twin_index == correct.conclusion():
            return f"{OTHER_TYPE}: {error_type} in a conclusion"
        if read is not twin:
            same = len(raws) == len(twin.raws) and error_type == RELATION_REVERSED
            if not same or list(map(_without_relations, read.gaps)) != list(map(_without_relations, twin.gaps)):
                return f"{TEXT_CHANGED}: step {index}"
        distinct = {(old, new) for old, new in zip(twin.values, values, strict=False) if old != new}
        if not distinct:
            return f"{NO_ERROR}: step {index} is the correct one in another form"
        if len(distinct) > (2 if error_type in _SHOWS_OPERAND else 1):
            return f"{UNEXPLAINED}: more than two numbers in step {index}"
        named = numbers_named(reason)
        named += [divide(value, 100) for value in named]
        if len(distinct) == 1 and read is twin and correct.restates(row.twin_index):
            [(old, new)] = distinct
            if not misread_relation(error_type, old, new, given, named):
                return f"{OTHER_TYPE}: {error_type} in step {index}"
            row.misread = old
            row.new[old] = {new}
            return _check_reason(reason, [values, raws, twin.values, twin.raws, correct.quantities.known], (old, new))
        for old, new in distinct:
            # Besides the result, the replaced operand may be shown: `Half of her 84 clips are 42.`
            shown = {a: b for a, b in distinct if a != old}
            if any(a not in correct.quantities.known and a not in given.earlier for a in shown):
                continue
            ways = correct.ways_to(row.twin_index, old)
            if shown:
                fits = all(shown_relation(error_type, a, b, new, ways, given) for a, b in shown.items())
            else:
                fits = result_only_relation(error_type, old, new, ways, given, named)
            if fits:
                row.excused = shown
                row.new.setdefault(old, set()).add(new)
                break
        else:
            return f"{OTHER_TYPE}: {error_type} in step {index}"
        for k, (old, new) in enumerate(zip(twin.values, values, strict=False)):
            if old != new and old not in row.excused:
                row.add(k, raws[k], new)
        for result in given.skipped_result:
            row.new.setdefault(result, set()).update(given.skipped_inputs)
        for old, new in zip(twin.values, values, strict=False):
            if old == new and row.is_stale(old):
                return f"{STALE}: {old} in step {index}"
        if row.is_spelled_stale():
            return f"{STALE}: in words in step {index}"
        # A misread number that the sentence does not show is taken from the reason, so the reason may name it.
        allowed = [values, raws, twin.values, twin.raws, correct.quantities.known, given.earlier]
        allowed.append(named if error_type in SUBSTITUTIONS else CONSTANTS)
        return _check_reason(reason, allowed, ())

    # --- later steps --------------------------------------------------------------------------------------------------

    def _check_consequence(self, row: _Row) -> str | None:
        """Check a step after the first error: the correct one with the consequences of the error, and nothing else."""
        twin, values, new = row.twin, row.values, row.new
        old_values = twin.values
        expression = twin.has_expression
        if values is not old_values and values != old_values:
            if twin.ambiguous:
                return f"{UNREADABLE}: step {row.index}"
            for pair in twin.pairs:
                if pair.holds and not pair.check(values, row.raws, row.texts):
                    return f"{FALSE_EQUATION}: step {row.index}"
        for k in twin.results:
            row.add(k, row.raws[k], values[k])
        for k in twin.checked:
            old, value = old_values[k], values[k]
            if old == value:
                if old in new or type(old) is not int:
                    if row.is_stale(old, k):
                        return f"{STALE}: {old} in step {row.index}"
                elif not expression and not twin.ambiguous and not row.is_explained(old):
                    if not self._still_follows(row, old, old):
                        return f"{STALE}: {old} in step {row.index} does not follow any more"
                    row.kept.append(old)
            elif value not in new.get(old, ()) and not row.explains(k, old, value):
                if expression or not self._still_follows(row, old, value):
                    return f"{UNEXPLAINED}: {value} for {old} in step {row.index}"
                row.add(k, row.raws[k], value)
        if row.is_spelled_stale():
            return f"{STALE}: in words in step {row.index}"
        return None

    def _still_follows(self, row: _Row, old: Number, value: Number) -> bool:
        """Whether some expression for `old` comes to `value` with the new values of its operands."""
        ways = self.correct.ways_to(row.twin_index, old)
        if not ways:
            return old == value and old in CONSTANTS
        for operands, _, tree in ways:
            options: list[tuple[Number, ...]] = [()]
            for operand in operands:
                options = [(*chosen, new) for chosen in options for new in row.options(operand)]
            for numbers in options:
                if old != value and numbers == operands:
                    continue
                try:
                    if evaluate(tree, numbers) == value:
                        return True
                except ZeroDivisionError:
                    continue
        return False

    def _check_answer(self, row: _Row, step: Step, answer: str) -> str | None:
        """Check that the answer is the one that the last step concludes, and not the reference."""
        number = answer_number(answer)
        if number is None:
            return f"{ANSWER}: {answer!r} is no number"
        correct = self.correct
        if number == correct.reference:
            return f"{REFERENCE_ANSWER}: {answer}"
        last = correct.read[-1]
        for position in correct.answer_positions:
            if step is not last:  # the last step has the error, and other operators or terms
                if position in last.results:
                    place = last.results.index(position) - len(last.results)
                    if -place > len(step.results):
                        return f"{ANSWER}: the last step concludes nothing"
                    position = step.results[place]
                else:
                    position += len(row.values) - len(last.values)
            if number != row.raws[position] and number != row.values[position]:
                return f"{ANSWER}: {answer}, where the last step concludes {row.raws[position]}"
        return None

    # --- errors of the conclusion -------------------------------------------------------------------------------------

    def _check_conclusion(
        self, steps: list[str], first_error: int, error_type: str, reason: str, answer: str
    ) -> str | None:
        """Check an error of the conclusion: every computing step is correct, but the conclusion is not."""
        correct = self.correct
        end = correct.conclusion()
        computing = len(correct.steps) if end is None else end
        if first_error != len(steps) - 1:
            return f"{BAD_SHAPE}: the conclusion is the last step"
        if error_type != STOPPED_EARLY and first_error != computing:
            return f"{BAD_SHAPE}: {first_error} computing steps where the correct solution has {computing}"
        if not 0 < first_error <= computing:
            return f"{BAD_SHAPE}: {first_error} steps before the conclusion"
        if steps[:first_error] != correct.steps[:first_error]:
            return PREFIX_ALTERED
        if error_type == STOPPED_EARLY and not any(correct.results_of(k) for k in range(first_error, computing)):
            return f"{OTHER_TYPE}: no computing step is left out"
        shown = self._concluded(steps[first_error], first_error, end)
        if isinstance(shown, str):
            return shown
        if correct.reference in shown:
            return f"{NO_ERROR}: step {first_error} states the reference answer"
        number = answer_number(answer)
        if number is None or number not in shown:
            return f"{ANSWER}: {answer}, where the last step concludes {shown[0]}"
        results = correct.results_before(first_error)
        # A step without an expression may compute a number that is known already, so all its numbers may be results.
        result_only = {v for step in correct.read[:first_error] if not step.has_expression for v in step.raws}
        if error_type == WRONG_FINAL_ANSWER:
            fits = results.isdisjoint(shown)
        elif error_type == STOPPED_EARLY:
            fits = not results.isdisjoint(shown) or not result_only.isdisjoint(shown)
        else:
            fits = any(v in results or v in result_only or v in correct.quantities.stated for v in shown)
        if not fits:
            return f"{OTHER_TYPE}: {error_type} states {shown[0]}"
        allowed = [numbers for step in correct.read for numbers in (step.raws, step.values)]
        return _check_reason(reason, [*allowed, shown, correct.quantities.stated], ())

    def _concluded(self, step: str, index: int, end: int | None) -> Sequence[Number] | str:
        """The number that the conclusion states, in both forms; a refusal if it is not worded like the correct one."""
        correct = self.correct
        if end is None:
            read = Step(step)
            if not CONCLUSION.match(step) or read.pairs or not read.raws:
                return f"{UNREADABLE}: step {index} is no conclusion"
            return read.raws[-1], read.values[-1]
        twin = correct.read[end]
        body = correct.body(step, end, index)
        if body is None:
            return f"{TEXT_CHANGED}: numbering of step {index}"
        parts = NUMBER.split(body)
        if parts[::2] != twin.gaps:
            return f"{TEXT_CHANGED}: step {index}"
        raws, values = twin.numbers(parts[1::2])
        place = correct.answer_positions[-1]
        for k, (old, new) in enumerate(zip(twin.raws, raws, strict=False)):
            if k in correct.answer_positions:
                if new != raws[place]:
                    return f"{STALE}: {new} in step {index}"
            elif old != new:
                return f"{UNEXPLAINED}: {new} for {old} in step {index}"
        if correct.reference in correct.spelled(end) and correct.reference not in correct.quantities.known:
            return f"{STALE}: in words in step {index}"
        return raws[place], values[place]


def _expression(values: Sequence[Number], raws: Sequence[Number], pair: Pair) -> Expression:
    left = pair.left
    numbers = tuple(values[left.first : left.last + 1])
    return Expression(numbers, numbers if raws is values else tuple(raws[left.first : left.last + 1]), left.shape)


def _same_prose(
    mine: list[str], other: list[str], first: int, mine_last: int, other_last: int, relations: bool
) -> bool:
    """Whether the text around two chains of equations is the same, but for parentheses and currency at their ends."""
    if mine[:first] != other[:first] or mine[mine_last + 1 :] != other[other_last + 1 :]:
        if not relations:
            return False
        for ours, theirs in ((mine[:first], other[:first]), (mine[mine_last + 1 :], other[other_last + 1 :])):
            if list(map(_without_relations, ours)) != list(map(_without_relations, theirs)):
                return False
    if mine[first] == other[first]:
        return True
    before, after = mine[first], other[first]
    if relations:
        before, after = _without_relations(before), _without_relations(after)
    return _BORDER.sub("", before) == _BORDER.sub("", after)


def _without_relations(text: str) -> str:
    return _RELATION_WORDS.sub("", text)


def _check_reason(reason: str, allowed: Sequence[Collection[Number]], must: Collection[Number]) -> str | None:
    """A refusal unless every number of the reason is in `allowed` and, if it has any, one of them is in `must`."""
    if not reason:
        return f"{REASON}: empty"
    named = numbers_named(reason)
    hit = not must or not named
    for value in named:
        for numbers in allowed:
            if value in numbers:
                hit = hit or value in must
                break
        else:
            forms = (divide(value, 100), value * 100, -value)  # 20% of the question is .2 in the step
            if not any(form in numbers for form in forms for numbers in allowed):
                return f"{REASON}: names {value}"
            hit = hit or any(form in must for form in forms)
    return None if hit else f"{REASON}: names neither of the two numbers"
