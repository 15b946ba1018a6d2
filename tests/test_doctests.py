"""The worked examples in docstrings are true."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import prm_gsm8k

MODULES = [module.name for module in pkgutil.walk_packages(prm_gsm8k.__path__, "prm_gsm8k.")]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
WITH_EXAMPLES = [file.stem for file in sorted(BENCHMARKS.glob("*.py")) if ">>>" in file.read_text("utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_benchmarks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    tested = doctest.testmod(importlib.import_module(name))
    assert tested.attempted and not tested.failed


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    examples = sum(
        len(test.examples)
        for name in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(name), name)
    )
    assert examples > 10
