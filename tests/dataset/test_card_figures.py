"""The pictures of a card: drawn from counts alone, the same bytes each time, and told in words as well."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from made_rows import CONFIG, MADE_FROM, made_tables

from prm_gsm8k.dataset.card_figures import figures, pictures_of
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.manifest import Config, Manifest

KINDS = {"none": 40, "step_skipped": 30, "wrong_question": 10}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A config whose 40 wrong rows err in two ways, in steps 0, 1 and 12."""
    manifest = write_config(tmp_path_factory.mktemp("figures") / "out", CONFIG, made_tables(), MADE_FROM)
    config = manifest.configs[CONFIG]
    stats = replace(
        config.splits["train"],
        error_types=KINDS,
        first_errors={"0": 10, "1": 29, "12": 1},
        first_error_places={"0": 10, "2": 30},
    )
    return replace(config, splits={"train": stats})


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + data) == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        yield kind, data
        at += 12 + length


def test_each_is_a_png_twice_as_wide_as_a_card_and_says_nothing_of_who_drew_it_when(config: Config) -> None:
    drawn = figures(Manifest.of({CONFIG: config}))
    assert [path.rpartition("-")[0] for path in drawn] == [
        "figures/by_hand-first-errors",
        "figures/by_hand-error-types",
    ]
    for png in drawn.values():
        by_kind = dict(chunks(png))
        assert set(by_kind) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}
        width, height = struct.unpack(">II", by_kind[b"IHDR"][:8])
        assert width == 1200
        assert 200 < height < 900


def test_the_same_counts_are_the_same_bytes_whatever_the_users_own_style(config: Config) -> None:
    manifest = Manifest.of({CONFIG: config})
    plain = figures(manifest)
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 30, "savefig.dpi": 20, "savefig.bbox": "tight"}):
        assert figures(manifest) == plain


def test_other_numbers_have_another_address_and_only_then(config: Config) -> None:
    paths = {name: picture.path for name, picture in pictures_of(CONFIG, config).items()}
    train = config.splits["train"]
    other = replace(config, splits={"train": replace(train, error_types={**KINDS, "step_skipped": 29, "unit": 1})})
    others = {name: picture.path for name, picture in pictures_of(CONFIG, other).items()}
    assert others["first_errors"] == paths["first_errors"]
    assert others["error_types"] != paths["error_types"]
    assert pictures_of(CONFIG, replace(config, version="1.2.3"))["error_types"].path == paths["error_types"]


def test_words_say_what_a_picture_shows(config: Config) -> None:
    pictures = pictures_of(CONFIG, config)
    assert pictures["error_types"].alt == (
        "Bar chart of the error types of the 40 incorrect rows of by_hand: step_skipped 75.0%, wrong_question 25.0%."
    )
    assert pictures["first_errors"].alt == (
        "Bar charts of where the first error of the 40 incorrect rows of by_hand stands. By fifth of the solution: "
        "first 25.0%, second 0.0%, third 75.0%, fourth 0.0%, last 0.0%. By index of the step: "
        "0 25.0%, 1 72.5%, 2 0.0%, 3 0.0%, 4 0.0%, 5 0.0%, 6 0.0%, 7 0.0%, 8 0.0%, 9+ 2.5%."
    )


def test_the_indices_of_long_solutions_share_bars(config: Config) -> None:
    long = replace(config.splits["train"], wrong_rows=60, first_errors={str(index): 1 for index in range(60)})
    alt = pictures_of(CONFIG, replace(config, splits={"train": long}))["first_errors"].alt
    bars = ", ".join(f"{start}–{start + 6} 11.7%" for start in range(0, 56, 7))
    assert alt.endswith(f"By index of the step: {bars}, 56–62 6.7%.")
    rare = replace(long, wrong_rows=160, first_errors={**long.first_errors, "500": 1, "0": 100})
    alt = pictures_of(CONFIG, replace(config, splits={"train": rare}))["first_errors"].alt
    assert alt.endswith(", 48–53 3.8%, 54+ 4.4%.")


def test_one_kind_of_error_is_no_picture_and_no_error_none_at_all(config: Config) -> None:
    train = config.splits["train"]
    one = replace(config, splits={"train": replace(train, error_types={"none": 40, "unknown": 40})})
    assert list(pictures_of(CONFIG, one)) == ["first_errors"]
    none = replace(train, wrong_rows=0, error_types={"none": 80}, first_errors={}, first_error_places={})
    assert pictures_of(CONFIG, replace(config, splits={"train": none})) == {}


@pytest.mark.slow
def test_a_build_draws_nothing_and_drawing_looks_for_no_screen(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from made_rows import CONFIG, MADE_FROM, made_tables
from prm_gsm8k.dataset.folder import write_config
from prm_gsm8k.dataset.card_figures import figures
manifest = write_config(Path({str(tmp_path / "out")!r}), CONFIG, made_tables(), MADE_FROM)
assert "matplotlib" not in sys.modules
assert figures(manifest)
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
