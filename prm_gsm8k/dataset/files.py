"""Atomic writes of files and folders, and the error for a disk that cannot be written."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from prm_gsm8k.exceptions import PrmGsm8kError, UsageError

_NEW, _ASIDE = ".prm-gsm8k-new-", ".prm-gsm8k-old-"


@contextlib.contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield a new, empty folder that replaces `out` when the block succeeds, and is removed when it fails.

    Raises:
        PrmGsm8kError: the disk is full or the folder may not be written; `out` is unchanged.
    """
    out = out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _locked(out.parent):
            _sweep(out)
            new = Path(tempfile.mkdtemp(prefix=f".{out.name}{_NEW}", dir=out.parent))
            try:
                new.chmod(out.stat().st_mode if out.exists() else 0o777 & ~_umask())
                yield new
                _put(new, out)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise cannot_write(out, error) from error


def cannot_write(out: Path, error: OSError) -> PrmGsm8kError:
    """The error for a failed write, with the cure."""
    cure = {
        errno.ENOSPC: "free some space, or name a folder on another disk",
        errno.EDQUOT: "free some of your quota, or name a folder on another disk",
        errno.EFBIG: "files may not grow that large here (ulimit -f); name a folder on another disk",
    }.get(error.errno or 0, "name a folder you own, on a disk that can be written")
    where = f" ({error.filename})" if error.filename and str(error.filename) != str(out) else ""
    return PrmGsm8kError(f"{out}: cannot be written: {error.strerror or error}{where}; {cure}. It is as it was")


def check_page(path: str | Path) -> Path:
    """Check the path of a page before any work is done.

    Raises:
        UsageError: it is a folder or does not end in `.html` or `.htm`.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise UsageError(f"--html {path}: name a file that ends in .html")
    return path


def write_page(content: str, path: str | Path) -> None:
    """Write a page atomically, creating its folder and replacing an existing page.

    Raises:
        UsageError: see `check_page`.
        PrmGsm8kError: it cannot be written.
    """
    path = check_page(path)
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content.encode())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise cannot_write(path, error) from error


def lock(file: int, wait: bool = False) -> bool | None:
    """Lock an open file for this process, as the system does, so that the lock ends with it.

    True if it is locked, False if another process has it (with `wait` never), None if there are no locks here: on some
    network file systems, and on Windows.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EACCES) else None  # ENOLCK, EOPNOTSUPP, EIO, ...
    return True


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """One writer at a time in a folder, where the system has locks."""
    try:
        handle = os.open(parent, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder
        yield
        return
    try:
        lock(handle, wait=True)
        yield
    finally:
        os.close(handle)


def _sweep(out: Path) -> None:
    """Remove what a killed build left beside `out`, and put back what it had moved aside. Needs the lock."""
    name = glob.escape(out.name)
    for aside in out.parent.glob(f".{name}{_ASIDE}*"):
        if not out.exists():
            aside.rename(out)
        else:
            shutil.rmtree(aside, ignore_errors=True)
    for left in out.parent.glob(f".{name}{_NEW}*"):
        shutil.rmtree(left, ignore_errors=True)


def _put(new: Path, out: Path) -> None:
    """Replace `out` by `new`. Where the system can exchange paths, the old content ends up under the name of `new`."""
    if not out.exists():
        new.rename(out)
    elif not _exchange(new, out):
        aside = Path(tempfile.mkdtemp(prefix=f".{out.name}{_ASIDE}", dir=out.parent))
        aside.rmdir()  # Windows renames to nothing that is there
        out.rename(aside)
        new.rename(out)
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two paths atomically; False where the system cannot."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(os.fsencode(a), os.fsencode(b), 2) == 0)  # RENAME_SWAP
        return bool(libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), 2) == 0)  # AT_FDCWD, RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):
        return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
