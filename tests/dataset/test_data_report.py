"""A config as a page: every type of error can be looked at, and the right solution stands beside the wrong one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from dataset.made_config import made_config
from evaluation.made_result import HOSTILE
from html_reader import Read
from made_rows import CONFIG, MADE_FROM

from prm_gsm8k.api import build_synthetic
from prm_gsm8k.dataset.files import write_page
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import Config
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.report import _steps, data_page, draw
from prm_gsm8k.dataset.schema import arrow_schema
from prm_gsm8k.exceptions import PrmGsm8kError, UsageError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, dict[str, pa.Table]]:
    return made_config(tmp_path_factory.mktemp("page") / "data")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, dict[str, pa.Table]]:
    """What the generator makes of 25 real problems."""
    rows = build_synthetic(
        [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:25]], seed=0
    )
    tables = {"train": rows.data.table.cast(arrow_schema("synthetic"))}
    folder = tmp_path_factory.mktemp("page") / "data"
    return write_config(folder, "synthetic", tables, MADE_FROM).configs["synthetic"], tables


def row_of(tables: dict[str, pa.Table], **fields: Any) -> dict[str, Any]:
    rows: list[dict[str, Any]] = tables["train"].to_pylist()
    return next(row for row in rows if all(row[name] == value for name, value in fields.items()))


def articles(page: str) -> list[dict[str, str | None]]:
    return list(Read(page).named("article"))


def test_rows_are_drawn_evenly_from_all_types_of_errors_and_by_seed(
    synthetic: tuple[Config, dict[str, pa.Table]],
) -> None:
    _, tables = synthetic
    all_types = Counter(tables["train"]["error_type"].to_pylist())
    drawn = draw(tables, n=2 * len(all_types), seed=0)
    taken = Counter(row["error_type"] for row in drawn)
    assert set(taken) == set(all_types)
    assert all(taken[kind] >= min(2, all_types[kind]) for kind in all_types)
    assert "none" not in {row["error_type"] for row in draw(tables, n=99, seed=0, correct=False)}
    alone = {"train": tables["train"].filter(pc.equal(tables["train"]["error_type"], "none"))}
    assert len(draw(alone, n=2, seed=0, correct=False)) == 2  # a folder without errors is shown, too
    assert [row["id"] for row in draw(tables, n=20, seed=0)] == [row["id"] for row in drawn[:20]]
    assert {row["id"] for row in draw(tables, n=20, seed=1)} != {row["id"] for row in drawn[:20]}
    everything = draw(tables, n=10**6, seed=0)
    assert sorted(row["id"] for row in everything) == sorted(tables["train"]["id"].to_pylist())


def test_changes_are_marked_in_the_steps_that_have_the_words_of_a_right_one() -> None:
    """Steps that were added, or left out, do not hide what became of the others; numbering is no change."""
    right = ["Step 1: He has 6+2=8.", "Step 2: They have 5*9=45.", "Step 3: The sum is 45+8=53.", "Step 4: Answer: 53"]
    longer = [
        "Step 1: He has 6*2=12.",
        "Step 2: They have 5*9=45.",
        "Step 3: We can go on.",
        "Step 4: The sum is 45+12=57.",
    ]
    row = {"first_error": 0, "completions": longer, "error_reason": "multiplies"}
    changed = [[step.text[start:end] for start, end in step.changed] for step in _steps(row, right)]
    assert changed == [["*", "12"], [], [], ["12", "57"]]
    skipped = ["Step 1: He has 6+2=8.", "Step 2: The sum is 9+8=17.", "Step 3: Answer: 17"]
    row = {"first_error": 1, "completions": skipped, "error_reason": "skips"}
    changed = [[step.text[start:end] for start, end in step.changed] for step in _steps(row, right)]
    assert changed == [[], ["9", "17"], ["17"]]


def test_of_two_right_steps_with_the_same_words_the_first_is_the_one_that_went_wrong() -> None:
    right = ["He has 6+2=8.", "He has 8+2=10.", "That is all."]
    row = {"first_error": 0, "completions": ["He has 6+3=9.", "He has 9+2=11.", "That is all."]}
    changed = [[step.text[start:end] for start, end in step.changed] for step in _steps(row, right)]
    assert changed == [["3", "9"], ["9", "11"], []]


def test_the_right_solution_stands_beside_the_wrong_one_and_what_differs_is_marked(
    synthetic: tuple[Config, dict[str, pa.Table]],
) -> None:
    config, tables = synthetic
    wrong = row_of(tables, error_type="multiple_turned")
    right = row_of(tables, id=wrong["twin_id"])
    page = data_page("data", "synthetic", config, tables, row_id=wrong["id"])
    read = Read(page)
    assert [data for name, data in read.texts if name == "h4"] == [
        "This solution",
        "The correct solution it was made from",
    ]
    shown = re.findall(r'dir="auto">(.*?)</div>', page, re.S)
    texts = [re.sub(r" <em>.*", "", step) for step in shown]
    plain = [Read(step).words() for step in texts]
    assert plain == [*wrong["completions"], *right["completions"]]
    marked = re.findall(r"<mark>(.*?)</mark>", texts[wrong["first_error"]])
    assert marked and all(part not in right["completions"][wrong["first_error"]].split() for part in marked)
    assert "<mark>" not in "".join(texts[: wrong["first_error"]] + texts[len(wrong["completions"]) :])
    states = [a["class"] for a in read.named("li")]
    after = len(wrong["completions"]) - wrong["first_error"] - 1
    assert states == ["right"] * wrong["first_error"] + ["error"] + ["after"] * after + ["right"] * len(
        right["completions"]
    )
    assert ("i", wrong["error_reason"]) in read.texts


def test_without_a_twin_a_right_solution_to_the_same_problem_does(made: tuple[Config, dict[str, pa.Table]]) -> None:
    config, tables = made
    read = Read(data_page("data", CONFIG, config, tables, row_id="train/3/wrong"))
    assert [data for name, data in read.texts if name == "h4"][1] == "A correct solution to the same problem"
    assert not list(read.named("mark"))
    assert ("span", "concludes 7, correct is 3.5") in read.texts
    assert not [
        data
        for name, data in Read(data_page("d", CONFIG, config, tables, row_id="train/3/right")).texts
        if name == "h4"
    ]


def test_solutions_have_their_type_place_source_and_split_to_filter_by(
    made: tuple[Config, dict[str, pa.Table]],
) -> None:
    config, tables = made
    page = data_page("data", CONFIG, config, tables)
    found = Counter(tuple(a[f"data-f{n}"] for n in range(5)) for a in articles(page))
    assert found == {
        ("correct", "none", "none", "by hand", "train"): 40,
        ("skipped step", "third", "1", "by hand", "train"): 40,
        ("correct", "none", "none", "by hand", "test"): 5,
        ("skipped step", "third", "1", "by hand", "test"): 5,
    }
    assert "90 of 90 rows, drawn evenly from all types of errors" in Read(page).words()
    only = articles(data_page("data", CONFIG, config, tables, n=3, error_type="skipped_step", split="test"))
    assert [(a["data-f0"], a["data-f4"]) for a in only] == [("skipped step", "test")] * 3


def test_a_page_says_how_many_rows_there_are_and_where_first_errors_stand(
    made: tuple[Config, dict[str, pa.Table]],
) -> None:
    config, tables = made
    words = Read(data_page("some/where", CONFIG, config, tables, n=2)).words()
    assert "90 labelled solutions to 45 problems in some/where: 45 correct and 45 with a first error." in words
    assert "Skipped or rejected" in words and config.content_digest in words
    labels = [a["aria-label"] for a in Read(data_page("d", CONFIG, config, tables, n=2)).named("svg")]
    assert labels == [
        "Bar chart. Where the first error stands: first fifth 0.0%, second fifth 0.0%, third fifth 100.0%, "
        "fourth fifth 0.0%, last fifth 0.0%.",
        "Bar chart. Which step is the first error: step 1 100.0%.",
    ]


def test_hostile_rows_are_text(tmp_path: Path) -> None:
    config, tables = made_config(tmp_path / "data", hostile=True)
    read = Read(data_page(HOSTILE[0], CONFIG, config, tables))
    assert [len(list(read.named(name))) for name in ("h1", "script", "style", "img")] == [1, 1, 1, 0]
    assert HOSTILE[0] in read.words() and HOSTILE[1] in read.words()


def test_no_such_row_is_an_error(made: tuple[Config, dict[str, pa.Table]]) -> None:
    config, tables = made
    with pytest.raises(UsageError, match="by_hand has no row with id 'nobody'"):
        data_page("data", CONFIG, config, tables, row_id="nobody")
    with pytest.raises(UsageError, match="by_hand has no such row"):
        data_page("data", CONFIG, config, tables, error_type="mood")


def test_a_page_is_written_whole_or_not_at_all_and_over_nothing_but_a_page(tmp_path: Path) -> None:
    write_page("first", tmp_path / "a" / "page.html")
    write_page("second", tmp_path / "a" / "page.html")
    assert [path.read_text() for path in (tmp_path / "a").iterdir()] == ["second"]
    for name in ("manifest.json", "page"):
        with pytest.raises(UsageError, match=rf"--html .*{name}: name a file that ends in .html"):
            write_page("x", tmp_path / name)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UsageError):
        write_page("x", tmp_path / "folder.html")
    with pytest.raises(PrmGsm8kError, match="cannot be written: "):
        write_page("x", tmp_path / "a" / "page.html" / "page.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "folder.html"]
