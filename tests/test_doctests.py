"""The worked examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import prm_gsm8k

MODULES = [module.name for module in pkgutil.walk_packages(prm_gsm8k.__path__, "prm_gsm8k.")]


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
