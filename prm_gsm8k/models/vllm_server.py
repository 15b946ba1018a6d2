"""Run a vLLM server as a child process.

    with vllm_server("Qwen/Qwen3-8B", ["--max-model-len", "4096"]) as server:
        ...                                     # server.url answers here; at the end its processes are stopped

vLLM may be installed in an environment of its own, with other versions of torch and transformers: `PRM_GSM8K_VLLM`
names the command if it is not the vLLM of this Python.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from prm_gsm8k.exceptions import EngineError

COMMAND = "PRM_GSM8K_VLLM"  # environment variable: the command line before the server's arguments
# Ends a server's process group once the process that started it is gone, even if that was killed: the GPU must not stay
# occupied.
_WATCHER = """
import os, signal, sys, time
parent, group = map(int, sys.argv[1:])
while os.getppid() == parent:
    time.sleep(0.5)
for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 0)):
    try:
        os.killpg(group, sign)
    except ProcessLookupError:
        break
    time.sleep(patience)
"""
# Errors in vLLM's log that a user can fix, and how.
ADVICE = (
    ("out of memory", "try --max-model-len 2048, --gpu-memory-utilization 0.95 or --tensor-parallel-size 2"),
    ("No available memory for the cache blocks", "try --max-model-len 2048 or --gpu-memory-utilization 0.95"),
    ("larger than the maximum number of tokens", "try a smaller --max-model-len"),
    (
        "is not a local folder and is not a valid model identifier",
        "no such folder, and no such model on the Hub",
    ),
    ("does not appear to have a file named config.json", "this folder holds no model"),
    (
        "trust_remote_code=True",
        "this model needs code of its own, which is never run; use one that transformers supports",
    ),
)


@dataclass(frozen=True)
class Server:
    """A running server: its URL, the name it serves its model under, its log and its process."""

    url: str
    model: str
    log: Path
    process: subprocess.Popen[bytes]

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """If the server ends within 5 seconds of an EngineError raised inside, raise one that says why it ended."""
        try:
            yield
        except EngineError as error:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                raise EngineError(
                    f"vLLM ended while in use (exit code {self.process.returncode}); {_why(self.log)}. "
                    "All answers so far are kept; the same command continues from here"
                ) from error
            raise


def vllm_command() -> list[str]:
    """The command that starts vLLM's OpenAI-compatible server, without its arguments.

    Raises:
        EngineError: vLLM is not installed, and `PRM_GSM8K_VLLM` names no command.
    """
    if named := os.environ.get(COMMAND):
        return shlex.split(named)
    if find_spec("vllm") is None:
        raise EngineError(
            "vLLM is not installed: pip install 'prm-gsm8k[sample]', or use that of another environment, "
            f"{COMMAND}='/PATH/bin/python -m vllm.entrypoints.openai.api_server', or a running server, --endpoint URL"
        )
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]


@contextmanager
def vllm_server(
    model: str, arguments: Sequence[str] = (), *, log: Path | None = None, timeout: float = 1800
) -> Iterator[Server]:
    """Start a server on a free loopback port, wait until it answers, and stop it at the end.

    Args:
        model: a folder or a Hub id.
        arguments: more arguments of vLLM.
        log: file for vLLM's output; if None a temporary one, which is deleted unless the start fails.
        timeout: seconds until it must answer; a first start downloads the model.

    Raises:
        EngineError: it cannot be started, ends early, or takes too long. The message gives a known remedy or the last
            error in its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*vllm_command(), "--model", model, "--host", "127.0.0.1", "--port", str(port), *arguments]
    if forbidden := [word for word in command if word.replace("_", "-").startswith("--trust-remote-code")]:
        raise EngineError(f"{forbidden[0]}: code that comes with a model is never run")
    temporary = log is None
    if log is None:
        descriptor, name = tempfile.mkstemp(prefix="prm-gsm8k-vllm-", suffix=".log")
        os.close(descriptor)
        log = Path(name)
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as out:
        try:
            process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"{command[0]} cannot be started: {error.strerror}; set {COMMAND}") from error
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCHER, str(os.getpid()), str(process.pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, url, model, log, timeout)
        yield Server(url, model, log, process)
        if temporary:
            log.unlink(missing_ok=True)
    finally:
        stop(process)
        watcher.kill()
        watcher.wait()


def stop(process: subprocess.Popen[bytes], patience: float = 20) -> None:
    """End a server and its engine's processes, which share its process group: SIGTERM, after `patience` s SIGKILL."""
    for sign, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, model: str, log: Path, timeout: float) -> None:
    begin, opener = time.monotonic(), build_opener(ProxyHandler({}))  # no proxy for loopback
    while time.monotonic() - begin < timeout:
        if process.poll() is not None:
            raise EngineError(f"vLLM ended during its start (exit code {process.returncode}); {_why(log)}")
        with suppress(OSError), opener.open(f"{url}/health", timeout=5):
            return
        time.sleep(0.5)
    raise EngineError(f"vLLM did not answer within {timeout:.0f} s of its start with {model}; its log: {log}")


def _why(log: Path) -> str:
    text = log.read_text(errors="replace")
    for symptom, remedy in ADVICE:
        if symptom in text:
            return f"{remedy} (its log: {log})"
    errors = [line for line in text.splitlines() if "Error" in line]
    return f"its log, {log}, says: {errors[-1].strip() if errors else text.strip()[-300:]}"
