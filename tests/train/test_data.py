"""Rows to train on: which are trained on, which validated on, and how data sets are mixed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from real_tokenizers import tokenizer
from tiny import rows_file

from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.splits import origin_of
from prm_gsm8k.exceptions import BadInputError, UsageError
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.train.arguments import PrmArguments, parse
from prm_gsm8k.train.data import Data, Part, _held_out, _load, _mix, _set_apart, load_data

Row = dict[str, Any]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.for_tokenizer(tokenizer("smollm2"), max_length=1024)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Of `synthetic`, with twins."""
    file = rows_file(tmp_path_factory.mktemp("rows") / "rows.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(file: Path, rows: Iterable[Row]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def of(encoder: Encoder, *datasets: str, **options: Any) -> Data:
    return load_data(PrmArguments(model="x", dataset=list(datasets), **options), encoder, 0)


def halves(data: Data, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that are trained on, and those that are validated on."""
    train, validation = set(data.train["problem"]), set(data.validation["problem"])
    found = [[row for row in rows if problem_digest(row["prompt"]) in some] for some in (train, validation)]
    return found[0], found[1]


def made(kind: str, rows: list[Row]) -> list[Row]:
    if kind == "as they are":
        return rows
    if kind == "of problems made again with other numbers":
        return [
            {**row, "problem_id": f"{origin_of(row['problem_id'])}/variant-{n % 3}/twin-0"}
            for n, row in enumerate(rows)
        ]
    if kind == "with a number each as problem_id":  # which says nothing: then the question does
        return [{**row, "problem_id": n} for n, row in enumerate(rows)]
    return [{**row, "problem_id": None if n % 2 else row["problem_id"]} for n, row in enumerate(rows)]


@pytest.mark.parametrize(
    "kind",
    [
        "as they are",
        "of problems made again with other numbers",
        "with a number each as problem_id",
        "some without one",
    ],
)
def test_rows_made_of_one_problem_are_not_trained_and_validated_on(
    kind: str, rows: list[Row], encoder: Encoder, tmp_path: Path
) -> None:
    """A twin, whose question differs in a word, was once validated on while its other half was trained on."""
    changed = made(kind, rows)
    train, validation = halves(of(encoder, write(tmp_path / "rows.jsonl", changed)), changed)
    assert len(train) + len(validation) == len(rows) and len(train) > len(validation) > 0
    questions = [{row["prompt"] for row in half} for half in (train, validation)]
    assert questions[0].isdisjoint(questions[1])
    if kind in ("as they are", "of problems made again with other numbers"):
        origins = [{origin_of(row["problem_id"]) for row in half} for half in (train, validation)]
        assert origins[0].isdisjoint(origins[1])


def test_near_questions_that_nothing_keeps_together_are_counted(
    rows: list[Row], encoder: Encoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = [{name: row[name] for name in ("prompt", "completions", "labels")} for row in rows]
    of(encoder, write(tmp_path / "bare.jsonl", bare))
    assert "questions to validate on have 13 words in a row with one to train on; a column" in capsys.readouterr().err
    of(encoder, write(tmp_path / "whole.jsonl", rows))
    assert "words in a row with one to train on" not in capsys.readouterr().err


def test_several_data_sets_are_mixed_by_weight(rows: list[Row], encoder: Encoder, tmp_path: Path) -> None:
    """One of them with labels as numbers, as others have them, and with soft labels."""
    halfway = len(rows) // 2
    a = write(tmp_path / "a.jsonl", rows[:halfway])
    ours = {row["prompt"] for row in rows[:halfway]}
    others = [{**row, "labels": [int(x) for x in row["labels"]]} for row in rows[halfway:] if row["prompt"] not in ours]
    b = write(
        tmp_path / "b.jsonl", [{name: row[name] for name in ("prompt", "completions", "labels")} for row in others]
    )
    data = of(encoder, f"{a}:3", b)
    train, _ = halves(data, others)
    assert 0 < len(train) <= data.counts["train"]["rows"] / 4
    assert [(Path(source.dataset).name, source.config) for source in data.sources] == [
        ("a.jsonl", None),
        ("b.jsonl", None),
    ]
    assert set(data.names) == {"a", "b"} and len(data.names) == data.validation.num_rows
    of_b = {problem_digest(row["prompt"]) for row in others}
    assert all(
        (digest in of_b) == (name == "b") for digest, name in zip(data.validation["problem"], data.names, strict=True)
    )
    assert sorted(data.validation["length"], reverse=True) == list(data.validation["length"])


@pytest.mark.parametrize("most", [3, 7, 50, 250])
def test_at_most_so_many_rows_are_taken_and_some_of_each_data_set(most: int) -> None:
    """Of a problem with more rows than were asked for all were once taken: 100 for `--max_eval_rows 2`."""
    parts = [pa.table({"prompt": [f"{size}, {n // size}" for n in range(300)]}) for size in (100, 3, 1)]
    taken = [part.num_rows for part in _mix(parts, [1, 1, 1], most, seed=0)]
    assert sum(taken) <= most and min(taken) >= 1


def test_rows_are_set_apart_without_a_copy_of_them() -> None:
    """250,000 rows lie in a mapped file of the cache, and are to stay there."""
    prompts = [f"How many are {n // 100}?" for n in range(5000)]
    rows = pa.table({"prompt": prompts, "completions": [["x" * 500]] * 5000})
    before = pa.total_allocated_bytes()
    train, validation = _set_apart(rows, "x")
    assert pa.total_allocated_bytes() - before < rows.nbytes / 10
    assert validation.num_rows > 0 and train.num_rows + validation.num_rows == 5000
    assert set(train["prompt"].to_pylist()).isdisjoint(validation["prompt"].to_pylist())


def test_what_one_data_set_validates_on_is_not_trained_on_from_another(
    rows: list[Row], encoder: Encoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (
        write(tmp_path / "a.jsonl", rows),
        write(tmp_path / "b.jsonl", made("with a number each as problem_id", rows)),
    )
    data = of(encoder, a, b)
    assert set(data.train["problem"]).isdisjoint(data.validation["problem"])
    assert f"{b}: " in (said := capsys.readouterr().err) and "rows to train on left out, whose problems are" in said


def test_a_data_set_is_validated_on_by_its_name(rows: list[Row], encoder: Encoder, tmp_path: Path) -> None:
    """Of several that are trained on; where an id says so, also what is made of the same problem is refused."""
    origins = sorted({origin_of(row["problem_id"]) for row in rows})
    thirds = [[row for row in rows if origins.index(origin_of(row["problem_id"])) % 3 == n] for n in range(3)]
    a, b, c = (write(tmp_path / f"{name}.jsonl", some) for name, some in zip("abc", thirds, strict=True))
    data = of(encoder, a, b, validation=c)
    assert data.counts["validation"]["rows"] == len(thirds[2]) and data.names == []
    assert data.counts["train"]["rows"] > len(thirds[0])
    twins = write(tmp_path / "twins.jsonl", [row for row in thirds[0] if "/twin-" in row["id"]])
    others = write(tmp_path / "others.jsonl", [row for row in thirds[0] if "/twin-" not in row["id"]])
    twins, others = ([row for row in thirds[0] if ("/twin-" in row["id"]) is twin] for twin in (True, False))
    told = write(tmp_path / "twins.jsonl", twins)
    of(
        encoder, write(tmp_path / "others.jsonl", others), validation=told
    )  # `user/0` of one file is not that of another
    for some, name in ((twins, "twins"), (others, "others")):
        write(tmp_path / f"{name}.jsonl", [{**r, "problem_id": f"gsm8k/train/{r['problem_id'][5:]}"} for r in some])
    with pytest.raises(BadInputError, match=r"twins.jsonl: \d+ of its questions are among .* train on, as 'gsm8k/"):
        of(encoder, str(tmp_path / "others.jsonl"), validation=told)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--dataset a.jsonl a.jsonl", "a data set occurs twice"),
        ("--dataset a.jsonl:x", "a.jsonl is a file, which has no config x"),
        ("--dataset a.jsonl --config synthetic:1,prm800k:1", "a.jsonl is a file, which has no config synthetic:1,"),
        ("--dataset a.jsonl:0 b.jsonl", "a name and a weight above 0"),
        ("--dataset a.jsonl --dataset org/b --dataset_revision main", "--dataset_revision is that of one data set"),
        ("--dataset a.jsonl b.jsonl --validation prm800k", r"a config of which data set\? Write a.jsonl:prm800k"),
    ],
)
def test_mixes_that_say_nothing_are_refused(
    options: str, says: str, rows: list[Row], encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.jsonl", rows[:20])
    write(tmp_path / "b.jsonl", rows[20:40])
    ours, _ = parse([*"--model x --output_dir y --report_to none".split(), *options.split()])
    with pytest.raises(UsageError, match=says):
        load_data(ours, encoder, 0)


def test_a_data_set_named_twice_over_is_each_of_them(tmp_path: Path) -> None:
    """`--dataset a --dataset b` was b alone; and the command line replaces what a file of options says."""
    (tmp_path / "run.yaml").write_text("model: x\noutput_dir: y\nreport_to: none\ndataset: mine.jsonl\n")
    words = [str(tmp_path / "run.yaml")]
    assert parse(words)[0].dataset == ["mine.jsonl"]
    assert parse([*words, "--dataset", "a", "--dataset", "b", "c"])[0].dataset == ["a", "b", "c"]


TRAIN, TEST = ([problem.question for problem in shipped_problems(split)] for split in ("train", "test"))


def asking(file: Path, *prompts: str | None) -> str:
    return write(file, ({"prompt": prompt, "completions": ["1 + 1 = 2"], "labels": [True]} for prompt in prompts))


def test_rows_that_hold_a_test_question_are_refused_or_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    around = [f"Q: {TRAIN[0]}\nA: 72\n\nQ: {question}\nA:" for question in (*TRAIN[1:30], TEST[5], TEST[5], TEST[6])]
    file = asking(tmp_path / "leak.jsonl", *around)
    says = r"leak.jsonl, row 29 .*: a question of GSM8K test \(gsm8k/test/5\), .*row 31 .* \(gsm8k/test/6\)"
    with pytest.raises(BadInputError, match=says):
        _load(Part(file, None))
    with pytest.raises(BadInputError, match=says):
        _held_out([Part(None, None)], file)
    capsys.readouterr()
    _, train, validation = _load(Part(file, None), drop=True)
    assert sorted(train["prompt"].to_pylist() + validation["prompt"].to_pylist()) == sorted(around[:29])
    assert f"{file}: 3 of 32 rows dropped: {file}, row 29 (" in capsys.readouterr().err


def test_what_is_only_like_a_test_question_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = asking(tmp_path / "like.jsonl", *TRAIN[:30], TEST[0].replace("16", "17"))
    _load(Part(file, None))
    assert f"{file}: of 31 different prompts to train and validate on, 1 are a question" in capsys.readouterr().err


def test_a_prompt_that_is_null_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"null.jsonl, row 1: prompt is null\. Rows to train on have"):
        _load(Part(asking(tmp_path / "null.jsonl", "a", None), None))


def test_no_question_is_trained_and_validated_on_whatever_is_around_it(encoder: Encoder, tmp_path: Path) -> None:
    around = asking(tmp_path / "train.jsonl", *(f"Question: {question}\nAnswer:" for question in TRAIN[:30]))
    held_out = asking(tmp_path / "own.jsonl", *TRAIN[20:60])
    with pytest.raises(BadInputError, match=r"own.jsonl: 10 of its questions are among the rows to train on"):
        of(encoder, around, validation=held_out)
