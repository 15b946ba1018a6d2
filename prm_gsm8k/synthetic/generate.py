"""From problems to verified rows: one right solution in a drawn style, and wrong ones that differ by one error.

    parse → operand graph → one reasoning error → recompute → go on → render → second opinion → row

Everything that is random comes from one generator a problem, seeded with the seed and the problem's id (and from one of
the row, for what is said after its error), so a row depends on nothing but its problem, the options and this code: not
on the order, the shard or the process.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally as Tally
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.synthetic.checker import SecondOpinion
from prm_gsm8k.synthetic.errors import DEFAULT_MIX, TAXONOMY, Case, Edit, ErrorType, Site, draw
from prm_gsm8k.synthetic.facts import with_facts
from prm_gsm8k.synthetic.filler import go_on
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.parse import Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.plan import Plan, Refused, plan_change
from prm_gsm8k.synthetic.propagate import propagate
from prm_gsm8k.synthetic.restructure import tell
from prm_gsm8k.synthetic.style import PLAIN, Frame, draw_style
from prm_gsm8k.synthetic.surface import chance

# How likely the first error is at a place of the solution, from 0 (first step) to 1 (last), relative to the first step.
POSITIONS: dict[str, Callable[[float], float]] = {
    "uniform": lambda place: 1.0,
    "real": lambda place: 1.0 - 0.92 * place,
}

# How many kinds of error are drawn for each wrong row wanted before the problem is left with fewer: first as often as
# their places are likely, then, where that has not been enough, wherever they can be made. And how many places are
# tried for each kind: a kind that is hard to place keeps its share of the mix.
_TRIES = 50
_LIKELY_TRIES = 30
_TRIES_OF_A_KIND = 3


@dataclass(frozen=True)
class SyntheticOptions:
    """What to make of each problem.

    Attributes:
        num_incorrect_per_problem: distinct wrong solutions, at most.
        num_correct_per_problem: right solutions, each in its own style; the wrong ones are shared among them in turn.
        seed: of everything random.
        error_mix: weights of error types (`DEFAULT_MIX` if None); a type that is not named is not made.
        positions: where first errors fall: a name in `POSITIONS`.
        styles: whether to vary the writing; False keeps each solution as its author wrote it.
        retold: join some steps and restate some facts of the question (`telling.py`), which can be misread; and go on
            after the first error for as long as real solutions do (`going_on.py`).
        balanced: leave out some of the wrong steps that can be told by their face (`face.py`).
    """

    num_incorrect_per_problem: int = 3
    num_correct_per_problem: int = 1
    seed: int = 0
    error_mix: Mapping[str, float] | None = None
    positions: str = "real"
    styles: bool = True
    retold: bool = True
    balanced: bool = True

    def __post_init__(self) -> None:
        if self.num_incorrect_per_problem < 0:
            raise UsageError("num_incorrect_per_problem must not be negative")
        if self.num_correct_per_problem < 1:
            raise UsageError("num_correct_per_problem must be at least 1: a wrong row needs the right one it came from")
        if self.positions not in POSITIONS:
            raise UsageError(f"positions must be one of {', '.join(POSITIONS)}, not {self.positions!r}")
        mix = DEFAULT_MIX if self.error_mix is None else self.error_mix
        unknown = sorted(set(mix) - set(TAXONOMY))
        if unknown:
            raise UsageError(f"no error type {unknown[0]!r}; there are {', '.join(TAXONOMY)}")
        if any(not weight >= 0 for weight in mix.values()) or not sum(mix.values()) > 0:
            raise UsageError("error_mix must hold weights of at least 0, and one above it")


def generate(
    problems: Iterable[Problem], options: SyntheticOptions | None = None, tally: Tally | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of the contract with `error_reason` and `twin_id`, problem by problem: right ones, then wrong ones."""
    options = options or SyntheticOptions()
    tally = Tally() if tally is None else tally
    mix = {name: weight for name, weight in (options.error_mix or DEFAULT_MIX).items() if weight > 0}
    for problem in problems:
        tally.counts["problems"] += 1
        try:
            solution = read_solution(problem.question, problem.answer)
            yield from _rows(problem, solution, options, mix, tally)
        except UnreadableError as error:
            tally.counts[f"problem skipped/{error}"] += 1
            tally.skipped.append((problem.where, str(error)))


class Pair(NamedTuple):
    """A right solution in its style, who judges the wrong ones made from it, and the id of its row."""

    case: Case
    opinion: SecondOpinion
    id: str


class Kinds(NamedTuple):
    """The kinds of error that a solution has a place for: names, types and places, and two running sums of weights.

    `possible` is the mix; `likely` is the mix by how likely a kind's places are, so that a place is drawn with its own.
    """

    there: list[tuple[str, ErrorType, tuple[list[Site], list[float]]]]
    likely: list[float]
    possible: list[float]


def _kinds(case: Case, mix: Mapping[str, float]) -> Kinds:
    there, likely, possible = [], [], []
    for name, weight in mix.items():
        places, sums = case.sites_of(name, TAXONOMY[name].sites)
        if places:
            there.append((name, TAXONOMY[name], (places, sums)))
            likely.append(weight * sums[-1] / len(places))
            possible.append(weight)
    return Kinds(there, list(accumulate(likely)), list(accumulate(possible)))


def _rows(
    problem: Problem,
    solution: Solution,
    options: SyntheticOptions,
    mix: Mapping[str, float],
    tally: Tally,
) -> Iterator[dict[str, Any]]:
    rng = Random(f"{options.seed}/{problem.id}")
    counts = tally.counts
    labels: dict[tuple[str, ...], bool] = {}  # of every prefix in the rows so far
    pairs = []
    for pair in _right_solutions(problem, solution, options, rng, counts):
        prefixes = _prefixes(pair.case.frame.steps)
        if prefixes[-1] in labels:
            continue
        labels.update(dict.fromkeys(prefixes, True))
        pairs.append((pair, _kinds(pair.case, mix)))
        counts["right rows"] += 1
        yield _row(problem, solution, pair.id, pair.case.frame.steps, source="gsm8k")
    if not pairs:
        return
    tried: set[tuple[Value, ...]] = set()
    made = 0
    wanted = options.num_incorrect_per_problem
    for attempt in range(_TRIES * wanted):
        if made == wanted:
            break
        pair, kinds = pairs[made % len(pairs)]
        if not kinds.there:
            continue
        weights = kinds.likely if attempt < _LIKELY_TRIES * wanted else kinds.possible
        name, kind, sites = kinds.there[min(bisect(weights, rng.random() * weights[-1]), len(weights) - 1)]
        for _ in range(_TRIES_OF_A_KIND):
            edit = kind.make(pair.case, draw(sites, rng), rng)
            if edit is None:
                continue
            at = _what(pair.case, edit)
            if at in tried:  # the same wrong value at the same place, whatever led to it
                continue
            tried.add(at)
            try:
                wrong = propagate(pair.case, edit)
            except Refused as refusal:
                counts[f"draw refused/{refusal}"] += 1
                continue
            frame, steps, first = pair.case.frame, wrong.steps, wrong.first_error
            if options.balanced and first < len(right := frame.steps):
                if rng.random() >= chance(name, steps[first], right[first]):
                    counts["draw refused/told by its face"] += 1
                    continue
            prefixes = _prefixes(steps)
            if prefixes[-1] in labels:
                counts["draw refused/duplicate"] += 1
                continue
            if any(labels.get(prefix, n < first) != (n < first) for n, prefix in enumerate(prefixes)):
                counts["draw refused/another label for a prefix"] += 1
                continue
            reason = edit.reason()
            refused = pair.opinion.judge(steps, first, name, reason, wrong.answer)
            if refused is not None:
                counts[f"second opinion/{name}/{refused.partition(':')[0]}"] += 1
                continue
            labels.update((prefix, n < first) for n, prefix in enumerate(prefixes))
            counts["wrong rows"] += 1
            if options.retold and first < len(wrong.bodies):
                # drawn apart, so that nothing else depends on it: this and other rows are the same up to their errors
                bodies = go_on(wrong.bodies, first, frame, Random(f"{options.seed}/{problem.id}/{made}"))
                longer = frame.finish(bodies, wrong.answer, wrong.kept)
                if pair.opinion.judge(longer, first, name, reason, wrong.answer) is None:
                    steps = longer
            row = _row(problem, solution, f"{problem.id}/wrong-{made}", steps, source="corruption", first_error=first)
            row.update(error_type=name, answer=wrong.answer, error_reason=reason, twin_id=pair.id)
            yield row
            made += 1
            break
    if made < wanted:
        counts["problems with fewer wrong rows than asked"] += 1


def _what(case: Case, edit: Edit) -> tuple[Value, ...]:
    """What an error is, the same for every way of telling the solution, whatever facts are restated in it."""
    equations = case.solution.equations
    if edit.equation >= 0 and equations[edit.equation].fact:
        return equations[edit.equation].result, edit.value
    computed = [equation.step for equation in equations if not equation.fact]
    index = edit.equation - sum(equation.fact for equation in equations[: max(edit.equation, 0)])
    return index, edit.value, bisect(computed, edit.skipped), bisect(computed, edit.upto)


def _right_solutions(
    problem: Problem, solution: Solution, options: SyntheticOptions, rng: Random, counts: Counter[str]
) -> Iterator[Pair]:
    """The right solution in as many drawn styles as are asked for. Raises `UnreadableError` if it is not right."""
    for number in range(options.num_correct_per_problem):
        style = draw_style(rng) if options.styles else PLAIN
        told = _retold(problem, solution, rng, counts) if options.retold else solution
        plans: list[Plan | None] = []
        for index in range(len(told.equations)):
            try:
                plans.append(plan_change(told, index))
            except Refused as refusal:
                plans.append(None)
                counts[f"equation left alone/{refusal}"] += 1
        frame = Frame(told, style, rng)
        opinion = SecondOpinion(solution.question, frame.steps, solution.answer_text)
        if opinion.refusal is None:
            case = Case(frame, plans, POSITIONS[options.positions])
            yield Pair(case, opinion, f"{problem.id}/right-{number}")
        elif number == 0:
            raise UnreadableError(f"second opinion: {opinion.refusal.partition(':')[0]}")


def _retold(problem: Problem, solution: Solution, rng: Random, counts: Counter[str]) -> Solution:
    """The solution with steps joined and facts restated, or as it is where that can't be read."""
    told = tell(solution, problem.answer, rng)
    if told.answer is problem.answer:
        return solution
    try:
        return with_facts(read_solution(problem.question, told.answer), told.restated)
    except UnreadableError as error:
        counts[f"not retold/{error}"] += 1
        return solution


def _row(
    problem: Problem, solution: Solution, row_id: str, steps: list[str], *, source: str, first_error: int = -1
) -> dict[str, Any]:
    """A row of the contract, with nothing said yet about an error."""
    right = len(steps) if first_error < 0 else first_error
    return {
        "prompt": problem.question,
        "completions": steps,
        "labels": [True] * right + [False] * (len(steps) - right),
        "id": row_id,
        "problem_id": problem.id,
        "first_error": first_error,
        "error_type": "none",
        "answer": solution.answer_text,
        "reference_answer": solution.answer_text,
        "values": None,
        "source": source,
        "error_reason": "",
        "twin_id": "",
    }


def _prefixes(steps: list[str]) -> list[tuple[str, ...]]:
    return [tuple(steps[:n]) for n in range(1, len(steps) + 1)]
