"""A first error must not be told by its face: what `face.py` leaves out, and that it does what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from synthetic.conftest import Generated

from prm_gsm8k.synthetic.errors import TAXONOMY
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate
from prm_gsm8k.synthetic.surface import TOGETHER, bet, chance, face_weights, look

Pairs = tuple[dict[str, list[tuple[str, str]]], Tally]


def pairs(made: Generated) -> Pairs:
    """By kind of error, first errors and the right step at the place of each."""
    right: dict[str, list[str]] = {}
    found: dict[str, list[tuple[str, str]]] = {}
    for row in made.rows:
        if row["first_error"] < 0:
            right[row["id"]] = row["completions"]
        elif row["first_error"] < len(twin := right[row["twin_id"]]):
            at = row["first_error"]
            found.setdefault(row["error_type"], []).append((row["completions"][at], twin[at]))
    return found, made.tally


@pytest.fixture(scope="module")
def balanced(generated: Generated) -> Pairs:
    assert SyntheticOptions().balanced
    return pairs(generated)


@pytest.fixture(scope="module")
def as_drawn(generated: Generated) -> Pairs:
    made = Generated(generated.problems)
    made.rows.extend(generate(made.problems, SyntheticOptions(balanced=False), made.tally))
    return pairs(made)


def leaning(steps: list[tuple[str, str]], seen: Callable[[str], Any]) -> float:
    """In how many more pairs the wrong step has more of what is seen than the right one has, as a share."""
    return sum((seen(wrong) > seen(right)) - (seen(wrong) < seen(right)) for wrong, right in steps) / len(steps)


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        pytest.param("operation_changed", lambda step: "+" in step, id="a sum"),
        pytest.param("operation_changed", len, id="a longer step"),
        pytest.param("step_skipped", lambda step: "herefore" in step or "hus" in step, id="words of a late step"),
        pytest.param("step_skipped", lambda step: "+" in step, id="a late sum"),
    ],
)
def test_what_tells_in_draws_does_not_tell_in_rows(
    kind: str,
    seen: Callable[[str], Any],
    as_drawn: Pairs,
    balanced: Pairs,
) -> None:
    before, after = leaning(as_drawn[0][kind], seen), leaning(balanced[0][kind], seen)
    assert before > 0.08  # it is there to be balanced
    assert abs(after) < before / 2


def test_a_changed_operator_has_the_sign_of_its_solution(generated: Generated) -> None:
    """Who writes x in one step does not write * in another."""

    def mixed(row: dict[str, Any]) -> bool:
        text = " ".join(row["completions"])
        return sum(bool(re.search(rf"[0-9] ?{sign} ?[0-9]", text)) for sign in ("x", r"\*", "×", r"\\times")) > 1

    right: dict[str, dict[str, Any]] = {}
    changed = made = 0
    for row in generated.rows:
        if row["first_error"] < 0:
            right[row["id"]] = row
        elif row["error_type"] in ("operation_changed", "relation_reversed"):
            changed += 1
            made += mixed(row) and not mixed(right[row["twin_id"]])
    assert changed > 500
    assert made == 0


def test_rows_are_replaced_not_lost(as_drawn: Pairs, balanced: Pairs) -> None:
    assert as_drawn[1].counts["draw refused/told by its face"] == 0
    assert balanced[1].counts["draw refused/told by its face"] > 1000
    assert balanced[1].counts["wrong rows"] > 0.98 * as_drawn[1].counts["wrong rows"]


def test_every_kind_that_can_be_balanced_has_weights() -> None:
    kinds = {TOGETHER.get(kind, kind) for kind in TAXONOMY}
    assert kinds - set(face_weights()) == {"stopped_early", "grouping_lost"}  # inherent; too few to fit
    assert set(face_weights()) <= kinds


def test_the_chance_evens_the_bet() -> None:
    """What looks wrong is kept with exp(-s), what looks right always; the same step twice says nothing."""
    wrong, right = "She sold 48*24 = 1152 clips.", "She sold 48+24 = 72 clips."
    weights = face_weights()["operation_changed"]
    assert bet(weights, look(wrong), look(right)) == -bet(weights, look(right), look(wrong))
    assert {chance("operation_changed", *sides) == 1.0 for sides in ((wrong, right), (right, wrong))} == {True, False}
    assert chance("operation_changed", right, right) == 1.0
    assert chance("stopped_early", wrong, right) == 1.0


def test_digits_are_not_seen() -> None:
    assert look("So 12.5 x 3 = $37.50 of 40") == look("So 98.1 x 7 = $22.10 of 50")
    assert look("So 12 + 3 = 15") != look("So 12 * 3 = 15")
