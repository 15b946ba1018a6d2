"""One self-contained HTML page: tables, pictures, and solutions to browse with each step in colour.

    page("ProcessBench", lede="…", sections=[section("Figures", table(numbers)), section("Solutions", browse(some))])

A page asks nothing of anybody: no request, no library, and a policy in its head under which no script runs but its own
`page.js`, whatever a solution may hold. It can be read without that script, which filters. What others wrote is text
by type: `tag` escapes every `str`, and only what this module made is `Html`. Characters that cannot be seen, or that
reorder what stands around them, are shown by their number, for this is where a person looks before trusting the data.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from prm_gsm8k.reports.charts import FAINT, INK, PAPER, SERIES, svg

if TYPE_CHECKING:
    from prm_gsm8k.reports.charts import Chart, Table

CHARACTERS = (
    2_000  # of a problem or a step that are shown, at most: GSM8K's longest problem has 985, its longest step 350
)
STEPS = 60  # of a solution that are shown, at most; GSM8K's longest has 11
BYTES = 2_000_000  # of all solutions of a page; with the pictures of eight models, 0.7 MB, it stays below 3 MB
AT_A_TIME = 12  # solutions that are shown until someone asks for more
LEVELS = 7  # colours of a score, from surely wrong to surely right

# controls but tab and newline, zero-width and bidirectional marks (not the joiners that letters and emoji need),
# surrogates, tags and noncharacters
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)


class Html(str):
    """Markup that is safe to stand in a page, because `tag` or `text` made it."""


@dataclass(frozen=True)
class Step:
    """One step of a solution to look at.

    Attributes:
        text: as it was written.
        score: P(right) in [0, 1], None if there is none.
        state: `right`, `error` (the first), `after` (it), or empty if nobody knows.
        marks: what is said of it, in a few words each.
        note: a sentence on why it is wrong.
        changed: spans (start, end) of the text that differ from the right solution.
    """

    text: str
    score: float | None = None
    state: str = ""
    marks: tuple[str, ...] = ()
    note: str = ""
    changed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Solution:
    """One solution to look at, and by what it can be found.

    Attributes:
        name: its id.
        prompt: the problem.
        steps: of the solution.
        verdict: what is to be said of all of it, in a few words.
        facets: values to filter by; every solution of a page has the same keys.
        details: more words, one line each.
        beside: the right solution to the same problem, shown beside it, with its name.
    """

    name: str
    prompt: str
    steps: Sequence[Step]
    verdict: str
    facets: Mapping[str, str]
    details: tuple[str, ...] = ()
    beside: tuple[str, Sequence[Step]] | None = field(default=None)


# -------------------------------------------------------------------------------------------------------------- markup


def text(value: str) -> Html:
    """Text as it is to be seen.

    >>> text("<b>")
    '&lt;b&gt;'
    """
    seen = html.escape(value.replace("\r\n", "\n"))
    return Html(_UNSEEN.sub(lambda m: f'<span class="unseen">{_number(m)}</span>', seen))


def tag(name: str, /, *children: str | None, **attributes: str | int | bool | None) -> Html:
    """An element. `class_` and `data_kind` are written `class` and `data-kind`; an attribute that is None is left out.

    >>> tag("p", "1 < 2", tag("br"), class_="note")
    '<p class="note">1 &lt; 2<br></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    inside = "".join(child if isinstance(child, Html) else text(child) for child in children if child is not None)
    return Html(f"<{name}{written}>{inside}" + ("" if name in ("br", "meta", "input", "link") else f"</{name}>"))


def joined(parts: Iterable[str]) -> Html:
    """Several one after the other; what is not markup is escaped."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def _attribute(key: str, value: str | int | bool) -> str:
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    if value is False:
        return ""
    return f' {key}="{html.escape(_UNSEEN.sub(_number, str(value)))}"'


def _number(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X}"


def clipped(value: str, limit: int = CHARACTERS) -> Html:
    """Text of any length, cut where it would swamp the page; what is missing is counted.

    >>> clipped("1 + 1 = 2", 5)
    '1 + 1<span class="cut">… 4 more characters</span>'
    """
    more = len(value) - limit
    cut = tag("span", f"… {more:,} more character{'s' if more > 1 else ''}", class_="cut") if more > 0 else ""
    return Html(text(value[:limit]) + cut)


# ------------------------------------------------------------------------------------------------------------- a page


def page(title: str, *, lede: str, sections: Sequence[Html], facts: Mapping[str, str] | None = None) -> str:
    """A whole page, ready to be written as UTF-8.

    Args:
        title: what it is of.
        lede: what was done, in a sentence or two.
        sections: made by `section`.
        facts: how it was made, by name: at the end, for whoever wants to do it again.
    """
    style, script = _asset("page.css"), _asset("page.js")
    ours = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{ours}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    made = [section("How this was made", _facts(facts))] if facts else []
    head = joined(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("link", rel="icon", href="data:,"),
            tag("title", title),
            Html(f"<style>{style}</style>"),
        ]
    )
    parts = [match for part in [*sections, *made] if (match := _HEADING.match(part))]
    links = [Html(f'<a href="#{match[1]}">{match[2]}</a>') for match in parts]
    header = tag(
        "header",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("div", tag("h1", title), tag("button", "Dark", type="button", id="theme", hidden=True), class_="top"),
        tag("p", lede, class_="lede"),
        tag("nav", *links, aria_label="On this page"),
    )
    main = tag("main", *sections, *made, id="content")
    body = tag("body", header, main, Html(f"<script>{script}</script>"))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n{body}</html>\n'


_HEADING = re.compile(r'<section id="([\w-]+)"><h2>(.*?)</h2>')


def section(title: str, *children: str | None) -> Html:
    """A part of a page under a heading, which the head of the page links to."""
    return tag("section", tag("h2", title), *children, id=re.sub(r"\W+", "-", title.lower()))


def table(content: Table, caption: str, *, words: int = 1) -> Html:
    """A table that scrolls by itself where it is wider than the screen; columns after the first `words` are numbers.

    A bracket that ends a cell, as in `82.4 (79.1 to 85.6)`, and further lines of it are small and stand below it.
    """
    head = [tag("th", name, scope="col", class_=None if n < words else "n") for n, name in enumerate(content.head)]
    rows = []
    for row in content.rows:
        cells = [tag("th", _foldable(_cell(row[0])), scope="row")]
        cells += [tag("td", _cell(cell), class_=None if n < words else "n") for n, cell in enumerate(row[1:], 1)]
        rows.append(tag("tr", *cells))
    inside = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return tag("div", inside, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _cell(cell: str) -> Html:
    first, *more = cell.split("\n")
    value, bracket, rest = first.partition(" (")
    small = [f"({rest}"] if bracket and rest.endswith(")") else []
    return joined([value if small else first, *(tag("small", line) for line in [*small, *more])])


def _foldable(name: Html) -> Html:
    """A name such as `runs/a-model/checkpoint-1200`, which may be broken after its signs."""
    return Html(re.sub(r"(?<=[\w)])([/_-])(?=\w)", r"\1<wbr>", name))


def _facts(facts: Mapping[str, str]) -> Html:
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()), class_="facts")


def _asset(name: str) -> str:
    return files("prm_gsm8k.reports").joinpath(name).read_text(encoding="utf-8")


# ----------------------------------------------------------------------------------------------------------- pictures

_COLOURS = {INK: "var(--ink)", FAINT: "var(--faint)", PAPER: "none"}
_COLOURS |= {colour.lower(): f"var(--c{n})" for n, colour in enumerate(SERIES)}


def charts(some: Sequence[Chart]) -> Html:
    """Pictures side by side where there is room."""
    return tag("div", *(chart(one) for one in some), class_="charts")


def chart(one: Chart) -> Html:
    """A picture in the colours of the page, light or dark, with how to read it and its numbers as a table."""
    numbers = tag("details", tag("summary", "Numbers"), table(one.table, one.title))
    words = tag("figcaption", tag("strong", one.title), tag("span", one.note))
    return tag("figure", words, _inline(svg(one), one), numbers)


def _inline(drawn: bytes, one: Chart) -> Html:
    """An SVG of matplotlib's as part of a page: its colours are the page's, and its ids no other picture's."""
    root = ElementTree.fromstring(drawn)  # our own drawing, whose texts are escaped
    mark = hashlib.sha256(one.path.encode()).hexdigest()[:6]
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("metadata", "style")):
                parent.remove(child)
    linked = {m for node in root.iter() for value in node.attrib.values() for m in re.findall(r"#([\w-]+)", value)}
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        for key in list(node.attrib):
            value = node.attrib.pop(key)
            key = key.rpartition("}")[2]
            if key == "id":
                if value not in linked:
                    continue
                value = f"{value}-{mark}"
            elif key == "href":
                value = f"{value}-{mark}"
            else:
                value = re.sub(r"url\(#([\w-]+)\)", rf"url(#\1-{mark})", value)
                value = re.sub(r"#[0-9a-f]{6}\b", lambda m: _COLOURS.get(m[0], m[0]), value)
                value = re.sub(r"'DejaVu Sans'[^;]*", "var(--font)", value)
            node.set(key, value)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-label": _UNSEEN.sub(_number, one.alt)}
    return Html(ElementTree.tostring(root, encoding="unicode", method="html"))


# ---------------------------------------------------------------------------------------------------------- solutions


def browse(solutions: Sequence[Solution], legend: Html, room: int = BYTES) -> Html:
    """Solutions one below the other, and what filters them by facet and by word.

    If there is no room for all, each value of the first facet has the same share of it; what does not fit is left out
    from the end of each, and counted.

    Args:
        solutions: all with the same facets.
        legend: what the colours mean.
        room: bytes for all of them.
    """
    shown = list(_fitting(solutions, room))
    facets = list(solutions[0].facets) if solutions else []
    selects = []
    for n, facet in enumerate(facets):
        counts = Counter(one.facets[facet] for one, _ in shown)
        if len(counts) < 2:
            continue
        values = [tag("option", f"{value} ({count})", value=value) for value, count in _in_order(counts)]
        options = [tag("option", "all", value=""), *values]
        selects.append(tag("label", tag("span", facet), tag("select", *options, data_facet=f"f{n}")))
    find = tag("label", tag("span", "Words"), tag("input", type="search", placeholder="in problem, steps or id"))
    left = len(solutions) - len(shown)
    count = f"{len(shown):,} solutions" + (f"; {left:,} more are left out to keep the page small" if left else "")
    return tag(
        "div",
        legend,
        tag("div", *selects, find, class_="filters", role="search", aria_label="Filter solutions", hidden=True),
        tag("p", count, class_="count", role="status"),
        tag("div", *(drawn for _, drawn in shown), class_="solutions"),
        tag("button", "Show more", type="button", class_="more", hidden=True),
        class_="browse",
        data_at_a_time=AT_A_TIME,
    )


def _fitting(solutions: Sequence[Solution], room: int) -> Iterator[tuple[Solution, Html]]:
    """As many as there is room for, in their order; each value of the first facet has the same share of it."""
    group = [next(iter(one.facets.values()), "") for one in solutions]
    left = dict.fromkeys(group, room // max(1, len(set(group))))
    for n, (one, name) in enumerate(zip(solutions, group, strict=True)):
        if left[name] < 0:
            continue
        drawn = _solution(one, n)
        left[name] -= len(drawn.encode())
        if left[name] >= 0:
            yield one, drawn


def _in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """As they came, but numbers by their size."""
    return sorted(counts.items(), key=lambda item: int(item[0]) if item[0].isdecimal() else -1)


def _solution(one: Solution, n: int) -> Html:
    facets = {f"data_f{i}": value for i, value in enumerate(one.facets.values())}
    name = tag("a", one.name, href=f"#s{n}")
    head = tag("h3", name, tag("span", one.verdict, class_="verdict"))
    details = tag("p", *(tag("span", detail) for detail in one.details), class_="details") if one.details else None
    steps = _steps(one.steps)
    if one.beside is not None:
        title, other = one.beside
        steps = tag(
            "div",
            tag("div", tag("h4", "This solution"), steps),
            tag("div", tag("h4", title), _steps(other)),
            class_="pair",
        )
    return tag("article", head, tag("p", clipped(one.prompt), class_="prompt"), steps, details, id=f"s{n}", **facets)


def _steps(steps: Sequence[Step]) -> Html:
    items = [_step(step, i) for i, step in enumerate(islice(steps, STEPS))]
    if len(steps) > STEPS:
        items.append(tag("li", tag("span", f"… {len(steps) - STEPS:,} more steps", class_="cut")))
    return tag("ol", *items, class_="steps", role="list")  # which a list without numbers is not to every reader


_SIGNS = {"right": "✓", "error": "✗", "after": "·"}


def _step(step: Step, i: int) -> Html:
    if step.score is None:
        first = tag("span", _SIGNS.get(step.state, ""), class_="sign") if step.state else None
    else:
        first = tag("b", f"{step.score:.2f}", style=f"--p:{step.score:.2f}")
    marks = [part for mark in step.marks for part in (" ", tag("em", mark))]
    note = [tag("i", step.note)] if step.note else []
    inside = tag("div", _marked(step), *marks, *note, dir="auto")
    level = None if step.score is None else f"p{min(int(step.score * LEVELS), LEVELS - 1)}"
    classes = " ".join(name for name in (level, step.state) if name)
    return tag("li", tag("span", str(i), class_="i"), first, inside, class_=classes or None)


def _marked(step: Step) -> Html:
    """The text with what differs from the right solution marked."""
    if not step.changed or len(step.text) > CHARACTERS:
        return clipped(step.text)
    parts: list[str] = []
    at = 0
    for start, end in step.changed:
        parts += [step.text[at:start], tag("mark", step.text[start:end])]
        at = end
    return joined([*parts, step.text[at:]])


def score_legend() -> Html:
    """What the colours of scores mean."""
    scale = [tag("span", class_=f"p{n}") for n in range(LEVELS)]
    bar = tag("span", tag("span", "0"), *scale, tag("span", "1"), class_="scale", aria_hidden="true")
    return tag("p", "Score of a step, P(right): orange is called wrong, blue right.", bar, class_="legend")


def state_legend() -> Html:
    """What the colours of labels mean."""
    signs = [("right", "✓ right"), ("error", "✗ first error"), ("after", "· after it, no longer on a right path")]
    return tag("p", *(tag("span", words, class_=state) for state, words in signs), class_="legend states")
