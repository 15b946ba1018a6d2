"""Xet for the loopback Hub: hf_xet takes `local://FOLDER` for its storage, so the client's own upload path runs.

A client that uploads through Xet never sends the file to the Hub. It puts chunks into the store, and a record of the
file (a "shard": which chunks, and the file's sha256) beside them; the commit then names the sha256. So at a commit the
Hub looks the sha256 up in the shards and reads the file back with hf_xet itself.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
import time
from pathlib import Path

from loopback.exchange import Reply
from loopback.repos import Blob


class XetStore:
    """A folder in which hf_xet keeps chunks and shards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def stored_bytes(self) -> int:
        """Bytes of data in the store: what uploads sent. A chunk that was there already was not sent."""
        chunks = (path for path in self.folder.rglob("xorbs/default.*") if path.suffix != ".tagset")
        return sum(path.stat().st_size for path in chunks)

    def token(self) -> Reply:
        """The answer to a request for access."""
        url, expires = f"local://{self.folder}", int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": "none", "X-Xet-Token-Expiration": str(expires)}
        return Reply({"casUrl": url, "accessToken": "none", "exp": expires}, headers=headers)

    def blob(self, sha256: str) -> Blob | None:
        """A file that was uploaded, by its sha256; None if it was not."""
        import hf_xet

        for shard in self.folder.rglob("*.mdb"):
            if sha256 in (files := files_of(shard.read_bytes())):
                xet_hash, size = files[sha256]
                break
        else:
            return None
        with tempfile.TemporaryDirectory() as place:
            # a copy, because the client that is committing still holds the lock of the store
            shutil.copytree(self.folder, Path(place, "store"))
            where = {
                "endpoint": f"local://{place}/store",
                "token": "none",
                "token_expiry_unix_secs": int(time.time()) + 3600,
            }
            with hf_xet.XetSession().new_file_download_group(**where) as group:
                group.start_download_file(hf_xet.XetFileInfo(xet_hash, size), f"{place}/file")
            blob = Blob(Path(place, "file").read_bytes(), lfs=True, xet_hash=xet_hash)
        return blob if blob.sha256 == sha256 else None


def files_of(shard: bytes) -> dict[str, tuple[str, int]]:
    """sha256 -> (Xet's hash, size) of the files of a shard, version 2.

    After 48 bytes of header come, for each file, a record of 48 bytes (hash, flags, number of segments), as many for
    each segment (the last four of its first 40 are its size), again as many if the segments carry verification
    (flag 1 << 31), and one with the file's sha256 (flag 1 << 30). A hash of all ones ends the list.
    """
    files, at = {}, 48
    while at + 48 <= len(shard):
        name, (flags, segments) = shard[at : at + 32], struct.unpack("<II", shard[at + 32 : at + 40])
        if name == b"\xff" * 32:
            break
        at += 48
        size = sum(struct.unpack("<I", shard[at + 48 * i + 36 : at + 48 * i + 40])[0] for i in range(segments))
        at += 48 * segments * (2 if flags & 1 << 31 else 1)
        if flags & 1 << 30:
            files[_hexadecimal(shard[at : at + 32])] = (_hexadecimal(name), size)
            at += 48
    return files


def _hexadecimal(hash: bytes) -> str:
    """Xet writes a hash as four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", hash))
