"""README.md is short, its links lead somewhere, and its commands and Python blocks are run.

A command is run here, or by .ci/run, which must then name it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from loopback import Hub
from made_prms import make

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.recipe import SyntheticRecipe

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = (line.partition("#")[0].strip() for block in blocks("bash") for line in block.splitlines())
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, started_hub: Hub) -> Path:
    """An empty folder to run README in, top to bottom, beside an empty Hub."""
    started_hub.reset()
    place = tmp_path_factory.mktemp("readme")
    (place / "tests").symlink_to(ROOT / "tests")
    return place


def run(arguments: list[str], place: Path) -> None:
    """With a cache of its own, and the loopback Hub for the Hub (tests/conftest.py sets HF_ENDPOINT)."""
    environment = os.environ | {"HF_HOME": str(place / "hf")}
    done = subprocess.run(arguments, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"


def test_readme_is_short_and_its_picture_small() -> None:
    assert len(README.splitlines()) <= 150
    [picture] = re.findall(r"^!\[.*\]\((.*)\)$", README, re.MULTILINE)
    assert (ROOT / picture).stat().st_size < 150_000


def test_readme_says_where_to_find_every_package() -> None:
    table = README.partition("## Where to change things")[2]
    packages = {path.parent.name for path in (ROOT / "prm_gsm8k").glob("*/__init__.py")}
    assert {name for name in packages | {"builders", "train"} if f"`{name}/`" not in table} == set()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "benchmarks/FINDINGS.md"]
)
def test_links_lead_to_files_that_are_here(page: str) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_readme_shows_commands() -> None:
    assert "make data" in commands()
    assert "make test" in commands()
    assert any(command.startswith("prm-gsm8k verify") for command in commands())


@pytest.mark.slow
def test_every_command_runs(place: Path) -> None:
    for command in commands():
        if command == "prm-gsm8k build synthetic --out data":  # all of it is what `make data` builds
            command += " --max-examples 2000"
        in_ci = re.search(rf"^ *{re.escape(command)}$", CI, re.MULTILINE)
        if command.startswith("prm-gsm8k ") and not in_ci:
            run([sys.executable, "-m", "prm_gsm8k.cli", *shlex.split(command)[1:]], place)
        else:
            assert in_ci, f"nothing runs `{command}`"


def test_the_row_it_shows_is_in_the_data() -> None:
    [text] = blocks("json")
    row = json.loads(text)
    problem = next(problem for problem in shipped_problems("train") if problem.question == row["prompt"])
    made = SyntheticRecipe().rows(orjson.dumps([problem]), Tally())
    assert row in [{name: value for name, value in one.items() if name in row} for one in made]


@pytest.mark.slow
def test_every_python_block_runs(place: Path) -> None:
    assert (place / "data").is_dir(), "the commands of README come first"
    make("llama, chat").save_pretrained(place / "build" / "prm")  # .ci/run trains one
    for block in blocks("python"):
        run([sys.executable, "-c", block], place)


@pytest.mark.slow
def test_without_a_hub_the_rows_are_built_and_load_dataset_finds_them(place: Path, tmp_path: Path) -> None:
    """Offline, with nothing in the cache and no folder: what is published is not to be had, and rows are built here."""
    code = """
import sys, datasets, prm_gsm8k
from prm_gsm8k.build.build import build
try:
    prm_gsm8k.load("synthetic", repo_id="org/prm-gsm8k")
except prm_gsm8k.exceptions.HubUnreachable as error:
    print(error, file=sys.stderr)
built = prm_gsm8k.load("synthetic")
build("synthetic", "out", repo_id="org/prm-gsm8k")
for split, rows in built.items():
    found = datasets.load_dataset("org/prm-gsm8k", "synthetic", split=split)
    folder = datasets.load_dataset(FOLDER, "synthetic", split=split)
    assert rows.data.table.combine_chunks() == found.data.table.combine_chunks(), split
    place = {name: n for n, name in enumerate(found["id"])}
    assert found.select([place[name] for name in folder["id"]]).to_list() == folder.to_list(), split
    print(split, len(rows))
"""
    done = subprocess.run(
        [sys.executable, "-c", f"FOLDER = {str(place / 'data')!r}{code}"],
        cwd=tmp_path,
        env=os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["train", "validation", "test"]
    assert "is not in the cache, and the Hub cannot be asked" in done.stderr
    assert "building synthetic into the datasets cache" in done.stderr
