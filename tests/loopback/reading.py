"""What anybody may ask a Hub: who am I, what is there, and the files themselves."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import parse_qs

from loopback.exchange import Exchange, Refused, Reply, route
from loopback.repos import DATE, Commit


@route("GET", "/api/whoami-v2")
def whoami(exchange: Exchange) -> Reply:
    account = exchange.account
    if account is None:
        raise Refused(401, "Invalid username or password.")
    token = {"displayName": "loopback", "role": account.role}
    orgs = [{"type": "org", "name": name} for name in account.orgs]
    return Reply({"type": "user", "name": account.user, "orgs": orgs, "auth": {"accessToken": token}})


@route("GET", "/api/{kind}/{id}")
def info(exchange: Exchange, kind: str, id: str) -> Reply:
    return info_at(exchange, kind, id, "main")


@route("GET", "/api/{kind}/{id}/revision/{revision}")
def info_at(exchange: Exchange, kind: str, id: str, revision: str) -> Reply:
    repo = exchange.repo(kind, id)
    commit = exchange.commit(repo, revision)
    dates = {"createdAt": DATE, "lastModified": DATE}
    flags = {"private": repo.private, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    return Reply(
        {"_id": "0", "id": id, "author": repo.namespace, "sha": commit.oid, "siblings": siblings, **flags, **dates}
    )


@route("GET", "/api/{kind}/{id}/refs")
def refs(exchange: Exchange, kind: str, id: str) -> Reply:
    repo = exchange.repo(kind, id)

    def listed(names: dict[str, str], where: str) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{where}/{name}", "targetCommit": oid} for name, oid in names.items()]

    return Reply({"branches": listed(repo.branches, "heads"), "tags": listed(repo.tags, "tags"), "converts": []})


@route("GET", "/api/{kind}/{id}/commits/{revision}")
def commits(exchange: Exchange, kind: str, id: str, revision: str) -> Reply:
    repo = exchange.repo(kind, id)
    exchange.commit(repo, revision)
    return Reply(
        [
            {"id": commit.oid, "title": commit.title, "message": commit.description, "date": DATE, "authors": []}
            for commit in repo.history(revision)
        ]
    )


@route("GET", "/api/{kind}/{id}/tree/{revision}{folder}")
def tree(exchange: Exchange, kind: str, id: str, revision: str, folder: str) -> Reply:
    commit = exchange.commit(exchange.repo(kind, id), revision)
    inside = folder.strip("/")
    entries = _entries(commit, exchange.query.get("expand", "").lower() == "true")
    entries = [e for e in entries if not inside or e["path"].startswith(f"{inside}/")]
    if inside and not entries:
        raise Refused(404, f"{inside} does not exist on {revision!r}", "EntryNotFound")
    if exchange.query.get("recursive", "").lower() not in ("true", "1"):
        entries = [e for e in entries if "/" not in e["path"][len(inside) :].lstrip("/")]
    return Reply(entries)


@route("POST", "/api/{kind}/{id}/paths-info/{revision}")
def paths_info(exchange: Exchange, kind: str, id: str, revision: str) -> Reply:
    commit = exchange.commit(exchange.repo(kind, id), revision)
    if "json" in exchange.headers.get("Content-Type", ""):
        paths, expand = exchange.json["paths"], exchange.json.get("expand", False)
    else:
        form = parse_qs(exchange.body.decode())
        paths, expand = form.get("paths", []), form.get("expand", ["false"])[0].lower() == "true"
    entries = {entry["path"]: entry for entry in _entries(commit, expand)}
    return Reply([entries[path] for path in paths if path in entries])


@route("GET", "/{prefix}{id}/resolve/{revision}/{path}")
def resolve(exchange: Exchange, prefix: str, id: str, revision: str, path: str) -> Reply:
    kind = prefix.rstrip("/") or "models"
    repo, account = exchange.repo(kind, id), exchange.account
    if repo.gated and not (account and account.belongs_to(repo.namespace)):
        message = f"Access to {kind[:-1]} {id} is restricted and you are not in the authorized list."
        raise Refused(403 if account else 401, message, "GatedRepo")
    commit = exchange.commit(repo, revision)
    blob = commit.files.get(path)
    if blob is None:
        raise Refused(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
    if blob.lfs:
        headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
    if blob.xet_hash:
        route = f"{exchange.hub.endpoint}/api/{kind}/{id}/xet-read-token/{commit.oid}"
        headers |= {"X-Xet-Hash": blob.xet_hash, "X-Xet-Refresh-Route": route}
    data = repo.content(blob)
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", exchange.headers.get("Range", ""))
    if exchange.method == "HEAD" or not asked or asked[0] == "bytes=-":
        return Reply(data, headers=headers)
    size = len(data)
    first = int(asked[1]) if asked[1] else max(0, size - int(asked[2]))
    last = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
    if first > last:
        raise Refused(416, "Range not satisfiable", Content_Range=f"bytes */{size}")
    return Reply(data[first : last + 1], 206, headers | {"Content-Range": f"bytes {first}-{last}/{size}"})


def _entries(commit: Commit, expand: bool) -> list[dict[str, Any]]:
    """Files and folders of a commit, in the order of their paths."""
    folders = {path[:i] for path in commit.files for i, letter in enumerate(path) if letter == "/"}
    entries = [blob.entry(path) for path, blob in commit.files.items()]
    entries += [
        {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}
        for path in folders
    ]
    if expand:
        last = {"id": commit.oid, "title": commit.title, "date": DATE}
        entries = [{**entry, "lastCommit": last} for entry in entries]
    return sorted(entries, key=lambda entry: str(entry["path"]))
