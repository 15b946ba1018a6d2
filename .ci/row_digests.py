"""What one version of `datasets` loads, as a digest a split; run by datasets_versions.py in that version's environment.

    python row_digests.py PLACE CONFIG... [--streaming]
    {"version": "5.2.0", "found": {"synthetic": {"train": [30000, "1f0c…"], …}, …}}

The digest is over the rows as Python values, in JSON: a list that comes as an array or a dict of lists, a null that
comes as NaN, another order of columns or a float of another width are all another digest, or no JSON at all.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def digest(rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """The number of rows, and sha256 over one line of JSON a row."""
    whole, count = hashlib.sha256(), 0
    for row in rows:
        whole.update(json.dumps(row, allow_nan=False).encode() + b"\n")
        count += 1
    return count, whole.hexdigest()


def main() -> None:
    from datasets import __version__, load_dataset

    place, *configs = [argument for argument in sys.argv[1:] if argument != "--streaming"]
    streaming = "--streaming" in sys.argv
    loaded = {config: load_dataset(place, config, streaming=streaming) for config in configs}
    found = {config: {name: digest(split) for name, split in splits.items()} for config, splits in loaded.items()}
    print(json.dumps({"version": __version__, "found": found}))


if __name__ == "__main__":
    main()
