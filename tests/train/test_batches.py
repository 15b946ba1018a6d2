"""Batches: every row once an epoch, little padding, and one loss however rows lie in them."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from layouts import tiny_model
from real_tokenizers import tokenizer

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.models.encoder import Counts, Encoder
from prm_gsm8k.train.batches import Batches, Layout, MicroBatches, Rows, Steps, accumulation, padding_share
from prm_gsm8k.train.loss import IGNORED, StepLoss
from prm_gsm8k.train.trainer import tokens_in


@pytest.fixture(scope="module")
def gsm8k_lengths() -> list[int]:
    """Tokens of each of 3,000 GSM8K train solutions in SmolLM2's chat format."""
    rows = [
        {"prompt": p.question, "completions": [s for s in p.answer.split("\n####")[0].split("\n") if s.strip()]}
        for p in shipped_problems("train")[:3000]
    ]
    encoder = Encoder.for_tokenizer(tokenizer("smollm2"))
    return [len(row.input_ids) for row in encoder.encode_rows(rows, Counts())]


def order(lengths: list[int], rows: int, seed: int, epoch: int = 0) -> list[int]:
    """Rows of all steps, each a problem of its own."""
    return np.concatenate(Steps(range(len(lengths)), lengths, rows, seed).of(epoch)).tolist()


def test_steps_hold_every_row_once_in_another_order_each_epoch(gsm8k_lengths: list[int]) -> None:
    first = order(gsm8k_lengths, 16, seed=3)
    assert sorted(first) == list(range(len(gsm8k_lengths)))
    assert order(gsm8k_lengths, 16, seed=3) == first
    assert order(gsm8k_lengths, 16, seed=4) != first
    assert sorted(second := order(gsm8k_lengths, 16, seed=3, epoch=1)) == sorted(first) and second != first


@pytest.mark.parametrize("batch", [8, 16, 32])
def test_padding_of_gsm8k_is_under_3_percent_by_length(gsm8k_lengths: list[int], batch: int) -> None:
    micro_batches = MicroBatches(Steps(range(len(gsm8k_lengths)), gsm8k_lengths, 64, seed=0), gsm8k_lengths, batch)
    by_length = [row for rows in micro_batches for row in rows]
    assert padding_share(gsm8k_lengths, by_length, batch) < 0.03
    by_chance = np.random.default_rng(0).permutation(len(gsm8k_lengths)).tolist()
    assert padding_share(gsm8k_lengths, by_chance, batch) > 0.25


def test_steps_of_like_length_do_not_come_sorted(gsm8k_lengths: list[int]) -> None:
    steps = Steps(range(len(gsm8k_lengths)), gsm8k_lengths, 16, seed=0).of(0)
    means = [np.mean([gsm8k_lengths[n] for n in step]) for step in steps]
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2


LAYOUTS = [(rows, processes) for rows in (8, 4, 2, 1, 3) for processes in (1, 2, 3)]


@pytest.mark.parametrize("by_problem", [False, True])
@pytest.mark.parametrize(("rows", "processes"), LAYOUTS)
def test_a_step_has_the_same_rows_on_any_number_of_devices(rows: int, processes: int, by_problem: bool) -> None:
    """27 rows of 9 problems, 8 a step: the last of four steps has three rows, and some processes none."""
    problems, lengths = [n // 3 for n in range(27)], [10 + n % 7 for n in range(27)]
    steps = Steps(problems, lengths, 8, seed=1)
    parts = [
        list(MicroBatches(steps, lengths, rows, process=n, processes=processes, by_problem=by_problem))
        for n in range(processes)
    ]
    micro = accumulation(8, rows, processes)
    assert {len(part) for part in parts} == {4 * micro}
    for n, expected in enumerate(steps.of(0)):
        batches = [batch for part in parts for batch in part[n * micro : (n + 1) * micro]]
        assert sorted(row for batch in batches for row in batch if row >= 0) == sorted(expected.tolist())
        assert all(1 <= len(batch) <= rows for batch in batches)


def test_rows_of_a_problem_are_in_one_micro_batch_of_trees() -> None:
    problems, lengths = [n % 50 for n in range(200)], list(range(200))
    steps = Steps(problems, lengths, 16, seed=0)
    for batch in MicroBatches(steps, lengths, 4, by_problem=True):
        assert len({problems[row] for row in batch}) == 1


def test_starting_with_many_rows_a_problem_takes_no_longer() -> None:
    """Each row was once compared with all others of its problem: minutes for PRM800K."""
    rows = 250_000
    problems, lengths = [n // 100 for n in range(rows)], [100 + n % 37 for n in range(rows)]
    steps = Steps(problems, lengths, 64, seed=0)
    assert len(next(iter(MicroBatches(steps, lengths, 8, by_problem=True)))) == 8
    assert len(steps.of(0)) == len(steps) == -(-rows // 64)


def rows_of_problems(problems: int = 3, each: int = 4) -> list[dict[str, object]]:
    """Rows that share a prompt, some of them steps, and two of them everything."""
    rng = random.Random(0)
    rows: list[dict[str, object]] = []
    for problem in range(problems):
        prompt = [rng.randrange(4, 64) for _ in range(rng.randrange(5, 15))]
        for _ in range(each):
            ids, tags = list(prompt), []
            for _ in range(3):
                ids += [rng.randrange(4, 7) for _ in range(rng.randrange(1, 3))] + [3]
                tags.append(len(ids) - 1)
            targets = [1.0, float(rng.random() < 0.5), rng.choice([0.25, None])]
            rows.append(
                {
                    "input_ids": ids,
                    "tag_positions": tags,
                    "targets": targets,
                    "problem": str(problem),
                    "length": len(ids),
                }
            )
        rows.append(rows[-1])
    return rows


def loss_and_gradient(micro_batches: list[list[dict[str, object]]], layout: Layout) -> tuple[float, torch.Tensor]:
    """Of one step: all labelled steps of all micro-batches count alike."""
    model, total = tiny_model(), 0.0
    batches = [Batches(layout=layout)(rows) for rows in micro_batches]
    labelled = sum(int((batch["labels"] != IGNORED).sum()) for batch in batches)
    for batch in batches:
        loss = StepLoss()(model(**{k: v for k, v in batch.items() if k != "labels"}), batch["labels"], labelled)
        loss.backward()
        total += float(loss.detach())
    return total, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("layout", ["padded", "packed", "trees"])
@pytest.mark.parametrize("at_once", [15, 4])
def test_the_loss_and_its_gradient_are_those_of_padded_rows(layout: Layout, at_once: int) -> None:
    rows = rows_of_problems()
    loss, gradient = loss_and_gradient([rows], "padded")
    parts = [rows[at : at + at_once] for at in range(0, len(rows), at_once)]
    nothing = Rows(rows)[~0]  # what a process has to compute that has no row
    loss_too, gradient_too = loss_and_gradient([*parts, [nothing]], layout)
    assert loss_too == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(gradient_too, gradient, rtol=1e-5, atol=1e-6)


def test_trees_hold_every_row_once_and_what_is_shared_once() -> None:
    rows = rows_of_problems()
    batch = Batches(layout="trees")(rows)
    assert len(batch["input_ids"]) == 3
    assert int(tokens_in(batch)) < sum(len(r["input_ids"]) for r in rows)
    labelled = sum(t is not None for row in rows for t in row["targets"])
    assert int((batch["labels"] != IGNORED).sum()) == labelled


def test_tokens_are_counted_without_padding() -> None:
    rows = rows_of_problems(2)
    whole = sum(len(r["input_ids"]) for r in rows)
    assert int(tokens_in(Batches()(rows))) == whole
    assert int(tokens_in(Batches(layout="packed")(rows))) == whole
