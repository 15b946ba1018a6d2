"""Surface features must not predict first errors: what `surface.py` rejects, and with which probability."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from synthetic.conftest import Generated

from prm_gsm8k.synthetic.errors import TAXONOMY
from prm_gsm8k.synthetic.generate import SyntheticOptions, Tally, generate
from prm_gsm8k.synthetic.surface import BALANCED_TOGETHER, features, keep_probability, log_odds, surface_weights

Pairs = tuple[dict[str, list[tuple[str, str]]], Tally]


def pairs(made: Generated) -> Pairs:
    """By kind of error, first errors and the correct step at the place of each."""
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


def leaning(steps: list[tuple[str, str]], feature: Callable[[str], Any]) -> float:
    """The share of pairs in which the incorrect step has more of a feature, less those in which the correct one has."""
    return sum((feature(wrong) > feature(right)) - (feature(wrong) < feature(right)) for wrong, right in steps) / len(
        steps
    )


@pytest.mark.parametrize(
    ("kind", "feature"),
    [
        pytest.param("operation_changed", lambda step: "+" in step, id="a sum"),
        pytest.param("operation_changed", len, id="a longer step"),
        pytest.param("step_skipped", lambda step: "herefore" in step or "hus" in step, id="words of a late step"),
        pytest.param("step_skipped", lambda step: "+" in step, id="a late sum"),
    ],
)
def test_features_that_predict_errors_in_draws_do_not_in_rows(
    kind: str,
    feature: Callable[[str], Any],
    as_drawn: Pairs,
    balanced: Pairs,
) -> None:
    before, after = leaning(as_drawn[0][kind], feature), leaning(balanced[0][kind], feature)
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
    assert as_drawn[1].counts["draw refused/surface features"] == 0
    assert balanced[1].counts["draw refused/surface features"] > 1000
    assert balanced[1].counts["wrong rows"] > 0.98 * as_drawn[1].counts["wrong rows"]


def test_every_kind_that_can_be_balanced_has_weights() -> None:
    kinds = {BALANCED_TOGETHER.get(kind, kind) for kind in TAXONOMY}
    assert kinds - set(surface_weights()) == {"stopped_early", "grouping_lost"}  # inherent; too few to fit
    assert set(surface_weights()) <= kinds


def test_the_keep_probability_balances_the_log_odds() -> None:
    """A step that features give away is kept with exp(-s), others always; equal steps have no features that differ."""
    wrong, right = "She sold 48*24 = 1152 clips.", "She sold 48+24 = 72 clips."
    weights = surface_weights()["operation_changed"]
    assert log_odds(weights, features(wrong), features(right)) == -log_odds(weights, features(right), features(wrong))
    both = ((wrong, right), (right, wrong))
    assert {keep_probability("operation_changed", *steps) == 1.0 for steps in both} == {True, False}
    assert keep_probability("operation_changed", right, right) == 1.0
    assert keep_probability("stopped_early", wrong, right) == 1.0


def test_digits_are_no_features() -> None:
    assert features("So 12.5 x 3 = $37.50 of 40") == features("So 98.1 x 7 = $22.10 of 50")
    assert features("So 12 + 3 = 15") != features("So 12 * 3 = 15")
