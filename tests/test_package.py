"""What an installation is: one light import name, one command, and everything a build needs inside the wheel."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import prm_gsm8k

ROOT = Path(__file__).parent.parent
SLOW_TO_IMPORT = {"datasets", "torch", "transformers", "vllm", "pyarrow", "numpy", "pandas", "typer", "rich", "orjson"}


def imported_by(code: str) -> set[str]:
    """Names of the top-level modules that a fresh Python holds after running the code."""
    show = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not imported_by("import prm_gsm8k") & SLOW_TO_IMPORT


def test_a_public_name_is_imported_when_it_is_used() -> None:
    assert "orjson" in imported_by("from prm_gsm8k import read_problems")
    assert not imported_by("from prm_gsm8k import Problem") & {"datasets", "torch", "pyarrow", "typer"}


@pytest.mark.parametrize("name", prm_gsm8k.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(prm_gsm8k, name) is not None
    assert name in dir(prm_gsm8k)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'prm_gsm8k' has no attribute 'nothing'"):
        prm_gsm8k.nothing  # noqa: B018


def test_a_name_that_was_renamed_still_works() -> None:
    assert prm_gsm8k.open_scorer is prm_gsm8k.load_scorer
    assert "open_scorer" not in prm_gsm8k.__all__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that neither an old build/ gets in nor a new one is left behind."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("prm_gsm8k", "builders", "train"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "dataset_card.md", "MANIFEST.in"):
        shutil.copy(ROOT / name, copy / name)
    out = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_a_wheel_installs_one_import_name(wheel: zipfile.ZipFile) -> None:
    info = f"prm_gsm8k-{prm_gsm8k.__version__}.dist-info"
    assert {name.partition("/")[0] for name in wheel.namelist()} == {"prm_gsm8k", info}
    assert wheel.read(f"{info}/top_level.txt").split() == [b"prm_gsm8k"]
    commands = configparser.ConfigParser()
    commands.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    assert dict(commands["console_scripts"]) == {"prm-gsm8k": "prm_gsm8k.cli.main:main"}


def test_a_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    places = {
        "prm_gsm8k": ROOT / "prm_gsm8k",
        "prm_gsm8k/builders": ROOT / "builders",
        "prm_gsm8k/train": ROOT / "train",
    }
    modules = {f"{name}/{file.relative_to(at)}" for name, at in places.items() for file in at.rglob("*.py")}
    assert {name for name in wheel.namelist() if name.endswith(".py")} == modules


def test_a_wheel_holds_gsm8k_with_its_licence_and_the_card(wheel: zipfile.ZipFile) -> None:
    for name in ("train.jsonl.gz", "test.jsonl.gz", "LICENSE", "NOTICE"):
        assert wheel.read(f"prm_gsm8k/gsm8k/{name}") == (ROOT / "prm_gsm8k" / "gsm8k" / name).read_bytes()
    assert wheel.read("prm_gsm8k/dataset_card.md") == (ROOT / "dataset_card.md").read_bytes()
    assert {"prm_gsm8k/py.typed", "prm_gsm8k/reports/page.css", "prm_gsm8k/reports/page.js"} <= set(wheel.namelist())


def test_only_the_extras_ask_for_anything_heavy() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    always = setup["options"]["install_requires"]
    assert not [name for name in ("torch", "transformers", "vllm", "accelerate", "peft") if name in always]
    assert set(setup["options.extras_require"]) == {"audit", "train", "sample", "dev"}


def test_what_needs_torch_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['torch'] = None; import prm_gsm8k; prm_gsm8k.ProcessRewardModel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: ProcessRewardModel needs torch: pip install 'prm-gsm8k[train]'" in done.stderr


def test_everything_that_is_installed_in_ci_has_a_locked_version() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    wanted = (setup["options"]["install_requires"] + extras["dev"] + extras["train"]).split()
    locked = {line.partition("==")[0].lower().replace("_", "-") for line in lock_lines()}
    assert {name.partition(">=")[0].lower().replace("_", "-") for name in wanted} <= locked
    assert all("==" in line and "@" not in line for line in lock_lines())


def lock_lines() -> list[str]:
    return [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]


def test_the_accelerate_config_is_for_two_gpus_in_bf16() -> None:
    config = yaml.safe_load((ROOT / "accelerate_config.yaml").read_text())
    assert config["distributed_type"] == "FSDP"
    assert (config["num_machines"], config["num_processes"], config["mixed_precision"]) == (1, 2, "bf16")
    fsdp = config["fsdp_config"]
    assert fsdp["fsdp_version"] == 2 and fsdp["fsdp_reshard_after_forward"] and fsdp["fsdp_activation_checkpointing"]
    assert fsdp["fsdp_state_dict_type"] == "SHARDED_STATE_DICT"
