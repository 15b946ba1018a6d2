"""One line per check: ok, look or bad, with the measured value, its limit and the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prm_gsm8k.audit import limits
from prm_gsm8k.audit.duplicates import Finding
from prm_gsm8k.audit.error_positions import Distance
from prm_gsm8k.audit.probe import FEWEST
from prm_gsm8k.audit.reference import Reference
from prm_gsm8k.metrics.intervals import Estimate
from prm_gsm8k.reports.numbers import percent

OK, LOOK, BAD = ORDER = ("ok", "look", "bad")  # the worst last
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
        *(_distance(name, distance, reference) for name, distance in found["distances"].items()),
        *_repeats(found["repeats"]),
        *_overlaps(found["overlaps"]),
        *_counts(found),
    ]


def at_most(number: Estimate, limit: float) -> str:
    """`bad` if the whole interval is above the limit."""
    if number.value <= limit:
        return OK
    return BAD if number.low is not None and number.low > limit else LOOK


def within(number: Estimate, low: float, high: float) -> str:
    """`bad` if the whole interval is outside."""
    if low <= number.value <= high:
        return OK
    outside = number.low is not None and number.high is not None and (number.low > high or number.high < low)
    return BAD if outside else LOOK


def _line(group: str, what: str, verdict: str, number: Estimate, limit: str, reason: str, share: bool = False) -> Line:
    return Line(group, what, verdict, shown(number, share), limit, reason, number.value, number.low, number.high)


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
    surface, position = reference.surface, reference.position
    limit = _top(surface) if surface else limits.SURFACE
    real = "real solutions show" if surface else "ProcessBench GSM8K shows"
    group = "shortcut"
    yield _line(
        group, "first errors predicted by surface features", at_most(probe["surface"], limit), probe["surface"],
        f"≤ {limit:.2f}", f"AUC; {real} {limit:.2f}{_cues(found['telling_steps'])}",
    )  # fmt: skip
    middle = position.value if position else limits.POSITION
    low, high = middle - limits.POSITION_OFF, middle + limits.POSITION_OFF
    yield _line(
        group, "first errors predicted by position alone", within(probe["position"], low, high), probe["position"],
        f"{low:.2f} to {high:.2f}", f"AUC; {real} {middle:.2f}",
    )  # fmt: skip
    yield _line(
        group, "first errors predicted by length alone", at_most(probe["length"], limits.LENGTH), probe["length"],
        f"≤ {limits.LENGTH:.2f}", f"AUC; real incorrect solutions show {limits.LENGTH:.2f}",
    )  # fmt: skip
    for what, mine, theirs in (
        ("by surface features, in incorrect solutions only", alone["surface"], reference.surface_of_wrong),
        ("by position, in incorrect solutions only", alone["position"], reference.position_of_wrong),
    ):
        top = _top(theirs)
        yield _line(
            group, what, _no_worse_than_look(at_most(mine, top)), mine, f"≤ {top:.2f}",
            f"AUC where the error is the last labelled step of each solution; the reference has {shown(theirs)}",
        )  # fmt: skip
    for column, values in probe["by"].items():
        reason = f"AUC within this {column}"
        if column == "error_type":
            reason = "AUC against correct steps of the same problems; it varies widely among real types"
        for value, number in values.items():
            verdict = _no_worse_than_look(at_most(number, limit))
            yield _line(group, f"by surface features, {column} {value}", verdict, number, f"≤ {limit:.2f}", reason)


def _top(real: Estimate) -> float:
    """The upper end of the interval of real solutions."""
    return real.value if real.high is None else real.high


def _no_worse_than_look(verdict: str) -> str:
    """For values that only explain others."""
    return LOOK if verdict == BAD else verdict


def _matched(found: Mapping[str, Any]) -> Iterator[Line]:
    matched, pairs = found["matched"], found["pairs"]
    what = "first error against the correct step at the same position"
    overall = matched["overall"]
    if overall is None:
        reason = f"{pairs['pairs']} first errors have a correct step at the same position; {FEWEST} are needed"
        yield Line("matched", what, LOOK, "–", f"≤ {limits.MATCHED:.2f}", reason)
        return
    yield _line(
        "matched", what, at_most(overall, limits.MATCHED), overall, f"≤ {limits.MATCHED:.2f}",
        f"AUC over {overall.n:,} pairs; chance 0.50{_cues(found['telling_pairs'])}",
    )  # fmt: skip
    for column, values in matched["by"].items():
        for value, number in values.items():
            alone = matched["alone"][column][value]
            verdict = max(at_most(number, limits.MATCHED_TYPE), at_most(alone, limits.MATCHED_TYPE), key=ORDER.index)
            cues = _cues(found["telling_by"].get(column, {}).get(value, ()))
            yield _line(
                "matched", f"{column} {value}", verdict, number,
                f"≤ {limits.MATCHED_TYPE:.2f}",
                f"AUC over {number.n:,} pairs; {alone.value:.2f} with a probe fitted on these only{cues}",
            )  # fmt: skip


def _cues(cues: Any) -> str:
    """The three strongest cues."""
    return f"; cues: {', '.join(f'{cue.feature} → {cue.label}' for cue in cues[:3])}" if cues else ""


# ------------------------------------------------------------------------------------------------------------ wording


def _wording(found: Mapping[str, Any]) -> Iterator[Line]:
    for name, what in (("up_to_error", "up to the first error"), ("anywhere", "anywhere")):
        one = found["markers"].get(name)
        if one is None:
            continue
        verdict = OK if one.share <= limits.MARKED else BAD
        yield _repeated(
            f"incorrect solutions with a marker {what}", one, verdict, f"≤ {100 * limits.MARKED:.0f}%",
            "a sentence, or a step without its digits, that no correct step has", "wording",
        )  # fmt: skip
    unseen = found["unseen_reasons"]
    if unseen.of:
        verdict = OK if unseen.share <= limits.UNSEEN else LOOK
        yield _repeated(
            "reasons with a number that the row does not say", unseen, verdict, f"≤ {100 * limits.UNSEEN:.0f}%",
            "nobody can check such a reason", "wording",
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------- arithmetic and shape


def _arithmetic(found: Mapping[str, Any], reference: Reference) -> Iterator[Line]:
    false, real = found["false_equations"], reference.false_equations
    low, high = max(0.0, real.value - limits.FALSE_OFF), real.value + limits.FALSE_OFF
    yield _line(
        "arithmetic", "first errors with a false equation", within(false["first_errors"], low, high),
        false["first_errors"], f"{100 * low:.1f}% to {100 * high:.1f}%",
        f"the reference has {shown(real, share=True)}; a calculator finds these", share=True,
    )  # fmt: skip
    if (correct := false["right_steps"]) is not None:
        yield _line(
            "arithmetic", "correct steps with a false equation", at_most(correct, limits.FALSE_RIGHT), correct,
            f"≤ {100 * limits.FALSE_RIGHT:.1f}%", "a step labelled correct is false", share=True,
        )  # fmt: skip


def _distance(name: str, distance: Distance, reference: Reference) -> Line:
    number = Estimate(distance.ks, distance.low, distance.high, 0)
    shape = "errors earlier" if distance.here < distance.there else "errors later"
    if name == "steps":
        shape = "shorter" if distance.here < distance.there else "longer"
    return _line(
        "shape", _MEASURES[name], at_most(number, distance.halves), number, f"≤ {distance.halves:.3f}",
        f"KS distance from {reference.wrong:,} real incorrect solutions; limit: 95% of their random halves are closer; "
        f"mean {distance.here:.2f}, real {distance.there:.2f} ({shape}); histograms differ by {100 * distance.tv:.0f}%",
    )  # fmt: skip


# ------------------------------------------------------------------------------------- repeats, contamination, counts


def _repeats(found: Mapping[str, Finding]) -> Iterator[Line]:
    rows = (
        ("duplicates", "duplicate solutions", limits.DUPLICATES, "the same steps to the same question"),
        ("near_duplicates", "near-duplicate solutions", limits.NEAR_DUPLICATES, "the same steps but for digits"),
        ("contradictions", "prefixes with two labels", limits.CONTRADICTIONS, "correct in one row, not in another"),
    )
    for name, what, limit, meaning in rows:
        one = found[name]
        few = OK if name == "near_duplicates" else LOOK  # short solutions may coincide by chance
        verdict = OK if not one.count else few if one.share <= limit else BAD
        allowed = f"≤ {100 * limit:.1f}%" if name == "near_duplicates" else f"0, or look up to {100 * limit:.1f}%"
        yield _repeated(what, one, verdict, allowed, meaning)
    two = found["in_two_splits"]
    yield _repeated(
        "questions in two splits", two, BAD if two.count else OK, "0", "a question in two splits measures memorization"
    )


def _repeated(what: str, one: Finding, verdict: str, limit: str, meaning: str, group: str = "repeats") -> Line:
    example = f"; for example {one.examples[0]}" if one.examples else ""
    written = f"{one.count:,} of {one.of:,} ({percent(one.count, one.of)})"
    return Line(group, what, verdict, written, limit, meaning + example, one.share)


def _overlaps(found: Mapping[str, Mapping[str, Finding]]) -> Iterator[Line]:
    for name, like in found.items():
        exact = like["exact"]
        yield _repeated(
            f"questions of {name}", exact, BAD if exact.count else OK, "0",
            "held whole, by letters and digits: a score there measures memorization", "contamination",
        )  # fmt: skip
        for key, what in (
            ("but_for_numbers", f"questions of {name} with other numbers"),
            ("run_of_words", f"13 consecutive words of {name}"),
        ):
            one = like[key]
            verdict = OK if one.share <= limits.ALIKE else LOOK if one.share <= 10 * limits.ALIKE else BAD
            limit = f"≤ {100 * limits.ALIKE:.1f}%, or look up to {1000 * limits.ALIKE:.0f}%"
            yield _repeated(what, one, verdict, limit, "exact matches aside", "contamination")


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
    for measure, number in found["longer"].items():
        low, high = 0.5 - limits.LENGTH_OF_SOLUTIONS, 0.5 + limits.LENGTH_OF_SOLUTIONS
        yield _line(
            "balance", f"incorrect solutions predicted by {measure}", within(number, low, high), number,
            f"{low:.2f} to {high:.2f}", "AUC; above 0.5, incorrect solutions are longer",
        )  # fmt: skip
