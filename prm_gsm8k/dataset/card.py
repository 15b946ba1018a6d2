"""The dataset card: `dataset_card.md`, written by hand, plus a generated YAML head and generated tables, and what
people wrote into the card that it replaces (`card_edits.py`).

In the source:

    <!-- only: NAME --> … <!-- end: NAME -->   left out of a folder without the config NAME, or of a card that is not
                                               `published` on the Hub, not `local` on a disk; `gsm8k` if any of its
                                               problems are, `english` if nobody's own are among them
    <!-- table: NAME CONFIG -->                a table from the manifest
    <!-- figure: NAME CONFIG -->               a picture of `prm_gsm8k.dataset.card_figures`, where pictures are wanted
    $REPO, $CONFIG, $SPLIT                     what a reader types to load: repository, default config, first split
    $TITLE                                     the card's title
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prm_gsm8k.dataset.card_edits import Edits, read_edits, with_edits
from prm_gsm8k.dataset.card_figures import PLACES, pictures_of, split_rows
from prm_gsm8k.dataset.manifest import Config, Manifest
from prm_gsm8k.dataset.schema import card_features, columns_of
from prm_gsm8k.exceptions import PrmGsm8kError
from prm_gsm8k.reports.numbers import percent

CARD = "README.md"

_TAGS = ["process-reward-model", "prm", "stepwise-supervision", "reasoning", "math"]
_GSM8K = "[GSM8K](https://github.com/openai/grade-school-math)"

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def card_source() -> str:
    """The hand-written card, as installed or as it lies in a checkout."""
    package = Path(__file__).parents[1]
    for path in (package / "dataset_card.md", package.parent / "dataset_card.md"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise PrmGsm8kError("dataset_card.md is missing from this installation; install the package again")


def render_card(
    manifest: Manifest,
    repo_id: str | None = None,
    with_figures: bool = False,
    edits: Iterable[tuple[Edits, Manifest]] = (),
) -> str:
    """The README.md of a built folder, or of a repository on the Hub.

    Args:
        manifest: of the folder.
        repo_id: `ORG/NAME` it is published as; without one the card says how to load a local folder.
        with_figures: whether the pictures of `prm_gsm8k.dataset.card_figures.figures` stand beside it.
        edits: what people wrote into each card that this one replaces (`edits_of`), and the manifest it was made from.
    """
    pairs = [(found, card_head(old) if old.configs else None) for found, old in edits]
    return with_edits(card_head(manifest), _render_body(card_source(), manifest, repo_id, with_figures), pairs)


def edits_of(path: Path, name: str, manifest: Manifest, repo_id: str | None = None) -> Edits:
    """What people wrote into a card, nothing if there is none; raises VerificationError if it cannot be kept.

    Args:
        path: of the card.
        name: of the card, for messages.
        manifest: what the card was made from; one without configs, if it is of people alone.
        repo_id: `ORG/NAME` it was published as.
    """
    source = card_source()
    made = f"{_render_body(source, manifest, repo_id, repo_id is not None)}\n{source}" if manifest.configs else None
    return read_edits(path, made, name)


def _own_problems(config: Config) -> str | None:
    """The file or data set with the problems of a config, if somebody gave one that is not GSM8K."""
    problems: str | None = config.options.get("problems")
    return None if problems is None or problems.partition(":")[0] == "openai/gsm8k" else problems


def _has_gsm8k(manifest: Manifest) -> bool:
    return any(name != "prm800k" and not _own_problems(config) for name, config in manifest.configs.items())


def _has_own(manifest: Manifest) -> bool:
    return any(map(_own_problems, manifest.configs.values()))


def _title(manifest: Manifest) -> str:
    return "PRM-GSM8K: labelled reasoning steps" if not _has_own(manifest) else "Labelled reasoning steps"


def _tags(manifest: Manifest) -> list[str]:
    own = [["prm800k"] if name == "prm800k" else ["synthetic"] for name in manifest.configs]
    return list(dict.fromkeys([*_TAGS, *(["gsm8k"] if _has_gsm8k(manifest) else []), *itertools.chain(*own)]))


def card_head(manifest: Manifest) -> dict[str, Any]:
    """The YAML head: where `datasets` and the Hub look for configs, splits, sizes and features."""
    configs, infos = [], []
    for i, (name, config) in enumerate(manifest.configs.items()):
        configs.append(
            {
                "config_name": name,
                **({"default": True} if i == 0 else {}),
                # for an unchanged entry `datasets` answers from its cache, whatever the files hold
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
    return {
        "pretty_name": _title(manifest),
        **_licence(manifest),
        **({} if _has_own(manifest) else {"language": ["en"]}),
        "task_categories": ["token-classification", "text-classification", "text-generation"],
        "tags": _tags(manifest),
        "size_categories": [size_category(sum(config.stats.rows for config in manifest.configs.values()))],
        "configs": configs,
        "dataset_info": infos,
    }


def size_category(rows: int) -> str:
    """The Hub's name for how large a data set is.

    >>> size_category(32_851)
    '10K<n<100K'
    """
    return next((name for limit, name in _SIZES if rows < limit), "n>10M")


def _licence(manifest: Manifest) -> dict[str, str]:
    """MIT, unless a model wrote some rows, which has its own terms; of somebody's own problems nothing is known."""
    if _has_own(manifest):
        return {}
    if not manifest.configs.keys().isdisjoint(("model_sampled", "labelled")):
        return {"license": "other", "license_name": "mit-and-the-terms-of-the-sampling-model"}
    return {"license": "mit"}


def _render_body(source: str, manifest: Manifest, repo_id: str | None, with_figures: bool) -> str:
    default, config = next(iter(manifest.configs.items()))
    names = {"$REPO": repo_id or "", "$CONFIG": default, "$SPLIT": next(iter(config.splits))}
    names["$TITLE"] = _title(manifest)
    kept = {*manifest.configs, "published" if repo_id else "local"}
    kept |= {name for name, is_so in (("gsm8k", _has_gsm8k(manifest)), ("english", not _has_own(manifest))) if is_so}
    body = re.sub(r"\$(TITLE|REPO|CONFIG|SPLIT)\b", lambda match: names[match[0]], source)
    body = re.sub(
        r"<!-- only: (\w+) -->\n(.*?)<!-- end: \1 -->\n", lambda m: m[2] if m[1] in kept else "", body, flags=re.DOTALL
    )

    def table(match: re.Match[str]) -> str:
        return _TABLES[match[1]](match[2], manifest.configs[match[2]])

    def figure(match: re.Match[str]) -> str:
        picture = pictures_of(match[2], manifest.configs[match[2]]).get(match[1])
        return f"![{picture.alt}]({picture.path})" if picture and with_figures else ""

    body = re.sub(r"<!-- table: (\w+) (\w+) -->", table, body)
    body = re.sub(r"<!-- figure: (\w+) (\w+) -->", figure, body)
    return re.sub(r"\n{3,}", "\n\n", body)


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in markdown."""
    lines = [list(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(lines[0]), *text[1:]])


def _columns(name: str, config: Config) -> str:
    return markdown_table(
        ["column", "type", "meaning"], ([f"`{c.name}`", f"`{c.type}`", c.meaning] for c in columns_of(name))
    )


def _splits(name: str, config: Config) -> str:
    head = ["split", "problems", "rows", "correct", "incorrect", "steps", "steps labelled correct"]
    return markdown_table(head, split_rows(config))


def _error_types(name: str, config: Config) -> str:
    stats = config.stats
    wrong = sorted(((n, kind) for kind, n in stats.error_types.items() if kind != "none"), reverse=True)
    return markdown_table(
        ["error type", "rows", "share of incorrect rows"],
        ([f"`{kind}`", f"{n:,}", percent(n, stats.wrong_rows)] for n, kind in wrong),
    )


def _first_errors(name: str, config: Config) -> str:
    stats = config.stats
    rows = [(f"{place} fifth", stats.first_error_places.get(str(i), 0)) for i, place in enumerate(PLACES)]
    rows.append(("very last step", stats.first_error_in_last_step))
    return markdown_table(
        ["the first error stands in the", "rows", "share of incorrect rows"],
        ([place, f"{n:,}", percent(n, stats.wrong_rows)] for place, n in rows),
    )


def _digests(name: str, config: Config) -> str:
    return markdown_table(
        ["digest of", "by", "value"],
        [
            ["the rows of all splits", "content", f"`{config.content_digest}`"],
            *([f"the rows of `{split}`", "content", f"`{digest}`"] for split, digest in config.split_digests.items()),
            ["what was read", "sha256", f"`{config.inputs_digest}`"],
            ["the code", "sha256", f"`{config.code_digest}`"],
        ],
    )


def _overlaps(name: str, config: Config) -> str:
    if not config.overlaps:
        return "Not counted."
    return markdown_table(["what was counted", "prompts"], ([what, f"{n:,}"] for what, n in config.overlaps.items()))


def _options(name: str, config: Config) -> str:
    rows = [[f"`{key}`", "–" if value is None else f"`{value}`"] for key, value in config.options.items()]
    return markdown_table(["choice", "value"], [*rows, ["version of prm-gsm8k", f"`{config.code_version}`"]])


def _problems(name: str, config: Config) -> str:
    own = _own_problems(config)
    return f"`{own}`" if own else _GSM8K


def _terms(name: str, config: Config) -> str:
    own = _own_problems(config)
    if own:
        return f"`{own}`: problems and reference solutions | not stated: that of whoever wrote them"
    return f"{_GSM8K}, © 2021 OpenAI: problems and reference solutions | MIT"


_TABLES: dict[str, Callable[[str, Config], str]] = {
    "problems": _problems,
    "terms": _terms,
    "rows": lambda name, config: f"{config.stats.rows:,}",
    "columns": _columns,
    "splits": _splits,
    "error_types": _error_types,
    "first_errors": _first_errors,
    "digests": _digests,
    "options": _options,
    "overlaps": _overlaps,
}
