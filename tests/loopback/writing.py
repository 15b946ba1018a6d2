"""What changes a Hub: repositories, tags and branches, uploads, commits."""

from __future__ import annotations

import base64
import hashlib
import re

import orjson
import yaml

from loopback.exchange import Exchange, Refused, Reply, route
from loopback.repos import Blob, Repo, is_lfs

# ------------------------------------------------------------------------------------------------------ repositories


@route("POST", "/api/repos/create")
def create(exchange: Exchange) -> Reply:
    asked = exchange.json
    if exchange.account is None:
        raise Refused(401, "Invalid username or password.")
    namespace = asked.get("organization") or exchange.account.user
    exchange.writer(namespace)
    kind, id = f"{asked.get('type', 'model')}s", f"{namespace}/{asked['name']}"
    url = f"{exchange.hub.endpoint}/{'' if kind == 'models' else f'{kind}/'}{id}"
    if (kind, id) in exchange.hub.repos:
        message = f"You already created this {kind[:-1]} repo"
        raise Refused(409, message, body={"error": message, "url": url})
    exchange.hub.create(id, kind, private=bool(asked.get("private")) or asked.get("visibility") == "private")
    return Reply({"url": url, "name": id, "id": id})


@route("DELETE", "/api/repos/delete")
def delete(exchange: Exchange) -> Reply:
    asked = exchange.json
    kind, id = f"{asked.get('type', 'model')}s", f"{asked['organization']}/{asked['name']}"
    exchange.repo(kind, id, write=True)
    del exchange.hub.repos[kind, id]
    return Reply()


@route("POST", "/api/validate-yaml")
def validate_yaml(exchange: Exchange) -> Reply:
    head = re.match(r"---\r?\n(.*?)\r?\n---", exchange.json["content"], re.DOTALL)
    errors, warnings = [], []
    try:
        if head is None:
            warnings.append({"message": "empty or missing yaml metadata in repo card"})
        elif not isinstance(yaml.safe_load(head[1]), dict):
            errors.append({"message": "metadata is not a mapping"})
    except yaml.YAMLError as error:
        errors.append({"message": f"YAML: {error}"})
    return Reply({"errors": errors, "warnings": warnings}, 400 if errors else 200)


# -------------------------------------------------------------------------------------------------- tags and branches


@route("POST", "/api/{kind}/{id}/tag/{revision}")
def create_tag(exchange: Exchange, kind: str, id: str, revision: str) -> Reply:
    repo = exchange.repo(kind, id, write=True)
    with repo.lock:
        return _named(exchange, repo, repo.tags, exchange.json["tag"], revision)


@route("POST", "/api/{kind}/{id}/branch/{name}")
def create_branch(exchange: Exchange, kind: str, id: str, name: str) -> Reply:
    repo = exchange.repo(kind, id, write=True)
    start = exchange.json.get("startingPoint", "main") if exchange.body else "main"
    with repo.lock:
        return _named(exchange, repo, repo.branches, name, start)


@route("DELETE", "/api/{kind}/{id}/tag/{name}")
def delete_tag(exchange: Exchange, kind: str, id: str, name: str) -> Reply:
    return _unnamed(exchange.repo(kind, id, write=True).tags, name)


@route("DELETE", "/api/{kind}/{id}/branch/{name}")
def delete_branch(exchange: Exchange, kind: str, id: str, name: str) -> Reply:
    return _unnamed(exchange.repo(kind, id, write=True).branches, name)


def _named(exchange: Exchange, repo: Repo, names: dict[str, str], name: str, revision: str) -> Reply:
    if name in names:
        raise Refused(409, f"Reference already exists: {name}")
    names[name] = exchange.commit(repo, revision).oid
    return Reply()


def _unnamed(names: dict[str, str], name: str) -> Reply:
    if names.pop(name, None) is None:
        raise Refused(404, f"Invalid rev id: {name}", "RevisionNotFound")
    return Reply()


# ------------------------------------------------------------------------------------------------ uploads and commits


@route("POST", "/api/{kind}/{id}/preupload/{revision}")
def preupload(exchange: Exchange, kind: str, id: str, revision: str) -> Reply:
    """Which files go to LFS, and what is there already under these names."""
    proposes = exchange.query.get("create_pr") == "1"
    there = exchange.commit(exchange.repo(kind, id, write=not proposes), revision).files
    files = []
    for file in exchange.json["files"]:
        lfs = is_lfs(file["path"], file["size"], base64.b64decode(file["sample"]))
        oid = there[file["path"]].etag if file["path"] in there else None
        mode = "lfs" if lfs else "regular"
        files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return Reply({"files": files})


@route("POST", "/{prefix}{id}.git/info/lfs/objects/batch")
def lfs_batch(exchange: Exchange, prefix: str, id: str) -> Reply:
    """Where to upload which object; nowhere if it is there already."""
    kind = prefix.rstrip("/") or "models"
    repo = exchange.repo(kind, id)  # who may write is asked at the commit, for anybody may propose one
    place = f"{exchange.hub.endpoint}/lfs/{kind}/{id}"
    objects = []
    for object in exchange.json["objects"]:
        answer = {"oid": object["oid"], "size": object["size"], "authenticated": True}
        if object["oid"] not in repo.lfs:
            upload, verify = {"href": f"{place}/{object['oid']}"}, {"href": f"{place}/verify"}
            answer["actions"] = {"upload": upload, "verify": verify}
        objects.append(answer)
    return Reply({"transfer": "basic", "objects": objects}, headers={"Content-Type": "application/vnd.git-lfs+json"})


@route("PUT", "/lfs/{kind}/{id}/{oid}")
def lfs_put(exchange: Exchange, kind: str, id: str, oid: str) -> Reply:
    """The upload itself: its URL was given to somebody who may write, so it asks for no token."""
    if hashlib.sha256(exchange.body).hexdigest() != oid:
        raise Refused(400, f"the content is not {oid}")
    exchange.hub.repos[kind, id].lfs[oid] = Blob(exchange.body, lfs=True)
    return Reply(b"")


@route("POST", "/lfs/{kind}/{id}/verify")
def lfs_verify(exchange: Exchange, kind: str, id: str) -> Reply:
    blob = exchange.repo(kind, id).lfs.get(exchange.json["oid"])
    if blob is None or len(blob.data) != exchange.json["size"]:
        raise Refused(404, "the object is not there, or of another size")
    return Reply()


@route("POST", "/api/{kind}/{id}/commit/{branch}")
def commit(exchange: Exchange, kind: str, id: str, branch: str) -> Reply:
    """All or nothing, and only on top of the commit the client has seen, if it names one."""
    proposes = exchange.query.get("create_pr") == "1"
    repo = exchange.repo(kind, id, write=not proposes)
    header, *operations = [orjson.loads(line) for line in exchange.body.splitlines() if line]
    header = header["value"]
    with repo.lock:
        if branch not in repo.branches:
            raise Refused(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        tip = repo.commits[repo.branches[branch]]
        if not tip.oid.startswith(header.get("parentCommit") or ""):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        files = dict(tip.files)
        for operation in operations:
            _apply(exchange, repo, files, operation["key"], operation["value"])
        number = len(repo.pull_requests) + 1
        if proposes:
            branch = f"refs/pr/{number}"
            repo.branches[branch] = tip.oid
        made = repo.commit(branch, files, header["summary"], header.get("description", ""))
        if proposes:
            repo.pull_requests[number] = repo.branches.pop(branch)
    place = f"{exchange.hub.endpoint}/{kind}/{id}"
    url = f"{place}/commit/{made.oid}"
    pull_request = f"{place}/discussions/{number}" if proposes else None
    return Reply(
        {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": "", "pullRequestUrl": pull_request}
    )


@route("GET", "/api/{kind}/{id}/discussions")
def discussions(exchange: Exchange, kind: str, id: str) -> Reply:
    repo = exchange.repo(kind, id)
    listed = [
        {
            "num": number, "title": repo.commits[oid].title, "author": {"name": "somebody"}, "status": "open",
            "isPullRequest": True, "createdAt": "2026-01-01T00:00:00.000Z", "repo": {"name": id, "type": kind[:-1]},
        }
        for number, oid in repo.pull_requests.items()
    ]  # fmt: skip
    return Reply({"discussions": listed, "count": len(listed), "start": 0})


def _apply(exchange: Exchange, repo: Repo, files: dict[str, Blob], key: str, value: dict[str, str]) -> None:
    """One line of a commit."""
    path = value["path"]
    if key == "file":
        files[path] = Blob(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        oid = value["oid"]
        if oid not in repo.lfs and exchange.hub.xet and (uploaded := exchange.hub.xet.blob(oid)):
            repo.lfs[oid] = uploaded
        if oid not in repo.lfs:
            raise Refused(400, f"LFS pointer to an object that was never uploaded: {oid}")
        files[path] = repo.lfs[oid]
    elif key == "deletedFile":
        if files.pop(path, None) is None:
            raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
    elif key == "deletedFolder":
        for inside in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
            del files[inside]
    else:
        raise Refused(400, f"unknown operation {key!r}")


@route("GET", "/api/{kind}/{id}/xet-{access}-token/{revision}")
def xet_token(exchange: Exchange, kind: str, id: str, access: str, revision: str) -> Reply:
    """Where hf_xet reads or writes, if this Hub has such a store."""
    exchange.repo(kind, id, write=access == "write")
    if exchange.hub.xet is None:
        raise Refused(404, "Xet is not enabled for this repository")
    return exchange.hub.xet.token()
