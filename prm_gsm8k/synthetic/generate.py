"""Generate checked rows: for each problem a correct solution in a random style, and incorrect ones with one error each.

    parse → restructure → style → error → propagate → surface → check → filler → check → row

All random draws for a problem come from one generator, seeded with the seed and the problem's id; filler has one per
row. So a row depends on its problem, the options and this code, not on the order of problems or the process.
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
from prm_gsm8k.synthetic.checker import RowChecker
from prm_gsm8k.synthetic.errors import DEFAULT_MIX, TAXONOMY, Edit, ErrorContext, ErrorType, Site, draw
from prm_gsm8k.synthetic.facts import with_facts
from prm_gsm8k.synthetic.filler import add_filler
from prm_gsm8k.synthetic.numbers import Value
from prm_gsm8k.synthetic.parse import Solution, UnreadableError, read_solution
from prm_gsm8k.synthetic.plan import Plan, Refused, plan_change
from prm_gsm8k.synthetic.propagate import propagate
from prm_gsm8k.synthetic.restructure import restructure
from prm_gsm8k.synthetic.style import PLAIN, Frame, draw_style
from prm_gsm8k.synthetic.surface import keep_probability

# Relative probability of a first error at a place of the solution, from 0 (first step) to 1 (last).
POSITIONS: dict[str, Callable[[float], float]] = {
    "uniform": lambda place: 1.0,
    "real": lambda place: 1.0 - 0.92 * place,
}

_TRIES = 50  # error types drawn per incorrect row wanted, before a problem is left with fewer
_WEIGHTED_TRIES = 30  # so many of them by the weights of their sites too, the others by the mix alone
_TRIES_PER_TYPE = 3  # sites drawn for each, so that a type with few usable sites keeps its share of the mix


@dataclass(frozen=True)
class SyntheticOptions:
    """What to generate from each problem.

    Attributes:
        num_incorrect_per_problem: maximum of distinct incorrect solutions.
        num_correct_per_problem: correct solutions, each in its own style; incorrect ones are made from each in turn.
        seed: seed of every random draw.
        error_mix: weights of error types, `DEFAULT_MIX` if None; a type that is missing is never made.
        positions: where first errors are: a key of `POSITIONS`.
        styles: whether to vary the style; False keeps the author's.
        restructured: whether to merge steps and restate facts (`restructure.py`) and to add filler (`filler.py`).
        balanced: whether to reject incorrect steps that surface features give away (`surface.py`).
    """

    num_incorrect_per_problem: int = 3
    num_correct_per_problem: int = 1
    seed: int = 0
    error_mix: Mapping[str, float] | None = None
    positions: str = "real"
    styles: bool = True
    restructured: bool = True
    balanced: bool = True

    def __post_init__(self) -> None:
        if self.num_incorrect_per_problem < 0:
            raise UsageError("num_incorrect_per_problem must not be negative")
        if self.num_correct_per_problem < 1:
            raise UsageError("num_correct_per_problem must be at least 1: an incorrect row is made from a correct one")
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
    """Rows with the columns of `synthetic` (`dataset/schema.py`); for each problem first correct ones, then incorrect.

    A problem that cannot be parsed is skipped and counted in `tally`, with the reason.
    """
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


class CorrectRow(NamedTuple):
    """A correct solution in its style, the checker for incorrect ones made from it, and the id of its row."""

    context: ErrorContext
    checker: RowChecker
    id: str


class Applicable(NamedTuple):
    """The error types that have a site in a solution, with their sites, and two cumulative sums of their weights.

    `weighted` multiplies the mix by the mean weight of a type's sites; `unweighted` is the mix alone.
    """

    types: list[tuple[str, ErrorType, list[Site], list[float]]]  # with the sites' cumulative weights
    weighted: list[float]
    unweighted: list[float]


def _applicable(context: ErrorContext, mix: Mapping[str, float]) -> Applicable:
    types, weighted, unweighted = [], [], []
    for name, weight in mix.items():
        sites = TAXONOMY[name].sites(context)
        if sites:
            sums = context.cumulative_weights(sites)
            types.append((name, TAXONOMY[name], sites, sums))
            weighted.append(weight * sums[-1] / len(sites))
            unweighted.append(weight)
    return Applicable(types, list(accumulate(weighted)), list(accumulate(unweighted)))


def _rows(
    problem: Problem,
    solution: Solution,
    options: SyntheticOptions,
    mix: Mapping[str, float],
    tally: Tally,
) -> Iterator[dict[str, Any]]:
    rng = Random(f"{options.seed}/{problem.id}")
    counts = tally.counts
    labels: dict[tuple[str, ...], bool] = {}  # of every prefix of the rows so far
    correct_rows = []
    for made_from in _correct_rows(problem, solution, options, rng, counts):
        steps = made_from.context.frame.steps
        prefixes = _prefixes(steps)
        if prefixes[-1] in labels:
            continue
        labels.update(dict.fromkeys(prefixes, True))
        correct_rows.append((made_from, _applicable(made_from.context, mix)))
        counts["right rows"] += 1
        yield _row(problem, solution, made_from.id, steps, source="gsm8k")
    if not correct_rows:
        return
    tried: set[tuple[Value, ...]] = set()
    made = 0
    wanted = options.num_incorrect_per_problem
    for attempt in range(_TRIES * wanted):
        if made == wanted:
            break
        (context, checker, twin_id), applicable = correct_rows[made % len(correct_rows)]
        if not applicable.types:
            continue
        weights = applicable.weighted if attempt < _WEIGHTED_TRIES * wanted else applicable.unweighted
        [(name, error_type, sites, sums)] = rng.choices(applicable.types, cum_weights=weights)
        for _ in range(_TRIES_PER_TYPE):
            edit = error_type.make(context, draw(sites, sums, rng), rng)
            if edit is None:
                continue
            identity = _identity(context, edit)
            if identity in tried:
                continue
            tried.add(identity)
            try:
                incorrect = propagate(context, edit)
            except Refused as error:
                counts[f"draw refused/{error}"] += 1
                continue
            frame, steps, first = context.frame, incorrect.steps, incorrect.first_error
            if options.balanced and first < len(frame.steps):
                if rng.random() >= keep_probability(name, steps[first], frame.steps[first]):
                    counts["draw refused/surface features"] += 1
                    continue
            prefixes = _prefixes(steps)
            if prefixes[-1] in labels:
                counts["draw refused/duplicate"] += 1
                continue
            if any(labels.get(prefix, n < first) != (n < first) for n, prefix in enumerate(prefixes)):
                counts["draw refused/another label for a prefix"] += 1
                continue
            reason = edit.reason()
            refusal = checker.check(steps, first, name, reason, incorrect.answer)
            if refusal is not None:
                counts[f"row checker/{name}/{refusal.partition(':')[0]}"] += 1
                continue
            labels.update((prefix, n < first) for n, prefix in enumerate(prefixes))
            counts["wrong rows"] += 1
            if options.restructured and first < len(incorrect.bodies):
                # From a generator of its own, so that filler changes no other draw.
                filled = add_filler(incorrect.bodies, first, frame, Random(f"{options.seed}/{problem.id}/{made}"))
                longer = frame.finish(filled, incorrect.answer, incorrect.kept)
                if checker.check(longer, first, name, reason, incorrect.answer) is None:
                    steps = longer
            row = _row(problem, solution, f"{problem.id}/wrong-{made}", steps, source="corruption", first_error=first)
            row.update(error_type=name, answer=incorrect.answer, error_reason=reason, twin_id=twin_id)
            yield row
            made += 1
            break
    if made < wanted:
        counts["problems with fewer wrong rows than asked"] += 1


def _identity(context: ErrorContext, edit: Edit) -> tuple[Value, ...]:
    """Where an error is and what it states: the same whatever its type and however the solution is restructured."""
    equations = context.solution.equations
    if edit.equation >= 0 and equations[edit.equation].fact:
        return equations[edit.equation].result, edit.value
    computed = [equation.step for equation in equations if not equation.fact]
    index = edit.equation - sum(equation.fact for equation in equations[: max(edit.equation, 0)])
    return index, edit.value, bisect(computed, edit.skipped), bisect(computed, edit.upto)


def _correct_rows(
    problem: Problem, solution: Solution, options: SyntheticOptions, rng: Random, counts: Counter[str]
) -> Iterator[CorrectRow]:
    """The correct solution in as many styles as are asked for.

    Raises:
        UnreadableError: the checker refuses the first one.
    """
    for number in range(options.num_correct_per_problem):
        style = draw_style(rng) if options.styles else PLAIN
        chosen = _restructured(problem, solution, rng, counts) if options.restructured else solution
        plans: list[Plan | None] = []
        for index in range(len(chosen.equations)):
            try:
                plans.append(plan_change(chosen, index))
            except Refused as refusal:
                plans.append(None)
                counts[f"equation left alone/{refusal}"] += 1
        frame = Frame(chosen, style, rng)
        checker = RowChecker(solution.question, frame.steps, solution.answer_text)
        if checker.refusal is None:
            context = ErrorContext(frame, plans, POSITIONS[options.positions])
            yield CorrectRow(context, checker, f"{problem.id}/right-{number}")
        elif number == 0:
            raise UnreadableError(f"row checker: {checker.refusal.partition(':')[0]}")


def _restructured(problem: Problem, solution: Solution, rng: Random, counts: Counter[str]) -> Solution:
    """The solution with steps merged and facts restated, or unchanged if that cannot be parsed."""
    answer, restated = restructure(solution, problem.answer, rng)
    if answer is problem.answer:
        return solution
    try:
        return with_facts(read_solution(problem.question, answer), restated)
    except UnreadableError as error:
        counts[f"not restructured/{error}"] += 1
        return solution


def _row(
    problem: Problem, solution: Solution, row_id: str, steps: list[str], *, source: str, first_error: int = -1
) -> dict[str, Any]:
    """A row, with the columns about an error still to be set."""
    correct = len(steps) if first_error < 0 else first_error
    return {
        "prompt": problem.question,
        "completions": steps,
        "labels": [True] * correct + [False] * (len(steps) - correct),
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
