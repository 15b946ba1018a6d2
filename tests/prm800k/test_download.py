"""One file over real HTTP on loopback, from a server that cuts, ignores ranges, fails, lies or is not there."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prm800k.samples import right_then_wrong, write_lines

from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError
from prm_gsm8k.prm800k import download as module
from prm_gsm8k.prm800k import release
from prm_gsm8k.prm800k.download import Released, download
from prm_gsm8k.prm800k.recipe import Prm800kRecipe

CONTENT = b'{"line": ' + bytes(random.Random(0).choices(b"0123456789", k=1_500_000)) + b"}\n"
FILE = Released("prm800k/data/phase1_test.jsonl", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@dataclass
class Server:
    """Serves `files` by path; `asked` are the Range headers of all requests. The rest says how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=lambda: {FILE.path: CONTENT})
    asked: list[str | None] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)  # bytes of the body, an entry an answer, until there is none
    answers: list[int] = field(default_factory=list)  # statuses instead of 200, likewise
    ranges: bool = True
    seconds_a_chunk: float = 0.0
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(module, "PAUSE", 0.001)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            if state.answers and (status := state.answers.pop(0)) != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = state.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            if state.cut_after:
                body = body[: state.cut_after.pop(0)]
            for i in range(0, len(body), 1 << 16):
                self.wfile.write(body[i : i + (1 << 16)])
                time.sleep(state.seconds_a_chunk)
            self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    for _ in range(2):
        path = download(FILE, server.url, tmp_path / "cache", lambda *what: told.append(what))
        assert path.read_bytes() == CONTENT
    assert server.asked == [None]
    assert told[-1] == ("downloading phase1_test.jsonl", len(CONTENT), len(CONTENT))
    assert sorted(path.name for path in path.parent.iterdir() if path.suffix != ".lock") == ["phase1_test.jsonl"]


def test_a_cut_download_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1_000_000, 200_000]
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT
    starts = [int(asked[6:-1]) for asked in server.asked[1:] if asked]
    assert len(starts) == 2
    assert 900_000 < starts[0] <= 1_000_000 < starts[1] <= 1_200_000


def test_a_server_that_ignores_ranges_is_taken_at_its_word(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [1_000_000]
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("beginning", [CONTENT[:1000], b"x" * 1000, CONTENT + b"more", b""])
def test_what_an_earlier_run_left_is_continued_or_replaced(server: Server, tmp_path: Path, beginning: bytes) -> None:
    (tmp_path / "phase1_test.jsonl.part").write_bytes(beginning)
    if beginning.startswith(b"x"):
        with pytest.raises(BadInputError, match="it is not kept"):
            download(FILE, server.url, tmp_path)
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT


def test_a_killed_download_is_resumed(server: Server, tmp_path: Path) -> None:
    server.seconds_a_chunk = 0.02
    code = """
import sys; from pathlib import Path; from prm_gsm8k.prm800k.download import Released, download
download(Released(sys.argv[1], sys.argv[2], int(sys.argv[3])), sys.argv[4], Path(sys.argv[5]))
"""
    arguments = [FILE.path, FILE.sha256, str(FILE.bytes), server.url, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment) as process:
        part = tmp_path / "phase1_test.jsonl.part"
        deadline = time.monotonic() + 30
        while (not part.exists() or part.stat().st_size < 400_000) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    had = part.stat().st_size
    assert 400_000 <= had < len(CONTENT)
    server.seconds_a_chunk = 0
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={had}-"]


def test_a_server_that_fails_for_a_while_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.answers = [503, 500, 429, 200]
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT


def test_a_server_that_keeps_failing_is_given_up(server: Server, tmp_path: Path) -> None:
    server.cut_after = [500_000]
    server.answers = [200, *[503] * 99]
    with pytest.raises(
        BadInputError, match=r"cannot be downloaded \(the server answers 503.*\); \d+,\d+ of 1,500,011 bytes are kept"
    ) as e:
        download(FILE, server.url, tmp_path)
    assert e.value.where == f"{server.url}/{FILE.path}"
    assert len(server.asked) == 1 + module.TRIES
    server.answers = []
    assert download(FILE, server.url, tmp_path).read_bytes() == CONTENT, "what was kept is continued"


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.001)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(BadInputError, match=r"cannot be downloaded .*--source"):
        download(FILE, "http://127.0.0.1:9", tmp_path)


def test_a_file_that_is_not_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.files = {}
    with pytest.raises(BadInputError, match="the server answers 404 Not Found; clone"):
        download(FILE, server.url, tmp_path)
    assert len(server.asked) == 1


def test_wrong_bytes_are_an_error_that_names_file_and_digests_and_are_not_kept(server: Server, tmp_path: Path) -> None:
    server.files[FILE.path] = CONTENT[:700_000] + b"!" + CONTENT[700_001:]
    got = hashlib.sha256(server.files[FILE.path]).hexdigest()
    with pytest.raises(BadInputError) as caught:
        download(FILE, server.url, tmp_path)
    assert str(caught.value) == (
        f"phase1_test.jsonl: downloaded from {server.url}/{FILE.path} has sha256 {got}, not {FILE.sha256} as released; "
        "it is not kept. Try again"
    )
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><title>Rate limit</title>", "the server answers with an HTML or XML page, not with the data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "the server answers with a Git LFS pointer"),
        (b'{"message": "no"}', "the server sends 17 bytes; 1,500,011 were released"),
        (CONTENT + b"more", "the server sends more than 1,500,011 bytes; 1,500,011 were released"),
    ],
)
def test_another_answer_is_an_error_at_once_and_is_not_kept(
    server: Server, tmp_path: Path, content: bytes, message: str
) -> None:
    server.files[FILE.path] = content
    with pytest.raises(BadInputError) as caught:
        download(FILE, server.url, tmp_path)
    assert message in str(caught.value)
    assert len(server.asked) == 1
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_offline_nothing_is_asked(server: Server, tmp_path: Path) -> None:
    code = f"""
import pathlib; from prm_gsm8k.prm800k.download import *
try: download(Released({FILE.path!r}, "0", 1), {server.url!r}, pathlib.Path({str(tmp_path)!r}))
except PrmGsm8kError as error: print(error)
"""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HF_HUB_OFFLINE is set, and phase1_test.jsonl is not downloaded yet\n")
    assert server.asked == []


def test_two_at_once_download_once(server: Server, tmp_path: Path) -> None:
    server.seconds_a_chunk = 0.01
    threads = [threading.Thread(target=download, args=(FILE, server.url, tmp_path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]


def test_a_place_that_cannot_be_written_is_an_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(PrmGsm8kError, match=r"the download cannot be written: .*HF_DATASETS_CACHE"):
        download(FILE, server.url, tmp_path / "cache")


# ---------------------------------------------------------------------------------------------------- the whole release


@pytest.fixture
def released(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A release of one line a file on the server, and the digests to go with it."""
    server.files = {}
    for i, file in enumerate(release.DATA):
        lines = write_lines(tmp_path / "lines", [right_then_wrong(f"Problem {i}?")])
        server.files[file.path] = lines.read_bytes()
    server.files[release.HELD_OUT.path] = write_lines(tmp_path / "lines", [{"problem": "Problem 3?"}]).read_bytes()
    as_released = {
        path: Released(path, hashlib.sha256(content).hexdigest(), len(content))
        for path, content in server.files.items()
    }
    monkeypatch.setattr(release, "DATA", tuple(as_released[file.path] for file in release.DATA))
    monkeypatch.setattr(release, "HELD_OUT", as_released[release.HELD_OUT.path])
    monkeypatch.setenv(release.BASE_VARIABLE, server.url)
    return server


def test_all_files_are_downloaded_into_the_cache_of_datasets(released: Server, tmp_path: Path) -> None:
    inputs = Prm800kRecipe().read_inputs(cache_dir=str(tmp_path / "cache"))
    assert inputs.problems == 3
    assert inputs.tally.counts == {"solutions": 4, "solution left out/problem of the test split": 1}
    kept = {path.name for path in (tmp_path / "cache" / "downloads").rglob("*") if path.is_file()}
    assert kept >= {"phase1_test.jsonl", "phase2_train.jsonl", "math_splits_test.jsonl"}
    again = Prm800kRecipe().read_inputs(cache_dir=str(tmp_path / "cache"))
    assert len(released.asked) == 5
    assert again == inputs


def test_one_phase_downloads_its_own_files_only(released: Server, tmp_path: Path) -> None:
    Prm800kRecipe(phase="1").read_inputs(cache_dir=str(tmp_path / "cache"))
    assert len(released.asked) == 3


def test_a_clone_with_the_same_files_has_the_same_digest(released: Server, tmp_path: Path) -> None:
    for path, content in released.files.items():
        (tmp_path / "clone" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / path).write_bytes(content)
    downloaded, cloned = Prm800kRecipe(), Prm800kRecipe(source=str(tmp_path / "clone"))
    inputs = [recipe.read_inputs(cache_dir=str(tmp_path / "cache")) for recipe in (downloaded, cloned)]
    assert inputs[0].digest == inputs[1].digest
    assert inputs[0].about == inputs[1].about
    assert "altered" not in inputs[0].about["source"]
    assert downloaded.identity(inputs[0]) == cloned.identity(inputs[1])


@pytest.mark.parametrize("name", ["phase2_test.jsonl", "math_splits_test.jsonl"])
def test_a_file_that_was_damaged_in_the_cache_is_removed_and_named(released: Server, tmp_path: Path, name: str) -> None:
    recipe = Prm800kRecipe()
    recipe.read_inputs(cache_dir=str(tmp_path / "cache"))
    path = next((tmp_path / "cache").rglob(name))
    path.write_bytes(path.read_bytes().replace(b"Problem", b"problem"))
    with pytest.raises(BadInputError, match=rf"{name}: has sha256 .* damaged since its download"):
        recipe.read_inputs(cache_dir=str(tmp_path / "cache"))
    recipe.read_inputs(cache_dir=str(tmp_path / "cache"))
