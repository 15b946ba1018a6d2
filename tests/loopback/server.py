"""The Hub as a server: its state, the log of what it was asked, and the plumbing of HTTP."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import orjson

import loopback.reading
import loopback.writing  # noqa: F401  both fill the table of routes
from loopback.exchange import Account, Exchange, Refused, Reply, answer
from loopback.faults import Fault, Faults
from loopback.repos import Blob, Repo

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopback.xet import XetStore

# huggingface_hub asks for this once a process, whatever it is doing: it would count as a request of some test
_NOT_COUNTED = "/api/agent-harnesses"


@dataclass
class Request:
    """A request that was made. `status` is what was answered, 0 if the connection was cut instead."""

    method: str
    path: str
    received: int
    lfs_bytes: int
    status: int = 0


class Hub:
    """A Hub in memory behind HTTP on 127.0.0.1; see the package's docstring for its use.

    Its address is bound when it is made; it answers from `start()` on.
    """

    WRITE, READ, STRANGER = "hf_loopback_write", "hf_loopback_read", "hf_loopback_stranger"

    def __init__(self, port: int = 0) -> None:
        self.server = _Server(("127.0.0.1", port), _Handler)
        self.server.hub = self
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Empty it: no repository, nothing asked, nothing that fails."""
        self.faults.clear()
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[Request] = []
        self.bugs: list[BaseException] = []
        self.moved: dict[str, str] = {}  # the new names of repositories that were renamed
        self.xet: XetStore | None = None
        self.tokens = {
            self.WRITE: Account("tester", "write", ("org",)),
            self.READ: Account("tester", "read", ("org",)),
            self.STRANGER: Account("stranger", "write"),
        }

    def start(self) -> None:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def create(self, id: str, kind: str = "datasets", *, private: bool = False) -> Repo:
        """A repository with the one commit that the Hub makes itself."""
        repo = self.repos[kind, id] = Repo(kind, id, private)
        repo.commit(
            "main", {".gitattributes": Blob(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")}, "initial commit"
        )
        return repo

    def dataset(self, id: str) -> Repo:
        """A dataset repository, to look into or to change behind the client's back."""
        return self.repos["datasets", id]

    def model(self, id: str) -> Repo:
        """The same for a model repository."""
        return self.repos["models", id]

    # ------------------------------------------------------------------------------------------- what was asked of it

    def asked(self, method: str = "*", path: str = "") -> list[Request]:
        """The requests of a method (`*`: any) whose path and query match a regular expression, in order."""
        return [r for r in self.requests if method in ("*", r.method) and re.search(path, r.path)]

    def lfs_bytes(self) -> int:
        """Bytes of data files that were received."""
        return sum(request.lfs_bytes for request in self.requests)

    # ------------------------------------------------------------------------------------------------ what goes wrong

    def fail(
        self,
        method: str = "*",
        path: str = "",
        *,
        nth: int = 1,
        times: float = 1,
        cut: Literal["before", "after"] | None = None,
        status: int | None = None,
        retry_after: int | str | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """Let a request fail: the `nth` from now on that matches, and the `times - 1` after it.

        Args:
            method, path: which requests; `path` is a regular expression searched in path and query. All by default.
            times: `math.inf` to fail for good.
            cut: close the connection `before` the request is served, or `after` it: then its reply is lost.
            status: answer this instead of serving it, with a `Retry-After` of `retry_after` and other headers.
            body: with this page instead of the Hub's own JSON and headers.
        """
        if (cut is None) == (status is None):
            raise ValueError("give either cut or status")
        sent = {**(headers or {}), **({} if retry_after is None else {"Retry-After": str(retry_after)})}
        self.faults.add(method, path, nth, times, Fault(cut=cut, status=status, headers=sent, body=body))

    def before(self, method: str, path: str, action: Callable[[], object], *, nth: int = 1) -> None:
        """Do something just before the `nth` request from now on that matches is served."""
        self.faults.add(method, path, nth, 1, Fault(action=action))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece
    server: _Server

    def _serve(self) -> None:
        hub, url, body = self.server.hub, urlsplit(self.path), self._body()
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if url.path == _NOT_COUNTED:
            return self._send(Reply({}))
        request = Request(self.command, self.path, len(body), len(body) if self.command == "PUT" else 0)
        hub.requests.append(request)
        fault = hub.faults.of(self.command, self.path)
        if fault.cut == "before":
            return self._cut()
        try:
            if fault.action:
                fault.action()
            moved = next((old for old in hub.moved if f"/{old}/" in f"{url.path}/"), None)
            if moved is not None:
                reply = Reply(status=307, headers={"Location": self.path.replace(moved, hub.moved[moved], 1)})
            elif fault.status and fault.body is not None:
                reply = Reply(fault.body, fault.status, {"Content-Type": "text/html", **fault.headers})
            elif fault.status:
                reply = Refused(fault.status, "as the test wants it", **fault.headers).reply
            else:
                reply = answer(Exchange(hub, self.command, url.path, query, self.headers, body))
        except Exception as bug:
            hub.bugs.append(bug)  # the fixture raises it when the test ends
            reply = Refused(500, f"a bug of the loopback Hub: {bug!r}".replace("\n", " ")).reply
        if fault.cut == "after":
            return self._cut()
        request.status = reply.status
        self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, reply: Reply) -> None:
        raw = isinstance(reply.body, bytes)
        data = reply.body if raw else orjson.dumps(reply.body)
        kind = "application/octet-stream" if raw else "application/json"
        self.send_response(reply.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what was asked is in `hub.requests`."""
