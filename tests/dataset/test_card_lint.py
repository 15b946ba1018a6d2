"""The lint of a card: a good one has no findings, and each rule, broken alone, is named."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from made_rows import CONFIG, MADE_FROM, made_table, made_tables

from prm_gsm8k.build.registry import RECIPES
from prm_gsm8k.dataset.card import render_card
from prm_gsm8k.dataset.card_figures import figures
from prm_gsm8k.dataset.card_lint import lint
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import read_manifest
from prm_gsm8k.dataset.verify import verify


@pytest.fixture(scope="session")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two configs as they are published: with pictures, and a card that names the repository."""
    folder = tmp_path_factory.mktemp("lint") / "out"
    write_config(folder, CONFIG, made_tables(), MADE_FROM)
    write_config(folder, "later", {"train": made_table(range(7))}, MADE_FROM)
    manifest = read_manifest(folder)
    for path, png in figures(manifest).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(png)
    card = render_card(manifest, repo_id="someone/prm-gsm8k", with_figures=True)
    (folder / "README.md").write_text(f"{card}\n## More\n\n![Some bars]({next(iter(figures(manifest)))})\n")
    return folder


@pytest.fixture
def published(published_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published_once, tmp_path / "out"))


def rewrite(folder: Path, change: Callable[[str], str]) -> None:
    card = folder / "README.md"
    before = card.read_text()
    after = change(before)
    assert after != before, "the mutation did nothing"
    card.write_text(after)


def rewrite_head(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    def changed(card: str) -> str:
        _, head, body = card.split("---\n", 2)
        content = yaml.safe_load(head)
        change(content)
        return f"---\n{yaml.safe_dump(content, sort_keys=False)}---\n{body}"

    rewrite(folder, changed)


def test_a_good_card_has_no_findings(published: Path) -> None:
    assert list(lint(published)) == []


def test_the_card_of_a_build_has_none_either(tmp_path: Path) -> None:
    write_config(tmp_path / "out", CONFIG, made_tables(), MADE_FROM)
    assert list(lint(tmp_path / "out")) == []


def test_verify_lints(published: Path) -> None:
    assert verify(published, RECIPES).ok
    rewrite(published, lambda card: card + "TODO\n")
    assert (
        [f for f in verify(published, RECIPES).findings if f.startswith("card: ")]
        == verify(published, RECIPES).findings
        != []
    )


def renamed(key: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(head: dict[str, Any]) -> None:
        for entry in head[key]:
            if entry["config_name"] == old:
                entry["config_name"] = new

    return change


def first(head: dict[str, Any], key: str) -> dict[str, Any]:
    entry = head[key][0]
    assert isinstance(entry, dict)
    return entry


HEADS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("no license", lambda h: h.pop("license"), "no license; name one"),
    ("unknown license", lambda h: h.update(license="MIT License"), "license 'MIT License' is none the Hub knows"),
    ("a list of licenses", lambda h: h.update(license=["mit", "mine"]), "license 'mine' is none the Hub knows"),
    ("license other", lambda h: h.update(license="other"), "license is other, but there is no license_name"),
    ("no language", lambda h: h.pop("language"), "no language"),
    ("unknown language", lambda h: h.update(language=["English"]), "language 'English' is no ISO 639 code"),
    ("no task", lambda h: h.update(task_categories=[]), "no task_categories"),
    ("unknown task", lambda h: h["task_categories"].append("maths"), "task_categories has 'maths'"),
    ("no tags", lambda h: h.pop("tags"), "no tags"),
    ("size", lambda h: h.update(size_categories=["1K<n<10K"]), r"size_categories is \['1K<n<10K'\], but .* \['n<1K'\]"),
    ("no configs", lambda h: h.pop("configs"), "no configs for config 'by_hand'"),
    ("a config not listed", lambda h: h["configs"].pop(), "no configs for config 'later'"),
    ("no dataset_info", lambda h: h.pop("dataset_info"), "no dataset_info for config 'by_hand'"),
    ("a config listed twice", lambda h: h["configs"].append(h["configs"][1]), "2 entries for config 'later'"),
    ("a config called data", renamed("configs", "later", "data"), "config name 'data': .* data and all are not"),
    ("a config called all", renamed("dataset_info", "later", "all"), "config name 'all': .* data and all are not"),
    ("a config with a slash", renamed("configs", "later", "a/b"), "config name 'a/b': letters, digits"),
    ("a stranger", renamed("configs", "later", "mine"), "configs for config 'mine', which is not in manifest.json"),
    ("no default", lambda h: first(h, "configs").pop("default"), "configs: default is nowhere; exactly one"),
    (
        "two defaults",
        lambda h: h["configs"][1].update(default=True),
        "default is .'by_hand': True, 'later': True.;",
    ),
    ("default not first", lambda h: h["configs"].reverse(), "configs: 'by_hand' is the default but not the first"),
    (
        "a dash in a split",
        lambda h: first(h, "configs")["data_files"][0].update(split="train-all"),
        "configs of 'by_hand': split name 'train-all': no dash",
    ),
    (
        "a dash in the info of a split",
        lambda h: first(h, "dataset_info")["splits"][0].update(name="train-all"),
        "dataset_info of 'by_hand': split name 'train-all': no dash",
    ),
    ("version", lambda h: first(h, "configs").update(version="1.0.0"), "configs of 'by_hand': version is not as in"),
    (
        "no such file",
        lambda h: first(h, "configs")["data_files"][0].update(path="by_hand/train-*-of-9.parquet"),
        "split 'train': 'by_hand/train-\\*-of-9.parquet' matches no file",
    ),
    (
        "a file outside",
        lambda h: first(h, "configs")["data_files"][0].update(path="../out/by_hand/train-*.parquet"),
        "split 'train': '../out/by_hand/train-\\*.parquet' matches no file",
    ),
    (
        "a file in no split",
        lambda h: first(h, "configs")["data_files"].pop(),
        r"by_hand/test-\S+ is in no split, so nobody loads it",
    ),
    (
        "a file twice",
        lambda h: first(h, "configs")["data_files"][0]["path"].append("by_hand/*.parquet"),
        r"by_hand/test-\S+ is in more than one pattern",
    ),
    (
        "rows",
        lambda h: first(h, "dataset_info")["splits"][0].update(num_examples=81),
        "split 'train': num_examples is 81, but the files hold 80 rows",
    ),
    (
        "bytes",
        lambda h: first(h, "dataset_info")["splits"][0].update(num_bytes=1),
        "dataset_info of 'by_hand': splits is not as in manifest.json",
    ),
    (
        "features",
        lambda h: first(h, "dataset_info")["features"][5].update(dtype="int64"),
        "dataset_info of 'by_hand': features is not as in manifest.json",
    ),
    (
        "download size",
        lambda h: first(h, "dataset_info").update(download_size=1),
        "dataset_info of 'by_hand': download_size is not as in manifest.json",
    ),
]


@pytest.mark.parametrize(("change", "finding"), [case[1:] for case in HEADS], ids=[case[0] for case in HEADS])
def test_a_fault_of_the_head_is_named(
    published: Path, change: Callable[[dict[str, Any]], object], finding: str
) -> None:
    rewrite_head(published, change)
    found = list(lint(published))
    assert any(re.search(finding, line) for line in found), found
    assert all(line.startswith("README.md: ") and "\n" not in line for line in found)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a YAML tree, as the container and the key it stands under."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield node, key
        yield from places(value)


@pytest.mark.slow
@pytest.mark.parametrize("nonsense", [None, 7, "", "..", "a**", [[]], {"a": {}}], ids=repr)
def test_nonsense_anywhere_in_the_head_is_a_finding_and_never_an_error(tmp_path: Path, nonsense: object) -> None:
    write_config(tmp_path / "out", "small", {"train": made_table(range(2))}, MADE_FROM)
    card = (tmp_path / "out" / "README.md").read_text()
    _, head, body = card.split("---\n", 2)
    content = yaml.safe_load(head)
    for parent, key in list(places(content)):
        if key in ("pretty_name", "tags") or parent is content["tags"]:
            continue  # anybody's to say
        kept, parent[key] = parent[key], nonsense
        (tmp_path / "out" / "README.md").write_text(f"---\n{yaml.safe_dump(content)}---\n{body}")
        assert list(lint(tmp_path / "out")), (key, kept)
        parent[key] = kept


BODIES = [
    ("ORG", 'load_dataset("ORG/prm-gsm8k")', "'ORG/' is a placeholder"),
    ("TODO", "TODO say more", "'TODO' is a placeholder"),
    ("TBD", "Licence: TBD.", "'TBD' is a placeholder"),
    ("FIXME", "(FIXME)", "'FIXME' is a placeholder"),
    ("lorem", "Lorem ipsum dolor", "'Lorem ipsum' is a placeholder"),
    ("angle brackets", "by <your name>", "'<your name>' is a placeholder"),
    ("template", "{{ card_data }}", "'{{' is a placeholder"),
    ("variable", "in $REPO", r"'\$REPO' is a placeholder"),
    ("marker of a table", "<!-- table: splits by_hand -->", "'<!-- table:' is a placeholder"),
    ("marker of a part", "<!-- only: prm800k -->", "'<!-- only:' is a placeholder"),
    ("image", "![Bars](figures/none.png)", "image 'figures/none.png': no such file in the folder"),
    ("image in HTML", '<img alt="Bars" src="none.png">', "image 'none.png': no such file in the folder"),
    ("image without words", "![](manifest.json)", "image 'manifest.json' has no alt text"),
    ("link", "see [more](docs/more.md)", "link 'docs/more.md': no such file in the folder"),
    ("link out of the folder", "see [it](../out/README.md)", "link '../out/README.md': no such file in the folder"),
    ("link with a long name", f"[x]({'x' * 300})", "link 'x+': no such file in the folder"),
    ("link to a heading", "see [it](#nowhere)", "link '#nowhere': no such heading"),
]


@pytest.mark.parametrize(("text", "finding"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_fault_of_the_body_is_named(published: Path, text: str, finding: str) -> None:
    rewrite(published, lambda card: f"{card}\n{text}\n")
    found = list(lint(published))
    assert len(found) == 1, found
    assert re.match(rf"README.md(:\d+)?: {finding}", found[0])


@pytest.mark.parametrize(
    "text",
    [
        "a list<string>, 1 < 2 > 0, <br> and <https://example.org>",
        "[MATH](https://github.com/hendrycks/math), [mail](mailto:a@example.org)",
        "## Load\n\n## Load\n\n[once](#load), [twice](#load-1), [again](#load-2)",
        "[up](#what-a-label-means) and [there](manifest.json#L1)",
        "```python\nrows[0](nothing.png)\n```",
        "`![x](nothing.png)`",
        "todo lists and organisations",
    ],
)
def test_what_is_no_fault_is_let_pass(published: Path, text: str) -> None:
    rewrite(published, lambda card: f"{card}\n{text}\n")
    assert list(lint(published)) == []


def test_a_placeholder_is_named_by_its_line(published: Path) -> None:
    lines = (published / "README.md").read_text().count("\n")
    rewrite(published, lambda card: f"{card}TBD\n")
    assert next(iter(lint(published))).startswith(f"README.md:{lines + 1}: ")


@pytest.mark.parametrize(
    ("card", "finding"),
    [
        (b"# No head\n", "does not begin with a YAML head"),
        (b"---\na: [1\n---\n", "the head is not YAML: while parsing"),
        (b"---\n- 1\n---\n", "the head is list, not keys"),
        (b"\xff", "cannot be read: 'utf-8' codec"),
        (None, "cannot be read: .*No such file"),
    ],
    ids=["none", "not YAML", "a list", "not UTF-8", "no card"],
)
def test_a_card_that_is_none_is_said_to_be(published: Path, card: bytes | None, finding: str) -> None:
    (published / "README.md").unlink()
    if card is not None:
        (published / "README.md").write_bytes(card)
    assert any(re.search(finding, line) for line in lint(published))


def test_files_are_held_against_the_card(published: Path) -> None:
    (train,) = (published / CONFIG).glob("train-*")
    whole = pq.read_table(train)
    pq.write_table(whole.slice(1), train)
    (found,) = lint(published)
    assert "split 'train': num_examples is 80, but the files hold 79 rows" in found
    pq.write_table(whole.drop_columns("source"), train)
    (found,) = lint(published)
    assert re.search(r"by_hand/train-\S+ has other columns", found)
    train.write_bytes(b"PAR1 or so")
    (found,) = lint(published)
    assert re.search(r"by_hand/train-\S+ cannot be read as Parquet", found)


def test_a_parquet_file_that_no_split_names_is_seen(published: Path) -> None:
    shutil.copy(next((published / CONFIG).glob("train-*")), published / CONFIG / "mine.parquet")
    (found,) = lint(published)
    assert "by_hand/mine.parquet is in no split, so nobody loads it" in found


def test_a_picture_that_is_gone_is_missed(published: Path) -> None:
    shutil.rmtree(published / "figures")
    assert all(re.search(r"image 'figures/\S+': no such file", line) for line in lint(published))
    assert list(lint(published))
