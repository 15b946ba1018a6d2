"""README.md is short, its links lead somewhere, and its commands and Python blocks are run.

A command is run here, or by .ci/run, which must then name it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import datasets
import orjson
import pytest
from command_line import run_command, use_home
from loopback import Hub
from made_prms import make

from prm_gsm8k import load
from prm_gsm8k.build.build import build
from prm_gsm8k.dataset import splits
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.exceptions import HubUnreachable
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


@pytest.fixture
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In that folder, with a cache of its own; tests/conftest.py makes the loopback Hub the Hub."""
    monkeypatch.chdir(place)
    use_home(monkeypatch, place / "hf")


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
@pytest.mark.usefixtures("inside")
def test_every_command_runs() -> None:
    for command in commands():
        if command == "prm-gsm8k build synthetic --out data":  # all of it is what `make data` builds
            command += " --max-examples 2000"
        in_ci = re.search(rf"^ *{re.escape(command)}$", CI, re.MULTILINE)
        if command.startswith("prm-gsm8k ") and not in_ci:
            done = run_command(*shlex.split(command)[1:])
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        else:
            assert in_ci, f"nothing runs `{command}`"


def test_the_row_it_shows_is_in_the_data() -> None:
    [text] = blocks("json")
    row = json.loads(text)
    problem = next(problem for problem in shipped_problems("train") if problem.question == row["prompt"])
    made = SyntheticRecipe().rows(orjson.dumps([problem]), Tally())
    assert row in [{name: value for name, value in one.items() if name in row} for one in made]


@pytest.mark.slow
@pytest.mark.usefixtures("inside")
def test_every_python_block_runs(place: Path) -> None:
    assert (place / "data").is_dir(), "the commands of README come first"
    make("llama, chat").save_pretrained(place / "build" / "prm")  # .ci/run trains one
    for block in blocks("python"):
        exec(block, {})


@pytest.mark.slow
def test_without_a_hub_the_rows_are_built_and_load_dataset_finds_them(
    tmp_path: Path,
    hf_home: Path,
    offline: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Offline, with nothing in the cache and no folder, rows are built here; from few problems."""
    few = {"train": shipped_problems("train")[:60], "test": shipped_problems("test")[:10]}
    monkeypatch.setattr(splits, "shipped_problems", few.__getitem__)
    monkeypatch.chdir(tmp_path)
    with offline():
        with pytest.raises(HubUnreachable, match="is not in the cache, and the Hub cannot be asked"):
            load("synthetic", repo_id="org/prm-gsm8k")
        built = load("synthetic")
        assert "building synthetic into the datasets cache" in capsys.readouterr().err
        build("synthetic", "out", repo_id="org/prm-gsm8k")
        build("synthetic", "some", max_examples=100)
        assert list(built) == ["train", "validation", "test"]
        for split, rows in built.items():
            found = datasets.load_dataset("org/prm-gsm8k", "synthetic", split=split)
            folder = datasets.load_dataset("some", "synthetic", split=split)
            assert rows.data.table.combine_chunks() == found.data.table.combine_chunks(), split
            place = {name: n for n, name in enumerate(found["id"])}
            assert found.select([place[name] for name in folder["id"]]).to_list() == folder.to_list(), split
