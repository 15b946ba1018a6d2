"""Rows in batches that waste little: of like length and padded, or packed one after the other without padding.

Random batches of 8 GSM8K rows are 38% padding. Sorted by length within random groups of 64 batches they are 2% of it, and
packed into sequences of 8,192 tokens, as many rows as fit, there is none, and under 1% of a sequence stays empty.

Packed rows do not see each other: `position_ids` begin anew with each row, from which transformers makes the mask
(FlashAttention: the cumulative lengths). It is fast with FlashAttention only; a dense mask costs more than padding does.

The order of an epoch depends on the seed and the number of the epoch, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from prm_gsm8k.encoder import Encoded
from prm_gsm8k.train.loss import IGNORED, Collator

GROUP = 64  # batches sorted together: more is less padding, and less chance


class ByLength(Sampler[int]):
    """Indices in an order in which each `batch_size` that follow one another have about the same length.

    Rows are shuffled, sorted by length within groups of `GROUP` batches, cut into batches, and the batches shuffled. With
    several processes `batch_size` is that of all together, so that none waits for another's longer rows.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        size = self.batch_size * GROUP
        groups = [order[at : at + size] for at in range(0, len(order), size)]
        order = np.concatenate([group[np.argsort(self.lengths[group], kind="stable")] for group in groups])
        full = len(order) // self.batch_size * self.batch_size
        batches = order[:full].reshape(-1, self.batch_size)
        random.shuffle(batches)
        yield from batches.ravel().tolist()
        yield from order[full:].tolist()  # the one batch that is not full comes last, where it is expected


class Packs(Dataset[dict[str, Any]]):
    """Rows in sequences of at most `tokens`: one item is `{"rows": [...]}`, the rows of one sequence.

    The longest row goes first, each into the fullest sequence that still has room for it (best fit decreasing).
    """

    def __init__(self, rows: Any, lengths: Sequence[int], tokens: int, seed: int) -> None:
        self.rows = rows
        self.tokens = tokens
        order = np.random.default_rng(seed).permutation(len(lengths))  # equals in random order
        order = order[np.argsort(-np.asarray(lengths)[order], kind="stable")]
        self.packs: list[list[int]] = []
        with_room: list[list[int]] = [[] for _ in range(tokens + 1)]  # sequences by how many tokens they have left
        widest = 0
        for n in order.tolist():
            length = int(lengths[n])
            room = next((r for r in range(length, widest + 1) if with_room[r]), None)
            if room is None:
                self.packs.append([n])
                pack, room = len(self.packs) - 1, tokens
            else:
                pack = with_room[room].pop()
                self.packs[pack].append(n)
            with_room[room - length].append(pack)
            widest = max(widest, room - length)
        self.lengths = [sum(int(lengths[n]) for n in pack) for pack in self.packs]

    def __len__(self) -> int:
        return len(self.packs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"rows": [self.rows[n] for n in self.packs[index]]}

    @property
    def empty(self) -> float:
        """Share of the sequences that holds no token."""
        return 1 - sum(self.lengths) / (self.tokens * len(self.packs))


@dataclass(frozen=True)
class Batches:
    """The collator: padded rows, or packs as one sequence.

    >>> row = {"input_ids": [5, 6, 9], "tag_positions": [2], "targets": [1.0]}
    >>> batch = Batches()([{"rows": [row, row]}, {"rows": [row]}])
    >>> batch["input_ids"].tolist(), batch["position_ids"].tolist()
    ([[5, 6, 9, 5, 6, 9, 5, 6, 9]], [[0, 1, 2, 0, 1, 2, 0, 1, 2]])
    >>> batch["labels"].tolist()
    [[-100.0, -100.0, 1.0, -100.0, -100.0, 1.0, -100.0, -100.0, 1.0]]
    """

    pad_id: int = 0

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors of shape (rows, longest), or (1, all tokens) for packs, which have `position_ids` and no mask."""
        if "rows" not in items[0]:
            return Collator(self.pad_id)([_encoded(row) for row in items])
        rows = [_encoded(row) for pack in items for row in pack["rows"]]
        ids = [token for row in rows for token in row.input_ids]
        positions = [place for row in rows for place in range(len(row.input_ids))]
        labels, start = torch.full((1, len(ids)), IGNORED), 0
        for row in rows:
            for place, target in zip(row.tag_positions, row.targets or [], strict=True):
                if target is not None:
                    labels[0, start + place] = target
            start += len(row.input_ids)
        return {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([positions]), "labels": labels}


def _encoded(row: Mapping[str, Any]) -> Encoded:
    return Encoded(row["input_ids"], row["tag_positions"], row["targets"])


def padding_share(lengths: Sequence[int], order: Sequence[int], batch_size: int) -> float:
    """Share of all numbers in padded batches that is padding, if rows are taken in this order."""
    taken = np.asarray(lengths)[np.asarray(order)]
    batches = [taken[at : at + batch_size] for at in range(0, len(taken), batch_size)]
    return 1 - float(taken.sum()) / sum(int(batch.max()) * len(batch) for batch in batches)
