"""The loopback Hub answers huggingface_hub and datasets as the Hub does, and fails when it is told to."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from contextlib import AbstractContextManager

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, hf_hub_download
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session
from loopback import Hub

ID = "org/prm-gsm8k"
KIND = {"repo_type": "dataset"}


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"n": [0, 1, 2]}), file)
    return file.getvalue()


DATA = parquet()


def commit(files: dict[str, bytes | None], parent: str | None = None) -> str:
    """Commit files (None: delete) with the client; the id of the commit."""
    operations = [
        CommitOperationDelete(path) if data is None else CommitOperationAdd(path, data) for path, data in files.items()
    ]
    return HfApi().create_commit(ID, operations, commit_message="ours", parent_commit=parent, **KIND).oid


def published() -> str:
    HfApi().create_repo(ID, **KIND)
    return commit({"README.md": b"---\nlicense: mit\n---\n", "rows/train.parquet": DATA})


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


# -------------------------------------------------------------------------------------------------- there and back


def test_what_is_committed_is_read_back_from_any_revision(hub: Hub) -> None:
    first = published()
    HfApi().create_tag(ID, tag="v1", **KIND)
    second = commit({"notes.txt": b"more", "rows/train.parquet": None})
    assert hub.dataset(ID).files() == {"README.md": b"---\nlicense: mit\n---\n", "notes.txt": b"more"}
    for revision in (first, "v1"):
        with open(hf_hub_download(ID, "rows/train.parquet", revision=revision, **KIND), "rb") as file:
            assert file.read() == DATA
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(ID, "rows/train.parquet", **KIND)
    refs = HfApi().list_repo_refs(ID, **KIND)
    assert {ref.name: ref.target_commit for ref in refs.branches + refs.tags} == {"main": second, "v1": first}
    assert [c.commit_id for c in HfApi().list_repo_commits(ID, **KIND)][:2] == [second, first]


def test_the_tree_lists_sizes_and_hashes(hub: Hub) -> None:
    published()
    tree = {entry.path: entry for entry in HfApi().list_repo_tree(ID, recursive=True, **KIND)}
    assert list(tree) == [".gitattributes", "README.md", "rows", "rows/train.parquet"]
    assert tree["rows/train.parquet"].size == tree["rows/train.parquet"].lfs.size == len(DATA)
    assert [e.path for e in HfApi().list_repo_tree(ID, **KIND)] == [".gitattributes", "README.md", "rows"]
    assert [e.path for e in HfApi().list_repo_tree(ID, "rows", **KIND)] == ["rows/train.parquet"]


def test_datasets_loads_from_it_and_then_offline(hub: Hub, offline: Callable[[], AbstractContextManager[None]]) -> None:
    published()
    assert datasets.load_dataset(ID, split="train")["n"][:] == [0, 1, 2]
    assert [row["n"] for row in datasets.load_dataset(ID, split="train", streaming=True)] == [0, 1, 2]
    asked = len(hub.requests)
    with offline():
        assert datasets.load_dataset(ID, split="train")["n"][:] == [0, 1, 2]
        with pytest.raises(OfflineModeIsEnabled):
            HfApi().whoami()
    assert len(hub.requests) == asked


def test_a_range_of_a_file_is_served(hub: Hub) -> None:
    published()
    with HfFileSystem().open(f"datasets/{ID}/rows/train.parquet") as file:
        file.seek(4)
        assert file.read(8) == DATA[4:12]
    url = f"{hub.endpoint}/datasets/{ID}/resolve/main/rows/train.parquet"
    tail = get_session().get(url, headers={"Range": "bytes=-4"})
    assert (tail.status_code, tail.content) == (206, b"PAR1")
    beyond = get_session().get(url, headers={"Range": f"bytes={len(DATA)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")


# ------------------------------------------------------------------------------------------------------- refusals


def test_a_commit_on_top_of_an_old_one_is_refused(hub: Hub) -> None:
    old = published()
    new = commit({"notes.txt": b"new"}, parent=old)
    with pytest.raises(HfHubHTTPError) as caught:
        commit({"notes.txt": b"newer"}, parent=old)
    assert status_of(caught) == 412
    assert hub.dataset(ID).head == new


def test_a_commit_is_all_or_nothing(hub: Hub) -> None:
    before = published()
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        commit({"notes.txt": b"new", "never.txt": None})
    assert hub.dataset(ID).head == before


def test_names_that_are_taken_or_unknown(hub: Hub) -> None:
    published()
    HfApi().create_tag(ID, tag="v1", **KIND)
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_tag(ID, tag="v1", **KIND)
    assert status_of(caught) == 409
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_repo(ID, **KIND)
    assert status_of(caught) == 409
    with pytest.raises(RevisionNotFoundError):
        HfApi().repo_info(ID, revision="v2", **KIND)
    with pytest.raises(RepositoryNotFoundError):
        HfApi().repo_info(ID, repo_type="model")


def test_a_card_without_a_valid_yaml_head_is_refused(hub: Hub) -> None:
    published()
    with pytest.raises(ValueError, match="Invalid metadata"):
        commit({"README.md": b"---\na: [\n---\n"})


@pytest.mark.parametrize(
    ("token", "reads", "writes"),
    [(Hub.WRITE, 200, 200), (Hub.READ, 200, 403), (Hub.STRANGER, 404, 404), ("hf_wrong", 401, 401), (None, 401, 401)],
)
def test_who_may_read_and_write_a_private_repository(
    hub: Hub, token: str | None, reads: int, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.create(ID, private=True).put({"a.txt": b"a"})
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
    else:
        monkeypatch.setenv("HF_TOKEN", token)
    for wanted, attempt in (
        (reads, lambda: HfApi().repo_info(ID, **KIND)),
        (writes, lambda: commit({"b.txt": b"b"})),
    ):
        try:
            attempt()
            status = 200
        except HfHubHTTPError as error:
            status = error.response.status_code
        assert status == wanted


def test_a_repository_of_somebody_else_is_read_but_not_written(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    monkeypatch.setenv("HF_TOKEN", Hub.STRANGER)
    assert HfApi().whoami()["name"] == "stranger"
    HfApi().repo_info(ID, **KIND)
    for attempt in (lambda: commit({"b.txt": b"b"}), lambda: HfApi().create_repo("org/other", **KIND)):
        with pytest.raises(HfHubHTTPError) as caught:
            attempt()
        assert status_of(caught) == 403


# --------------------------------------------------------------------------------------------------------- faults


def test_a_connection_cut_before_or_after_the_request_takes_effect(hub: Hub) -> None:
    published()
    for cut, done in (("before", False), ("after", True)):
        hub.fail("POST", "/commit/main$", cut=cut)
        with pytest.raises(Exception, match="Server disconnected"):
            commit({"notes.txt": cut.encode()})
        assert (hub.dataset(ID).files().get("notes.txt") == cut.encode()) is done


def test_the_kth_request_from_now_on(hub: Hub) -> None:
    published()
    hub.fail(nth=2, status=400)
    HfApi().repo_info(ID, **KIND)
    with pytest.raises(BadRequestError):
        HfApi().repo_info(ID, **KIND)
    HfApi().repo_info(ID, **KIND)


def test_a_busy_hub_is_retried(hub: Hub, waits: list[float]) -> None:
    published()
    hub.fail("HEAD", "/resolve/", status=429, retry_after=7)
    HfFileSystem().info(f"datasets/{ID}/README.md")
    hub.fail("POST", "/preupload/", times=2, status=503)
    commit({"notes.txt": b"x"})
    assert waits == [1, 2]
    hub.fail("POST", "/preupload/", status=429, retry_after=7)
    commit({"notes.txt": b"y"})
    assert waits == [1, 2, 8]
    hub.fail("POST", "/preupload/", times=math.inf, status=503)
    with pytest.raises(HfHubHTTPError) as caught:
        commit({"notes.txt": b"z"})
    assert status_of(caught) == 503


def test_uploaded_data_is_not_uploaded_again(hub: Hub) -> None:
    HfApi().create_repo(ID, **KIND)
    hub.fail("POST", "/commit/", status=412)
    with pytest.raises(HfHubHTTPError):
        commit({"train.parquet": DATA})
    assert hub.lfs_bytes() == len(DATA)
    commit({"train.parquet": DATA})
    assert hub.lfs_bytes() == len(DATA)
    assert [request.status for request in hub.asked("POST", "/commit/")] == [412, 200]


def test_somebody_else_commits_in_between(hub: Hub) -> None:
    head = published()
    hub.before("POST", "/commit/", lambda: hub.dataset(ID).put({"theirs.txt": b"first"}))
    with pytest.raises(HfHubHTTPError) as caught:
        commit({"ours.txt": b"second"}, parent=head)
    assert status_of(caught) == 412
    assert "theirs.txt" in hub.dataset(ID).files() and "ours.txt" not in hub.dataset(ID).files()


def test_a_flipped_byte_is_served_under_the_old_name(hub: Hub) -> None:
    published()
    before = HfApi().get_paths_info(ID, ["README.md"], **KIND)
    hub.dataset(ID).flip_byte("README.md", at=4)
    assert HfApi().get_paths_info(ID, ["README.md"], **KIND) == before
    with open(hf_hub_download(ID, "README.md", **KIND), "rb") as file:
        served = file.read()
    assert len(served) == len(hub.dataset(ID).files()["README.md"]) and served != hub.dataset(ID).files()["README.md"]


# ------------------------------------------------------------------------------------------------------------ Xet


def test_through_xet_no_data_goes_over_http(xet_hub: Hub) -> None:
    published()
    assert xet_hub.lfs_bytes() == 0 and xet_hub.xet is not None and xet_hub.xet.stored_bytes() > 0
    assert xet_hub.dataset(ID).files()["rows/train.parquet"] == DATA
    with open(hf_hub_download(ID, "rows/train.parquet", **KIND), "rb") as file:
        assert file.read() == DATA
    assert not xet_hub.asked("GET", "/resolve/main/rows")
    assert datasets.load_dataset(ID, split="train")["n"][:] == [0, 1, 2]
