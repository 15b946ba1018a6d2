"""Where problems come from, what is refused, and what decides which split a problem belongs to."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prm_gsm8k.dataset import problems as problems_module
from prm_gsm8k.dataset.contamination import refuse_test_questions
from prm_gsm8k.dataset.problems import (
    DuplicateQuestionWarning,
    Problem,
    problems_digest,
    problems_from,
    question_key,
    read_problems,
    shipped_problems,
)
from prm_gsm8k.dataset.splits import split_of
from prm_gsm8k.exceptions import BadInputError, UsageError

CLIPS = {"question": "Ann sold 48 clips in April and half as many in May. How many?", "answer": "48/2=24\n#### 72"}
EGGS = {"question": "A hen lays 3 eggs a day. How many in 7 days?", "answer": "3*7 = <<3*7=21>>21\n#### 21"}


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.jsonl"


# ------------------------------------------------------------------------------------------------ GSM8K, shipped inside


def test_gsm8k_is_shipped_whole_and_in_the_order_it_was_released() -> None:
    train, test = shipped_problems("train"), shipped_problems("test")
    assert (len(train), len(test)) == (7473, 1319)
    assert train[0].question.startswith("Natalia sold clips to 48 of her friends in April")
    assert train[0].answer.endswith("#### 72") and "<<48/2=24>>" in train[0].answer
    assert (train[123].id, train[123].split, train[123].where) == ("gsm8k/train/123", "train", "gsm8k/train.jsonl:124")
    assert (test[7].id, test[7].split) == ("gsm8k/test/7", "test")


def test_gsm8k_has_no_question_twice_and_no_test_question_in_train() -> None:
    train, test = shipped_problems("train"), shipped_problems("test")
    assert len({question_key(p.question) for p in train + test}) == len(train) + len(test)
    refuse_test_questions(train)


@pytest.mark.parametrize("damage", ["another text", "cut off", "not gzip", "missing"])
def test_damaged_shipped_data_is_named_and_not_used(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = (problems_module.SHIPPED / "test.jsonl.gz").read_bytes()
    bad = {
        "another text": gzip.compress(
            gzip.decompress(packed).replace(b"#### 18\n", b"#### 19\n").replace(b"18", b"19", 1)
        ),
        "cut off": packed[:-100],
        "not gzip": b"{}",
    }
    if damage in bad:
        (tmp_path / "test.jsonl.gz").write_bytes(bad[damage])
    monkeypatch.setattr(problems_module, "SHIPPED", tmp_path)
    with pytest.raises(BadInputError, match=r"test\.jsonl\.gz: not GSM8K as released .*reinstall"):
        shipped_problems("test")


def test_the_notice_states_the_digests_that_the_code_checks() -> None:
    notice = (problems_module.SHIPPED / "NOTICE").read_text()
    for split in ("train", "test"):
        released = gzip.decompress((problems_module.SHIPPED / f"{split}.jsonl.gz").read_bytes())
        assert f"{hashlib.sha256(released).hexdigest()}  {split}.jsonl" in notice


# -------------------------------------------------------------------------------------------------------- anyone's file


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("mine.jsonl", bytes),
        ("mine.jsonl.gz", gzip.compress),
        ("mine.gz", gzip.compress),
        ("mine", bytes),
        ("mine.jsonl", gzip.compress),  # told by its first bytes, not by its name
        ("mine.jsonl", lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")),  # from an editor on Windows
        ("mine.jsonl", lambda data: gzip.compress(data) + gzip.compress(b"\n")),  # two gzip files put together
    ],
)
def test_a_file_of_the_same_format_is_read(name: str, pack: object, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(pack(jsonl(CLIPS, EGGS).encode()))  # type: ignore[operator]
    assert read_problems(path) == [
        Problem("mine/0", CLIPS["question"], CLIPS["answer"], "train", f"{path}:1"),
        Problem("mine/1", EGGS["question"], EGGS["answer"], "train", f"{path}:2"),
    ]
    assert read_problems(str(path)) == read_problems(path)


def test_blank_lines_are_skipped_and_line_numbers_still_right(file: Path) -> None:
    file.write_text("\n" + jsonl(CLIPS) + "  \n\n" + jsonl(EGGS).rstrip())
    assert [(p.id, p.where) for p in read_problems(file)] == [("mine/1", f"{file}:2"), ("mine/4", f"{file}:5")]


def test_other_keys_of_a_line_are_ignored(file: Path) -> None:
    file.write_text(jsonl({"id": 7, **EGGS, "level": None}))
    assert read_problems(file)[0].question == EGGS["question"]


def test_a_separator_that_only_python_takes_for_a_line_end_is_text(file: Path) -> None:
    row = {**EGGS, "question": "A hen\u2028lays 3 eggs\x85 a day?"}
    file.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    assert read_problems(file)[0].question == row["question"]


def test_a_question_that_comes_twice_is_kept_once_and_the_lines_are_named(file: Path) -> None:
    shouted = {"question": EGGS["question"].upper().replace(" ", "  "), "answer": EGGS["answer"]}
    file.write_text(jsonl(EGGS, CLIPS, shouted, CLIPS))
    with pytest.warns(DuplicateQuestionWarning) as caught:
        kept = read_problems(file)
    assert [p.id for p in kept] == ["mine/0", "mine/1"]
    assert kept[0].answer == EGGS["answer"]
    assert f"2 repeated question(s) left out, the first is kept: {file}:3 repeats {file}:1; {file}:4" in str(
        caught[0].message
    )


# --------------------------------------------------------------------------------- what is wrong with a file, and where


def refusal(source: str | Path) -> str:
    with pytest.raises(BadInputError) as caught:
        read_problems(source)
    return str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.jsonl"
    for source in (missing, str(missing), "data/nothing.jsonl", "nothing.jsonl.gz", "./org/name"):
        assert refusal(source) == f"{source}: no such file or folder"


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: a folder; give one file of JSON lines"


@pytest.mark.parametrize(("source", "why"), [("x" * 5000, "File name too long"), ("~no-such-user/x", "home directory")])
def test_a_name_that_the_system_refuses(source: str, why: str) -> None:
    assert "cannot be read: " in refusal(source) and why in refusal(source)


def test_a_json_array_is_as_good_as_lines(file: Path) -> None:
    file.write_text(json.dumps([CLIPS, EGGS], indent=1))
    assert [(p.id, p.where, p.question) for p in read_problems(file)] == [
        ("mine/0", f"{file}[0]", CLIPS["question"]),
        ("mine/1", f"{file}[1]", EGGS["question"]),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answer": "#### 1"}, "no 'question'; the keys are: answer."),
        ({"question": "1?"}, "no 'answer'; the keys are: question."),
        ({}, "no 'question'; the keys are: nothing."),
        ({"prompt": "1?", "solution": "1"}, "no 'question'; the keys are: prompt, solution."),
        ({"question": 1, "answer": "#### 1"}, "'question' is int, not text."),
        ({"question": "1?", "answer": None}, "'answer' is NoneType, not text."),
        ({"question": " \n", "answer": "#### 1"}, "'question' is empty;"),
        ({"question": "1?", "answer": ""}, "'answer' is empty;"),
        ({"question": "1?", "answer": "It is 1."}, 'the answer has no "####"; its last line must be "#### NUMBER"'),
        ({"question": "1?", "answer": "1\n#### \n"}, 'the answer ends at "####"; its last line must be "#### NUMBER"'),
        ({"question": "1?", "answer": "#### 1\nsee"}, 'the answer goes on after its "####" line; its last line'),
    ],
)
def test_a_row_that_is_no_problem(row: dict[str, object], said: str, file: Path) -> None:
    file.write_text(jsonl(CLIPS, row))
    assert refusal(file).startswith(f"{file}:2: {said}")


SHAPES = {  # columns of published problems: what the conversion sets
    "SVAMP": ({"ID": "1", "Body": "Tom has 8.", "Question": "How many?", "Equation": "8", "Answer": "8.0"},
              '.question = .Body + " " + .Question | .answer = "#### \\(.Answer)"'),
    "ASDiv": ({"body": "Tom has 8.", "question": "How many?", "answer": "8 (pens)", "formula": "8=8"},
              '(.answer | split(" ")[0])'),
    "MAWPS": ({"iIndex": 1, "sQuestion": "How many?", "lEquations": ["X=8"], "lSolutions": [8.0]}, ".lSolutions[0]"),
    "MultiArith": ({"question": "How many?", "final_ans": "8"}, '.answer = "#### \\(.final_ans)"'),
    "Calc-mawps": ({"id": "1", "question": "How many?", "chain": "<gadget>8</gadget>", "result": "8"}, "\\(.result)"),
    "GSM-Plus": ({"question": "How many?", "solution": "Tom has 8.", "answer": "8", "seed_question": "How?"},
                 '.answer = .solution + "\\n#### \\(.answer)"'),
    "MetaMathQA": ({"query": "How many?", "response": "8\n#### 8\nThe answer is: 8", "type": "GSM_Rephrased"},
                   '.answer = (.response | split("\\nThe answer is")[0])'),
    "Orca-Math": ({"question": "How many?", "answer": "Tom has 4 + 4 = 8 pens."}, 'scan("-?[0-9][0-9.,]*")'),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_problems_as_others_publish_them_are_told_the_conversion(file: Path, shape: str) -> None:
    row, jq = SHAPES[shape]
    file.write_text(json.dumps(row) + "\n")
    with pytest.raises(BadInputError, match="#### NUMBER") as error:
        read_problems(file)
    assert str(error.value).startswith(f"{file}:1: ")
    assert jq in str(error.value) and str(error.value).endswith("' FILE")


def test_a_row_with_other_names_is_told_what_to_rename(file: Path) -> None:
    file.write_text(jsonl({"question": "1?", "solution": "One.\n#### 1"}))
    assert refusal(file).endswith(
        "`solution` ends in ####: rename it to `answer` (jq -c '.answer = .\"solution\"' FILE)"
    )
    file.write_text(jsonl({"problem": "1?", "cot": "#### 1"}))
    said = "`problem` is a text: rename it to `question`, and `cot` ends in ####: rename it to `answer`"
    assert refusal(file).endswith(f"""{said} (jq -c '.question = ."problem" | .answer = ."cot"' FILE)""")


@pytest.mark.parametrize("source", ["gsm8k", "openai/gsm8k/main", "two words/x", "", "https://example.com/gsm8k"])
def test_what_is_neither_a_file_nor_a_hub_id(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        read_problems(source)
    assert "neither a file nor a Hub dataset id (org/name or org/name:config)" in str(caught.value)


# ----------------------------------------------------------------------------------------------------- rows from Python


def test_rows_from_python() -> None:
    assert problems_from(iter([CLIPS, EGGS])) == [
        Problem("user/0", CLIPS["question"], CLIPS["answer"], "train", "user[0]"),
        Problem("user/1", EGGS["question"], EGGS["answer"], "train", "user[1]"),
    ]


def test_a_dataset_is_rows_too_whatever_else_it_holds_and_however_it_is_formatted() -> None:
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_list([{**CLIPS, "n": 1}, {**EGGS, "n": 2}])
    expected = problems_from([CLIPS, EGGS], name="mine")
    assert problems_from(dataset, name="mine") == expected
    assert problems_from(dataset.with_format("numpy"), name="mine") == expected
    assert problems_from(dataset.to_iterable_dataset(), name="mine") == expected
    with pytest.raises(BadInputError, match=r"^user: no column question; it has problem, answer, n$"):
        problems_from(dataset.rename_column("question", "problem"))
    with pytest.raises(UsageError, match=r"choose one of its entries \('train', 'test'\)"):
        problems_from(datasets.DatasetDict(train=dataset, test=dataset))


def test_rows_from_python_are_checked_as_a_file_is() -> None:
    with pytest.raises(BadInputError, match=r"^user\[1\]: no 'answer'; the keys are: question\."):
        problems_from([EGGS, {"question": "1?"}])
    with pytest.raises(BadInputError, match=r"^user\[0\]: 'question' holds half a character"):
        problems_from([{"question": "\ud83d?", "answer": "#### 1"}])
    with pytest.raises(BadInputError, match=r"^user: no problems in it; expected one JSON object a line"):
        problems_from([])
    with pytest.raises(UsageError, match=r"rows expected, not the name 'mine\.jsonl'; read_problems\(\) reads a file"):
        problems_from("mine.jsonl")  # type: ignore[arg-type]


def test_the_digest_says_what_the_problems_say_and_not_where_they_were_read(file: Path) -> None:
    file.write_text(jsonl(CLIPS, EGGS))
    digest = problems_digest(read_problems(file))
    assert digest == problems_digest(problems_from([CLIPS, EGGS], name="mine"))
    assert len(digest) == 64
    others = [[EGGS, CLIPS], [CLIPS], [CLIPS, {**EGGS, "answer": "#### 21"}], [CLIPS, {**EGGS, "question": "3*7?"}]]
    assert len({digest, *(problems_digest(problems_from(rows, name="mine")) for rows in others)}) == 5
    assert problems_digest(problems_from([CLIPS, EGGS], name="other")) != digest


# -------------------------------------------------------------------------------------------------------------- the Hub

README = """---
configs:
- config_name: main
  data_files: [{split: train, path: main/train.jsonl}, {split: test, path: main/test.jsonl}]
- config_name: socratic
  data_files: [{split: train, path: main/test.jsonl}]
- config_name: exam
  data_files: [{split: validation, path: main/test.jsonl}]
---
"""
HUB_FILES = {"README.md": README, "main/train.jsonl": jsonl(CLIPS), "main/test.jsonl": jsonl(EGGS)}
COMMIT = "1" * 40


class ReadOnlyHub(BaseHTTPRequestHandler):
    """As much of the Hub's API, over real HTTP, as reading one public dataset needs: openai/gsm8k and maths/hens."""

    protocol_version = "HTTP/1.1"
    known = ("openai/gsm8k", "maths/hens")

    def do_GET(self) -> None:
        repo = next((name for name in self.known if f"/datasets/{name}" in self.path), None)
        rest = self.path.partition("?")[0].partition(f"/datasets/{repo}")[2].strip("/")
        if repo is None:
            self.reply(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif rest.startswith("resolve/"):
            name = rest.split("/", 2)[2]
            if name not in HUB_FILES:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            else:
                data = HUB_FILES[name].encode()
                etag = hashlib.sha1(data).hexdigest()
                self.reply(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
        elif rest.startswith(("tree/", "paths-info/")):
            inside = "/".join(rest.split("/")[2:])
            files = [
                {"type": "file", "path": name, "size": len(text), "oid": hashlib.sha1(text.encode()).hexdigest()}
                for name, text in HUB_FILES.items()
                if name.startswith(inside)
            ]
            self.reply(200, json.dumps(files).encode())
        else:
            siblings = [{"rfilename": name} for name in HUB_FILES]
            info = {"id": repo, "sha": COMMIT, "siblings": siblings, "private": False, "gated": False, "tags": []}
            self.reply(200, json.dumps(info).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_HEAD = do_GET

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ReadOnlyHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def read_from_hub(home: Path, endpoint: str, *sources: str, offline: bool = False) -> list[object]:
    """What each source gives in a fresh process, which reads the address anew: [id, split, where] or a message."""
    code = """
import json, sys
from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.dataset.problems import read_problems
def read(source):
    try:
        return [[p.id, p.split, p.where] for p in read_problems(source)]
    except PrmGsm8kError as error:
        return str(error)
print(json.dumps([read(source) for source in sys.argv[1:]]))
"""
    clean = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    hub_settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": str(int(offline)),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *sources],
        env={**clean, **hub_settings},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    answers: list[object] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.slow
def test_problems_from_the_hub_and_then_from_its_cache(hub: str, tmp_path: Path) -> None:
    gsm8k, hens, socratic, exam, none = read_from_hub(
        tmp_path, hub, "openai/gsm8k", "maths/hens:main", "openai/gsm8k:socratic", "maths/hens:exam", "maths/hens:nope"
    )
    assert gsm8k == [
        ["gsm8k/train/0", "train", "openai/gsm8k train[0]"],
        ["gsm8k/test/0", "test", "openai/gsm8k test[0]"],
    ]
    assert hens == [
        ["maths/hens/train/0", "train", "maths/hens train[0]"],
        ["maths/hens/test/0", "test", "maths/hens test[0]"],
    ]
    assert socratic == [["gsm8k/train/0", "train", "openai/gsm8k train[0]"]]
    assert exam == "maths/hens: neither a train nor a test split in it, only validation"
    assert "maths/hens: cannot be loaded from the Hub: BuilderConfig 'nope' not found" in str(none)
    assert read_from_hub(tmp_path, hub, "openai/gsm8k", offline=True) == [gsm8k]


def test_a_dataset_that_the_hub_does_not_have(hub: str, tmp_path: Path) -> None:
    (said,) = read_from_hub(tmp_path, hub, "nobody/nothing")
    assert str(said).startswith("nobody/nothing: no such file, and no such dataset on the Hub (a private one")


@pytest.mark.slow
def test_a_hub_out_of_reach_says_what_works_without_it(tmp_path: Path) -> None:
    (said,) = read_from_hub(tmp_path, "http://127.0.0.1:9", "openai/gsm8k")
    assert str(said).startswith("openai/gsm8k: no such file, and the Hub cannot be reached (")
    assert "give a JSONL file instead, or no problems at all for the GSM8K that is shipped" in str(said)
    (said,) = read_from_hub(tmp_path, "http://127.0.0.1:9", "openai/gsm8k", offline=True)
    assert str(said).startswith("openai/gsm8k: no such file, and offline nothing of it is in the cache; give a")


# ---------------------------------------------------------------------------- the same question, test questions, splits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tom’s 3.5 kg  cost $1,200.", "tom's 3.5kg cost $1200"),
        ("“How many?”\nshe asked…", '"How many?" she asked...'),
        ("A café sells ½ a pie", "A CAFE\u0301 sells 1/2 a pie"),
        ("5\u00a0eggs\u200b", "5 eggs"),
        ("He/she has 3 dogs.5 are brown", "He / she has 3 dogs. 5 are brown"),
    ],
)
def test_spelling_does_not_make_another_question(one: str, other: str) -> None:
    assert question_key(one) == question_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("3.5 kg", "35 kg"), ("1/2 a pie", "12 a pie"), ("$.50 each", "$50 each"), ("48 clips", "84 clips"), ("ℕ", "ℤ")],
)
def test_another_number_makes_another_question(one: str, other: str) -> None:
    assert question_key(one) != question_key(other)


def test_training_on_a_test_question_is_refused_and_the_lines_are_named(file: Path) -> None:
    test = shipped_problems("test")
    leaked = [{"question": p.question.upper(), "answer": p.answer} for p in test[10:15]]
    file.write_text(jsonl(EGGS, *leaked))
    with pytest.raises(BadInputError) as caught:
        refuse_test_questions(read_problems(file))
    assert str(caught.value).startswith(f"{file}:2: a question of GSM8K test (gsm8k/test/10), on which process reward")
    assert f"so are {file}:3 (gsm8k/test/11), {file}:4 (gsm8k/test/12) and 2 more." in str(caught.value)


def test_test_questions_may_be_there_as_test() -> None:
    refuse_test_questions(shipped_problems("test"))


def test_one_problem_in_twenty_of_train_is_for_validation_and_test_stays_test() -> None:
    counts = Counter(split_of(p) for p in shipped_problems("train") + shipped_problems("test"))
    assert counts == {"train": 7095, "validation": 378, "test": 1319}  # a change here moves rows between splits


def test_a_question_is_always_in_the_same_split() -> None:
    for p in shipped_problems("train")[:300]:
        elsewhere = Problem("mine/0", f" {p.question.upper()} ", "#### 1", "train", "mine.jsonl:1")
        assert split_of(elsewhere) == split_of(p)


def test_reading_problems_is_quiet(file: Path) -> None:
    file.write_text(jsonl(CLIPS, EGGS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_problems(file)
        shipped_problems("train")
