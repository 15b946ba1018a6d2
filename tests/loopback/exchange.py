"""One request and its answer, who asks, and the table of routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from loopback.repos import Commit, Repo

if TYPE_CHECKING:
    from loopback.server import Hub


@dataclass(frozen=True)
class Account:
    """Whom a token belongs to, what it may do (`read` or `write`), and the namespaces that are theirs."""

    user: str
    role: str
    orgs: tuple[str, ...] = ()

    def belongs_to(self, namespace: str) -> bool:
        return namespace in (self.user, *self.orgs)


@dataclass
class Reply:
    """An answer: bytes, or anything else as JSON."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An answer that is an error, in the headers the Hub uses: `X-Error-Code` decides what the client raises."""

    def __init__(self, status: int, message: str, code: str = "", *, body: object = None, **headers: str) -> None:
        super().__init__(message)
        named = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        self.reply = Reply({"error": message} if body is None else body, status, named | extra)


@dataclass
class Exchange:
    """A request as a route sees it."""

    hub: Hub
    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def account(self) -> Account | None:
        """Who asks; None without a token. A token that nobody has is refused, whatever is asked for."""
        given = self.headers.get("Authorization")
        if given is None:
            return None
        account = self.hub.tokens.get(given.removeprefix("Bearer "))
        if account is None:
            raise Refused(401, "Invalid credentials in Authorization header")
        return account

    def writer(self, namespace: str) -> Account:
        """Who asks, if they may write there."""
        account = self.account
        if account is None:
            raise Refused(401, "Invalid username or password.")
        if account.role != "write":
            raise Refused(403, "Forbidden: you must use a write token to upload to a repository.")
        if not account.belongs_to(namespace):
            raise Refused(403, f"Forbidden: you don't have the rights to write under the namespace {namespace!r}")
        return account

    def repo(self, kind: str, id: str, *, write: bool = False) -> Repo:
        """A repository that who asks may see (or write); to anybody else it does not exist."""
        repo, account = self.hub.repos.get((kind, id)), self.account
        if repo is None or (repo.private and not (account and account.belongs_to(repo.namespace))):
            if account is None:  # the Hub does not tell strangers whether a private repository exists
                raise Refused(401, "Invalid username or password.", "RepoNotFound")
            raise Refused(404, "Repository not found", "RepoNotFound")
        if write:
            self.writer(repo.namespace)
        return repo

    def commit(self, repo: Repo, revision: str) -> Commit:
        commit = repo.find(revision)
        if commit is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit


Route = Callable[..., Reply]

_ROUTES: list[tuple[str, re.Pattern[str], Route]] = []

# {name} in a pattern stands for one part of a path; these stand for something else
_PARTS = {
    "kind": "models|datasets|spaces",
    "id": "[^/]+/[^/]+",
    "path": ".+",
    "folder": "(?:/.*)?",
    "prefix": "(?:datasets/|spaces/)?",
}


def route(method: str, pattern: str) -> Callable[[Route], Route]:
    """Serve requests like `GET /api/{kind}/{id}/refs` with a function `(exchange, kind, id)`."""
    parts = re.sub(
        r"\{(\w+)\}",
        lambda m: f"(?P<{m[1]}>{_PARTS.get(m[1], '[^/]+')})",
        re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}"),
    )

    def added(function: Route) -> Route:
        _ROUTES.append((method, re.compile(parts), function))
        return function

    return added


def answer(exchange: Exchange) -> Reply:
    """The answer to a request, error answers included."""
    method = "GET" if exchange.method == "HEAD" else exchange.method
    try:
        for routed, pattern, function in _ROUTES:
            if routed == method and (match := pattern.fullmatch(exchange.path)):
                return function(exchange, **{name: unquote(value) for name, value in match.groupdict().items()})
        raise Refused(404, f"there is no {exchange.method} {exchange.path}")
    except Refused as refused:
        return refused.reply
