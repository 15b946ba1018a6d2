"""HTML pages are self-contained, and foreign text stays text."""

from __future__ import annotations

import re

import pytest
from evaluation.made_result import HOSTILE
from html_reader import Read
from hypothesis import given
from hypothesis import strategies as st

from prm_gsm8k.reports.charts import INK, SERIES, Chart, Table, new_figure
from prm_gsm8k.reports.html import (
    BYTES,
    CHARACTERS,
    STEPS,
    Html,
    Solution,
    Step,
    browse,
    chart,
    clipped,
    page,
    score_legend,
    section,
    table,
    tag,
    text,
)

MARKUP = [
    "<b>",
    "</p>",
    "<script>",
    "<!--",
    "<![CDATA[",
    "&lt;",
    "&#65;",
    "&amp",
    '"',
    "'",
    ">",
    "\r\n",
    "\x00",
    "\u202e",
]
TEXTS = st.lists(st.sampled_from(MARKUP) | st.text()).map("".join)


def solution(*steps: Step, facet: str = "a", **more: object) -> Solution:
    fields: dict[str, object] = {
        "name": "x",
        "prompt": "1 + 1?",
        "verdict": "Correct",
        "facets": {"Kind": facet},
        **more,
    }
    return Solution(steps=steps or (Step("1 + 1 = 2", 0.9, "right"),), **fields)  # type: ignore[arg-type]


def whole(*solutions: Solution) -> str:
    return page("A page", lede="Of things.", sections=[section("Solutions", browse(solutions, score_legend()))])


@given(TEXTS)
def test_any_text_is_read_back_as_that_text(written: str) -> None:
    parts = Read(text(written)).texts
    back = "".join(chr(int(data.removeprefix("U+"), 16)) if element == "span" else data for element, data in parts)
    assert back == written.replace("\r\n", "\n")


@given(TEXTS)
def test_any_attribute_value_is_one_attribute(written: str) -> None:
    read = Read(tag("p", data_kind=written))
    assert [list(attributes) for attributes in read.named("p")] == [["data-kind"]]


def test_invisible_and_bidirectional_characters_are_shown_by_code_point() -> None:
    assert text("1\u202e2\u200b3\x1b4\ud8005") == (
        '1<span class="unseen">U+202E</span>2<span class="unseen">U+200B</span>3<span class="unseen">U+001B</span>4'
        '<span class="unseen">U+D800</span>5'
    )
    plain = "مرحبا 日本語 👩‍👩‍👧 n\u0303\tand\nmore"
    assert text(plain) == plain


def test_hostile_solutions_add_no_element_or_attribute() -> None:
    steps = [Step(evil, 0.5, "right", (evil,), evil) for evil in HOSTILE]
    hostile = [solution(*steps, name=evil, prompt=evil, verdict=evil, facet=evil, details=(evil,)) for evil in HOSTILE]
    written = page(HOSTILE[0], lede=HOSTILE[1], sections=[section(HOSTILE[2], browse(hostile, score_legend()))])
    written.encode()
    read = Read(written)
    assert {name for name, _ in read.elements} & {"img", "iframe", "a1", "form"} == set()
    assert [len(list(read.named(name))) for name in ("h1", "script", "style", "main")] == [1, 1, 1, 1]
    assert not [key for _, attributes in read.elements for key in attributes if key.startswith("on")]
    assert HOSTILE[0] in read.words() and HOSTILE[3] in read.words()


def test_no_external_address_and_no_foreign_script() -> None:
    import base64
    import hashlib

    written = whole(solution())
    read = Read(written)
    assert [a["href"] for a in read.named("a")] == ["#content", "#solutions", "#s0"]
    assert [a.get("href") for a in read.named("link")] == ["data:,"]
    assert not [a for _, a in read.elements if "src" in a]
    assert "url(" not in written and "@import" not in written
    policy = next(a["content"] for a in read.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    script = "".join(data for name, data in read.texts if name == "script")
    ours = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy is not None
    assert "default-src 'none'" in policy and f"script-src 'sha256-{ours}'" in policy


def test_a_page_links_to_its_sections() -> None:
    written = page("T", lede="L", sections=[section("One & two"), section("Three")], facts={"seed": "<0>"})
    assert '<a href="#one-two">One &amp; two</a><a href="#three">Three</a><a href="#how-this-was-made">' in written
    assert "<dt>seed</dt><dd>&lt;0&gt;</dd>" in written


def test_a_long_text_is_cut_and_the_missing_characters_counted() -> None:
    assert Read(clipped("x" * (CHARACTERS + 1))).words() == "x" * CHARACTERS + "… 1 more character"
    assert clipped("x" * CHARACTERS) == "x" * CHARACTERS
    many = Read(whole(solution(*[Step(f"step {i}.") for i in range(STEPS + 7)]))).words()
    assert f"step {STEPS - 1}." in many and f"step {STEPS}." not in many and "… 7 more steps" in many


def test_a_page_stays_small_and_counts_what_it_leaves_out() -> None:
    long = [Step("é" * 10_000)] * 100
    huge = [solution(*long, facet=facet, name=f"{facet}{n}") for facet in ("a", "b") for n in range(100)]
    written = whole(*huge)
    assert len(written.encode()) < 3_000_000
    kept = re.findall(r'href="#s\d+">(\w)\d+<', written)
    assert kept.count("a") == kept.count("b") > 0, "each kind has the same share"
    assert f"{len(kept)} solutions; {200 - len(kept)} more are left out" in Read(written).words()
    assert browse(huge[:1], score_legend(), room=BYTES).count("<article") == 1


def test_a_filter_for_each_facet_with_several_values() -> None:
    some = [solution(facets={"Kind": k, "Step": s, "One": "x"}) for k, s in (("a", "10"), ("b", "9"), ("a", "none"))]
    written = browse(some, score_legend())
    selects = re.findall(r"<label><span>(\w+)</span><select data-facet=\"(f\d)\">(.*?)</select>", written)
    assert [(name, facet, re.findall(r">([^<]+)</option>", options)) for name, facet, options in selects] == [
        ("Kind", "f0", ["all", "a (2)", "b (1)"]),
        ("Step", "f1", ["all", "none (1)", "9 (1)", "10 (1)"]),
    ]
    assert [a["data-f1"] for a in Read(written).named("article")] == ["10", "9", "none"]


@pytest.mark.parametrize(("score", "level"), [(0.0, "p0"), (0.14, "p0"), (0.5, "p3"), (0.86, "p6"), (1.0, "p6")])
def test_a_step_has_the_colour_and_number_of_its_score(score: float, level: str) -> None:
    read = Read(whole(solution(Step("s", score, "error", ("✗ first error",)))))
    item = next(a["class"] for a in read.named("li"))
    assert item == f"{level} error"
    assert ("b", f"{score:.2f}") in read.texts and ("em", "✗ first error") in read.texts


def test_a_step_without_a_score_has_a_sign_and_marked_changes() -> None:
    steps = [Step("ok", state="right"), Step("3 + 4 = 12", state="error", note="why", changed=((0, 1), (8, 10)))]
    read = Read(whole(solution(*steps, beside=("The correct one", [Step("7", state="right")]))))
    assert [data for name, data in read.texts if name == "mark"] == ["3", "12"]
    assert ("span", "✗") in read.texts and ("i", "why") in read.texts and ("h4", "The correct one") in read.texts


def test_a_table_has_headings_and_scrolls_by_keyboard() -> None:
    read = Read(
        table(Table(("model", "F1"), (("a (baseline)", "82.4 (79.1 to 85.6)\nmore"), ("<b>", "f(x) = 2"))), "Of all")
    )
    assert [a.get("scope") for a in read.named("th")] == ["col", "col", "row", "row"]
    assert [data for name, data in read.texts if name == "small"] == ["(baseline)", "(79.1 to 85.6)", "more"]
    assert ("td", "82.4") in read.texts and ("td", "f(x) = 2") in read.texts and ("caption", "Of all") in read.texts
    assert next(read.named("div"))["tabindex"] == "0"


def test_a_chart_takes_the_colours_of_the_page_and_has_unique_ids() -> None:
    def draw() -> object:
        drawn = new_figure(4, 3)
        axes = drawn.subplots()
        axes.plot([0, 1], [0, 1], marker="o", color=SERIES[1])
        axes.set_title("a < b & $c$ $d$", color=INK)
        return drawn

    def one(path: str) -> Html:
        table = Table(("x", "y"), (("1", "<2>"),))
        return chart(Chart(name="n", path=path, alt='says "it"', draw=draw, title="T", note="N", table=table))  # type: ignore[arg-type]

    both = Read(one("first") + one("second"))
    svg = next(both.named("svg"))
    assert (svg["role"], svg["aria-label"], svg.get("width")) == ("img", 'says "it"', None)
    written = one("first")
    assert "var(--c1)" in written and "var(--ink)" in written and "#d55e00" not in written and "#ffffff" not in written
    ids = [a["id"] for _, a in both.elements if "id" in a]
    assert ids and len(ids) == len(set(ids))
    linked = re.findall(r"(?:url\(#|href=\"#)([\w-]+)", written)
    assert linked and set(linked) <= set(ids)
    assert "a < b & $c$ $d$" in both.words() and "<2>" in both.words()
    assert one("first") == written, "the same each time"
