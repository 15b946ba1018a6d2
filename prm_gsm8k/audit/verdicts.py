"""One line per check: ok, look or bad, with the measured value, its limit and the reason."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from prm_gsm8k.audit import limits
from prm_gsm8k.audit.duplicates import Finding
from prm_gsm8k.audit.error_positions import Distance
from prm_gsm8k.audit.one_label import LEAST
from prm_gsm8k.audit.probe import FEWEST
from prm_gsm8k.audit.reference import NAMES, Reference, shipped_reference
from prm_gsm8k.metrics.intervals import Estimate, chance_auc, wilson
from prm_gsm8k.reports.numbers import percent

OK, LOOK, BAD = ORDER = ("ok", "look", "bad")  # the worst last
MATCHED = "first error against the correct step at the same position"
_MEASURES = {
    "place": "relative position of the first error",
    "index": "index of the first error",
    "steps": "number of steps",
}


@dataclass(frozen=True)
class Line:
    """One verdict.

    Attributes:
        group: the kind of check.
        what: what is checked.
        verdict: `ok`, `look` or `bad`.
        shown: the value with its interval, as text.
        limit: as text.
        reason: the reason for the limit, and details.
        value, low, high: the value and its 95% interval, None if unknown.
    """

    group: str
    what: str
    verdict: str
    shown: str
    limit: str
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def verdicts(found: Mapping[str, Any], reference: Reference) -> list[Line]:
    """All lines in reading order. `found` is what `run.audit` measured."""
    return [
        *_shortcut(found, reference),
        *_matched(found),
        *_wording(found),
        *_arithmetic(found, reference),
        *(_distance(name, distance, found, reference) for name, distance in found["distances"].items()),
        *_repeats(found["repeats"]),
        *_overlaps(found["overlaps"]),
        *_counts(found),
    ]


def at_most(number: Estimate, limit: float, most: float) -> str:
    """`ok` up to the limit, `bad` if the whole interval is above `most`."""
    if number.value <= limit:
        return OK
    return BAD if number.low is not None and number.low > most else LOOK


def _line(
    group: str,
    what: str,
    number: Estimate,
    limit: float,
    reason: str,
    *,
    most: float | None = None,
    worst: str = BAD,
    enough: Callable[[int], bool] | None = None,
    share: bool = False,
) -> Line:
    """One line.

    Args:
        most: see `at_most`; None: the most that data which people labelled show.
        worst: `look` for values that only explain others.
        enough: whether so large a sample (as `number.n`) can tell.
        share: whether `number` is a share.
    """
    people = {name: one[what] for name, one in shipped_reference().people.items() if what in one and most is None}
    most = max(limit, most or 0.0, *map(_top, people.values()))
    verdict = min(at_most(number, limit, most), worst, key=ORDER.index)
    times, digits, sign = (100, 1, "%") if share else (1, 2, "")
    allowed = f"≤ {limit * times:.{digits}f}{sign}" if limit else "none"
    if worst == BAD and most > limit:
        allowed += f", or look up to {most * times:.{digits}f}{sign}"
        reason += "".join(f"; {name}: {shown(one, share)}" for name, one in people.items() if one.value)
    if enough is not None and not enough(number.n):
        verdict = BAD if share and verdict == BAD else LOOK
        reason = f"{number.n:,} are too few to tell; from {_fewest(enough):,} on; {reason}"
    return Line(group, what, verdict, shown(number, share), allowed, reason, number.value, number.low, number.high)


def _fewest(enough: Callable[[int], bool]) -> int:
    """The smallest sample that can tell."""
    power = next(2**i for i in range(1, 40) if enough(2**i))
    return bisect_left(range(power), True, power // 2, key=enough)


def shown(number: Estimate, share: bool = False) -> str:
    """`0.626 (0.621 to 0.631)`, or a share as `11.3% (10.9 to 11.7)`."""
    times, digits, sign = (100, 1, "%") if share else (1, 3, "")
    value = f"{number.value * times:.{digits}f}{sign}"
    if number.low is None or number.high is None:
        return value
    return f"{value} ({number.low * times:.{digits}f} to {number.high * times:.{digits}f})"


# ------------------------------------------------------------------------------------------------------------- probes


def _shortcut(found: Mapping[str, Any], reference: Reference) -> Iterator[Line]:
    probe, alone = found["shortcut"], found["shortcut_of_wrong"]
    correct = found["right_steps"] / found["wrong_rows"]  # for each first error

    def line(what: str, number: Estimate, theirs: Estimate, reason: str, most: float | None = None) -> Line:
        limit = max(limits.NO_CUE, _top(theirs))
        reason = f"AUC; the reference shows {shown(theirs)}{reason}"
        return _line(
            "shortcut", what, number, limit, reason, most=most,
            enough=lambda n: chance_auc(n, round(n * correct)) <= limit,
        )  # fmt: skip

    surface = reference.surface or reference.surface_of_wrong
    own = None if reference.people else 0.0  # a reference of the user's is the measure
    what = "first errors predicted by surface features"
    yield line(what, probe["surface"], surface, _cues(found["telling_steps"]), own)
    position = reference.position or reference.position_of_wrong
    yield line("first errors predicted by position alone", probe["position"], position, "", own)
    what = "first errors predicted by length alone"
    yield line(what, probe["length"], _gsm8k(what), "")
    for what, mine, theirs in (
        ("by surface features, in incorrect solutions only", alone["surface"], reference.surface_of_wrong),
        ("by position, in incorrect solutions only", alone["position"], reference.position_of_wrong),
    ):
        reason = f"AUC where the error is the last labelled step of each solution; the reference shows {shown(theirs)}"
        yield _line("shortcut", what, mine, _top(theirs), reason, worst=LOOK)
    for column, values in probe["by"].items():
        reason = f"AUC within this {column}"
        if column == "error_type":
            reason = "AUC against correct steps of the same problems; it varies widely among real types"
        for value, number in values.items():
            what = f"by surface features, {column} {value}"
            yield _line("shortcut", what, number, max(limits.NO_CUE, _top(surface)), reason, worst=LOOK)


def _gsm8k(what: str) -> Estimate:
    """What the first of the data that people labelled shows, whose problems are of GSM8K."""
    return next(iter(shipped_reference().people.values()))[what]


def _top(real: Estimate) -> float:
    """The upper end of the interval of real solutions."""
    return real.value if real.high is None else real.high


def _matched(found: Mapping[str, Any]) -> Iterator[Line]:
    matched, pairs = found["matched"], found["pairs"]
    most = max(_top(one[MATCHED]) for one in shipped_reference().people.values() if MATCHED in one)

    def enough(n: int) -> bool:
        return _top(wilson(n / 2, n)) <= most

    overall = matched["overall"]
    if overall is None:
        reason = f"{pairs['pairs']:,} first errors have a correct step at the same position; {FEWEST} are needed"
        yield Line("matched", MATCHED, LOOK, "–", f"≤ {limits.MATCHED:.2f}", reason)
        return
    reason = f"AUC over {overall.n:,} pairs; chance 0.50{_cues(found['telling_pairs'])}"
    yield _line("matched", MATCHED, overall, limits.MATCHED, reason, enough=enough)
    for column, values in matched["by"].items():
        for value, number in values.items():
            alone = matched["alone"][column][value]
            cues = _cues(found["telling_by"].get(column, {}).get(value, ()))
            reason = f"AUC over {number.n:,} pairs; {alone.value:.2f} with a probe fitted on these only{cues}"
            line, other = (
                _line("matched", f"{column} {value}", one, limits.MATCHED_TYPE, reason, most=most, enough=enough)
                for one in (number, alone)
            )
            yield replace(line, verdict=max(line.verdict, other.verdict, key=ORDER.index))


def _cues(cues: Any) -> str:
    """The three strongest cues."""
    return f"; cues: {', '.join(f'{cue.feature} → {cue.label}' for cue in cues[:3])}" if cues else ""


# ------------------------------------------------------------------------------------------------------------ wording


def _wording(found: Mapping[str, Any]) -> Iterator[Line]:
    for name, what in (("up_to_error", "up to the first error"), ("anywhere", "anywhere")):
        if (one := found["markers"].get(name)) is not None:
            yield _repeated(
                "wording", f"incorrect solutions with a marker {what}", one, limits.MARKED,
                "a sentence, or a step without its digits, that no correct step has", enough=lambda n: n >= LEAST,
            )  # fmt: skip
    if (unseen := found["unseen_reasons"]).of:
        what = "reasons with a number that the row does not say"
        reason = f"such a reason can be checked by the reference solution only; {NAMES[0]}: {shown(_gsm8k(what), True)}"
        yield _repeated("wording", what, unseen, _top(_gsm8k(what)), reason, worst=LOOK)


# ---------------------------------------------------------------------------------------------- arithmetic and shape


def _arithmetic(found: Mapping[str, Any], reference: Reference) -> Iterator[Line]:
    false, real = found["false_equations"], reference.false_equations
    low, high = max(0.0, real.value - limits.FALSE_OFF), real.value + limits.FALSE_OFF
    number = false["first_errors"]
    reason = f"the reference shows {shown(real, share=True)}; a calculator finds these"
    line = _line(
        "arithmetic", "first errors with a false equation", number, high, reason, most=limits.FALSE_MOST,
        enough=lambda n: _top(wilson(0, n)) <= high, share=True,
    )  # fmt: skip
    few = number.value < low and line.verdict == OK
    yield replace(line, verdict=LOOK if few else line.verdict, limit=f"{100 * low:.1f}% to {line.limit[2:]}")
    if (correct := false["right_steps"]) is not None:
        yield _line(
            "arithmetic", "correct steps with a false equation", correct, limits.FALSE_RIGHT,
            "a step labelled correct is false", enough=lambda n: _top(wilson(0, n)) <= limits.FALSE_RIGHT, share=True,
        )  # fmt: skip


def _distance(name: str, distance: Distance, found: Mapping[str, Any], reference: Reference) -> Line:
    number = Estimate(distance.ks, distance.low, distance.high, found["wrong_rows"])
    shape = "errors earlier" if distance.here < distance.there else "errors later"
    if name == "steps":
        shape = "shorter" if distance.here < distance.there else "longer"
    return _line(
        "shape", _MEASURES[name], number, distance.halves,
        f"KS distance from {reference.wrong:,} real incorrect solutions; limit: 95% of their random halves are closer; "
        f"mean {distance.here:.2f}, real {distance.there:.2f} ({shape}); histograms differ by {100 * distance.tv:.0f}%",
        most=None if reference.people else 0.0, enough=lambda n: n >= FEWEST,
    )  # fmt: skip


# ------------------------------------------------------------------------------------- repeats, contamination, counts


def _repeats(found: Mapping[str, Finding]) -> Iterator[Line]:
    for name, what, limit, meaning in (
        ("duplicates", "duplicate solutions", 0.0, "the same steps to the same question"),
        ("near_duplicates", "near-duplicate solutions", limits.NEAR_DUPLICATES, "the same steps but for digits"),
        ("contradictions", "prefixes with two labels", 0.0, "correct in one row, not in another"),
    ):
        yield _repeated("repeats", what, found[name], limit, meaning)
    yield _fact(
        "repeats", "questions in two splits", found["in_two_splits"], "a question in two splits measures memorization"
    )


def _repeated(group: str, what: str, one: Finding, limit: float, meaning: str, **more: Any) -> Line:
    """A line about a share of the data, with an example."""
    line = _line(group, what, wilson(one.count, one.of), limit, _with_example(meaning, one), share=True, **more)
    return replace(line, shown=f"{one.count:,} of {one.of:,} ({percent(one.count, one.of)})")


def _fact(group: str, what: str, one: Finding, meaning: str) -> Line:
    """A line about what must not be at all."""
    return _repeated(group, what, one, 0.0, meaning, most=0.0)


def _with_example(meaning: str, one: Finding) -> str:
    return f"{meaning}; for example {one.examples[0]}" if one.examples else meaning


def _overlaps(found: Mapping[str, Mapping[str, Finding]]) -> Iterator[Line]:
    for name, like in found.items():
        if not like["exact"].of:  # only the split test, which may hold them
            continue
        meaning = "held whole, by letters and digits: a score there measures memorization; not to train on"
        yield _fact("contamination", f"questions of {name}", like["exact"], meaning)
        for key, what in (
            ("but_for_numbers", f"questions of {name} with other numbers"),
            ("run_of_words", f"13 consecutive words of {name}"),
        ):
            yield _repeated(
                "contamination", what, like[key], limits.ALIKE, "exact matches aside", most=10 * limits.ALIKE
            )


def _counts(found: Mapping[str, Any]) -> Iterator[Line]:
    rows, incorrect = found["rows"], found["wrong_rows"]
    low, high = limits.BALANCE
    verdict = OK if low <= incorrect / rows <= high else LOOK
    reason = f"{percent(found['right_steps'], found['judged_steps'])} of labelled steps are correct"
    reason += "; no solution is correct" if incorrect == rows else ""
    yield Line(
        "balance", "solutions with a first error", verdict, f"{incorrect:,} of {rows:,} ({percent(incorrect, rows)})",
        f"{100 * low:.0f}% to {100 * high:.0f}%", reason, incorrect / rows,
    )  # fmt: skip
    limit = 0.5 + limits.LENGTH_OF_SOLUTIONS
    correct = (rows - incorrect) / incorrect  # for each incorrect one
    for measure, number in found["longer"].items():
        longer = number.value >= 0.5
        far = number if longer else Estimate(1 - number.value, _from_1(number.high), _from_1(number.low), number.n)
        line = _line(
            "balance", f"incorrect solutions predicted by {measure}", far, limit,
            f"AUC; they are {'longer' if longer else 'shorter'} than correct ones",
            enough=lambda n: chance_auc(n, round(n * correct)) <= limit,
        )  # fmt: skip
        yield replace(line, shown=shown(number), value=number.value, low=number.low, high=number.high)


def _from_1(value: float | None) -> float | None:
    return None if value is None else 1 - value
