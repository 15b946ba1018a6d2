"""The search for the first error, against models whose every answer is known, and its labels from kept evidence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from prm_gsm8k.arithmetic.grading import is_right
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.label.solution import Label
from prm_gsm8k.sampling.labels import Guess, Labelled, LabelOptions, interval_width, label_solution, relabel
from prm_gsm8k.sampling.rollout import CannotTellError, Rollout, UnfinishedError

STEPS = ["He buys 3 bags.", "Each has 4 apples.", "So he has 3 + 4 = 7.", "Half of 7 is 3.5.", "The answer is 3.5."]
RIGHT = "6"


class Model:
    """Arrives from a prefix of n steps at its i-th attempt iff `arrives[n][i]`; 5 tokens a call. Counts its calls."""

    def __init__(self, arrives: dict[int, str]) -> None:
        self.arrives = arrives
        self.calls: list[tuple[int, int]] = []

    async def __call__(self, prefix: Sequence[str], attempt: int) -> Rollout:
        assert list(prefix) == STEPS[: len(prefix)]
        self.calls.append((len(prefix), attempt))
        arrives = self.arrives[len(prefix)][attempt] == "+"
        return Rollout(
            f"So be it.\nThe answer is {RIGHT if arrives else 8}.\n\nProblem: …\nThe answer is 7.", 5, "stop"
        )


def label(
    model: Model, steps: Sequence[str] = STEPS, reference: str = RIGHT, guess: Guess | None = None, **options: object
) -> Labelled:
    return asyncio.run(
        label_solution(steps, reference, model, LabelOptions(**{"labels": "hard"} | options), guess=guess)
    )  # type: ignore[arg-type]


def test_from_the_front_stopping_at_the_first_success() -> None:
    model = Model({1: "+", 2: "--+", 3: "----"})
    labelled = label(model, rollouts=4)
    assert labelled.first_error == 2
    assert labelled.successes == [1, 1, 0, 0, 0]
    assert labelled.trials == [1, 3, 4, 0, 0]
    assert labelled.tokens == [5, 15, 20, 0, 0]
    assert labelled.values is None
    assert model.calls == [(1, 0), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3)]
    assert [len(made) for made in labelled.rollouts] == labelled.trials


def test_an_answer_that_begins_anew_is_passed_over_and_four_leave_the_solution_out() -> None:
    """It finds the answer whatever step was wrong, so it says nothing of the steps that were given."""
    anew = f"He buys 3 bags.\nSo he has 3 * 4 = 12.\nHalf of it is 6.\nThe answer is {RIGHT}."

    class Restarts(Model):
        async def __call__(self, prefix: Sequence[str], attempt: int) -> Rollout:
            answer = await super().__call__(prefix, attempt)
            return Rollout(anew, 5, "stop") if self.arrives[len(prefix)][attempt] == "a" else answer

    labelled = label(Restarts({1: "+", 2: "a-a+", 3: "aaa-aaa-"}), rollouts=2)
    assert labelled.first_error == 2
    assert labelled.trials == [1, 2, 2, 0, 0]
    with pytest.raises(UnfinishedError, match="begins anew instead of going on"):
        label(Restarts({1: "+", 2: "aaaa"}), rollouts=2)


def test_if_every_prefix_but_the_whole_arrives_it_is_the_last_step() -> None:
    model = Model({1: "+", 2: "+", 3: "+", 4: "+"})
    assert label(model).first_error == 4
    assert [end for end, _ in model.calls] == [1, 2, 3, 4]


def test_a_false_equation_is_the_latest_it_can_be_and_is_not_asked() -> None:
    steps = [*STEPS[:2], "So he has 3 * 4 = 13.", *STEPS[3:]]

    async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
        assert len(prefix) < 3
        return Rollout(f"The answer is {RIGHT}.", 5, "stop")

    options = LabelOptions("hard")
    assert asyncio.run(label_solution(steps, RIGHT, go_on, options)).first_error == 2

    async def lost(prefix: Sequence[str], attempt: int) -> Rollout:
        return Rollout("The answer is 8.", 5, "stop")

    assert asyncio.run(label_solution(steps, RIGHT, lost, options)).first_error == 0  # it may come earlier
    asked = Model({1: "+", 2: "+", 3: "+", 4: "-" * 8})
    found = asyncio.run(label_solution(STEPS, RIGHT, asked, LabelOptions("hard", false_equations=False)))
    assert found.first_error == 3


def test_a_right_answer_costs_nothing() -> None:
    model = Model({})
    labelled = label(model, reference="3.5")
    assert (labelled.first_error, labelled.trials, labelled.values) == (-1, [0] * 5, None)
    false = [*STEPS[:2], "So he has 3 * 4 = 13.", *STEPS[3:]]
    assert label(model, false, reference="3.5").first_error == 2
    assert label(model, false, reference="3.5", false_equations=False).first_error == -1
    assert model.calls == []


def test_a_right_answer_can_be_searched() -> None:
    async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
        return Rollout(f"The answer is {3.5 if len(prefix) < 3 else 8}.", 5, "stop")

    options = LabelOptions("hard", right_answers="search", rollouts=3)
    labelled = asyncio.run(label_solution(STEPS, "3.5", go_on, options))
    assert (labelled.first_error, labelled.trials) == (2, [1, 1, 3, 0, 0])

    async def arrives(prefix: Sequence[str], attempt: int) -> Rollout:
        return Rollout("The answer is 3.5.", 5, "stop")

    assert asyncio.run(label_solution(STEPS, "3.5", arrives, options)).first_error == -1


def test_a_threshold_asks_until_it_is_decided() -> None:
    # more than a quarter of 8: three successes make a prefix right, six failures make it wrong
    model = Model({1: "-+-++", 2: "+-+-----"})
    labelled = label(model, threshold=0.25)
    assert labelled.first_error == 1
    assert labelled.trials == [5, 8, 0, 0, 0]
    assert label(Model({1: "------"}), threshold=0.25).trials[0] == 6


def test_soft_labels_ask_until_the_value_is_known() -> None:
    half = "+-" * 16
    model = Model({1: "+" * 32, 2: half, 3: "-" * 32})
    labelled = label(model, labels="soft")
    assert labelled.first_error == 2
    assert labelled.trials == [8, 28, 8, 0, 0]
    assert labelled.values == [1.0, 0.5, 0.0, 0.0, 0.0]
    assert interval_width(14, 28) <= 0.35 < interval_width(14, 27)
    assert label(Model({1: half, 2: "-" * 32}), labels="soft", rollouts=4).trials[0] == 16  # four times as many at most


UNFINISHED = {
    "empty": (Rollout("", 1, "stop"), "no steps in it"),
    "only white space": (Rollout(" \n", 2, "stop"), "no steps in it"),
    "cut": (Rollout("That makes 3", 9, "length"), "cut off at max tokens"),
    "cut in the answer": (Rollout("The answer is 3", 9, "length"), "cut off at max tokens"),
    "aborted": (Rollout("The answer is 3.", 9, "abort"), "finish reason abort"),
    "filtered": (Rollout("That", 9, "content_filter"), "finish reason content_filter"),
    "failed": (Rollout("", 0, "error"), "finish reason error"),
    "unstated": (Rollout("The answer is 3.", 9, "unstated"), "finish reason unstated"),
    "thinks": (Rollout("<think>3 or 4? The answer is 3.", 9, "stop"), "thoughts that do not end"),
    "thinks in brackets": (Rollout("So\n[THINK]The answer is 3.", 9, "stop"), "thoughts that do not end"),
    "thinks and is cut": (Rollout("<think>\n3, or 4", 9, "length"), "thoughts that do not end"),
    "only thinks": (Rollout("<think>It is 3.</think>\n", 9, "stop"), "no steps in it"),
    "declines": (Rollout("I cannot help with that.", 9, "stop"), "no answer in it"),
}


@pytest.mark.parametrize(("rollout", "reason"), UNFINISHED.values(), ids=UNFINISHED)
@pytest.mark.parametrize("labels", ["hard", "soft"])
def test_no_label_follows_from_an_answer_that_is_not_finished(rollout: Rollout, reason: str, labels: str) -> None:
    async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
        return rollout if attempt == 1 else Rollout("The answer is 8.", 5, "stop")

    with pytest.raises(UnfinishedError) as error:
        asyncio.run(label_solution(["48/2=24", "48-2", "The answer is 46."], "72", go_on, LabelOptions(labels=labels)))
    assert error.value.reason == reason


def test_an_answer_that_was_given_before_the_text_was_cut_off_is_finished_and_thoughts_are_no_answer() -> None:
    texts = ["<think>The answer is 8.\n</think>\nThe answer is 3.5.\n\nProblem: Tom has", "The answer is 3.5.\n\nPro"]

    async def go_on(prefix: Sequence[str], attempt: int) -> Rollout:
        return Rollout(texts[attempt], 32, "length")

    labelled = asyncio.run(
        label_solution(["Fine.", "The answer is 3."], "3.5", go_on, LabelOptions("hard", rollouts=2))
    )
    assert (labelled.successes[0], labelled.trials[0]) == (1, 1)


def test_a_solution_of_one_step_asks_nothing() -> None:
    assert label(Model({}), ["The answer is 5."]).first_error == 0


# --- by the reference, and around what it says ------------------------------------------------------------------------


def guess(*chances: float, right: int = 0, wrong: int = 0) -> Guess:
    step = max(range(len(chances)), key=chances.__getitem__)
    return Guess(Label(step, "computes 3 + 4", "kind", max(chances), chances=chances), right, wrong)


def test_auto_asks_around_the_guess_and_for_less() -> None:
    around = Model({2: "+", 3: "----"})
    labelled = label(around, labels="auto", guess=guess(0.1, 0.2, 0.5, 0.1, 0.1))
    assert labelled.first_error == 2
    assert around.calls[0][0] in (2, 3) and len(around.calls) < 6
    assert labelled.trials[0] == labelled.trials[3] == 0
    assert labelled.reason.startswith("reference: computes 3 + 4; rollouts: 1 of 1 from the steps before it, 0 of ")
    blind = Model({1: "+" * 8, 2: "+" * 8, 3: "-" * 8, 4: "-" * 8})
    assert label(blind, labels="auto").first_error == 2
    assert len(blind.calls) >= len(around.calls)


def test_rollouts_overrule_the_guess() -> None:
    labelled = label(
        Model({1: "+", 2: "+", 3: "+++", 4: "-" * 8}), labels="auto", guess=guess(0.7, 0.1, 0.1, 0.05, 0.05)
    )
    assert labelled.first_error == 3
    assert labelled.reason.startswith("rollouts: ")


def test_the_reference_alone_excludes_no_step() -> None:
    always = Model(dict.fromkeys(range(1, 5), "+" * 8))
    assert label(always, labels="auto", guess=guess(0.5, 0.5, 0.0, 0.0, 0.0)).first_error == 4


def test_a_failure_of_a_model_that_is_often_wrong_says_less() -> None:
    def spent(**others: int) -> int:
        model = Model(dict.fromkeys(range(1, 5), "-" * 8))
        assert label(model, labels="auto", guess=guess(0.8, 0.05, 0.05, 0.05, 0.05, **others)).first_error == 0
        return len(model.calls)

    assert 0 < spent(right=6) <= spent() < spent(wrong=6) <= 8


def test_auto_is_never_past_a_false_equation_and_takes_right_answers_as_right() -> None:
    steps = [*STEPS[:2], "So he has 3 * 4 = 13.", *STEPS[3:]]

    async def arrives(prefix: Sequence[str], attempt: int) -> Rollout:
        return Rollout(f"The answer is {RIGHT}.", 5, "stop")

    late = guess(0.0, 0.0, 0.1, 0.1, 0.8)
    found = asyncio.run(label_solution(steps, RIGHT, arrives, LabelOptions(), guess=late))
    assert found.first_error == 2 and found.reason.startswith("equation: 3 * 4 = 13, but it is 12")
    assert label(Model({}), labels="auto", reference="3.5", guess=late).first_error == -1


def test_labels_by_the_reference_ask_nothing_and_abstain_with_a_word() -> None:
    found = label(Model({}), labels="reference", guess=guess(0.1, 0.6, 0.1, 0.1, 0.1))
    assert (found.first_error, found.trials, found.reason) == (1, [0] * 5, "reference: computes 3 + 4")
    for unsure, word in (
        (guess(0.2, 0.21, 0.2, 0.2, 0.19), "confidence too low"),
        (Guess(Label(None, "it is not in English", "another language", 0.0)), "another language"),
        (Guess(Label(-1, "comes to the answer", "right answer", 0.9)), "right in one reading"),
        (None, "no reference"),
    ):
        with pytest.raises(CannotTellError, match=word):
            label(Model({}), labels="reference", guess=unsure)
    assert label(Model({}), labels="reference", reference="3.5").first_error == -1


# --- from what was kept -----------------------------------------------------------------------------------------------


def test_the_same_labels_from_evidence_as_from_the_model() -> None:
    for options in (LabelOptions("hard"), LabelOptions(labels="soft"), LabelOptions("hard", threshold=0.25)):
        made = asyncio.run(label_solution(STEPS, RIGHT, Model({1: "+" * 32, 2: "-++" * 11, 3: "-" * 32}), options))
        assert relabel(STEPS, RIGHT, made.rollouts, options) == made


def test_other_labels_from_the_same_evidence() -> None:
    soft = label(Model({1: "+" * 32, 2: ("+" + "-" * 7) * 4, 3: "-" * 32}), labels="soft")
    assert soft.first_error == 2
    hard = relabel(STEPS, RIGHT, soft.rollouts, LabelOptions("hard"))
    assert hard is not None and (hard.first_error, hard.trials) == (2, [1, 1, 8, 0, 0])
    strict = relabel(STEPS, RIGHT, soft.rollouts, LabelOptions("hard", threshold=0.2))
    assert strict is not None and strict.first_error == 1


def test_soft_values_from_hard_evidence_are_shares_of_what_there_is() -> None:
    hard = label(Model({1: "+", 2: "---+", 3: "-" * 8}))
    soft = relabel(STEPS, RIGHT, hard.rollouts, LabelOptions(labels="soft"))
    assert soft is not None and soft.values == [1.0, 0.25, 0.0, 0.0, 0.0]


def test_another_grader_leaves_open_what_it_cannot_tell() -> None:
    hard = label(Model({1: "+", 2: "+", 3: "-" * 8}))

    def nothing_is_right(text: str, reference: str) -> bool:
        return False

    assert relabel(STEPS, RIGHT, hard.rollouts, LabelOptions("hard"), nothing_is_right) is None
    assert relabel(STEPS, RIGHT, [[]] * 5, LabelOptions("hard")) is None

    def wants_8(text: str, reference: str) -> bool:
        return is_right(text, "8")

    again = relabel(STEPS, RIGHT, [hard.rollouts[2]] * 5, LabelOptions("hard"), wants_8)
    assert again is not None and again.first_error == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": "warm"}, "labels are auto, reference, hard or soft, not 'warm'"),
        ({"rollouts": 0}, "rollouts is 0, not at least 1"),
        ({"threshold": 0.1}, "threshold is of labels hard and soft; labels are auto"),
        ({"labels": "reference", "right_answers": "search"}, "labels reference take right answers as right"),
        ({"threshold": 1.0}, r"threshold is 1.0, not in \[0, 1\)"),
        ({"width": 0.0}, r"width is 0.0, not in \(0, 1\]"),
        ({"right_answers": "maybe"}, "right_answers is right or search, not 'maybe'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        LabelOptions(**options)  # type: ignore[arg-type]


def test_as_good_as_asking_everything_for_a_quarter_of_the_calls() -> None:
    """300 solutions whose right prefixes arrive with p = 0.8, k = 8: the labels of an exhaustive search."""
    dice = random.Random(0)
    exhaustive = spent = 0
    for _ in range(300):
        steps = [f"He goes on with part {n} of it." for n in range(dice.randint(2, 7))] + ["The answer is 8."]
        error = dice.randrange(len(steps))
        arrives = {(n, i): n <= error and dice.random() < 0.8 for n in range(1, len(steps)) for i in range(8)}

        async def go_on(prefix: Sequence[str], attempt: int, arrives: dict[tuple[int, int], bool] = arrives) -> Rollout:
            return Rollout(f"The answer is {RIGHT if arrives[len(prefix), attempt] else 8}.", 5, "stop")

        labelled = asyncio.run(label_solution(steps, RIGHT, go_on, LabelOptions("hard")))
        survive = [any(arrives[n, i] for i in range(8)) for n in range(1, len(steps))]
        assert labelled.first_error == [*survive, False].index(False)
        exhaustive += 8 * len(survive)
        spent += sum(labelled.trials)
    assert spent < exhaustive / 3
