"""The card: complete for whatever configs a folder holds, true where it lies, and its code runs."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from command_line import run_command
from made_rows import MADE_FROM, made_rows

from prm_gsm8k.dataset.card import card_head, render_card
from prm_gsm8k.dataset.card_figures import figures
from prm_gsm8k.dataset.card_lint import lint
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import Manifest, read_manifest
from prm_gsm8k.dataset.schema import EXTRA_COLUMNS, arrow_schema

CONFIGS = ("synthetic", "prm800k", "model_sampled", "labelled")
SUBSETS = [subset for size in (1, 2, 3) for subset in combinations(CONFIGS, size)]
REPO = "someone/prm-gsm8k"


def own_columns(config: str, row: dict[str, Any]) -> dict[str, Any]:
    """Something in the columns that only this config has."""
    items = {
        "string": "",
        "float32": 0.5,
        "list<int32>": [1 if label else -1 for label in row["labels"]],
        "list<string>": ["" for _ in row["labels"]],
    }
    return {column.name: items[column.type] for column in EXTRA_COLUMNS.get(config, ())}


def write(folder: Path, configs: tuple[str, ...]) -> Path:
    for config in configs:
        rows = {"train": made_rows(range(9)), "test": made_rows(range(50, 53), "test")}
        tables = {
            split: pa.Table.from_pylist(
                [{**row, **own_columns(config, row)} for row in some], schema=arrow_schema(config)
            )
            for split, some in rows.items()
        }
        write_config(folder, config, tables, MADE_FROM)
    return folder


def publish(folder: Path) -> str:
    """What publishing writes beside the Parquet files."""
    manifest = read_manifest(folder)
    for path, png in figures(manifest).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(png)
    card = render_card(manifest, repo_id=REPO, with_figures=True)
    (folder / "README.md").write_text(card)
    return card


def code_of(card: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", card, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("configs", SUBSETS, ids="+".join)
def test_it_speaks_of_what_is_there_and_of_nothing_else(configs: tuple[str, ...], tmp_path: Path) -> None:
    folder = write(tmp_path / "out", configs)
    assert list(lint(folder)) == []
    local = (folder / "README.md").read_text()
    published = publish(folder)
    assert list(lint(folder)) == []
    for card in (local, published):
        body = card.partition("\n---\n")[2]
        assert {config for config in CONFIGS if f"`{config}`" in body} == set(configs)
        assert ("MATH" in body) == ("prm800k" in configs)
        assert ("its own terms apply" in body) == ("model_sampled" in configs)
        assert "\n\n\n" not in body
    assert REPO in published and REPO not in local


def test_prm800k_is_said_to_be_math_and_not_gsm8k(tmp_path: Path) -> None:
    card = (write(tmp_path / "out", ("prm800k",)) / "README.md").read_text()
    assert "**MATH, not GSM8K**" in card
    assert "**Its problems are from [MATH](https://github.com/hendrycks/math), not from GSM8K**" in card
    assert "gsm8k" not in yaml.safe_load(card.split("---\n")[1])["tags"]


@pytest.mark.parametrize(("configs", "licence"), [(("synthetic", "prm800k"), "mit"), (CONFIGS, "other")])
def test_rows_of_a_model_are_not_called_mit(configs: tuple[str, ...], licence: str, tmp_path: Path) -> None:
    head = yaml.safe_load((write(tmp_path / "out", configs) / "README.md").read_text().split("---\n")[1])
    assert head["license"] == licence
    assert ("license_name" in head) == (licence == "other")


@pytest.mark.parametrize("configs", [("synthetic",), ("prm800k",), CONFIGS], ids="+".join)
def test_its_code_runs_where_it_lies(configs: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "out", configs)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    blocks = code_of((folder / "README.md").read_text(), "python")
    assert len(blocks) == 2
    for block in blocks:
        known: dict[str, Any] = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, known)
        assert known["rows"].num_rows == 18
        assert ("print" in block) == ("Ali has 0 apples" in printed.getvalue())
    (command,) = code_of((folder / "README.md").read_text(), "bash")
    words = command.partition("#")[0].split()
    assert words[0] == "prm-gsm8k"
    assert run_command(*words[1:2], "--help").returncode == 0
    assert words[1:] == ["verify", "."]


@pytest.mark.slow
def test_published_code_names_the_repository_and_loads_in_three_lines(tmp_path: Path) -> None:
    blocks = code_of(publish(write(tmp_path / "out", CONFIGS)), "python")
    assert blocks[0].startswith(
        f'from datasets import load_dataset\n\nrows = load_dataset("{REPO}", "synthetic", split="train")\n'
    )
    assert "revision=revision" in blocks[1]
    assert f'load("synthetic", split="train", repo_id="{REPO}"' in blocks[2]
    for block in blocks:
        compile(block, "card", "exec")
        assert "getcwd" not in block and '"."' not in block


def test_its_tables_are_those_of_the_manifest(tmp_path: Path) -> None:
    card = (write(tmp_path / "out", ("synthetic",)) / "README.md").read_text()
    entry = read_manifest(tmp_path / "out").configs["synthetic"]
    for line in (
        "| train | 9 | 18 | 9 | 9 | 36 | 75.0% |",
        "| all | 12 | 24 | 12 | 12 | 48 | 75.0% |",
        "| `skipped_step` | 12 | 100.0% |",
        "| third fifth | 12 | 100.0% |",
        "| very last step | 12 | 100.0% |",
        "| `labels` | `list<bool>` | one per step: true iff this step and every step before it are correct |",
        "| `seed` | `0` |",
        f"| the rows of all splits | content | `{entry.content_digest}` |",
        f"| the rows of `train` | content | `{entry.split_digests['train']}` |",
        "| different prompts in train and validation | 9 |",
        "| of these in GSM8K test: the same letters and digits | 0 |",
    ):
        assert f"\n{line}\n" in card


def test_a_choice_cannot_break_its_table(tmp_path: Path) -> None:
    rows = [{**row, **own_columns("model_sampled", row)} for row in made_rows(range(2))]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("model_sampled"))
    made_from = {**MADE_FROM, "options": {"stop": "a|b"}}
    write_config(tmp_path / "out", "model_sampled", {"train": table}, made_from)
    assert "| `stop` | `a\\|b` |" in (tmp_path / "out" / "README.md").read_text()


def test_citations_are_whole(tmp_path: Path) -> None:
    (bibtex,) = code_of((write(tmp_path / "out", CONFIGS) / "README.md").read_text(), "bibtex")
    entries = re.findall(r"^@article\{(\w+),\n(.*?)^\}", bibtex, re.DOTALL | re.MULTILINE)
    papers = {key: re.findall(r"arXiv:(\d{4}\.\d{5})", entry) for key, entry in entries}
    assert papers == {
        "cobbe2021gsm8k": ["2110.14168"],
        "lightman2023lets": ["2305.20050"],
        "hendrycks2021math": ["2103.03874"],
        "zheng2024processbench": ["2412.06559"],
    }
    for key, entry in entries:
        assert entry.count("{") == entry.count("}")
        assert re.findall(r"^  (\w+) += ", entry, re.MULTILINE) == ["title", "author", "journal", "year"], key


@pytest.mark.parametrize("config", ["synthetic", "model_sampled", "labelled"])
@pytest.mark.parametrize("problems", ["svamp.jsonl", "ChilleD/SVAMP:default"])
def test_nothing_is_said_of_problems_that_are_not_gsm8k(config: str, problems: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "out", (config,))
    manifest = read_manifest(folder)
    own = Manifest({config: replace(manifest.configs[config], options={"problems": problems})})
    card = render_card(own)
    (folder / "README.md").write_text(card)
    (folder / "manifest.json").write_bytes(own.to_json())
    assert list(lint(folder)) == []
    _, head, body = card.split("---\n", 2)
    assert not {"language", "license", "license_name"} & yaml.safe_load(head).keys()
    assert "gsm8k" not in head.lower().replace("prm-gsm8k", "")
    assert f"`{problems}`" in body
    assert "github.com/openai/grade-school-math" not in body and "All text is English" not in body
    assert not re.search(r"\| (?:\[?GSM8K.*)\| MIT", body)


def test_gsm8k_of_the_hub_is_gsm8k(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path / "out", ("synthetic",)))
    made = replace(manifest.configs["synthetic"], options={"problems": "openai/gsm8k:main"})
    assert card_head(Manifest({"synthetic": made}))["license"] == "mit"
