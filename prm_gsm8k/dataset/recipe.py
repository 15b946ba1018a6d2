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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import prm_gsm8k

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being done, how many units of it are, and how many there are."""


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
        sources: files and folders of the package that decide how a row looks. A change in any of them is a new place
            in the cache, never an old answer.
        skips: what is skipped when it cannot be used, in the plural.
        note: what everyone who builds it should know.
    """

    config: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
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

    def code_digest(self) -> str:
        """sha256 over the source files that decide rows."""
        root = Path(prm_gsm8k.__file__).parent
        whole = hashlib.sha256()
        for path in _source_files(root / name for name in self.sources):
            whole.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return whole.hexdigest()

    def identity(self, inputs: Inputs) -> str:
        """32 hexadecimal digits that change when the code, the choices or the inputs do."""
        text = json.dumps([self.code_digest(), self.choices(), inputs.digest], sort_keys=True, default=dict)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _fields(self) -> tuple[Field[Any], ...]:
        """Those of the class that names the config; a BuilderConfig made of it has some of its own."""
        return fields(next(cls for cls in type(self).__mro__ if "config" in vars(cls)))


def _source_files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(p for p in place.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        else:
            yield place
