"""Costs of publishing: size of our Parquet, bytes uploaded again after an insertion, speed of the content digest.

    python benchmarks/hub.py [FOLDER [UNRELATED]]

The rows are those of FOLDER (by default a new `synthetic` build) and UNRELATED ones (100,000) that share no text, like
solutions sampled from a model. huggingface_hub and hf_xet upload to a Hub on 127.0.0.1 whose Xet store is a folder; the
bytes that appear in it are counted. Xet cuts a file into chunks of about 64 KB, and an insertion changes at least the
first chunks of each column, so it costs about a megabyte at any file size.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import platform
import sys
import tempfile
import timeit
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from loopback import Hub
from loopback.xet import XetStore

ID = "org/prm-gsm8k"
INSERTED = 100  # rows


def main() -> None:
    hub = Hub()
    hub.start()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        settings = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.WRITE, "HF_HOME": temporary, "NO_PROXY": "127.0.0.1"}
        os.environ |= settings | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # before these libraries are imported
        import datasets

        datasets.disable_progress_bars()
        packages = ("pyarrow", "datasets", "huggingface_hub", "hf_xet")
        versions = ", ".join(f"{package} {version(package)}" for package in packages)
        print(f"{os.cpu_count()} cores; Python {platform.python_version()}, {versions}")
        tables = {
            "built": built_rows(place),
            "unrelated": unrelated_rows(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000),
        }
        for name, table in tables.items():
            size(name, table, place)
        for name, table in tables.items():
            insertion(name, table, hub, place)
        for name, table in tables.items():
            digest(name, table)


# ---------------------------------------------------------------------------------------------------------------- rows


def built_rows(place: Path) -> pa.Table:
    """The train rows of the first config of the folder, or of a default build."""
    from prm_gsm8k.build.build import build
    from prm_gsm8k.dataset.folder import read_tables
    from prm_gsm8k.dataset.manifest import read_manifest

    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else place / "built"
    if len(sys.argv) == 1:
        build("synthetic", folder)
    manifest = read_manifest(folder)
    return read_tables(folder, manifest, next(iter(manifest.configs)))["train"].combine_chunks()


def unrelated_rows(count: int) -> pa.Table:
    """Rows like those of a sampling config, 14 a problem, with steps of random GSM8K words."""
    import pyarrow as pa

    from prm_gsm8k.dataset.problems import shipped_problems
    from prm_gsm8k.dataset.schema import arrow_schema

    rng, problems = Random(0), shipped_problems("train")
    words = " ".join(problem.answer.rpartition("####")[0] for problem in problems).split()

    def row(i: int) -> dict[str, Any]:
        problem = problems[i // 14 % len(problems)]
        steps = rng.randint(2, 7)
        right = rng.randint(0, steps)
        return {
            "prompt": problem.question,
            "completions": [" ".join(rng.choices(words, k=rng.randint(8, 20))) for _ in range(steps)],
            "labels": [True] * right + [False] * (steps - right),
            "id": f"{problem.id}/{i}",
            "problem_id": problem.id,
            "first_error": right if right < steps else -1,
            "error_type": "unknown" if right < steps else "none",
            "answer": str(rng.randint(0, 999)),
            "reference_answer": str(i // 14),
            "values": [rng.randint(0, 8) / 8 for _ in range(steps)],
            "source": "Qwen/Qwen3-8B@main",
        }

    return pa.Table.from_pylist([row(i) for i in range(count)], schema=arrow_schema("sampled"))


# --------------------------------------------------------------------------------------------------------- measurements


def size(name: str, table: pa.Table, place: Path) -> None:
    """Our files against `Dataset.to_parquet`, which `push_to_hub` uses."""
    import datasets

    ours, default = written(table, place), place / "default.parquet"
    datasets.Dataset(table).to_parquet(default)
    ratio = ours.stat().st_size / default.stat().st_size
    print(
        f"size       {name:10s} {table.num_rows:7,d} rows: {ours.stat().st_size:10,d} bytes, `datasets` writes "
        f"{default.stat().st_size:10,d}; ratio {ratio:.2f} (target 0.65)"
    )


def insertion(name: str, table: pa.Table, hub: Hub, place: Path) -> None:
    """Bytes uploaded again after rows are inserted at the front, with and without content-defined chunking."""
    from prm_gsm8k.dataset.parquet import WRITTEN

    without = table.slice(INSERTED).combine_chunks()
    first, again = uploaded(hub, place, without, table)
    with mock.patch.dict(WRITTEN, use_content_defined_chunking=False):
        plain_first, plain = uploaded(hub, place, without, table)
    print(
        f"insertion  {name:10s} {table.num_rows:7,d} rows: {again:10,d} bytes uploaded again of {first:10,d}, "
        f"{again / first:.1%} (target 10%); without chunking {plain / plain_first:.1%}"
    )


def uploaded(hub: Hub, place: Path, *tables: pa.Table) -> list[int]:
    """Bytes uploaded for each of several successive versions of a file."""
    from huggingface_hub import CommitOperationAdd, HfApi, constants
    from huggingface_hub.utils import _xet

    hub.reset()
    hub.create(ID)
    hub.xet = XetStore(Path(tempfile.mkdtemp(dir=place)))
    constants.HF_XET_CACHE = tempfile.mkdtemp(dir=place)
    _xet.XET_CONNECTION_INFO_CACHE.clear()
    _xet.abort_xet_session()
    stored = [0]
    for table in tables:
        add = CommitOperationAdd("train.parquet", written(table, place))
        HfApi().create_commit(ID, [add], commit_message="again", repo_type="dataset")
        stored.append(hub.xet.stored_bytes())
    return [after - before for before, after in itertools.pairwise(stored)]


def written(table: pa.Table, place: Path) -> Path:
    """The file we write for a split."""
    from prm_gsm8k.dataset.parquet import write_parquet

    (path,) = write_parquet(table, place, "train", "new")
    return path


def digest(name: str, table: pa.Table) -> None:
    """The content digest against sha256 over as many bytes."""
    from prm_gsm8k.dataset.digest import content_digest

    seconds = min(timeit.repeat(lambda: content_digest(table), number=1, repeat=5))
    content = bytes(table.nbytes)
    plain = min(timeit.repeat(lambda: hashlib.sha256(content), number=1, repeat=5))
    print(
        f"digest     {name:10s} {table.num_rows:7,d} rows: {table.num_rows / seconds:,.0f} rows/s (target 500,000); "
        f"{table.nbytes / 1e6:.0f} MB at {table.nbytes / 1e6 / seconds:,.0f} MB/s, "
        f"sha256 alone {len(content) / 1e6 / plain:,.0f} MB/s"
    )


if __name__ == "__main__":
    main()
