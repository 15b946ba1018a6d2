"""The cache of `datasets`: where it is, how to keep it quiet, and an error if it cannot be written."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prm_gsm8k.exceptions import PrmGsm8kError


def place(cache_dir: str | None = None) -> Path:
    """The cache folder of `datasets`, without importing it, which takes a second."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    root = cache_dir or os.environ.get("HF_DATASETS_CACHE") or Path(os.environ.get("HF_HOME", home)) / "datasets"
    return Path(root).expanduser()


def is_writable(cache: str | Path) -> bool:
    """Whether files can be made in a folder, or in the first one above it that is there."""
    there = next(path for path in (Path(cache), *Path(cache).absolute().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def linked(rows: Path) -> str:
    """A cache of this process with the rows of one that cannot be written, in which `datasets` would make its locks."""
    root = Path(tempfile.mkdtemp(prefix="prm-gsm8k-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    place = root.joinpath(*rows.parts[-4:])  # data set, config, version, identity
    place.parent.mkdir(parents=True)
    place.symlink_to(rows, target_is_directory=True)
    return str(root)


def repo_folder(repo_id: str) -> str:
    """The folder in the cache of a data set of the Hub, as `load_dataset` looks for it.

    >>> repo_folder("org/prm-gsm8k"), repo_folder("My/GSM8kSteps")
    ('org___prm-gsm8k', 'My___gsm8k_steps')
    """
    organisation, name = repo_id.split("/")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return f"{organisation}___{name.lower()}"


def not_writable(where: str, why: str) -> PrmGsm8kError:
    """The error for a cache that cannot be written."""
    return PrmGsm8kError(
        f"{where}: the datasets cache cannot be written: {why}; free some space, or set HF_DATASETS_CACHE to a folder "
        "you own, on a disk that has some"
    )


def denied_by_disk(error: BaseException | None) -> str | None:
    """The system's message if a disk caused the error, directly or through an error of `datasets`; else None."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        if match := re.search(r"\[Errno \d+\] ([^\n]+)", str(error)):
            return match[1]
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the progress bars of `datasets`; we show our own."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
