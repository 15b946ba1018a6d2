"""`publish`: one atomic commit, read back, and a tag that never moves."""

from __future__ import annotations

import io
import json
import logging
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import datasets
import pyarrow as pa
import pytest
from command_line import run_command
from hub.published import CONFIG, ID, MADE_FROM, OTHER, edited_table
from loopback import Hub
from made_rows import made_table
from pyarrow import parquet

from prm_gsm8k.build.publish import publish
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import read_manifest
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import HubError, HubUnreachable, UsageError, VerificationError
from prm_gsm8k.hub.snapshot import snapshot

COMMIT = r"/commit/main$"


def commits(hub: Hub) -> int:
    """Commits on `main` on top of the one that the Hub makes itself."""
    return len(list(hub.dataset(ID).history())) - 1


def data_files(folder: Path) -> set[str]:
    return {file.path for config in read_manifest(folder).configs.values() for file in config.files}


# ------------------------------------------------------------------------------------------------------- what is there


@pytest.mark.slow
def test_three_configs_card_manifest_and_figures_are_one_commit(hub: Hub, v1: Path) -> None:
    done = publish(v1, ID, tag="v1.0.0")
    assert (commits(hub), done.committed) == (1, True)
    repo = hub.dataset(ID)
    files = repo.files()
    figures = {path for path in files if path.startswith("figures/")}
    assert figures
    assert set(files) == data_files(v1) | {"README.md", "manifest.json"} | figures
    assert all(files[path] == (v1 / path).read_bytes() for path in data_files(v1) | {"manifest.json"})
    assert done.commit == repo.head == repo.tags["v1.0.0"]
    assert done.load_line == 'load_dataset("org/prm-gsm8k", "synthetic", revision="v1.0.0")'
    assert done.load_line.partition(",")[0] in files["README.md"].decode()


@pytest.mark.slow
def test_new_rows_and_the_deletion_of_old_files_are_one_commit(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    done = publish(v2, ID)
    assert commits(hub) == 2
    assert {path for path in hub.dataset(ID).files() if path.endswith(".parquet")} == data_files(v2)
    assert set(done.plan.delete) >= data_files(v1) - data_files(v2)
    assert data_files(v1) & data_files(v2) <= set(done.plan.same)


def test_publishing_again_sends_no_data_and_makes_no_commit(hub: Hub, v1: Path) -> None:
    first = publish(v1, ID, tag="v1")
    hub.requests.clear()
    again = publish(v1, ID, tag="v1")
    assert (again.committed, again.commit) == (False, first.commit)
    assert (hub.lfs_bytes(), hub.asked("POST", COMMIT), commits(hub)) == (0, [], 1)


def test_configs_that_are_not_in_the_folder_stay(hub: Hub, v1: Path, tmp_path: Path) -> None:
    publish(v1, ID)
    old = hub.dataset(ID).files()
    one = tmp_path / "one"
    write_config(one, CONFIG, {"train": edited_table()}, MADE_FROM)
    hub.requests.clear()
    done = publish(one, ID)
    new = hub.dataset(ID).files()
    assert list(json.loads(done.wanted.files["manifest.json"].data)["configs"]) == ["synthetic", CONFIG, OTHER]
    assert list(json.loads(new["manifest.json"])["configs"]) == ["synthetic", CONFIG, OTHER]
    kept = {path for path in old if path.startswith(("synthetic/", OTHER))}
    assert kept and all(new[path] == old[path] for path in kept)
    assert hub.lfs_bytes() < sum(len(new[path]) for path in done.plan.add)  # README.md and manifest.json are no LFS
    assert verify(snapshot(ID).folder, RECIPES).findings == []


def test_one_config_of_a_folder(hub: Hub, v1: Path) -> None:
    publish(v1, ID, configs=[OTHER])
    assert {path.partition("/")[0] for path in hub.dataset(ID).files() if path.endswith(".parquet")} == {OTHER}
    with pytest.raises(UsageError, match=r"no config 'nothing'; it has synthetic, by_hand, by_others"):
        publish(v1, ID, configs=["nothing"])


def test_foreign_files_in_the_repository_stay(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    hub.dataset(ID).put({"LICENSE": b"MIT", "notes/by-hand.txt": b"mine"})
    publish(v2, ID)
    assert {"LICENSE", "notes/by-hand.txt"} <= set(hub.dataset(ID).files())


def test_nothing_is_deleted_from_a_repository_that_is_not_ours(hub: Hub, v1: Path) -> None:
    hub.create(ID).put({"synthetic/theirs.parquet": b"PAR1theirsPAR1", "README.md": b"# theirs"})
    plan = publish(v1, ID, plan_only=True).plan
    assert plan.delete == {}


@pytest.mark.slow
def test_what_people_wrote_into_the_card_stays(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    repo = hub.dataset(ID)
    card = repo.files()["README.md"].decode()
    gated = card.replace("---\n", "---\nextra_gated_prompt: Ask first.\n", 1)
    repo.put({"README.md": f"{gated}\n## Errata\n\nRow 7 is wrong.\n".encode()})
    done = publish(v2, ID)
    assert done.plan.overwritten == {"README.md", "manifest.json"} < set(done.plan.add)
    new = hub.dataset(ID).files()["README.md"].decode()
    assert new.endswith("\n\n## Errata\n\nRow 7 is wrong.\n") and "extra_gated_prompt: Ask first." in new
    assert publish(v2, ID).committed is False
    repo.put({"README.md": new.replace("## Load", "## Loading").encode()})
    with pytest.raises(VerificationError, match=r"README.md: somebody changed it between .* put that text above or"):
        publish(v2, ID, plan_only=True)


def test_the_card_and_the_configs_of_a_repository_that_is_not_ours_stay(hub: Hub, v1: Path) -> None:
    theirs = b"---\nconfigs:\n- config_name: theirs\n  data_files: x/y.parquet\n---\n# Theirs\n\nA word.\n"
    parquet.write_table(pa.table({"a": [1]}), file := io.BytesIO())
    hub.create(ID).put({"x/y.parquet": file.getvalue(), "README.md": theirs})
    publish(v1, ID)
    card = hub.dataset(ID).files()["README.md"].decode()
    assert card.endswith("# Theirs\n\nA word.\n") and "config_name: theirs" in card
    assert datasets.load_dataset(ID, "theirs", split="train")["a"] == [1]
    assert datasets.load_dataset(ID, CONFIG, split="train")[0] == made_table(range(1)).to_pylist()[0]
    hub.create("org/same").put({"README.md": theirs.replace(b"theirs", CONFIG.encode())})
    with pytest.raises(VerificationError, match=f"has a config '{CONFIG}' that `prm-gsm8k publish` did not make"):
        publish(v1, "org/same")


@pytest.mark.slow
def test_the_plan_tells_new_from_overwritten(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    said = run_command("publish", v2, ID, "--plan", COLUMNS="160").stdout
    assert "~ README.md" in said and "~ manifest.json" in said and "+ README.md" not in said
    assert re.search(r"\d+ to add .*, 2 to overwrite .*, \d+ to delete .*, \d+ unchanged", said)
    planned = json.loads(run_command("publish", v2, ID, "--plan", "--json").stdout)
    assert set(planned["overwrite"]) == {"README.md", "manifest.json"}
    assert planned["add"] and not planned["add"].keys() & planned["overwrite"].keys()


def test_a_plan_sends_nothing(hub: Hub, v1: Path, v2: Path) -> None:
    plan = publish(v1, ID, plan_only=True).plan
    assert (plan.head, plan.delete, plan.same, ("datasets", ID) in hub.repos) == (None, {}, {}, False)
    assert data_files(v1) < set(plan.add)
    publish(v1, ID)
    hub.requests.clear()
    done = publish(v2, ID, plan_only=True)
    assert (done.commit, commits(hub)) == (None, 1)
    assert {request.method for request in hub.requests} <= {"GET", "HEAD"}
    assert done.plan.add.keys() >= data_files(v2) - data_files(v1)
    assert all(size == (v2 / path).stat().st_size for path, size in done.plan.add.items() if path in data_files(v2))


# ------------------------------------------------------------------------------------------------------------- cut off


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("times", [pytest.param(1, id="once"), pytest.param(math.inf, id="for good")])
def test_cut_at_every_request(
    hub: Hub, small_v1: Path, small_v2: Path, cut: Literal["before", "after"], times: float
) -> None:
    """The connection is lost at the k-th request, once or for good, for every k of a publish over another."""
    publish(small_v1, ID)
    old, asked = hub.dataset(ID).files(), len(hub.requests)
    publish(small_v2, ID, tag="v2")
    new, requests = hub.dataset(ID).files(), len(hub.requests) - asked
    assert old != new and requests >= 10
    data = {blob.sha256: len(blob.data) for blob in hub.dataset(ID).lfs.values()}
    outcomes = set()
    for k in range(1, requests + 1):
        hub.reset()
        hub.create(ID).put(old)
        hub.fail(nth=k, times=times, cut=cut)
        try:
            publish(small_v2, ID, tag="v2")
            ended = True
        except HubError:
            ended = False
        if len(hub.requests) < k:  # what is in the cache by now is not asked for
            break
        repo = hub.dataset(ID)
        assert repo.files() in (old, new), f"half old, half new after request {k}"
        assert repo.files() == new or not ended
        outcomes.add((ended, repo.files() == new))
        hub.faults.clear()
        sent, missing = hub.lfs_bytes(), sum(data[sha] for sha in data.keys() - repo.lfs.keys())
        publish(small_v2, ID, tag="v2")
        assert repo.files() == new
        assert repo.tags["v2"] == repo.head
        assert commits(hub) == 2, f"a commit twice after request {k}"
        assert hub.lfs_bytes() - sent == missing, f"data sent that was there after request {k}"
    assert k > requests - 3
    assert outcomes == ({(True, True)} if times == 1 else {(False, False), (False, True)})


def test_a_process_that_is_killed_while_it_commits_sends_nothing_twice(hub: Hub, v1: Path) -> None:
    hub.fail("POST", COMMIT, times=math.inf, cut="before")
    with pytest.raises(HubError):
        publish(v1, ID)
    sent = hub.lfs_bytes()
    assert sent > 0 and commits(hub) == 0
    hub.faults.clear()
    publish(v1, ID)
    assert (hub.lfs_bytes(), commits(hub)) == (sent, 1)


def test_a_lost_reply_to_the_commit_is_not_a_second_commit(hub: Hub, v1: Path) -> None:
    hub.fail("POST", COMMIT, cut="after")
    done = publish(v1, ID)
    assert (commits(hub), len(hub.asked("POST", COMMIT)), done.commit) == (1, 1, hub.dataset(ID).head)


# ------------------------------------------------------------------------------------------------------ others at work


def test_a_concurrent_commit_is_kept_below_ours(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    repo = hub.dataset(ID)
    hub.before("POST", COMMIT, lambda: repo.put({"notes.txt": b"first"}))
    publish(v2, ID)
    assert [commit.title for commit in repo.history()][1] == "by somebody else"
    assert repo.files()["notes.txt"] == b"first"
    assert data_files(v2) < set(repo.files())


def test_two_publishers_at_once_lose_nothing(hub: Hub, v1: Path) -> None:
    """While one is about to commit its config, another one publishes a second config."""
    hub.create(ID)
    hub.before("POST", COMMIT, lambda: publish(v1, ID, configs=[OTHER]))
    publish(v1, ID, configs=[CONFIG], tag="both")
    files = hub.dataset(ID).files("both")
    assert list(json.loads(files["manifest.json"])["configs"]) == [CONFIG, OTHER]
    assert {path.partition("/")[0] for path in files if path.endswith(".parquet")} == {CONFIG, OTHER}
    assert commits(hub) == 2


@pytest.mark.parametrize("status", [409, 412])
def test_endless_conflicts_are_an_error(hub: Hub, v1: Path, pauses: list[float], status: int) -> None:
    hub.fail("POST", COMMIT, times=math.inf, status=status)
    with pytest.raises(HubError, match="someone else changed it at the same time"):
        publish(v1, ID)
    assert (len(hub.asked("POST", COMMIT)), pauses) == (5, [1, 2, 4, 8])


def test_a_config_that_is_damaged_on_the_hub_cannot_be_kept(hub: Hub, v1: Path, tmp_path: Path) -> None:
    publish(v1, ID)
    gone = next(path for path in hub.dataset(ID).files() if path.startswith(OTHER))
    hub.dataset(ID).put({}, delete=[gone])
    write_config(tmp_path / "one", CONFIG, {"train": edited_table()}, MADE_FROM)
    with pytest.raises(VerificationError, match=rf"{gone} is not what its manifest.json says"):
        publish(tmp_path / "one", ID)
    publish(v1, ID)  # all of it heals it
    assert gone in hub.dataset(ID).files()


# ---------------------------------------------------------------------------------------------------------------- tags


def test_a_tag_never_moves(hub: Hub, v1: Path, v2: Path) -> None:
    first = publish(v1, ID, tag="v1").commit
    hub.requests.clear()
    with pytest.raises(HubError, match=r"tag v1 names commit \w{8}, which holds something else; a tag never moves"):
        publish(v2, ID, tag="v1")
    assert (hub.dataset(ID).tags["v1"], hub.dataset(ID).head, hub.lfs_bytes()) == (first, first, 0)


def test_a_tag_made_concurrently_is_not_moved(hub: Hub, v1: Path, v2: Path) -> None:
    first = publish(v1, ID).commit
    hub.before("POST", r"/tag/", lambda: hub.dataset(ID).tags.update(v2=str(first)))
    with pytest.raises(HubError, match="tag v2 names commit"):
        publish(v2, ID, tag="v2")
    assert hub.dataset(ID).tags["v2"] == first


def test_a_branch_cannot_be_a_tag(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    hub.dataset(ID).branches["next"] = hub.dataset(ID).head
    with pytest.raises(HubError, match="'next' is a branch"):
        publish(v1, ID, tag="next")


def test_no_tag_if_the_commit_differs_from_what_was_sent(hub: Hub, v1: Path) -> None:
    """The Hub reports success, but a file is missing in its commit."""
    repo = hub.create(ID)

    def lose_a_file() -> None:
        commit = repo.commits[repo.head]
        files = {path: blob for path, blob in commit.files.items() if path != "manifest.json"}
        repo.commits[repo.head] = replace(commit, files=files)

    hub.before("GET", r"/tree/", lose_a_file, nth=3)
    with pytest.raises(VerificationError, match=r"not what was published: manifest.json is missing; no tag is made"):
        publish(v1, ID, tag="v1")
    assert repo.tags == {}


# ------------------------------------------------------------------------------------------------------ it may not be


def test_a_folder_that_fails_verify_is_not_published(hub: Hub, v1: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(v1, tmp_path / "damaged")
    file = next((folder / "synthetic").iterdir())
    data = bytearray(file.read_bytes())
    data[100] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(VerificationError, match=rf"not published, .*synthetic/{file.name} has sha256"):
        publish(folder, ID)
    assert hub.requests == []


def test_not_logged_in(hub: Hub, v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="not logged in; run `hf auth login`, or set HF_TOKEN"):
        publish(v1, ID)
    assert hub.requests == []


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    ("token", "said"),
    [
        (Hub.READ, "this token may not do that; use one with write access"),
        (Hub.STRANGER, "this token may not do that; use one with write access"),
        ("hf_nobody", "the token is not valid"),
    ],
)
def test_no_write_access(
    hub: Hub, v1: Path, monkeypatch: pytest.MonkeyPatch, token: str, said: str, exists: bool
) -> None:
    if exists:
        hub.create(ID)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=said):
        publish(v1, ID)
    assert hub.lfs_bytes() == 0


def test_a_private_repository(hub: Hub, v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(v1, ID, private=True)
    assert hub.dataset(ID).private
    publish(v1, ID, private=True)
    monkeypatch.setenv("HF_TOKEN", Hub.STRANGER)
    with pytest.raises(HubError):
        publish(v1, ID)


def test_private_is_refused_for_a_public_repository(hub: Hub, v1: Path) -> None:
    hub.create(ID)
    with pytest.raises(UsageError, match="exists and is public"):
        publish(v1, ID, private=True)


@pytest.mark.parametrize("kind", ["models", "spaces"])
def test_a_repository_of_another_type(hub: Hub, v1: Path, kind: str) -> None:
    hub.create(ID, kind)
    with pytest.raises(UsageError, match=f"org/prm-gsm8k is a {kind[:-1]}, and there is no dataset of that name"):
        publish(v1, ID)
    assert ("datasets", ID) not in hub.repos


@pytest.mark.parametrize("name", ["prm-gsm8k", "org/prm/gsm8k", "org/", "org/prm gsm8k"])
def test_an_invalid_name(v1: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no repository of the Hub"):
        publish(v1, name)


@pytest.mark.parametrize(("status", "said"), [(503, "the Hub answers 503"), (429, "the Hub answers 429")])
def test_5xx_and_429_are_retried_and_then_an_error(
    hub: Hub, v1: Path, pauses: list[float], status: int, said: str
) -> None:
    hub.fail(times=math.inf, status=status, retry_after=7)
    with pytest.raises(HubUnreachable, match=rf"{said} .*5 times in a row; try again later"):
        publish(v1, ID)
    assert pauses == [7, 7, 7, 8]  # what the Hub asks for, and our own pause where that is longer


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the token is not valid; run `hf auth login`"),
        (403, r"this token may not do that; use one with write access, or propose it \(--create-pr\)"),
        (404, "there is no such dataset, or this token may not see it"),
        (503, "the Hub answers 503 .*5 times in a row; try again later"),
    ],
)
def test_a_refused_commit_says_why_and_changes_nothing(hub: Hub, small_v1: Path, status: int, said: str) -> None:
    hub.create(ID)
    for branch, but in (
        (None, ""),
        ("next", ", but for branch next, which was made and holds what main does"),
        ("next", ""),
    ):
        hub.fail("POST", "/commit/", times=math.inf, status=status)
        with pytest.raises(HubError, match=f"{ID}: cannot be published; it is as it was{but} or wholly new: {said}"):
            publish(small_v1, ID, revision=branch)
        hub.faults.clear()
        assert (commits(hub), hub.dataset(ID).files(branch or "main")) == (0, {})
        hub.fail("POST", "/commit/", times=1, status=429, retry_after=9)
        assert publish(small_v1, ID, revision=branch, plan_only=True).commit is None
        hub.faults.clear()


def test_a_pull_request_that_may_not_be_opened_is_not_advised_again(hub: Hub, small_v1: Path) -> None:
    hub.create(ID)
    hub.fail("POST", "/commit/", times=math.inf, status=403)
    with pytest.raises(HubError, match="this token may not do that") as no:
        publish(small_v1, ID, create_pr=True)
    assert "--create-pr" not in str(no.value)
    with pytest.raises(UsageError, match="a pull request is opened against main; leave the revision out"):
        publish(small_v1, ID, create_pr=True, revision="next")


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "75"}, [75]),
        ({"RateLimit": '"api";r=0;t=31'}, [31]),
        ({"RateLimit": '"api";r=2;t=31'}, [1]),
        ({"Retry-After": "soon"}, [1]),
        ({}, [1]),
    ],
)
def test_a_commit_waits_as_long_as_the_hub_asks_and_says_so(
    hub: Hub,
    small_v1: Path,
    pauses: list[float],
    capsys: pytest.CaptureFixture[str],
    headers: dict[str, str],
    waited: list[float],
) -> None:
    hub.create(ID)
    hub.fail("POST", "/commit/", status=429, headers=headers)
    assert publish(small_v1, ID).committed
    assert pauses == waited
    said = f"the Hub answers 429 (as the test wants it); waiting {waited[0]} s"
    assert (said in capsys.readouterr().err) == (waited[0] > 1)


def test_a_wait_of_an_hour_is_left_to_whoever_publishes(hub: Hub, small_v1: Path, pauses: list[float]) -> None:
    hub.create(ID)
    hub.fail("POST", "/commit/", times=math.inf, status=429, retry_after=3600)
    with pytest.raises(HubUnreachable, match=r"429 .*; the Hub asks to wait 3,600 s, so run it again then"):
        publish(small_v1, ID)
    assert (pauses, commits(hub), len(hub.asked("POST", "/commit/"))) == ([], 0, 1)


@pytest.mark.parametrize(
    "body", [b"<html><title>403</title><body>Forbidden</body></html>", b'{"error": "Forbidden"}', b'"no"', b"", b"\xff"]
)
def test_a_refusal_of_any_shape_is_one_line(hub: Hub, small_v1: Path, body: bytes) -> None:
    hub.create(ID)
    for path in ("/preupload/", "/commit/"):
        hub.fail("POST", path, times=math.inf, status=403, body=body)
        with pytest.raises(HubError, match=r"this token may not do that; use one with write access, or") as no:
            publish(small_v1, ID)
        assert "<" not in str(no.value) and "\n" not in str(no.value)
        hub.faults.clear()
    assert commits(hub) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tag": "main"}, "--tag main: is the branch main; name another tag"),
        ({"tag": "next", "revision": "next"}, "--tag next: is the branch next; name another tag"),
        ({"tag": "HEAD"}, "--tag HEAD: names something else to git"),
        ({"tag": "refs/tags/v1"}, "--tag refs/tags/v1: names something else to git; .* without refs/"),
        ({"tag": "0" * 40}, "names something else to git"),
        ({"tag": "v" * 300}, "no name that git takes"),
        ({"revision": "refs/pr/1"}, "--revision refs/pr/1: names something else to git"),
        ({"revision": "@"}, "--revision @: names something else to git"),
    ],
)
def test_a_name_that_cannot_be_made_is_refused_before_the_repository_is(
    hub: Hub, small_v1: Path, options: dict[str, str], said: str
) -> None:
    """Not when all is sent, and the tag alone is missing."""
    with pytest.raises(UsageError, match=said):
        publish(small_v1, ID, **options)  # type: ignore[arg-type]
    assert hub.repos == {} and hub.requests == []


def test_a_branch_with_the_name_of_a_tag_is_not_made(hub: Hub, small_v1: Path) -> None:
    repo = hub.create(ID)
    repo.tags["v1"] = repo.head
    with pytest.raises(UsageError, match=f"--revision v1: is a tag of {ID}; name a branch"):
        publish(small_v1, ID, revision="v1")
    assert (list(repo.branches), commits(hub)) == (["main"], 0)


def test_where_one_may_not_write_and_there_is_nothing_yet(
    hub: Hub, small_v1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HubError, match=r"no such dataset to open a pull request in, or .*; leave --create-pr out"):
        publish(small_v1, ID, create_pr=True)
    with pytest.raises(HubError, match=r"use one with write access to nobody, or name an ORG of yours .*'nobody'"):
        publish(small_v1, "nobody/rows")
    assert hub.repos == {}


def test_rows_behind_a_gate_are_asked_for_on_its_page(
    hub: Hub, small_v1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(small_v1, ID)
    hub.dataset(ID).gated = True
    for token in (Hub.STRANGER, ""):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(HubError, match="access to it must be asked for on its page first"):
            snapshot(ID)
    monkeypatch.setenv("HF_TOKEN", Hub.STRANGER)
    with pytest.raises(HubError, match="access to it must be asked for on its page first"):
        publish(small_v1, ID, create_pr=True)
    assert hub.dataset(ID).pull_requests == {}


def test_transient_failures_are_retried(hub: Hub, v1: Path) -> None:
    hub.fail(times=2, status=503)
    assert publish(v1, ID).committed


@pytest.mark.slow
def test_a_pull_request_needs_no_write_access_and_is_not_opened_twice(
    hub: Hub, v1: Path, v2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(v1, ID)
    monkeypatch.setenv("HF_TOKEN", Hub.READ)
    with pytest.raises(
        HubError, match=r"may not do that; use one with write access, or propose it \(--create-pr\)"
    ) as no:
        publish(v2, ID)
    assert "again" not in str(no.value)
    done = publish(v2, ID, create_pr=True)
    assert done.pull_request == f"{hub.endpoint}/datasets/{ID}/discussions/1" and done.committed
    repo = hub.dataset(ID)
    assert repo.files() != repo.files("refs/pr/1")
    assert data_files(v2) <= set(repo.files("refs/pr/1"))
    again = publish(v2, ID, create_pr=True)
    assert (again.pull_request, again.commit, again.committed) == (done.pull_request, done.commit, False)
    assert len(repo.pull_requests) == 1
    with pytest.raises(UsageError, match="a pull request cannot be tagged"):
        publish(v2, ID, create_pr=True, tag="v2")
    with pytest.raises(HubError, match="there is no such dataset to open a pull request in"):
        publish(v2, "org/none", create_pr=True)


@pytest.mark.slow
def test_a_branch_is_published_to_and_main_stays(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID)
    before = hub.dataset(ID).head
    done = publish(v2, ID, revision="next", tag="v2-rc1")
    repo = hub.dataset(ID)
    assert (repo.head, repo.branches["next"], repo.tags["v2-rc1"]) == (before, done.commit, done.commit)
    assert data_files(v2) <= set(repo.files("next"))
    assert publish(v2, ID, revision="next").committed is False
    assert publish(v1, "org/new", revision="first").commit == hub.dataset("org/new").branches["first"]


@pytest.mark.parametrize("name", ["", " ", "v 1", "-x", "v1..v2", "v1/", "a:b", "v1.lock", "refs~1"])
def test_a_name_that_git_does_not_take_is_refused_before_anything_is_asked(hub: Hub, v1: Path, name: str) -> None:
    for option in ("tag", "revision"):
        with pytest.raises(UsageError, match=rf"--{option} '.*': no name that git takes; give one such as v1.0.0"):
            publish(v1, ID, **{option: name})  # type: ignore[arg-type]
    assert hub.requests == []


# -------------------------------------------------------------------------------------------------------- the command


@pytest.mark.slow
def test_the_command_prints_the_line_that_loads_the_rows(
    hub: Hub, v1: Path, v2: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "publish", str(v1), ID, "--tag", "v1.0.0") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].strip() == 'load_dataset("org/prm-gsm8k", "synthetic", revision="v1.0.0")'
    assert "sending" in err
    assert run(monkeypatch, "publish", str(v2), ID, "--plan") == 0
    out, _ = capsys.readouterr()
    gone = next(iter(data_files(v1) - data_files(v2)))
    assert f"- {gone}" in out and "nothing was sent" in out
    assert commits(hub) == 1
    assert run(monkeypatch, "publish", str(v1), ID, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["committed"], said["commit"], said["add"]) == (False, hub.dataset(ID).head, {})
    assert run(monkeypatch, "publish", str(v1), "nonsense") == 2


@pytest.mark.slow
def test_no_token_in_any_output(
    hub: Hub,
    v1: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in ({"status": 401}, {"status": 403}, {"status": 500}, {"cut": "after"}):
        hub.fail(times=math.inf, **fault)  # type: ignore[arg-type]
        assert run(monkeypatch, "publish", str(v1), ID) == 1
        hub.faults.clear()
    assert run(monkeypatch, "publish", str(v1), ID, "--tag", "v1") == 0
    out, err = capsys.readouterr()
    assert "prm-gsm8k: org/prm-gsm8k: cannot be read: " in err
    assert Hub.WRITE not in out + err + caplog.text


@pytest.mark.slow
def test_no_progress_bars_without_a_terminal(hub: Hub, v1: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_DISABLE_PROGRESS_BARS"}
    command = [sys.executable, "-m", "prm_gsm8k.cli", "publish", str(v1), ID]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("prm-gsm8k: ") for line in done.stderr.splitlines()), done.stderr


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    from prm_gsm8k.cli.main import app

    monkeypatch.setattr(sys, "argv", ["prm-gsm8k", *arguments])
    with pytest.raises(SystemExit) as end:
        app(prog_name="prm-gsm8k")
    return int(end.value.code or 0)
