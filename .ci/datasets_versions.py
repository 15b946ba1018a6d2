"""Load a built folder with every `datasets` that people run, and compare the rows with what is in the Parquet.

    python .ci/datasets_versions.py [FOLDER]        (data by default)

Each version gets an environment of its own under build/datasets/, kept for the next run. It loads every config of the
folder, the 106 solutions of PRM800K in tests/data, and rows made by hand (`values` is null in some and not in others),
in three ways: from the folder, from a Hub on 127.0.0.1 that serves the same files, and streaming from there. Its
pyarrow also computes the content digests. Exits with 1 if a row or a digest is another one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from loopback import Hub  # noqa: E402
from made_rows import CONFIG, MADE_FROM, made_tables  # noqa: E402
from row_digests import digest  # noqa: E402

from prm_gsm8k.build.build import build  # noqa: E402
from prm_gsm8k.dataset.folder import read_tables, write_config  # noqa: E402
from prm_gsm8k.dataset.parquet import iter_rows  # noqa: E402

# With each version, what is of its time and decides what it reads. The newest `datasets` takes the newest of all.
VERSIONS = {
    "2.14.7": ["pyarrow==14.0.2", "huggingface_hub==0.19.4", "numpy==1.26.4", "pandas==2.1.4", "fsspec==2023.10.0"],
    "3.6.0": ["pyarrow==20.0.0", "huggingface_hub==0.33.4", "numpy==2.2.6", "pandas==2.3.3", "fsspec==2025.3.0"],
    "4.0.0": ["pyarrow==21.0.0", "huggingface_hub==1.0.1", "numpy==2.3.5", "pandas==2.3.3", "fsspec==2025.3.0"],
    "newest": [],
}

if sys.version_info >= (3, 13):
    print("datasets 2.14.7 is left out: the numpy and pyarrow of its time have no wheels for Python 3.13")
    del VERSIONS["2.14.7"]

ID = "org/prm-gsm8k"


def environment(version: str) -> Path:
    """The Python of a version's environment, made if what it should hold is not what it was made with."""
    place = HERE.parent / "build" / "datasets" / version
    packages = ["datasets" if version == "newest" else f"datasets=={version}", *VERSIONS[version]]
    made_with, python = place / "made_with.json", place / "bin" / "python"
    if version == "newest" or not made_with.exists() or json.loads(made_with.read_text()) != packages:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = "-m pip --disable-pip-version-check install -qq --no-compile --only-binary :all:".split()
        subprocess.run([python, *pip, *packages], check=True)
        made_with.write_text(json.dumps(packages))
    return python


def result_of(python: Path, hub: Hub, program: str, *arguments: str) -> dict[str, Any]:
    """What a program beside this one prints under that Python, with an empty cache; what it said if it failed."""
    with tempfile.TemporaryDirectory() as home:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHONPATH"))}
        settings = {"HF_HOME": home, "HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [python, HERE / program, *arguments],
            cwd=home,
            env=clean | settings,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return {"version": "?", "found": done.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    start = time.perf_counter()
    source = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "data")
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        pythons = dict(zip(VERSIONS, pool.map(environment, VERSIONS), strict=True))
        print(f"environments ready after {time.perf_counter() - start:.0f} s")

        folder = Path(place, "prm-gsm8k")
        shutil.copytree(source, folder)
        build("prm800k", folder, source=str(HERE.parent / "tests" / "data" / "prm800k"), cache_dir=f"{place}/cache")
        manifest = write_config(folder, CONFIG, made_tables(), MADE_FROM)
        hub = Hub()
        hub.start()
        hub.create(ID).put({p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()})

        rows, contents = {}, {}
        for name, config in manifest.configs.items():
            rows[name] = {split: list(digest(iter_rows(t))) for split, t in read_tables(folder, manifest, name).items()}
            contents[name] = config.split_digests
        checks: dict[str, tuple[object, list[str]]] = {
            "rows of the folder": (rows, ["row_digests.py", str(folder), *rows]),
            "rows of the Hub": (rows, ["row_digests.py", ID, *rows]),
            "rows, streaming": (rows, ["row_digests.py", ID, *rows, "--streaming"]),
            "content digests": (contents, ["content_digests.py", str(folder)]),
        }
        tasks = {
            (version, check): pool.submit(result_of, pythons[version], hub, *command)
            for version in VERSIONS
            for check, (_, command) in checks.items()
        }
        print(", ".join(f"{name}: {config.stats.rows} rows" for name, config in manifest.configs.items()))
        bad = 0
        for (version, check), task in tasks.items():
            got, want = task.result(), checks[check][0]
            by = f"{'pyarrow' if check == 'content digests' else 'datasets'} {got['version']}"
            equal = got["found"] == want
            print(f"{version:8s} {check:18s} by {by:15s} {'equal' if equal else 'DIFFERENT'}")
            if not equal:
                print("    found: ", got["found"])
                print("    wanted:", want)
            bad += not equal
    print(f"{len(tasks) - bad} of {len(tasks)} equal, {time.perf_counter() - start:.0f} s")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
