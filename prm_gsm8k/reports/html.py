"""Self-contained HTML pages: tables, charts, and solutions to browse with coloured steps.

    page("ProcessBench", lede="…", sections=[section("Figures", table(numbers)), section("Solutions", browse(some))])

A page makes no request and uses no library; its content security policy allows no script but its own `page.js`, which
only filters. Foreign text is escaped by type: `tag` escapes every `str` that is not `Html`, which only this module
makes. Invisible and bidirectional characters are shown by their code point, since people inspect data here.
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

CHARACTERS = 2_000  # shown of a problem or step; GSM8K's longest problem has 985, its longest step 350
STEPS = 60  # shown of a solution; GSM8K's longest has 11
BYTES = 2_000_000  # of all solutions on a page; with the charts of eight models (0.7 MB) a page is below 3 MB
AT_A_TIME = 12  # solutions shown before `Show more`
LEVELS = 7  # colours of scores, from 0 to 1

# controls except tab and newline, zero-width and bidirectional marks (not the joiners of letters and emoji),
# surrogates, tags and noncharacters
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)


class Html(str):
    """Safe markup, made by `tag` or `text`."""


@dataclass(frozen=True)
class Step:
    """A step to show.

    Attributes:
        text: the step.
        score: P(correct) in [0, 1], None without one.
        state: `right` (correct), `error` (the first error), `after` (the first error), or empty if unknown.
        marks: short labels.
        note: why it is incorrect.
        changed: spans (start, end) of the text that differ from the correct solution.
    """

    text: str
    score: float | None = None
    state: str = ""
    marks: tuple[str, ...] = ()
    note: str = ""
    changed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Solution:
    """A solution to show.

    Attributes:
        name: its id.
        prompt: the problem.
        steps: its steps.
        verdict: a few words on the whole solution.
        facets: values to filter by; all solutions of a page have the same keys.
        details: further lines.
        beside: title and steps of the correct solution to show beside it.
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
    """Escaped text, with invisible characters made visible.

    >>> text("<b>")
    '&lt;b&gt;'
    """
    escaped = html.escape(value.replace("\r\n", "\n"))
    return Html(_UNSEEN.sub(lambda m: f'<span class="unseen">{_number(m)}</span>', escaped))


def tag(name: str, /, *children: str | None, **attributes: str | int | bool | None) -> Html:
    """An element. `class_` and `data_kind` are written `class` and `data-kind`; an attribute that is None is omitted.

    >>> tag("p", "1 < 2", tag("br"), class_="note")
    '<p class="note">1 &lt; 2<br></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    inside = "".join(child if isinstance(child, Html) else text(child) for child in children if child is not None)
    return Html(f"<{name}{written}>{inside}" + ("" if name in ("br", "meta", "input", "link") else f"</{name}>"))


def joined(parts: Iterable[str]) -> Html:
    """Concatenation; parts that are not `Html` are escaped."""
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
    """Text cut to `limit` characters, with the number of missing ones.

    >>> clipped("1 + 1 = 2", 5)
    '1 + 1<span class="cut">… 4 more characters</span>'
    """
    more = len(value) - limit
    cut = tag("span", f"… {more:,} more character{'s' if more > 1 else ''}", class_="cut") if more > 0 else ""
    return Html(text(value[:limit]) + cut)


# ------------------------------------------------------------------------------------------------------------- a page


def page(title: str, *, lede: str, sections: Sequence[Html], facts: Mapping[str, str] | None = None) -> str:
    """A whole page.

    Args:
        title: the title.
        lede: a sentence or two below the title.
        sections: from `section`.
        facts: name -> value of what is needed to make the page again, shown at the end.
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
    """A section with a heading, to which the head of the page links."""
    return tag("section", tag("h2", title), *children, id=re.sub(r"\W+", "-", title.lower()))


def table(content: Table, caption: str, *, words: int = 1) -> Html:
    """A table that scrolls horizontally where it is too wide; columns after the first `words` are numeric.

    A parenthesis at the end of a cell, as in `82.4 (79.1 to 85.6)`, and further lines of it are set small below it.
    """
    head = [tag("th", name, scope="col", class_=None if n < words else "n") for n, name in enumerate(content.head)]
    rows = []
    for row in content.rows:
        # a name such as `runs/a-model/checkpoint-1200` may break after its separators
        name = Html(re.sub(r"(?<=[\w)])([/_-])(?=\w)", r"\1<wbr>", _cell(row[0])))
        cells = [tag("th", name, scope="row")]
        cells += [tag("td", _cell(cell), class_=None if n < words else "n") for n, cell in enumerate(row[1:], 1)]
        rows.append(tag("tr", *cells))
    inside = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return tag("div", inside, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _cell(cell: str) -> Html:
    first, *more = cell.split("\n")
    value, bracket, rest = first.partition(" (")
    small = [f"({rest}"] if bracket and rest.endswith(")") else []
    return joined([value if small else first, *(tag("small", line) for line in [*small, *more])])


def _facts(facts: Mapping[str, str]) -> Html:
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()), class_="facts")


def _asset(name: str) -> str:
    return files("prm_gsm8k.reports").joinpath(name).read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- charts

_COLOURS = {INK: "var(--ink)", FAINT: "var(--faint)", PAPER: "none"}
_COLOURS |= {colour.lower(): f"var(--c{n})" for n, colour in enumerate(SERIES)}


def charts(some: Sequence[Chart]) -> Html:
    """Charts, side by side where there is room."""
    return tag("div", *(chart(one) for one in some), class_="charts")


def chart(one: Chart) -> Html:
    """A chart in the colours of the page, light or dark, with its note and its numbers as a table."""
    numbers = tag("details", tag("summary", "Numbers"), table(one.table, one.title))
    words = tag("figcaption", tag("strong", one.title), tag("span", one.note))
    return tag("figure", words, _inline(svg(one), one), numbers)


def _inline(drawn: bytes, one: Chart) -> Html:
    """matplotlib's SVG as page markup: with the page's colours and unique ids."""
    root = ElementTree.fromstring(drawn)  # our own drawing; its texts are escaped
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
    """A list of solutions with filters by facet and by word.

    If they exceed `room`, each value of its first facet gets an equal share; the last solutions of each are left out
    and counted.

    Args:
        solutions: all with the same facets.
        legend: of the colours.
        room: bytes for all solutions.
    """
    shown = list(_fitting(solutions, room))
    facets = list(solutions[0].facets) if solutions else []
    selects = []
    for n, facet in enumerate(facets):
        counts = Counter(one.facets[facet] for one, _ in shown)
        if len(counts) < 2:
            continue
        # in order of appearance, but numbers ascending
        in_order = sorted(counts.items(), key=lambda item: int(item[0]) if item[0].isdecimal() else -1)
        values = [tag("option", f"{value} ({count})", value=value) for value, count in in_order]
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
    """The solutions that fit, in order; each value of the first facet gets an equal share of the room."""
    group = [next(iter(one.facets.values()), "") for one in solutions]
    left = dict.fromkeys(group, room // max(1, len(set(group))))
    for n, (one, name) in enumerate(zip(solutions, group, strict=True)):
        if left[name] < 0:
            continue
        drawn = _solution(one, n)
        left[name] -= len(drawn.encode())
        if left[name] >= 0:
            yield one, drawn


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
    return tag("ol", *items, class_="steps", role="list")  # some screen readers take an unnumbered list for none


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
    """The text, with the differences from the correct solution marked."""
    if not step.changed or len(step.text) > CHARACTERS:
        return clipped(step.text)
    parts: list[str] = []
    at = 0
    for start, end in step.changed:
        parts += [step.text[at:start], tag("mark", step.text[start:end])]
        at = end
    return joined([*parts, step.text[at:]])


def score_legend() -> Html:
    """The legend of scores."""
    scale = [tag("span", class_=f"p{n}") for n in range(LEVELS)]
    bar = tag("span", tag("span", "0"), *scale, tag("span", "1"), class_="scale", aria_hidden="true")
    return tag("p", "Score of a step, P(correct): from orange (incorrect) to blue (correct).", bar, class_="legend")


def state_legend() -> Html:
    """The legend of labels."""
    signs = [("right", "✓ correct"), ("error", "✗ first error"), ("after", "· after the first error")]
    return tag("p", *(tag("span", words, class_=state) for state, words in signs), class_="legend states")
