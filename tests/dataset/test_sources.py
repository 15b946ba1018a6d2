"""The files that decide rows are found by imports alone, and a change in any of them changes the identity of rows."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import prm_gsm8k.builders
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.sources import ROOT, imported, source_files

MODULES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def by_ast(text: str) -> set[str]:
    """What `imported` finds, by Python's own parser."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    ours = [name.split(".") for name in names if name.startswith("prm_gsm8k.")]
    return {".".join(parts[:n]) for parts in ours for n in range(2, len(parts) + 1)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_import_statement_is_seen(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert by_ast(text) <= imported(text)


REACHED = """
import json, sys
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.recipe import Tally
recipe = RECIPES[sys.argv[1]](**json.loads(sys.argv[2]))
before = set(sys.modules)
inputs = recipe.read_inputs()
rows = [row for batches in inputs.batches.values() for batch in batches[:1] for row in recipe.rows(batch, Tally())]
assert rows
print(json.dumps([sys.modules[m].__file__ for m in sys.modules if m.startswith("prm_gsm8k.") and m not in before]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "config, options", [("synthetic", {}), ("prm800k", {"source": "tests/data/prm800k"})], ids=["synthetic", "prm800k"]
)
def test_whatever_making_rows_imports_is_named(config: str, options: dict[str, str]) -> None:
    command = [sys.executable, "-c", REACHED, config, json.dumps(options)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    reached = {Path(file).resolve() for file in json.loads(done.stdout)}
    named = {path.resolve() for path in source_files(f"prm_gsm8k.{config}.recipe")}
    assert {path for path in reached if path.stat().st_size} <= named


IDENTITIES = """
import json, pathlib, sys
from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset import sources
before = {name: sources.code_digest(recipe.__module__) for name, recipe in RECIPES.items()}
changed = {}
for path in map(pathlib.Path, json.loads(sys.stdin.read())):
    content = path.read_bytes()
    path.write_bytes(content + b"\\n")
    changed[str(path)] = [n for n, recipe in RECIPES.items() if sources.code_digest(recipe.__module__) != before[n]]
    path.write_bytes(content)
print(json.dumps(changed))
"""


@pytest.mark.slow
def test_a_change_in_any_of_them_is_another_identity_and_in_others_is_not(tmp_path: Path) -> None:
    """In a copy of the package, each of whose files gets one line more and loses it again."""
    copy = tmp_path / "prm_gsm8k"
    ignored = shutil.ignore_patterns("__pycache__", "gsm8k")
    shutil.copytree(ROOT, copy, ignore=ignored)
    shutil.copytree(Path(prm_gsm8k.builders.__file__).parent, copy / "builders", ignore=ignored, dirs_exist_ok=True)
    files = [path for path in copy.rglob("*") if path.is_file() and path.stat().st_size]
    done = subprocess.run(
        [sys.executable, "-c", IDENTITIES],
        input=json.dumps([str(path) for path in files]),
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    named = {
        config: {path.relative_to(ROOT).as_posix() for path in source_files(recipe.__module__)}
        for config, recipe in RECIPES.items()
    }
    for file, configs in json.loads(done.stdout).items():
        name = Path(file).relative_to(copy).as_posix()
        assert set(configs) == {config for config in RECIPES if name in named[config]}, name
    assert "arithmetic/equations.py" in named["model_sampled"], "what reads the equations that a label may rest on"
    assert "synthetic/families/relation.py" in named["synthetic"], "what a question is edited by"
    assert not any(name.startswith(("cli/", "hub/", "reports/")) for files in named.values() for name in files)
