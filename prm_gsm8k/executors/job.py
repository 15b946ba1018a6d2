"""What tasks are told, and what they leave behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

KEEPS = "all that was made is kept; the same command continues from here"


@dataclass(frozen=True, kw_only=True)
class TaskJob(ABC):
    """Everything a task has to know, on whatever machine it runs.

    Attributes:
        run: a folder of this run, seen by every task: its inputs, and of each task its progress, its error, its logs.
        disk: the option or variable that names another disk.
    """

    run: Path
    disk: ClassVar[str]

    @abstractmethod
    def steps(self) -> list[Any]:
        """The datatrove pipeline of a task."""

    def progress(self, rank: int) -> Path:
        """A file with one byte for each piece that a task has done."""
        return self.run / f"done-{rank:05d}"

    def error(self, rank: int) -> Path:
        """A file that says why a task ended."""
        return self.run / f"error-{rank:05d}.txt"

    @property
    def done(self) -> int:
        """Pieces that all tasks have done."""
        return sum(path.stat().st_size for path in self.run.glob("done-*"))
