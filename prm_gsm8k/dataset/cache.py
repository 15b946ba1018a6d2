"""The cache of `datasets`: where it is, how to keep it quiet, and an error if it cannot be written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prm_gsm8k.exceptions import PrmGsm8kError


def place(cache_dir: str | None = None) -> Path:
    """The cache folder of `datasets`, without importing it, which takes a second."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    root = cache_dir or os.environ.get("HF_DATASETS_CACHE") or Path(os.environ.get("HF_HOME", home)) / "datasets"
    return Path(root).expanduser()


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
