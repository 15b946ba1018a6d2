"""The dataset card: `dataset_card.md`, written by hand, plus the YAML head and the tables that only a build can know.

In the source, `<!-- table: NAME CONFIG -->` is where a table goes, and what stands between `<!-- only: CONFIG -->` and
`<!-- end: CONFIG -->` is left out of a folder without that config.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prm_gsm8k.contract import card_features, columns_of
from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.manifest import Config, Manifest

CARD = "README.md"

_HEAD = {
    "pretty_name": "PRM-GSM8K: labelled reasoning steps",
    "license": "mit",
    "language": ["en"],
    "task_categories": ["text-classification", "text-generation"],
    "tags": ["process-reward-model", "prm", "stepwise-supervision", "reasoning", "math", "gsm8k", "synthetic"],
    "source_datasets": ["openai/gsm8k"],
}

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def card_source() -> str:
    """The hand-written card, as installed or as it lies in a checkout."""
    package = Path(__file__).parent
    for path in (package / "dataset_card.md", package.parent / "dataset_card.md"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise PrmGsm8kError("dataset_card.md is missing from this installation; install the package again")


def render_card(manifest: Manifest) -> str:
    """The README.md of a built folder."""
    import yaml

    head = yaml.safe_dump(card_head(manifest), sort_keys=False, allow_unicode=True, width=1_000)
    return f"---\n{head}---\n\n{_render_body(card_source(), manifest)}"


def card_head(manifest: Manifest) -> dict[str, Any]:
    """The YAML head: where `datasets` and the Hub look for configs, splits, sizes and features."""
    rows = sum(config.stats.rows for config in manifest.configs.values())
    size = next((name for limit, name in _SIZES if rows < limit), "n>10M")
    configs, infos = [], []
    for i, (name, config) in enumerate(manifest.configs.items()):
        configs.append(
            {
                "config_name": name,
                **({"default": True} if i == 0 else {}),
                # datasets answers an unchanged entry from its cache, whatever the files hold: so it changes with them
                "version": config.version,
                "data_files": [
                    {"split": split, "path": [file.path for file in config.files if file.split == split]}
                    for split in config.splits
                ],
            }
        )
        infos.append(
            {
                "config_name": name,
                "features": card_features(name),
                "splits": [
                    {"name": split, "num_bytes": config.num_bytes[split], "num_examples": stats.rows}
                    for split, stats in config.splits.items()
                ],
                "download_size": config.download_size,
                "dataset_size": sum(config.num_bytes.values()),
            }
        )
    return {**_HEAD, "size_categories": [size], "configs": configs, "dataset_info": infos}


def read_head(card: str) -> dict[str, Any]:
    """The YAML head of a card; empty if it has none."""
    import yaml

    match = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    try:
        head = yaml.safe_load(match[1]) if match else {}
    except yaml.YAMLError:
        return {}
    return head if isinstance(head, dict) else {}


def _render_body(source: str, manifest: Manifest) -> str:
    def only(match: re.Match[str]) -> str:
        return match[2] if match[1] in manifest.configs else ""

    def table(match: re.Match[str]) -> str:
        name, config = match[1], match[2]
        return _TABLES[name](config, manifest.configs[config])

    body = re.sub(r"<!-- only: (\w+) -->\n(.*?)<!-- end: \1 -->\n", only, source, flags=re.DOTALL)
    return re.sub(r"<!-- table: (\w+) (\w+) -->", table, body)


def _markdown(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(lines[0]), *text[1:]])


def percent(part: int, whole: int) -> str:
    """`12.3%`."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def _columns(name: str, config: Config) -> str:
    return _markdown(["column", "type", "meaning"], ([f"`{c.name}`", c.type, c.meaning] for c in columns_of(name)))


def _splits(name: str, config: Config) -> str:
    parts = [*config.splits.items(), ("all", config.stats)]
    return _markdown(
        ["split", "problems", "rows", "right", "wrong", "steps", "labelled right"],
        (
            [
                s,
                *(f"{n:,}" for n in (t.problems, t.rows, t.right_rows, t.wrong_rows, t.steps)),
                percent(t.right_steps, t.steps),
            ]
            for s, t in parts
        ),
    )


def _error_types(name: str, config: Config) -> str:
    stats = config.stats
    wrong = sorted(((n, kind) for kind, n in stats.error_types.items() if kind != "none"), reverse=True)
    return _markdown(
        ["error type", "rows", "share of wrong rows"],
        ([f"`{kind}`", f"{n:,}", percent(n, stats.wrong_rows)] for n, kind in wrong),
    )


def _first_errors(name: str, config: Config) -> str:
    stats = config.stats
    places = ("first fifth", "second", "third", "fourth", "last fifth")
    rows = [(place, stats.first_error_places.get(str(i), 0)) for i, place in enumerate(places)]
    rows.append(("very last step", stats.first_error_in_last_step))
    return _markdown(
        ["the first error stands in the", "rows", "share of wrong rows"],
        ([place, f"{n:,}", percent(n, stats.wrong_rows)] for place, n in rows),
    )


def _digests(name: str, config: Config) -> str:
    return _markdown(
        ["what", "sha256"],
        [
            ["content of all splits", f"`{config.content_digest}`"],
            *([f"content of {split}", f"`{digest}`"] for split, digest in config.split_digests.items()),
            ["inputs", f"`{config.inputs_digest}`"],
            ["code", f"`{config.code_digest}`"],
        ],
    )


def _options(name: str, config: Config) -> str:
    rows = [[f"`{key}`", "–" if value is None else f"`{value}`"] for key, value in config.options.items()]
    return _markdown(["choice", "value"], [*rows, ["version of prm-gsm8k", f"`{config.code_version}`"]])


_TABLES: dict[str, Callable[[str, Config], str]] = {
    "columns": _columns,
    "splits": _splits,
    "error_types": _error_types,
    "first_errors": _first_errors,
    "digests": _digests,
    "options": _options,
}
