"""Make README's picture, data_page.png: solutions on the page that `prm-gsm8k show DIR --html` writes.

    pip install playwright
    python benchmarks/picture.py data [--error-type "relation turned"] [--browser chromium]

DIR is a folder made by `prm-gsm8k build`; the browser is Chromium or Chrome. The same rows give the same page.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).with_name("data_page.png")
LARGEST = 150_000  # bytes; README should be there at once
WIDTH, SCALE, SOLUTIONS, MARGIN = 1000, 1.6, 1, 16  # pixels; SCALE is for sharp screens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--error-type", default="relation turned", help="as the page's filter names it")
    parser.add_argument("--browser", default="chromium", help="a command, or a path")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "data.html"
        subprocess.run([sys.executable, "-m", "prm_gsm8k.cli", "show", options.folder, "--html", str(page)], check=True)
        png = small(Image.open(io.BytesIO(screenshot(page, options.error_type, options.browser))))
    if len(png) > LARGEST:
        raise SystemExit(f"the picture has {len(png):,} bytes, more than {LARGEST:,}: show fewer solutions")
    PICTURE.write_bytes(png)
    print(f"{PICTURE}: {len(png):,} bytes")


def screenshot(html: Path, error_type: str, browser: str) -> bytes:
    """The heading of the solutions, the filters, and the first solutions of an error type."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which(browser) or browser, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": WIDTH, "height": 800}, device_scale_factor=SCALE)
        page.goto(html.as_uri())
        page.locator(".filters select").first.select_option(value=error_type)
        top = page.get_by_role("heading", name="Solutions", exact=True).bounding_box()
        last = page.locator("article:visible").nth(SOLUTIONS - 1).bounding_box()
        assert top is not None and last is not None
        start, end = top["y"] - MARGIN, last["y"] + last["height"] + MARGIN / 2
        clip = {"x": 0, "y": start, "width": WIDTH, "height": end - start}
        png: bytes = page.screenshot(full_page=True, clip=clip)
        opened.close()
    return png


def small(image: Image.Image) -> bytes:
    """A picture of text needs few colours."""
    out = io.BytesIO()
    image.convert("RGB").quantize(48).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
