"""The rows of a file, a folder or a dataset on the Hub, whatever their columns are, each with its place for messages.

for where, subset, row in rows_of("Qwen/ProcessBench", None, "gsm8k"):
    ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from prm_gsm8k.dataset.jsonl import means_a_file, no_such_file, read_rows
from prm_gsm8k.dataset.manifest import MANIFEST, BuiltFolder
from prm_gsm8k.exceptions import BadInputError, UsageError, VerificationError
from prm_gsm8k.hub.location import place

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet")
_HUB_ID = re.compile(r"([\w.-]+/[\w.-]+?)(?:@([^@\s]+))?")

Choice = Callable[[str | None, list[str], str], list[str]]
"""From the split that was asked for, those there are, and a name for messages, to the splits that are meant."""


def rows_of(
    source: str | Path, config: str | None, split: str | None, choose: Choice | None = None
) -> Iterator[tuple[str, str, Any]]:
    """(place, subset, row) of each row of a file, a folder or a Hub dataset; `choose` says which of several splits.

    Raises:
        BadInputError: there are none, or a file cannot be read.
        UsageError: no such config or split.
        HubError: the Hub said no, or did not answer.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if config or split:
            raise UsageError(f"{source} is a file, which has no {'configs' if config else 'splits'}")
        yield from ((where, "", row) for where, row in _of_file(path, str(source)))
    elif path.is_dir() and (path / MANIFEST).is_file():
        yield from _of_build(path, config, split, choose or _splits)
    elif path.is_dir():
        files = _files(path)
        if not files:
            what = "no manifest.json, so this is not a folder that `prm-gsm8k build` made"
            raise BadInputError(str(source), f"{what}; nor has it a file that ends in {', '.join(SUFFIXES)}")
        names = {f: f.name.split(".")[0] for f in files}
        if config:
            raise UsageError(f"{source} has no configs: prm-gsm8k build did not make it")
        if split and split not in names.values():
            raise UsageError(f"{source} has no {split!r}; it has {', '.join(names.values())}")
        wanted = choose(split, list(names.values()), str(source)) if choose else [split] if split else names.values()
        for file in files:
            if names[file] in wanted:
                yield from ((where, names[file], row) for where, row in _of_file(file, f"{source}/{file.name}"))
    elif means_a_file(source):
        raise no_such_file(source)
    elif match := _HUB_ID.fullmatch(str(source)):
        yield from _of_hub(match[1], match[2], config, split, choose or _splits)
    else:
        raise UsageError(f"{source}: neither a file, a folder nor a Hub id (ORG/NAME, or ORG/NAME@REVISION)")


def a_build(source: str | Path) -> BuiltFolder | None:
    """The folder that is meant, here or on the Hub, if `prm-gsm8k build` made it; None if it is somebody else's rows.

    Raises: as `location.place`, for a name that is neither.
    """
    path = Path(source).expanduser()
    if path.is_file() or (path.is_dir() and not (path / MANIFEST).is_file() and _files(path)):
        return None
    if means_a_file(source) and not path.exists():
        raise no_such_file(source)
    try:
        return place(source)
    except VerificationError as error:
        if path.exists() or MANIFEST not in str(error):
            raise
        return None


def all_of(split: str | None, names: list[str], where: str) -> list[str]:
    """The split that is asked for, or all."""
    return names if split is None else [the_one(split, names, where, "split")]


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.name.endswith(SUFFIXES))


def _of_file(path: Path, shown: str) -> Iterator[tuple[str, Any]]:
    if path.name.endswith(".parquet"):
        import pyarrow.parquet as pq
        from pyarrow import ArrowInvalid

        try:
            table = pq.read_table(path)
        except (OSError, ArrowInvalid) as error:
            raise BadInputError(shown, f"not Parquet that can be read: {error}") from error
        yield from ((f"{shown} row {i}", row) for i, row in enumerate(table.to_pylist()))
        return
    yield from ((where, row) for _, where, row in read_rows(path, shown))


def _of_build(folder: Path, config: str | None, split: str | None, choose: Choice) -> Iterator[tuple[str, str, Any]]:
    """A built folder; the columns of each row are known, and its content was checked when it was made."""
    from prm_gsm8k.dataset.folder import read_tables
    from prm_gsm8k.dataset.manifest import read_manifest
    from prm_gsm8k.dataset.parquet import iter_rows

    manifest = read_manifest(folder)
    name = the_one(config, list(manifest.configs), str(folder), "config")
    tables = read_tables(folder, manifest, name)
    for chosen in choose(split, list(tables), f"{folder} {name}"):
        for i, row in enumerate(iter_rows(tables[chosen])):
            yield f"{folder} {name}/{chosen}[{i}]", "", row


def _of_hub(
    repo: str, revision: str | None, config: str | None, split: str | None, choose: Choice
) -> Iterator[tuple[str, str, Any]]:
    import datasets

    from prm_gsm8k.hub.client import ask, bars_on_a_terminal_only

    def names() -> list[str]:
        return list(datasets.get_dataset_config_names(repo, revision=revision))

    with bars_on_a_terminal_only():
        chosen = the_one(config, _asked(names, repo), repo, "config")
        loaded = ask(lambda: _asked(lambda: datasets.load_dataset(repo, chosen, revision=revision), repo), repo)
    parts = choose(split, list(loaded), repo)
    for name in parts:
        subset = name if len(parts) > 1 else ""
        yield from ((f"{repo} {name}[{i}]", subset, row) for i, row in enumerate(loaded[name]))


def _asked(call: Callable[[], Any], repo: str) -> Any:
    """What `datasets` raises about a dataset that is there but is no rows, in one line; trouble of the Hub goes on."""
    from prm_gsm8k.hub.client import trouble_of

    try:
        return call()
    except Exception as error:
        if trouble_of(error) is not None:
            raise
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise BadInputError(
            repo, f"no such file or folder, and the Hub's dataset cannot be loaded: {reason}"
        ) from error


def the_one(wanted: str | None, names: list[str], where: str, kind: str) -> str:
    """The name that is meant, which is the only one if none is. Raises UsageError that says which there are."""
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        raise UsageError(f"{where} has several {kind}s: {', '.join(names)}; choose one with --{kind}")
    if wanted not in names:
        raise UsageError(f"{where} has no {kind} {wanted!r}; it has {', '.join(names)}")
    return wanted


def _splits(wanted: str | None, names: Iterable[str], where: str) -> list[str]:
    """The split that is meant: never train, if there is anything else, unless it is asked for."""
    names = list(names)
    if wanted is not None:
        return [the_one(wanted, names, where, "split")]
    for name in ("test", "validation"):
        if name in names:
            return [name]
    return names
