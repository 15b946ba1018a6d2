"""The content digests of a folder's splits as one version of pyarrow has them; run by datasets_versions.py.

python content_digests.py FOLDER
{"version": "14.0.2", "found": {"synthetic": {"train": "1f0c…", …}, …}}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))  # prm_gsm8k is not installed here, and of it only this is needed

from prm_gsm8k.dataset.digest import content_digest


def main() -> None:
    folder = Path(sys.argv[1])
    found = {
        name: {
            split: content_digest(
                pa.concat_tables(
                    pq.read_table(folder / file["path"]) for file in config["files"] if file["split"] == split
                )
            )
            for split in config["splits"]
        }
        for name, config in json.loads((folder / "manifest.json").read_bytes())["configs"].items()
    }
    print(json.dumps({"version": pa.__version__, "found": found}))


if __name__ == "__main__":
    main()
