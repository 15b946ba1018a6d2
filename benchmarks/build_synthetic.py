"""Time of the default build as a user runs it: from the shell to the finished folder, cold and from the cache.

    python benchmarks/build_synthetic.py [--runs 3] [--max-examples N]

Runs `prm-gsm8k build synthetic` with an empty datasets cache, with a filled one and with one process, beside
`import datasets` alone, which every build needs. Checks that all have the same content digest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(arguments: list[str], home: Path) -> float:
    start = time.perf_counter()
    subprocess.run(arguments, check=True, env=os.environ | {"HF_HOME": str(home)}, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--max-examples", help="as for the command; default: all rows")
    chosen = parser.parse_args()
    runs, some = chosen.runs, ["--max-examples", chosen.max_examples] if chosen.max_examples else []
    command = [sys.executable, "-m", "prm_gsm8k.cli", "build", "synthetic", *some, "--out"]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        alone = min(seconds([sys.executable, "-c", "import datasets"], place) for _ in range(3))
        cold = [seconds([*command, str(place / f"out{run}")], place / f"hf{run}") for run in range(runs)]
        cached = seconds([*command, str(place / "again")], place / "hf0")
        one = seconds([*command, str(place / "one"), "--num-proc", "1"], place / "hf-one")
        manifest = json.loads((place / "out0" / "manifest.json").read_bytes())["configs"]["synthetic"]
        same = {
            json.loads((place / out / "manifest.json").read_bytes())["configs"]["synthetic"]["content_digest"]
            for out in (*(f"out{run}" for run in range(runs)), "one", "again")
        }
    print(f"{os.cpu_count()} cores; {sum(split['rows'] for split in manifest['splits'].values())} rows")
    print(f"import datasets alone    {alone:6.2f} s")
    print(f"build, empty cache       {min(cold):6.2f} s best, {max(cold):.2f} s worst of {runs} (target 4 s)")
    print(f"build, one process       {one:6.2f} s")
    print(f"build, from the cache    {cached:6.2f} s, ratio to import datasets {cached / alone:.2f}")
    print(f"content digests: {'equal' if len(same) == 1 else 'DIFFERENT'}")
    sys.exit(len(same) != 1)


if __name__ == "__main__":
    main()
