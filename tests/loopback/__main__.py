"""Serve a folder as a published dataset: `python -m loopback FOLDER ID` prints its address and serves."""

from __future__ import annotations

import sys
from pathlib import Path

from loopback.server import Hub


def main() -> None:
    folder, id = Path(sys.argv[1]), sys.argv[2]
    hub = Hub()
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hub.create(id).put(files, title="published")
    print(hub.endpoint, flush=True)
    hub.server.serve_forever()


if __name__ == "__main__":
    main()
