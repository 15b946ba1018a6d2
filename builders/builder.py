"""One `GeneratorBasedBuilder` for every config: rows come from the datasets cache unless inputs or code changed.

    builder = PrmGsm8kBuilder("synthetic", num_incorrect_per_problem=3, seed=0)
    builder.download_and_prepare(num_proc=2)
    builder.tally()                     # what was skipped or rejected, and why; also after a cache hit
    dataset = builder.as_dataset("train")

It is a build tool. Users load the resulting Parquet, since `datasets` 4.0 refuses loading scripts.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import orjson
import pyarrow as pa
from datasets import DatasetInfo, GeneratorBasedBuilder, SplitGenerator

from prm_gsm8k.builders.labelled import LabelledConfig
from prm_gsm8k.builders.model_sampled import ModelSampledConfig
from prm_gsm8k.builders.prm800k import Prm800kConfig
from prm_gsm8k.builders.synthetic import SyntheticConfig
from prm_gsm8k.builders.workers import Workers, make
from prm_gsm8k.dataset.digest import content_digest
from prm_gsm8k.dataset.recipe import Inputs, Tally
from prm_gsm8k.dataset.schema import arrow_schema, features
from prm_gsm8k.exceptions import VerificationError

DATASET_NAME = "prm-gsm8k"
TALLY_FILE = "tally.json"
DIGESTS_FILE = "content_digests.json"

# Keeps `datasets` from patching this module's `open` and `Path` for remote files, which would import scipy (0.2 s) for
# nothing: no file is read here.
_patched_for_streaming = True


class PlainFeatures(datasets.Features):
    """Features of rows of strings, numbers, booleans and lists of them, which need no encoding.

    `datasets` would walk every value of every row to find that out: 1.4 s for 35,000 rows, as long as generating them.
    """

    def encode_example(self, example: dict[str, Any]) -> dict[str, Any]:
        return example

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return type(self), (dict(self),)


class PrmGsm8kBuilder(GeneratorBasedBuilder):
    """Builds one config into the datasets cache.

    Args:
        config_name: `synthetic`, `prm800k`, `model_sampled` or `labelled`.
        repo_id: `ORG/NAME` puts the cache where `load_dataset("ORG/NAME", ...)` looks when it is offline.
        cache_dir: instead of `HF_DATASETS_CACHE`.
        inputs: of the config, if already read.
        **options: fields of the config, such as `seed=1`.
    """

    BUILDER_CONFIG_CLASS = SyntheticConfig
    BUILDER_CONFIGS = [SyntheticConfig(), Prm800kConfig(), ModelSampledConfig(), LabelledConfig()]
    DEFAULT_WRITER_BATCH_SIZE = 4_000  # 4 MB of rows in memory a process

    def __init__(
        self,
        config_name: str = "synthetic",
        *,
        repo_id: str | None = None,
        cache_dir: str | None = None,
        inputs: Inputs | None = None,
        **options: Any,
    ) -> None:
        options = {name: value for name, value in options.items() if value is not None}
        config = type(self.builder_configs[config_name])(**options)
        self.inputs = inputs or config.read_inputs(cache_dir=cache_dir)
        self.workers: Workers | None = None  # that make the rows, if not this process
        self.kept: Path | None = None  # what a killed build had made, see `workers.make`
        self.batches_done = 0  # by this process
        # without `hash`, datasets returns old rows when code changed, with an equal fingerprint
        super().__init__(
            cache_dir=cache_dir,
            dataset_name=repo_id.split("/")[1] if repo_id else DATASET_NAME,
            repo_id=repo_id,
            config_name=config_name,
            hash=config.identity(self.inputs),
            **options,
        )

    def _create_builder_config(self, *args: Any, **config_kwargs: Any) -> tuple[datasets.BuilderConfig, str]:
        """Under the name of a repository, whatever the options, in the only folder where `load_dataset` looks."""
        config, config_id = super()._create_builder_config(*args, **config_kwargs)
        return config, config.name if self.repo_id else config_id

    def __getstate__(self) -> dict[str, Any]:
        """Without the inputs: worker processes get their share as arguments."""
        return {name: value for name, value in self.__dict__.items() if name != "inputs"} | {"workers": None}

    @property
    def is_cached(self) -> bool:
        """Whether these rows are in the cache."""
        return (Path(self.cache_dir) / "dataset_info.json").is_file()

    def _info(self) -> DatasetInfo:
        return DatasetInfo(features=PlainFeatures(features(self.config.name)))

    def _split_generators(self, dl_manager: Any) -> list[SplitGenerator]:
        return [
            SplitGenerator(name=split, gen_kwargs={"split": split, "batches": batches})
            for split, batches in self.inputs.batches.items()
        ]

    def _download_and_prepare(self, dl_manager: Any, verification_mode: Any, **prepare_split_kwargs: Any) -> None:
        # the output folder, `….incomplete`, may hold tallies of a killed build
        folder = Path(self._output_dir)
        shutil.rmtree(folder)
        folder.mkdir()
        super()._download_and_prepare(dl_manager, verification_mode, **prepare_split_kwargs)
        parts = sorted(folder.glob("tally-*.json"))
        whole = Tally()
        for tally in [self.inputs.tally, *map(_read_tally, parts)]:
            whole.add(tally)
        whole.skipped.sort()
        _write_tally(folder / TALLY_FILE, whole)
        for part in parts:
            part.unlink()
        digests = {split: content_digest(self._table(split, folder)) for split in self.info.splits}
        (folder / DIGESTS_FILE).write_text(json.dumps(digests))
        self.info.features = features(self.config.name)  # readers of the rows get features that encode

    def _prepare_split(self, split_generator: SplitGenerator, num_proc: int | None = None, **kwargs: Any) -> None:
        """As in datasets, but without worker processes for a split of few batches."""
        batches = len(split_generator.gen_kwargs["batches"])
        num_proc = min(num_proc or 1, batches // 8)
        super()._prepare_split(split_generator, num_proc=num_proc if num_proc > 1 else None, **kwargs)

    def _generate_examples(self, split: str, batches: list[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows of some batches in order; their tally is written beside them and becomes final with the cache."""
        tally, key = Tally(), 0
        share = f"{split}-{hashlib.sha256(batches[0]).hexdigest()[:16]}"
        for batch in batches:
            for row in self._rows(batch, tally):
                yield key, row
                key += 1
        _write_tally(Path(self._output_dir) / f"tally-{share}.json", tally)

    def _rows(self, batch: bytes, tally: Tally) -> Iterator[dict[str, Any]]:
        if self.workers is not None:
            rows, part = self.workers.take(batch)
        elif self.kept is not None:
            made, part = make(self.config, batch, self.kept)
            rows = orjson.loads(made)
        else:
            rows, part = self.config.rows(batch, tally), Tally()
        yield from rows
        tally.add(part)
        self.batches_done += 1

    def tally(self) -> Tally:
        """The tally of the finished build."""
        return _read_tally(Path(self.cache_dir) / TALLY_FILE)

    def tables(self) -> dict[str, pa.Table]:
        """The rows of each split in the cache, memory-mapped, without schema metadata.

        Raises:
            VerificationError: the cached rows changed since they were built.
        """
        tables = {split: self._table(split, Path(self.cache_dir)) for split in self.info.splits}
        self._check({split: content_digest(table) for split, table in tables.items()})
        return tables

    def check(self) -> None:
        """Raises VerificationError if the cached rows changed since they were built; `datasets` does not check."""
        self._check({split: content_digest(self._table(split, Path(self.cache_dir))) for split in self.info.splits})

    def _check(self, digests: dict[str, str]) -> None:
        if digests != json.loads((Path(self.cache_dir) / DIGESTS_FILE).read_bytes()):
            raise VerificationError(
                f"{self.cache_dir}: the rows in the datasets cache are not those that were built; delete that folder "
                "and build again"
            )

    def _table(self, split: str, folder: Path) -> pa.Table:
        """The rows of a split in a folder, memory-mapped."""
        shards = len(self.info.splits[split].shard_lengths or [None])
        name = f"{self.dataset_name}-{split}"
        names = [f"{name}-{i:05d}-of-{shards:05d}.arrow" for i in range(shards)] if shards > 1 else [f"{name}.arrow"]
        parts = []
        for file in names:
            with pa.memory_map(str(folder / file)) as source, pa.ipc.open_stream(source) as reader:
                parts.append(reader.read_all().replace_schema_metadata(None).cast(arrow_schema(self.config.name)))
        return pa.concat_tables(parts)


def _write_tally(path: Path, tally: Tally) -> None:
    path.write_text(json.dumps({"counts": dict(sorted(tally.counts.items())), "skipped": tally.skipped}))


def _read_tally(path: Path) -> Tally:
    content = json.loads(path.read_bytes())
    return Tally(Counter(content["counts"]), [(where, reason) for where, reason in content["skipped"]])
