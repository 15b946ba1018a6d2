"""Load a folder's rows through `datasets`, and only if they are the rows that its manifest describes.

`datasets` checks neither the bytes of a Parquet file nor those of the Arrow copy in its cache. So files are compared
with their sha256 before, and rows with the content digest after.
"""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prm_gsm8k.dataset import cache as datasets_cache
from prm_gsm8k.dataset.digest import content_digest
from prm_gsm8k.dataset.folder import read_tables
from prm_gsm8k.dataset.manifest import Config, Manifest
from prm_gsm8k.dataset.schema import arrow_schema, features
from prm_gsm8k.dataset.verify import damaged_files
from prm_gsm8k.exceptions import UsageError, VerificationError

if TYPE_CHECKING:
    import datasets


def load_verified(
    folder: Path, manifest: Manifest, config: str, split: str | None, name: str
) -> datasets.Dataset | datasets.DatasetDict:
    """The rows of a config, a split, or a slice such as `train[:10%]`; messages call the folder `name`.

    Raises:
        UsageError: there is no such config or split in it.
        VerificationError: a file or its copy in the datasets cache has changed; it is named.
        PrmGsm8kError: the datasets cache cannot be written.
    """
    import datasets

    if config not in manifest.configs:
        raise UsageError(f"{name} has no config {config!r}; it has {', '.join(manifest.configs)}")
    entry = manifest.configs[config]
    base = split.partition("[")[0] if split is not None else None
    if base is not None and base not in entry.splits:
        raise UsageError(f"{config} of {name} has no split {base!r}; it has {', '.join(entry.splits)}")
    for damage in damaged_files(folder, entry):
        where = (folder / damage.split()[0]).resolve()
        raise VerificationError(f"{name}: {damage}; delete {where} and fetch it, or build it, again")

    # not by the card: its head names the files of every config, and here may be those of one
    paths = {part: [str(folder.resolve() / f.path) for f in entry.files if f.split == part] for part in entry.splits}
    files = {part: [glob.escape(path) for path in found] for part, found in paths.items()}  # a folder may be named a[1]

    def load(wanted: str | None) -> datasets.Dataset | datasets.DatasetDict:
        try:
            with datasets_cache.quiet():
                return datasets.load_dataset("parquet", data_files=files, split=wanted)
        except (OSError, datasets.exceptions.DatasetGenerationError) as error:
            if denied := datasets_cache.denied_by_disk(error):
                raise datasets_cache.not_writable(str(datasets.config.HF_DATASETS_CACHE), denied) from error
            raise

    cache = str(datasets.config.HF_DATASETS_CACHE)
    if not datasets_cache.is_writable(cache):
        print(f"prm-gsm8k: {cache} cannot be written, so the rows are kept in memory", file=sys.stderr)
        return _in_memory(folder, manifest, config, split, name)
    rows = load(base)
    for part, dataset in {base: rows}.items() if base is not None else rows.items():
        _check(dataset, entry, config, part, name)
    return rows if split == base else load(split)


def _in_memory(
    folder: Path, manifest: Manifest, config: str, split: str | None, name: str
) -> datasets.Dataset | datasets.DatasetDict:
    """The same without the cache of `datasets`."""
    import datasets

    info = datasets.DatasetInfo(features=features(config))
    tables = read_tables(folder, manifest, config)
    made = {part: datasets.Dataset(datasets.table.InMemoryTable(table), info=info) for part, table in tables.items()}
    for part, dataset in made.items():
        _check(dataset, manifest.configs[config], config, part, name)
    if split is None:
        return datasets.DatasetDict(made)
    base = split.partition("[")[0]
    wanted = datasets.ReadInstruction.from_spec(split).to_absolute({base: made[base].num_rows})[0]
    return made[base].select(range(wanted.from_ or 0, made[base].num_rows if wanted.to is None else wanted.to))


def _check(dataset: datasets.Dataset, entry: Config, config: str, split: str, name: str) -> None:
    table = dataset.data.table.select(arrow_schema(config).names)
    if content_digest(table) == entry.split_digests[split]:
        return
    copies = ", ".join(sorted({str(Path(file["filename"]).parent) for file in dataset.cache_files}))
    raise VerificationError(
        f"{name}: {config}/{split} in the datasets cache ({copies}) is not what was published; delete that folder and "
        "load again"
    )
