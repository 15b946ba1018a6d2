"""The gallery is generated: one block a family."""

from pathlib import Path

import pytest

from prm_gsm8k.synthetic.families import FAMILIES
from prm_gsm8k.synthetic.gallery import gallery

PAGE = Path(__file__).parents[2] / "benchmarks" / "gallery.md"


@pytest.mark.slow
def test_the_page_is_what_the_command_prints() -> None:
    page = gallery()
    assert PAGE.read_text("utf-8") == page
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        f"## {family.name}" for family in FAMILIES
    ]
