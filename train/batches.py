"""Rows in batches that waste little: of like length and padded, packed, or as trees.

    padded   Random batches of 8 GSM8K rows are 38% padding. Sorted by length within random groups of 64 batches: 2%.
    packed   As many rows as fit into sequences of 8,192 tokens, one after the other: no padding, under 1% left empty.
             `position_ids` begin anew with each row, from which transformers makes the mask (FlashAttention: lengths).
             Fast with FlashAttention only; elsewhere the dense mask costs more than padding does.
    trees    Rows of one problem begin with the same prompt, and often with the same right steps. What is common is
             computed once: each token sees what stands before it in its own row, by a mask. In `synthetic` that is
             half of all tokens. The loss is that of the rows one by one: where n rows share a step, it counts n times.

The order of an epoch depends on the seed and the number of the epoch, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from prm_gsm8k.models.encoder import Encoded
from prm_gsm8k.train.loss import IGNORED, Collator

GROUP = 64  # batches sorted together: more is less padding, and less chance


class ByLength(Sampler[int]):
    """Indices in an order in which each `batch_size` that follow one another have about the same length.

    Rows are shuffled, sorted by length within groups of `GROUP` batches, cut into batches, and the batches shuffled.
    With several processes `batch_size` is that of all together, so that none waits for another's longer rows.
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
        rooms = 0  # bit r: some sequence has r left
        for n in order.tolist():
            length = int(lengths[n])
            enough = rooms >> length
            if enough:
                room = length + (enough & -enough).bit_length() - 1  # the lowest bit
                pack = with_room[room].pop()
                if not with_room[room]:
                    rooms &= ~(1 << room)
                self.packs[pack].append(n)
            else:
                self.packs.append([n])
                pack, room = len(self.packs) - 1, tokens
            with_room[room - length].append(pack)
            rooms |= 1 << (room - length)
        self.lengths = [sum(int(lengths[n]) for n in pack) for pack in self.packs]

    def __len__(self) -> int:
        return len(self.packs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"rows": [self.rows[n] for n in self.packs[index]]}

    @property
    def empty(self) -> float:
        """Share of the sequences that holds no token."""
        return 1 - sum(self.lengths) / (self.tokens * len(self.packs))


class Trees(Dataset[dict[str, Any]]):
    """Rows of one problem as one item, `{"tree": [...]}`, of at most `tokens` tokens; a problem with more has several.

    `lengths` are tokens that a tree has, `row_tokens` what its rows have one by one.
    """

    def __init__(self, rows: Any, tokens: int) -> None:
        self.rows = rows
        self.groups: list[list[int]] = []
        self.lengths: list[int] = []
        open_at: dict[str, int] = {}  # problem: its tree that is not full
        self.row_tokens = 0
        prompts = rows["problem"]
        for n, ids in enumerate(rows["input_ids"]):
            self.row_tokens += len(ids)
            at = open_at.get(prompts[n])
            shared = 0 if at is None else max(_common(ids, self.rows[m]["input_ids"]) for m in self.groups[at])
            if at is None or self.lengths[at] + len(ids) - shared > tokens:
                at, shared = len(self.groups), 0
                self.groups.append([])
                self.lengths.append(0)
                open_at[prompts[n]] = at
            self.groups[at].append(n)
            self.lengths[at] += len(ids) - shared

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"tree": [self.rows[n] for n in self.groups[index]]}


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@dataclass(frozen=True)
class Tree:
    """Rows as a tree of tokens, each after the one it follows.

    Attributes:
        input_ids: (tokens).
        positions: place of each token in its row.
        follows: (tokens, tokens); `follows[i, j]` if j is i or stands before it in a row of its.
        targets: of each token that is a labelled tag, the target in each row that has it.
    """

    input_ids: list[int]
    positions: list[int]
    follows: np.ndarray
    targets: dict[int, list[float]]


def tree_of(rows: Sequence[Encoded]) -> Tree:
    """
    >>> long, short = Encoded([5, 6, 7, 9], [3], [0.0]), Encoded([5, 6, 9], [2], [1.0])
    >>> tree = tree_of([short, long, short])
    >>> tree.input_ids, tree.positions, tree.targets
    ([5, 6, 9, 7, 9], [0, 1, 2, 2, 3], {2: [1.0, 1.0], 4: [0.0]})
    >>> tree.follows.astype(int)[-1].tolist()
    [1, 1, 0, 1, 1]
    """
    ids: list[int] = []
    positions: list[int] = []
    parents: list[int] = []
    children: dict[tuple[int, int], int] = {}
    targets: dict[int, list[float]] = {}
    for row in rows:
        at, path = -1, []
        for place, token in enumerate(row.input_ids):
            node = children.get((at, token))
            if node is None:
                node = children[at, token] = len(ids)
                ids.append(token)
                positions.append(place)
                parents.append(at)
            at = node
            path.append(node)
        for place, target in zip(row.tag_positions, row.targets or [], strict=True):
            if target is not None:
                targets.setdefault(path[place], []).append(target)
    follows = np.eye(len(ids), dtype=bool)
    for node, parent in enumerate(parents):  # a parent comes before its children
        if parent >= 0:
            follows[node] |= follows[parent]
    return Tree(ids, positions, follows, targets)


@dataclass(frozen=True)
class Batches:
    """The collator: padded rows, packs as one sequence, or trees with a mask.

    >>> row = {"input_ids": [5, 6, 9], "tag_positions": [2], "targets": [1.0]}
    >>> batch = Batches()([{"rows": [row, row]}, {"rows": [row]}])
    >>> batch["input_ids"].tolist(), batch["position_ids"].tolist()
    ([[5, 6, 9, 5, 6, 9, 5, 6, 9]], [[0, 1, 2, 0, 1, 2, 0, 1, 2]])
    >>> batch["labels"].tolist()
    [[-100.0, -100.0, 1.0, -100.0, -100.0, 1.0, -100.0, -100.0, 1.0]]
    """

    pad_id: int = 0

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the model takes, and `labels`.

        Returns:
            rows: tensors of shape (rows, longest); packs: (1, all tokens), with `position_ids` and no mask (with a
            cache, which is transformers' default, rows would see each other, so there is none); trees: (trees,
            longest), a mask of shape (trees, 1, longest, longest), and `labels` of shape (trees, longest, most rows
            that share a tag).
        """
        if "rows" in items[0]:
            return self._packs([_encoded(row) for pack in items for row in pack["rows"]])
        if "tree" in items[0]:
            return self._trees([tree_of([_encoded(row) for row in item["tree"]]) for item in items])
        return Collator(self.pad_id)([_encoded(row) for row in items])

    def _packs(self, rows: Sequence[Encoded]) -> dict[str, Any]:
        ids = [token for row in rows for token in row.input_ids]
        positions = [place for row in rows for place in range(len(row.input_ids))]
        labels, start = torch.full((1, len(ids)), IGNORED), 0
        for row in rows:
            for place, target in zip(row.tag_positions, row.targets or [], strict=True):
                if target is not None:
                    labels[0, start + place] = target
            start += len(row.input_ids)
        made = {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([positions]), "labels": labels}
        return made | {"use_cache": False}

    def _trees(self, trees: Sequence[Tree]) -> dict[str, torch.Tensor]:
        shape = len(trees), max(len(tree.input_ids) for tree in trees)
        input_ids = torch.full(shape, self.pad_id)
        positions = torch.zeros(shape, dtype=torch.int64)
        mask = torch.eye(shape[1], dtype=torch.bool).repeat(shape[0], 1, 1)  # padding sees itself: a row of none is NaN
        shared = max((len(targets) for tree in trees for targets in tree.targets.values()), default=1)
        labels = torch.full((*shape, shared), IGNORED)
        for n, tree in enumerate(trees):
            size = len(tree.input_ids)
            input_ids[n, :size] = torch.tensor(tree.input_ids)
            positions[n, :size] = torch.tensor(tree.positions)
            mask[n, :size, :size] = torch.from_numpy(tree.follows)
            for place, targets in tree.targets.items():
                labels[n, place, : len(targets)] = torch.tensor(targets)
        return {"input_ids": input_ids, "position_ids": positions, "attention_mask": mask[:, None], "labels": labels}


def _encoded(row: Mapping[str, Any]) -> Encoded:
    return Encoded(row["input_ids"], row["tag_positions"], row["targets"])


def padding_share(lengths: Sequence[int], order: Sequence[int], batch_size: int) -> float:
    """Share of all numbers in padded batches that is padding, if rows are taken in this order."""
    taken = np.asarray(lengths)[np.asarray(order)]
    batches = [taken[at : at + batch_size] for at in range(0, len(taken), batch_size)]
    return 1 - float(taken.sum()) / sum(int(batch.max()) * len(batch) for batch in batches)
