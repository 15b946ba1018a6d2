"""A run as its user meets it: what it says before it begins, how it shows where it is, what it says when it cannot."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import run_command
from fake_slurm import fake_slurm
from sampling.loopback_model import MODEL, LoopbackModel

from prm_gsm8k.dataset.problems import Problem
from prm_gsm8k.exceptions import EngineError, PrmGsm8kError, UsageError
from prm_gsm8k.models.vllm_server import COMMAND
from prm_gsm8k.sampling import run as run_module
from prm_gsm8k.sampling.models import find_model
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.sampling.run import How, sample
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import reference_answer

PROBLEMS = 6
BUILD = ["--prompt", "few_shot", "--max-problems", str(PROBLEMS), "--rollouts", "2", "--num-proc", "1"]


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    by_split, _ = ModelSampledRecipe(max_problems=PROBLEMS).read_problems()
    return [problem for chosen in by_split.values() for problem in chosen]


@pytest.fixture
def model(problems: list[Problem]) -> Iterator[LoopbackModel]:
    with LoopbackModel({problem.question: reference_answer(problem) for problem in problems}) as model:
        yield model


def environment(home: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "HF_HOME": str(home / "hf"), "PYTHONPATH": path, "COLUMNS": "160", **more}


def build(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run_command("build", "model_sampled", *BUILD, *arguments, place=home, COLUMNS="160", **more)


def fake_vllm(tmp_path: Path, code: str) -> str:
    """A command that stands for vLLM: what it does wrong cannot be had from the real one on this machine."""
    script = tmp_path / "vllm.py"
    head = """
        import sys, time, threading, json
        from http.server import BaseHTTPRequestHandler, HTTPServer
        port = int(sys.argv[sys.argv.index("--port") + 1])
        name = sys.argv[sys.argv.index("--served-model-name") + 1]
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                data = json.dumps({"data": [{"id": name}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            def log_message(self, *_): pass
    """
    script.write_text(textwrap.dedent(head) + textwrap.dedent(code))
    return f"{sys.executable} {script}"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


# --------------------------------------------------------------------------------------------------------- what it says


def test_a_key_is_in_nothing_that_a_run_leaves(
    problems: list[Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-dont-show-me")
    monkeypatch.setenv("HF_TOKEN", "hf_dont_show_me")
    answers = {problem.question: reference_answer(problem) for problem in problems}
    asked = ModelSampledRecipe(prompt="few_shot", max_problems=PROBLEMS, evidence=str(tmp_path / "evidence"))
    with LoopbackModel(answers, key="sk-dont-show-me") as model:
        sample(asked, How(endpoint=model.url))
    with LoopbackModel(answers, key="sk-dont-show-me") as model:
        model.script = lambda request, times: "500" if "attempt 1" in request else None  # says the key in its answer
        monkeypatch.setenv("SLURM_JOB_ID", "1")  # a task logs its error
        more = ModelSampledRecipe(**{**vars(asked), "num_solutions": 5, "max_tokens": 99})
        with suppress(PrmGsm8kError):
            sample(more, How(endpoint=model.url, patience=0.3), print)
    said = capfd.readouterr()
    left = {str(p): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} | {
        "out": (said.out + said.err).encode()
    }
    assert any("logs" in name for name in left)
    assert [name for name, data in left.items() if b"dont" in data] == []


@pytest.mark.parametrize(
    "body",
    ['{"api_key": "k"}', '{"a": [{"Authorization": "k"}]}', '{"x": "sk-dont"}', '{"x": "hf_dont"}',
     '{"x": "Bearer dont"}',
     '{"auth_token": "k"}', "{api_key: sk-dont}", '"sk-dont"', '{"password": 1}'],
)  # fmt: skip
def test_a_key_in_an_option_is_refused_and_not_shown(body: str) -> None:
    with pytest.raises(UsageError, match="--extra-body") as error:
        Settings(MODEL, "r1", extra_body=body)
    assert "dont" not in "".join(traceback.format_exception(error.value))
    with pytest.raises(UsageError, match="set VLLM_API_KEY or HF_TOKEN"):
        How(vllm=["--api-key", "sk-dont"])
    assert Settings(
        MODEL, "r1", extra_body='{"stop_token_ids": [1], "max_completion_tokens": 9, "prompt_cache_key": "a"}'
    )


@pytest.mark.parametrize("omit", ["model", "messages", "prompt", "max_token"])
def test_only_fields_that_are_sent_and_can_be_spared_are_omitted(omit: str) -> None:
    with pytest.raises(UsageError, match=f"--omit {omit}: not one of add_generation_prompt, .*max_tokens"):
        Settings(MODEL, "r1", omit=omit)


def test_disk_use_is_said_before_anything_is_asked(model: LoopbackModel, tmp_path: Path) -> None:
    said: list[tuple[str, int]] = []
    asked = ModelSampledRecipe(prompt="few_shot", max_problems=PROBLEMS, evidence=str(tmp_path))
    sample(asked, How(endpoint=model.url, max_disk=10**9), lambda what: said.append((what, model.asked)))
    first, before = said[0]
    assert re.match(r"6 problems to ask about; the answers take about \d+ MB in .*, and at most 1.0 GB", first)
    assert before == 0
    assert re.match(
        r"6 problems in [\d,]+ calls and [\d,]+ tokens, [\d,]+ tokens/s; \d+ s in all; saved in", said[-1][0]
    )


def test_a_disk_that_is_too_small_is_said_before_anything_is_asked(
    model: LoopbackModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "BYTES_PER_CALL", 10**12)
    asked = ModelSampledRecipe(prompt="few_shot", max_problems=PROBLEMS, evidence=str(tmp_path))
    with pytest.raises(PrmGsm8kError, match=r"GB free, and the answers will take about .* another disk \(--evidence\)"):
        sample(asked, How(endpoint=model.url))
    assert model.asked == 0


def test_answers_grow_no_larger_than_max_disk_and_what_there_is_makes_rows(
    model: LoopbackModel, tmp_path: Path
) -> None:
    done = build(tmp_path, "--endpoint", model.url, "--out", "out", "--max-disk", "0.000004")
    assert (done.returncode, done.stdout) == (1, "")
    assert "which is what --max-disk allows; every finished call is kept" in done.stderr
    assert sum(path.stat().st_size for path in tmp_path.glob("out-evidence/*/calls-*")) <= 4000
    kept = json.loads(build(tmp_path, "--endpoint", model.url, "--out", "out", "--no-calls", "--json").stdout)
    assert kept["all"]["rows"] > 0
    assert kept["drops"]["solution left out/calls not made yet"] > 0


@pytest.mark.slow
def test_progress_shows_problems_calls_tokens_and_time(model: LoopbackModel, tmp_path: Path) -> None:
    model.seconds = 0.1
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "prm_gsm8k.cli", "build", "model_sampled", *BUILD, "--endpoint", model.url]
    process = subprocess.Popen(
        [*command, "--concurrency", "2"],
        cwd=tmp_path,
        env=environment(tmp_path, TERM="xterm", COLUMNS="160"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=secondary,
    )
    os.close(secondary)
    seen = b""
    while True:
        try:
            data = os.read(primary, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(primary)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert re.search(r"sampling .*\d/6 problems +\d+ calls +\d+ tokens/s +\d+ tokens .* left", text)


@pytest.mark.slow
def test_interrupted_it_says_that_it_goes_on(model: LoopbackModel, tmp_path: Path) -> None:
    model.always = "hang"  # or a busy machine might see the run end before it is interrupted
    command = [sys.executable, "-m", "prm_gsm8k.cli", "build", "model_sampled", *BUILD, "--endpoint", model.url]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while model.asked < 5:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        "prm-gsm8k: interrupted; completions so far are in data-evidence, and the same command continues from there"
    )
    assert "Traceback" not in errors


# ----------------------------------------------------------------------------------------------------- what goes wrong


def test_a_model_that_is_not_there_is_said_at_once(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(
        UsageError, match="name the model: --model, a Hub id or a folder; or a running server: --endpoint"
    ):
        sample(ModelSampledRecipe(evidence=str(tmp_path)), How())
    with pytest.raises(EngineError, match="no such folder; give a model folder or a Hub id"):
        find_model("./nowhere")
    (weights / "config.json").unlink()
    with pytest.raises(EngineError, match=r"this folder has no config\.json"):
        find_model(str(weights))


@pytest.mark.usefixtures("hub")
def test_a_model_that_is_not_on_the_hub_is_said_at_once() -> None:
    with pytest.raises(EngineError, match=r"nobody/nothing: no such folder, and no such model on the Hub"):
        find_model("nobody/nothing")


def test_a_folder_is_known_by_what_is_in_it(weights: Path) -> None:
    (weights / "model.safetensors").write_bytes(b"x" * 200_000)
    first = find_model(str(weights))
    assert (first.name, first.weights) == ("weights", str(weights))
    (weights / "notes.txt").write_text("not of the model")
    assert find_model(str(weights)).revision == first.revision
    (weights / "model.safetensors").write_bytes(b"x" * 199_999 + b"y")
    assert find_model(str(weights)).revision != first.revision


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--temperature", "0"], "temperature is 0.0; it must be above 0, so that rollouts differ"),
        (["--top-p", "1.5"], "top_p is 1.5, not in (0, 1]"),
        (["--num-wrong", "20"], "num_wrong is 20, not from 1 to max_solutions, 16"),
        (["--executor", "slurm"], "slurm needs a partition: --partition"),
        (["--threshold", "1"], "threshold is 1.0, not in [0, 1)"),
        (["--extra-body", "[1]"], '--extra-body: not a JSON object such as {"top_k": 20} but a list'),
        (["--extra-body", '{"n": 2}'], "--extra-body may not set n"),
        (
            ["--endpoint", "http://me:pw@host"],
            "--endpoint: what stands at its '@', such as a name, a password or a key, would get into logs; leave it "
            "out, and set OPENAI_API_KEY",
        ),
        (["--endpoint", "nonsense"], "--endpoint nonsense: not a URL such as http://127.0.0.1:8000/v1"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = build(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"prm-gsm8k: {says}\n"


def test_a_context_too_short_is_said_before_anything_is_asked(model: LoopbackModel, tmp_path: Path) -> None:
    model.context = 1024
    done = build(tmp_path, "--endpoint", model.url, "--out", "out")
    assert done.returncode == 1
    assert "too short for a prompt and --max-tokens 1024: lower --max-tokens, or" in done.stderr
    assert model.asked == 0


def test_too_little_gpu_memory_names_the_flags_that_help(tmp_path: Path, weights: Path) -> None:
    command = fake_vllm(tmp_path, "sys.exit('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 14 GiB')")
    done = build(tmp_path, "--model", str(weights), "--out", "out", **{COMMAND: command})
    assert done.returncode == 1
    assert "vLLM ended during its start (exit code 1); try --max-model-len 2048, --gpu-memory" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_dies_in_the_middle_is_said_with_its_reason(tmp_path: Path, weights: Path) -> None:
    code = """
        class Dies(Answers):
            def do_POST(self):
                sys.stderr.write("RuntimeError: Engine core died: CUDA out of memory\\n")
                sys.stderr.flush()
                __import__("os")._exit(3)
        HTTPServer(("127.0.0.1", port), Dies).serve_forever()
    """
    command = fake_vllm(tmp_path, code)
    done = build(tmp_path, "--model", str(weights), "--out", "out", "--patience", "2", **{COMMAND: command})
    assert done.returncode == 1
    says = r"vLLM ended while in use \(exit code 3\); try --max-model-len 2048.* the same command continues"
    assert re.search(says, done.stderr)


@pytest.mark.slow
def test_the_engine_of_a_killed_run_ends_too(tmp_path: Path, weights: Path) -> None:
    code = """
        open("engine.pid", "w").write(str(__import__("os").getpid()))
        class Hangs(Answers):
            def do_POST(self):
                open("asked", "w").close()
                time.sleep(600)
        HTTPServer(("127.0.0.1", port), Hangs).serve_forever()
    """
    command = [sys.executable, "-m", "prm_gsm8k.cli", "build", "model_sampled", *BUILD, "--model", str(weights)]
    run = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path, **{COMMAND: fake_vllm(tmp_path, code)}), stderr=subprocess.PIPE
    )
    pid = tmp_path / "engine.pid"
    while not (tmp_path / "asked").exists():
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid.read_text()}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid.read_text()}").exists()


@pytest.mark.slow
def test_fields_of_a_request_are_left_out_and_added_and_are_part_of_the_settings(
    model: LoopbackModel, tmp_path: Path
) -> None:
    extra = ["--omit", "stop,max_tokens", "--extra-body", '{"max_completion_tokens": 99, "top_p": 0.9}']
    done = build(tmp_path, "--endpoint", model.url, "--out", "out", *extra, "--json")
    assert done.returncode == 0, done.stderr
    sent = json.loads(model.requests[0])
    assert (sent["max_completion_tokens"], sent["top_p"]) == (99, 0.9)
    assert not {"max_tokens", "stop"} & set(sent)
    assert json.loads(done.stdout)["options"]["omit"] == "max_tokens,stop"
    assert "user" not in Settings(MODEL, "r1", omit=" user ").request("1 + 1?", [], 0)
    assert build(tmp_path, "--out", "out", "--no-calls", *extra).returncode == 0
    assert "none matches the given" in build(tmp_path, "--out", "out", "--no-calls").stderr


# --------------------------------------------------------------------------------------------------------------- Slurm


@pytest.mark.slow
def test_slurm_gets_an_array_job_whose_tasks_do_the_work(model: LoopbackModel, tmp_path: Path) -> None:
    flags = ["--endpoint", model.url, "--executor", "slurm", "--partition", "gpu", "--tasks", "2", "--gpus", "0"]
    done = build(tmp_path, *flags, "--out", "out", PATH=fake_slurm(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Slurm job 7 was submitted" in done.stdout
    script = (tmp_path / "submitted.sh").read_text()
    assert "--partition=gpu" in script and "--time=20:00:00" in script
    logs = [(tmp_path / f"slurm-{task}.log").read_text() for task in (0, 1)]
    assert len(list(tmp_path.glob("out-evidence/*/calls-*"))) == 2, logs
    made = build(tmp_path, "--out", "out", "--no-calls", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["drops"]["solutions"] == 3 * PROBLEMS
    assert "solution left out/calls not made yet" not in json.loads(made.stdout)["drops"]
    assert json.loads(made.stdout)["options"]["model"] == MODEL
