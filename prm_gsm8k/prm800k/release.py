"""The files of PRM800K: downloaded, or given as a clone, a folder or one file."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from prm_gsm8k.dataset import cache as datasets_cache
from prm_gsm8k.dataset.jsonl import damaged_gzip, no_such_file
from prm_gsm8k.dataset.recipe import Progress
from prm_gsm8k.exceptions import BadInputError
from prm_gsm8k.prm800k.download import Released, download

COMMIT = "7ecc794703b2877f63226f2477a49b34f9b25163"  # of github.com/openai/prm800k
BASE = f"https://media.githubusercontent.com/media/openai/prm800k/{COMMIT}"  # GitHub's Git LFS server
BASE_VARIABLE = "PRM_GSM8K_PRM800K_URL"  # URL of a mirror; its files must have the same sha256

DATA = (
    Released(
        "prm800k/data/phase1_test.jsonl",
        "f4b3bc5b095e45c816453dc4d748b755c680d61d55f9895d929a335b487c727d",
        829_105,
    ),
    Released(
        "prm800k/data/phase2_test.jsonl",
        "6b172efa884ac8341a946dd82e06947c135b7254109fb3f7aa907c715d98aaad",
        12_240_719,
    ),
    Released(
        "prm800k/data/phase1_train.jsonl",
        "e9da6a73f827ffb9a8c0dc644c541d34ed76b3d4d1e4896ff5f7b37ddf5ae34d",
        7_900_236,
    ),
    Released(
        "prm800k/data/phase2_train.jsonl",
        "1110237feeb51d1bc200cb37b8f965cfdc1036eac7d506094049366fe7dc1089",
        456_135_365,
    ),
)
# The 500 MATH problems that OpenAI held out of all training, known as MATH-500.
HELD_OUT = Released(
    "prm800k/math_splits/test.jsonl",
    "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
    446_564,
)

_NAME = re.compile(r"phase([12])_(train|test)[^/]*\.jsonl(?:\.gz)?")
EXPECTED = "phase1_train.jsonl, phase1_test.jsonl, phase2_train.jsonl or phase2_test.jsonl, gzipped or not"


@dataclass(frozen=True)
class DataFile:
    """A file of labelled solutions: its path, its name in messages, and the phase and split its name says."""

    path: Path
    shown: str
    phase: str
    split: str
    sha256: str

    @property
    def as_released(self) -> bool:
        """Whether it is byte for byte one that OpenAI released."""
        return any(self.sha256 == file.sha256 for file in DATA)


@dataclass(frozen=True)
class Release:
    """All files that are read, test files first, and the list of held-out problems if there is one."""

    files: tuple[DataFile, ...]
    held_out: Path | None

    @property
    def digest(self) -> str:
        """sha256 over phase, split and sha256 of every file; paths and names do not matter."""
        parts = [f"{file.phase} {file.split} {file.sha256}" for file in self.files]
        parts.append(f"held out {_sha256(self.held_out) if self.held_out else '-'}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def held_out_named(self) -> str:
        """A phrase that says which problems are held out of train."""
        tests = [Path(file.shown).name for file in self.files if file.split == "test"]
        if self.held_out:
            return "math_splits/test.jsonl (MATH-500)" + (f", problems of {', '.join(tests)}" if tests else "")
        return f"only the problems of {', '.join(tests)}" if tests else "no problem, for want of a list"

    def named(self) -> str:
        """The commit and the files that were read, in one line."""
        names = ", ".join(Path(file.shown).name + ("" if file.as_released else " (altered)") for file in self.files)
        return f"openai/prm800k@{COMMIT[:12]}: {names}"


def downloaded(phases: str, cache_dir: str | None = None, progress: Progress | None = None) -> Release:
    """The released files of some phases (`1`, `2` or `12`), from the download cache or the network.

    Raises:
        BadInputError: one cannot be downloaded, or differs from the release.
    """
    base = os.environ.get(BASE_VARIABLE) or BASE
    folder = datasets_cache.place(cache_dir) / "downloads" / f"prm800k-{COMMIT[:12]}"
    held_out, _ = _fetched(HELD_OUT, base, folder, progress)
    files = []
    for released in DATA:
        phase, split = _phase_and_split(released.path)
        if phase in phases:
            path, sha256 = _fetched(released, base, folder, progress)
            files.append(DataFile(path, released.name, phase, split, sha256))
    return Release(tuple(files), held_out)


def _fetched(released: Released, base: str, folder: Path, progress: Progress | None) -> tuple[Path, str]:
    """A released file in the cache and its sha256, which is checked every time."""
    path = download(released, base, folder, progress)
    if (sha256 := _sha256(path)) != released.sha256:
        path.unlink()
        raise BadInputError(
            str(path),
            f"has sha256 {sha256}, not {released.sha256} as released: damaged since its download. It is deleted; the "
            "same command downloads it again",
        )
    return path, sha256


def found_in(source: str, phases: str, cache_dir: str | None = None) -> Release:
    """The files of some phases in a clone of openai/prm800k, in a folder, or a single file.

    A gzipped file is unpacked once into the download cache, because its lines are read out of order.

    Raises:
        BadInputError: there is none, or one cannot be read.
    """
    place = Path(source).expanduser()
    if place.is_file():
        if not _NAME.search(place.name):
            raise BadInputError(
                source, f"the name must say the phase and the split as released names do; rename it to {EXPECTED}"
            )
        paths, splits = [place], [place.parent / "math_splits", place.parent.parent / "math_splits"]
    elif place.is_dir():
        folders = [place, place / "data", place / "prm800k" / "data"]
        listed = {path.name.removesuffix(".gz"): path for folder in folders for path in _data_files(folder)}
        paths = list(listed.values())
        splits = [place / "math_splits", place / "prm800k" / "math_splits", place.parent / "math_splits"]
    else:
        raise no_such_file(source)
    wanted = [path for path in paths if _phase_and_split(path.name)[0] in phases]
    if not wanted:
        raise BadInputError(
            source, f"no file of PRM800K in it (looked for {EXPECTED}, also in data/ and prm800k/data/)"
        )
    # test before train, which excludes its problems
    wanted.sort(key=lambda path: (_phase_and_split(path.name)[1], path.name))
    unpacked = datasets_cache.place(cache_dir) / "downloads" / "prm800k-unpacked"
    files = []
    for path in wanted:
        phase, split = _phase_and_split(path.name)
        plain = _plain(path, unpacked)
        files.append(DataFile(plain.absolute(), str(path), phase, split, _sha256(plain)))
    held_out = next((folder / "test.jsonl" for folder in splits if (folder / "test.jsonl").is_file()), None)
    return Release(tuple(files), held_out)


def _data_files(folder: Path) -> list[Path]:
    """Data files of a folder, gzipped ones first, so that a plain one of the same name replaces it."""
    found = [path for path in folder.glob("phase*") if _NAME.fullmatch(path.name) and path.is_file()]
    return sorted(found, key=lambda path: (path.suffix != ".gz", path.name))


def _phase_and_split(name: str) -> tuple[str, str]:
    match = _NAME.search(name)
    if match is None:
        raise ValueError(name)
    return match[1], match[2]


def _plain(path: Path, folder: Path) -> Path:
    """The file itself, or the unpacked copy of a gzipped one."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return path
        target = folder / f"{_sha256(path)[:16]}-{path.name.removesuffix('.gz')}"
        if not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as place:
                whole = Path(place) / target.name
                with gzip.open(path) as packed, whole.open("wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
                whole.replace(target)
        return target
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged_gzip(str(path), error) from error
    except OSError as error:
        raise BadInputError(str(path), f"cannot be read: {error.strerror or error}") from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInputError(str(path), f"cannot be read: {error.strerror or error}") from error
