"""Real vLLM on the CPU for tests: the environment `make test` puts beside ours, and arguments for two cores."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from prm_gsm8k.vllm_server import COMMAND

PYTHON = Path(__file__).parent.parent / ".venv-vllm" / "bin" / "python"
COMMAND_LINE = f"{PYTHON} -m vllm.entrypoints.openai.api_server"
# A request's `seed` ends the CPU engine ("CPU Generator does not use offset"), so no test sends one.
SMALL = ["--dtype", "bfloat16", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "64"]
needs_vllm = pytest.mark.vllm  # conftest.py skips these where there is none
NO_VLLM = "vLLM has wheels for the CPU on Linux x86-64 only; there, as in CI, none of these is skipped"


def vllm_is_to_be_had() -> bool:
    return PYTHON.exists() or (sys.platform == "linux" and os.uname().machine == "x86_64")


def use_vllm() -> None:
    """Name the engine for this process and its children."""
    os.environ[COMMAND] = COMMAND_LINE
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")  # cores are shared
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
