"""The config `prm800k` from files to a folder: which rows, which splits, and what is said of bad input."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, get_args

import datasets
import pytest
from command_line import run_command
from prm800k.samples import (
    DATA,
    PROBLEM,
    original_lines,
    phase1_test,
    right_then_wrong,
    said,
    solution,
    step,
    write_lines,
)

import prm_gsm8k
from prm_gsm8k.build.build import Built, build, prepared
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.cli.build import Neutral, Phase
from prm_gsm8k.dataset.folder import read_tables, write_config
from prm_gsm8k.dataset.manifest import read_manifest
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.schema import columns_of
from prm_gsm8k.dataset.splits import VALIDATION_PER_MILLE
from prm_gsm8k.dataset.verify import verify
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, UsageError
from prm_gsm8k.prm800k import recipe, tree
from prm_gsm8k.prm800k.recipe import Prm800kRecipe

pytestmark = pytest.mark.filterwarnings("ignore:.*no math_splits/test.jsonl")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clone of openai/prm800k with a line in each file: two rows each, of four problems."""
    for phase in (1, 2):
        for split in ("train", "test"):
            write_lines(
                tmp_path / "clone" / "prm800k" / "data" / f"phase{phase}_{split}.jsonl",
                [right_then_wrong(f"Problem {phase} {split}?")],
            )
    return tmp_path / "clone"


def built(tmp_path: Path, source: Path, out: str = "out", **options: Any) -> Built:
    return build("prm800k", tmp_path / out, source=str(source), cache_dir=str(tmp_path / "cache"), **options)


def rows_of(folder: Path, split: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = datasets.load_dataset(str(folder), "prm800k", split=split).to_list()
    return rows


# ---------------------------------------------------------------------------------------------------------- real lines


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of phase 1 test, rebuilt, built from the gzipped file."""
    place = tmp_path_factory.mktemp("real")
    shutil.copy(DATA / "phase1_test_rebuilt.jsonl.gz", place / "phase1_test.jsonl.gz")
    build("prm800k", place / "out", source=str(place), cache_dir=str(place / "cache"))
    return place


def test_all_rows_of_phase_1_test_are_accounted_for(real: Path) -> None:
    """Of 5,192 completions 110 have no rating, and 479 were rated at a prefix that had a rating.

    That leaves 4,603 rated prefixes; 1,401 of these are continued by another step. 7 paths end with a labeler's step.
    """
    config = read_manifest(real / "out").configs["prm800k"]
    assert config.stats.rows == 5_192 - 110 - 479 - 1_401 + 7 == 3_209
    assert config.drops == {
        "completion left out/no rating": 110,
        "completion left out/human draft that was not used": 3,
        "completion merged/same prefix rated again": 479,
        "problems": 101,
        "solutions": 106,
        "solutions that end with solution": 90,
        "solutions that end with no reason given": 16,
        "steps written by a labeler": 254,
    }
    assert (config.stats.right_rows, config.stats.wrong_rows, config.stats.problems) == (1_511, 1_698, 98)


def test_the_folder_passes_its_verification_and_loads(real: Path) -> None:
    verdict = verify(real / "out", RECIPES)
    assert verdict.findings == []
    assert "labels follow ratings" in verdict.checks
    loaded = prm_gsm8k.load("prm800k", split="test", folder=real / "out")
    assert loaded.column_names == [column.name for column in columns_of("prm800k")]
    assert loaded.column_names[-1] == "ratings"
    assert {rating for ratings in loaded["ratings"] for rating in ratings} == {-1, 0, 1, None}


def test_verification_notices_a_label_that_the_ratings_do_not_give(real: Path, tmp_path: Path) -> None:

    manifest = read_manifest(real / "out")
    table = read_tables(real / "out", manifest, "prm800k")["test"]
    ratings = table["ratings"].to_pylist()
    ratings[7][0] = -1
    made_from = {"options": {"neutral": "positive"}, "code_version": "0", "code_digest": "0", "inputs_digest": "0"}
    changed = table.set_column(table.column_names.index("ratings"), "ratings", [ratings])
    write_config(tmp_path / "out", "prm800k", {"test": changed.cast(table.schema)}, {**made_from, "drops": {}})
    assert [finding.partition(":")[0] for finding in verify(tmp_path / "out", RECIPES).findings] == [
        "labels follow ratings"
    ]


@pytest.mark.slow
def test_rows_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    write_lines(tmp_path / "phase1_test.jsonl", phase1_test())
    made = [
        build("prm800k", tmp_path / str(n), source=str(tmp_path), cache_dir=str(tmp_path / f"c{n}"), num_proc=n)
        for n in (1, 3)
    ]
    assert not made[0].cached and not made[1].cached
    assert made[0].config == made[1].config


def test_original_lines_make_the_rows_that_were_counted_by_hand(tmp_path: Path) -> None:
    write_lines(tmp_path / "phase2_train.jsonl", original_lines())
    config = built(tmp_path, tmp_path).config
    assert config.stats.rows == 10 + 4 + 5 + 7 + 7, "see test_real_lines_make_these_rows; the screening line makes none"
    assert config.drops[recipe.SCREENING] == 1
    assert config.drops[tree.AGAIN] == 2
    assert built(tmp_path, tmp_path, include_screening=True).config.stats.rows == 33 + 1


# ------------------------------------------------------------------------------------------------------ whole solutions


@pytest.mark.parametrize(
    ("line", "why", "option"),
    [
        ({"is_initial_screening_question": True}, recipe.SCREENING, "include_screening"),
        ({"is_quality_control_question": True}, recipe.QUALITY_CONTROL, "include_quality_control"),
        ({"finish": "bad_problem"}, recipe.BAD_PROBLEM, None),
    ],
)
def test_a_solution_is_left_out_whole(tmp_path: Path, line: dict[str, Any], why: str, option: str | None) -> None:
    kept = right_then_wrong("Another?")
    write_lines(tmp_path / "phase2_train.jsonl", [solution(step(said("a")), **line), kept])
    config = built(tmp_path, tmp_path).config
    assert (config.stats.rows, config.drops[why]) == (2, 1)
    if option:
        config = built(tmp_path, tmp_path, **{option: True}).config
        assert (config.stats.rows, why in config.drops) == (3, False)


def test_every_way_to_end_is_counted(tmp_path: Path) -> None:
    finishes = ["solution", "found_error", "found_error", "give_up"]
    lines = [solution(step(said(str(i))), finish=finish) for i, finish in enumerate(finishes)]
    write_lines(tmp_path / "phase2_train.jsonl", lines)
    drops = built(tmp_path, tmp_path).config.drops
    assert {finish: drops[f"solutions that end with {finish}"] for finish in finishes} == Counter(finishes)


def test_a_build_without_a_row_says_what_became_of_the_lines(tmp_path: Path) -> None:
    write_lines(tmp_path / "phase2_train.jsonl", [solution(step(said("a")), is_quality_control_question=True)])
    with pytest.raises(PrmGsm8kError, match=r"not one row could be made: .*quality control 1"):
        built(tmp_path, tmp_path)
    assert not (tmp_path / "out").exists()


# --------------------------------------------------------------------------------------------------------------- splits


def test_train_and_test_are_as_released_and_phases_are_named(tmp_path: Path, source: Path) -> None:
    made = built(tmp_path, source)
    problems = {row["prompt"]: row["source"] for row in rows_of(made.folder, "test")}
    assert problems == {"Problem 1 test?": "openai/prm800k phase1", "Problem 2 test?": "openai/prm800k phase2"}
    assert made.config.stats.problems == 4


@pytest.mark.parametrize("phase", ["1", "2"])
def test_one_phase_alone(tmp_path: Path, source: Path, phase: str) -> None:
    config = built(tmp_path, source, phase=phase).config
    assert config.stats.problems == 2
    assert set(rows_of(tmp_path / "out", "test")[0]["prompt"].split()) >= {phase}


def test_validation_is_taken_from_train_by_problem(tmp_path: Path) -> None:
    lines = [right_then_wrong(f"Problem {i}?") for i in range(400)]
    write_lines(tmp_path / "phase2_train.jsonl", [*lines, *lines])
    config = built(tmp_path, tmp_path).config
    assert config.splits["train"].problems + config.splits["validation"].problems == 400
    assert config.splits["validation"].problems == pytest.approx(400 * VALIDATION_PER_MILLE / 1000, abs=12)
    assert config.stats.rows == 800, "the lines that come again add nothing"


def test_a_problem_of_a_test_file_never_enters_train(tmp_path: Path, source: Path) -> None:
    spelled_otherwise = right_then_wrong("problem 1  TEST")
    write_lines(source / "prm800k/data/phase2_train.jsonl", [spelled_otherwise, right_then_wrong("Mine?")])
    config = built(tmp_path, source).config
    assert config.drops[recipe.HELD_OUT] == 1
    trained = [row["prompt"] for split in set(config.splits) - {"test"} for row in rows_of(tmp_path / "out", split)]
    assert set(trained) == {"Problem 1 train?", "Mine?"}


def test_the_500_held_out_problems_never_enter_train_even_without_test_files(tmp_path: Path, source: Path) -> None:
    for test_file in source.glob("prm800k/data/*_test.jsonl"):
        test_file.unlink()
    listed = source / "prm800k" / "math_splits" / "test.jsonl"
    write_lines(listed, [{"problem": "Problem 1 train?", "answer": "5"}])
    config = built(tmp_path, source).config
    assert config.drops[recipe.HELD_OUT] == 1
    assert config.options["held_out"].startswith("math_splits/test.jsonl (MATH-500)")
    assert config.stats.problems == 1


def test_a_problem_is_held_out_whatever_becomes_of_its_line_in_the_test_file(tmp_path: Path) -> None:
    problem = "Problem 1?"
    checked = solution(step(said("a")), problem=problem, is_quality_control_question=True)
    write_lines(tmp_path / "phase2_test.jsonl", [checked])
    write_lines(tmp_path / "phase2_train.jsonl", [right_then_wrong(problem), right_then_wrong("Problem 2?")])
    config = built(tmp_path, tmp_path).config
    assert config.drops[recipe.HELD_OUT] == config.drops[recipe.QUALITY_CONTROL] == 1
    assert config.stats.problems == 1


def test_it_is_said_when_the_list_of_held_out_problems_is_missing(tmp_path: Path, source: Path) -> None:
    with pytest.warns(
        UserWarning, match="no math_splits/test.jsonl, so held out is only the problems of phase1_test.jsonl"
    ):
        made = built(tmp_path, source)
    assert made.config.options["held_out"] == "only the problems of phase1_test.jsonl, phase2_test.jsonl"


def test_a_question_of_gsm8k_test_is_refused_in_train(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "phase1_train.jsonl", [right_then_wrong("Mine?"), right_then_wrong(f"# Problem\n{_gsm8k_test(7)}")]
    )
    with pytest.raises(BadInputError, match=r"phase1_train.jsonl:2: a question of GSM8K test \(gsm8k/test/7\)"):
        built(tmp_path, tmp_path)
    made = built(tmp_path, tmp_path, drop_test_questions=True)
    assert made.config.stats.problems == made.config.drops["problem skipped/a question of GSM8K test"] == 1


def _gsm8k_test(i: int) -> str:
    return shipped_problems("test")[i].question


# -------------------------------------------------------------------------------------------------------------- choices


def test_every_choice_has_its_own_rows_and_its_own_place_in_the_cache(tmp_path: Path, source: Path) -> None:
    write_lines(source / "prm800k/data/phase2_train.jsonl", [solution(step(said("a", 0)), step(said("b")))])
    labels = {}
    for neutral in ("positive", "negative", "drop"):
        made = built(tmp_path, source, neutral=neutral)
        assert not made.cached
        labels[neutral] = [row["labels"] for row in rows_of(made.folder, "train") if row["prompt"] == PROBLEM]
    assert labels == {"positive": [[True, True]], "negative": [[False, False]], "drop": []}
    assert built(tmp_path, source).cached


def test_the_same_files_elsewhere_are_the_same_data(tmp_path: Path, source: Path) -> None:
    first = built(tmp_path, source)
    moved = tmp_path / "moved"
    (source / "prm800k" / "data").rename(moved)
    for path in list(moved.glob("phase2*")):
        with gzip.open(f"{path}.gz", "wb") as packed:
            packed.write(path.read_bytes())
        path.unlink()
    second = built(tmp_path, moved, out="again")
    assert second.cached
    assert (first.config.content_digest, first.config.inputs_digest) == (
        second.config.content_digest,
        second.config.inputs_digest,
    )


def test_changed_files_are_never_answered_from_the_cache(tmp_path: Path, source: Path) -> None:
    built(tmp_path, source)
    write_lines(source / "prm800k/data/phase1_train.jsonl", [right_then_wrong("Another?")])
    assert not built(tmp_path, source).cached


def test_a_limit_below_the_rows_of_every_problem_is_misuse(tmp_path: Path, source: Path) -> None:
    with pytest.raises(UsageError, match="max_examples is 1, less than the 2 rows any problem may make"):
        built(tmp_path, source, max_examples=1)


@pytest.mark.parametrize("limit", [2, 7, 60])
def test_max_examples_keeps_whole_problems(tmp_path: Path, limit: int) -> None:
    write_lines(tmp_path / "phase2_train.jsonl", [right_then_wrong(f"Problem {i}?") for i in range(40)])
    config = built(tmp_path, tmp_path, max_examples=limit).config
    assert config.stats.rows == 2 * (limit // 2)


def test_options_out_of_range_are_misuse() -> None:
    for name, value in {"neutral": "maybe", "phase": "3", "max_examples": 0}.items():
        with pytest.raises(UsageError, match=f"{name} must be"):
            Prm800kRecipe(**{name: value})  # type: ignore[arg-type]


def test_the_rows_in_the_cache_are_a_data_set(tmp_path: Path, source: Path) -> None:
    built(tmp_path, source)
    with prepared("prm800k", source=str(source), cache_dir=str(tmp_path / "cache")) as (builder, cached):
        assert cached
        assert builder.as_dataset("test").num_rows == 4


def test_load_takes_what_is_in_the_cache_and_builds_only_from_what_is_named(
    source: Path,
    hf_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offline: Callable[[], AbstractContextManager[None]],
) -> None:
    """The bare name would be a download of half a gigabyte: it is refused until that was built once."""
    monkeypatch.chdir(tmp_path)
    rows = prm_gsm8k.load("prm800k", "test", source=str(source))
    assert rows.num_rows == 4
    with pytest.raises(PrmGsm8kError, match="prm800k is not built here: `prm-gsm8k build prm800k`"):
        prm_gsm8k.load("prm800k")
    there = next((hf_home / "datasets" / "prm-gsm8k").glob("prm800k-*"))
    there.rename(there.with_name("prm800k"))  # as if these had been the released files
    with (
        offline(),
        pytest.raises(PrmGsm8kError, match=r"HF_HUB_OFFLINE is set, and .*test.jsonl is not downloaded"),
    ):
        prm_gsm8k.load("prm800k")  # now they are asked for


# ------------------------------------------------------------------------------------------------------------ bad input

GOOD = json.dumps(right_then_wrong("Mine?"))


def with_steps(*steps: Any) -> str:
    return json.dumps(solution(*steps))


BAD_LINES = {
    "cut off": (GOOD[:300], "not valid JSON (unexpected end of data, column 301); the file ends in the middle"),
    "not JSON": ("nothing\n", "not valid JSON"),
    "a list": ("[1]\n", "an array, not an object"),
    "no question": ("{}\n", "no 'question'"),
    "no problem": ('{"question": {}, "label": {"steps": []}}\n', "no 'question.problem'"),
    "no label": ('{"question": {"problem": "?"}}\n', "no 'label'"),
    "an empty problem": ('{"question": {"problem": " "}, "label": {"steps": []}}\n', "question.problem is empty"),
    "steps that are none": ('{"question": {"problem": "?"}, "label": {"steps": null}}\n', "label.steps is NoneType"),
    "a step that is none": (with_steps([]), "steps[0] is list, not an object"),
    "no completions": (with_steps({"chosen_completion": 0, "human_completion": None}), "no 'steps[0].completions'"),
    "a completion that is none": (with_steps({**step(), "completions": ["a"]}), "steps[0].completions[0] is str"),
    "no text": (with_steps(step({"rating": 1})), "steps[0].completions[0] has no 'text'"),
    "a text that is none": (with_steps(step(said(7))), "steps[0].completions[0].text is int, not text"),  # type: ignore[arg-type]
    "no rating": (with_steps(step({"text": "a"})), "steps[0].completions[0] has no 'rating'"),
    "rating 2": (with_steps(step(said("a", 2))), "steps[0].completions[0].rating is 2, not -1, 0, 1 or null"),
    "rating true": (with_steps(step(said("a", True))), "steps[0].completions[0].rating is true"),
    "chosen of none": (with_steps(step(said("a"), chosen=1)), "steps[0].chosen_completion is 1 of 1 completions"),
    "human of none": (with_steps({**step(), "human_completion": "a"}), "steps[0].human_completion is str"),
}


@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_line_is_an_error_that_names_it(tmp_path: Path, bad: str) -> None:
    line, message = BAD_LINES[bad]
    (tmp_path / "phase1_test.jsonl").write_text(f"{GOOD}\n{line}")
    with pytest.raises(BadInputError) as caught:
        built(tmp_path, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'phase1_test.jsonl'}:2: {message}")
    assert str(caught.value).endswith("--skip-bad-lines leaves such lines out and counts them")
    assert not (tmp_path / "out").exists()


def test_an_error_counts_the_bad_lines_and_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "phase1_test.jsonl"
    path.write_text("\n".join(["{", GOOD, "", "{", "{", "{", GOOD]))
    with pytest.raises(BadInputError, match=r":1: .*; 3 more bad lines: \S+:4, \S+:5 and 1 more\. --skip-bad-lines"):
        built(tmp_path, tmp_path)


def test_bad_lines_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "phase1_test.jsonl"
    path.write_text("\n".join(["{", GOOD, "nothing", GOOD[:-9]]))
    made = built(tmp_path, tmp_path, skip_bad_lines=True)
    assert made.config.stats.rows == 2
    assert made.config.drops[recipe.BAD_LINE] == 3
    assert [where for where, _ in made.skipped] == [f"{path}:{n}" for n in (1, 3, 4)]


def test_blank_lines_are_no_lines(tmp_path: Path) -> None:
    (tmp_path / "phase1_test.jsonl").write_text(f"\n{GOOD}\n \n\n{json.dumps(right_then_wrong('Another?'))}\n\n")
    assert built(tmp_path, tmp_path).config.stats.rows == 4


BAD_FILES = {
    "empty": (b"", "empty; expected JSON lines, one object a line"),
    "an HTML page": (b"<!DOCTYPE html><html>Not found</html>", "an HTML or XML page, not JSON lines; download the raw"),
    "an LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "run git lfs pull"),
    "a JSON array": (b"[\n{}\n]", "a JSON array, not JSON lines"),
    "a cut-off gzip": (gzip.compress(GOOD.encode())[:40], "damaged or cut-off gzip"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_file_is_an_error_even_where_bad_lines_are_skipped(tmp_path: Path, bad: str) -> None:
    content, message = BAD_FILES[bad]
    path = tmp_path / "phase1_test.jsonl"
    path.write_bytes(content)
    for skip in (False, True):
        with pytest.raises(BadInputError) as caught:
            built(tmp_path, tmp_path, skip_bad_lines=skip)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)


def test_a_source_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file or folder"):
        built(tmp_path, tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="no file of PRM800K in it"):
        built(tmp_path, tmp_path)
    path = write_lines(tmp_path / "lines.jsonl", [right_then_wrong("Mine?")])
    with pytest.raises(BadInputError, match="the name must say the phase and the split"):
        built(tmp_path, path)


def test_a_pointer_instead_of_the_list_of_held_out_problems_is_an_error(tmp_path: Path, source: Path) -> None:
    listed = source / "math_splits" / "test.jsonl"
    listed.parent.mkdir()
    listed.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BadInputError, match=r"math_splits/test\.jsonl: a Git LFS pointer, .*; run git lfs pull"):
        built(tmp_path, source)


# ----------------------------------------------------------------------------------------------------- the command line


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, place=place, offline=True, COLUMNS="140")


def test_the_command_builds_shows_counts_and_verifies(tmp_path: Path, source: Path) -> None:
    done = run(tmp_path, "build", "prm800k", "--source", "clone", "--out", "out", "--neutral", "negative")
    assert done.returncode == 0, done.stderr
    assert "8 rows" in done.stdout
    assert "These are problems of MATH (competition mathematics), not of GSM8K." in done.stdout
    assert done.stderr.startswith("prm-gsm8k: clone: no math_splits/test.jsonl")
    for command in (["show", "out", "-n", "8"], ["stats", "out"], ["verify", "out"]):
        assert (done := run(tmp_path, *command)).returncode == 0, done.stdout + done.stderr
    assert "✓ labels follow ratings" in done.stdout


def test_the_command_skips_bad_lines_and_lists_them(tmp_path: Path) -> None:
    (tmp_path / "phase1_test.jsonl").write_text(f"{GOOD}\nnothing\n")
    arguments = ["build", "prm800k", "--source", "phase1_test.jsonl", "--out", "out"]
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("prm-gsm8k: phase1_test.jsonl:2: not valid JSON")
    done = run(tmp_path, *arguments, "--skip-bad-lines", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "1 lines skipped\n  phase1_test.jsonl:2: not valid JSON" in done.stdout
    said_as_json = json.loads(run(tmp_path, *arguments, "--skip-bad-lines", "--json").stdout)
    assert (said_as_json["skipped"], said_as_json["all"]["rows"]) == (1, 2)


def test_the_command_knows_every_meaning_of_neutral_and_every_phase() -> None:
    assert get_args(Neutral) == tuple(tree.NEUTRAL)
    assert get_args(Phase) == tuple(recipe.PHASES)


def test_the_command_refuses_an_unknown_meaning_of_neutral(tmp_path: Path) -> None:
    assert run(tmp_path, "build", "prm800k", "--neutral", "maybe").returncode == 2


def test_offline_and_not_downloaded_is_said_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "build", "prm800k", "--out", "out")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "HF_HUB_OFFLINE is set, and math_splits_test.jsonl is not downloaded yet" in done.stderr


def test_show_says_of_an_unfinished_solution_that_it_has_no_answer(tmp_path: Path, source: Path) -> None:
    assert run(tmp_path, "build", "prm800k", "--source", "clone", "--out", "out").returncode == 0
    wrong = run(tmp_path, "show", "out", "-n", "1").stdout
    assert "✗ It is 6." in wrong
    assert "ends without an answer; the correct answer is 5" in wrong
    right = run(tmp_path, "show", "out", "-n", "1", "--error-type", "none").stdout
    assert [line.strip() for line in right.splitlines() if "concludes" in line] == ["concludes 5"]
