"""What people labelled is not bad, what the limits quote is what the audit prints, and a few rows are no verdict."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from planted import clean_rows, written
from prm800k.samples import DATA

from prm_gsm8k.audit import limits
from prm_gsm8k.audit.measure import figures
from prm_gsm8k.audit.probe import FEWEST
from prm_gsm8k.audit.reference import NAMES, shipped_reference
from prm_gsm8k.audit.run import Audit, audit
from prm_gsm8k.audit.verdicts import MATCHED, Line
from prm_gsm8k.build.build import build
from prm_gsm8k.metrics.intervals import chance_auc, wilson

SAMPLED = ("shortcut", "matched", "wording", "arithmetic", "shape")  # what a few rows cannot tell


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*no math_splits/test.jsonl")
def test_what_people_labelled_is_not_bad_and_shows_what_is_quoted(tmp_path: Path) -> None:
    """PRM800K; the marks of teachers are not to be shipped."""
    source = str(DATA / "phase1_test_rebuilt.jsonl.gz")
    build("prm800k", tmp_path / "out", source=source, phase="1", cache_dir=str(tmp_path / "cache"))
    found = audit(tmp_path / "out")
    assert [line.what for line in found.bad] == []
    stored = shipped_reference().people[NAMES[1]]
    for what, number in figures(found).items():
        assert asdict(number) == pytest.approx(asdict(stored[what]), abs=0.01), what


def test_figures_in_words_are_those_that_are_stored() -> None:
    marks, prm800k = (shipped_reference().people[name] for name in NAMES)
    words = " ".join(Path(limits.__file__).read_text().replace("\n#", "").split())
    for said in (
        f"PRM800K shows {prm800k[MATCHED].value:.2f}",
        f"{marks['correct steps with a false equation'].value:.2%} in the real incorrect solutions",
    ):
        assert said in words, said
    assert chance_auc(FEWEST, FEWEST) == pytest.approx(
        marks["first errors predicted by surface features"].value, abs=0.01
    )


def few(tmp_path: Path, n: int) -> Audit:
    return audit(written(tmp_path / f"{n}.jsonl", clean_rows()[:n]))


def test_a_few_rows_are_too_few_to_tell(tmp_path: Path) -> None:
    found = few(tmp_path, 7)
    sampled = [line for line in found.lines if line.group in SAMPLED and "in incorrect solutions only" not in line.what]
    assert len(sampled) >= 8
    for line in sampled:
        assert line.verdict == "look" and re.match(
            r"\d+ (are too few to tell; from [\d,]+ on|first errors have)", line.reason
        ), line
    facts = [line for line in found.lines if line.group in ("repeats", "contamination")]
    assert {line.verdict for line in facts} == {"ok"}, "what the rows hold does not depend on how many they are"
    false = by_what(found)["correct steps with a false equation"]
    assert (false.low, false.high) == pytest.approx((0, wilson(0, int(false.reason.split()[0])).high))


def test_it_says_how_many_are_enough_and_they_are(tmp_path: Path) -> None:
    def least(n: int) -> int | None:
        reason = by_what(few(tmp_path, n))["first errors predicted by length alone"].reason
        found = re.match(r"(\d+) are too few to tell; from (\d+) on", reason)
        return int(found[2]) if found else None

    needed = least(30) or 0
    assert 20 < needed < 80
    rows = 3 * needed // 2  # two thirds of these are incorrect
    assert least(rows + 3) is None and least(rows - 6) is not None


def by_what(found: Audit) -> dict[str, Line]:
    return {line.what: line for line in found.lines}


@pytest.mark.slow
def test_data_beyond_what_people_labelled_is_bad_without_a_reference_of_ones_own(tmp_path: Path) -> None:
    from planted import a_marker

    found = by_what(audit(written(tmp_path / "rows.jsonl", clean_rows(plant=a_marker))))
    for what in (MATCHED, "first errors predicted by surface features"):
        assert found[what].verdict == "bad" and "PRM800K: " in found[what].reason
