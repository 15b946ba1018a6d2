"""Which files of this package decide a row: what a recipe's module reaches by its imports, and the data beside them.

Rows in the cache are known by a digest of these files, so a change in any of them makes new rows. Nobody keeps a list:
imports are read from the text of each module, those inside functions and under TYPE_CHECKING too, and followed to the
end. That names some files too many (an engine that only a run needs) and never one too few.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

import prm_gsm8k

PACKAGE = prm_gsm8k.__name__
ROOT = Path(prm_gsm8k.__file__).parent

# Not `ast`, which takes a third of a second for the modules of `synthetic`; a test holds that both find the same.
_IMPORT = re.compile(
    r"^[ \t]*(?:from (?P<module>prm_gsm8k[.\w]*) import (?P<names>\([^)]*\)|[^\n]+)"
    r"|import (?P<plain>prm_gsm8k[.\w]*))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#[^\n]*|\bas \w+")


def code_digest(module: str) -> str:
    """sha256 over the path and content of each of `source_files(module)`."""
    whole = hashlib.sha256()
    for path in source_files(module):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(ROOT).as_posix()}:{content}\n".encode())
    return whole.hexdigest()


def source_files(module: str) -> list[Path]:
    """The files that a module of this package reaches, sorted; data files in the folders of those modules included.

    >>> [path.name for path in source_files("prm_gsm8k.dataset.problems")]
    ['jsonl.py', 'problems.py', 'exceptions.py']
    """
    seen: dict[str, Path | None] = {}
    to_read = [module]
    while to_read:
        if (name := to_read.pop()) not in seen:
            seen[name] = path = _file(name)
            to_read += imported(path.read_text(encoding="utf-8")) if path else ()
    files = {path for path in seen.values() if path}
    for folder in {path.parent for path in files if path.parent != ROOT}:
        files |= {path for path in folder.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")}
    return sorted(path for path in files if path.stat().st_size)  # an empty __init__.py decides nothing


@lru_cache(1024)
def imported(text: str) -> frozenset[str]:
    """Names of this package that may be modules, as import statements have them; each with the packages it lies in.

    >>> sorted(imported("from prm_gsm8k.dataset import digest"))
    ['prm_gsm8k.dataset', 'prm_gsm8k.dataset.digest']
    """
    found = set()
    for match in _IMPORT.finditer(text):
        module = match["module"] or match["plain"]
        names = re.findall(r"\w+", _COMMENT.sub("", match["names"] or ""))
        for name in (module, *(f"{module}.{name}" for name in names)):
            parts = name.split(".")
            found |= {".".join(parts[:n]) for n in range(2, len(parts) + 1)}  # a package runs its __init__
    return frozenset(found)


def _file(module: str) -> Path | None:
    """Where a module's source lies; None if the name is not a module but something in one."""
    path = ROOT.joinpath(*module.split(".")[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)
