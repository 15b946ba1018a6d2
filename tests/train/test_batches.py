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
from prm_gsm8k.train.batches import Batches, ByLength, Packs, Trees, padding_share
from prm_gsm8k.train.loss import IGNORED, StepLoss
from prm_gsm8k.train.trainer import tokens_in


@pytest.fixture(scope="module")
def gsm8k_lengths() -> list[int]:
    """Tokens of each GSM8K train solution in SmolLM2's chat format."""
    rows = [
        {"prompt": p.question, "completions": [s for s in p.answer.split("\n####")[0].split("\n") if s.strip()]}
        for p in shipped_problems("train")
    ]
    encoder = Encoder.for_tokenizer(tokenizer("smollm2"))
    return [len(row.input_ids) for row in encoder.encode_rows(rows, Counts())]


def test_batches_by_length_hold_every_row_once_in_another_order_each_epoch(gsm8k_lengths: list[int]) -> None:
    sampler = ByLength(gsm8k_lengths, 16, seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(len(gsm8k_lengths)))
    assert list(ByLength(gsm8k_lengths, 16, seed=3)) == first
    assert list(ByLength(gsm8k_lengths, 16, seed=4)) != first
    sampler.set_epoch(1)
    assert sorted(second := list(sampler)) == sorted(first) and second != first


@pytest.mark.parametrize("batch", [8, 16, 32])
def test_padding_of_gsm8k_is_under_3_percent_by_length(gsm8k_lengths: list[int], batch: int) -> None:
    order = list(ByLength(gsm8k_lengths, batch, seed=0))
    assert padding_share(gsm8k_lengths, order, batch) < 0.03
    assert padding_share(gsm8k_lengths, np.random.default_rng(0).permutation(len(order)).tolist(), batch) > 0.25


def test_batches_of_like_length_do_not_come_sorted(gsm8k_lengths: list[int]) -> None:
    order = list(ByLength(gsm8k_lengths, 16, seed=0))
    means = [np.mean([gsm8k_lengths[n] for n in order[at : at + 16]]) for at in range(0, len(order) - 16, 16)]
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2


@pytest.mark.parametrize("tokens", [4096, 8192])
def test_packs_of_gsm8k_leave_under_1_percent_empty(gsm8k_lengths: list[int], tokens: int) -> None:
    packs = Packs(range(len(gsm8k_lengths)), gsm8k_lengths, tokens, seed=0)
    assert packs.empty < 0.01
    assert max(packs.lengths) <= tokens
    assert sorted(n for pack in packs.packs for n in pack) == list(range(len(gsm8k_lengths)))
    assert packs[0]["rows"] == packs.packs[0]


class Rows(list):  # type: ignore[type-arg]
    """Rows with the columns that `Trees` reads."""

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


def rows_of_problems(problems: int = 3, each: int = 4) -> Rows:
    """Rows that share a prompt, some of them steps, and two of them everything."""
    rng = random.Random(0)
    rows = Rows()
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


def loss_and_gradient(items: list[dict[str, object]]) -> tuple[float, torch.Tensor]:
    model = tiny_model()
    batch = Batches()(items)
    labels = batch.pop("labels")
    loss = StepLoss()(model(**batch), labels)
    loss.backward()
    return float(loss.detach()), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("how", ["packs", "one pack", "trees", "small trees"])
def test_the_loss_and_its_gradient_are_those_of_padded_rows(how: str) -> None:
    rows = rows_of_problems()
    made = {
        "packs": lambda: Packs(rows, [len(r["input_ids"]) for r in rows], 64, seed=0),
        "one pack": lambda: Packs(rows, [len(r["input_ids"]) for r in rows], 4096, seed=0),
        "trees": lambda: Trees(rows, 2048),
        "small trees": lambda: Trees(rows, 24),
    }[how]()
    loss, gradient = loss_and_gradient(list(rows))
    loss_too, gradient_too = loss_and_gradient([made[n] for n in range(len(made))])
    assert loss_too == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(gradient_too, gradient, rtol=1e-5, atol=1e-6)


def test_trees_hold_every_row_once_and_what_is_shared_once() -> None:
    rows = rows_of_problems()
    trees = Trees(rows, 2048)
    assert len(trees) == 3
    batch = Batches()([trees[n] for n in range(3)])
    assert int(tokens_in(batch)) == sum(trees.lengths) < trees.row_tokens == sum(len(r["input_ids"]) for r in rows)
    labelled = sum(t is not None for row in rows for t in row["targets"])
    assert int((batch["labels"] != IGNORED).sum()) == labelled
    small = Trees(rows, 24)
    assert len(small) > 3 and max(small.lengths) <= 24
    assert sum(map(len, small.groups)) == len(rows)


def test_tokens_are_counted_without_padding() -> None:
    rows = rows_of_problems(2)
    whole = sum(len(r["input_ids"]) for r in rows)
    assert int(tokens_in(Batches()(list(rows)))) == whole
    assert int(tokens_in(Batches()([{"rows": list(rows)}]))) == whole
