"""A built folder: what is in it, that it loads, that it is replaced whole or not at all, and that damage is seen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from made_rows import CONFIG, MADE_FROM, made_table, made_tables, right_row, wrong_row

from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.files import replacing
from prm_gsm8k.dataset.folder import check_out, read_tables, write_config
from prm_gsm8k.dataset.manifest import read_manifest
from prm_gsm8k.dataset.schema import arrow_schema
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError, VerificationError

TESTS = Path(__file__).parents[1]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)
    return tmp_path / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# ------------------------------------------------------------------------------------------------------ what is in it


def test_it_holds_card_manifest_and_parquet(built: Path) -> None:
    names = list(contents(built))
    assert names[:2] == [
        "README.md",
        f"{CONFIG}/test-{read_manifest(built).configs[CONFIG].split_digests['test'][:8]}-00000-of-00001.parquet",
    ]
    assert "manifest.json" in names
    assert len(names) == 4


def test_parquet_follows_the_recipe(built: Path) -> None:
    file = pq.ParquetFile(next(built.glob("*/train-*")))
    assert b"huggingface" not in (file.metadata.metadata or {})
    column = file.metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_column_index and column.has_offset_index
    # a dictionary of texts changes with the first of them, and every page with it: all would be uploaded again
    columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    assert {c.path_in_schema for c in columns if c.has_dictionary_page} == {"error_type", "source"}


def test_the_card_says_what_the_manifest_says(built: Path) -> None:
    card = (built / "README.md").read_text()
    head = yaml.safe_load(card.split("---\n")[1])
    entry = read_manifest(built).configs[CONFIG]
    assert head["license"] == "mit"
    assert head["configs"][0]["version"] == entry.version
    assert head["configs"][0]["default"] is True
    sizes = {s["name"]: s["num_examples"] for s in head["dataset_info"][0]["splits"]}
    assert sizes == {"train": 80, "test": 10}
    assert "sequence: string" in card
    assert not re.search(r"<!-- (table|only|end)", card), "a place for a table was left open"


def test_counts_are_those_of_the_rows(built: Path) -> None:
    stats = read_manifest(built).configs[CONFIG].splits["train"]
    assert asdict(stats) == {
        "rows": 80,
        "problems": 40,
        "wrong_rows": 40,
        "steps": 160,
        "right_steps": 120,
        "error_types": {"none": 40, "skipped_step": 40},
        "first_errors": {"1": 40},
        "first_error_places": {"2": 40},
        "first_error_in_last_step": 40,
    }


def test_the_same_rows_are_the_same_bytes_however_they_were_cut(built: Path, tmp_path: Path) -> None:
    train = made_tables()["train"]
    pieces = pa.concat_tables([train.slice(0, 7), train.slice(7, 50), train.slice(57)])
    write_config(tmp_path / "again", CONFIG, {"test": made_tables()["test"], "train": pieces}, MADE_FROM)
    assert contents(built) == contents(tmp_path / "again")


# ------------------------------------------------------------------------------------------------------------ loading


def test_load_dataset_reads_it(built: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(built), CONFIG, cache_dir=str(tmp_path / "cache"))
    assert {split: loaded[split].num_rows for split in loaded} == {"train": 80, "test": 10}
    assert loaded["train"].to_list() == made_tables()["train"].to_pylist()


def test_load_dataset_sees_every_change_in_one_cache(built: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    first = datasets.load_dataset(str(built), CONFIG, split="train", cache_dir=cache)
    other = pa.Table.from_pylist([{**row, "source": "by foot"} for row in first.to_list()], schema=arrow_schema(CONFIG))
    write_config(built, CONFIG, {"train": other}, MADE_FROM)
    second = datasets.load_dataset(str(built), CONFIG, cache_dir=cache)
    assert list(second) == ["train"]
    assert set(second["train"]["source"]) == {"by foot"}
    write_config(built, CONFIG, made_tables(), MADE_FROM)
    third = datasets.load_dataset(str(built), CONFIG, split="train", cache_dir=cache)
    assert third.to_list() == first.to_list()


def test_configs_live_side_by_side(built: Path, tmp_path: Path) -> None:
    before = contents(built)
    (built / "NOTES").write_text("the user's own")
    write_config(built, "later", {"train": made_table(range(7))}, MADE_FROM)
    after = contents(built)
    assert after["NOTES"] == b"the user's own"
    assert all(after[name] == data for name, data in before.items() if name.startswith(CONFIG))
    assert verify(built, RECIPES).ok
    for config, rows in ((CONFIG, 80), ("later", 14)):
        assert datasets.load_dataset(str(built), config, split="train", cache_dir=str(tmp_path / "c")).num_rows == rows


# ------------------------------------------------------------------------------------------------------ all or nothing


def test_a_row_that_breaks_the_contract_leaves_the_folder_as_it_was(built: Path) -> None:
    before = contents(built)
    bad = pa.Table.from_pylist([{**wrong_row(), "first_error": 0}], schema=arrow_schema(CONFIG))
    with pytest.raises(VerificationError, match="first_error is 0, but the labels say 1"):
        write_config(built, CONFIG, {"train": bad}, MADE_FROM)
    assert contents(built) == before
    assert [p.name for p in built.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["train/3", "train/3/twin-0", "train/3/variant-1/base-2"])
def test_a_problem_in_two_splits_is_refused(name: str, tmp_path: Path) -> None:
    row = {**right_row(3, "test"), "problem_id": name}
    test = pa.Table.from_pylist([row], schema=arrow_schema(CONFIG))
    with pytest.raises(VerificationError, match="'train/3' occurs in more than one split"):
        write_config(tmp_path / "out", CONFIG, {"train": made_table(range(5)), "test": test}, MADE_FROM)
    assert not (tmp_path / "out").exists()


def test_no_rows_are_no_folder(tmp_path: Path) -> None:
    with pytest.raises(PrmGsm8kError, match="no row at all"):
        write_config(tmp_path / "out", CONFIG, {"train": made_table(range(0))}, MADE_FROM)
    assert list(tmp_path.iterdir()) == []


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_build_leaves_the_folder_as_it_was_and_the_next_sweeps(built: Path) -> None:
    before = contents(built)
    code = """
import sys, time, pathlib
from prm_gsm8k.dataset.files import replacing
with replacing(pathlib.Path(sys.argv[1])) as new:
    (new / "half").write_text("written")
    print("writing", flush=True)
    time.sleep(60)
"""
    with run_python(code, built) as process:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    assert contents(built) == before
    assert len(list(built.parent.iterdir())) == 2
    write_config(built, CONFIG, made_tables(), MADE_FROM)
    assert [p.name for p in built.parent.iterdir()] == ["out"]


def test_a_kill_between_two_renames_loses_nothing(built: Path) -> None:
    """Where a system cannot exchange two folders in one step, the old one is moved aside first."""
    before = contents(built)
    built.rename(built.parent / ".out.prm-gsm8k-old-x")
    with pytest.raises(RuntimeError), replacing(built):
        raise RuntimeError
    assert contents(built) == before
    assert [p.name for p in built.parent.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_folder_as_it_was(built: Path) -> None:
    before = contents(built)
    code = """
import pathlib, resource, sys
from made_rows import CONFIG, MADE_FROM, made_tables
from prm_gsm8k.dataset.folder import write_config
tables = made_tables(20_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
write_config(pathlib.Path(sys.argv[1]), CONFIG, tables, MADE_FROM)
"""
    with run_python(code, built) as process:
        _, errors = process.communicate()
    assert re.search(r"PrmGsm8kError: \S+/out: cannot be written: .*It is as it was", errors), errors
    assert contents(built) == before
    assert [p.name for p in built.parent.iterdir()] == ["out"]


def test_out_that_holds_something_else_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds something else \(thesis.tex\)"):
        check_out(tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "an extension of a browser"}')
    with pytest.raises(UsageError, match="not a manifest that `prm-gsm8k build` made"):
        check_out(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        check_out(tmp_path / "thesis.tex")
    with pytest.raises(UsageError, match="is a file"):
        check_out(tmp_path / "thesis.tex" / "out")


def test_the_folder_one_stands_in_is_refused(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built)
    with pytest.raises(UsageError, match="the folder you are in"):
        check_out(Path())


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o750)
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert verify(tmp_path / "out", RECIPES).ok


def test_an_unwritable_place_is_said_before_any_work() -> None:
    """Nothing is unwritable for root, so root asks in a child process that has become nobody."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        closed = Path(place) / "closed"
        closed.mkdir(mode=0o555)
        child = os.fork()
        if child == 0:
            said = ""
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                check_out(closed / "out")
            except PrmGsm8kError as error:
                said = str(error)
            os._exit(0 if "may not be written" in said else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ------------------------------------------------------------------------------------------------------------- verify


def findings(folder: Path) -> str:
    return "\n".join(verify(folder, RECIPES).findings)


def forge(folder: Path, tables: dict[str, pa.Table]) -> None:
    """Other rows under a manifest that fits them in everything but what the rows say."""
    write_config(folder, CONFIG, tables, MADE_FROM)


def test_a_folder_as_built_has_nothing_wrong(built: Path) -> None:
    verdict = verify(built, RECIPES)
    assert verdict.findings == []
    assert verdict.rows == {CONFIG: 90}
    assert "one label a prefix" in verdict.checks


def test_a_flipped_byte_is_seen(built: Path) -> None:
    path = next(built.glob("*/train-*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert re.search(r"files: by_hand/train-\S+ has sha256", findings(built))


def test_a_missing_and_a_foreign_file_are_seen(built: Path) -> None:
    path = next(built.glob("*/train-*"))
    path.rename(path.with_name("train-of-mine.parquet"))
    assert re.search(r"train-\S+ is missing", findings(built))
    assert "by_hand/train-of-mine.parquet is not in manifest.json" in findings(built)


def test_a_card_that_says_otherwise_is_seen(built: Path) -> None:
    card = (built / "README.md").read_text()
    (built / "README.md").write_text(card.replace("num_examples: 80", "num_examples: 81"))
    assert "card: README.md: dataset_info of 'by_hand': splits is not as in manifest.json" in findings(built)
    (built / "README.md").write_text("no head")
    assert "card: README.md does not begin with a YAML head" in findings(built)


def test_prose_of_the_card_is_free(built: Path) -> None:
    with (built / "README.md").open("a") as card:
        card.write("\nMy own remarks.\n")
    assert verify(built, RECIPES).ok


def test_a_manifest_with_other_counts_or_digests_is_seen(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    config = manifest["configs"][CONFIG]
    config["splits"]["train"]["steps"] += 1
    config["split_digests"]["test"] = "0" * 64
    config["overlaps"]["different prompts in train and validation"] = 39
    config["overlaps"]["questions of my own"] = 0
    (built / "manifest.json").write_text(json.dumps(manifest))
    assert "counts: train: steps is 160, not 161" in findings(built)
    assert "overlaps: different prompts in train and validation is 40, not 39" in findings(built)
    assert "overlaps: questions of my own is None, not 0" in findings(built)
    assert re.search("content digest: test has [0-9a-f]{64}, not 0000", findings(built))


def test_a_manifest_may_not_point_outside_its_folder(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    manifest["configs"][CONFIG]["files"][0]["path"] = "../../etc/passwd"
    (built / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match="outside the folder"):
        verify(built, RECIPES)


def test_one_prefix_labelled_both_ways_is_seen(built: Path) -> None:
    contrary = {
        **wrong_row(3),
        "labels": [False, False],
        "first_error": 0,
        "id": "contrary",
        "completions": [wrong_row(3)["completions"][0], "Another end."],
    }
    train = pa.concat_tables([made_table(range(5)), pa.Table.from_pylist([contrary], schema=arrow_schema(CONFIG))])
    forge(built, {"train": train})
    assert "steps 0 to 0 are False in 'contrary' and True in 'train/3/right'" in findings(built)


def test_one_solution_twice_is_seen(built: Path) -> None:
    again = pa.Table.from_pylist([{**right_row(2), "id": "again"}], schema=arrow_schema(CONFIG))
    forge(built, {"train": pa.concat_tables([made_table(range(5)), again])})
    assert "no solution twice: 'again' is 'train/2/right' again" in findings(built)


def test_a_folder_without_manifest_is_no_folder_of_ours(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"no manifest.json"):
        verify(tmp_path, RECIPES)


def test_rows_come_back_as_they_were_written(built: Path) -> None:
    assert read_tables(built, read_manifest(built), CONFIG) == made_tables()
