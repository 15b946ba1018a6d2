"""From problems to rows through the datasets cache: never an old answer, the same rows from any number of processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets.naming import camelcase_to_snakecase

import prm_gsm8k
import prm_gsm8k.builders
from prm_gsm8k.api import build_synthetic
from prm_gsm8k.build.build import build, prepared
from prm_gsm8k.build.registry import RECIPES, ModelSampledRecipe, SyntheticRecipe
from prm_gsm8k.builders.builder import PrmGsm8kBuilder
from prm_gsm8k.dataset import splits
from prm_gsm8k.dataset.cache import repo_folder
from prm_gsm8k.dataset.digest import content_digest
from prm_gsm8k.dataset.problems import problems_from, shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.dataset.schema import check_table
from prm_gsm8k.dataset.splits import keep_share
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, UsageError, VerificationError
from prm_gsm8k.synthetic.generate import generate

SOME = 400  # rows: 100 problems are enough for processes to share


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def problems_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:60]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def digests(**options: Any) -> dict[str, str]:
    with prepared("synthetic", **options) as (builder, _):
        return {split: content_digest(table) for split, table in builder.tables().items()}


# ---------------------------------------------------------------------------------------------------- the same rows


@pytest.mark.slow
def test_rows_counts_and_files_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    made = {}
    for num_proc in (1, 2, 4):
        built = build(
            "synthetic",
            tmp_path / f"out{num_proc}",
            num_proc=num_proc,
            cache_dir=str(tmp_path / f"c{num_proc}"),
            max_examples=SOME,
        )
        assert not built.cached
        made[num_proc] = (built.config, built.skipped)
    assert made[1] == made[2] == made[4]


@pytest.mark.slow
def test_the_processes_of_datasets_make_the_same_rows_as_ours(tmp_path: Path) -> None:
    made = []
    for num_proc in (None, 3):
        builder = PrmGsm8kBuilder("synthetic", cache_dir=str(tmp_path / str(num_proc)), max_examples=SOME)
        builder.download_and_prepare(num_proc=num_proc)
        made.append(({s: content_digest(t) for s, t in builder.tables().items()}, builder.tally()))
    assert made[0] == made[1]
    assert made[0][0] == digests(cache_dir=str(tmp_path / "ours"), max_examples=SOME, num_proc=2)


@pytest.mark.slow
def test_a_seed_is_a_dataset(cache: str) -> None:
    assert digests(cache_dir=cache, max_examples=200, seed=0) != digests(cache_dir=cache, max_examples=200, seed=1)


@pytest.mark.slow
def test_a_build_keeps_the_contract_and_passes_its_own_verification(tmp_path: Path, cache: str) -> None:
    built = build("synthetic", tmp_path / "out", cache_dir=cache, max_examples=SOME)
    verdict = verify(tmp_path / "out", RECIPES)
    assert verdict.findings == []
    assert "twins" in verdict.checks
    assert list(built.config.splits) == ["train", "validation", "test"]
    rows = datasets.load_dataset(str(tmp_path / "out"), "synthetic", split="train", cache_dir=str(tmp_path / "hf"))
    assert rows.num_rows == built.config.splits["train"].rows


def test_splits_follow_the_problem(cache: str) -> None:
    with prepared("synthetic", cache_dir=cache, max_examples=SOME) as (builder, _):
        tables = builder.tables()
    for split, table in tables.items():
        origin = {"/".join(problem.split("/")[:2]) for problem in table["problem_id"].to_pylist()}
        assert origin == {"gsm8k/test" if split == "test" else "gsm8k/train"}


# ---------------------------------------------------------------------------------------------------------- the cache


@pytest.mark.slow
def test_the_second_build_is_a_hit_and_tells_the_same(tmp_path: Path, cache: str) -> None:
    first = build("synthetic", tmp_path / "a", cache_dir=cache, max_examples=400, seed=5)
    second = build("synthetic", tmp_path / "b", cache_dir=cache, max_examples=400, seed=5)
    assert (first.cached, second.cached) == (False, True)
    assert (first.config, first.skipped) == (second.config, second.skipped)
    assert first.config.drops["problems"] > 0


@pytest.mark.slow
def test_a_byte_flipped_in_the_cache_is_neither_loaded_nor_built_from(tmp_path: Path) -> None:
    cache, seed = str(tmp_path / "cache"), 6
    build("synthetic", tmp_path / "a", cache_dir=cache, max_examples=400, seed=seed)
    arrow = next(Path(cache).rglob("prm-gsm8k-train.arrow"))
    data = bytearray(arrow.read_bytes())
    data[len(data) // 2] ^= 0xFF
    arrow.chmod(0o644)
    arrow.write_bytes(data)
    for read in (PrmGsm8kBuilder.tables, PrmGsm8kBuilder.check):
        with (
            pytest.raises(VerificationError, match=f"{arrow.parent}: the rows in the datasets cache are not those"),
            prepared("synthetic", cache_dir=cache, max_examples=400, seed=seed) as (builder, cached),
        ):
            assert cached
            read(builder)
    with pytest.raises(VerificationError):
        build("synthetic", tmp_path / "b", cache_dir=cache, max_examples=400, seed=seed)
    assert not (tmp_path / "b").exists()


def test_every_choice_has_its_own_place_in_the_cache(cache: str, problems_file: Path) -> None:
    choices: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"num_incorrect_per_problem": 2},
        {"num_correct_per_problem": 2},
        {"max_examples": 100},
        {"problems": str(problems_file)},
    ]
    places = {PrmGsm8kBuilder("synthetic", cache_dir=cache, **choice).cache_dir for choice in choices}
    assert len(places) == len(choices)


def test_a_changed_problem_is_never_answered_by_the_old_cache(cache: str, problems_file: Path) -> None:
    before = digests(cache_dir=cache, problems=str(problems_file))
    lines = problems_file.read_text().splitlines(keepends=True)
    problems_file.write_text("".join(lines[1:]))
    assert digests(cache_dir=cache, problems=str(problems_file)) != before


@pytest.mark.slow
def test_a_changed_source_file_is_never_answered_by_the_old_cache(tmp_path: Path) -> None:
    """In a copy of the package, whose files get one comment more."""
    copy = tmp_path / "prm_gsm8k"
    shutil.copytree(Path(prm_gsm8k.__file__).parent, copy)
    shutil.copytree(Path(prm_gsm8k.builders.__file__).parent, copy / "builders", dirs_exist_ok=True)
    code = """
import pathlib, sys
from prm_gsm8k.builders.builder import PrmGsm8kBuilder
places = [PrmGsm8kBuilder("synthetic").cache_dir, PrmGsm8kBuilder("synthetic").cache_dir]
for changed in ("synthetic/generate.py", "dataset/schema.py", "dataset/recipe.py", "cli/main.py"):
    with (pathlib.Path(sys.argv[1]) / changed).open("a") as source:
        source.write("# one more line")
    places.append(PrmGsm8kBuilder("synthetic").cache_dir)
print(*[places.index(place) for place in places])
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", code, str(copy)]
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said == "0 0 2 3 4 4\n", "unchanged is a hit, a changed file is none, and the command line decides no row"


def test_what_a_killed_build_left_is_not_counted(cache: str) -> None:
    builder = PrmGsm8kBuilder("synthetic", cache_dir=cache, max_examples=100, seed=9)
    left = Path(f"{builder.cache_dir}.incomplete")
    left.mkdir(parents=True)
    (left / "tally-train-dead.json").write_text('{"counts": {"problems": 1000000}, "skipped": []}')
    (left / "prm-gsm8k-train-00000-00007-of-NNNNN.arrow").write_bytes(b"half")
    builder.download_and_prepare()
    assert 10 <= builder.tally().counts["problems"] <= 100
    assert not list(Path(builder.cache_dir).glob("*NNNNN*"))


@pytest.mark.slow
def test_the_cache_is_where_load_dataset_looks_when_it_is_offline(
    tmp_path: Path, hf_home: Path, offline: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under any name, with any options, whatever was built under another name; from few problems."""
    few = {"train": shipped_problems("train")[:8], "test": shipped_problems("test")[:2]}
    monkeypatch.setattr(splits, "shipped_problems", few.__getitem__)

    def built(repo_id: str | None, **options: int) -> list[str]:
        build("synthetic", tmp_path / "out", repo_id=repo_id, num_proc=1, **options)
        return list(datasets.load_dataset(str(tmp_path / "out"), "synthetic", split="train")["completions"])

    def found(repo_id: str) -> list[str]:
        return list(datasets.load_dataset(repo_id, "synthetic", split="train")["completions"])

    with offline():
        default = built("org/prm-gsm8k")
        others = built("My/GSM8kSteps", seed=1), built("org/other.v2", num_incorrect_per_problem=1)
        assert found("org/prm-gsm8k") == default
        assert (found("My/GSM8kSteps"), found("org/other.v2")) == others
        assert built("org/other.v2", seed=2) == found("org/other.v2") != others[1]
        time.sleep(0.02)  # so that the times of two folders differ
        assert built("org/other.v2", num_incorrect_per_problem=1) == found("org/other.v2") == others[1], "built before"
        built(None, seed=3)
        assert found("org/prm-gsm8k") == default


@pytest.mark.parametrize("name", ["prm-gsm8k", "GSM8kSteps", "a_B.c", "XMLParser2Go", "HTTPx", "gsm8K-PRM"])
def test_a_repository_has_the_folder_that_datasets_gives_it(name: str) -> None:
    assert repo_folder(f"Org/{name}") == f"Org___{camelcase_to_snakecase(name)}"


def test_a_repository_name_that_is_none_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no repository of the Hub"):
        build("synthetic", tmp_path / "out", repo_id="prm-gsm8k")


# -------------------------------------------------------------------------------------------------------- max_examples


@pytest.mark.parametrize(("limit", "twins"), [(10, True), (17, True), (403, True), (403, False)])
def test_max_examples_is_a_limit_of_whole_problems(limit: int, twins: bool) -> None:
    """As many as there is room for, whatever rows one problem more might have."""
    recipe = SyntheticRecipe(max_examples=limit, twins=twins)
    by_split, _ = recipe.read_problems()
    rows = len(list(generate([problem for problems in by_split.values() for problem in problems], recipe.options)))
    assert limit - recipe.rows_per_problem < rows <= limit


@pytest.mark.slow
def test_max_examples_keeps_the_same_share_of_each_split() -> None:
    whole, _ = SyntheticRecipe().read_problems()
    some, _ = SyntheticRecipe(max_examples=2000).read_problems()
    share = sum(map(len, some.values())) / sum(map(len, whole.values()))
    for split in whole:
        assert abs(len(some[split]) - len(whole[split]) * share) <= 1
        kept = {problem.id for problem in some[split]}
        assert [problem for problem in whole[split] if problem.id in kept] == some[split], "the order changed"


def test_a_larger_limit_keeps_a_smaller_ones_problems() -> None:
    problems = {"train": shipped_problems("train")[:200], "test": shipped_problems("test")[:50]}
    small, large = keep_share(problems, 25, seed=3), keep_share(problems, 100, seed=3)
    for split in problems:
        assert {p.id for p in small[split]} <= {p.id for p in large[split]}
    assert keep_share(problems, 25, seed=4) != small


def test_options_out_of_range_are_misuse() -> None:
    for name, value in {
        "num_incorrect_per_problem": -1,
        "num_correct_per_problem": 0,
        "max_examples": 3,
        "variants": -1,
        "error_mix": {"mood": 1.0},
    }.items():
        with pytest.raises(UsageError, match="mood" if name == "error_mix" else name):
            SyntheticRecipe(**{name: value})
    with pytest.raises(UsageError, match="there is no config 'sintetic'"), prepared("sintetic"):
        pass
    with pytest.raises(UsageError, match="has no option 'temperature'"), prepared("synthetic", temperature=1.0):
        pass


@pytest.mark.parametrize("asked", ["{}", "Question: {} Let's think step by step."])
def test_a_test_question_never_becomes_training_data(tmp_path: Path, asked: str) -> None:
    leak = tmp_path / "leak.jsonl"
    test = shipped_problems("test")[7]
    rows = [*plain(3), {"question": asked.format(test.question), "answer": test.answer}]
    leak.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, own = tmp_path / "out", {"problems": str(leak), "cache_dir": str(tmp_path / "cache")}
    with pytest.raises(BadInputError, match=r"leak.jsonl:4: .*gsm8k/test/7.*--drop-test-questions"):
        build("synthetic", out, **own)
    assert not out.exists()
    with pytest.raises(BadInputError, match=r"leak.jsonl:4: .*gsm8k/test/7"):
        ModelSampledRecipe(problems=str(leak)).read_problems()
    built = build("synthetic", out, **own, drop_test_questions=True)
    assert built.skipped == [(f"{leak}:4", "a question of GSM8K test (gsm8k/test/7)")]
    assert built.config.drops["problem skipped/a question of GSM8K test"] == 1
    kept, _ = ModelSampledRecipe(problems=str(leak), drop_test_questions=True).read_problems(tally := Tally())
    assert ([p.id for chosen in kept.values() for p in chosen], tally.skipped) == (
        [f"leak/{n}" for n in range(3)],
        built.skipped,
    )


# --------------------------------------------------------------------------------------------------------- from Python


def plain(n: int) -> list[dict[str, str]]:
    return [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:n]]


@pytest.mark.filterwarnings("ignore:.*problems were skipped")
def test_build_synthetic_takes_dicts_or_a_dataset_and_gives_a_dataset() -> None:
    from_dicts = build_synthetic(plain(40), num_incorrect_per_problem=3, seed=0)
    from_dataset = build_synthetic(datasets.Dataset.from_list(plain(40)), num_incorrect_per_problem=3, seed=0)
    assert isinstance(from_dicts, datasets.Dataset)
    assert from_dicts.to_list() == from_dataset.to_list()
    assert check_table(from_dicts.data.table, "synthetic") is None
    assert from_dicts.column_names[:3] == ["prompt", "completions", "labels"]
    assert 40 < from_dicts.num_rows <= 160


def test_build_synthetic_gives_a_dataset_one_can_work_with() -> None:
    rows = build_synthetic(plain(10)).map(lambda row: {"steps": len(row["completions"])}).train_test_split(0.5, seed=0)
    assert rows["train"].features["steps"].dtype == "int64"


def test_build_synthetic_keeps_max_examples_and_seed() -> None:
    assert build_synthetic(plain(40), max_examples=17).num_rows <= 17
    first, second = (build_synthetic(plain(40), max_examples=40, seed=seed) for seed in (0, 1))
    assert first.to_list() != second.to_list()


def test_build_synthetic_warns_once_of_problems_it_skips() -> None:
    unparsable = {"question": "How many?", "answer": "Many.\n#### 3"}
    with pytest.warns(UserWarning, match=r"2 of 11 problems were skipped: \w") as warned:
        build_synthetic([*plain(10), unparsable])
    assert len(warned) == 1
    with pytest.raises(PrmGsm8kError, match="not one row could be made: "):
        build_synthetic([unparsable])


def test_build_synthetic_refuses_test_questions() -> None:
    leak = [{"question": p.question, "answer": p.answer} for p in shipped_problems("test")[:1]]
    leak[0]["question"] = f"Solve: {leak[0]['question']}"
    with pytest.raises(BadInputError, match="gsm8k/test/0"):
        build_synthetic(leak)
    with pytest.warns(UserWarning, match=r"1 of 4 problems were skipped: user\[3\]: a question of GSM8K test"):
        assert build_synthetic([*plain(3), *leak], drop_test_questions=True).num_rows


def test_the_digest_of_inputs_is_that_of_the_problems_not_of_the_place(tmp_path: Path, problems_file: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.copy(problems_file, moved / problems_file.name)
    one, two = SyntheticRecipe(problems=str(problems_file)), SyntheticRecipe(problems=str(moved / problems_file.name))
    assert one.identity(one.read_inputs()) == two.identity(two.read_inputs())
    assert problems_from(plain(2)) != problems_from(plain(3))
