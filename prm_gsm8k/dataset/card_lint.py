"""An offline lint of a folder's card: what would trip the Hub, `datasets` or a reader, found before publishing.

    for finding in lint(Path("data")):
        print(finding)          # README.md:412: 'TODO' is a placeholder; say what is meant, or leave it out

It reads README.md, manifest.json and the footers of the Parquet files, of a built folder or of a published tree. The
Hub refuses a commit for some of these faults, warns of some, and ignores the rest.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from prm_gsm8k.dataset.card import CARD, card_head
from prm_gsm8k.dataset.card_edits import read_head
from prm_gsm8k.dataset.manifest import MANIFEST, Manifest, read_manifest
from prm_gsm8k.dataset.schema import arrow_schema

AGAIN = "build or publish the folder again"

# https://huggingface.co/docs/hub/repositories-licenses, without the licences of single models
LICENCES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m bsd
    bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl
    lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 other
    pddl postgresql unknown unlicense wtfpl zlib
    """.split()
)
# https://huggingface.co/tasks: those of text
TASKS = frozenset(
    """
    feature-extraction fill-mask multiple-choice other question-answering reinforcement-learning sentence-similarity
    summarization table-question-answering table-to-text text-classification text-generation text-ranking text-retrieval
    token-classification translation zero-shot-classification
    """.split()
)
_PLACEHOLDER = re.compile(
    r"\bORG/|\b(?:TODO|TBD|FIXME|XXX)\b|(?i:lorem ipsum)|\{\{|\$(?:REPO|CONFIG|SPLIT)\b"
    r"|<!--\s*(?:table|figure|only|end):|(?<!\w)</?(?P<tag>[A-Za-z][\w -]*)>"
)
_HTML = frozenset("a b br center code details div em i img kbd li ol p pre span strong sub summary sup ul".split())
_LINK = re.compile(r"""(?P<image>!)?\[(?P<text>[^\]]*)\]\(\s*(?P<target>[^)\s]+)[^)]*\)""")
_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)


def lint(folder: Path) -> Iterator[str]:
    """The faults of a folder's card, one line each: the place, and the cure where it is not plain.

    Raises:
        VerificationError: the folder has no manifest to compare the card with.
    """
    manifest = read_manifest(folder)
    try:
        card = (folder / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield f"{CARD} cannot be read: {_in_one_line(error)}; {AGAIN}"
        return
    parts = re.match(r"---\n(.*?)\n---\n(.*)", card, re.DOTALL)
    if parts is None:
        yield f"{CARD} does not begin with a YAML head between two lines of ---; {AGAIN}"
    else:
        yield from _head(parts[1], folder, manifest)
    yield from _placeholders(card)
    yield from _links(card[parts.start(2) if parts else 0 :], folder)


# ------------------------------------------------------------------------------------------------------------- the head


def _head(text: str, folder: Path, manifest: Manifest) -> Iterator[str]:
    import yaml

    try:
        head = read_head(text)
    except yaml.YAMLError as error:
        yield f"{CARD}: the head is not YAML: {_in_one_line(error)}"
        return
    if not isinstance(head, dict):
        yield f"{CARD}: the head is {type(head).__name__}, not keys with values; {AGAIN}"
        return
    expected = card_head(manifest)
    yield from _described(head, expected)
    entries: dict[str, dict[str, dict[str, Any]]] = {}
    for key in ("configs", "dataset_info"):
        listed = _dicts(head.get(key))
        entries[key] = {str(entry.get("config_name")): entry for entry in listed}
        yield from _names(key, listed, manifest)
    yield from _default(list(entries["configs"].values()))
    for want in expected["configs"]:
        if entry := entries["configs"].get(want["config_name"]):
            yield from _differs("configs", entry, want)
            yield from _data_files(entry, folder)
    for want in expected["dataset_info"]:
        if entry := entries["dataset_info"].get(want["config_name"]):
            yield from _differs("dataset_info", entry, want)
            yield from _footers(entry, entries["configs"].get(want["config_name"], {}), folder)


def _described(head: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """Licence, language, tasks, tags and size: what the Hub indexes."""
    for licence in (licences := _strings(head.get("license"))):
        if licence not in LICENCES:
            yield f"{CARD}: license {licence!r} is none the Hub knows; it wants an id such as mit, or other"
    if not licences and "license" in expected:
        yield f"{CARD}: no license; name one, such as mit"
    if "other" in licences and not head.get("license_name"):
        yield f"{CARD}: license is other, but there is no license_name; name the licence"
    for language in (languages := _strings(head.get("language"))):
        if not re.fullmatch(r"[a-z]{2,3}", language):
            yield f"{CARD}: language {language!r} is no ISO 639 code; English is en"
    for task in (tasks := _strings(head.get("task_categories"))):
        if task not in TASKS:
            yield f"{CARD}: task_categories has {task!r}, no task of text that the Hub knows"
    for key, values in (("language", languages), ("task_categories", tasks), ("tags", _strings(head.get("tags")))):
        if not values and key in expected:
            yield f"{CARD}: no {key}; without, nobody finds the data set on the Hub"
    if head.get("size_categories") != expected["size_categories"]:
        yield f"{CARD}: size_categories is {head.get('size_categories')}, but by the rows {expected['size_categories']}"


def _names(key: str, listed: list[dict[str, Any]], manifest: Manifest) -> Iterator[str]:
    """Names that `datasets` takes, each config of the manifest once, and no other."""
    names = [str(entry.get("config_name")) for entry in listed]
    for name, times in Counter(names).items():
        if name in ("data", "all") or not re.fullmatch(r"\w[\w.-]*", name):
            yield f"{CARD}: {key}: config name {name!r}: letters, digits, _ . - are legal, data and all are not"
        if times > 1:
            yield f"{CARD}: {key}: {times} entries for config {name!r}"
        if name not in manifest.configs:
            yield f"{CARD}: {key} for config {name!r}, which is not in {MANIFEST}"
    for name in manifest.configs:
        if name not in names:
            yield f"{CARD}: no {key} for config {name!r}; {AGAIN}"
    for entry in listed:
        for part in _dicts(entry.get("data_files" if key == "configs" else "splits")):
            split = str(part.get("split" if key == "configs" else "name"))
            if not re.fullmatch(r"\w+(\.\w+)*", split):  # as `datasets` has it
                yield f"{CARD}: {key} of {entry.get('config_name')!r}: split name {split!r}: no dash, no space"


def _default(configs: list[dict[str, Any]]) -> Iterator[str]:
    """The config that `load_dataset` loads without a name."""
    marked = {str(entry.get("config_name")): entry["default"] for entry in configs if "default" in entry}
    if list(marked.values()) != [True]:
        yield f"{CARD}: configs: default is {marked or 'nowhere'}; exactly one must be marked default: true, the first"
    elif "default" not in configs[0]:
        yield f"{CARD}: configs: {next(iter(marked))!r} is the default but not the first; list it first"


def _differs(key: str, entry: dict[str, Any], want: dict[str, Any]) -> Iterator[str]:
    for name, value in want.items():
        if name != "default" and entry.get(name) != value:
            yield f"{CARD}: {key} of {want['config_name']!r}: {name} is not as in {MANIFEST}; {AGAIN}"


def _data_files(entry: dict[str, Any], folder: Path) -> Iterator[str]:
    """Every pattern finds files, and every Parquet file of the config is found, once."""
    name, found = str(entry["config_name"]), Counter[Path]()
    for split, patterns in _patterns(entry).items():
        for pattern in patterns:
            paths = _found(folder, pattern)
            found.update(paths)
            if not paths:
                yield f"{CARD}: configs of {name!r}, split {split!r}: {pattern!r} matches no file in the folder"
    for path in sorted({*(folder / name).rglob("*.parquet"), *found}):
        if found[path] != 1:
            how = "no split, so nobody loads it" if not found[path] else "more than one pattern, so its rows come again"
            yield f"{CARD}: configs of {name!r}: {path.relative_to(folder).as_posix()} is in {how}; {AGAIN}"


def _footers(info: dict[str, Any], entry: dict[str, Any], folder: Path) -> Iterator[str]:
    """Rows and columns in the card equal those in the footers of the files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = str(info["config_name"])
    claimed = {str(split.get("name")): split.get("num_examples") for split in _dicts(info.get("splits"))}
    for split, patterns in _patterns(entry).items():
        what, rows = f"{CARD}: dataset_info of {name!r}, split {split!r}", 0
        try:
            for path in (path for pattern in patterns for path in _found(folder, pattern)):
                shown = path.relative_to(folder).as_posix()
                footer = pq.read_metadata(path)
                rows += footer.num_rows
                if not footer.schema.to_arrow_schema().equals(arrow_schema(name)):
                    yield f"{what}: {shown} has other columns; {AGAIN}"
        except (pa.ArrowException, OSError) as error:
            yield f"{what}: {shown} cannot be read as Parquet: {_in_one_line(error)}; {AGAIN}"
            continue
        if claimed.get(split) != rows:
            yield f"{what}: num_examples is {claimed.get(split)}, but the files hold {rows} rows; {AGAIN}"


def _patterns(entry: dict[str, Any]) -> dict[str, list[str]]:
    return {str(part.get("split")): _strings(part.get("path")) for part in _dicts(entry.get("data_files"))}


def _found(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that a path or glob names; none outside of it."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return []
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except ValueError:  # no pattern at all, or ** beside something else
        return []


def _strings(value: object) -> list[str]:
    """One string or a list of them, as YAML heads have it; anything else is nothing."""
    values: list[Any] = value if isinstance(value, list) else [value]
    return values if all(isinstance(item, str) for item in values) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


# ------------------------------------------------------------------------------------------------------------- the body


def _placeholders(card: str) -> Iterator[str]:
    for number, line in enumerate(card.split("\n"), 1):
        for match in _PLACEHOLDER.finditer(line):
            if match["tag"] not in _HTML:
                yield f"{CARD}:{number}: {match[0]!r} is a placeholder; say what is meant, or leave it out"


def _links(body: str, folder: Path) -> Iterator[str]:
    """Images and relative links lead to what is there, and an image says in words what it shows."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", body, flags=re.DOTALL | re.MULTILINE)
    links = [(match["target"], bool(match["image"]), match["text"]) for match in _LINK.finditer(prose)]
    for tag in _IMG.findall(prose):
        attributes = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", tag))
        links.append((attributes.get("src", ""), True, attributes.get("alt", "")))
    anchors = set(_anchors(body))
    for target, image, text in links:
        what = "image" if image else "link"
        if image and not text.strip():
            yield f"{CARD}: image {target!r} has no alt text; say what it shows"
        if target.startswith("#"):
            if target[1:] not in anchors:
                yield f"{CARD}: link {target!r}: no such heading"
        elif not re.match(r"[a-z][a-z+.-]*:", target):
            path = unquote(target.partition("#")[0])
            if path.startswith("/") or ".." in path.split("/") or not os.path.exists(folder / path):
                yield f"{CARD}: {what} {target!r}: no such file in the folder"


def _anchors(body: str) -> Iterator[str]:
    """The names by which GitHub and the Hub link to headings; the second of a name ends in -1, the third in -2."""
    without_code = re.sub(r"^```.*?^```", "", body, flags=re.DOTALL | re.MULTILINE)
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#+ +(.+?) *$", without_code, flags=re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
