"""What a config must say of itself to be built: its choices, its inputs, and how a batch of them becomes rows.

A `Recipe` reads its inputs once, cuts them into batches of bytes that any process can take, says by which digest its
rows are known, and makes the rows of a batch. Nothing of `datasets` is imported here: `builders/` puts a recipe behind
a `BuilderConfig`. The recipes themselves stand beside what they make: `synthetic/recipe.py`, `prm800k/recipe.py`, …
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from prm_gsm8k.dataset.sources import code_digest

if TYPE_CHECKING:
    import pyarrow as pa

    from prm_gsm8k.dataset.manifest import Config

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being done, how many units of it are, and how many there are."""


RowCheck = Callable[[Mapping[str, "pa.Table"], "Config"], Iterator[str]]
"""Given the rows by split and what the manifest says of them, yields what is wrong, a line a finding."""


@dataclass
class Tally:
    """What was made, skipped and refused, and why."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (FILE:LINE of the problem, reason)

    def add(self, other: Tally) -> None:
        """Count what another process counted."""
        self.counts.update(other.counts)
        self.skipped.extend(other.skipped)

    def listed(self, most: int = 5) -> str:
        """The problems that were skipped and why, in one line."""
        named = "; ".join(f"{where}: {reason}" for where, reason in self.skipped[:most])
        return named + (f" and {len(self.skipped) - most} more" if len(self.skipped) > most else "")

    def counted(self) -> str:
        """Every count, in one line."""
        return ", ".join(f"{what} {n}" for what, n in sorted(self.counts.items()))


@dataclass(frozen=True)
class Inputs:
    """What a recipe has read, ready to be shared among processes.

    Attributes:
        batches: by split, in the order of the rows; a batch says all that is needed to make its rows, as bytes. No two
            are equal. `datasets` sends them to its processes with dill, which walks objects in Python: 0.6 s for GSM8K
            as objects, 0.01 s as bytes.
        problems: how many problems are in all batches together.
        digest: of everything that was read, chosen or not.
        about: what the manifest should say of the inputs beside the recipe's choices.
        tally: what was left out while reading.
    """

    batches: Mapping[str, list[bytes]]
    problems: int
    digest: str
    about: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


@dataclass
class Recipe(ABC):
    """The choices of one config, as the fields of a dataclass, and how they make rows.

    A subclass sets:
        config: the name of the config.
        skips: what is skipped when it cannot be used, in the plural.
        note: what everyone who builds it should know.
    """

    config: ClassVar[str]
    skips: ClassVar[str] = "problems"
    note: ClassVar[str] = ""

    @abstractmethod
    def read_inputs(self, progress: Progress | None = None, cache_dir: str | None = None) -> Inputs:
        """Read everything there is to read, and refuse what cannot be used, before any row is made.

        What has to be downloaded is kept in the datasets cache: in `cache_dir`, or where `datasets_cache.place` says.

        Raises:
            BadInputError: what is wrong, in which file and line, and what to do.
        """

    @abstractmethod
    def rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        """The rows of one batch, in whatever process, counting what is left out."""

    @classmethod
    def row_checks(cls) -> Mapping[str, RowCheck]:
        """What only rows of this config can be asked, by the name under which `verify` reports it."""
        return {}

    def choices(self) -> dict[str, Any]:
        """Every field that decides rows, for the manifest; nothing that depends on the machine."""
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

    def identity(self, inputs: Inputs) -> str:
        """32 hexadecimal digits that change when the code, the choices or the inputs do."""
        text = json.dumps(
            [code_digest(self._home().__module__), self.choices(), inputs.digest], sort_keys=True, default=dict
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @classmethod
    def _home(cls) -> type:
        """The class that names the config; a BuilderConfig made of it has a module and fields of its own."""
        return next(base for base in cls.__mro__ if "config" in vars(base))

    def _fields(self) -> tuple[Field[Any], ...]:
        return fields(self._home())
