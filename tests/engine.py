"""Real vLLM on the CPU for tests: the environment `make test-all` puts beside ours, and arguments for two cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prm_gsm8k.models.vllm_server import COMMAND

PYTHON = Path(__file__).parent.parent / ".venv-vllm" / "bin" / "python"
COMMAND_LINE = f"{PYTHON} -m vllm.entrypoints.openai.api_server"
# fp32, for many CPUs have no bf16. A request's `seed` ends the CPU engine ("CPU Generator does not use offset"), so no
# test sends one.
SMALL = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "64"]
# Fails without that environment; `make test-all` makes it where vLLM has wheels for the CPU.
needs_vllm = pytest.mark.vllm


def use_vllm() -> None:
    """Name the engine for this process and its children."""
    os.environ[COMMAND] = COMMAND_LINE
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")  # cores are shared
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # no third process that imports vLLM for 14 s
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
