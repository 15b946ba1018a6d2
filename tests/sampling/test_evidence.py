"""Evidence: what was answered stays, whole and once, whatever ends the process that writes it."""

from __future__ import annotations

import resource
import signal
import threading
from pathlib import Path

import orjson
import pytest

from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError
from prm_gsm8k.sampling.evidence import Log, Watch, kept_settings, open_folder, question_digest, read_calls, sole_run
from prm_gsm8k.sampling.rollout import Rollout
from prm_gsm8k.sampling.settings import Settings

SETTINGS = Settings("tiny", "r1", "few_shot")
QUESTION = question_digest("1 + 1?")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return open_folder(tmp_path / "evidence", SETTINGS)


def add(log: Log, attempt: int, text: str = "The answer is 2.", *prefix: str) -> None:
    log.append("p/0", QUESTION, prefix, attempt, Rollout(text, 5, "stop"))


def test_a_call_is_there_for_every_reader_as_soon_as_append_returns(folder: Path) -> None:
    with Log(folder) as log:
        add(log, 0)
        add(log, 1, "one more", "So far.", "And so on.")
        assert read_calls(folder) == {
            QUESTION: {
                ((), 0): Rollout("The answer is 2.", 5, "stop"),
                (("So far.", "And so on."), 1): Rollout("one more", 5, "stop"),
            }
        }


def test_only_calls_about_the_questions_that_are_wanted_are_read(folder: Path) -> None:
    with Log(folder) as log:
        add(log, 0)
    assert read_calls(folder, {"another"}) == {}


def test_the_files_of_all_tasks_are_read(folder: Path) -> None:
    for rank in range(3):
        with Log(folder, rank) as log:
            add(log, rank)
    assert len(read_calls(folder)[QUESTION]) == 3


def test_other_settings_are_another_folder(tmp_path: Path) -> None:
    changed = [
        Settings("tiny", "r2", "few_shot"),
        Settings("tiny", "r1", "chat"),
        Settings("tiny", "r1", "few_shot", temperature=0.7),
        Settings("tiny", "r1", "few_shot", top_p=0.9),
        Settings("tiny", "r1", "few_shot", max_tokens=7),
        Settings("a/tiny", "r1", "few_shot"),
    ]
    folders = {open_folder(tmp_path, settings) for settings in [SETTINGS, *changed]}
    assert len(folders) == 7
    assert set(kept_settings(tmp_path)) == {SETTINGS, *changed}


def test_a_folder_that_was_edited_is_refused(folder: Path) -> None:
    (folder / "settings.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"settings\.json: was changed"):
        open_folder(folder.parent, SETTINGS)


def test_the_line_a_killed_process_was_at_is_no_call_and_the_next_begins_a_new_one(folder: Path) -> None:
    with Log(folder) as log:
        add(log, 0)
        path = log.path
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert len(read_calls(folder)[QUESTION]) == 1
    with Log(folder) as log:
        add(log, 1)
    assert len(read_calls(folder)[QUESTION]) == 2
    assert path.read_bytes().startswith(whole)


def test_a_torn_first_line_leaves_an_empty_file(folder: Path) -> None:
    (folder / "calls-00000.jsonl").write_bytes(b'{"problem": "p')
    with Log(folder) as log:
        assert log.path.read_bytes() == b""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"not json", "not valid JSON"),
        (b"[1]", "an array, not an object"),
        (b'{"question": "q"}', "not a call as they are kept here"),
        (b'{"question":1,"prefix":2}', "not a call as they are kept here"),
    ],
)
def test_a_damaged_line_is_named(folder: Path, line: bytes, says: str) -> None:
    with Log(folder) as log:
        add(log, 0)
        path = log.path
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(BadInputError, match=rf"calls-00000\.jsonl:2: {says}.*; delete that line"):
        read_calls(folder)


def test_two_runs_do_not_write_one_file(folder: Path) -> None:
    with Log(folder), pytest.raises(PrmGsm8kError, match="another run is writing it"), Log(folder):
        pass


def test_a_second_run_waits_for_what_is_left_of_the_first_and_then_says_so(folder: Path) -> None:
    with sole_run(folder), pytest.raises(PrmGsm8kError, match="another run is at work there"), sole_run(folder, 0.3):
        pass
    with Log(folder, 1), pytest.raises(PrmGsm8kError, match="another run is at work there"), sole_run(folder, 0.3):
        pass  # a task of a run that was killed, which has not noticed yet
    left = Log(folder, 1)
    left.__enter__()
    threading.Timer(0.5, left.__exit__, (None, None, None)).start()
    with sole_run(folder), Log(folder, 1):
        pass


def test_a_full_disk_is_said_and_what_is_there_stays(folder: Path) -> None:
    with Log(folder, 1) as log:
        add(log, 0)
    (folder / "calls-00000.jsonl").symlink_to("/dev/full")
    with (
        Log(folder) as log,
        pytest.raises(PrmGsm8kError, match="No space left on device; every finished call is kept: free"),
    ):
        add(log, 1)
    (folder / "calls-00000.jsonl").unlink()
    assert len(read_calls(folder)[QUESTION]) == 1


def test_a_line_that_did_not_fit_wholly_is_taken_back(folder: Path) -> None:
    with Log(folder) as log:
        add(log, 0)
        whole = log.path.read_bytes()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, before[1]))
        try:
            with pytest.raises(PrmGsm8kError, match="every finished call is kept"):
                add(log, 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert log.path.read_bytes() == whole


def test_evidence_grows_no_larger_than_allowed(folder: Path) -> None:
    with Log(folder, most_bytes=300) as log:
        add(log, 0)
        with pytest.raises(PrmGsm8kError, match="--max-disk allows; every finished call is kept"):
            for attempt in range(1, 9):
                add(log, attempt)
        assert log.path.stat().st_size <= 300


def test_a_watch_counts_what_comes_in_and_nothing_half_written(folder: Path) -> None:
    watch = Watch(folder)
    with Log(folder) as log:
        add(log, 0)
        watch.look()
        assert (watch.calls, watch.tokens) == (1, 5)
        line = orjson.dumps({"tokens": 7}, option=orjson.OPT_APPEND_NEWLINE)
        with log.path.open("ab") as file:
            file.write(line[:6])
            file.flush()
            watch.look()
            assert watch.calls == 1
            file.write(line[6:])
        watch.look()
        assert (watch.calls, watch.tokens) == (2, 12)


def test_evidence_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PrmGsm8kError, match="name another --evidence"):
        open_folder(tmp_path / "file", SETTINGS)
