"""Which rows an optimizer step sees, and how they lie in its micro-batches.

An optimizer step has `--rows_per_step` rows. Which ones depends on the seed and the number of the epoch, and on nothing
else: one GPU or eight, a few rows at a time or many, padded, packed or as trees, a step has the same rows.

Rows of one problem go together, and problems of like length into one step, so that little is wasted:

    padded   Random batches of 8 GSM8K rows are 38% padding; those of like length 2%.
    packed   Rows one after the other: no padding. `position_ids` begin anew with each row, from which transformers
             makes the mask (FlashAttention: lengths). Fast with FlashAttention only; elsewhere the dense mask costs
             more than padding does.
    trees    Rows of one problem begin with the same prompt, and often with the same right steps. What is common is
             computed once: each token sees what stands before it in its own row, by a mask. In `synthetic` that is
             half of all tokens. The loss is that of the rows one by one: where n rows share a step, it counts n times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from prm_gsm8k.models.encoder import Encoded
from prm_gsm8k.train.loss import IGNORED, Collator

Layout = Literal["padded", "packed", "trees"]
GROUP = 64  # steps whose rows are sorted by length together: more is less padding, and less chance


class Steps:
    """The rows of each optimizer step: `steps.of(epoch)` is a list of arrays of row numbers.

    Problems are shuffled, sorted by length within groups of `GROUP` steps, their rows cut into steps, and the steps
    shuffled. The one step that is not full comes last.

    Args:
        problems: the problem of each row, by any name or number.
        lengths: tokens of each row.
        rows: rows of a step.
        seed: and the epoch decide the order.
    """

    def __init__(self, problems: Sequence[Any], lengths: Sequence[int], rows: int, seed: int) -> None:
        _, self._problem = np.unique(np.asarray(problems), return_inverse=True)
        self._sizes = np.bincount(self._problem)
        self._longest = np.zeros(len(self._sizes), dtype=np.int64)
        np.maximum.at(self._longest, self._problem, np.asarray(lengths, dtype=np.int64))
        self.rows = rows
        self.seed = seed

    def __len__(self) -> int:
        return -(-len(self._problem) // self.rows)

    def of(self, epoch: int) -> list[np.ndarray]:
        """Every row once."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self._sizes))  # problems
        group = (self._sizes[order].cumsum() - 1) // (self.rows * GROUP)
        order = order[np.lexsort((self._longest[order], group))]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        rows = np.argsort(place[self._problem], kind="stable")
        full = len(rows) // self.rows * self.rows
        steps = rows[:full].reshape(-1, self.rows)
        random.shuffle(steps)
        return [*steps, rows[full:]] if full < len(rows) else list(steps)


class MicroBatches(Sampler[list[int]]):
    """What one process computes of each step: `accumulation` micro-batches of at most `rows` row numbers.

    Rows are sorted by length, or for trees kept by problem, and dealt out to the micro-batches of all processes in
    turn, so that none waits for another's longer rows. Every process has as many micro-batches; one for which no row is
    left, which only the last step of an epoch can have, is a row with nothing to learn from, `~n` for row n (`Rows`).

    Args:
        steps: of all processes.
        lengths: tokens of each row.
        rows: at most so many in a micro-batch; what a device has room for.
        process, processes: which of how many.
        by_problem: rows of one problem lie in one micro-batch, where they fit.
    """

    def __init__(
        self,
        steps: Steps,
        lengths: Sequence[int],
        rows: int,
        *,
        process: int = 0,
        processes: int = 1,
        by_problem: bool = False,
    ) -> None:
        self.steps = steps
        self.lengths = np.asarray(lengths)
        self.accumulation = accumulation(steps.rows, rows, processes)
        self.process, self.processes = process, processes
        self.by_problem = by_problem
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.steps) * self.accumulation

    def __iter__(self) -> Iterator[list[int]]:
        for rows in self.steps.of(self.epoch):
            if not self.by_problem:
                rows = rows[np.argsort(-self.lengths[rows], kind="stable")]
            parts = np.array_split(rows, self.accumulation * self.processes)
            for part in parts[self.process :: self.processes]:
                yield part.tolist() if len(part) else [~int(rows[0])]


def accumulation(rows_per_step: int, rows: int, processes: int) -> int:
    """Micro-batches of at most `rows` rows that each process has in a step.

    >>> accumulation(64, 8, 2), accumulation(64, 8, 3), accumulation(4, 8, 2)
    (4, 3, 1)
    """
    return math.ceil(math.ceil(rows_per_step / rows) / processes)


class Rows(Dataset[dict[str, Any]]):
    """Rows of `data.py` by number; `~n` is row n without targets."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, n: int) -> dict[str, Any]:
        if n >= 0:
            row: dict[str, Any] = self.rows[n]
            return row
        row = self.rows[~n]
        return {**row, "targets": [None] * len(row["tag_positions"])}


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
    """The collator: rows as they come, padded, as one sequence, or as a tree a problem.

    >>> row = {"input_ids": [5, 6, 9], "tag_positions": [2], "targets": [1.0], "problem": "a"}
    >>> batch = Batches(layout="packed")([row, row])
    >>> batch["input_ids"].tolist(), batch["position_ids"].tolist(), batch["labels"].tolist()
    ([[5, 6, 9, 5, 6, 9]], [[0, 1, 2, 0, 1, 2]], [[-100.0, -100.0, 1.0, -100.0, -100.0, 1.0]])
    >>> batch = Batches(layout="trees")([row, row])
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[5, 6, 9]], [[[-100.0, -100.0], [-100.0, -100.0], [1.0, 1.0]]])
    """

    pad_id: int = 0
    layout: Layout = "padded"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the model takes, and `labels`.

        Returns:
            padded: tensors of shape (rows, longest); packed: (1, all tokens), with `position_ids` and no mask (with a
            cache, which is transformers' default, rows would see each other, so there is none); trees: (trees,
            longest), a mask of shape (trees, 1, longest, longest), and `labels` of shape (trees, longest, most rows
            that share a tag).
        """
        if self.layout == "packed":
            return self._packed([_encoded(row) for row in rows])
        if self.layout == "trees":
            of: dict[str, list[Encoded]] = {}
            for row in rows:
                of.setdefault(row["problem"], []).append(_encoded(row))
            return self._trees([tree_of(group) for group in of.values()])
        return Collator(self.pad_id)([_encoded(row) for row in rows])

    def _packed(self, rows: Sequence[Encoded]) -> dict[str, Any]:
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
