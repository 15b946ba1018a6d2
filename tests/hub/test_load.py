"""`load`: the requested revision with the published bytes, or an error that says why not."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import datasets
import pytest
from command_line import run_command
from hub.published import CONFIG, ID, MADE_FROM, edited_table
from loopback import Hub
from made_rows import made_table

from prm_gsm8k import load
from prm_gsm8k.build.build import build
from prm_gsm8k.build.publish import publish
from prm_gsm8k.dataset.card_lint import lint
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.exceptions import HubError, HubUnreachable, PrmGsm8kError, UsageError, VerificationError
from prm_gsm8k.hub.snapshot import snapshot

Offline = Callable[[], AbstractContextManager[None]]

FIRST_STEPS = ("He has 0 + 4 = 4 apples.", "Edited: He has 0 + 4 = 4 apples.")  # of row 0 in v1 and in v2


def first_step(**where: object) -> str:
    return str(load(CONFIG, "train", **where)[0]["completions"][0])  # type: ignore[arg-type, index]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without a folder `data` to fall back on."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -------------------------------------------------------------------------------------------------- the right revision


def test_all_rows_of_a_config(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    rows = load(CONFIG, repo_id=ID)
    assert isinstance(rows, datasets.DatasetDict)
    assert rows["train"].to_list() == made_table(range(40)).to_pylist()
    assert list(rows) == ["train", "test"]


def test_one_request_for_a_cached_tag_and_none_for_a_commit(hub: Hub, v1: Path) -> None:
    commit = publish(v1, ID, tag="v1").commit
    for revision, requests in ((None, 1), ("v1", 1), (commit, 0)):
        first_step(repo_id=ID, revision=revision)
        hub.requests.clear()
        assert first_step(repo_id=ID, revision=revision) == FIRST_STEPS[0]
        assert len(hub.requests) == requests, hub.requests


def test_only_the_requested_config_is_downloaded(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    hub.requests.clear()
    first_step(repo_id=ID)
    assert {path for request in hub.asked("GET", "/resolve/") for path in [request.path.split("/")[-2]]} >= {CONFIG}
    assert hub.asked("GET", "/resolve/.*/synthetic/") == []


def test_revisions_are_distinguished_online_and_offline(hub: Hub, v1: Path, v2: Path, offline: Offline) -> None:
    publish(v1, ID, tag="v1")
    assert first_step(repo_id=ID) == FIRST_STEPS[0]
    publish(v2, ID, tag="v2")
    assert [first_step(repo_id=ID, revision=revision) for revision in ("v1", "v2", None)] == [
        *FIRST_STEPS,
        FIRST_STEPS[1],
    ]
    with offline():
        assert [first_step(repo_id=ID, revision=revision) for revision in ("v1", "v2")] == list(FIRST_STEPS)
        with pytest.raises(HubUnreachable, match=r"all of by_hand at revision 'v3' is not in the cache"):
            load(CONFIG, repo_id=ID, revision="v3")
        with pytest.raises(HubUnreachable, match="all of by_others at revision 'v1' is not in the cache"):
            load("by_others", repo_id=ID, revision="v1")


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_a_revision_that_does_not_exist(hub: Hub, v1: Path, revision: str) -> None:
    publish(v1, ID)
    first_step(repo_id=ID)
    with pytest.raises(HubError, match=f"revision '{revision}' cannot be read: there is no such revision"):
        load(CONFIG, repo_id=ID, revision=revision)


def test_unknown_names_are_errors(hub: Hub, v1: Path) -> None:
    with pytest.raises(HubError, match="there is no such dataset, or this token may not see it"):
        load(CONFIG, repo_id=ID)
    publish(v1, ID)
    with pytest.raises(UsageError, match=r"has no config 'prm800k'; it has synthetic, by_hand, by_others"):
        load("prm800k", repo_id=ID)
    with pytest.raises(UsageError, match=r"by_hand of .* has no split 'validation'; it has train, test"):
        load(CONFIG, "validation", repo_id=ID)
    with pytest.raises(UsageError, match="revision 'v1' of what"):
        load(CONFIG, revision="v1")
    with pytest.raises(UsageError, match="seed cannot change it"):
        load("synthetic", repo_id=ID, seed=1)


def test_a_data_set_that_somebody_else_made(hub: Hub) -> None:
    hub.create(ID).put({"README.md": b"# theirs", "by_hand/train.parquet": b"PAR1"})
    with pytest.raises(VerificationError, match=r"no manifest.json .* `prm-gsm8k publish` did not make it"):
        load(CONFIG, repo_id=ID)


def test_a_slice(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    assert load(CONFIG, "train[2:5]", repo_id=ID).to_list() == made_table(range(40)).to_pylist()[2:5]  # type: ignore[union-attr]


def test_a_private_repository_needs_a_token(hub: Hub, v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(v1, ID, private=True)
    monkeypatch.setenv("HF_TOKEN", Hub.READ)
    assert first_step(repo_id=ID) == FIRST_STEPS[0]
    assert first_step(repo_id=ID, token=Hub.WRITE) == FIRST_STEPS[0]
    monkeypatch.setenv("HF_TOKEN", Hub.STRANGER)
    with pytest.raises(HubError, match="there is no such dataset, or this token may not see it"):
        first_step(repo_id=ID)


# --------------------------------------------------------------------------------------------------- the right content


def test_a_byte_flipped_on_the_hub(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    path = next(path for path in hub.dataset(ID).files() if path.startswith(CONFIG))
    hub.dataset(ID).flip_byte(path, at=50)
    with pytest.raises(VerificationError, match=f"{path} has sha256 .*; delete .* and fetch it"):
        load(CONFIG, repo_id=ID)
    assert run_command("verify", ID).returncode == 1


def test_a_byte_flipped_in_the_hub_cache(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    here = snapshot(ID)
    file = here.folder / here.manifest.configs[CONFIG].files[0].path
    flip(file.resolve())
    with pytest.raises(VerificationError, match=rf"{file.name} has sha256 .*; delete {file.resolve()}"):
        load(CONFIG, repo_id=ID)
    done = run_command("verify", ID)
    assert done.returncode == 1 and f"{file.name} has sha256" in done.stdout
    file.resolve().unlink()
    assert first_step(repo_id=ID) == FIRST_STEPS[0]


def test_a_byte_flipped_in_the_copy_of_datasets(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    rows = load(CONFIG, "train", repo_id=ID)
    arrow = Path(rows.cache_files[0]["filename"])  # type: ignore[union-attr, index]
    data = arrow.read_bytes()
    arrow.chmod(0o644)
    arrow.write_bytes(data.replace(b"He has 0 + 4", b"He has 0 + 5", 1))
    with pytest.raises(VerificationError, match=rf"by_hand/train in the datasets cache \({arrow.parent}\) is not what"):
        load(CONFIG, "train", repo_id=ID)
    shutil.rmtree(arrow.parent)
    assert first_step(repo_id=ID) == FIRST_STEPS[0]


@pytest.mark.slow
def test_a_row_that_was_edited_is_new_everywhere(hub: Hub, v1: Path, tmp_path: Path) -> None:
    """The same folder, the same repository, the same cache: the new row, through `load` and through `load_dataset`."""
    folder = shutil.copytree(v1, tmp_path / "folder")
    for step in FIRST_STEPS:
        publish(folder, ID)
        found = {
            "load, Hub": first_step(repo_id=ID),
            "load, folder": first_step(folder=folder),
            "load_dataset, Hub": datasets.load_dataset(ID, CONFIG, split="train")[0]["completions"][0],
            "load_dataset, folder": datasets.load_dataset(str(folder), CONFIG, split="train")[0]["completions"][0],
        }
        assert found == dict.fromkeys(found, step)
        write_config(folder, CONFIG, {"train": edited_table()}, MADE_FROM)


def test_load_dataset_gives_the_same_rows_from_hub_and_folder(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    for config in ("synthetic", CONFIG):
        on_the_hub = datasets.load_dataset(ID, config, split="train")
        assert on_the_hub.to_list() == datasets.load_dataset(str(v1), config, split="train").to_list()
        assert on_the_hub.to_list() == load(config, "train", repo_id=ID).to_list()  # type: ignore[union-attr]
    assert datasets.load_dataset(ID, split="train").to_list()[0]["error_reason"] == ""  # `synthetic` is the default


@pytest.mark.slow
def test_streaming_reads_ranges(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    hub.requests.clear()
    rows = datasets.load_dataset(ID, CONFIG, split="train", streaming=True)
    assert next(iter(rows)) == made_table(range(1)).to_pylist()[0]
    assert any(request.status == 206 for request in hub.asked("GET", "/resolve/"))


# ---------------------------------------------------------------------------------------------- where rows come from


def test_published_rows_take_precedence_with_a_message(
    hub: Hub, v1: Path, v2: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(v1, ID, tag="v1")
    shutil.copytree(v2, elsewhere / "data")
    assert first_step(repo_id=ID, revision="v1") == FIRST_STEPS[0]
    assert "reading by_hand 1." in (said := capsys.readouterr().err)
    assert f"of {ID} at v1, commit {hub.dataset(ID).head[:8]}" in said
    assert first_step() == FIRST_STEPS[1]
    assert "from the folder data" in capsys.readouterr().err


def test_a_repository_that_was_never_fetched_is_an_error_whatever_lies_here(
    hub: Hub, v1: Path, v2: Path, elsewhere: Path, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(v1, ID)
    shutil.copytree(v2, elsewhere / "data")
    for config in (CONFIG, "synthetic"):
        with offline(), pytest.raises(HubUnreachable, match=r"is not in the cache.* without repo_id .* come from here"):
            load(config, repo_id="org/other")
    hub.fail(times=math.inf, cut="before")
    for revision in (None, "v1"):
        with pytest.raises(HubUnreachable, match=r"cannot be reached .*5 times in a row"):
            load(CONFIG, repo_id=ID, revision=revision)
    assert list(datasets.config.HF_DATASETS_CACHE.glob("*")) == [], "nothing was built that load_dataset would find"
    assert first_step() == FIRST_STEPS[1]
    assert "from the folder data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Org/prm-gsm8k", HubError),
        ("org/PRM-GSM8K", HubError),
        ("org/prm_gsm8k", HubError),
        ("org/prm-gsm8k/", UsageError),
        (" org/prm-gsm8k", UsageError),
        ("org--prm-gsm8k", UsageError),
        ("org/prm-gsm8k@v1", UsageError),
        ("org/prm-gsm8k.git", UsageError),
        ("datasets/org/prm-gsm8k", UsageError),
        ("hf://datasets/org/prm-gsm8k", UsageError),
        ("https://huggingface.co/datasets/org/prm-gsm8k", UsageError),
        ("", UsageError),
    ],
)
def test_a_name_that_looks_alike_gives_no_rows(
    hub: Hub, v1: Path, v2: Path, elsewhere: Path, offline: Offline, name: str, error: type[Exception]
) -> None:
    publish(v1, ID)
    first_step(repo_id=ID)
    shutil.copytree(v2, elsewhere / "data")
    with pytest.raises(error):
        first_step(repo_id=name)
    with offline(), pytest.raises(error):
        first_step(repo_id=name)


def test_two_repositories_of_one_config_are_not_mixed_up(
    hub: Hub, v1: Path, v2: Path, elsewhere: Path, offline: Offline
) -> None:
    """In one HF_HOME, whose copies of both have files of the same names; also when one is damaged, or gone."""
    other = "org/prm_gsm8k"
    publish(v1, ID)
    publish(v2, other)
    both = [first_step(repo_id=ID), first_step(repo_id=other)]
    assert both == list(FIRST_STEPS)
    with offline():
        assert [first_step(repo_id=ID), first_step(repo_id=other)] == both
        for name in (ID, other, "org/none"):
            with pytest.raises(ConnectionError):  # what `load` fetched is nothing that load_dataset takes for another's
                datasets.load_dataset(name, CONFIG)
    del hub.repos["datasets", other]
    with pytest.raises(HubError, match="there is no such dataset"):
        first_step(repo_id=other)
    file = snapshot(ID).folder / snapshot(ID).manifest.configs[CONFIG].files[0].path
    file.unlink()
    with offline(), pytest.raises(HubUnreachable, match="all of by_hand at revision 'main' is not in the cache"):
        first_step(repo_id=ID)
    with offline():
        assert first_step(repo_id=other) == both[1]
    assert first_step(repo_id=ID) == both[0]


def test_rows_that_are_built_under_a_name_do_not_become_what_was_published(
    hub: Hub, v1: Path, elsewhere: Path, offline: Offline
) -> None:
    publish(v1, ID)
    published = load("synthetic", "train", repo_id=ID)
    problems = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[30:34]]
    (elsewhere / "few.jsonl").write_text("".join(json.dumps(one) + "\n" for one in problems))
    for name in (ID, "org/none"):
        build("synthetic", elsewhere / "out", problems="few.jsonl", repo_id=name, num_proc=1)
    with offline():
        assert load("synthetic", "train", repo_id=ID).to_list() == published.to_list()  # type: ignore[union-attr]
        with pytest.raises(HubUnreachable, match="not in the cache"):
            load("synthetic", repo_id="org/none")
        with pytest.raises(ConnectionError):
            datasets.load_dataset("org/other", "synthetic")


def test_a_repository_that_was_renamed_is_found_by_its_old_name(
    hub: Hub, v1: Path, v2: Path, elsewhere: Path, offline: Offline
) -> None:
    """As the Hub does it: the old address leads to the new one, until somebody takes the old name."""
    publish(v1, ID)
    first_step(repo_id=ID)
    hub.repos["datasets", "org/renamed"] = hub.repos.pop(("datasets", ID))
    hub.moved[ID] = "org/renamed"
    assert first_step(repo_id=ID) == FIRST_STEPS[0]
    shutil.rmtree(elsewhere / "hf_home")
    assert first_step(repo_id=ID) == FIRST_STEPS[0]
    hub.moved.clear()
    publish(v2, ID)
    assert first_step(repo_id=ID) == FIRST_STEPS[1]


@pytest.mark.parametrize("fault", [{"cut": "before"}, {"status": 503}, {"status": 429}])
def test_an_unreachable_hub_falls_back_to_the_cache(
    hub: Hub, v1: Path, capsys: pytest.CaptureFixture[str], fault: dict[str, object], pauses: list[float]
) -> None:
    publish(v1, ID)
    first_step(repo_id=ID)
    hub.fail(times=math.inf, **fault)  # type: ignore[arg-type]
    assert first_step(repo_id=ID) == FIRST_STEPS[0]
    assert "from the cache: the Hub cannot be asked" in capsys.readouterr().err
    assert pauses == []


def test_5xx_is_retried_and_then_an_error(hub: Hub, v1: Path, pauses: list[float]) -> None:
    publish(v1, ID, tag="v1")
    hub.fail(times=math.inf, status=502)
    with pytest.raises(HubUnreachable, match=r"the Hub answers 502 .*5 times in a row; try again later"):
        load(CONFIG, repo_id=ID, revision="v1")
    assert pauses == [1, 2, 4, 8]


def test_an_interrupted_download_resumes(hub: Hub, v1: Path) -> None:
    publish(v1, ID)
    hub.fail("GET", rf"/{CONFIG}/", times=math.inf, cut="before")
    with pytest.raises(HubUnreachable):
        load(CONFIG, repo_id=ID, revision="main")
    hub.faults.clear()
    assert first_step(repo_id=ID, revision="main") == FIRST_STEPS[0]


def test_prm800k_is_never_built_implicitly(elsewhere: Path, hf_home: Path) -> None:
    with pytest.raises(PrmGsm8kError, match="prm800k is not built here: `prm-gsm8k build prm800k`"):
        load("prm800k")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["HF_HUB_CACHE", "HF_DATASETS_CACHE"])
def test_a_full_disk(hub: Hub, v1: Path, tmp_path: Path, place: str) -> None:
    """A file of more than 3 kB cannot be written, in the cache of the Hub or in that of datasets."""
    publish(v1, ID)
    if place == "HF_DATASETS_CACHE":
        snapshot(ID)
    code = f"""
import resource, signal
import datasets, prm_gsm8k
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))
try:
    print("loaded", prm_gsm8k.load({CONFIG!r}, repo_id={ID!r}))
except prm_gsm8k.exceptions.PrmGsm8kError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", "import prm_gsm8k.exceptions" + code], capture_output=True, text=True)
    assert "cache cannot be written: File too large; free some space" in done.stdout, done.stderr
    assert first_step(repo_id=ID) == FIRST_STEPS[0]


# ------------------------------------------------------------------------------------------------------- Xet, verify


@pytest.mark.slow
def test_xet_there_and_back(xet_hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID, tag="v1")
    publish(v2, ID)
    assert xet_hub.lfs_bytes() == 0 and xet_hub.xet is not None
    assert [first_step(repo_id=ID, revision=revision) for revision in ("v1", None)] == list(FIRST_STEPS)


def test_all_of_it_is_fetched_after_one_config_was(hub: Hub, v1: Path) -> None:
    publish(v1, ID, configs=["synthetic"])
    load("synthetic", repo_id=ID)
    assert list(lint(snapshot(ID).folder)) == []


def test_verify_a_published_revision(hub: Hub, v1: Path, v2: Path) -> None:
    publish(v1, ID, tag="v1.0.0")
    publish(v2, ID)
    done = run_command("verify", f"{ID}@v1.0.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "by_hand: 90 rows" in done.stdout
    done = run_command("verify", f"{ID}@v2.0.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "prm-gsm8k: org/prm-gsm8k: revision 'v2.0.0' cannot be read: there is no such revision" in done.stderr


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[50] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(data)
