"""A loopback Hub for the whole run, and for each test an empty one, an empty cache and no waiting.

huggingface_hub and datasets read where the Hub is when they are imported, and keep it. So this file, which pytest reads
before any test module, binds the address and sets the environment; no test of this process can reach the real Hub. The
Hub starts to answer when the first test asks for `hub`. What these libraries look up at every call (the caches, the
token, offline or not, Xet or not) the fixtures change for one test; the environment changes with it, for subprocesses.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest
from command_line import go_offline, use_home
from loopback import Hub

# A machine may be busy: no test fails for being slow.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

HUB = Hub()
HOME = tempfile.TemporaryDirectory(prefix="prm-gsm8k-tests-")

os.environ |= {
    "HF_ENDPOINT": HUB.endpoint,
    "HF_TOKEN": Hub.WRITE,
    "HF_HOME": HOME.name,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a script ignores it
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the models are small, and threads that wait for each other take a core
for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_XET_CACHE"):
    os.environ.pop(name, None)


MARK = "PRM_GSM8K_TESTS"  # in the environment of this run, and so of every process that a test starts
CONTROLLER = "PYTEST_XDIST_WORKER" not in os.environ  # or the only process
if CONTROLLER:
    os.environ[MARK] = str(os.getpid())


def left_over() -> dict[int, str]:
    """The processes of this run that have not ended: the test that started each, and its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            # multiprocessing's own server and tracker end with the process that uses them
            ours = parent == str(os.getpid()) and "from multiprocessing." in command
            if f"{MARK}={os.getpid()}".encode() in environment and command and not ours:
                test = [line for line in environment if line.startswith(b"PYTEST_CURRENT_TEST=")]
                found[int(folder.name)] = f"{b''.join(test).decode(errors='replace')}\n    {command[:300]}"
    return found


# What imports torch, transformers or scikit-learn: 10 CPU seconds
WITH_MODELS = ("audit", "benchmarks", "evaluation", "metrics", "models", "train", "cli/test_bad_files.py")
WITH_MODELS += ("sampling/test_prompts.py", "test_doctests.py", "test_readme.py")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--dist each`, one of two workers takes the tests `WITH_MODELS` and the other the rest."""
    worker = getattr(config, "workerinput", {"mainargv": ()})
    if "each" not in worker["mainargv"] or worker["workercount"] != 2 or collection_path.is_dir():
        return None
    with_models = collection_path.relative_to(Path(__file__).parent).as_posix().startswith(WITH_MODELS)
    return with_models != (worker["workerid"] == "gw0") or None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if a test leaves a process behind. Workers have ended by now, and what ends with them has time to."""
    if not CONTROLLER:
        return
    deadline = time.monotonic() + 10
    while (left := left_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid, what in left.items():
        print(f"\nprocess {pid} was left behind by {what}")
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def started_hub() -> Iterator[Hub]:
    HUB.start()
    yield HUB
    HUB.stop()


@pytest.fixture(scope="session")
def v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built folder of three configs. Not to be changed: copy it."""
    from hub.published import build_v1

    return build_v1(tmp_path_factory.mktemp("built") / "v1")


@pytest.fixture(scope="session")
def v2(v1: Path) -> Path:
    """The same a little later: a row edited, a split gone."""
    from hub.published import build_v2

    return build_v2(v1.parent / "v2", v1)


@pytest.fixture
def hub(started_hub: Hub, hf_home: Path, waits: list[float]) -> Iterator[Hub]:
    """An empty Hub that this process publishes to and loads from, with an empty cache (`hf_home`) and no `waits`."""
    started_hub.reset()
    yield started_hub
    if started_hub.bugs:
        raise started_hub.bugs[0]


@pytest.fixture
def xet_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The same with Xet: data files go through hf_xet into `hub.xet`, a store on disk, and never as LFS."""
    pytest.importorskip("hf_xet", reason="the client has no Xet: hf_xet is not installed")
    from huggingface_hub import constants
    from huggingface_hub.utils import _xet
    from loopback.xet import XetStore

    hub.xet = XetStore(tmp_path / "xet")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "0")
    _xet.XET_CONNECTION_INFO_CACHE.clear()
    _xet.abort_xet_session()  # a new session for a new store
    return hub


@pytest.fixture
def hf_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HF_HOME, for this process and for the subprocesses of the test."""
    home = tmp_path / "hf_home"
    use_home(monkeypatch, home)
    return home


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Our pauses between two requests to a Hub take no time; the list holds their seconds."""
    waited: list[float] = []
    from prm_gsm8k.hub import client

    monkeypatch.setattr(client, "sleep", waited.append)
    return waited


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """huggingface_hub's waiting before it tries again takes no time; the list says how many seconds it would have."""
    from huggingface_hub import file_download
    from huggingface_hub.utils import _http

    waited: list[float] = []
    for module in (_http, file_download):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append, time=time.time))
    return waited


@pytest.fixture
def offline() -> Callable[[], AbstractContextManager[None]]:
    """`with offline(): ...` is what HF_HUB_OFFLINE=1 is to a new process."""

    @contextlib.contextmanager
    def block() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            go_offline(patch)
            yield

    return block
