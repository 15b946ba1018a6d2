"""Who may import whom: the architecture, as one table, held against every import statement of the product."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom up. A package imports itself, `exceptions`, and what stands in its line; never anything further down.
MAY_IMPORT = {
    "exceptions": "",
    "arithmetic": "",
    "executors": "",
    "metrics": "",
    "reports": "",
    "dataset": "reports",
    "hub": "dataset",
    "prm800k": "dataset",
    "synthetic": "arithmetic dataset",
    "label": "arithmetic dataset",
    "models": "metrics dataset hub",
    "sampling": "arithmetic dataset executors hub label models",
    "builders": "dataset executors prm800k synthetic label sampling",
    "build": "reports dataset executors hub prm800k synthetic label sampling builders",
    "evaluation": "arithmetic metrics reports dataset hub models",
    "audit": "arithmetic metrics reports dataset hub",
    "train": "metrics dataset hub models",
    "api": "dataset hub synthetic build",
    "cli": "reports dataset executors hub synthetic label models sampling build evaluation audit",
}
FLAT = {"__init__", "api", "exceptions"}  # the only modules that lie in prm_gsm8k/ itself

FOLDERS = {"prm_gsm8k": ROOT / "prm_gsm8k", "prm_gsm8k.builders": ROOT / "builders", "prm_gsm8k.train": ROOT / "train"}


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name; a package by that of its `__init__`."""
    found = {}
    for name, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [name, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """The modules of the product that a file imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import; write it out"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] == "prm_gsm8k":
                yield name if name in MODULES else name.rpartition(".")[0] or name


def package(module: str) -> str:
    """The part of the product that a module belongs to: `dataset` for `prm_gsm8k.dataset.digest`."""
    return module.split(".")[1] if "." in module else ""


ARROWS = {module: sorted(set(imports(path))) for module, path in MODULES.items()}


@pytest.mark.parametrize("name", sorted({package(module) for module in MODULES} - {""}))
def test_a_package_imports_only_what_its_line_allows(name: str) -> None:
    assert name in MAY_IMPORT, f"{name} is new: give it a line in MAY_IMPORT, above all that it imports"
    allowed = {"", name, "exceptions", *MAY_IMPORT[name].split()}
    wrong = [
        f"{module} imports {target}: {name} may not import {package(target)}. Move what it needs into {name}, or into "
        f"a package below both; or let the caller pass it"
        for module in MODULES
        if package(module) == name
        for target in ARROWS[module]
        if package(target) not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_runs_upwards_and_has_no_line_or_arrow_too_many() -> None:
    order = list(MAY_IMPORT)
    used = defaultdict(set)
    for module, targets in ARROWS.items():
        used[package(module)] |= {package(target) for target in targets}
    for name, line in MAY_IMPORT.items():
        assert all(order.index(below) < order.index(name) for below in line.split()), f"{name} stands too low"
        assert set(line.split()) <= used[name], f"{name} no longer imports {set(line.split()) - used[name]}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, "a circle: " + " → ".join([*path[path.index(module) :], module])
        if module not in done and module != "prm_gsm8k":  # the façade names its modules as text, and imports on demand
            for target in ARROWS[module]:
                walk(target, (*path, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())


def test_nothing_else_lies_flat() -> None:
    assert {path.stem for path in (ROOT / "prm_gsm8k").glob("*.py")} == FLAT
