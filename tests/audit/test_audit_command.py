"""`prm-gsm8k audit` as a command: output, page, exit code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from html_reader import Read
from planted import a_marker, clean_rows, written

from prm_gsm8k.cli.main import app


def run(*arguments: str | Path) -> int:
    try:
        app([str(argument) for argument in ("audit", *arguments)], prog_name="prm-gsm8k", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean rows, rows with a marker, and real ones of the same kind."""
    place = tmp_path_factory.mktemp("audit")
    written(place / "clean.jsonl", clean_rows())
    written(place / "marked.jsonl", [row | {"error_type": "odd"} for row in clean_rows(plant=a_marker)])
    written(place / "real.jsonl", clean_rows(seed=7))
    return place


@pytest.mark.slow
def test_clean_data_ends_with_0_and_a_line_for_every_question(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place / "clean.jsonl", "--reference", place / "real.jsonl") == 0
    out, err = capsys.readouterr()
    assert err == "", "no progress where there is no terminal"
    assert "360 solutions to 120 problems, 240 with a first error" in out
    assert re.search(
        r"✓ ok    first error against the correct .* position: 0\.5\d\d \(.*\)  \[≤ 0.55, or look up to 0.67\]", out
    )
    assert re.search(r"\n0 bad, \d to look at, of \d+\n", out)


@pytest.mark.slow
def test_a_leak_ends_with_1_and_its_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place / "marked.jsonl", "--reference", place / "real.jsonl") == 1
    out = capsys.readouterr().out
    assert "✗ bad   first error against the correct step at the same position: 1.000" in out
    assert '  word "indeed" → incorrect: in 100.0% of incorrect steps, 0.0% of correct\n' in out


def test_json_has_everything(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place / "marked.jsonl", "--reference", place / "real.jsonl", "--json") == 1
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert err == "" and said["ok"] is False
    assert said["verdicts"]["bad"] == sum(line["verdict"] == "bad" for line in said["lines"]) > 0
    assert said["matched"]["overall"]["value"] == 1.0
    assert {"low", "high", "value", "n"} == set(said["shortcut"]["surface"])
    assert said["telling_pairs"][0]["feature"] == 'word "indeed"'
    assert (said["rows"], said["problems"], said["wrong_rows"]) == (360, 120, 240)
    assert sum(n for *_, n in said["shape"]) == 240 == sum(n for *_, n in said["reference"]["shape"])
    assert set(said["distances"]) == {"place", "index", "steps"}
    assert set(said["overlaps"]["GSM8K test"]) == {"exact", "but_for_numbers", "run_of_words"}


@pytest.mark.slow
def test_the_page_has_verdicts_features_charts_and_solutions_to_filter(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = place / "pages" / "audit.html"
    assert run(place / "marked.jsonl", "--reference", place / "real.jsonl", "--html", page) == 1
    assert f"{page}: open it in a browser" in capsys.readouterr().out
    read = Read(page.read_text(encoding="utf-8"))
    assert read.open == [], "every element is closed"
    words = read.words()
    for said in ("Verdicts", "Surface cues", "Pictures", "Solutions", "✗ bad", 'word "indeed"'):
        assert said in words, said
    labels = [attributes["aria-label"] or "" for attributes in read.named("svg")]
    assert [label.partition(",")[0] for label in labels[:3]] == [
        "Bar chart. Relative position of the first error",
        "Bar chart. Index of the first error",
        "Bar chart. Steps of an incorrect solution",
    ]
    articles = list(read.named("article"))
    assert {article["data-f0"] for article in articles} == {"odd", "correct"}
    assert [data for name, data in read.texts if name == "h4"][1] == "A correct solution to the same problem"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing.jsonl"], 1, "nothing.jsonl: no such file or folder"),
        (["neither file nor id"], 2, "neither a file, a folder nor a Hub id"),
        (["clean.jsonl", "--split", "train"], 2, "is a file, which has no splits"),
        (["clean.jsonl", "--config", "synthetic"], 2, "is a file, which has no configs"),
        (["clean.jsonl", "--html", "page"], 2, "--html page: name a file that ends in .html"),
        (["clean.jsonl", "--reference", "few.jsonl"], 1, "few.jsonl: 3 incorrect solutions; a reference needs 40"),
        (["clean.jsonl", "--against", "odd.jsonl"], 1, "odd.jsonl:1: no question; expected a column question"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(place)
    written(place / "few.jsonl", clean_rows(2)[:5])
    (place / "odd.jsonl").write_text('{"text": "1?"}\n', encoding="utf-8")
    assert run(*arguments) == code
    out, err = capsys.readouterr()
    assert out == "" and message in err and len(err.splitlines()) == 1


def test_without_scikit_learn_it_says_how_to_get_it(place: Path) -> None:
    code = "import sys; sys.modules.update(sklearn=None); from prm_gsm8k.cli.main import main; main()"
    command = [sys.executable, "-c", code, "audit", str(place / "clean.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "prm-gsm8k: this needs sklearn: pip install 'prm-gsm8k[audit]'\n"


def test_false_equations_and_those_that_cannot_be_read_are_quoted_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = clean_rows()[:30]
    rows[0]["completions"][0] = "17 / 5 = 3 r 2, and (76-25) = 61"
    rows[0]["id"] = "first"
    run(written(tmp_path / "rows.jsonl", rows), "--verbose")
    out = capsys.readouterr().out
    assert "steps with an equation that cannot be read, and is neither true nor false: 1\n" in out
    assert "first, step 0: false: (76-25) = 61, but it is 51" in out
    assert "first, step 0: cannot be read: 17 / 5 = 3" in out
