"""Open our pages in a real browser, and fail if it says anything, if a page is too wide for it, or if nothing filters.

    python .ci/page.py [BROWSER] [--keep DIR]

BROWSER is Chromium or Chrome, by default `chromium` on PATH; playwright drives it. In two widths and two themes each:
no message on the console, no request but for the page itself, no scrolling sideways, nothing of a hostile solution that
comes to life, filters and links that do what they say; and without JavaScript, everything is there to read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from dataset.made_config import made_config
from evaluation.made_result import HOSTILE, made_result
from made_rows import CONFIG

from prm_gsm8k.audit.page import audit_page
from prm_gsm8k.audit.run import audit
from prm_gsm8k.dataset.files import write_page
from prm_gsm8k.dataset.report import data_page
from prm_gsm8k.evaluation.page import evaluation_page
from prm_gsm8k.reports.html import AT_A_TIME

WIDTHS = {"phone": 390, "desktop": 1280}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Texts with too little contrast to what is behind them: WCAG 2.2, success criterion 1.4.3 (AA) asks for 4.5 to 1.
LOW_CONTRAST = """() => {
  const brush = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const light = colour => {
    const [r, g, b] = colour.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3]) return colour;
    }
  };
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const a = light(rgba(e.closest('svg') ? style.fill : style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.add(`${e.tagName} ${e.className.baseVal ?? e.className} ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("browser", nargs="?", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--keep", type=Path, help="keep pages and a screenshot of each here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = chosen.keep or Path(temporary)
        pages = write_pages(folder)
        # CI is root in a container, where Chromium's sandbox does not start; the pages are our own
        browser = playwright.chromium.launch(executable_path=chosen.browser, args=["--no-sandbox"])
        for path in pages:
            for width, pixels in WIDTHS.items():
                for theme in THEMES:
                    with opened(browser, path, pixels, theme) as page:
                        check_layout(page)
                        if chosen.keep:
                            page.screenshot(path=folder / f"{path.stem}-{width}-{theme}.png", full_page=True)
                        check_hostile_text(page)
                        check_filters(page)
                        check_theme(page, theme)
            with opened(browser, path, WIDTHS["phone"], "light", scripts=False) as page:
                check_without_script(page)
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, no complaint in 390 and 1280 px, light and dark")
        browser.close()


def write_pages(folder: Path) -> list[Path]:
    """Every kind of page we make, of made-up results with hostile texts and names."""
    pages = [folder / "evaluate.html", folder / "show.html", folder / "audit.html"]
    write_page(evaluation_page(made_result(name=f"org/{HOSTILE[0]}", extra=HOSTILE)), pages[0])
    config, tables = made_config(folder / "data", hostile=True)
    write_page(data_page(f"org/{HOSTILE[0]}", CONFIG, config, tables), pages[1])
    rows = folder / "rows.jsonl"
    rows.write_text("".join(f"{json.dumps(row)}\n" for table in tables.values() for row in table.to_pylist()))
    write_page(audit_page(audit(rows)), pages[2])
    return pages


@contextmanager
def opened(
    browser: Browser, path: Path, width: int, theme: Literal["light", "dark"], scripts: bool = True
) -> Iterator[Page]:
    """The page in the browser, which must have nothing to say until the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=theme,
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: said.append(f"request: {request.url[:100]}"))
    page.goto(path.resolve().as_uri())
    yield page
    context.close()
    expect(said == [f"request: {path.resolve().as_uri()}"], f"nothing on the console and no other request: {said}")


def check_layout(page: Page) -> None:
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    expect(wide == room, f"no scrolling sideways: {wide} pixels in {room}")
    small = page.evaluate(
        """[...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().height)
           .map(t => parseFloat(getComputedStyle(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b))
           .filter(pixels => pixels < 8).length"""
    )
    expect(small == 0, f"texts of pictures of 8 pixels or more: {small} are smaller")
    cut = page.evaluate(
        """[...document.querySelectorAll('.steps li > div, .prompt, h3')].filter(e => e.checkVisibility()
           && (e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth)).length"""
    )
    expect(cut == 0, f"no text runs out of its box or the window: {cut} do")
    unnamed = page.evaluate("document.querySelectorAll('svg:not([aria-label]), select:not(label select)').length")
    expect(unnamed == 0, "pictures and filters have names")
    pale = page.evaluate(LOW_CONTRAST)
    expect(not pale, f"texts to stand out from what is behind them: {pale}")
    twice = page.evaluate(
        "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
    )
    expect(twice == 0, f"an id stands for one thing: {twice} do not")


def check_hostile_text(page: Page) -> None:
    expect(page.locator("h1").count() == 1 and page.locator("img").count() == 0, "no markup of a solution is markup")
    expect("owned" not in page.title() or "<script>" in page.title(), "no script of a solution ran")
    expect(page.evaluate("document.scripts.length") == 1, "one script")
    expect(page.locator("li", has_text="</li></ol></article></main><h1>owned</h1>").count() > 0, "it is shown as text")


def check_filters(page: Page) -> None:
    shown = page.locator("article:visible")
    expect(shown.count() == AT_A_TIME, f"{AT_A_TIME} solutions at first, not {shown.count()}")
    page.locator(".more").click()
    expect(shown.count() == 2 * AT_A_TIME, "as many again")
    for n, select in enumerate(page.locator(".filters select").all()):
        option = select.locator("option").nth(1)
        value, said = option.get_attribute("value"), int(option.inner_text().rpartition("(")[2].rstrip(")"))
        select.select_option(value=value)
        expect(f"{said:,} of " in page.locator(".count").inner_text(), f"filter {n} finds what it says: {said}")
        while page.locator(".more").is_visible():
            page.locator(".more").click()
        expect(shown.count() == said, f"and shows them: {shown.count()}")
        values = page.evaluate(
            """facet => [...new Set([...document.querySelectorAll('article')].filter(a => !a.hidden)
                      .map(a => a.dataset[facet]))]""",
            select.get_attribute("data-facet"),
        )
        expect(values == [value], f"and nothing else: {values}")
        select.select_option(value="")
    page.get_by_label("Words").fill("no solution has these words")
    expect(shown.count() == 0 and "No solution" in page.locator(".count").inner_text(), "nothing is said to be nothing")
    name = page.locator("article h3 a").nth(40)
    page.get_by_label("Words").fill(name.inner_text() or name.text_content() or "")
    expect(shown.count() >= 1, "a solution is found by its id")
    page.get_by_label("Words").fill("")
    target = name.get_attribute("href") or ""
    page.evaluate(f"location.hash = '{target}'")
    page.wait_for_function(f"!document.querySelector('{target}').hidden")
    expect(page.locator(target).is_visible(), "a link to a solution shows it")


def check_theme(page: Page, theme: str) -> None:
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    before = page.evaluate(colour)
    page.locator("#theme").click()
    expect(page.evaluate(colour) != before, f"the other theme than {theme} is another")


def check_without_script(page: Page) -> None:
    shown = page.locator("article:visible").count()
    expect(shown == page.locator("article").count() > AT_A_TIME, f"without JavaScript all solutions are there: {shown}")
    expect(not page.locator(".filters").is_visible(), "and no filter that would do nothing")


def expect(true: bool, what: str) -> None:
    if not true:
        raise SystemExit(f"page: expected {what}")


if __name__ == "__main__":
    main()
