"""The interface that every config implements: its options, its inputs, and how a batch of inputs becomes rows.

A `Recipe` reads its inputs once, cuts them into batches of bytes that any process can take, gives the identity under
which its rows are cached, and makes the rows of a batch. It does not import `datasets`: `builders/` wraps a recipe in a
`BuilderConfig`. Each recipe lies in the package of its config: `synthetic/recipe.py`, `prm800k/recipe.py`, …
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from prm_gsm8k.dataset import sources

if TYPE_CHECKING:
    import pyarrow as pa

    from prm_gsm8k.dataset.manifest import Config

Progress = Callable[[str, int, int], None]
"""Called now and then with the name of the work, the units done and the units in all."""

RowCheck = Callable[[Mapping[str, "pa.Table"], "Config"], Iterator[str]]
"""Takes the rows by split and their entry in the manifest; yields one line per finding."""

TWICE = "solution left out/same steps as another"
DISAGREES = "solution left out/its label of shared steps contradicts another's"


@dataclass
class Tally:
    """Counts of what was made, skipped and rejected, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (FILE:LINE of the problem, reason)

    def add(self, other: Tally) -> None:
        """Add the counts of another process."""
        self.counts.update(other.counts)
        self.skipped.extend(other.skipped)

    def listed(self, most: int = 5) -> str:
        """The skipped problems with their reasons, in one line."""
        named = "; ".join(f"{where}: {reason}" for where, reason in self.skipped[:most])
        return named + (f" and {len(self.skipped) - most} more" if len(self.skipped) > most else "")

    def counted(self) -> str:
        """Every count, in one line."""
        return ", ".join(f"{what} {n}" for what, n in sorted(self.counts.items()))


class Prefixes:
    """The labels of all beginnings of a problem's solutions so far, none of which has two."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[int, bool]] = {}  # (beginning, next step): (the longer one, label)

    def labels(self, steps: tuple[str, ...], first_error: int) -> list[bool] | None:
        """The labels of a solution's steps, or None if an earlier solution begins alike and has other labels."""
        end = first_error if first_error >= 0 else len(steps)
        labels = [i < end for i in range(len(steps))]
        new: dict[tuple[int, str], tuple[int, bool]] = {}
        beginning = 0
        for step, label in zip(steps, labels, strict=True):
            longer, known = self._known.get((beginning, step), (len(self._known) + len(new) + 1, None))
            if known is None:
                new[beginning, step] = longer, label
            elif known != label:
                return None
            beginning = longer
        self._known |= new
        return labels


@dataclass(frozen=True)
class Inputs:
    """What a recipe has read, ready to be shared among processes.

    Attributes:
        batches: by split, in the order of the rows; the bytes of a batch hold all that is needed to make its rows. No
            two are equal. Bytes, because `datasets` sends them to its processes with dill, which walks objects in
            Python: 0.6 s for GSM8K as objects, 0.01 s as bytes.
        problems: number of problems in all batches.
        digest: of everything that was read, chosen or not.
        about: what the manifest records of the inputs besides the options.
        tally: what was skipped while reading.
    """

    batches: Mapping[str, list[bytes]]
    problems: int
    digest: str
    about: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


@dataclass
class Recipe(ABC):
    """The options of one config, as the fields of a dataclass, and how they make rows.

    A subclass sets:
        config: the name of the config.
        skips: the noun for what is skipped if unusable, in the plural.
        resumes: a build that was killed goes on from the batches it had made; for what may take an hour.
        note: printed after a build.
    """

    config: ClassVar[str]
    skips: ClassVar[str] = "problems"
    resumes: ClassVar[bool] = False
    note: ClassVar[str] = ""

    @abstractmethod
    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """Read all inputs, and refuse what cannot be used, before any row is made.

        Downloads are kept in the datasets cache: `cache_dir`, or `dataset.cache.place()`.

        Raises:
            BadInputError: what is wrong, in which file and line, and what to do.
        """

    @abstractmethod
    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of one batch, in any process; counts what is skipped or rejected in `tally`."""

    @classmethod
    def row_checks(cls) -> Mapping[str, RowCheck]:
        """Checks of `verify` that only rows of this config have, by name."""
        return {}

    def choices(self) -> dict[str, Any]:
        """The options that decide rows, for the manifest; nothing that depends on the machine."""
        return {f.name: getattr(self, f.name) for f in self._fields()}

    def config_id(self) -> str:
        """The name of the cache's folder: that of the config for the defaults, else with a digest of what differs.

        The bare name is what `load_dataset(REPO, CONFIG)` looks for when it is offline.
        """
        default = {f.name: f.default for f in self._fields()}
        changed = {name: value for name, value in self.choices().items() if value != default[name]}
        if not changed:
            return self.config
        text = json.dumps(changed, sort_keys=True, default=dict)
        return f"{self.config}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def code_digest(self) -> str:
        """sha256 over the source files that decide rows."""
        return sources.code_digest(self._home().__module__)

    def identity(self, inputs: Inputs) -> str:
        """32 hexadecimal digits that change when the code, the choices or the inputs do."""
        text = json.dumps([self.code_digest(), self.choices(), inputs.digest], sort_keys=True, default=dict)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @classmethod
    def _home(cls) -> type:
        """The class that names the config; a BuilderConfig made of it has a module and fields of its own."""
        return next(base for base in cls.__mro__ if "config" in vars(base))

    def _fields(self) -> tuple[Field[Any], ...]:
        return fields(self._home())
