"""What each step should score, from labels, soft values and what comes after the first error."""

from __future__ import annotations

import math
from typing import Any

import pytest

from prm_gsm8k.exceptions import StepsError
from prm_gsm8k.models.targets import step_targets

R, W = True, False


@pytest.mark.parametrize(
    ("labels", "masked", "wrong"),
    [
        ([R, R, R], [1, 1, 1], [1, 1, 1]),
        ([R, W, W], [1, 0, None], [1, 0, 0]),
        ([W, W, W], [0, None, None], [0, 0, 0]),
        ([R, W, R], [1, 0, None], [1, 0, 0]),  # labels of single steps, as Math-Shepherd's
        ([1, 0, 0], [1, 0, None], [1, 0, 0]),
        ([None, R, W, None], [None, 1, 0, None], [None, 1, 0, None]),
    ],
)
def test_steps_after_the_first_error(labels: list[Any], masked: list[Any], wrong: list[Any]) -> None:
    assert step_targets(len(labels), labels) == masked
    assert step_targets(len(labels), labels, after_error="wrong") == wrong


@pytest.mark.parametrize(
    ("labels", "values", "masked", "wrong"),
    [
        (None, [0.75, 0.125, 0.5], [0.75, 0.125, 0.5], [0.75, 0.125, 0.5]),
        (None, [0.75, 0.0, 0.5], [0.75, 0.0, None], [0.75, 0.0, 0.0]),
        ([R, W, W], [0.75, 0.125, 0.5], [0.75, 0.125, None], [0.75, 0.125, 0.0]),
        ([R, R, R], [0.75, 0.0, 0.5], [0.75, 0.0, 0.5], [0.75, 0.0, 0.5]),
        (None, [0.75, None, math.nan], [0.75, None, None], [0.75, None, None]),
        ([R, R, W], [0.75, None, 0.0], [0.75, None, 0.0], [0.75, None, 0.0]),
    ],
)
def test_soft_values_stay_what_they_are(labels: Any, values: list[Any], masked: list[Any], wrong: list[Any]) -> None:
    assert step_targets(3, labels, values) == masked
    assert step_targets(3, labels, values, after_error="wrong") == wrong


def test_no_labels_no_targets() -> None:
    assert step_targets(3) is None


@pytest.mark.parametrize(
    ("labels", "values", "message"),
    [
        ([R], None, "2 steps but 1 labels"),
        (None, [0.5, 0.5, 0.5], "2 steps but 3 values"),
        ([R, R], [0.5], "2 steps but 1 values"),
        ([R, 0.5], None, r"labels\[1\] is 0.5, not true or false"),
        ([R, "1"], None, r"labels\[1\] is '1', not true or false"),
        (None, [0.5, 1.5], r"values\[1\] is 1.5, not a number in \[0, 1\]"),
        (None, [-0.1, 0.5], r"values\[0\] is -0.1"),
        (None, [0.5, math.inf], r"values\[1\] is inf"),
        (None, [0.5, [1]], r"values\[1\] is \[1\]"),
    ],
)
def test_what_is_no_label_is_refused(labels: Any, values: Any, message: str) -> None:
    with pytest.raises(StepsError, match=message):
        step_targets(2, labels, values)
