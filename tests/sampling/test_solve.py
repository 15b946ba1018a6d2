"""One problem: which calls are made for it, and which of them its solutions share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.sampling.evidence import Calls
from prm_gsm8k.sampling.labels import LabelOptions
from prm_gsm8k.sampling.rollout import GoOn, Rollout
from prm_gsm8k.sampling.rows import rows_of
from prm_gsm8k.sampling.solve import CUT_OFF, MISSING, NO_STEPS, Solution, SolutionOptions, from_evidence, solve

PROBLEM = Problem("p/0", "How many?", "#### 5", "train", "p:1")
OPTIONS = LabelOptions("hard", rollouts=2)


class Model:
    """Answers of a table, by prefix: the texts of its attempts, and of all further ones the last."""

    def __init__(self, texts: Mapping[tuple[str, ...], Sequence[str]], finish: str = "stop") -> None:
        self.texts = texts
        self.finish = finish
        self.calls: Counter[tuple[tuple[str, ...], int]] = Counter()

    async def __call__(self, prefix: Sequence[str], attempt: int) -> Rollout:
        self.calls[tuple(prefix), attempt] += 1
        await asyncio.sleep(0)
        texts = self.texts[tuple(prefix)]
        return Rollout(texts[min(attempt, len(texts) - 1)], 7, self.finish)


def solved(model: Model, num_solutions: int, **options: int) -> list[Solution]:
    return asyncio.run(solve(PROBLEM, model, SolutionOptions(num_solutions, **options), OPTIONS))


def test_what_a_right_solution_goes_through_is_right_in_a_wrong_one_and_costs_nothing() -> None:
    model = Model(
        {(): ["First.\nWell.\nThe answer is 5.", "First.\nOops.\nThe answer is 6."], ("First.", "Oops."): ["6"]}
    )
    right, wrong = solved(model, 2)
    assert right.labelled is not None and right.labelled.first_error == -1
    assert wrong.labelled is not None and wrong.labelled.first_error == 1
    assert (wrong.labelled.successes, wrong.labelled.trials) == ([1, 0, 0], [1, 2, 0])
    assert wrong.labelled.tokens == [0, 14, 0]
    assert not any(prefix == ("First.",) for prefix, _ in model.calls)


def test_two_solutions_that_share_a_prefix_share_its_calls() -> None:
    texts = {
        (): ["First.\nOops.\nThe answer is 6.", "First.\nOh no.\nThe answer is 7."],
        ("First.",): ["The answer is 5."],
        ("First.", "Oops."): ["The answer is 6."],
        ("First.", "Oh no."): ["The answer is 7."],
    }
    model = Model(texts)
    both = solved(model, 2)
    assert [s.labelled and s.labelled.first_error for s in both] == [1, 1]
    assert max(model.calls.values()) == 1
    assert model.calls[("First.",), 0] == 1
    tally = Tally()
    rows = list(rows_of(PROBLEM, both, "m@r", tally))
    assert [row["labels"] for row in rows] == [[True, False, False]] * 2


def test_sampling_stops_at_enough_wrong_ones_or_at_the_cap() -> None:
    texts = [
        "The answer is 5.",
        "Oops.\nThe answer is 6.",
        "The answer is 5.",
        "No.\nThe answer is 7.",
        "The answer is 5.",
    ]
    model = Model({(): texts, ("Oops.",): ["6"], ("No.",): ["7"]})
    assert [s.right for s in solved(model, 1, num_wrong=2)] == [True, False, True, False]
    assert len(solved(model, 1, num_wrong=3, max_solutions=8)) == 8


def test_what_was_cut_off_before_its_answer_is_left_out_and_not_called_wrong() -> None:
    half = Model({(): ["First there are 3 and then 40"]}, finish="length")
    assert [s.left_out for s in solved(half, 1)] == [CUT_OFF]
    rambling = Model({(): ["First.\nThe answer is 5.\nAnd now something else, th"]}, finish="length")
    assert [(s.left_out, s.steps) for s in solved(rambling, 1)] == [(None, ["First.", "The answer is 5."])]
    assert [s.left_out for s in solved(Model({(): ["\n\n"]}), 1)] == [NO_STEPS]


def test_the_same_solution_twice_is_one_row_and_a_contradiction_is_none() -> None:
    texts = {
        (): ["Fine.\nThe answer is 6.", "Fine.\nThe answer is 6.", "Fine.\nThe answer is 6.\nNo, the answer is 5."],
        ("Fine.",): ["The answer is 6."],
    }
    tally = Tally()
    rows = list(rows_of(PROBLEM, solved(Model(texts), 3), "m@r", tally))
    prefixes = {(tuple(row["completions"][: i + 1]), label) for row in rows for i, label in enumerate(row["labels"])}
    assert len(prefixes) == len({prefix for prefix, _ in prefixes})
    assert len({tuple(row["completions"]) for row in rows}) == len(rows)
    assert tally.counts["solutions"] == 3
    assert sum(n for what, n in tally.counts.items() if what.startswith("solution left out")) == 3 - len(rows)


# --- by the reference and by rollouts, from one evidence --------------------------------------------------------------

NATALIA = Problem(
    "p/1",
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many in all?",
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nIn all she sold 48+24 = <<48+24=72>>72 clips.\n#### 72",
    "train",
    "p:2",
)
WRONG = ("In May she sold 48 / 2 = 24 clips.", "That is 48 - 24 = 24 more.", "So 24 + 24 = 48.", "The answer is 48.")
VAGUE = ("Elle en a vendu.", "Elle en a vendu moins en mai qu'en avril, ce qui fait peu de pinces.", "#### 9")


def natalia() -> Model:
    texts: dict[tuple[str, ...], list[str]] = {
        (): ["\n".join(WRONG), "\n".join(VAGUE), "She sold 48 + 24 = 72.\nThe answer is 72."],
        WRONG[:1]: ["The answer is 72."],
        VAGUE[:1]: ["The answer is 72."],
    }
    for wrong in (WRONG, VAGUE):
        texts |= {wrong[:end]: ["The answer is 50."] for end in range(2, len(wrong))}
    return Model(texts)


def labelled(go_on: GoOn, labels: str) -> list[Solution]:
    return asyncio.run(solve(NATALIA, go_on, SolutionOptions(3), LabelOptions(labels)))


def kept(model: Model) -> Calls:
    return {
        (prefix, attempt): Rollout(model.texts[prefix][min(attempt, len(model.texts[prefix]) - 1)], 7, "stop")
        for prefix, attempt in model.calls
    }


def test_labels_by_the_reference_make_no_rollout_and_say_what_they_cannot_tell() -> None:
    model = natalia()
    wrong, vague, right = labelled(model, "reference")
    assert {prefix for prefix, _ in model.calls} == {()}
    assert wrong.labelled is not None and wrong.labelled.first_error == 1
    assert wrong.labelled.reason.startswith("reference: computes 48 - 24 = 24")
    assert vague.left_out == "solution left out/cannot tell: another language"
    assert right.labelled is not None and right.labelled.first_error == -1
    tally = Tally()
    rows = list(rows_of(NATALIA, [wrong, vague, right], "m@r", tally))
    assert [row["error_reason"].partition(":")[0] for row in rows] == ["reference", ""]
    assert tally.counts["solution left out/cannot tell: another language"] == 1


def test_auto_asks_where_the_reference_abstains_and_less_than_rollouts_alone() -> None:
    auto, hard = natalia(), natalia()
    wrong, vague, _ = labelled(auto, "auto")
    assert wrong.labelled is not None and wrong.labelled.first_error == 1
    assert (
        wrong.labelled.reason.startswith("reference: computes 48 - 24 = 24") and "; rollouts: " in wrong.labelled.reason
    )
    assert vague.labelled is not None and vague.labelled.first_error == 1
    labelled(hard, "hard")
    assert 3 < len(auto.calls) < len(hard.calls)


def test_one_scheme_is_made_from_the_evidence_of_another_without_a_call() -> None:
    hard, auto = natalia(), natalia()
    by_rollouts, around = labelled(hard, "hard"), labelled(auto, "auto")
    for labels in ("reference", "auto"):
        again = labelled(from_evidence(kept(hard)), labels)
        assert again[0].labelled is not None and again[0].labelled.first_error == 1, labels
    assert [s.labelled and s.labelled.first_error for s in again] == [
        s.labelled and s.labelled.first_error for s in by_rollouts
    ]
    assert labelled(from_evidence(kept(auto)), "auto") == around
    assert labelled(from_evidence(kept(auto)), "reference")[0].labelled is not None
    assert {s.left_out for s in labelled(from_evidence(kept(auto)), "hard")} >= {MISSING}  # never guessed from fewer
